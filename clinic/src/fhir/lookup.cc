#include "fhir/lookup.h"

#include <algorithm>

#include "billing/tables.h"
#include "clinicdb/clinic/identifiers.h"
#include "clinicdb/clinic/identity.h"
#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/key.h"
#include "consent_table.h"
#include "fhir/invoice.h"
#include "fhir/resource.h"

namespace clinicdb::clinic::fhir {

namespace {

using engine::IndexEntry;
using engine::KeyRange;
using engine::ScanOptions;

template <class Record>
Result<std::vector<std::string>> logical_ids(engine::Reader& reader,
                                             const engine::Table<Record>& table,
                                             const std::vector<std::string>& keys) {
  std::vector<std::string> ids;
  for (const std::string& key : keys) {
    ASSIGN_OR_RETURN(const auto stored, reader.get(table, key));
    if (stored) ids.push_back(fhir_id_text(stored->record.id(), stored->record.fhir_id()));
  }
  return ids;
}

// Keys of the records that have the entry; `accept` looks at the record's key.
template <class Record, class Accept>
Result<std::vector<std::string>> find_in(engine::Reader& reader, const engine::Table<Record>& table,
                                         engine::IndexNumber index,
                                         const ConditionalReference& what, std::size_t limit,
                                         Accept accept) {
  std::vector<std::string> keys;
  const KeyRange range =
      what.any_system ? KeyRange::all() : KeyRange::prefix(identifier_key(what.system, what.value));
  Result<engine::ScanEnd> end =
      reader.scan(table, index, range, ScanOptions(), [&](const IndexEntry& entry) {
        if (!accept(entry.record_key)) return true;
        if (what.any_system) {
          std::string_view rest = entry.key;
          std::string system;
          std::string value;
          if (!engine::Key::take_text(rest, system) || !engine::Key::take_text(rest, value) ||
              value != what.value) {
            return true;
          }
        }
        if (std::find(keys.begin(), keys.end(), entry.record_key) == keys.end())
          keys.emplace_back(entry.record_key);
        return keys.size() < limit;
      });
  if (!end) return std::move(end).error();
  return logical_ids(reader, table, keys);
}

bool any_key(std::string_view) { return true; }

Result<std::vector<std::string>> find_record(engine::Reader& reader,
                                             const ConditionalReference& what, std::size_t limit) {
  const std::string prefix = record_key(what.type, {});
  return find_in(reader, records_table(), RecordIndex::kIdentifier, what, limit,
                 [&](std::string_view key) { return key.starts_with(prefix); });
}

// Of a type of which some resources are no entity of ours.
template <class Record>
Result<std::vector<std::string>> find_in_two(engine::Reader& reader,
                                             const engine::Table<Record>& table,
                                             engine::IndexNumber index,
                                             const ConditionalReference& what, std::size_t limit) {
  ASSIGN_OR_RETURN(std::vector<std::string> found,
                   find_in(reader, table, index, what, limit, any_key));
  ASSIGN_OR_RETURN(const std::vector<std::string> records, find_record(reader, what, limit));
  found.insert(found.end(), records.begin(), records.end());
  if (found.size() > limit) found.resize(limit);
  return found;
}

// Adds those that are not there yet, as long as there are fewer than `limit`.
void add_others(const std::vector<std::string>& others, std::size_t limit,
                std::vector<std::string>& found) {
  for (const std::string& id : others) {
    if (found.size() < limit && std::find(found.begin(), found.end(), id) == found.end())
      found.push_back(id);
  }
}

// The one that has the entry of a unique index, or none.
template <class Record>
Result<std::vector<std::string>> find_unique(engine::Reader& reader,
                                             const engine::Table<Record>& table,
                                             engine::IndexNumber index, const std::string& entry) {
  ASSIGN_OR_RETURN(const std::optional<std::string> key, reader.find(table, index, entry));
  return logical_ids(reader, table,
                     key ? std::vector<std::string>{*key} : std::vector<std::string>());
}

// CPF and CNS stand in indexes of their own, as digits.
Result<std::vector<std::string>> find_patient(engine::Reader& reader,
                                              const ConditionalReference& what, std::size_t limit) {
  const auto unique = [&](engine::IndexNumber index, const std::string& digits) {
    return find_unique(reader, patients_table(), index, digits);
  };
  std::vector<std::string> found;
  if (what.any_system || is_cpf_system(what.system)) {
    if (Result<std::string> cpf = parse_cpf(what.value, "identifier")) {
      ASSIGN_OR_RETURN(found, unique(PatientIndex::kCpf, *cpf));
    }
  }
  if (found.empty() && (what.any_system || is_cns_system(what.system))) {
    if (Result<std::string> cns = parse_cns(what.value, "identifier")) {
      ASSIGN_OR_RETURN(found, unique(PatientIndex::kCns, *cns));
    }
  }
  ASSIGN_OR_RETURN(
      const std::vector<std::string> others,
      find_in(reader, patients_table(), PatientIndex::kIdentifier, what, limit, any_key));
  add_others(others, limit, found);
  return found;
}

// The number of one that was issued here is its identifier, as the export writes it.
Result<std::vector<std::string>> find_invoice(engine::Reader& reader,
                                              const ConditionalReference& what, std::size_t limit) {
  ASSIGN_OR_RETURN(std::vector<std::string> found,
                   find_in_two(reader, invoices_table(), InvoiceIndex::kIdentifier, what, limit));
  const std::optional<FiscalNumber> fiscal =
      what.any_system ? std::nullopt : fiscal_number(what.system, what.value);
  if (!fiscal) return found;
  ASSIGN_OR_RETURN(const std::vector<std::string> issued,
                   find_unique(reader, invoices_table(), InvoiceIndex::kNumber,
                               number_key(fiscal->series, fiscal->number)));
  add_others(issued, limit, found);
  return found;
}

}  // namespace

Result<std::vector<std::string>> find_by_identifier(engine::Reader& reader,
                                                    const ConditionalReference& what,
                                                    std::size_t limit) {
  switch (what.type) {
    case RESOURCE_TYPE_PATIENT:
      return find_patient(reader, what, limit);
    case RESOURCE_TYPE_PRACTITIONER:
      return find_in(reader, professionals_table(), ProfessionalIndex::kIdentifier, what, limit,
                     any_key);
    case RESOURCE_TYPE_ORGANIZATION:
      return find_in(reader, organizations_table(), OrganizationIndex::kIdentifier, what, limit,
                     any_key);
    case RESOURCE_TYPE_LOCATION:
      return find_in(reader, locations_table(), LocationIndex::kIdentifier, what, limit, any_key);
    case RESOURCE_TYPE_SCHEDULE:
      return find_in_two(reader, hours_table(), HoursIndex::kIdentifier, what, limit);
    case RESOURCE_TYPE_SLOT:
      return find_in_two(reader, exceptions_table(), ExceptionIndex::kIdentifier, what, limit);
    case RESOURCE_TYPE_APPOINTMENT:
      return find_in_two(reader, appointments_table(), AppointmentIndex::kIdentifier, what, limit);
    case RESOURCE_TYPE_INVOICE:
      return find_invoice(reader, what, limit);
    case RESOURCE_TYPE_CONSENT:
      return find_in_two(reader, consents_table(), ConsentIndex::kIdentifier, what, limit);
    default:
      return find_record(reader, what, limit);
  }
}

}  // namespace clinicdb::clinic::fhir
