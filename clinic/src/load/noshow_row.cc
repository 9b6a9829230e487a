#include "load/noshow_row.h"

#include <charconv>
#include <optional>

#include "clinicdb/clinic/identifiers.h"
#include "clinicdb/clinic/identity.h"
#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/fold.h"

namespace clinicdb::clinic::load {

namespace {

constexpr int kAgeMax = 120;
constexpr std::size_t kSlugBytesMax = 63;

enum Column : std::size_t {
  kPatientId,
  kAppointmentId,
  kGender,
  kScheduledDay,
  kAppointmentDay,
  kAge,
  kNeighbourhood,
  kScholarship,
  kHypertension,
  kDiabetes,
  kAlcoholism,
  kHandicap,
  kNoShow,
};

std::optional<int> number(const std::string& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

/// "2016-04-29T18:38:08Z": its day.
std::optional<Date> day_of(const std::string& text) {
  if (text.size() < 10 || text[4] != '-' || text[7] != '-' || (text.size() > 10 && text[10] != 'T'))
    return {};
  const auto year = number(text.substr(0, 4));
  const auto month = number(text.substr(5, 2));
  const auto day = number(text.substr(8, 2));
  if (!year || !month || !day) return {};
  Date date;
  date.set_year(*year);
  date.set_month(*month);
  date.set_day(*day);
  if (!check_date(date, false, "").ok()) return {};
  return date;
}

bool is_digits(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

}  // namespace

const std::vector<std::string>& noshow_columns() {
  static const std::vector<std::string> columns{
      "PatientId",  "AppointmentID", "Gender",      "ScheduledDay", "AppointmentDay",
      "Age",        "Neighbourhood", "Scholarship", "Hipertension", "Diabetes",
      "Alcoholism", "Handcap",       "No-show"};
  return columns;
}

std::string slug_of(std::string_view place) {
  std::string slug;
  for (const char c : engine::fold_text(place)) {
    const bool kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (kept) {
      slug.push_back(c);
    } else if (!slug.empty() && slug.back() != '-') {
      slug.push_back('-');
    }
  }
  if (slug.size() > kSlugBytesMax) slug.resize(kSlugBytesMax);
  while (!slug.empty() && slug.back() == '-') slug.pop_back();
  return slug;
}

NoshowRow read_noshow_row(const std::vector<std::string>& fields, bool complete) {
  NoshowRow row;
  const auto refuse = [&](const char* kind) {
    row.refused = kind;
    return row;
  };
  if (!complete) return refuse("columns missing or too many");
  row.appointment_id = fields[kAppointmentId];
  row.patient_id = fields[kPatientId];
  row.place = fields[kNeighbourhood];
  row.slug = slug_of(row.place);
  if (row.slug.empty()) return refuse("no place");
  if (!is_fhir_id(row.appointment_id)) return refuse("appointment id missing or not an id");
  if (!is_fhir_id(row.patient_id)) return refuse("patient id missing or not an id");
  const std::optional<Date> day = day_of(fields[kAppointmentDay]);
  if (!day) return refuse("appointment day missing or not a day");
  row.day = *day;

  // A spreadsheet has been at it. What it was cannot be told; as it stands it is one patient's.
  if (!is_digits(row.patient_id)) row.repaired.emplace_back("patient id not a whole number");
  const std::optional<Date> booked = day_of(fields[kScheduledDay]);
  if (!booked) {
    row.repaired.emplace_back("booking day missing or not a day");
  } else if (date_key(*booked) > date_key(*day)) {
    row.repaired.emplace_back("appointment before its booking day");
  }
  const std::optional<int> age = number(fields[kAge]);
  if (!age) {
    row.repaired.emplace_back("age missing or not a number");
  } else if (*age < 0) {
    row.repaired.emplace_back("age below 0");
  } else if (*age > kAgeMax) {
    row.repaired.emplace_back("age above 120");
  } else {
    row.birth_year = day->year() - *age;
  }
  const std::string& gender = fields[kGender];
  if (gender == "F" || gender == "f") {
    row.gender = GENDER_FEMALE;
  } else if (gender == "M" || gender == "m") {
    row.gender = GENDER_MALE;
  } else {
    row.repaired.emplace_back("gender neither F nor M");
  }
  const std::string& no_show = fields[kNoShow];
  row.known = no_show == "Yes" || no_show == "No";
  row.came = no_show == "No";
  if (!row.known) row.repaired.emplace_back("no-show neither Yes nor No");
  const auto flag = [&](Column column, const char* name) {
    if (fields[column] == "0") return;
    const std::optional<int> value = number(fields[column]);
    if (!value || *value < 0) {
      row.repaired.emplace_back("a yes or no that is neither 0 nor 1");
    } else {
      row.flags.push_back(*value == 1 ? name : name + (": " + std::to_string(*value)));
    }
  };
  flag(kScholarship, "welfare");
  flag(kHypertension, "hypertension");
  flag(kDiabetes, "diabetes");
  flag(kAlcoholism, "alcoholism");
  flag(kHandicap, "handicap");
  return row;
}

}  // namespace clinicdb::clinic::load
