// The outpatient set: a calendar of quarters of an hour over years, each taken or free, and
// patients whom it does not tie to them. What is taken becomes time that is blocked, without a
// patient; what is free stays so.
#include <charconv>
#include <chrono>
#include <filesystem>
#include <optional>
#include <set>
#include <utility>

#include "clinicdb/clinic/identifiers.h"
#include "clinicdb/clinic/identity.h"
#include "clinicdb/clinic/load/bookings.h"
#include "clinicdb/clinic/tables.h"
#include "load/batch.h"
#include "load/csv.h"
#include "zones.h"

namespace clinicdb::clinic {

namespace {

constexpr const char* kSlug = "outpatient";

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

std::optional<Date> day_of(const std::string& text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return {};
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

/// "08:15:00" as 495.
std::optional<int> minute_of(const std::string& text) {
  if (text.size() < 5 || text[2] != ':') return {};
  const auto hour = number(text.substr(0, 2));
  const auto minute = number(text.substr(3, 2));
  if (!hour || !minute || *hour > 23 || *minute > 59) return {};
  return *hour * 60 + *minute;
}

class OutpatientLoad {
 public:
  OutpatientLoad(engine::Store& store, const BookingsOptions& options)
      : batch_(store, report_), options_(options) {}

  Result<BookingsReport> run(const std::string& patients, const std::string& slots) {
    RETURN_IF_ERROR(batch_.open(kSlug));
    ClinicSite site;
    site.set_id(load::record_id(RESOURCE_TYPE_LOCATION, "outpatient-clinic"));
    site.set_slug(kSlug);
    site.set_name("Outpatient");
    site.set_zone(std::string(kDefaultZone));
    clinic_id_ = site.id();
    RETURN_IF_ERROR(batch_.add(clinics_table().prepare(site)));
    Professional professional;
    professional.set_id(load::record_id(RESOURCE_TYPE_PRACTITIONER, "outpatient-1"));
    professional.set_fhir_id("outpatient-1");
    professional.add_names()->set_text("Outpatient");
    professional_id_ = professional.id();
    RETURN_IF_ERROR(batch_.add(professionals_table().prepare(professional)));
    RETURN_IF_ERROR(load_patients(patients));
    RETURN_IF_ERROR(load_slots(slots));
    RETURN_IF_ERROR(batch_.commit());
    RETURN_IF_ERROR(batch_.count_months(kSlug, clinic_id_));
    return std::move(report_);
  }

 private:
  void tell(std::uint64_t line, const std::string& kind, bool refused) {
    ++(refused ? report_.refusals : report_.repaired)[kind];
    if (refused) ++report_.refused;
    if (options_.on_problem) options_.on_problem({line, kind, refused});
  }

  Status load_patients(const std::string& path) {
    ASSIGN_OR_RETURN(const std::string text, load::read_file(path));
    Result<load::Csv> csv = load::Csv::open(text, {"patient_id", "name", "sex", "dob"});
    if (!csv) return std::move(csv).error().with_context(path);
    std::vector<std::string> fields;
    bool complete = true;
    while (csv->next(fields, complete)) {
      ++report_.rows;
      if (!is_fhir_id(fields[0]) || fields[1].empty()) {
        tell(csv->line(), "patient without an id or a name", true);
        continue;
      }
      Patient patient;
      patient.set_id(load::record_id(RESOURCE_TYPE_PATIENT, fields[0]));
      patient.set_fhir_id(fields[0]);
      patient.add_mrn()->set_value(fields[0]);
      patient.add_names()->set_text(fields[1]);
      if (fields[2] == "Female") patient.set_gender(GENDER_FEMALE);
      if (fields[2] == "Male") patient.set_gender(GENDER_MALE);
      if (patient.gender() == GENDER_UNSPECIFIED)
        tell(csv->line(), "sex neither Female nor Male", false);
      if (const std::optional<Date> born = day_of(fields[3])) {
        *patient.mutable_birth_date() = *born;
      } else {
        tell(csv->line(), "birth date missing or not a day", false);
      }
      RETURN_IF_ERROR(batch_.add(patients_table().prepare(patient)));
      ++report_.patients;
    }
    return {};
  }

  Status load_slots(const std::string& path) {
    ASSIGN_OR_RETURN(const std::string text, load::read_file(path));
    Result<load::Csv> csv =
        load::Csv::open(text, {"slot_id", "appointment_date", "appointment_time", "is_available"});
    if (!csv) return std::move(csv).error().with_context(path);
    std::set<std::int64_t> starts;
    std::vector<std::string> fields;
    bool complete = true;
    while (csv->next(fields, complete)) {
      ++report_.rows;
      const std::optional<Date> day = day_of(fields[1]);
      const std::optional<int> minute = minute_of(fields[2]);
      const bool known = fields[3] == "True" || fields[3] == "False";
      if (!is_fhir_id(fields[0]) || !day || !minute || !known) {
        tell(csv->line(), "slot without an id, a day, a time, or taken or not", true);
        continue;
      }
      ASSIGN_OR_RETURN(const DayBounds bounds, day_bounds(kDefaultZone, *day, "day"));
      const std::int64_t start = bounds.start.us + *minute * kMinuteUs;
      if (!starts.insert(start).second) {
        tell(csv->line(), "slot a second time", true);
        continue;
      }
      if (fields[3] == "True") {
        ++report_.free;
        continue;
      }
      Appointment appointment;
      appointment.set_id(load::record_id(RESOURCE_TYPE_APPOINTMENT, "slot-" + fields[0]));
      appointment.set_fhir_id("slot-" + fields[0]);
      appointment.set_clinic_id(clinic_id_);
      appointment.set_professional_id(professional_id_);
      appointment.set_start_us(start);
      appointment.set_end_us(start + load::kSlotMinutes * kMinuteUs);
      appointment.set_status(APPOINTMENT_STATUS_BOOKED);
      appointment.set_title("taken");
      RETURN_IF_ERROR(batch_.add(appointments_table().prepare(appointment)));
    }
    return {};
  }

  BookingsReport report_;
  load::Batch batch_;
  const BookingsOptions& options_;
  std::string clinic_id_;
  std::string professional_id_;
};

/// NAME.csv in the folder, or NAME.csv.gz.
std::string find_file(const std::string& directory, const std::string& name) {
  const std::string plain = directory + "/" + name + ".csv";
  std::error_code ignored;
  return std::filesystem::exists(plain, ignored) ? plain : plain + ".gz";
}

}  // namespace

Result<BookingsReport> load_outpatient(engine::Store& store, const std::string& directory,
                                       const BookingsOptions& options) {
  const auto began = std::chrono::steady_clock::now();
  ASSIGN_OR_RETURN(BookingsReport report,
                   OutpatientLoad(store, options)
                       .run(find_file(directory, "patients"), find_file(directory, "slots")));
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  return report;
}

}  // namespace clinicdb::clinic
