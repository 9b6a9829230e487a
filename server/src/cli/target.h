// Target: what a command is addressed to. Commands know nothing else of where the data is, so that
// a server can stand where now a directory does, with the same words and the same output.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "clinicdb/base/check.h"
#include "clinicdb/base/result.h"
#include "clinicdb/clinic/context.h"
#include "clinicdb/clinic/fhir/exporter.h"
#include "clinicdb/clinic/fhir/importer.h"
#include "clinicdb/clinic/load/bookings.h"
#include "clinicdb/clinic/methods.h"
#include "clinicdb/clinic/schema/feed.pb.h"
#include "clinicdb/clinic/schema/tenant.pb.h"
#include "clinicdb/engine/backup.h"
#include "clinicdb/engine/store.h"
#include "dispatch.h"

namespace clinicdb::server {

/// Thread-compatible.
class Target {
 public:
  virtual ~Target() = default;

  /// The tenant of that name, for calls on it. kNotFound when there is none.
  virtual Result<clinic::Tenant> find_tenant(const std::string& slug) = 0;
  /// A method of the clinic's services: see dispatch.h.
  virtual Result<AnyAnswer> call(clinic::MethodId method, const clinic::CallContext& context,
                                 const google::protobuf::Message& request) = 0;

  /// FHIR in and out, for the context's tenant: see clinic/fhir/importer.h and exporter.h.
  virtual Result<clinic::fhir::ImportReport> import_fhir(
      const clinic::CallContext& context, const std::vector<std::string>& paths,
      const clinic::fhir::ImportOptions& options) = 0;
  virtual Result<clinic::fhir::ExportReport> export_fhir(
      const clinic::CallContext& context, const std::string& directory,
      const clinic::fhir::ExportOptions& options) = 0;

  /// What happens to the context's tenant, page by page as it happens, to `take`, until it returns
  /// false; at least twice a second it is given a page without events. Only of a server: a
  /// directory that one process changes, no other can follow.
  virtual Status follow(const clinic::CallContext& context, const clinic::ReadEventsRequest& from,
                        const std::function<bool(const clinic::ReadEventsResponse&)>& take) {
    static_cast<void>(context);
    static_cast<void>(from);
    static_cast<void>(take);
    return unimplemented("--follow: events are followed on a server: give --connect");
  }

  /// Bookings in, one tenant a place: see clinic/load/bookings.h. Only where the store is at hand.
  virtual Result<clinic::BookingsReport> load_noshow(const std::string& path,
                                                     const clinic::BookingsOptions& options) {
    static_cast<void>(path);
    static_cast<void>(options);
    return unimplemented("bookings are loaded into a store's directory: give --data");
  }

  virtual Result<clinic::BookingsReport> load_outpatient(const std::string& directory,
                                                         const clinic::BookingsOptions& options) {
    static_cast<void>(directory);
    static_cast<void>(options);
    return unimplemented("bookings are loaded into a store's directory: give --data");
  }

  virtual Result<engine::StoreStats> stats() = 0;
  virtual Result<engine::VerifyReport> verify(const engine::VerifyOptions& options) = 0;

  /// Copies that outlive it: see engine/backup.h.
  virtual Result<engine::BackupReport> backup(const std::string& directory,
                                              const engine::BackupOptions& options) = 0;
  virtual Result<engine::TenantBackupReport> backup_tenant(
      const clinic::CallContext& context, const std::string& file,
      const engine::BackupOptions& options) = 0;
  virtual Result<engine::TenantRestoreReport> restore_tenant(
      const std::string& file, const std::string& slug, const engine::BackupOptions& options) = 0;

  /// Ends the use of it; what was written is durable before. Later calls fail.
  virtual Status close() = 0;
};

/// Whether the store may be made, changed, or read only, beside a process that has it.
enum class Access { kMake, kChange, kRead };

/// A store in a directory, opened by this process.
Result<std::unique_ptr<Target>> open_directory(const std::string& directory,
                                               engine::StoreOptions options, Access access);

/// Where a server is, and who calls.
struct ServerAddress {
  std::string endpoint;  ///< "host:port"
  bool tls = false;
  std::string authority_file;  ///< certificates to trust, PEM; empty: the system's
  std::string token;
  std::string api_key;
};

/// A server; it is reached with the first call.
std::unique_ptr<Target> open_server(const ServerAddress& address);

/// `target.call`, with the answer as the message that the method returns. May be nullptr.
template <class Response>
Result<std::shared_ptr<const Response>> ask(Target& target, clinic::MethodId method,
                                            const clinic::CallContext& context,
                                            const google::protobuf::Message& request) {
  ASSIGN_OR_RETURN(AnyAnswer answer, target.call(method, context, request));
  std::shared_ptr<const Response> response = std::dynamic_pointer_cast<const Response>(answer);
  CLINICDB_CHECK(answer == nullptr || response != nullptr);
  return response;
}

}  // namespace clinicdb::server
