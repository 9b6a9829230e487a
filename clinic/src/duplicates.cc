#include "clinicdb/clinic/duplicates.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "clinicdb/clinic/identity.h"
#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/key.h"
#include "core.h"
#include "match/person.h"
#include "match/score.h"

namespace clinicdb::clinic {

namespace {

using engine::IndexEntry;
using engine::KeyRange;

PatientSummary summary_of(const Patient& patient) {
  PatientSummary summary;
  summary.set_id(patient.id());
  summary.set_name(display_name(patient.names()));
  if (patient.has_birth_date()) *summary.mutable_birth_date() = patient.birth_date();
  summary.set_gender(patient.gender());
  summary.set_inactive(patient.inactive());
  return summary;
}

/// Gathers who stands in one block with a patient.
class Candidates {
 public:
  explicit Candidates(engine::Reader& reader) : reader_(reader) {}

  Status gather(const Patient& patient) {
    const engine::TableDef& table = patients_table().def();
    const match::Person person = match::person_of(patient);
    const auto holder_of = [&](engine::IndexNumber index, const std::string& entry) -> Status {
      if (entry.empty()) return {};
      ASSIGN_OR_RETURN(const std::optional<std::string> key, reader_.find(table, index, entry));
      if (key) ids_.insert(*key);
      return {};
    };
    RETURN_IF_ERROR(holder_of(PatientIndex::kCpf, patient.cpf()));
    RETURN_IF_ERROR(holder_of(PatientIndex::kCns, patient.cns()));
    for (const std::string& identifier : person.identifiers)
      RETURN_IF_ERROR(block(PatientIndex::kIdentifier, identifier));
    for (const std::string& phone : person.phones) {
      const std::string reversed(phone.rbegin(), phone.rend());
      RETURN_IF_ERROR(block(PatientIndex::kPhone, engine::Key().text_prefix(reversed)));
    }
    if (patient.birth_date().day() != 0)
      RETURN_IF_ERROR(block(PatientIndex::kBirthDate, date_key(patient.birth_date())));
    for (const std::string& key : match::match_keys(patient))
      RETURN_IF_ERROR(block(PatientIndex::kMatch, key));
    ids_.erase(patient.id());
    return {};
  }
  const std::set<std::string>& ids() const { return ids_; }
  std::uint32_t blocks_cut() const { return blocks_cut_; }

 private:
  Status block(engine::IndexNumber index, std::string_view prefix) {
    ASSIGN_OR_RETURN(const engine::ScanEnd end,
                     reader_.scan(patients_table().def(), index, KeyRange::prefix(prefix),
                                  {false, kMatchBlockMax, {}}, [&](const IndexEntry& entry) {
                                    ids_.emplace(entry.record_key);
                                    return true;
                                  }));
    if (!end.cursor.empty()) ++blocks_cut_;
    return {};
  }

  engine::Reader& reader_;
  std::set<std::string> ids_;
  std::uint32_t blocks_cut_ = 0;
};

/// Patients of one view, read and brought into the compared form once.
class KnownPatients {
 public:
  struct Known {
    PatientSummary summary;
    match::Person person;
    bool replaced = false;
  };
  explicit KnownPatients(engine::Reader& reader) : reader_(reader) {}

  Result<const Known*> get(const std::string& id) {
    const auto found = known_.find(id);
    if (found != known_.end()) return &found->second;
    ASSIGN_OR_RETURN(const auto stored, reader_.get(patients_table(), id));
    if (!stored) return data_loss("an index entry of table \"patient\" names nobody");
    return add(stored->record);
  }
  const Known* add(const Patient& patient) {
    if (known_.size() >= kMatchKnownMax) known_.clear();
    return &known_
                .insert_or_assign(patient.id(),
                                  Known{summary_of(patient), match::person_of(patient),
                                        !patient.replaced_by_id().empty()})
                .first->second;
  }

 private:
  engine::Reader& reader_;
  std::map<std::string, Known> known_;
};

void add_duplicate(const KnownPatients::Known& other, match::Score score, Duplicate& duplicate) {
  *duplicate.mutable_patient() = other.summary;
  duplicate.set_score(score.total);
  duplicate.set_certainty(score.certainty());
  for (FieldMatch& field : score.fields) *duplicate.add_fields() = std::move(field);
}

bool wanted(const match::Score& score, bool only_probable) {
  return score.total >= (only_probable ? match::kProbableScore : match::kPossibleScore);
}

}  // namespace

Result<FindDuplicatesResponse> Duplicates::find(const CallContext& context,
                                                const FindDuplicatesRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_DUPLICATES_FIND, context, request.patient_id()));
  ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader,
                   core_.store().view(context.tenant));
  Patient patient = request.patient();
  if (!request.patient_id().empty()) {
    RETURN_IF_ERROR(id_from_bytes(request.patient_id(), "patient_id").status());
    ASSIGN_OR_RETURN(auto stored, reader->get(patients_table(), request.patient_id()));
    if (!stored) return not_found("patient_id: no such patient").with_field("patient_id");
    patient = std::move(stored->record);
  } else if (!request.has_patient()) {
    return invalid_argument("patient_id: is needed, or a patient").with_field("patient_id");
  }

  Candidates candidates(*reader);
  RETURN_IF_ERROR(candidates.gather(patient));
  const match::Person person = match::person_of(patient);
  KnownPatients people(*reader);
  FindDuplicatesResponse response;
  response.set_blocks_cut(candidates.blocks_cut());
  for (const std::string& id : candidates.ids()) {
    ASSIGN_OR_RETURN(const KnownPatients::Known* other, people.get(id));
    if (other->replaced) continue;
    match::Score score = match::compare(person, other->person);
    if (wanted(score, request.only_probable()))
      add_duplicate(*other, std::move(score), *response.add_duplicates());
  }
  auto& found = *response.mutable_duplicates();
  std::stable_sort(found.begin(), found.end(),
                   [](const Duplicate& a, const Duplicate& b) { return a.score() > b.score(); });
  const int most = static_cast<int>(page_limit(request.limit(), kSearchPageMax));
  if (found.size() > most) found.DeleteSubrange(most, found.size() - most);
  return response;
}

Result<ListDuplicatesResponse> Duplicates::list(const CallContext& context,
                                                const ListDuplicatesRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_DUPLICATES_LIST, context));
  ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader,
                   core_.store().view(context.tenant));
  std::vector<Patient> page;
  Status failure;
  const std::uint32_t limit = request.limit() == 0 ? kPageMax : page_limit(request.limit());
  ASSIGN_OR_RETURN(engine::ScanEnd end,
                   reader->scan_records(patients_table().def(), KeyRange::all(),
                                        {false, limit, request.cursor()},
                                        [&](std::string_view, engine::RawRecord&& raw) {
                                          failure = parse_body(raw.body, page.emplace_back());
                                          return failure.ok();
                                        }));
  if (!failure.ok()) return failure;

  ListDuplicatesResponse response;
  response.set_cursor(std::move(end.cursor));
  response.set_patients(static_cast<std::uint32_t>(page.size()));
  KnownPatients people(*reader);
  for (const Patient& patient : page) {
    if (!patient.replaced_by_id().empty()) continue;
    Candidates candidates(*reader);
    RETURN_IF_ERROR(candidates.gather(patient));
    const match::Person person = match::person_of(patient);
    // Each pair once: with the one whose id is greater.
    for (auto id = candidates.ids().upper_bound(patient.id()); id != candidates.ids().end(); ++id) {
      ASSIGN_OR_RETURN(const KnownPatients::Known* other, people.get(*id));
      if (other->replaced) continue;
      response.set_comparisons(response.comparisons() + 1);
      match::Score score = match::compare(person, other->person);
      if (!wanted(score, request.only_probable())) continue;
      DuplicatePair& pair = *response.add_pairs();
      *pair.mutable_patient() = summary_of(patient);
      add_duplicate(*other, std::move(score), *pair.mutable_duplicate());
    }
  }
  return response;
}

}  // namespace clinicdb::clinic
