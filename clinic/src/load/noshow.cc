// The no-show file, tenant by tenant: people and places first, then patients and appointments in
// commits of some hundred. Times are assigned in the order of the file, each the first that is free
// of a professional's and of the patient's day; so the same file gives the same times.
#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <utility>

#include "clinicdb/clinic/identity.h"
#include "clinicdb/clinic/load/bookings.h"
#include "clinicdb/clinic/tables.h"
#include "load/batch.h"
#include "load/csv.h"
#include "load/noshow_row.h"
#include "zones.h"

namespace clinicdb::clinic {

namespace {

using load::NoshowRow;

constexpr int kFirstMinute = 7 * 60;
constexpr int kSlotsADay = 12 * 60 / load::kSlotMinutes;

/// One day of one tenant: which times are taken, of whom.
struct Day {
  std::vector<std::set<int>> professionals;
  std::map<std::string, std::set<int>> patients;

  /// The first time that is free of both; the professional's number, and the time's.
  std::pair<std::size_t, int> take(const std::string& patient) {
    std::set<int>& busy = patients[patient];
    for (std::size_t p = 0;; ++p) {
      if (p == professionals.size()) professionals.emplace_back();
      for (int slot = 0; slot < kSlotsADay; ++slot) {
        if (professionals[p].count(slot) != 0 || busy.count(slot) != 0) continue;
        professionals[p].insert(slot);
        busy.insert(slot);
        return {p, slot};
      }
    }
  }
};

class TenantLoad {
 public:
  TenantLoad(engine::Store& store, BookingsReport& report)
      : report_(report), batch_(store, report) {}

  Status run(const std::string& slug, const std::vector<const NoshowRow*>& rows) {
    slug_ = slug;
    RETURN_IF_ERROR(batch_.open(slug));
    clinic_id_ = load::record_id(RESOURCE_TYPE_LOCATION, "clinic-" + slug.substr(0, 50));
    ClinicSite site;
    site.set_id(clinic_id_);
    site.set_slug(slug);
    site.set_name(rows.front()->place);
    site.set_zone(std::string(kDefaultZone));
    RETURN_IF_ERROR(batch_.add(clinics_table().prepare(site)));
    // A patient who turns up in the first of their rows has that row's age.
    std::map<std::string, Patient> patients;
    for (const NoshowRow* row : rows) add_patient(*row, patients);
    report_.patients += patients.size();
    for (const auto& [id, patient] : patients)
      RETURN_IF_ERROR(batch_.add(patients_table().prepare(patient)));
    for (const NoshowRow* row : rows) {
      RETURN_IF_ERROR(add_appointment(*row));
    }
    RETURN_IF_ERROR(batch_.commit());
    return batch_.count_months(slug, clinic_id_);
  }

 private:
  static void add_patient(const NoshowRow& row, std::map<std::string, Patient>& patients) {
    const std::string id = load::record_id(RESOURCE_TYPE_PATIENT, row.patient_id);
    Patient& patient = patients[id];
    if (!patient.id().empty()) return;
    patient.set_id(id);
    patient.set_fhir_id(row.patient_id);
    patient.add_names()->set_text("Paciente " + row.patient_id);
    patient.add_mrn()->set_value(row.patient_id);
    patient.set_gender(row.gender);
    if (row.birth_year != 0) patient.mutable_birth_date()->set_year(row.birth_year);
    for (const std::string& flag : row.flags) patient.add_flags(flag);
  }

  Result<std::string> professional(std::size_t number) {
    while (professionals_.size() <= number) {
      const std::string name =
          slug_.substr(0, 40) + "-" + std::to_string(professionals_.size() + 1);
      Professional professional;
      professional.set_id(load::record_id(RESOURCE_TYPE_PRACTITIONER, name));
      professional.set_fhir_id(name);
      professional.add_names()->set_text("Profissional " +
                                         std::to_string(professionals_.size() + 1));
      RETURN_IF_ERROR(batch_.add(professionals_table().prepare(professional)));
      professionals_.push_back(professional.id());
    }
    return professionals_[number];
  }

  Status add_appointment(const NoshowRow& row) {
    const std::string patient = load::record_id(RESOURCE_TYPE_PATIENT, row.patient_id);
    const auto [number, slot] = days_[date_key(row.day)].take(patient);
    Appointment appointment;
    ASSIGN_OR_RETURN(*appointment.mutable_professional_id(), professional(number));
    ASSIGN_OR_RETURN(const DayBounds bounds, day_bounds(kDefaultZone, row.day, "day"));
    appointment.set_id(load::record_id(RESOURCE_TYPE_APPOINTMENT, row.appointment_id));
    appointment.set_fhir_id(row.appointment_id);
    appointment.set_clinic_id(clinic_id_);
    appointment.set_patient_id(patient);
    appointment.set_start_us(bounds.start.us +
                             (kFirstMinute + slot * load::kSlotMinutes) * kMinuteUs);
    appointment.set_end_us(appointment.start_us() + load::kSlotMinutes * kMinuteUs);
    appointment.set_status(!row.known ? APPOINTMENT_STATUS_BOOKED
                           : row.came ? APPOINTMENT_STATUS_COMPLETED
                                      : APPOINTMENT_STATUS_NO_SHOW);
    return batch_.add(appointments_table().prepare(appointment));
  }

  BookingsReport& report_;
  load::Batch batch_;
  std::string slug_;
  std::string clinic_id_;
  std::vector<std::string> professionals_;
  std::map<std::string, Day> days_;
};

}  // namespace

Result<BookingsReport> load_noshow(engine::Store& store, const std::string& path,
                                   const BookingsOptions& options) {
  const auto began = std::chrono::steady_clock::now();
  ASSIGN_OR_RETURN(const std::string text, load::read_file(path));
  Result<load::Csv> csv = load::Csv::open(text, load::noshow_columns());
  if (!csv) return std::move(csv).error().with_context(path);
  BookingsReport report;
  std::vector<NoshowRow> rows;
  std::set<std::string> appointment_ids;
  std::map<std::pair<std::string, std::string>, std::uint64_t> patient_days;
  std::vector<std::string> fields;
  bool complete = true;
  const auto tell = [&](const std::string& kind, bool refused) {
    ++(refused ? report.refusals : report.repaired)[kind];
    if (options.on_problem) options.on_problem({csv->line(), kind, refused});
  };
  while (csv->next(fields, complete)) {
    ++report.rows;
    NoshowRow row = load::read_noshow_row(fields, complete);
    if (row.refused.empty() && !appointment_ids.insert(row.appointment_id).second)
      row.refused = "appointment id a second time";
    if (!row.refused.empty()) {
      ++report.refused;
      tell(row.refused, true);
      continue;
    }
    if (patient_days[{row.patient_id, date_key(row.day)}]++ != 0)
      row.repaired.emplace_back("the patient's second appointment of the day");
    for (const std::string& kind : row.repaired) tell(kind, false);
    rows.push_back(std::move(row));
  }
  std::map<std::string, std::vector<const NoshowRow*>> tenants;
  for (const NoshowRow& row : rows) tenants[row.slug].push_back(&row);
  for (const auto& [slug, of_tenant] : tenants)
    RETURN_IF_ERROR(TenantLoad(store, report).run(slug, of_tenant));
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  return report;
}

}  // namespace clinicdb::clinic
