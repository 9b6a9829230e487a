#include "patient_search.h"

#include <algorithm>

#include "clinicdb/clinic/identifiers.h"
#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/fold.h"
#include "clinicdb/engine/key.h"

namespace clinicdb::clinic {

namespace {

using engine::Key;

/// What is asked, in the form that is compared.
struct Query {
  std::vector<std::string> words;  // folded, the longest first
  std::string phone;               // digits, the last ones
  std::string birth_date;          // the beginning of a date_key
  bool exact = false;              // a CPF, CNS or record number is asked for
  std::size_t limit = 0;
};

Result<Query> parse_query(const SearchPatientsRequest& request) {
  Query query;
  query.words = engine::fold_query(request.text());
  if (query.words.size() > kSearchWordsMax) {
    return invalid_argument("text: at most " + std::to_string(kSearchWordsMax) +
                            " words are possible")
        .with_field("text");
  }
  if (query.words.empty() && !request.text().empty()) {
    return invalid_argument("text: has no letter and no digit").with_field("text");
  }
  std::stable_sort(query.words.begin(), query.words.end(),
                   [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
  if (!request.phone().empty()) {
    query.phone = engine::fold_digits(request.phone());
    if (query.phone.size() < kPhoneSearchDigitsMin) {
      return invalid_argument("phone: the last four digits at least are needed")
          .with_field("phone");
    }
  }
  if (request.has_birth_date()) {
    RETURN_IF_ERROR(check_date(request.birth_date(), true, "birth_date"));
    const std::size_t known = request.birth_date().month() == 0 ? 2
                              : request.birth_date().day() == 0 ? 3
                                                                : 4;
    query.birth_date = date_key(request.birth_date()).substr(0, known);
  }
  query.exact = !request.cpf().empty() || !request.cns().empty() || request.has_mrn();
  query.limit = page_limit(request.limit(), kSearchPageMax);
  if (query.words.empty() && query.phone.empty() && query.birth_date.empty() && !query.exact) {
    return invalid_argument(
        "a search names a text, a phone, a birth date, a CPF, a CNS or a record number");
  }
  return query;
}

/// The first of the words, sorted and with a space between, that begins with `prefix`; empty when
/// none does.
std::string_view first_word_with(std::string_view words, std::string_view prefix) {
  while (!words.empty()) {
    const std::size_t end = std::min(words.find(' '), words.size());
    if (words.substr(0, end).starts_with(prefix)) return words.substr(0, end);
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return {};
}

bool matches(const Query& query, const PatientCovered& patient) {
  if (!query.birth_date.empty() && !date_key(patient.birth_date).starts_with(query.birth_date))
    return false;
  return std::all_of(query.words.begin(), query.words.end(), [&](const std::string& word) {
    return !first_word_with(patient.words, word).empty();
  });
}

void add_summary(std::string_view id, const PatientCovered& patient,
                 SearchPatientsResponse& response) {
  PatientSummary& summary = *response.add_patients();
  summary.set_id(id.data(), id.size());
  summary.set_name(patient.name.data(), patient.name.size());
  if (patient.birth_date.year() != 0) *summary.mutable_birth_date() = patient.birth_date;
  summary.set_gender(patient.gender);
  summary.set_inactive(patient.inactive);
}

/// One range of one index, whose entries carry PatientCovered.
struct Drive {
  engine::IndexNumber index = 0;
  engine::KeyRange range;
  std::string word;  // PatientIndex::kName: the beginning of a word that is looked for
};

Drive choose_drive(const Query& query) {
  constexpr std::size_t kFullDateBytes = 4;
  if (!query.phone.empty()) {
    const std::string reversed(query.phone.rbegin(), query.phone.rend());
    return {PatientIndex::kPhone, engine::KeyRange::prefix(Key().text_prefix(reversed)), {}};
  }
  if (query.birth_date.size() == kFullDateBytes || query.words.empty()) {
    return {PatientIndex::kBirthDate, engine::KeyRange::prefix(query.birth_date), {}};
  }
  const std::string& word = query.words.front();
  return {PatientIndex::kName, engine::KeyRange::prefix(Key().text_prefix(word)), word};
}

Status corrupt_entry() {
  return data_loss("an index entry of table \"patient\" does not carry what it should");
}

/// Entries in order of key: those of the very word first, then of longer ones.
Status scan_drive(engine::Reader& reader, const Query& query, const Drive& drive,
                  const std::string& cursor, SearchPatientsResponse& response) {
  bool corrupt = false;
  PatientCovered patient;
  const engine::ScanOptions options{false, kSearchVisitsMax, cursor};
  ASSIGN_OR_RETURN(
      engine::ScanEnd end,
      reader.scan(
          patients_table().def(), drive.index, drive.range, options,
          [&](const engine::IndexEntry& entry) {
            if (!PatientCovered::decode(entry.covered, patient)) {
              corrupt = true;
              return false;
            }
            if (!matches(query, patient)) return true;
            if (!drive.word.empty()) {
              // A patient with two words that begin so has two entries here. The first stands for
              // both, on whatever pages they fall.
              const std::string_view first = first_word_with(patient.words, drive.word);
              if (entry.key != std::string_view(Key().text(first).str())) return true;
            } else if (drive.index == PatientIndex::kPhone && response.patients_size() > 0 &&
                       response.patients(response.patients_size() - 1).id() == entry.record_key) {
              return true;
            }
            add_summary(entry.record_key, patient, response);
            return static_cast<std::size_t>(response.patients_size()) < query.limit;
          }));
  if (corrupt) return corrupt_entry();
  response.set_cursor(std::move(end.cursor));
  return {};
}

bool has_phone(const Patient& patient, std::string_view digits) {
  return std::any_of(patient.telecom().begin(), patient.telecom().end(),
                     [&](const ContactPoint& contact) {
                       return engine::fold_digits(contact.value()).ends_with(digits);
                     });
}

bool has_mrn(const Patient& patient, const Identifier& asked) {
  return std::any_of(patient.mrn().begin(), patient.mrn().end(), [&](const Identifier& own) {
    return own.system() == asked.system() && own.value() == asked.value();
  });
}

struct ExactEntry {
  engine::IndexNumber index = 0;
  std::string entry;  // empty: no valid number, which nobody has
};

ExactEntry exact_entry(const SearchPatientsRequest& request) {
  if (!request.cpf().empty())
    return {PatientIndex::kCpf, parse_cpf(request.cpf(), "cpf").value_or(std::string())};
  if (!request.cns().empty())
    return {PatientIndex::kCns, parse_cns(request.cns(), "cns").value_or(std::string())};
  return {PatientIndex::kMrn, identifier_key(request.mrn().system(), request.mrn().value())};
}

/// At most one patient has the identifier; everything else is checked on the record itself.
Status search_exact(engine::Reader& reader, const SearchPatientsRequest& request,
                    const Query& query, const ExactEntry& exact, SearchPatientsResponse& response) {
  if (exact.entry.empty()) return {};
  ASSIGN_OR_RETURN(const std::optional<std::string> key,
                   reader.find(patients_table().def(), exact.index, exact.entry));
  if (!key) return {};
  ASSIGN_OR_RETURN(const std::optional<engine::Stored<Patient>> found,
                   reader.get(patients_table(), *key));
  if (!found) return {};
  const Patient& patient = found->record;
  const std::string carried = encode_patient_covered(patient);
  PatientCovered covered;
  if (!PatientCovered::decode(carried, covered)) return corrupt_entry();
  const auto is = [](const std::string& asked, const std::string& own, auto parse) {
    return asked.empty() || parse(asked, "").value_or(std::string()) == own;
  };
  if (matches(query, covered) && (query.phone.empty() || has_phone(patient, query.phone)) &&
      is(request.cpf(), patient.cpf(), &parse_cpf) &&
      is(request.cns(), patient.cns(), &parse_cns) &&
      (!request.has_mrn() || has_mrn(patient, request.mrn()))) {
    add_summary(*key, covered, response);
  }
  return {};
}

}  // namespace

Result<Filled<SearchPatientsResponse>> search_patients(engine::Reader& reader,
                                                       const SearchPatientsRequest& request,
                                                       bool kept) {
  ASSIGN_OR_RETURN(const Query query, parse_query(request));
  auto answer = make_answer<SearchPatientsResponse>(kept);
  const engine::TableId table = patients_table().def().id;
  std::vector<engine::CacheTag> tags;
  if (query.exact) {
    const ExactEntry exact = exact_entry(request);
    RETURN_IF_ERROR(search_exact(reader, request, query, exact, *answer));
    // Also of a patient that is not there: whoever gets the number changes the index.
    tags.push_back(engine::cache_tag_range(reader.tenant(), table, exact.index, {}));
    for (const PatientSummary& patient : answer->patients()) {
      tags.push_back(engine::cache_tag_record(reader.tenant(), table, patient.id()));
    }
    // One that was found but did not match may come to match.
    if (answer->patients().empty()) tags.push_back(engine::cache_tag_table(reader.tenant(), table));
  } else {
    const Drive drive = choose_drive(query);
    RETURN_IF_ERROR(scan_drive(reader, query, drive, request.cursor(), *answer));
    tags.push_back(engine::cache_tag_range(reader.tenant(), table, drive.index, {}));
  }
  return Filled<SearchPatientsResponse>{std::move(answer), std::move(tags)};
}

Result<Filled<PatientTimelineResponse>> read_timeline(engine::Reader& reader,
                                                      const PatientTimelineRequest& request,
                                                      bool kept) {
  auto answer = make_answer<PatientTimelineResponse>(kept);
  bool corrupt = false;
  const engine::TableDef& table = records_table().def();
  const engine::ScanOptions options{false, page_limit(request.limit()), request.cursor()};
  ASSIGN_OR_RETURN(
      engine::ScanEnd end,
      reader.scan(table, RecordIndex::kTimeline, engine::KeyRange::prefix(request.patient_id()),
                  options, [&](const engine::IndexEntry& entry) {
                    std::string_view key =
                        entry.key.substr(std::min<std::size_t>(16, entry.key.size()));
                    std::string_view record = entry.record_key;
                    Time time;
                    std::uint16_t type = 0;
                    RecordCovered covered;
                    corrupt = !Key::take_time_descending(key, time) ||
                              !Key::take_u16(record, type) || !ResourceType_IsValid(type) ||
                              !RecordCovered::decode(entry.covered, covered);
                    if (corrupt) return false;
                    TimelineItem& item = *answer->add_items();
                    item.set_type(static_cast<ResourceType>(type));
                    item.set_id(record.data(), record.size());
                    if (time != kNoTime) item.set_time_us(time.us);
                    item.set_status(covered.status.data(), covered.status.size());
                    item.set_title(covered.title.data(), covered.title.size());
                    return true;
                  }));
  if (corrupt) return data_loss("an index entry of table \"record\" does not carry what it should");
  answer->set_cursor(std::move(end.cursor));
  return Filled<PatientTimelineResponse>{
      std::move(answer),
      {engine::cache_tag_range(reader.tenant(), table.id, RecordIndex::kTimeline,
                               request.patient_id())}};
}

}  // namespace clinicdb::clinic
