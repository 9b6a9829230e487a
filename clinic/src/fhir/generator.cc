#include "clinicdb/clinic/fhir/generator.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <memory>
#include <unordered_set>
#include <utility>
#include <vector>

#include "fhir/generator_bookings.h"
#include "fhir/generator_resources.h"

namespace clinicdb::clinic::fhir {

namespace {

constexpr std::size_t kBufferBytes = std::size_t{256} << 10;
// 2025-12-31 00:00: the last day of visits. Fixed, so that the same options give the same bytes
// next year.
constexpr MadeMinute kLastDay = MadeMinute{20'453} * kMinutesADay;
constexpr std::uint64_t kPatientsAProfessional = 400;
constexpr double kVisitsAYear = 2.88;
constexpr double kBookingsAPatient = 1.8;
constexpr int kPatientTries = 50;

enum Kind : std::size_t {
  kOrganization,
  kPractitioner,
  kLocation,
  kPatient,
  kAllergy,
  kAppointment,
  kEncounter,
  kObservation,
  kReport,
  kCondition,
  kProcedure,
  kImmunization,
  kMedication,
  kCarePlan,
  kGoal,
  kImaging,
  kClaim,
  kBenefit,
  kSchedule,  // these two only with bookings
  kSlot,
  kKinds
};
constexpr std::string_view kNames[kKinds] = {"Organization",
                                             "Practitioner",
                                             "Location",
                                             "Patient",
                                             "AllergyIntolerance",
                                             "Appointment",
                                             "Encounter",
                                             "Observation",
                                             "DiagnosticReport",
                                             "Condition",
                                             "Procedure",
                                             "Immunization",
                                             "MedicationRequest",
                                             "CarePlan",
                                             "Goal",
                                             "ImagingStudy",
                                             "Claim",
                                             "ExplanationOfBenefit",
                                             "Schedule",
                                             "Slot"};

// One type's file: lines gather in `buffer` and go out in large writes.
class Output {
 public:
  Output(std::string path, Random& random) : path_(std::move(path)), maker(random, buffer_) {}
  ~Output() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  Status open() {
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (descriptor_ < 0 && errno == EEXIST) {
      return already_exists(path_ + " is there already; give an empty folder");
    }
    return descriptor_ < 0 ? status_from_errno(errno, "make", path_) : Status();
  }
  Status flush(std::size_t threshold) {
    if (buffer_.size() < threshold) return Status();
    std::string_view rest = buffer_;
    while (!rest.empty()) {
      const ssize_t done = ::write(descriptor_, rest.data(), rest.size());
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) return status_from_errno(errno, "write", path_);
      rest.remove_prefix(static_cast<std::size_t>(done));
    }
    bytes += buffer_.size();
    buffer_.clear();
    return Status();
  }

 private:
  std::string path_;
  std::string buffer_;
  int descriptor_ = -1;

 public:
  ResourceMaker maker;
  std::uint64_t resources = 0;
  std::uint64_t bytes = 0;
};

class Generator {
 public:
  Generator(const std::string& directory, const GeneratorOptions& options)
      : options_(options), random_(options.seed) {
    const std::size_t kinds = options.booking_days == 0 ? std::size_t{kSchedule} : kKinds;
    for (std::size_t i = 0; i < kinds; ++i) {
      outputs_.push_back(
          std::make_unique<Output>(directory + "/" + std::string(kNames[i]) + ".ndjson", random_));
    }
  }

  Result<GeneratorReport> run() {
    const auto started = std::chrono::steady_clock::now();
    for (const auto& output : outputs_) RETURN_IF_ERROR(output->open());
    const std::uint64_t patients =
        options_.resources == 0 ? options_.patients : options_.resources / 300 + 1;
    make_clinics(patients);
    const std::uint64_t total = options_.resources != 0
                                    ? options_.resources
                                    : patients * 33 * static_cast<std::uint64_t>(options_.years);
    for (std::uint64_t i = 0; options_.resources == 0 ? i < patients : made_ < options_.resources;
         ++i) {
      if (options_.stop != nullptr && options_.stop->load()) return cancelled("stopped");
      make_patient(i);
      for (const auto& output : outputs_) RETURN_IF_ERROR(output->flush(kBufferBytes));
      if (options_.progress && i % 64 == 0) options_.progress(made_, std::max(total, made_));
    }
    RETURN_IF_ERROR(make_bookings());
    GeneratorReport report;
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      RETURN_IF_ERROR(outputs_[i]->flush(0));
      report.bytes += outputs_[i]->bytes;
      report.by_type[std::string(kNames[i])] = outputs_[i]->resources;
    }
    report.files = outputs_.size();
    report.resources = made_;
    if (options_.progress) options_.progress(made_, made_);
    report.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    return report;
  }

 private:
  ResourceMaker& make(Kind kind) {
    ++made_;
    ++outputs_[kind]->resources;
    return outputs_[kind]->maker;
  }
  template <class T>
  const T& any(std::span<const T> choices) {
    return choices[random_.below(choices.size())];
  }
  /// A whole number whose mean is `rate`.
  std::uint64_t count(double rate) {
    const auto whole = static_cast<std::uint64_t>(rate);
    return whole + (random_.unit() < rate - static_cast<double>(whole) ? 1 : 0);
  }

  void make_clinics(std::uint64_t patients) {
    const auto clinics = static_cast<std::size_t>(options_.clinics);
    for (std::size_t i = 0; i < clinics; ++i) {
      MadeClinic clinic;
      clinic.id = make_id(random_);
      clinic.place = &places()[i % places().size()];
      clinic.name = clinic_names()[i % clinic_names().size()];
      if (i >= clinic_names().size())
        clinic.name += " " + std::to_string(i / clinic_names().size() + 1);
      make(kOrganization).organization(clinic, i);
      clinics_.push_back(std::move(clinic));
    }
    // Enough professionals that their calendars stay half empty, so that a free slot is near.
    const std::size_t professionals =
        std::max<std::size_t>(clinics * 2, patients / kPatientsAProfessional + 1);
    const auto slots =
        static_cast<std::size_t>(options_.years) * 366 * kSlotsADay + 90 * kSlotsADay;
    for (std::size_t i = 0; i < professionals; ++i) {
      MadeProfessional professional;
      professional.id = make_id(random_);
      professional.room = make_id(random_);
      professional.clinic = i % clinics;
      make_professional(professional, i);
      professionals_.push_back(std::move(professional));
      taken_.emplace_back(slots, false);
    }
  }

  void make_professional(MadeProfessional& professional, std::size_t number) {
    const bool female = random_.below(2) == 0;
    const std::string_view given = any(female ? women_names() : men_names());
    const std::string_view family = any(family_names());
    professional.name =
        (female ? "Dra. " : "Dr. ") + std::string(given) + " " + std::string(family);
    const MadeClinic& clinic = clinics_[professional.clinic];
    make(kPractitioner).practitioner(professional, clinic, given, family, female, number);
    make(kLocation).location(professional, clinic, number);
  }

  // The first free slot of a professional from a random one on. Their past slots come first, then
  // 90 days ahead.
  MadeMinute take_slot(std::size_t professional, bool future) {
    std::vector<bool>& taken = taken_[professional];
    const std::size_t ahead = 90 * kSlotsADay;
    const std::size_t from = future ? taken.size() - ahead : 0;
    const std::size_t size = future ? ahead : taken.size() - ahead;
    std::size_t slot = random_.below(size);
    for (std::size_t tries = 0; tries < size && taken[from + slot]; ++tries)
      slot = (slot + 1) % size;
    taken[from + slot] = true;
    const auto at = static_cast<std::int64_t>(from + slot);
    const MadeMinute first_day = kLastDay - MadeMinute{options_.years} * 366 * kMinutesADay;
    return first_day + at / static_cast<std::int64_t>(kSlotsADay) * kMinutesADay + 8 * 60 +
           at % static_cast<std::int64_t>(kSlotsADay) * kSlotMinutes;
  }

  MadePatient make_person(std::uint64_t number) {
    MadePatient patient;
    patient.id = make_id(random_);
    patient.number = options_.seed % 1'000 * 1'000'000 + number;
    patient.female = random_.below(2) == 0;
    patient.given = any(patient.female ? women_names() : men_names());
    if (random_.below(3) == 0)
      patient.given += " " + std::string(any(patient.female ? women_names() : men_names()));
    patient.family = std::string(any(family_names())) + " " + std::string(any(family_names()));
    patient.born =
        kLastDay - static_cast<MadeMinute>(365 * 2 + random_.below(365 * 90)) * kMinutesADay;
    patient.professional = random_.below(professionals_.size());
    make(kPatient).patient(patient, clinics_[professionals_[patient.professional].clinic]);
    if (options_.booking_days != 0) people_.push_back(patient.id);
    return patient;
  }

  void make_patient(std::uint64_t number) {
    const MadePatient patient = make_person(number);
    const MadeProfessional& professional = professionals_[patient.professional];
    for (std::uint64_t i = count(0.42); i > 0; --i) {
      make(kAllergy).allergy(
          patient, kLastDay - static_cast<MadeMinute>(random_.below(3'000)) * kMinutesADay);
    }
    const double mean = kVisitsAYear * options_.years;
    const std::uint64_t visits =
        count(mean / 2) + random_.below(static_cast<std::uint64_t>(mean) + 1);
    for (std::uint64_t i = 0; i < visits; ++i) make_visit(patient, professional);
    if (random_.below(2) == 0) make_booking(patient, professional);
  }

  MadeVisit visit_at(MadeMinute start) {
    MadeVisit visit;
    visit.id = make_id(random_);
    visit.start = start;
    if (options_.booking_days != 0 && !people_.empty()) is_free(people_.size() - 1, start);
    visit.minutes = 15 + 5 * static_cast<MadeMinute>(random_.below(4));
    visit.reason = &any(visits());
    return visit;
  }

  void make_booking(const MadePatient& patient, const MadeProfessional& professional) {
    make(kAppointment)
        .appointment(patient, professional, visit_at(take_slot(patient.professional, true)),
                     "booked");
  }

  void make_visit(const MadePatient& patient, const MadeProfessional& professional) {
    const MadeClinic& clinic = clinics_[professional.clinic];
    const MadeVisit visit = visit_at(take_slot(patient.professional, false));
    make(kEncounter).encounter(patient, professional, clinic, visit);
    if (visit.start > kLastDay - 366 * kMinutesADay) {
      make(kAppointment).appointment(patient, professional, visit, "fulfilled");
    }
    std::vector<MadeId> observed;
    if (random_.unit() < 0.45) {
      const std::uint64_t observations = 6 + random_.below(13);
      for (std::uint64_t i = 0; i < observations; ++i) {
        const Measure* measure = i % 7 == 2 ? nullptr : &any(measures());
        observed.push_back(make(kObservation).observation(patient, professional, visit, measure));
      }
    }
    if (!observed.empty()) {
      for (std::uint64_t i = count(0.89); i > 0; --i) {
        make(kReport).diagnostic_report(patient, professional, visit, observed);
      }
    }
    for (std::uint64_t i = count(0.26); i > 0; --i) {
      make(kCondition).condition(patient, professional, visit, any(conditions()));
    }
    for (std::uint64_t i = count(0.862); i > 0; --i)
      make(kProcedure).procedure(patient, professional, visit);
    for (std::uint64_t i = count(0.391); i > 0; --i)
      make(kImmunization).immunization(patient, visit);
    for (std::uint64_t i = count(0.101); i > 0; --i)
      make(kCarePlan).care_plan(patient, professional, visit);
    for (std::uint64_t i = count(0.082); i > 0; --i) make(kGoal).goal(patient, visit);
    for (std::uint64_t i = count(0.0128); i > 0; --i) make(kImaging).imaging_study(patient, visit);
    for (std::uint64_t i = count(0.306); i > 0; --i) {
      const MadeId request = make(kMedication).medication_request(patient, professional, visit);
      make(kClaim).claim(patient, clinic, visit, &request, 1);
    }
    const std::size_t items = 1 + random_.below(4);
    const MadeId claim = make(kClaim).claim(patient, clinic, visit, nullptr, items);
    make(kBenefit).explanation_of_benefit(patient, professional, clinic, visit, claim, items);
  }

  /// Whether the person is not yet anywhere in that slot; is from now on.
  bool is_free(std::size_t person, MadeMinute start) {
    return busy_.insert(std::uint64_t{person} << 32 | static_cast<std::uint64_t>(start)).second;
  }

  // The weekdays that end with the last one, each with its bookings, of professionals who do
  // nothing else.
  Status make_bookings() {
    if (options_.booking_days == 0) return {};
    std::vector<MadeMinute> days;
    for (MadeMinute day = kLastDay; days.size() < options_.booking_days; day -= kMinutesADay) {
      const auto weekday = (day / kMinutesADay + 4) % 7;  // 1970 began with a Thursday
      if (weekday != 0 && weekday != 6) days.push_back(day);
    }
    double expected = 0;
    for (std::size_t i = 0; i < clinics_.size(); ++i)
      expected += daily_bookings(i, clinics_.size()) * static_cast<double>(days.size());
    const auto people = static_cast<std::size_t>(expected / kBookingsAPatient) + 1;
    while (people_.size() < people) {
      make_person(people_.size());
      for (const auto& output : outputs_) RETURN_IF_ERROR(output->flush(kBufferBytes));
    }
    BookingTimes times(random_);
    std::size_t number = professionals_.size();
    for (std::size_t clinic = 0; clinic < clinics_.size(); ++clinic) {
      const double daily = daily_bookings(clinic, clinics_.size());
      std::vector<MadeProfessional> staff(booking_professionals(daily));
      std::vector<MadeId> schedules;
      for (MadeProfessional& professional : staff) {
        professional.id = make_id(random_);
        professional.room = make_id(random_);
        professional.clinic = clinic;
        make_professional(professional, number++);
        schedules.push_back(make(kSchedule).schedule(professional, days.back(), days.front()));
      }
      for (const MadeMinute day : days) {
        if (options_.stop != nullptr && options_.stop->load()) return cancelled("stopped");
        make_booked_day(day, staff, schedules, bookings_of_day(random_, daily), times);
        for (const auto& output : outputs_) RETURN_IF_ERROR(output->flush(kBufferBytes));
      }
    }
    return {};
  }

  void make_booked_day(MadeMinute day, const std::vector<MadeProfessional>& staff,
                       const std::vector<MadeId>& schedules, std::uint64_t bookings,
                       BookingTimes& times) {
    std::vector<std::size_t> places(staff.size() * kSlotsADay);
    for (std::size_t i = 0; i < places.size(); ++i) places[i] = i;
    for (std::size_t i = 0; i < places.size(); ++i) {
      std::swap(places[i], places[i + random_.below(places.size() - i)]);
      const std::size_t who = places[i] / kSlotsADay;
      const MadeMinute start =
          day + kDayBegins + static_cast<MadeMinute>(places[i] % kSlotsADay) * kSlotMinutes;
      std::optional<std::size_t> person;
      for (int tries = 0; i < bookings && !person && tries < kPatientTries; ++tries) {
        const std::size_t other = random_.below(people_.size());
        if (is_free(other, start)) person = other;
      }
      MadeBooking booking;
      booking.status = booking_outcome(random_);
      const bool busy = person && booking.status == "fulfilled";
      booking.slot = make(kSlot).slot(schedules[who], start, busy);
      if (!person) continue;
      booking.id = make_id(random_);
      booking.visit.start = start;
      booking.visit.minutes = 15 + 5 * static_cast<MadeMinute>(random_.below(4));
      booking.visit.reason = &any(visits());
      booking.booked = times.next(start);
      make(kAppointment).booking(people_[*person], staff[who], booking);
    }
  }

  const GeneratorOptions& options_;
  SeededRandom random_;
  std::vector<std::unique_ptr<Output>> outputs_;
  std::vector<MadeClinic> clinics_;
  std::vector<MadeProfessional> professionals_;
  std::vector<std::vector<bool>> taken_;    // by professional, by slot
  std::vector<MadeId> people_;              // with bookings only, as the next
  std::unordered_set<std::uint64_t> busy_;  // person and start of each slot
  std::uint64_t made_ = 0;
};

}  // namespace

Result<GeneratorReport> generate_fhir(const std::string& directory,
                                      const GeneratorOptions& options) {
  if (options.years < 1 || options.years > 50) {
    return invalid_argument("years must be 1 to 50").with_field("years");
  }
  if (options.clinics < 1 || options.clinics > 1000) {
    return invalid_argument("clinics must be 1 to 1000").with_field("clinics");
  }
  if (options.booking_days > 1000) {
    return invalid_argument("booking_days must be 0 to 1000").with_field("booking_days");
  }
  if (options.resources == 0 && options.patients == 0) {
    return invalid_argument("say how many patients or resources").with_field("patients");
  }
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return status_from_errno(error.value(), "make folder", directory);
  return Generator(directory, options).run();
}

}  // namespace clinicdb::clinic::fhir
