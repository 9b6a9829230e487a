#include "patient_links.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <array>
#include <utility>

#include "billing/tables.h"
#include "care/tables.h"
#include "clinicdb/clinic/identity.h"
#include "clinicdb/clinic/tables.h"
#include "consent_table.h"
#include "core.h"

namespace clinicdb::clinic {

namespace {

using engine::KeyRange;
using engine::Reader;

/// Every `"reference":"Patient/old"` of a minified body. Inside of a JSON text the quotes would
/// have backslashes before them, so that nothing but a member is ever met.
void repoint_body(std::string& body, const PatientEnd& from, const PatientEnd& to) {
  const std::string was = "\"reference\":\"" + from.reference + "\"";
  const std::string is = "\"reference\":\"" + to.reference + "\"";
  for (std::size_t at = body.find(was); at != std::string::npos; at = body.find(was, at)) {
    body.replace(at, was.size(), is);
    at += is.size();
  }
}

template <class R>
Result<std::optional<Repointed>> repoint_record(Reader& reader, const engine::Table<R>& table,
                                                std::string_view key, const PatientEnd& from,
                                                const PatientEnd& to) {
  ASSIGN_OR_RETURN(const auto stored, reader.get(table, key));
  if (!stored || stored->record.patient_id() != from.id) return std::optional<Repointed>();
  R record = stored->record;
  record.set_patient_id(to.id);
  if constexpr (requires { record.mutable_fhir(); }) {
    repoint_body(*record.mutable_fhir(), from, to);
  }
  ASSIGN_OR_RETURN(engine::PreparedRecord prepared, table.prepare(record, *stored));
  return std::optional<Repointed>({std::move(prepared), stored->meta.version});
}

/// One range of an index whose entries all name the patient.
struct LinkRange {
  engine::IndexNumber index;
  std::string (*prefix)(std::string_view patient_id);
};

std::string plain(std::string_view id) { return std::string(id); }
std::string claimed(std::string_view id) { return resource_key(RESOURCE_KIND_PATIENT, id); }

struct Link {
  const engine::TableDef& (*table)();
  std::vector<LinkRange> ranges;
  Result<std::optional<Repointed>> (*repoint)(Reader&, std::string_view key, const PatientEnd& from,
                                              const PatientEnd& to);
};

template <auto kTable>
Link link(std::vector<LinkRange> ranges) {
  return {[]() -> const engine::TableDef& { return kTable().def(); }, std::move(ranges),
          [](Reader& reader, std::string_view key, const PatientEnd& from, const PatientEnd& to) {
            return repoint_record(reader, kTable(), key, from, to);
          }};
}

const std::vector<Link>& links() {
  static const std::vector<Link> all{
      link<&records_table>({{RecordIndex::kTimeline, &plain}}),
      link<&appointments_table>(
          {{AppointmentIndex::kClaims, &claimed}, {AppointmentIndex::kPatientReleased, &plain}}),
      link<&series_table>({{SeriesIndex::kPatient, &plain}}),
      link<&waitlist_table>({{WaitlistIndex::kPatient, &plain}}),
      link<&invoices_table>({{InvoiceIndex::kPatient, &plain}}),
      link<&payments_table>({{PaymentIndex::kPatient, &plain}}),
      link<&packets_table>({{PacketIndex::kPatient, &plain}}),
      link<&treatment_plans_table>({{PlanIndex::kPatient, &plain}}),
      link<&treatment_sessions_table>({{SessionIndex::kPatient, &plain}}),
      link<&consents_table>({{ConsentIndex::kPatient, &plain}}),
      link<&attachments_table>({{AttachmentIndex::kPatient, &plain}}),
  };
  return all;
}

}  // namespace

PatientEnd patient_end(const Patient& patient) {
  return {patient.id(), fhir_reference(RESOURCE_TYPE_PATIENT, patient.id(), patient.fhir_id())};
}

Result<std::vector<LinkedRecord>> linked_records(Reader& reader, std::string_view patient_id,
                                                 std::size_t most) {
  std::vector<LinkedRecord> records;
  for (const Link& link : links()) {
    for (const LinkRange& range : link.ranges) {
      RETURN_IF_ERROR(
          reader
              .scan(link.table(), range.index, KeyRange::prefix(range.prefix(patient_id)), {},
                    [&](const engine::IndexEntry& entry) {
                      records.push_back({link.table().id, std::string(entry.record_key)});
                      return records.size() <= most;
                    })
              .status());
      if (records.size() > most) {
        return resource_exhausted("more than " + std::to_string(most) +
                                  " records name the patient; that is more than one commit takes");
      }
    }
  }
  return records;
}

Result<bool> is_linked(Reader& reader, std::string_view patient_id) {
  for (const Link& link : links()) {
    for (const LinkRange& range : link.ranges) {
      ASSIGN_OR_RETURN(
          const engine::ScanEnd end,
          reader.scan(link.table(), range.index, KeyRange::prefix(range.prefix(patient_id)),
                      {false, 1, {}}, [](const engine::IndexEntry&) { return true; }));
      if (end.visited != 0) return true;
    }
  }
  return false;
}

Result<std::optional<Repointed>> repoint(Reader& reader, const LinkedRecord& record,
                                         const PatientEnd& from, const PatientEnd& to) {
  const auto found = std::find_if(links().begin(), links().end(), [&](const Link& link) {
    return link.table().id == record.table;
  });
  if (found == links().end()) {
    return data_loss("a merge names table " + std::to_string(record.table.value) +
                     ", whose records have no patient");
  }
  return found->repoint(reader, record.key, from, to);
}

std::string_view replaced_by(std::string_view body) {
  using google::protobuf::internal::WireFormatLite;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(body.data());
  google::protobuf::io::CodedInputStream in(bytes, static_cast<int>(body.size()));
  // Fields come in order of number, so that most patients are skipped through in a few steps.
  for (std::uint32_t tag = in.ReadTag(); tag != 0; tag = in.ReadTag()) {
    if (WireFormatLite::GetTagFieldNumber(tag) != Patient::kReplacedByIdFieldNumber) {
      if (!WireFormatLite::SkipField(&in, tag)) return {};
      continue;
    }
    std::uint32_t size = 0;
    if (!in.ReadVarint32(&size)) return {};
    const auto at = static_cast<std::size_t>(in.CurrentPosition());
    return size <= body.size() - at ? body.substr(at, size) : std::string_view();
  }
  return {};
}

Status check_patient(Reader& reader, std::string_view patient_id, std::string_view field) {
  if (patient_id.empty()) return {};
  std::string replacement;
  ASSIGN_OR_RETURN(const bool there,
                   reader.read(patients_table().def(), patient_id,
                               [&](const engine::RecordMeta&, std::string_view body) -> Status {
                                 replacement = replaced_by(body);
                                 return {};
                               }));
  if (!there) return not_found(std::string(field) + ": no such patient").with_field(field);
  if (replacement.empty()) return {};
  return failed_precondition(std::string(field) + ": the patient was merged into " +
                             Uuid::from_bytes(replacement).to_string())
      .with_field(field);
}

}  // namespace clinicdb::clinic
