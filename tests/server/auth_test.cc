// Who somebody is and what they may do, without a socket.
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <catch2/catch.hpp>
#include <set>

#include "auth/authenticator.h"
#include "auth/encoding.h"
#include "clinicdb/base/random.h"
#include "clinicdb/wire/schema/protocol.pb.h"

namespace clinicdb::server {
namespace {

const std::string kSecret = "a secret of at least thirty-two bytes";
constexpr Time kNow{1'700'000'000'000'000};
constexpr const char* kGood =
    R"({"sub":"0190b3c1-0000-7000-8000-000000000001","tenant":"sorriso","aud":"clinicdb",)"
    R"("roles":["reception"],"exp":1700000600,"iat":1700000000})";

JwtVerifier verifier() {
  JwtVerifier tokens{JwtOptions{}};
  REQUIRE(tokens.add_secret("", kSecret).ok());
  return tokens;
}
std::string signed_claims(const std::string& claims) {
  return *sign_jwt_hs256("", kSecret, claims);
}
std::string reason(const Result<Principal>& refused) {
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == StatusCode::kUnauthenticated);
  return std::string(refused.error().message());
}

struct KeyPair {
  std::string private_pem;
  std::string public_pem;
};
std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}
KeyPair ed25519() {
  EVP_PKEY* key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  BIO* secret = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(secret, key, nullptr, nullptr, 0, nullptr, nullptr);
  BIO* open = BIO_new(BIO_s_mem());
  PEM_write_bio_PUBKEY(open, key);
  EVP_PKEY_free(key);
  return {text_of(secret), text_of(open)};
}

TEST_CASE("jwt: a good token says who, where and what", "[server]") {
  const Result<Principal> principal = verifier().verify(signed_claims(kGood), kNow);
  REQUIRE(principal);
  CHECK(principal->user.to_string() == "0190b3c1-0000-7000-8000-000000000001");
  CHECK(principal->tenants == std::vector<std::string>{"sorriso"});
  CHECK(principal->rights.allows(clinic::ACCESS_RIGHT_SCHEDULE_WRITE));
  CHECK_FALSE(principal->rights.allows(clinic::ACCESS_RIGHT_RECORDS_READ));
  CHECK_FALSE(principal->rights.allows(clinic::ACCESS_RIGHT_TENANTS_WRITE));
  CHECK(principal->until > kNow);
}

TEST_CASE("jwt: what is wrong with a token is told, and lets nobody in", "[server]") {
  const auto [claims, why] = GENERATE(table<std::string, std::string>({
      {R"({"tenant":"a","aud":"clinicdb"})", "has no exp"},
      {R"({"tenant":"a","aud":"clinicdb","exp":1699999000})", "has expired"},
      {R"({"tenant":"a","aud":"clinicdb","exp":1700000600,"nbf":1700000300})", "not valid yet"},
      {R"({"tenant":"a","aud":"clinicdb","exp":1700000600,"iat":1700000300})", "in the future"},
      {R"({"tenant":"a","aud":"clinicdb","exp":1800000000})", "lives longer"},
      {R"({"tenant":"a","aud":"clinicdb","exp":1e300})", "out of range"},
      {R"({"tenant":"a","aud":"clinicdb","exp":"soon"})", "no number"},
      {R"({"tenant":"a","aud":"other","exp":1700000600})", "another audience"},
      {R"({"tenant":"a","exp":1700000600})", "another audience"},
      {R"({"aud":"clinicdb","exp":1700000600})", "names no tenant"},
      {R"({"tenants":7,"aud":"clinicdb","exp":1700000600})", "no list"},
      {R"({"tenant":"a","roles":"owner","aud":"clinicdb","exp":1700000600})", "no short list"},
      {"[]", "no JSON object"},
      {"{", "no JSON object"},
  }));
  CAPTURE(claims);
  CHECK(reason(verifier().verify(signed_claims(claims), kNow)).find(why) != std::string::npos);
}

TEST_CASE("jwt: no byte of a token can be changed", "[server]") {
  const std::string token = signed_claims(kGood);
  const JwtVerifier tokens = verifier();
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    CHECK_FALSE(tokens.verify(changed, kNow));
  }
  CHECK_FALSE(tokens.verify(token.substr(0, token.rfind('.') + 1), kNow));
  CHECK_FALSE(tokens.verify("", kNow));
  CHECK_FALSE(tokens.verify("..", kNow));
  CHECK_FALSE(tokens.verify(std::string(9000, 'a'), kNow));
}

TEST_CASE("jwt: the algorithm is the key's, whatever the header says", "[server]") {
  const KeyPair keys = ed25519();
  JwtVerifier tokens{JwtOptions{}};
  REQUIRE(tokens.add_public_key("ed", keys.public_pem).ok());
  CHECK(tokens.verify(*sign_jwt_eddsa("ed", keys.private_pem, kGood), kNow));
  // The classic: the public key taken for a secret.
  CHECK(reason(tokens.verify(*sign_jwt_hs256("ed", keys.public_pem, kGood), kNow))
            .find("another algorithm") != std::string::npos);
  const std::string none =
      to_base64url(R"({"alg":"none","kid":"ed"})") + "." + to_base64url(kGood) + ".";
  CHECK_FALSE(tokens.verify(none, kNow));
  CHECK(reason(tokens.verify(*sign_jwt_eddsa("other", keys.private_pem, kGood), kNow))
            .find("not known") != std::string::npos);
  CHECK_FALSE(tokens.add_public_key("bad", keys.private_pem).ok());
  CHECK_FALSE(tokens.add_secret("short", "short").ok());
  CHECK_FALSE(tokens.add_secret("ed", kSecret).ok());
}

TEST_CASE("scopes: SMART's words become rights, and nothing more than they say", "[server]") {
  const auto rights = [](std::string_view scopes) { return rights_of_scopes(scopes).bits(); };
  const auto bits = [](std::initializer_list<clinic::AccessRight> list) {
    clinic::Rights all;
    for (const auto right : list) all = all.with(right);
    return all.bits();
  };
  CHECK(rights("user/Patient.rs") == bits({clinic::ACCESS_RIGHT_PATIENTS_READ}));
  CHECK(rights("user/Appointment.cruds") ==
        bits({clinic::ACCESS_RIGHT_SCHEDULE_READ, clinic::ACCESS_RIGHT_SCHEDULE_WRITE}));
  CHECK(rights("system/Observation.write") == bits({clinic::ACCESS_RIGHT_RECORDS_WRITE}));
  CHECK(rights("user/Practitioner.read openid launch") == bits({clinic::ACCESS_RIGHT_PEOPLE_READ}));
  CHECK((rights("user/*.*") & bits({clinic::ACCESS_RIGHT_TENANTS_WRITE})) == 0);
  for (const char* nothing :
       {"", "patient/Patient.rs", "user/Patient.rs?_id=7", "user/Patient.c", "user/Patient.",
        "user/.rs", "Patient.rs", "user/Patient.xyz", "user/Patient"}) {
    CAPTURE(nothing);
    CHECK(rights(nothing) == 0);
  }
}

TEST_CASE("principal: a tenant is one that the credential is for", "[server]") {
  Principal one;
  one.tenants = {"sorriso"};
  CHECK(*one.choose_tenant("") == "sorriso");
  CHECK(*one.choose_tenant("sorriso") == "sorriso");
  CHECK(one.choose_tenant("outra").error().code() == StatusCode::kPermissionDenied);
  Principal two;
  two.tenants = {"a", "b"};
  CHECK(two.choose_tenant("").error().code() == StatusCode::kPermissionDenied);
  CHECK(*two.choose_tenant("b") == "b");
  Principal all;
  all.any_tenant = true;
  CHECK(all.choose_tenant("")->empty());
  CHECK(*all.choose_tenant("any") == "any");
}

TEST_CASE("api keys: made, kept hashed, found again; anything else is refused alike", "[server]") {
  SeededRandom random(7);
  const auto made = make_api_key({"desk", {}, {"sorriso"}, {"reception"}, 0}, random);
  REQUIRE(made);
  CHECK(made->line.find(made->text.substr(9)) == std::string::npos);
  const auto keys = ApiKeys::parse("# desks\n\n" + made->line + "\n");
  REQUIRE(keys);
  const auto principal = keys->verify(made->text, kNow);
  REQUIRE(principal);
  CHECK(principal->name == "key:desk");
  CHECK(principal->rights.allows(clinic::ACCESS_RIGHT_PATIENTS_WRITE));
  std::set<std::string> reasons;
  std::string wrong = made->text;
  wrong[wrong.size() / 2] = wrong[wrong.size() / 2] == 'x' ? 'y' : 'x';
  for (const std::string& bad : {std::string(), std::string("cdb_"), wrong, made->text + "a",
                                 "cdb_other" + made->text.substr(8)}) {
    reasons.insert(reason(keys->verify(bad, kNow)));
  }
  CHECK(reasons.size() == 1);

  const auto ended = make_api_key({"old", {}, {"*"}, {"operator"}, kNow.us}, random);
  CHECK_FALSE(ApiKeys::parse(ended->line)->verify(ended->text, kNow));
  CHECK_FALSE(make_api_key({"Bad Id", {}, {"a"}, {"owner"}, 0}, random));
  CHECK_FALSE(make_api_key({"a", {}, {"a"}, {"king"}, 0}, random));
  CHECK_FALSE(make_api_key({"a", {}, {}, {"owner"}, 0}, random));
  for (const char* bad : {"{}", "7", R"({"id":"a","sha256":"00"})", "{", R"({"id":"A"})"}) {
    CAPTURE(bad);
    CHECK(ApiKeys::parse(bad).error().message().find("line 1") == 0);
  }
  CHECK_FALSE(ApiKeys::parse(made->line + "\n" + made->line));
}

TEST_CASE("replay: a token is its first session's until it ends", "[server]") {
  ReplayGuard guard(2);
  const Uuid one = Uuid::from_bytes(std::string(16, '1'));
  const Uuid two = Uuid::from_bytes(std::string(16, '2'));
  const Time later{kNow.us + 1000};
  CHECK(guard.admit("a", one, later, kNow).ok());
  CHECK(guard.admit("a", one, later, kNow).ok());
  CHECK(guard.admit("a", two, later, kNow).code() == StatusCode::kUnauthenticated);
  CHECK(guard.admit("", one, later, kNow).code() == StatusCode::kUnauthenticated);
  CHECK(guard.admit("b", Uuid(), later, kNow).code() == StatusCode::kUnauthenticated);
  CHECK(guard.admit("b", two, later, kNow).ok());
  // Full: nobody is forgotten for a newcomer, until one has ended.
  CHECK(guard.admit("c", two, later, kNow).code() == StatusCode::kResourceExhausted);
  CHECK(guard.admit("c", two, Time{later.us + 9}, later).ok());
  CHECK(guard.size() == 1);
}

TEST_CASE("authenticator: each kind of credential, and none", "[server]") {
  auto policy = std::make_shared<AuthPolicy>();
  REQUIRE(policy->tokens.add_secret("", kSecret).ok());
  policy->tokens_are_for_one_session = true;
  const FakeClock clock(kNow);
  Authenticator who(clock, policy);
  const Uuid session = Uuid::from_bytes(std::string(16, '1'));
  wire::Credential credential;
  const auto ask = [&](const PeerFacts& peer) {
    return who.authenticate(credential, session, peer);
  };
  CHECK_FALSE(ask({}));
  credential.set_none(true);
  CHECK_FALSE(ask(PeerFacts{true, {}}));
  credential.set_certificate(true);
  CHECK_FALSE(ask({}));
  CHECK(ask(PeerFacts{false, "node-1"})->name == "node:node-1");
  credential.set_api_key("cdb_a_b");
  CHECK_FALSE(ask({}));
  credential.set_token(signed_claims(kGood));
  CHECK(reason(ask({})).find("jti") != std::string::npos);

  auto open = std::make_shared<AuthPolicy>();
  open->open_on_loopback = true;
  who.set_policy(open);
  credential.set_none(true);
  CHECK(ask(PeerFacts{true, {}})->any_tenant);
  CHECK_FALSE(ask(PeerFacts{false, {}}));
}

}  // namespace
}  // namespace clinicdb::server
