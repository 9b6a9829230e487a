// Signing and what follows from it, and what a patient's record begins with: problems, allergies,
// medications.
#include <algorithm>
#include <array>
#include <utility>

#include "care/signature.h"
#include "clinicdb/clinic/records.h"
#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/key.h"
#include "command_tools.h"
#include "patient_links.h"

namespace clinicdb::clinic {

namespace {

using engine::Key;
using engine::Reader;
using engine::Transaction;
using StoredRecord = engine::Stored<ClinicalRecord>;

constexpr std::size_t kAddendaMax = 256;

Result<StoredRecord> read_record(Reader& reader, ResourceType type, const std::string& id) {
  RETURN_IF_ERROR(id_from_bytes(id, "record.id").status());
  ASSIGN_OR_RETURN(auto stored, reader.get(records_table(), record_key(type, id)));
  if (!stored) return not_found("record.id: no such record").with_field("record.id");
  return std::move(*stored);
}

/// What the record's body calls its patient.
Result<std::string> patient_reference(Reader& reader, const std::string& patient_id) {
  if (patient_id.empty()) return std::string();
  ASSIGN_OR_RETURN(const auto patient, reader.get(patients_table(), patient_id));
  return patient ? patient_end(patient->record).reference : std::string();
}

Status emit_record(Transaction& tx, EventType type, const ClinicalRecord& record,
                   std::uint64_t version) {
  EventPayload payload;
  payload.set_id(record.id());
  payload.set_version(version);
  payload.set_resource_type(static_cast<std::uint32_t>(record.type()));
  payload.set_patient_id(record.patient_id());
  return emit(tx, type, payload);
}

struct CurrentList {
  ResourceType type;
  google::protobuf::RepeatedPtrField<ClinicalRecord>* (ListCurrentResponse::*list)();
};

/// What is over and done with, of any of the three lists.
bool is_current(const ClinicalRecord& record) {
  constexpr std::array<std::string_view, 9> kOver{"inactive",  "resolved", "remission",
                                                  "completed", "stopped",  "cancelled",
                                                  "not-taken", "draft",    "entered-in-error"};
  return std::find(kOver.begin(), kOver.end(), record.status()) == kOver.end();
}

}  // namespace

Result<SignRecordResponse> Records::sign(const CallContext& context,
                                         const SignRecordRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_RECORDS_SIGN, context, request.id()));
  if (context.user.is_nil())
    return failed_precondition("a signature is a user's; the call names none").with_field("user");
  return core_.execute<SignRecordResponse>(
      context, request_hash(context, METHOD_RECORDS_SIGN, request),
      [&](Transaction& tx, SignRecordResponse& response) -> Status {
        ASSIGN_OR_RETURN(const StoredRecord stored, read_record(tx, request.type(), request.id()));
        RETURN_IF_ERROR(check_version(expected_version(request), stored.meta));
        if (stored.record.has_signature()) {
          return failed_precondition("the record is signed already; add an addendum")
              .with_field("record.signature");
        }
        ClinicalRecord record = stored.record;
        Signature& signature = *record.mutable_signature();
        signature.set_user_id(user_bytes(context));
        signature.set_time_us(tx.now().us);
        signature.set_patient_id(record.patient_id());
        ASSIGN_OR_RETURN(*signature.mutable_patient_reference(),
                         patient_reference(tx, record.patient_id()));
        signature.set_sha256(care::content_hash(record, signature, signature.patient_reference()));
        RETURN_IF_ERROR(
            put_changed(tx, records_table(), record, stored, *response.mutable_result()));
        response.set_sha256(signature.sha256());
        return emit_record(tx, EVENT_RECORD_SIGNED, record, response.result().version());
      });
}

Result<AddAddendumResponse> Records::add_addendum(const CallContext& context,
                                                  const AddAddendumRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_RECORDS_ADD_ADDENDUM, context, request.id()));
  if (context.user.is_nil())
    return failed_precondition("an addendum is a user's; the call names none").with_field("user");
  if (request.text().empty() || request.text().size() > kNoteBytesMax)
    return invalid_argument("text: 1 byte to 64 KiB").with_field("text");
  return core_.execute<AddAddendumResponse>(
      context, request_hash(context, METHOD_RECORDS_ADD_ADDENDUM, request),
      [&](Transaction& tx, AddAddendumResponse& response) -> Status {
        ASSIGN_OR_RETURN(const StoredRecord stored, read_record(tx, request.type(), request.id()));
        if (!stored.record.has_signature()) {
          return failed_precondition("the record is not signed; edit it instead")
              .with_field("record.signature");
        }
        if (static_cast<std::size_t>(stored.record.addenda_size()) >= kAddendaMax) {
          return resource_exhausted("a record has at most 256 addenda")
              .with_field("record.addenda");
        }
        ClinicalRecord record = stored.record;
        Addendum addendum;
        addendum.set_text(request.text());
        addendum.set_author_id(user_bytes(context));
        addendum.set_time_us(tx.now().us);
        addendum.set_sha256(care::addendum_hash(care::last_hash(record), addendum));
        *record.add_addenda() = addendum;
        RETURN_IF_ERROR(
            put_changed(tx, records_table(), record, stored, *response.mutable_result()));
        response.set_sha256(addendum.sha256());
        return emit_record(tx, EVENT_RECORD_AMENDED, record, response.result().version());
      });
}

Result<VerifyRecordResponse> Records::verify(const CallContext& context,
                                             const VerifyRecordRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_RECORDS_VERIFY, context, request.id()));
  ASSIGN_OR_RETURN(const std::unique_ptr<Reader> reader, core_.store().view(context.tenant));
  ASSIGN_OR_RETURN(const StoredRecord stored, read_record(*reader, request.type(), request.id()));
  const ClinicalRecord& record = stored.record;
  VerifyRecordResponse response;
  response.set_signed_(record.has_signature());
  if (!record.has_signature()) return response;
  ASSIGN_OR_RETURN(const std::string reference, patient_reference(*reader, record.patient_id()));
  response.set_addenda(static_cast<std::uint32_t>(record.addenda_size()));
  if (care::content_hash(record, record.signature(), reference) != record.signature().sha256()) {
    response.set_problem("the content is not what was signed");
    return response;
  }
  std::string before = record.signature().sha256();
  for (int i = 0; i < record.addenda_size(); ++i) {
    if (care::addendum_hash(before, record.addenda(i)) != record.addenda(i).sha256()) {
      response.set_problem("addendum " + std::to_string(i + 1) + " is not what was added");
      return response;
    }
    before = record.addenda(i).sha256();
  }
  response.set_valid(true);
  return response;
}

Result<ListRecordsResponse> Records::list_notes(const CallContext& context,
                                                const ListNotesRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_RECORDS_LIST_NOTES, context, request.encounter_id()));
  RETURN_IF_ERROR(id_from_bytes(request.encounter_id(), "encounter_id").status());
  ASSIGN_OR_RETURN(const std::unique_ptr<Reader> reader, core_.store().view(context.tenant));
  ListRecordsResponse response;
  ASSIGN_OR_RETURN(*response.mutable_cursor(),
                   read_named(*reader, records_table(), RecordIndex::kNotes,
                              engine::KeyRange::prefix(request.encounter_id()),
                              {false, page_limit(request.limit()), request.cursor()},
                              *response.mutable_records()));
  return response;
}

Result<ListCurrentResponse> Records::list_current(const CallContext& context,
                                                  const ListCurrentRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_RECORDS_LIST_CURRENT, context, request.patient_id()));
  RETURN_IF_ERROR(id_from_bytes(request.patient_id(), "patient_id").status());
  ASSIGN_OR_RETURN(const std::unique_ptr<Reader> reader, core_.store().view(context.tenant));
  constexpr std::array<CurrentList, 4> kLists{
      {{RESOURCE_TYPE_CONDITION, &ListCurrentResponse::mutable_problems},
       {RESOURCE_TYPE_ALLERGY_INTOLERANCE, &ListCurrentResponse::mutable_allergies},
       {RESOURCE_TYPE_MEDICATION_REQUEST, &ListCurrentResponse::mutable_medications},
       {RESOURCE_TYPE_MEDICATION_STATEMENT, &ListCurrentResponse::mutable_medications}}};
  ListCurrentResponse response;
  for (const CurrentList& list : kLists) {
    google::protobuf::RepeatedPtrField<ClinicalRecord> records;
    const std::string prefix =
        Key().raw(request.patient_id()).u16(static_cast<std::uint16_t>(list.type)).str();
    ASSIGN_OR_RETURN(const std::string cursor,
                     read_named(*reader, records_table(), RecordIndex::kPatientType,
                                engine::KeyRange::prefix(prefix), {false, kPageMax, {}}, records));
    if (!cursor.empty()) response.set_cut(true);
    for (ClinicalRecord& record : records) {
      if (is_current(record)) *(response.*list.list)()->Add() = std::move(record);
    }
  }
  return response;
}

}  // namespace clinicdb::clinic
