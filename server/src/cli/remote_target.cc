// A server as a target: the same methods over the network. What works on a store's files says that
// it needs them.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <map>

#include "cli/remote_transfer.h"
#include "cli/target.h"
#include "clinicdb/client/client.h"
#include "clinicdb/client/subscription.h"
#include "clinicdb/clinic/schema/tenant.pb.h"

namespace clinicdb::server {

namespace {

/// The method's answer as a message to make others of; nullptr when there is no such method.
const google::protobuf::Message* prototype_of(const clinic::MethodInfo& info) {
  const google::protobuf::ServiceDescriptor* service =
      google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
          "clinicdb.clinic." + std::string(info.service));
  const google::protobuf::MethodDescriptor* method =
      service == nullptr ? nullptr : service->FindMethodByName(std::string(info.name));
  return method == nullptr ? nullptr
                           : google::protobuf::MessageFactory::generated_factory()->GetPrototype(
                                 method->output_type());
}

bool reads(const clinic::MethodInfo& info) {
  return info.audit == clinic::AUDIT_ACTION_READ || info.audit == clinic::AUDIT_ACTION_SEARCH;
}

Status needs_files(const char* what) {
  return failed_precondition(std::string(what) +
                             " works on a store's directory: call it where that is, with --data");
}

class RemoteTarget final : public Target {
 public:
  explicit RemoteTarget(const ServerAddress& address) : address_(address) {}

  Result<clinic::Tenant> find_tenant(const std::string& slug) override {
    ASSIGN_OR_RETURN(client::Client * client, client_of(slug));
    ASSIGN_OR_RETURN(const auto found, client->tenants().get({}));
    if (found == nullptr) return not_found("there is no tenant " + slug);
    slugs_[found->tenant().number()] = slug;
    return found->tenant();
  }

  Result<AnyAnswer> call(clinic::MethodId method, const clinic::CallContext& context,
                         const google::protobuf::Message& request) override {
    const clinic::MethodInfo* info = clinic::find_method(method);
    const google::protobuf::Message* response = info == nullptr ? nullptr : prototype_of(*info);
    if (response == nullptr) return unimplemented("there is no method " + std::to_string(method));
    ASSIGN_OR_RETURN(client::Client * client, client_of(slugs_[context.tenant.value]));
    const std::string name = std::string(info->service) + "." + std::string(info->name);
    client::CallOptions options;
    options.request_id = context.request_id;
    options.fresh = !context.use_cache;
    ASSIGN_OR_RETURN(
        const client::Answer answer,
        client->call({method, name, reads(*info), info->cache}, request, *response, options));
    auto message = std::dynamic_pointer_cast<const google::protobuf::Message>(answer);
    if (const auto* found = dynamic_cast<const clinic::FindTenantResponse*>(message.get())) {
      slugs_[found->tenant().number()] = found->tenant().slug();
    }
    return AnyAnswer(std::move(message));
  }

  Result<clinic::fhir::ImportReport> import_fhir(
      const clinic::CallContext& context, const std::vector<std::string>& paths,
      const clinic::fhir::ImportOptions& options) override {
    ASSIGN_OR_RETURN(client::Client * client, client_of(slugs_[context.tenant.value]));
    return import_over(*client, paths, options);
  }
  Result<clinic::fhir::ExportReport> export_fhir(
      const clinic::CallContext& context, const std::string& directory,
      const clinic::fhir::ExportOptions& options) override {
    ASSIGN_OR_RETURN(client::Client * client, client_of(slugs_[context.tenant.value]));
    return export_over(*client, directory, options);
  }
  Status follow(const clinic::CallContext& context, const clinic::ReadEventsRequest& from,
                const std::function<bool(const clinic::ReadEventsResponse&)>& take) override {
    ASSIGN_OR_RETURN(client::Client * client, client_of(slugs_[context.tenant.value]));
    client::Subscription events(*client, from);
    for (;;) {
      const auto page = events.next(std::chrono::milliseconds(500));
      // A server that is away comes back, and the subscription keeps its place; an empty page lets
      // an interrupt be seen meanwhile.
      if (!page && page.error().code() != StatusCode::kUnavailable) return page.error();
      if (!take(page ? **page : clinic::ReadEventsResponse::default_instance())) return {};
    }
  }
  Result<engine::StoreStats> stats() override { return needs_files("stats"); }
  Result<engine::VerifyReport> verify(const engine::VerifyOptions&) override {
    return needs_files("verify");
  }
  Result<engine::BackupReport> backup(const std::string&, const engine::BackupOptions&) override {
    return needs_files("backup");
  }
  Result<engine::TenantBackupReport> backup_tenant(const clinic::CallContext&, const std::string&,
                                                   const engine::BackupOptions&) override {
    return needs_files("backup");
  }
  Result<engine::TenantRestoreReport> restore_tenant(const std::string&, const std::string&,
                                                     const engine::BackupOptions&) override {
    return needs_files("restore");
  }
  Status close() override {
    clients_.clear();
    return {};
  }

 private:
  /// A connection works for one tenant, which its hello names; "" is the store itself.
  Result<client::Client*> client_of(const std::string& slug) {
    std::unique_ptr<client::Client>& client = clients_[slug];
    if (client == nullptr) {
      client::ClientOptions options;
      options.endpoints = {address_.endpoint};
      options.tenant = slug;
      options.token = address_.token;
      options.api_key = address_.api_key;
      options.tls.enabled = address_.tls;
      options.tls.authority_file = address_.authority_file;
      options.timeout_ms = 30'000;
      options.program = "clinicdb " CLINICDB_VERSION;
      ASSIGN_OR_RETURN(client, client::Client::connect(options));
    }
    return client.get();
  }

  const ServerAddress address_;
  std::map<std::string, std::unique_ptr<client::Client>> clients_;  // by slug
  std::map<std::uint64_t, std::string> slugs_;                      // by tenant's number; 0: ""
};

}  // namespace

std::unique_ptr<Target> open_server(const ServerAddress& address) {
  return std::make_unique<RemoteTarget>(address);
}

}  // namespace clinicdb::server
