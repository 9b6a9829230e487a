#include "clinicdb/clinic/consents.h"

#include <algorithm>
#include <utility>

#include "care/tables.h"
#include "check_parts.h"
#include "clinicdb/clinic/digest.h"
#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/key.h"
#include "command_tools.h"
#include "consent_table.h"
#include "fhir/merge.h"
#include "patient_links.h"
#include "record_calls.h"

namespace clinicdb::clinic {

namespace {

using engine::Key;
using engine::Reader;
using engine::Transaction;

constexpr std::size_t kPurposeBytesMax = 64;
constexpr std::size_t kTextBytesMax = std::size_t{256} << 10;

Status check_purpose(const std::string& purpose, const std::string& field) {
  const bool good = std::all_of(purpose.begin(), purpose.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
  if (good && !purpose.empty() && purpose.size() <= kPurposeBytesMax) return {};
  return refuse(field, "1 to 64 of a-z, 0-9 and -");
}

Status check_given(const Consent& consent) {
  RETURN_IF_ERROR(id_from_bytes(consent.id(), "consent.id").status());
  RETURN_IF_ERROR(id_from_bytes(consent.patient_id(), "consent.patient_id").status());
  RETURN_IF_ERROR(check_purpose(consent.purpose(), "consent.purpose"));
  if (!LegalBasis_IsValid(consent.legal_basis())) return refuse("consent.legal_basis", "not known");
  if (consent.text().size() > kTextBytesMax)
    return refuse("consent.text", "at most 256 KiB are possible; attach a longer one");
  if (consent.channel().size() > kNameBytesMax)
    return refuse("consent.channel", "at most 512 bytes are possible");
  if (!consent.fhir().empty()) return refuse("consent.fhir", "comes by an import alone");
  return {};
}

Status emit_consent(Transaction& tx, EventType type, const Consent& consent,
                    std::uint64_t version) {
  EventPayload payload;
  payload.set_id(consent.id());
  payload.set_version(version);
  payload.set_patient_id(consent.patient_id());
  return emit(tx, type, payload);
}

/// Why it does not stand; empty: it does.
std::string why_not(const Consent& consent, Time now) {
  if (consent.withdrawn_us() != 0) return "withdrawn";
  if (consent.expires_us() != 0 && consent.expires_us() <= now.us) return "expired";
  if (consent.given_us() > now.us) return "not given yet";
  return {};
}

std::string purpose_prefix(const std::string& patient, const std::string& purpose) {
  return Key().raw(patient).text(purpose).str();
}

}  // namespace

Result<GiveConsentResponse> Consents::give(const CallContext& context,
                                           GiveConsentRequest request) const {
  Consent& given = *request.mutable_consent();
  RETURN_IF_ERROR(core_.authorise(METHOD_CONSENTS_GIVE, context, given.patient_id()));
  const std::uint64_t hash = request_hash(context, METHOD_CONSENTS_GIVE, request);
  if (given.id().empty()) given.set_id(std::string(core_.new_id().view()));
  if (given.legal_basis() == LEGAL_BASIS_UNSPECIFIED) given.set_legal_basis(LEGAL_BASIS_CONSENT);
  RETURN_IF_ERROR(check_given(given));
  given.set_text_sha256(given.text().empty() ? std::string() : sha256(given.text()));
  given.clear_withdrawn_us();
  given.clear_withdraw_reason();
  given.set_user_id(user_bytes(context));
  return core_.execute<GiveConsentResponse>(
      context, hash, [&](Transaction& tx, GiveConsentResponse& response) -> Status {
        RETURN_IF_ERROR(check_patient(tx, given.patient_id(), "consent.patient_id"));
        RETURN_IF_ERROR(
            check_there(tx, attachments_table(), given.attachment_id(), "consent.attachment_id"));
        Consent consent = given;
        if (consent.given_us() == 0) consent.set_given_us(tx.now().us);
        if (consent.expires_us() != 0 && consent.expires_us() <= consent.given_us())
          return refuse("consent.expires_us", "is before it was given");
        RETURN_IF_ERROR(put_new(tx, consents_table(), consent, *response.mutable_result()));
        return emit_consent(tx, EVENT_CONSENT_GIVEN, consent, 1);
      });
}

Result<WithdrawConsentResponse> Consents::withdraw(const CallContext& context,
                                                   const WithdrawConsentRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_CONSENTS_WITHDRAW, context, request.id()));
  if (request.reason().size() > kNameBytesMax)
    return refuse("reason", "at most 512 bytes are possible");
  return core_.execute<WithdrawConsentResponse>(
      context, request_hash(context, METHOD_CONSENTS_WITHDRAW, request),
      [&](Transaction& tx, WithdrawConsentResponse& response) -> Status {
        ASSIGN_OR_RETURN(const auto stored, must_get(tx, consents_table(), request.id(), "id"));
        if (stored.record.withdrawn_us() != 0) {
          return failed_precondition("id: the consent was withdrawn before").with_field("id");
        }
        Consent consent = stored.record;
        consent.set_withdrawn_us(tx.now().us);
        consent.set_withdraw_reason(request.reason());
        RETURN_IF_ERROR(fhir::merge(consent));
        RETURN_IF_ERROR(
            put_changed(tx, consents_table(), consent, stored, *response.mutable_result()));
        return emit_consent(tx, EVENT_CONSENT_WITHDRAWN, consent, response.result().version());
      });
}

Result<std::shared_ptr<const GetConsentResponse>> Consents::get(
    const CallContext& context, const GetConsentRequest& request) const {
  return get_record(core_, context, METHOD_CONSENTS_GET, consents_table(), request.id(),
                    &GetConsentResponse::mutable_consent);
}

Result<ListConsentsResponse> Consents::list(const CallContext& context,
                                            const ListConsentsRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_CONSENTS_LIST, context, request.patient_id()));
  RETURN_IF_ERROR(id_from_bytes(request.patient_id(), "patient_id").status());
  ASSIGN_OR_RETURN(const std::unique_ptr<Reader> reader, core_.store().view(context.tenant));
  const std::string prefix = request.purpose().empty()
                                 ? request.patient_id()
                                 : purpose_prefix(request.patient_id(), request.purpose());
  ListConsentsResponse response;
  RETURN_IF_ERROR(read_named(*reader, consents_table(), ConsentIndex::kPatient,
                             engine::KeyRange::prefix(prefix), {false, kPageMax, {}},
                             *response.mutable_consents())
                      .status());
  return response;
}

Result<CheckConsentResponse> Consents::check(const CallContext& context,
                                             const CheckConsentRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_CONSENTS_CHECK, context, request.patient_id()));
  RETURN_IF_ERROR(id_from_bytes(request.patient_id(), "patient_id").status());
  RETURN_IF_ERROR(check_purpose(request.purpose(), "purpose"));
  ASSIGN_OR_RETURN(const std::unique_ptr<Reader> reader, core_.store().view(context.tenant));
  google::protobuf::RepeatedPtrField<Consent> newest;
  RETURN_IF_ERROR(
      read_named(*reader, consents_table(), ConsentIndex::kPatient,
                 engine::KeyRange::prefix(purpose_prefix(request.patient_id(), request.purpose())),
                 {false, 1, {}}, newest)
          .status());
  CheckConsentResponse response;
  if (newest.empty()) {
    response.set_reason("never given");
    return response;
  }
  response.set_consent_id(newest[0].id());
  response.set_reason(why_not(newest[0], core_.clock().now()));
  response.set_allowed(response.reason().empty());
  return response;
}

}  // namespace clinicdb::clinic
