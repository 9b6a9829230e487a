#include "cli/session.h"

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/settings.h"
#include "clinicdb/base/check.h"
#include "clinicdb/clinic/identity.h"
#include "clinicdb/clinic/schema/tenant.pb.h"

namespace clinicdb::server {

namespace {

constexpr const char* kDefaultDirectory = "./clinicdb-data";

std::string from_environment(const char* name, const char* fallback) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : fallback;
}

}  // namespace

Session::Session(Terminal terminal, std::ostream& out, std::ostream& error)
    : terminal_(terminal), out_(out), error_(error) {
  options_.data = from_environment("CLINICDB_DATA", kDefaultDirectory);
  options_.config = from_environment("CLINICDB_CONFIG", "");
}

Result<Target*> Session::open(Access access) {
  CLINICDB_CHECK(target_ == nullptr);
  if (!options_.server.endpoint.empty()) {
    ServerAddress address = options_.server;
    address.tls |= !address.authority_file.empty();
    // Secrets come by the environment: a command line is everybody's to read.
    address.token = from_environment("CLINICDB_TOKEN", "");
    address.api_key = from_environment("CLINICDB_API_KEY", "");
    target_ = open_server(address);
    return target_.get();
  }
  ASSIGN_OR_RETURN(const Configuration configuration, read_settings(options_.config));
  ASSIGN_OR_RETURN(target_, open_directory(options_.data, configuration.store, access));
  return target_.get();
}

Result<clinic::CallContext> Session::tenant_context() {
  ASSIGN_OR_RETURN(const clinic::Tenant tenant, target_->find_tenant(options_.tenant));
  zone_ = tenant.profile().zone();
  if (zone_.empty()) zone_ = "America/Sao_Paulo";
  return clinic::CallContext::system(TenantId{tenant.number()});
}

Status Session::close() {
  if (target_ == nullptr) return Status();
  const std::unique_ptr<Target> target = std::move(target_);
  return target->close();
}

void Session::show(const Json& json) {
  out_ << json.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
}

void Session::show(const TextTable& table) { out_ << table.text(terminal_.colour); }

void Session::say(std::string_view text) { out_ << text << '\n'; }

void Session::show_written(std::string_view what, const clinic::WriteResult& result) {
  if (json()) {
    show(to_json(result));
  } else {
    out_ << what << ' ' << id_text(result.id()) << (result.unchanged() ? ": it was so already" : "")
         << ".\n";
  }
}

void Session::note(std::string_view text) { error_ << text << '\n'; }

void Session::show_error(const Status& status) {
  const char* red = terminal_.error_colour ? "\x1b[31m" : "";
  const char* plain = terminal_.error_colour ? "\x1b[0m" : "";
  out_.flush();
  error_ << red << "clinicdb:" << plain << ' ' << printable(status.message()) << '\n';
  const std::string advice = advice_for(status);
  if (!advice.empty()) error_ << advice << '\n';
  if (!options_.json) return;
  Json error{{"code", status_code_name(status.code())},
             {"exit_code", static_cast<int>(exit_code_of(status))},
             {"message", status.message()}};
  if (!status.field().empty()) error["field"] = status.field();
  if (status.current_version() != 0) error["current_version"] = status.current_version();
  show(Json{{"error", std::move(error)}});
}

Status Session::flush() {
  out_.flush();
  if (out_) return Status();
  return status_from_errno(errno, "write", "standard output");
}

Result<std::string> parse_record_id(clinic::ResourceType type, std::string_view text,
                                    std::string_view option) {
  std::string_view id = text;
  const std::string prefix = std::string(clinic::resource_type_name(type)) + "/";
  if (id.starts_with(prefix)) id.remove_prefix(prefix.size());
  const Result<clinic::RecordIdentity> identity = clinic::identity_of(type, id);
  if (!identity) {
    return invalid_argument(std::string(option) + ": \"" + std::string(text) + "\" is no id")
        .with_field(option);
  }
  return std::string(identity->id.view());
}

}  // namespace clinicdb::server
