// The clinic's tables: for each record type its key, its indexes and its personal data, in one
// place. Services, import, export and verification all go through these definitions.
//
//   Result<engine::PreparedRecord> prepared = patients_table().prepare(patient);
//
// Records are encoded as protobuf, with known fields in order of number; the encoding of equal
// messages is equal. Nothing here checks a record: that is done by check.h on the way in.
// Immutable: thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "clinicdb/base/clock.h"
#include "clinicdb/base/ids.h"
#include "clinicdb/clinic/schema/appointment.pb.h"
#include "clinicdb/clinic/schema/availability.pb.h"
#include "clinicdb/clinic/schema/catalogue.pb.h"
#include "clinicdb/clinic/schema/duplicate.pb.h"
#include "clinicdb/clinic/schema/patient.pb.h"
#include "clinicdb/clinic/schema/people.pb.h"
#include "clinicdb/clinic/schema/record.pb.h"
#include "clinicdb/clinic/schema/series.pb.h"
#include "clinicdb/clinic/schema/tenant.pb.h"
#include "clinicdb/clinic/schema/waitlist.pb.h"
#include "clinicdb/engine/table.h"

namespace clinicdb::clinic {

// Numbers are permanent. Keys are the 16 bytes of the record's id where nothing else is said.

const engine::Table<TenantProfile>& tenant_profiles_table();     // 0x0100; key kTenantProfileKey
const engine::Table<ClinicSite>& clinics_table();                // 0x0101
const engine::Table<User>& users_table();                        // 0x0102
const engine::Table<Professional>& professionals_table();        // 0x0103
const engine::Table<Organization>& organizations_table();        // 0x0104
const engine::Table<Location>& locations_table();                // 0x0105
const engine::Table<Service>& services_table();                  // 0x0106
const engine::Table<Equipment>& equipment_table();               // 0x0107
const engine::Table<Patient>& patients_table();                  // 0x0110
const engine::Table<PatientMerge>& patient_merges_table();       // 0x0111
const engine::Table<ClinicalRecord>& records_table();            // 0x0120; key record_key(type, id)
const engine::Table<Appointment>& appointments_table();          // 0x0130
const engine::Table<Series>& series_table();                     // 0x0131
const engine::Table<WaitlistEntry>& waitlist_table();            // 0x0132
const engine::Table<Hours>& hours_table();                       // 0x0140
const engine::Table<AvailabilityException>& exceptions_table();  // 0x0141
const engine::Table<Holiday>& holidays_table();                  // 0x0142

/// All of the above.
const engine::Schema& clinic_schema();

constexpr std::string_view kTenantProfileKey = "profile";

/// Key of a clinical record: number of the type, big-endian, then the id. One type is one range.
std::string record_key(ResourceType type, std::string_view id_bytes);

// What stands in index keys.

struct ClinicIndex {
  static constexpr engine::IndexNumber kSlug = 1;  ///< unique
};
struct UserIndex {
  static constexpr engine::IndexNumber kLogin = 1;  ///< unique: folded login
};
struct ProfessionalIndex {
  static constexpr engine::IndexNumber kCouncil = 1;     ///< unique: council_key
  static constexpr engine::IndexNumber kName = 2;        ///< tokens
  static constexpr engine::IndexNumber kIdentifier = 3;  ///< ordered: identifier_key
  /// ordered: service (16); nil for one who may do all.
  static constexpr engine::IndexNumber kService = 4;
  static constexpr engine::IndexNumber kLicence = 5;  ///< ordered: date_key of the licence's end
};
struct OrganizationIndex {
  static constexpr engine::IndexNumber kName = 2;        ///< tokens
  static constexpr engine::IndexNumber kIdentifier = 3;  ///< ordered: identifier_key
};
struct LocationIndex {
  static constexpr engine::IndexNumber kName = 2;        ///< tokens
  static constexpr engine::IndexNumber kIdentifier = 3;  ///< ordered: identifier_key
};
struct ServiceIndex {
  static constexpr engine::IndexNumber kCode = 1;  ///< unique: folded code
  static constexpr engine::IndexNumber kName = 2;  ///< tokens
};
struct PatientIndex {
  static constexpr engine::IndexNumber kCpf = 1;    ///< unique: 11 digits
  static constexpr engine::IndexNumber kCns = 2;    ///< unique: 15 digits
  static constexpr engine::IndexNumber kMrn = 3;    ///< unique: identifier_key
  static constexpr engine::IndexNumber kName = 4;   ///< tokens; covered: PatientCovered
  static constexpr engine::IndexNumber kPhone = 5;  ///< suffix: digits; covered: PatientCovered
  static constexpr engine::IndexNumber kBirthDate =
      6;  ///< ordered: date_key, text name; covered: PatientCovered
  static constexpr engine::IndexNumber kIdentifier =
      7;  ///< ordered: identifier_key, record numbers included
  /// ordered: 'n' and two sounds of the name, or 'y', year of birth and one: docs/clinic-rules.md.
  static constexpr engine::IndexNumber kMatch = 8;
};
struct PatientMergeIndex {
  static constexpr engine::IndexNumber kPatient =
      1;  ///< ordered: patient (16), kept or merged, time descending
};
struct RecordIndex {
  /// ordered: patient (16), time descending; covered: RecordCovered. A cache tag a patient.
  static constexpr engine::IndexNumber kTimeline = 1;
  /// ordered: patient (16), type (u16), time descending.
  static constexpr engine::IndexNumber kPatientType = 2;
  /// ordered: patient (16), code_key, time descending.
  static constexpr engine::IndexNumber kPatientCode = 3;
  /// ordered: type (u16), time descending.
  static constexpr engine::IndexNumber kTypeTime = 4;
  static constexpr engine::IndexNumber kIdentifier = 5;  ///< ordered: identifier_key
  static constexpr engine::IndexNumber kNotes = 6;  ///< ordered: encounter (16), time; of notes
};
struct AppointmentIndex {
  /// claims of professional, room, patient (resource_key), seat and equipment (unit_key); covered:
  /// CalendarCovered. A cache tag a resource and kTagSpanUs.
  static constexpr engine::IndexNumber kClaims = 1;
  /// ordered: clinic (16), start; covered: CalendarCovered. A cache tag a clinic and kTagSpanUs.
  static constexpr engine::IndexNumber kClinicStart = 2;
  /// ordered: patient (16), start, of appointments that claim nothing, so that a patient's own list
  /// is whole.
  static constexpr engine::IndexNumber kPatientReleased = 3;
  // 4 status and start.
  /// ordered: series (16), number (u32).
  static constexpr engine::IndexNumber kSeries = 5;
  /// ordered: resource_key, start, of overbooked ones; covered: CalendarCovered with the end.
  static constexpr engine::IndexNumber kOverbooked = 6;
  /// ordered: time at which a hold expires.
  static constexpr engine::IndexNumber kHeldUntil = 7;
  /// ordered: identifier_key, of those that came as FHIR with an identifier.
  static constexpr engine::IndexNumber kIdentifier = 8;
};

struct SeriesIndex {
  static constexpr engine::IndexNumber kPatient = 1;  ///< ordered: patient (16)
};
struct WaitlistIndex {
  /// ordered: clinic (16), 9 - priority (u8), since, of those that wait or have an offer.
  static constexpr engine::IndexNumber kRank = 1;
  /// ordered: patient (16).
  static constexpr engine::IndexNumber kPatient = 2;
};
struct HoursIndex {
  /// ordered: resource_key; covered: the record itself, which is small, without what only FHIR
  /// wants. A cache tag a resource.
  static constexpr engine::IndexNumber kResource = 1;
  static constexpr engine::IndexNumber kIdentifier = 2;  ///< ordered: identifier_key
};
struct ExceptionIndex {
  /// ordered: resource_key, start; covered: end (i64), works (u8), clinic (16 or nothing). A cache
  /// tag a resource.
  static constexpr engine::IndexNumber kResource = 1;
  static constexpr engine::IndexNumber kHours = 2;       ///< ordered: hours (16), start
  static constexpr engine::IndexNumber kIdentifier = 3;  ///< ordered: identifier_key
};
struct HolidayIndex {
  /// ordered: clinic (16; zeros: all), day (date_key); covered: open from, until (u16 each). A
  /// cache tag a clinic.
  static constexpr engine::IndexNumber kDay = 1;
};

/// system and value, each self-delimiting.
std::string identifier_key(std::string_view system, std::string_view value);
/// type, number and state, each self-delimiting.
std::string council_key(const Council& council);
/// code, then system: both self-delimiting.
std::string code_key(std::string_view system, std::string_view code);
/// 4 bytes: year (u16), month (u8), day (u8).
std::string date_key(const Date& date);
/// kind (u8) and id: 17 bytes.
std::string resource_key(ResourceKind kind, std::string_view id_bytes);
constexpr std::size_t kResourceKeyBytes = 17;
/// A unit of a resource that has several, each of which is claimed by itself: a seat of a group, a
/// unit of equipment. resource_key and the unit (u16): 19 bytes.
std::string unit_key(ResourceKind kind, std::string_view id_bytes, std::uint32_t unit);

/// Appointments are cached by resource and by stretch of time: what the first three bytes of a
/// key's time have in common, some 12.7 days. A booking leaves kept answers on other stretches
/// alone.
constexpr std::int64_t kTagSpanUs = std::int64_t{1} << 40;
constexpr std::size_t kTagTimeBytes = 3;

/// What an appointment claims of its professional, its room and its equipment: its time and the
/// buffers around it.
struct TimeSpan {
  std::int64_t start_us = 0;
  std::int64_t end_us = 0;
  auto operator<=>(const TimeSpan&) const = default;
};
TimeSpan claimed_span(const Appointment& appointment);
/// Whether it was put where its professional, or its room, was taken.
bool is_overbooked(const Appointment& appointment, ResourceKind kind);
/// What the keys of a clinic's holidays begin with; of all clinics' where the id is empty.
std::string holiday_scope(std::string_view clinic_id);
constexpr std::int64_t kMinuteUs = 60'000'000;
/// No buffer is longer; so a claim that begins this much before a time may be of an appointment
/// that starts then.
constexpr std::int64_t kBufferUsMax = 240 * kMinuteUs;

/// Time of a record without one in time-descending keys: behind all others.
constexpr Time kNoTime{INT64_MIN};

/// "Ana Lúcia Souza": the text of the first name, or its parts.
std::string display_name(const google::protobuf::RepeatedPtrField<HumanName>& names);

// What index entries carry along, so that a scan reads no records. Fixed layouts, described in
// docs/format.md.

/// A patient in a list. Views live as long as the bytes they were read from.
struct PatientCovered {
  Date birth_date;
  Gender gender = GENDER_UNSPECIFIED;
  bool inactive = false;
  std::string_view name;   ///< as shown
  std::string_view words;  ///< folded, sorted, with a space between

  /// False when the bytes are not in that form.
  [[nodiscard]] static bool decode(std::string_view bytes, PatientCovered& out);
};
std::string encode_patient_covered(const Patient& patient);

/// A record in a timeline.
struct RecordCovered {
  std::string_view status;
  std::string_view title;
  [[nodiscard]] static bool decode(std::string_view bytes, RecordCovered& out);
};
std::string encode_record_covered(const ClinicalRecord& record);

/// A calendar entry. The id that the entry's key begins with is left out, and so is the start;
/// `end` too in claims, whose entries have it themselves.
std::string encode_calendar_covered(const Appointment& appointment, ResourceKind key_kind);
struct CalendarBuffers {
  std::uint32_t before_minutes = 0;
  std::uint32_t after_minutes = 0;
};
/// Fills what the bytes carry, and the buffers, by which a claim is longer than its appointment,
/// where that is not nullptr; false when they are not in that form.
[[nodiscard]] bool decode_calendar_covered(std::string_view bytes, CalendarEntry& out,
                                           CalendarBuffers* buffers = nullptr);

/// Whether an appointment of this status holds its time.
bool claims_time(AppointmentStatus status);

/// Calendar titles and timeline titles are cut to this, never within a character.
constexpr std::size_t kCoveredTitleBytesMax = 64;
std::string_view cut_text(std::string_view text, std::size_t bytes_max);

}  // namespace clinicdb::clinic
