// The resources of made-up clinics as lines of NDJSON. Everything random comes from the Random
// handed in. Confined to one thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "clinicdb/base/random.h"
#include "fhir/generator_catalog.h"

namespace clinicdb::clinic::fhir {

/// A logical id: a UUID's 36 characters.
struct MadeId {
  std::array<char, 36> text{};
  operator std::string_view() const { return {text.data(), text.size()}; }  // NOLINT
};
MadeId make_id(Random& random);

/// Minutes since 1970-01-01 00:00 in the zone of all made-up clinics, -03:00.
using MadeMinute = std::int64_t;
constexpr MadeMinute kMinutesADay = 24 * 60;

struct MadeClinic {
  MadeId id;
  std::string name;
  const Place* place = nullptr;
};

struct MadeProfessional {
  MadeId id;
  MadeId room;
  std::string name;
  std::size_t clinic = 0;
};

struct MadePatient {
  MadeId id;
  std::uint64_t number = 0;  // consecutive; the identifiers follow from it
  std::string given;
  std::string family;
  bool female = false;
  MadeMinute born = 0;
  std::size_t professional = 0;
};

struct MadeVisit {
  MadeId id;
  MadeMinute start = 0;
  MadeMinute minutes = 0;
  const Concept* reason = nullptr;
};

struct MadeBooking;

/// Eleven digits with their check digits, a different one for each number below 10^9.
std::string made_cpf(std::uint64_t number);
/// Fifteen digits whose weighted sum is a multiple of 11, a different one for each number below
/// 10^12.
std::string made_cns(std::uint64_t number);

/// Appends one line a call, with its line feed.
class ResourceMaker {
 public:
  ResourceMaker(Random& random, std::string& out) : random_(random), out_(out) {}

  void organization(const MadeClinic& clinic, std::uint64_t number);
  void practitioner(const MadeProfessional& professional, const MadeClinic& clinic,
                    std::string_view given, std::string_view family, bool female,
                    std::uint64_t number);
  void location(const MadeProfessional& professional, const MadeClinic& clinic,
                std::uint64_t number);
  void patient(const MadePatient& patient, const MadeClinic& clinic);
  void allergy(const MadePatient& patient, MadeMinute recorded);
  void appointment(const MadePatient& patient, const MadeProfessional& professional,
                   const MadeVisit& visit, std::string_view status);
  // Of a calendar: see generator_bookings.h.
  MadeId schedule(const MadeProfessional& professional, MadeMinute first_day, MadeMinute last_day);
  MadeId slot(const MadeId& schedule, MadeMinute start, bool busy);
  void booking(const MadeId& patient, const MadeProfessional& professional,
               const MadeBooking& booking);
  void encounter(const MadePatient& patient, const MadeProfessional& professional,
                 const MadeClinic& clinic, const MadeVisit& visit);
  MadeId observation(const MadePatient& patient, const MadeProfessional& professional,
                     const MadeVisit& visit, const Measure* measure);
  void diagnostic_report(const MadePatient& patient, const MadeProfessional& professional,
                         const MadeVisit& visit, const std::vector<MadeId>& results);
  MadeId condition(const MadePatient& patient, const MadeProfessional& professional,
                   const MadeVisit& visit, const Concept& what);
  void procedure(const MadePatient& patient, const MadeProfessional& professional,
                 const MadeVisit& visit);
  void immunization(const MadePatient& patient, const MadeVisit& visit);
  MadeId medication_request(const MadePatient& patient, const MadeProfessional& professional,
                            const MadeVisit& visit);
  void care_plan(const MadePatient& patient, const MadeProfessional& professional,
                 const MadeVisit& visit);
  void goal(const MadePatient& patient, const MadeVisit& visit);
  void imaging_study(const MadePatient& patient, const MadeVisit& visit);
  MadeId claim(const MadePatient& patient, const MadeClinic& clinic, const MadeVisit& visit,
               const MadeId* prescription, std::size_t items);
  void explanation_of_benefit(const MadePatient& patient, const MadeProfessional& professional,
                              const MadeClinic& clinic, const MadeVisit& visit, const MadeId& claim,
                              std::size_t items);

 private:
  template <class T>
  const T& any(std::span<const T> choices) {
    return choices[random_.below(choices.size())];
  }
  ResourceMaker& put(std::string_view text) {
    out_.append(text);
    return *this;
  }
  ResourceMaker& number(std::uint64_t value);
  ResourceMaker& digits(std::uint64_t value, int count);
  /// A decimal with as many digits as instruments pretend to, between low and high.
  ResourceMaker& decimal(double low, double high);
  ResourceMaker& degrees(double value);
  ResourceMaker& cents(std::uint64_t value);
  ResourceMaker& date(MadeMinute minute);
  ResourceMaker& time(MadeMinute minute);
  ResourceMaker& second(std::int64_t second);
  ResourceMaker& coding(std::string_view system, std::string_view code, std::string_view display);
  ResourceMaker& code(std::string_view system, const Concept& what);
  ResourceMaker& begin(std::string_view type, std::string_view id);
  ResourceMaker& reference(std::string_view key, std::string_view type, std::string_view id,
                           std::string_view display = {});
  ResourceMaker& about(const MadePatient& patient, const MadeVisit& visit, std::string_view role);
  ResourceMaker& address(const Place& place);
  ResourceMaker& phone(const Place& place, std::string_view use, bool mobile);
  void end();
  void adjudication(std::uint64_t amount_cents);

  Random& random_;
  std::string& out_;
};

}  // namespace clinicdb::clinic::fhir
