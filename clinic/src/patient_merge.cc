// Merging and undoing. Everything is read and prepared on the caller's thread from one view; the
// commit checks that nothing of it has changed since, and that nothing new names the patient, and
// puts what was prepared. Who was merged is put before who is kept, so that a unique identifier is
// free when it changes hands; undoing goes the other way round.
#include <utility>

#include "check_parts.h"
#include "clinicdb/clinic/check.h"
#include "clinicdb/clinic/duplicates.h"
#include "clinicdb/clinic/identity.h"
#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/key.h"
#include "core.h"
#include "fhir/merge.h"
#include "patient_links.h"
#include "patient_union.h"

namespace clinicdb::clinic {

namespace {

using engine::Reader;
using engine::Transaction;
using StoredPatient = engine::Stored<Patient>;

/// What a commit puts.
struct Plan {
  engine::PreparedRecord first;  // of the two patients
  std::uint64_t first_version = 0;
  engine::PreparedRecord second;
  std::uint64_t second_version = 0;
  std::vector<Repointed> records;
  engine::PreparedRecord merge;
  std::uint64_t merge_version = 0;  // 0: new
};

Result<StoredPatient> read_patient(Reader& reader, const std::string& id, std::string_view field) {
  RETURN_IF_ERROR(id_from_bytes(id, field).status());
  ASSIGN_OR_RETURN(auto stored, reader.get(patients_table(), id));
  if (!stored) return not_found(std::string(field) + ": no such patient").with_field(field);
  if (!stored->record.replaced_by_id().empty()) {
    return refuse_state(field, "the patient was merged into " +
                                   Uuid::from_bytes(stored->record.replaced_by_id()).to_string());
  }
  return std::move(*stored);
}

Result<engine::PreparedRecord> prepare_patient(Patient& patient, const StoredPatient& before) {
  RETURN_IF_ERROR(fhir::merge(patient));
  RETURN_IF_ERROR(check(patient, Strictness::kImported));
  return patients_table().prepare(patient, before);
}

Status put_plan(Transaction& tx, const Plan& plan) {
  RETURN_IF_ERROR(tx.put(plan.first, {plan.first_version, false, false}).status());
  RETURN_IF_ERROR(tx.put(plan.second, {plan.second_version, false, false}).status());
  for (const Repointed& record : plan.records) {
    const Status put = tx.put(record.prepared, {record.version, false, false}).status();
    if (put.code() == StatusCode::kFailedPrecondition && put.field() == "claims") {
      return refuse_state("merge_id",
                          "both patients have an appointment at one time; cancel one of them");
    }
    RETURN_IF_ERROR(put);
  }
  return tx.put(plan.merge, {plan.merge_version, false, false}).status();
}

Status emit(Transaction& tx, EventType type, const PatientMerge& merge) {
  EventPayload payload;
  payload.set_id(merge.id());
  payload.set_version(type == EVENT_PATIENTS_MERGED ? 1 : 2);
  payload.set_patient_id(merge.kept_id());
  payload.set_count(static_cast<std::uint64_t>(merge.moved_size()));
  return tx.emit(static_cast<std::uint16_t>(type), payload.SerializeAsString());
}

std::string user_bytes(const CallContext& context) {
  return context.user.is_nil() ? std::string() : std::string(context.user.view());
}

/// Runs `attempt` again as long as somebody was faster.
template <class Response, class Attempt>
Result<Response> until_not_raced(Attempt attempt) {
  for (int i = 1;; ++i) {
    Result<Response> done = attempt();
    if (done || done.error().code() != StatusCode::kAborted || i == kSaveAttemptsMax) return done;
  }
}

/// An identifier that another has: in the words of the caller.
template <class Response>
Result<Response> name_taken(Result<Response> done) {
  if (done || done.error().code() != StatusCode::kAlreadyExists) return done;
  return name_fields(std::move(done).error(), "patient");
}

struct MergePlan : Plan {
  PatientMerge record;
  std::vector<LinkedRecord> linked;
};

Result<MergePlan> plan_merge(Reader& reader, const MergePatientsRequest& request) {
  ASSIGN_OR_RETURN(const StoredPatient kept, read_patient(reader, request.keep_id(), "keep_id"));
  ASSIGN_OR_RETURN(const StoredPatient merged,
                   read_patient(reader, request.merge_id(), "merge_id"));
  MergePlan plan;
  ASSIGN_OR_RETURN(plan.linked, linked_records(reader, request.merge_id(), kMergeRecordsMax));
  const PatientEnd from = patient_end(merged.record);
  const PatientEnd to = patient_end(kept.record);
  for (const LinkedRecord& linked : plan.linked) {
    ASSIGN_OR_RETURN(std::optional<Repointed> record, repoint(reader, linked, from, to));
    if (!record) return data_loss("an index entry names a patient that its record does not");
    plan.records.push_back(std::move(*record));
    PatientMerge::Moved& moved = *plan.record.add_moved();
    moved.set_table(linked.table.value);
    moved.set_key(linked.key);
  }
  plan.record.set_kept_id(kept.record.id());
  plan.record.set_merged_id(merged.record.id());
  plan.record.set_reason(request.reason());
  *plan.record.mutable_kept_before() = kept.record;
  *plan.record.mutable_merged_before() = merged.record;
  Patient kept_after = kept.record;
  Patient merged_after = merged.record;
  unite(kept_after, merged_after);
  ASSIGN_OR_RETURN(plan.first, prepare_patient(merged_after, merged));
  ASSIGN_OR_RETURN(plan.second, prepare_patient(kept_after, kept));
  plan.first_version = merged.meta.version;
  plan.second_version = kept.meta.version;
  *plan.record.mutable_kept_after() = kept_after;
  return plan;
}

struct UndoPlan : Plan {
  PatientMerge record;
  std::uint32_t left = 0;
};

Result<UndoPlan> plan_undo(Reader& reader, const std::string& id, Time now) {
  ASSIGN_OR_RETURN(const auto stored, reader.get(patient_merges_table(), id));
  if (!stored) return not_found("id: no such merge").with_field("id");
  if (stored->record.undone_us() != 0) return refuse_state("id", "the merge was undone before");
  UndoPlan plan;
  plan.record = stored->record;
  PatientMerge& merge = plan.record;
  // One who was merged on since is refused: the later merge is to be undone first.
  ASSIGN_OR_RETURN(const StoredPatient kept, read_patient(reader, merge.kept_id(), "kept_id"));
  ASSIGN_OR_RETURN(const auto merged, reader.get(patients_table(), merge.merged_id()));
  if (!merged) return refuse_state("id", "the merged patient has been removed");
  const PatientEnd from = patient_end(kept.record);
  const PatientEnd to = patient_end(merged->record);
  for (const PatientMerge::Moved& moved : merge.moved()) {
    const LinkedRecord linked{{static_cast<std::uint16_t>(moved.table())}, moved.key()};
    ASSIGN_OR_RETURN(std::optional<Repointed> record, repoint(reader, linked, from, to));
    if (record) {
      plan.records.push_back(std::move(*record));
    } else {
      ++plan.left;
    }
  }
  Patient kept_after = without_change(merge.kept_before(), merge.kept_after(), kept.record);
  Patient merged_after = merge.merged_before();
  ASSIGN_OR_RETURN(plan.first, prepare_patient(kept_after, kept));
  ASSIGN_OR_RETURN(plan.second, prepare_patient(merged_after, *merged));
  plan.first_version = kept.meta.version;
  plan.second_version = merged->meta.version;
  merge.set_undone_us(now.us);
  ASSIGN_OR_RETURN(plan.merge, patient_merges_table().prepare(merge, *stored));
  plan.merge_version = stored->meta.version;
  return plan;
}

}  // namespace

Result<MergePatientsResponse> Duplicates::merge(const CallContext& context,
                                                const MergePatientsRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_DUPLICATES_MERGE, context, request.merge_id()));
  if (request.keep_id() == request.merge_id())
    return invalid_argument("merge_id: is the patient who is kept").with_field("merge_id");
  if (request.reason().size() > kNameBytesMax) {
    return invalid_argument("reason: at most " + std::to_string(kNameBytesMax) +
                            " bytes are possible")
        .with_field("reason");
  }
  const std::uint64_t hash = request_hash(context, METHOD_DUPLICATES_MERGE, request);
  const std::string id(core_.new_id().view());
  Result<MergePatientsResponse> done =
      until_not_raced<MergePatientsResponse>([&]() -> Result<MergePatientsResponse> {
        ASSIGN_OR_RETURN(std::unique_ptr<Reader> reader, core_.store().view(context.tenant));
        ASSIGN_OR_RETURN(MergePlan plan, plan_merge(*reader, request));
        reader.reset();
        plan.record.set_id(id);
        plan.record.set_time_us(core_.clock().now().us);
        plan.record.set_user_id(user_bytes(context));
        ASSIGN_OR_RETURN(plan.merge, patient_merges_table().prepare(plan.record));
        return core_.execute<MergePatientsResponse>(
            context, hash, [&](Transaction& tx, MergePatientsResponse& response) -> Status {
              ASSIGN_OR_RETURN(const std::vector<LinkedRecord> linked,
                               linked_records(tx, request.merge_id(), kMergeRecordsMax));
              if (linked != plan.linked) return aborted("records of the patient have changed");
              RETURN_IF_ERROR(put_plan(tx, plan));
              response.mutable_result()->set_id(id);
              response.mutable_result()->set_version(1);
              response.set_moved(static_cast<std::uint32_t>(plan.records.size()));
              return emit(tx, EVENT_PATIENTS_MERGED, plan.record);
            });
      });
  return name_taken(std::move(done));
}

Result<UndoMergeResponse> Duplicates::undo_merge(const CallContext& context,
                                                 const UndoMergeRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_DUPLICATES_UNDO_MERGE, context, request.id()));
  RETURN_IF_ERROR(id_from_bytes(request.id(), "id").status());
  const std::uint64_t hash = request_hash(context, METHOD_DUPLICATES_UNDO_MERGE, request);
  Result<UndoMergeResponse> done =
      until_not_raced<UndoMergeResponse>([&]() -> Result<UndoMergeResponse> {
        ASSIGN_OR_RETURN(std::unique_ptr<Reader> reader, core_.store().view(context.tenant));
        ASSIGN_OR_RETURN(const UndoPlan plan,
                         plan_undo(*reader, request.id(), core_.clock().now()));
        reader.reset();
        return core_.execute<UndoMergeResponse>(
            context, hash, [&](Transaction& tx, UndoMergeResponse& response) -> Status {
              RETURN_IF_ERROR(put_plan(tx, plan));
              response.mutable_result()->set_id(request.id());
              response.mutable_result()->set_version(plan.merge_version + 1);
              response.set_moved_back(static_cast<std::uint32_t>(plan.records.size()));
              response.set_left(plan.left);
              return emit(tx, EVENT_PATIENTS_MERGE_UNDONE, plan.record);
            });
      });
  return name_taken(std::move(done));
}

Result<std::shared_ptr<const GetMergeResponse>> Duplicates::get_merge(
    const CallContext& context, const GetMergeRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_DUPLICATES_GET_MERGE, context, request.id()));
  RETURN_IF_ERROR(id_from_bytes(request.id(), "id").status());
  return core_.cached<GetMergeResponse>(
      METHOD_DUPLICATES_GET_MERGE, context, request.id(),
      [&](Reader& reader) -> Result<Filled<GetMergeResponse>> {
        ASSIGN_OR_RETURN(
            std::shared_ptr<const GetMergeResponse> answer,
            read_answer<GetMergeResponse>(reader, patient_merges_table(), request.id(),
                                          &GetMergeResponse::mutable_merge, context.use_cache));
        return Filled<GetMergeResponse>{
            std::move(answer),
            {engine::cache_tag_record(reader.tenant(), patient_merges_table().def().id,
                                      request.id())}};
      });
}

Result<ListMergesResponse> Duplicates::list_merges(const CallContext& context,
                                                   const ListMergesRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_DUPLICATES_LIST_MERGES, context, request.patient_id()));
  RETURN_IF_ERROR(id_from_bytes(request.patient_id(), "patient_id").status());
  ASSIGN_OR_RETURN(const std::unique_ptr<Reader> reader, core_.store().view(context.tenant));
  std::vector<std::string> keys;
  RETURN_IF_ERROR(reader
                      ->scan(patient_merges_table().def(), PatientMergeIndex::kPatient,
                             engine::KeyRange::prefix(request.patient_id()), {false, kPageMax, {}},
                             [&](const engine::IndexEntry& entry) {
                               keys.emplace_back(entry.record_key);
                               return true;
                             })
                      .status());
  ListMergesResponse response;
  for (const std::string& key : keys) {
    ASSIGN_OR_RETURN(const auto stored, reader->get(patient_merges_table(), key));
    if (!stored) continue;
    const PatientMerge& merge = stored->record;
    MergeSummary& summary = *response.add_merges();
    summary.set_id(merge.id());
    summary.set_kept_id(merge.kept_id());
    summary.set_merged_id(merge.merged_id());
    summary.set_reason(merge.reason());
    summary.set_time_us(merge.time_us());
    summary.set_user_id(merge.user_id());
    summary.set_moved(static_cast<std::uint32_t>(merge.moved_size()));
    summary.set_undone_us(merge.undone_us());
  }
  return response;
}

}  // namespace clinicdb::clinic
