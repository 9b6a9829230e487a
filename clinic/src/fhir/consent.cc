#include "fhir/consent.h"

#include <string>

#include "clinicdb/clinic/identity.h"

namespace clinicdb::clinic::fhir {

namespace {

constexpr std::string_view kPurposeSystem = "urn:clinicdb:consent-purpose";
constexpr std::string_view kActCodes = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
constexpr std::size_t kPurposeBytesMax = 64;

/// A code in the form of our purposes: "TREAT" as "treat".
std::string purpose_of(std::string_view code) {
  std::string purpose;
  for (const char c : code.substr(0, kPurposeBytesMax)) {
    if (c >= 'A' && c <= 'Z') {
      purpose.push_back(static_cast<char>(c - 'A' + 'a'));
    } else {
      purpose.push_back((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '-');
    }
  }
  return purpose;
}

std::string coded(std::string_view system, std::string_view code) {
  return ObjectWriter()
      .raw("coding",
           "[" + ObjectWriter().string("system", system).string("code", code).object() + "]")
      .object();
}

}  // namespace

std::string_view consent_status_code(const Consent& consent) {
  return consent.withdrawn_us() == 0 ? "active" : "inactive";
}

std::optional<Consent> read_consent(JsonValue resource, FieldReader& reader) {
  reader.require(resource, "status");
  const std::string_view status = reader.string(resource, "status");
  Consent consent;
  consent.set_patient_id(reader.reference(resource.member("patient"), RESOURCE_TYPE_PATIENT));
  const std::optional<Time> given = reader.date_time(resource, "dateTime");
  if ((status != "active" && status != "inactive") || consent.patient_id().empty() || !given)
    return std::nullopt;
  Coding policy;
  std::string text;
  reader.concept_coding(resource.member("policyRule"), policy, text);
  const JsonValue provision = reader.object(resource, "provision");
  if (policy.code() != "OPTIN" || reader.string(provision, "type") == "deny") return std::nullopt;
  for (const char* const narrower :
       {"actor", "action", "securityLabel", "class", "code", "data", "dataPeriod", "provision"}) {
    if (provision.member(narrower)) return std::nullopt;
  }
  consent.set_given_us(given->us);
  if (const auto end = reader.date_time(reader.object(provision, "period"), "end"))
    consent.set_expires_us(end->us);
  Coding purpose;
  const JsonValue purposes = reader.objects(provision, "purpose");
  if (purposes.size() > 1) return std::nullopt;
  if (purposes) {
    reader.coding(purposes.first(), purpose);
  } else {
    reader.concept_coding(reader.objects(resource, "category").first(), purpose, text);
  }
  consent.set_purpose(purpose_of(purpose.code()));
  if (consent.purpose().empty()) return std::nullopt;
  consent.set_legal_basis(LEGAL_BASIS_CONSENT);
  if (status == "inactive") consent.set_withdrawn_us(given->us);
  return consent;
}

std::string write_consent(const Consent& consent, const ReferenceOf& reference_of) {
  const std::string purpose =
      ObjectWriter().string("system", kPurposeSystem).string("code", consent.purpose()).object();
  std::string period;
  if (consent.expires_us() != 0) {
    period = ObjectWriter()
                 .string("start", format_instant(Time{consent.given_us()}))
                 .string("end", format_instant(Time{consent.expires_us()}))
                 .object();
  }
  return ObjectWriter()
      .string("resourceType", "Consent")
      .string("id", fhir_id_text(consent.id(), consent.fhir_id()))
      .string("status", consent_status_code(consent))
      .raw("scope", coded("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy"))
      .raw("category", "[" + coded("http://loinc.org", "59284-0") + "]")
      .raw("patient",
           ObjectWriter()
               .string("reference", reference_of(RESOURCE_TYPE_PATIENT, consent.patient_id()))
               .object())
      .string("dateTime", format_instant(Time{consent.given_us()}))
      .raw("policyRule", coded(kActCodes, "OPTIN"))
      .raw("provision", ObjectWriter()
                            .string("type", "permit")
                            .raw("period", period)
                            .raw("purpose", "[" + purpose + "]")
                            .object())
      .object();
}

}  // namespace clinicdb::clinic::fhir
