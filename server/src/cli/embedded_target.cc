#include "cli/target.h"
#include "clinicdb/clinic/clinic.h"

namespace clinicdb::server {

namespace {

class EmbeddedTarget final : public Target {
 public:
  explicit EmbeddedTarget(std::unique_ptr<clinic::Clinic> clinic) : clinic_(std::move(clinic)) {}

  Result<clinic::Tenant> find_tenant(const std::string& slug) override {
    clinic::FindTenantRequest request;
    request.set_slug(slug);
    ASSIGN_OR_RETURN(const clinic::FindTenantResponse found,
                     clinic_->tenants().find(clinic::CallContext::system(TenantId{}), request));
    return found.tenant();
  }

  Result<AnyAnswer> call(clinic::MethodId method, const clinic::CallContext& context,
                         const google::protobuf::Message& request) override {
    return dispatch(*clinic_, method, context, request);
  }

  Result<clinic::fhir::ImportReport> import_fhir(
      const clinic::CallContext& context, const std::vector<std::string>& paths,
      const clinic::fhir::ImportOptions& options) override {
    return clinic::fhir::import_fhir(clinic_->store(), context.tenant, paths, options);
  }
  Result<clinic::fhir::ExportReport> export_fhir(
      const clinic::CallContext& context, const std::string& directory,
      const clinic::fhir::ExportOptions& options) override {
    return clinic::fhir::export_fhir(clinic_->store(), context.tenant, directory, options);
  }

  Result<clinic::BookingsReport> load_noshow(const std::string& path,
                                             const clinic::BookingsOptions& options) override {
    return clinic::load_noshow(clinic_->store(), path, options);
  }

  Result<clinic::BookingsReport> load_outpatient(const std::string& directory,
                                                 const clinic::BookingsOptions& options) override {
    return clinic::load_outpatient(clinic_->store(), directory, options);
  }

  Result<engine::StoreStats> stats() override { return clinic_->store().stats(); }
  Result<engine::VerifyReport> verify(const engine::VerifyOptions& options) override {
    return clinic_->store().verify(options);
  }

  Result<engine::BackupReport> backup(const std::string& directory,
                                      const engine::BackupOptions& options) override {
    return engine::backup_store(clinic_->store(), directory, options);
  }
  Result<engine::TenantBackupReport> backup_tenant(const clinic::CallContext& context,
                                                   const std::string& file,
                                                   const engine::BackupOptions& options) override {
    return engine::backup_tenant(clinic_->store(), context.tenant, file, options);
  }
  Result<engine::TenantRestoreReport> restore_tenant(
      const std::string& file, const std::string& slug,
      const engine::BackupOptions& options) override {
    return engine::restore_tenant(clinic_->store(), file, slug, options);
  }

  Status close() override { return clinic_->close(); }

 private:
  const std::unique_ptr<clinic::Clinic> clinic_;
};

}  // namespace

Result<std::unique_ptr<Target>> open_directory(const std::string& directory,
                                               engine::StoreOptions options, Access access) {
  options.create_if_missing = access == Access::kMake;
  options.read_only = access == Access::kRead;
  clinic::ClinicOptions clinic_options;
  clinic_options.store = options;
  ASSIGN_OR_RETURN(std::unique_ptr<clinic::Clinic> clinic,
                   clinic::Clinic::open(directory, std::move(clinic_options)));
  return std::unique_ptr<Target>(std::make_unique<EmbeddedTarget>(std::move(clinic)));
}

}  // namespace clinicdb::server
