// The clinics that ClinicDB and its peers are measured on: the same people and calendars for all of
// them, each a function of its number, so that whoever calls needs to look nothing up.
//
// Pure; thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "clinicdb/base/ids.h"
#include "clinicdb/base/status.h"
#include "clinicdb/clinic/schema/appointment.pb.h"
#include "clinicdb/clinic/schema/patient.pb.h"

namespace clinicdb::bench {

/// Tenants are numbered from 0, as are the patients and professionals of each.
struct Clinics {
  std::uint32_t tenants = 100;
  std::uint32_t patients = 1000;
  std::uint32_t appointments = 5000;
  std::uint32_t professionals = 20;

  /// Days on which every professional has kAppointmentsADay.
  std::uint32_t full_days() const;
};

constexpr std::uint32_t kQuartersADay = 40;      // from 12:00 to 22:00 UTC, 15 minutes each
constexpr std::uint32_t kAppointmentsADay = 20;  // of a professional, at the start
constexpr std::uint32_t kFirstBookedDay = 100;   // bookings that are measured begin here
constexpr std::int64_t kQuarterUs = std::int64_t{15} * 60 * 1'000'000;
constexpr std::int64_t kPeerDayUs = std::int64_t{24} * 3600 * 1'000'000;
constexpr std::int64_t kFirstDayUs = std::int64_t{1'861'920'000} * 1'000'000;  // 2029-01-01 00:00Z

std::string tenant_slug(std::uint32_t tenant);

/// Ids that ClinicDB takes, version 7; the peers use the numbers themselves.
Uuid patient_id(std::uint32_t tenant, std::uint32_t patient);
Uuid professional_id(std::uint32_t tenant, std::uint32_t professional);
Uuid site_id(std::uint32_t tenant);

struct Person {
  std::string name;
  std::string name_key;  ///< in small letters, without accents
  std::string cpf;
  std::string phone;
  std::string email;
  std::string street;
  int birth_year = 0;
  unsigned birth_month = 0;
  unsigned birth_day = 0;
};
Person person(std::uint32_t tenant, std::uint32_t patient);
std::string cpf_of(std::uint32_t tenant, std::uint32_t patient);
/// How a desk searches: a given name and a letter, "maria s".
std::string name_probe(std::uint32_t given, std::uint32_t family);
/// What an update changes.
std::string changed_phone(std::uint32_t number);
std::string changed_street(std::uint32_t number);
clinic::Patient patient_record(std::uint32_t tenant, std::uint32_t patient);

struct Place {
  std::uint32_t professional = 0;
  std::uint32_t patient = 0;
  std::int64_t start_us = 0;
};
/// Of the appointments that are there from the start.
Place place_of(const Clinics& clinics, std::uint32_t tenant, std::uint32_t appointment);
/// Of the `number`-th booking of a tenant: no two of them meet, nor one of those of the start.
Place booking_place(const Clinics& clinics, std::uint64_t number);
clinic::Appointment appointment_record(std::uint32_t tenant, const Place& place);

/// "2029-01-01 12:15:00": UTC, as SQL reads it.
std::string sql_time(std::int64_t us);

/// patients.tsv and appointments.tsv in `folder`, for the peers to load.
Status write_rows(const Clinics& clinics, const std::string& folder);
/// The same into a server on this port of 127.0.0.1 that lets operators in from there.
Status fill_server(const Clinics& clinics, std::uint16_t port);

}  // namespace clinicdb::bench
