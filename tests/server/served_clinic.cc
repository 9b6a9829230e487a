#include "served_clinic.h"

#include <stdexcept>

namespace clinicdb::server {

namespace {

TenantId make_tenant(clinic::Clinic& clinic, const std::string& slug) {
  clinic::CreateTenantRequest request;
  request.set_slug(slug);
  const auto made = must(clinic.tenants().create(clinic::CallContext::system(TenantId{}), request));
  return TenantId{made.tenant().number()};
}

}  // namespace

ServedClinic::ServedClinic(const std::function<void(ServerOptions&)>& adjust, Log* log,
                           const Clock& clock) {
  clinic_ = must(clinic::Clinic::open(directory_.path(), {}));
  tenant_ = make_tenant(*clinic_, "sorriso");
  other_ = make_tenant(*clinic_, "outra");
  auto policy = std::make_shared<AuthPolicy>();
  if (!policy->tokens.add_secret("", std::string(kSecret)).ok())
    throw std::runtime_error("no secret");
  policy->open_on_loopback = true;
  ServerOptions options;
  options.port = 0;
  options.io_threads = 2;
  options.pool_threads = 2;
  options.auth = policy;
  options.session.offer.features =
      wire::FEATURE_COMPRESSION | wire::FEATURE_STREAMS | wire::FEATURE_INVALIDATION;
  if (adjust) adjust(options);
  server_ = must(Server::start(*clinic_, std::move(options), log != nullptr ? *log : log_, clock));
}

ServedClinic::~ServedClinic() { server_->stop(); }

std::string ServedClinic::token(const std::string& roles, const std::string& more_claims) const {
  const std::int64_t now_s = system_clock().now().us / 1'000'000;
  std::string claims = "{\"roles\":" + roles;
  if (more_claims.find("\"tenant") == std::string::npos) claims += ",\"tenant\":\"sorriso\"";
  if (more_claims.find("\"exp\"") == std::string::npos)
    claims += ",\"exp\":" + std::to_string(now_s + 600);
  if (more_claims.find("\"aud\"") == std::string::npos) claims += ",\"aud\":\"clinicdb\"";
  if (!more_claims.empty()) claims += "," + more_claims;
  return must(sign_jwt_hs256("", kSecret, claims + "}"));
}

std::unique_ptr<Peer> ServedClinic::owner(const std::string& tenant) {
  auto peer = std::make_unique<Peer>(port());
  peer->hello(with_token(token("[\"owner\"]", "\"tenant\":\"" + tenant + "\"")), "",
              std::string(16, 's'));
  peer->flush();
  const auto reply = peer->receive();
  if (!reply || reply->type != wire::FrameType::kHelloReply)
    throw std::runtime_error("the hello was not answered");
  return peer;
}

std::string ServedClinic::patient(TenantId tenant, std::string_view name) {
  clinic::RegisterPatientRequest request;
  request.mutable_patient()->add_names()->set_text(std::string(name));
  return must(clinic_->patients().register_patient(clinic::CallContext::system(tenant), request))
      .result()
      .id();
}

}  // namespace clinicdb::server
