#include "clinicdb/clinic/records.h"

#include <utility>

#include "clinicdb/clinic/check.h"
#include "clinicdb/clinic/identity.h"
#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/key.h"
#include "core.h"
#include "fhir/merge.h"
#include "patient_links.h"

namespace clinicdb::clinic {

namespace {

using engine::Key;

constexpr std::string_view kRecordNoun = "record";

/// The records that a page of index entries names, in that order.
Result<ListRecordsResponse> read_page(engine::Reader& reader, engine::IndexNumber index,
                                      const engine::KeyRange& range,
                                      const engine::ScanOptions& options) {
  const engine::TableDef& table = records_table().def();
  std::vector<std::string> keys;
  ASSIGN_OR_RETURN(engine::ScanEnd end,
                   reader.scan(table, index, range, options, [&](const engine::IndexEntry& entry) {
                     keys.emplace_back(entry.record_key);
                     return true;
                   }));
  ListRecordsResponse response;
  for (const std::string& key : keys) {
    ASSIGN_OR_RETURN(const std::optional<engine::RawRecord> raw, reader.get(table, key));
    if (!raw)
      return data_loss("an index entry of table \"record\" names a record that is not there");
    RETURN_IF_ERROR(parse_body(raw->body, *response.add_records()));
  }
  response.set_cursor(std::move(end.cursor));
  return response;
}

std::string type_bytes(ResourceType type) {
  return Key().u16(static_cast<std::uint16_t>(type)).str();
}

/// The key of a time in a descending index, behind a prefix.
std::string descending(std::string_view prefix, Time time) {
  return Key().raw(prefix).time_descending(time).str();
}

}  // namespace

Result<PutRecordResponse> Records::put(const CallContext& context, PutRecordRequest request) const {
  ClinicalRecord& record = *request.mutable_record();
  RETURN_IF_ERROR(core_.authorise(METHOD_RECORDS_PUT, context, record.id()));
  SaveOptions options{kRecordNoun,
                      Existing::kEither,
                      {},
                      request_hash(context, METHOD_RECORDS_PUT, request),
                      EVENT_RECORD_ADDED,
                      EVENT_RECORD_CHANGED};
  if (request.has_expected_version()) options.expected_version = request.expected_version();
  if (record.id().empty()) record.set_id(std::string(core_.new_id().view()));
  const std::string patient = record.patient_id();
  const std::string key = record_key(record.type(), record.id());
  return core_.save<PutRecordResponse>(
      context, records_table(), std::move(record), key, options,
      [](ClinicalRecord& edited, const ClinicalRecord* current) {
        if (current != nullptr) {
          if (current->has_signature()) {
            return failed_precondition("the record is signed: it can be amended, not edited")
                .with_field("record.signature");
          }
          keep_fhir(edited, *current);
        }
        edited.clear_signature();
        edited.clear_addenda();
        RETURN_IF_ERROR(fhir::merge(edited));
        return check(edited);
      },
      [&](engine::Transaction& tx) -> Status {
        // In the commit, so that one who is removed or merged at the same time leaves no record
        // behind.
        return check_patient(tx, patient, "record.patient_id");
      },
      [](const ClinicalRecord& put, EventPayload& payload) {
        payload.set_resource_type(static_cast<std::uint32_t>(put.type()));
        payload.set_patient_id(put.patient_id());
      });
}

Result<std::shared_ptr<const GetRecordResponse>> Records::get(
    const CallContext& context, const GetRecordRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_RECORDS_GET, context, request.id()));
  RETURN_IF_ERROR(id_from_bytes(request.id(), "id").status());
  const std::string key = record_key(request.type(), request.id());
  return core_.cached<GetRecordResponse>(
      METHOD_RECORDS_GET, context, key,
      [&](engine::Reader& reader) -> Result<Filled<GetRecordResponse>> {
        ASSIGN_OR_RETURN(
            std::shared_ptr<const GetRecordResponse> answer,
            read_answer<GetRecordResponse>(reader, records_table(), key,
                                           &GetRecordResponse::mutable_record, context.use_cache));
        return Filled<GetRecordResponse>{
            std::move(answer),
            {engine::cache_tag_record(reader.tenant(), records_table().def().id, key)}};
      });
}

Result<RecordHistoryResponse> Records::history(const CallContext& context,
                                               const RecordHistoryRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_RECORDS_HISTORY, context, request.id()));
  RETURN_IF_ERROR(id_from_bytes(request.id(), "id").status());
  ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader,
                   core_.store().view(context.tenant));
  RecordHistoryResponse response;
  RETURN_IF_ERROR(read_history(*reader, records_table(), record_key(request.type(), request.id()),
                               request.limit(), &GetRecordResponse::mutable_record,
                               *response.mutable_versions()));
  return response;
}

Result<ListRecordsResponse> Records::list_by_type(const CallContext& context,
                                                  const ListRecordsByTypeRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_RECORDS_LIST_BY_TYPE, context, request.patient_id()));
  RETURN_IF_ERROR(id_from_bytes(request.patient_id(), "patient_id").status());
  ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader,
                   core_.store().view(context.tenant));
  return read_page(*reader, RecordIndex::kPatientType,
                   engine::KeyRange::prefix(request.patient_id() + type_bytes(request.type())),
                   {false, page_limit(request.limit()), request.cursor()});
}

Result<ListRecordsResponse> Records::list_by_code(const CallContext& context,
                                                  const ListRecordsByCodeRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_RECORDS_LIST_BY_CODE, context, request.patient_id()));
  RETURN_IF_ERROR(id_from_bytes(request.patient_id(), "patient_id").status());
  ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader,
                   core_.store().view(context.tenant));
  return read_page(
      *reader, RecordIndex::kPatientCode,
      engine::KeyRange::prefix(request.patient_id() + code_key(request.system(), request.code())),
      {false, page_limit(request.limit()), request.cursor()});
}

Result<ListRecordsResponse> Records::list_by_time(const CallContext& context,
                                                  const ListRecordsByTimeRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_RECORDS_LIST_BY_TIME, context));
  ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader,
                   core_.store().view(context.tenant));
  // Newest first: from <= t < to is behind the key of `to`, and up to that of `from`.
  const std::string prefix = type_bytes(request.type());
  engine::KeyRange range = engine::KeyRange::prefix(prefix);
  const Period& period = request.period();
  if (period.has_end_us() && period.end_us() != INT64_MIN)
    range.from = descending(prefix, Time{period.end_us() - 1});
  if (period.has_start_us() && period.start_us() != INT64_MIN) {
    range.to = descending(prefix, Time{period.start_us() - 1});
  }
  return read_page(*reader, RecordIndex::kTypeTime, range,
                   {false, page_limit(request.limit()), request.cursor()});
}

Result<FindRecordsByIdentifierResponse> Records::find_by_identifier(
    const CallContext& context, const FindRecordsByIdentifierRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_RECORDS_FIND_BY_IDENTIFIER, context));
  ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader,
                   core_.store().view(context.tenant));
  ASSIGN_OR_RETURN(
      ListRecordsResponse page,
      read_page(*reader, RecordIndex::kIdentifier,
                engine::KeyRange::prefix(identifier_key(request.system(), request.value())),
                {false, kPageMax, {}}));
  FindRecordsByIdentifierResponse response;
  for (ClinicalRecord& record : *page.mutable_records()) {
    if (request.type() == RESOURCE_TYPE_UNSPECIFIED || record.type() == request.type()) {
      *response.add_records() = std::move(record);
    }
  }
  return response;
}

}  // namespace clinicdb::clinic
