#include "clinicdb/clinic/patients.h"

#include <utility>

#include "clinicdb/clinic/check.h"
#include "clinicdb/clinic/identifiers.h"
#include "clinicdb/clinic/identity.h"
#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/key.h"
#include "core.h"
#include "fhir/merge.h"
#include "patient_links.h"
#include "patient_search.h"

namespace clinicdb::clinic {

/// Keeps the parts, with their texts' memory, which clearing the whole would leave behind in the
/// arena. Who fills the answer sets them both.
template <>
bool AnswerPlace<GetPatientResponse>::clear() {
  if (arena_.SpaceAllocated() > kFreeAnswerBytesMax ||
      answer_->ByteSizeLong() > kFreeAnswerBytesMax)
    return false;
  answer_->mutable_patient()->Clear();
  answer_->mutable_meta()->Clear();
  return true;
}

namespace {

using Found = std::shared_ptr<const GetPatientResponse>;
using FilledPatient = Filled<GetPatientResponse>;

constexpr std::string_view kPatientNoun = "patient";

void describe_nothing(const Patient&, EventPayload&) {}

Status in_order(Patient& patient) {
  RETURN_IF_ERROR(fhir::merge(patient));
  return check(patient, patient.fhir().empty() ? Strictness::kEntered : Strictness::kImported);
}

Result<FilledPatient> fill_patient(const CallContext& context, engine::Reader& reader,
                                   std::string_view key) {
  ASSIGN_OR_RETURN(Found answer, read_answer<GetPatientResponse>(
                                     reader, patients_table(), key,
                                     &GetPatientResponse::mutable_patient, context.use_cache));
  FilledPatient filled{std::move(answer), {}};
  if (context.use_cache)
    filled.tags = {engine::cache_tag_record(reader.tenant(), patients_table().def().id, key)};
  return filled;
}

/// The patient that has `entry` in a unique index. The answer depends on the patient's record
/// alone: who else could have the entry, as long as that record has it?
Result<FilledPatient> fill_by_entry(const CallContext& context, engine::Reader& reader,
                                    engine::IndexNumber index, std::string_view entry) {
  ASSIGN_OR_RETURN(const std::optional<std::string> key,
                   reader.find(patients_table().def(), index, entry));
  if (!key) return FilledPatient{};
  return fill_patient(context, reader, *key);
}

Result<Found> find(const Core& core, MethodId method, const CallContext& context,
                   engine::IndexNumber index, std::string_view entry) {
  return core.cached<GetPatientResponse>(method, context, entry, [&](engine::Reader& reader) {
    return fill_by_entry(context, reader, index, entry);
  });
}

/// OK where no record names the patient.
Status none_names(engine::Reader& reader, std::string_view id) {
  ASSIGN_OR_RETURN(const bool named, is_linked(reader, id));
  if (!named) return {};
  return failed_precondition(
             "the patient has records or appointments, which the law has kept; set inactive "
             "instead")
      .with_field("patient.id");
}

}  // namespace

Result<RegisterPatientResponse> Patients::register_patient(const CallContext& context,
                                                           RegisterPatientRequest request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_PATIENTS_REGISTER, context, request.patient().id()));
  SaveOptions options{kPatientNoun,
                      Existing::kMustNotExist,
                      0,
                      request_hash(context, METHOD_PATIENTS_REGISTER, request),
                      EVENT_PATIENT_REGISTERED,
                      EVENT_PATIENT_REGISTERED};
  Patient& patient = *request.mutable_patient();
  patient.clear_replaced_by_id();
  if (patient.id().empty()) patient.set_id(std::string(core_.new_id().view()));
  const std::string id = patient.id();
  return core_.save<RegisterPatientResponse>(
      context, patients_table(), std::move(patient), id, options,
      [](Patient& record, const Patient*) { return in_order(record); },
      [](engine::Transaction&) { return Status(); }, &describe_nothing);
}

Result<UpdatePatientResponse> Patients::update(const CallContext& context,
                                               UpdatePatientRequest request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_PATIENTS_UPDATE, context, request.patient().id()));
  RETURN_IF_ERROR(id_from_bytes(request.patient().id(), "patient.id").status());
  SaveOptions options{kPatientNoun,
                      Existing::kMustExist,
                      {},
                      request_hash(context, METHOD_PATIENTS_UPDATE, request),
                      EVENT_PATIENT_UPDATED,
                      EVENT_PATIENT_UPDATED};
  if (request.has_expected_version()) options.expected_version = request.expected_version();
  const std::string id = request.patient().id();
  return core_.save<UpdatePatientResponse>(
      context, patients_table(), std::move(*request.mutable_patient()), id, options,
      [](Patient& record, const Patient* current) {
        if (!current->replaced_by_id().empty()) {
          return failed_precondition("the patient was merged into " +
                                     Uuid::from_bytes(current->replaced_by_id()).to_string() +
                                     "; edit that one, or undo the merge")
              .with_field("patient.id");
        }
        record.clear_replaced_by_id();
        keep_fhir(record, *current);
        return in_order(record);
      },
      [](engine::Transaction&) { return Status(); }, &describe_nothing);
}

Result<RemovePatientResponse> Patients::remove(const CallContext& context,
                                               const RemovePatientRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_PATIENTS_REMOVE, context, request.id()));
  RETURN_IF_ERROR(id_from_bytes(request.id(), "patient.id").status());
  const std::uint64_t hash = request_hash(context, METHOD_PATIENTS_REMOVE, request);
  std::optional<std::uint64_t> expected;
  if (request.has_expected_version()) expected = request.expected_version();
  Result<RemovePatientResponse> done = core_.execute<RemovePatientResponse>(
      context, hash, [&](engine::Transaction& tx, RemovePatientResponse& response) -> Status {
        RETURN_IF_ERROR(none_names(tx, request.id()));
        RETURN_IF_ERROR(tx.remove(patients_table().def(), request.id(), expected));
        ASSIGN_OR_RETURN(const std::optional<engine::RawRecord> tombstone,
                         tx.get_any(patients_table().def(), request.id()));
        EventPayload payload;
        payload.set_id(request.id());
        payload.set_version(tombstone ? tombstone->meta.version : 0);
        response.mutable_result()->set_id(request.id());
        response.mutable_result()->set_version(payload.version());
        return tx.emit(EVENT_PATIENT_REMOVED, payload.SerializeAsString());
      });
  if (!done) return name_fields(std::move(done).error(), kPatientNoun);
  return done;
}

Result<Found> Patients::get(const CallContext& context, const Uuid& id) const {
  const std::string_view key = id.view();
  RETURN_IF_ERROR(core_.authorise(METHOD_PATIENTS_GET, context, key));
  return core_.cached<GetPatientResponse>(
      METHOD_PATIENTS_GET, context, key,
      [&](engine::Reader& reader) { return fill_patient(context, reader, key); });
}

Result<Found> Patients::get(const CallContext& context, const GetPatientRequest& request) const {
  ASSIGN_OR_RETURN(const Uuid id, id_from_bytes(request.id(), "id"));
  return get(context, id);
}

Result<Found> Patients::find_by_cpf(const CallContext& context, std::string_view cpf) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_PATIENTS_FIND_BY_CPF, context));
  const Result<std::string> digits = parse_cpf(cpf, "cpf");
  if (!digits) return Found();
  return find(core_, METHOD_PATIENTS_FIND_BY_CPF, context, PatientIndex::kCpf, *digits);
}

Result<Found> Patients::find_by_cns(const CallContext& context, std::string_view cns) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_PATIENTS_FIND_BY_CNS, context));
  const Result<std::string> digits = parse_cns(cns, "cns");
  if (!digits) return Found();
  return find(core_, METHOD_PATIENTS_FIND_BY_CNS, context, PatientIndex::kCns, *digits);
}

Result<Found> Patients::find_by_mrn(const CallContext& context, std::string_view system,
                                    std::string_view value) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_PATIENTS_FIND_BY_MRN, context));
  return find(core_, METHOD_PATIENTS_FIND_BY_MRN, context, PatientIndex::kMrn,
              identifier_key(system, value));
}

Result<std::shared_ptr<const SearchPatientsResponse>> Patients::search(
    const CallContext& context, const SearchPatientsRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_PATIENTS_SEARCH, context));
  ArgumentBytes arguments;
  arguments.text(request.text()).text(request.phone()).text(date_key(request.birth_date()));
  arguments.text(request.cpf())
      .text(request.cns())
      .text(request.mrn().system())
      .text(request.mrn().value());
  arguments.u64(request.limit()).text(request.cursor());
  arguments.u64((request.has_mrn() ? 1u : 0u) | (request.has_birth_date() ? 2u : 0u));
  return core_.cached<SearchPatientsResponse>(
      METHOD_PATIENTS_SEARCH, context, arguments.view(),
      [&](engine::Reader& reader) { return search_patients(reader, request, context.use_cache); });
}

Result<std::shared_ptr<const PatientTimelineResponse>> Patients::timeline(
    const CallContext& context, const PatientTimelineRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_PATIENTS_TIMELINE, context, request.patient_id()));
  RETURN_IF_ERROR(id_from_bytes(request.patient_id(), "patient_id").status());
  ArgumentBytes arguments;
  arguments.raw(request.patient_id()).u64(request.limit()).raw(request.cursor());
  return core_.cached<PatientTimelineResponse>(
      METHOD_PATIENTS_TIMELINE, context, arguments.view(),
      [&](engine::Reader& reader) { return read_timeline(reader, request, context.use_cache); });
}

Result<PatientHistoryResponse> Patients::history(const CallContext& context,
                                                 const PatientHistoryRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_PATIENTS_HISTORY, context, request.id()));
  RETURN_IF_ERROR(id_from_bytes(request.id(), "id").status());
  ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader,
                   core_.store().view(context.tenant));
  PatientHistoryResponse response;
  RETURN_IF_ERROR(read_history(*reader, patients_table(), request.id(), request.limit(),
                               &GetPatientResponse::mutable_patient, *response.mutable_versions()));
  return response;
}

}  // namespace clinicdb::clinic
