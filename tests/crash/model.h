// What the crash tests write: three record types whose every byte follows from four numbers, so
// that a checker that knows the numbers knows what must be there.
#pragma once

#include <cstdint>
#include <string>

#include "clinicdb/engine/table.h"

namespace clinicdb::crash {

inline constexpr std::uint32_t kWorkers = 4;
inline constexpr std::uint32_t kProfessionals = 6;
inline constexpr std::uint32_t kRooms = 5;

/// A record's identity (worker, slot), its version, and the chance that shaped it. Each worker
/// writes its own slots only, one call at a time; nicknames, claims and the counter are what
/// workers compete for.
struct Origin {
  std::uint32_t worker = 0;
  std::uint32_t slot = 0;
  std::uint64_t version = 0;
  std::uint64_t salt = 0;
  bool operator==(const Origin&) const = default;
};

struct Person {
  Origin origin;
  std::string body;  ///< as stored; follows from origin
};
struct Appointment {
  Origin origin;
  std::string body;
};
struct Counter {
  std::uint64_t counts[kWorkers] = {};
};

Person make_person(const Origin& origin);
Appointment make_appointment(const Origin& origin);
std::string slot_key(std::uint32_t worker, std::uint32_t slot);
inline constexpr std::string_view kCounterKey = "counter";

/// Empty for most persons; the same for some, so that they collide.
std::string nickname_of(const Person& person);
std::string code_of(const Person& person);
std::string professional_of(const Appointment& appointment);
Time start_of(const Appointment& appointment);
Time end_of(const Appointment& appointment);

extern const engine::Table<Person> kPersons;
extern const engine::Table<Appointment> kAppointments;
extern const engine::Table<Counter> kCounters;
inline constexpr engine::IndexNumber kPersonCode = 1;
inline constexpr engine::IndexNumber kPersonNickname = 2;
inline constexpr engine::IndexNumber kAppointmentProfessional = 1;
inline constexpr engine::IndexNumber kAppointmentRoom = 2;

const engine::Schema& schema();

}  // namespace clinicdb::crash
