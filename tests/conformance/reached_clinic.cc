#include "conformance/reached_clinic.h"

#include <cstdlib>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <tuple>

#include "auth/jwt.h"
#include "conformance/reached_call.h"
#include "net/server.h"
#include "support/temporary_directory.h"
#include "support/test_certificate.h"

namespace clinicdb::clinic {

namespace {

constexpr std::string_view kSecret = "a secret of at least thirty-two bytes";

class SilentLog final : public server::Log {
 public:
  void write(server::LogLevel, std::string_view, std::initializer_list<server::LogField>) override {
  }
  void set_least(server::LogLevel) override {}
};

template <class T>
T must_have(Result<T> result) {
  if (!result) throw std::runtime_error("conformance: " + result.error().to_string());
  return std::move(result).value();
}

/// A right, and the scope that gives it and no other.
constexpr std::pair<AccessRight, std::string_view> kScopes[] = {
    {ACCESS_RIGHT_PEOPLE_READ, "user/Practitioner.read"},
    {ACCESS_RIGHT_PEOPLE_WRITE, "user/Practitioner.write"},
    {ACCESS_RIGHT_PATIENTS_READ, "user/Patient.read"},
    {ACCESS_RIGHT_PATIENTS_WRITE, "user/Patient.write"},
    {ACCESS_RIGHT_RECORDS_READ, "user/Observation.read"},
    {ACCESS_RIGHT_RECORDS_WRITE, "user/Observation.write"},
    {ACCESS_RIGHT_SCHEDULE_READ, "user/Appointment.read"},
    {ACCESS_RIGHT_SCHEDULE_WRITE, "user/Appointment.write"},
    {ACCESS_RIGHT_BILLING_READ, "user/Invoice.read"},
    {ACCESS_RIGHT_BILLING_WRITE, "user/Invoice.write"},
    {ACCESS_RIGHT_AUDIT_READ, "user/AuditEvent.read"}};

/// The claims that make a principal with the context's rights.
std::string rights_claim(Rights rights) {
  if (rights.bits() == Rights::all().bits()) return "\"roles\":[\"operator\"]";
  std::string scopes;
  Rights given;
  for (const auto& [right, scope] : kScopes) {
    if (!rights.allows(right)) continue;
    scopes.append(scopes.empty() ? "" : " ").append(scope);
    given = given.with(right);
  }
  if (given.bits() != rights.bits())
    throw std::runtime_error("conformance: no scopes give these rights");
  return "\"scope\":\"" + scopes + "\"";
}

}  // namespace

struct ReachedClinic::Served {
  using Who = std::tuple<TenantId, std::uint16_t, Uuid, Uuid>;

  Served(Clinic& clinic, bool with_tls) {
    server::ServerOptions options;
    options.port = 0;
    options.io_threads = 2;
    options.pool_threads = 2;
    auto policy = std::make_shared<server::AuthPolicy>();
    if (!policy->tokens.add_secret("", std::string(kSecret)).ok())
      throw std::runtime_error("conformance: no secret");
    options.auth = policy;
    options.session.offer.features = wire::FEATURE_COMPRESSION | wire::FEATURE_INVALIDATION;
    if (with_tls) {
      certificate = std::make_unique<test::TestCertificate>();
      options.tls.certificate = certificate->certificate_file();
      options.tls.key = certificate->key_file();
    }
    server = must_have(server::Server::start(clinic, std::move(options), log, system_clock()));
  }
  ~Served() {
    clients.clear();
    server->stop();
  }
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;

  std::unique_ptr<client::Client> connect(const CallContext& context, const std::string& slug) {
    const std::int64_t now_s = system_clock().now().us / 1'000'000;
    std::string claims = "{\"aud\":\"clinicdb\",\"exp\":" + std::to_string(now_s + 600) + "," +
                         rights_claim(context.rights);
    claims += ",\"tenant\":\"" + (slug.empty() ? "*" : slug) + "\"";
    if (!context.user.is_nil()) claims += ",\"sub\":\"" + context.user.to_string() + "\"";
    client::ClientOptions options;
    options.endpoints = {"localhost:" + std::to_string(server->port())};
    options.tenant = slug;
    options.token = must_have(server::sign_jwt_hs256("", kSecret, claims + "}"));
    options.session = context.session;
    options.tls.enabled = certificate != nullptr;
    if (certificate != nullptr) options.tls.authority_file = certificate->certificate_file();
    return must_have(client::Client::connect(options));
  }

  SilentLog log;
  std::unique_ptr<test::TestCertificate> certificate;
  std::unique_ptr<server::Server> server;
  std::mutex mutex;
  std::map<Who, std::unique_ptr<client::Client>> clients;  // guarded by mutex
};

ReachedClinic::ReachedClinic(Clinic& clinic, const Clock& clock) : clinic_(clinic), clock_(clock) {
  const char* reach = std::getenv("CLINICDB_REACH");
  const std::string_view how = reach == nullptr ? "embedded" : reach;
  if (how == "tcp" || how == "tls") {
    served_ = std::make_unique<Served>(clinic, how == "tls");
  } else if (how != "embedded") {
    throw std::runtime_error("CLINICDB_REACH is embedded, tcp or tls");
  }
}

ReachedClinic::~ReachedClinic() = default;

client::Client& ReachedClinic::client(const CallContext& context) {
  const std::lock_guard lock(served_->mutex);
  std::unique_ptr<client::Client>& client =
      served_->clients[{context.tenant, context.rights.bits(), context.user, context.session}];
  if (client == nullptr) {
    std::string slug;
    if (context.tenant.value != 0) {
      for (const engine::TenantInfo& each : must_have(clinic_.store().list_tenants())) {
        if (each.id == context.tenant) slug = each.slug;
      }
    }
    client = served_->connect(context, slug);
  }
  return *client;
}

ReachedPatientsById::Found ReachedPatientsById::get(const CallContext& context,
                                                    const Uuid& id) const {
  GetPatientRequest request;
  request.set_id(std::string(id.view()));
  return get(context, request);
}

ReachedPatientsById::Found ReachedPatientsById::find_by_cpf(const CallContext& context,
                                                            std::string_view cpf) const {
  if (!clinic_.is_served()) return clinic_.embedded().patients().find_by_cpf(context, cpf);
  FindPatientByCpfRequest request;
  request.set_cpf(std::string(cpf));
  return served_call<Found>(clinic_, client::kPatientServiceFindByCpf, context, request);
}

ReachedPatientsById::Found ReachedPatientsById::find_by_cns(const CallContext& context,
                                                            std::string_view cns) const {
  if (!clinic_.is_served()) return clinic_.embedded().patients().find_by_cns(context, cns);
  FindPatientByCnsRequest request;
  request.set_cns(std::string(cns));
  return served_call<Found>(clinic_, client::kPatientServiceFindByCns, context, request);
}

ReachedPatientsById::Found ReachedPatientsById::find_by_mrn(const CallContext& context,
                                                            std::string_view system,
                                                            std::string_view value) const {
  if (!clinic_.is_served())
    return clinic_.embedded().patients().find_by_mrn(context, system, value);
  FindPatientByMrnRequest request;
  request.set_system(std::string(system));
  request.set_value(std::string(value));
  return served_call<Found>(clinic_, client::kPatientServiceFindByMrn, context, request);
}

Result<std::shared_ptr<const GetAppointmentResponse>> ReachedSchedulingById::get(
    const CallContext& context, const Uuid& id) const {
  GetAppointmentRequest request;
  request.set_id(std::string(id.view()));
  return get(context, request);
}

}  // namespace clinicdb::clinic
