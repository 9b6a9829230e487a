#include "clinicdb/clinic/tables.h"

#include <google/protobuf/repeated_ptr_field.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "calendar_covered.h"
#include "clinicdb/engine/fold.h"
#include "clinicdb/engine/key.h"
#include "feed/record_types.h"
#include "fhir/body_identifiers.h"
#include "match/person.h"
#include "table_codec.h"

namespace clinicdb::clinic {

namespace {

using engine::IndexEntries;
using engine::Key;
using engine::Table;
using engine::TableId;

using Names = google::protobuf::RepeatedPtrField<HumanName>;
using Identifiers = google::protobuf::RepeatedPtrField<Identifier>;

/// Every word of every name, in one text.
std::string searched_name(const Names& names) {
  std::string text;
  for (const HumanName& name : names) {
    text.append(name.text()).append(" ");
    for (const std::string& given : name.given()) text.append(given).append(" ");
    text.append(name.family()).append(" ");
  }
  return text;
}

void add_identifiers(const Identifiers& identifiers, IndexEntries& out) {
  for (const Identifier& identifier : identifiers) {
    if (!identifier.value().empty())
      out.add(identifier_key(identifier.system(), identifier.value()));
  }
}

bool is_dialled(const ContactPoint& contact) {
  return contact.system() == ContactPoint::SYSTEM_PHONE ||
         contact.system() == ContactPoint::SYSTEM_SMS;
}

void add_phones(const Patient& patient, IndexEntries& out) {
  std::string covered;
  for (const ContactPoint& contact : patient.telecom()) {
    if (!is_dialled(contact)) continue;
    const std::string digits = engine::fold_digits(contact.value());
    if (digits.empty()) continue;
    if (covered.empty()) covered = encode_patient_covered(patient);
    out.add(digits, covered);
  }
}

void add_birth_date(const Patient& patient, IndexEntries& out) {
  if (!patient.has_birth_date()) return;
  const std::string name = engine::fold_text(display_name(patient.names()));
  out.add(Key().raw(date_key(patient.birth_date())).text(name).str(),
          encode_patient_covered(patient));
}

// What an update of a patient leaves as it was, which is mostly all but one of these. See
// engine::IndexDef::same.

template <class Repeated, class Same>
bool same_list(const Repeated& a, const Repeated& b, Same same) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same);
}

bool same_identifiers(const Identifiers& a, const Identifiers& b) {
  return same_list(a, b, [](const Identifier& x, const Identifier& y) {
    return x.value() == y.value() && x.system() == y.system();
  });
}

bool same_names(const Patient& a, const Patient& b) {
  return same_list(a.names(), b.names(), [](const HumanName& x, const HumanName& y) {
    return x.family() == y.family() && x.text() == y.text() &&
           same_list(x.given(), y.given(), std::equal_to<std::string>());
  });
}

bool same_birth_date(const Patient& a, const Patient& b) {
  const Date& x = a.birth_date();
  const Date& y = b.birth_date();
  return a.has_birth_date() == b.has_birth_date() && x.year() == y.year() &&
         x.month() == y.month() && x.day() == y.day();
}

/// All that encode_patient_covered shows.
bool same_covered(const Patient& a, const Patient& b) {
  return same_birth_date(a, b) && a.gender() == b.gender() && a.inactive() == b.inactive() &&
         same_names(a, b);
}

bool same_phones(const Patient& a, const Patient& b) {
  return same_list(a.telecom(), b.telecom(), [](const ContactPoint& x, const ContactPoint& y) {
    return x.value() == y.value() && x.system() == y.system();
  });
}

Time record_time(const ClinicalRecord& record) {
  return record.has_time_us() ? Time{record.time_us()} : kNoTime;
}

std::string_view record_title(const ClinicalRecord& record) {
  if (!record.title().empty()) return record.title();
  return record.code().display().empty() ? record.code().code() : record.code().display();
}

void add_claims(const Appointment& appointment, IndexEntries& out) {
  if (!claims_time(appointment.status())) return;
  const auto claim = [&](ResourceKind kind, const std::string& key, TimeSpan span) {
    out.add_claim(key, Time{span.start_us}, Time{span.end_us},
                  encode_calendar_covered(appointment, kind));
  };
  const TimeSpan own{appointment.start_us(), appointment.end_us()};
  const auto claim_alone = [&](ResourceKind kind, const std::string& id) {
    if (id.empty()) return;
    const std::string key = resource_key(kind, id);
    if (!is_overbooked(appointment, kind)) return claim(kind, key, claimed_span(appointment));
    for (const Appointment::Piece& piece : appointment.overbooking().pieces()) {
      if (piece.kind() == kind) claim(kind, key, {piece.start_us(), piece.end_us()});
    }
  };
  if (appointment.session_id().empty()) {
    claim_alone(RESOURCE_KIND_PROFESSIONAL, appointment.professional_id());
    claim_alone(RESOURCE_KIND_ROOM, appointment.room_id());
    for (int i = 0; i < appointment.equipment_units_size(); ++i) {
      claim(RESOURCE_KIND_EQUIPMENT,
            unit_key(RESOURCE_KIND_EQUIPMENT, appointment.equipment_ids(i),
                     appointment.equipment_units(i)),
            claimed_span(appointment));
    }
  } else {
    claim(RESOURCE_KIND_SEAT,
          unit_key(RESOURCE_KIND_SEAT, appointment.session_id(), appointment.seat()), own);
  }
  if (!appointment.patient_id().empty()) {
    claim(RESOURCE_KIND_PATIENT, resource_key(RESOURCE_KIND_PATIENT, appointment.patient_id()),
          own);
  }
}

void add_overbooked(const Appointment& appointment, IndexEntries& out) {
  if (!claims_time(appointment.status())) return;
  for (const int kind : appointment.overbooking().kinds()) {
    const std::string& id =
        kind == RESOURCE_KIND_ROOM ? appointment.room_id() : appointment.professional_id();
    out.add(Key()
                .raw(resource_key(static_cast<ResourceKind>(kind), id))
                .time(Time{appointment.start_us()}),
            encode_calendar_covered(appointment, RESOURCE_KIND_UNSPECIFIED));
  }
}

std::string exception_covered(const AvailabilityException& exception) {
  std::string out;
  append_le64(out, static_cast<std::uint64_t>(exception.end_us()));
  out.push_back(exception.works() ? '\x01' : '\x00');
  return out.append(exception.clinic_id());
}

void append_short(std::string& out, std::string_view text) {
  constexpr std::size_t kShortBytesMax = 255;
  const std::string_view cut = cut_text(text, kShortBytesMax);
  out.push_back(static_cast<char>(cut.size()));
  out.append(cut);
}

bool take_short(std::string_view& in, std::string_view& text) {
  if (in.empty()) return false;
  const std::size_t size = static_cast<std::uint8_t>(in.front());
  if (in.size() < 1 + size) return false;
  text = in.substr(1, size);
  in.remove_prefix(1 + size);
  return true;
}

}  // namespace

std::string record_key(ResourceType type, std::string_view id_bytes) {
  return Key().u16(static_cast<std::uint16_t>(type)).raw(id_bytes).str();
}

std::string identifier_key(std::string_view system, std::string_view value) {
  return Key().text(system).text(value).str();
}

std::string council_key(const Council& council) {
  return Key().text(council.type()).text(council.number()).text(council.state()).str();
}

std::string code_key(std::string_view system, std::string_view code) {
  return Key().text(code).text(system).str();
}

std::string date_key(const Date& date) {
  return Key()
      .u16(static_cast<std::uint16_t>(date.year()))
      .u8(static_cast<std::uint8_t>(date.month()))
      .u8(static_cast<std::uint8_t>(date.day()))
      .str();
}

std::string resource_key(ResourceKind kind, std::string_view id_bytes) {
  return Key().u8(static_cast<std::uint8_t>(kind)).raw(id_bytes).str();
}

std::string unit_key(ResourceKind kind, std::string_view id_bytes, std::uint32_t unit) {
  return Key()
      .u8(static_cast<std::uint8_t>(kind))
      .raw(id_bytes)
      .u16(static_cast<std::uint16_t>(unit))
      .str();
}

TimeSpan claimed_span(const Appointment& appointment) {
  return {appointment.start_us() - appointment.buffer_before_minutes() * kMinuteUs,
          appointment.end_us() + appointment.buffer_after_minutes() * kMinuteUs};
}

bool is_overbooked(const Appointment& appointment, ResourceKind kind) {
  const auto& kinds = appointment.overbooking().kinds();
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

std::string holiday_scope(std::string_view clinic_id) {
  return clinic_id.empty() ? std::string(16, '\0') : std::string(clinic_id);
}

std::string display_name(const Names& names) {
  if (names.empty()) return {};
  const HumanName& name = names.Get(0);
  if (!name.text().empty()) return name.text();
  std::string text;
  for (const std::string& given : name.given()) text.append(given).append(" ");
  text.append(name.family());
  if (name.family().empty() && !text.empty()) text.pop_back();
  return text;
}

std::string_view cut_text(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t size = bytes_max;
  while (size > 0 && (static_cast<std::uint8_t>(text[size]) & 0xc0) == 0x80) --size;
  return text.substr(0, size);
}

bool claims_time(AppointmentStatus status) {
  return status != APPOINTMENT_STATUS_CANCELLED && status != APPOINTMENT_STATUS_NO_SHOW;
}

// date (4) | gender (1) | flags (1: bit 0 inactive) | size of name (1) | name | words
std::string encode_patient_covered(const Patient& patient) {
  std::string out = date_key(patient.birth_date());
  out.push_back(static_cast<char>(patient.gender()));
  out.push_back(patient.inactive() ? '\x01' : '\x00');
  append_short(out, display_name(patient.names()));
  const char* separator = "";
  for (const std::string& word : engine::fold_words(searched_name(patient.names()))) {
    out.append(separator).append(word);
    separator = " ";
  }
  return out;
}

bool PatientCovered::decode(std::string_view bytes, PatientCovered& out) {
  std::uint16_t year = 0;
  if (bytes.size() < 7 || !Key::take_u16(bytes, year)) return false;
  out.birth_date.set_year(year);
  out.birth_date.set_month(static_cast<std::uint8_t>(bytes[0]));
  out.birth_date.set_day(static_cast<std::uint8_t>(bytes[1]));
  out.gender = static_cast<Gender>(bytes[2]);
  out.inactive = (bytes[3] & 1) != 0;
  bytes.remove_prefix(4);
  if (!Gender_IsValid(out.gender) || !take_short(bytes, out.name)) return false;
  out.words = bytes;
  return true;
}

// size of status (1) | status | title
std::string encode_record_covered(const ClinicalRecord& record) {
  std::string out;
  append_short(out, record.status());
  out.append(cut_text(record_title(record), kCoveredTitleBytesMax));
  return out;
}

bool RecordCovered::decode(std::string_view bytes, RecordCovered& out) {
  if (!take_short(bytes, out.status)) return false;
  out.title = bytes;
  return true;
}

// present (1: bit 0 end, 1 clinic, 2 professional, 3 room, 4 patient, 5 buffers, 6 service, 7
// flags) | status (1) | end (i64 LE) | buffers before, after (minutes, 1 each) | flags (1: bit 0
// overbooked, 1 group, 2 participant) | ids (16 each, the service's last) | title
namespace {
constexpr unsigned kHasEnd = 1;
constexpr unsigned kHasClinic = 2;
constexpr unsigned kHasProfessional = 4;
constexpr unsigned kHasRoom = 8;
constexpr unsigned kHasPatient = 16;
constexpr unsigned kHasBuffers = 32;
constexpr unsigned kHasService = 64;
constexpr unsigned kHasFlags = 128;
constexpr unsigned kFlagOverbooked = 1;
constexpr unsigned kFlagGroup = 2;
constexpr unsigned kFlagParticipant = 4;
constexpr unsigned kFlagsKnown = 7;

unsigned calendar_flags(const Appointment& appointment) {
  return (appointment.overbooking().kinds().empty() ? 0 : kFlagOverbooked) |
         (appointment.capacity() > 1 ? kFlagGroup : 0) |
         (appointment.session_id().empty() ? 0 : kFlagParticipant);
}

bool claims_buffers(ResourceKind kind) {
  return kind == RESOURCE_KIND_PROFESSIONAL || kind == RESOURCE_KIND_ROOM ||
         kind == RESOURCE_KIND_EQUIPMENT;
}
}  // namespace

std::string encode_calendar_covered(const Appointment& appointment, ResourceKind key_kind) {
  unsigned present = 0;
  const auto note = [&](unsigned bit, const std::string& id, ResourceKind kind) {
    if (!id.empty() && (key_kind != kind || kind == RESOURCE_KIND_UNSPECIFIED)) present |= bit;
  };
  // A piece of an overbooked appointment's time says nothing of where that ends.
  if (key_kind == RESOURCE_KIND_CLINIC || key_kind == RESOURCE_KIND_UNSPECIFIED) present |= kHasEnd;
  const bool buffered =
      appointment.buffer_before_minutes() != 0 || appointment.buffer_after_minutes() != 0;
  if (buffered && claims_buffers(key_kind)) present |= kHasBuffers;
  const unsigned flags = calendar_flags(appointment);
  if (flags != 0) present |= kHasFlags;
  note(kHasClinic, appointment.clinic_id(), RESOURCE_KIND_CLINIC);
  note(kHasProfessional, appointment.professional_id(), RESOURCE_KIND_PROFESSIONAL);
  note(kHasRoom, appointment.room_id(), RESOURCE_KIND_ROOM);
  note(kHasPatient, appointment.patient_id(), RESOURCE_KIND_PATIENT);
  note(kHasService, appointment.service_id(), RESOURCE_KIND_UNSPECIFIED);
  std::string out;
  out.reserve(2 + 8 + 3 + 5 * 16 + kCoveredTitleBytesMax);
  out.push_back(static_cast<char>(present));
  out.push_back(static_cast<char>(appointment.status()));
  if ((present & kHasEnd) != 0) append_le64(out, static_cast<std::uint64_t>(appointment.end_us()));
  if ((present & kHasBuffers) != 0) {
    out.push_back(static_cast<char>(appointment.buffer_before_minutes()));
    out.push_back(static_cast<char>(appointment.buffer_after_minutes()));
  }
  if ((present & kHasFlags) != 0) out.push_back(static_cast<char>(flags));
  if ((present & kHasClinic) != 0) out.append(appointment.clinic_id());
  if ((present & kHasProfessional) != 0) out.append(appointment.professional_id());
  if ((present & kHasRoom) != 0) out.append(appointment.room_id());
  if ((present & kHasPatient) != 0) out.append(appointment.patient_id());
  if ((present & kHasService) != 0) out.append(appointment.service_id());
  out.append(cut_text(appointment.title(), kCoveredTitleBytesMax));
  return out;
}

bool CalendarCovered::decode(std::string_view bytes) {
  if (bytes.size() < 2) return false;
  const unsigned present = static_cast<std::uint8_t>(bytes[0]);
  const int status_number = static_cast<std::uint8_t>(bytes[1]);
  if (!AppointmentStatus_IsValid(status_number)) return false;
  status = static_cast<AppointmentStatus>(status_number);
  bytes.remove_prefix(2);
  end_us.reset();
  if ((present & kHasEnd) != 0) {
    if (bytes.size() < 8) return false;
    end_us = static_cast<std::int64_t>(load_le64(bytes.data()));
    bytes.remove_prefix(8);
  }
  buffers = {};
  if ((present & kHasBuffers) != 0) {
    if (bytes.size() < 2) return false;
    buffers.before_minutes = static_cast<std::uint8_t>(bytes[0]);
    buffers.after_minutes = static_cast<std::uint8_t>(bytes[1]);
    bytes.remove_prefix(2);
  }
  unsigned flags = 0;
  if ((present & kHasFlags) != 0) {
    if (bytes.empty()) return false;
    flags = static_cast<std::uint8_t>(bytes[0]);
    if ((flags & ~kFlagsKnown) != 0) return false;
    bytes.remove_prefix(1);
  }
  overbooked = (flags & kFlagOverbooked) != 0;
  group = (flags & kFlagGroup) != 0;
  participant = (flags & kFlagParticipant) != 0;
  const auto take = [&](unsigned bit, std::string_view& id) {
    id = {};
    if ((present & bit) == 0) return true;
    if (bytes.size() < 16) return false;
    id = bytes.substr(0, 16);
    bytes.remove_prefix(16);
    return true;
  };
  if (!take(kHasClinic, clinic_id) || !take(kHasProfessional, professional_id) ||
      !take(kHasRoom, room_id) || !take(kHasPatient, patient_id) || !take(kHasService, service_id))
    return false;
  title = bytes;
  return true;
}

void CalendarCovered::fill(CalendarEntry& entry) const {
  entry.set_status(status);
  if (end_us) entry.set_end_us(*end_us);
  entry.set_overbooked(overbooked);
  entry.set_group(group);
  entry.set_participant(participant);
  if (!clinic_id.empty()) entry.mutable_clinic_id()->assign(clinic_id);
  if (!professional_id.empty()) entry.mutable_professional_id()->assign(professional_id);
  if (!room_id.empty()) entry.mutable_room_id()->assign(room_id);
  if (!patient_id.empty()) entry.mutable_patient_id()->assign(patient_id);
  if (!service_id.empty()) entry.mutable_service_id()->assign(service_id);
  entry.mutable_title()->assign(title);
}

bool decode_calendar_covered(std::string_view bytes, CalendarEntry& out, CalendarBuffers* buffers) {
  CalendarCovered covered;
  if (!covered.decode(bytes)) return false;
  covered.fill(out);
  if (buffers != nullptr) *buffers = covered.buffers;
  return true;
}

const Table<TenantProfile>& tenant_profiles_table() {
  static const Table<TenantProfile> definition = Table<TenantProfile>(
      TableId{0x0100}, "tenant_profile", &encode<TenantProfile>, &decode<TenantProfile>,
      [](const TenantProfile&) { return std::string(kTenantProfileKey); });
  return definition;
}

const Table<ClinicSite>& clinics_table() {
  static const Table<ClinicSite> definition =
      table<ClinicSite>(0x0101, "clinic")
          .unique(ClinicIndex::kSlug, "slug", [](const ClinicSite& c, IndexEntries& out) {
            if (!c.slug().empty()) out.add(c.slug());
          });
  return definition;
}

const Table<User>& users_table() {
  static const Table<User> definition =
      table<User>(0x0102, "user")
          .unique(UserIndex::kLogin, "login", [](const User& u, IndexEntries& out) {
            if (!u.login().empty()) out.add(engine::fold_text(u.login()));
          });
  return definition;
}

const Table<Professional>& professionals_table() {
  static const Table<Professional> definition =
      table<Professional>(0x0103, "professional")
          .unique(ProfessionalIndex::kCouncil, "council",
                  [](const Professional& p, IndexEntries& out) {
                    if (p.has_council()) out.add(council_key(p.council()));
                  })
          .tokens(
              ProfessionalIndex::kName, "name",
              [](const Professional& p, IndexEntries& out) { out.add(searched_name(p.names())); })
          .ordered(ProfessionalIndex::kIdentifier, "identifier",
                   [](const Professional& p, IndexEntries& out) {
                     add_identifiers(p.identifiers(), out);
                   })
          .ordered(ProfessionalIndex::kService, "service",
                   [](const Professional& p, IndexEntries& out) {
                     if (p.service_ids().empty()) out.add(Uuid().view());
                     for (const std::string& id : p.service_ids()) out.add(id);
                   })
          .ordered(ProfessionalIndex::kLicence, "licence",
                   [](const Professional& p, IndexEntries& out) {
                     if (p.has_licence_expiry()) out.add(date_key(p.licence_expiry()));
                   });
  return definition;
}

const Table<Organization>& organizations_table() {
  static const Table<Organization> definition =
      table<Organization>(0x0104, "organization")
          .tokens(OrganizationIndex::kName, "name",
                  [](const Organization& o, IndexEntries& out) { out.add(o.name()); })
          .ordered(OrganizationIndex::kIdentifier, "identifier",
                   [](const Organization& o, IndexEntries& out) {
                     add_identifiers(o.identifiers(), out);
                   });
  return definition;
}

const Table<Location>& locations_table() {
  static const Table<Location> definition =
      table<Location>(0x0105, "location")
          .tokens(LocationIndex::kName, "name",
                  [](const Location& l, IndexEntries& out) { out.add(l.name()); })
          .ordered(
              LocationIndex::kIdentifier, "identifier",
              [](const Location& l, IndexEntries& out) { add_identifiers(l.identifiers(), out); });
  return definition;
}

const Table<Service>& services_table() {
  static const Table<Service> definition =
      table<Service>(0x0106, "service")
          .unique(ServiceIndex::kCode, "code",
                  [](const Service& s, IndexEntries& out) {
                    if (!s.code().empty()) out.add(engine::fold_text(s.code()));
                  })
          .tokens(ServiceIndex::kName, "name",
                  [](const Service& s, IndexEntries& out) { out.add(s.name()); });
  return definition;
}

const Table<Equipment>& equipment_table() {
  static const Table<Equipment> definition = table<Equipment>(0x0107, "equipment");
  return definition;
}

const Table<Patient>& patients_table() {
  static const Table<Patient> definition =
      table<Patient>(0x0110, "patient")
          .unique(PatientIndex::kCpf, "cpf",
                  [](const Patient& p, IndexEntries& out) {
                    if (!p.cpf().empty()) out.add(p.cpf());
                  })
          .same_when([](const Patient& a, const Patient& b) { return a.cpf() == b.cpf(); })
          .unique(PatientIndex::kCns, "cns",
                  [](const Patient& p, IndexEntries& out) {
                    if (!p.cns().empty()) out.add(p.cns());
                  })
          .same_when([](const Patient& a, const Patient& b) { return a.cns() == b.cns(); })
          .unique(PatientIndex::kMrn, "mrn",
                  [](const Patient& p, IndexEntries& out) { add_identifiers(p.mrn(), out); })
          .same_when(
              [](const Patient& a, const Patient& b) { return same_identifiers(a.mrn(), b.mrn()); })
          .tokens(PatientIndex::kName, "name",
                  [](const Patient& p, IndexEntries& out) {
                    out.add(searched_name(p.names()), encode_patient_covered(p));
                  })
          .same_when(&same_covered)
          .suffix(PatientIndex::kPhone, "phone", &add_phones)
          .same_when([](const Patient& a, const Patient& b) {
            return same_phones(a, b) && same_covered(a, b);
          })
          .ordered(PatientIndex::kBirthDate, "birth_date", &add_birth_date)
          .same_when(&same_covered)
          .ordered(PatientIndex::kIdentifier, "identifier",
                   [](const Patient& p, IndexEntries& out) {
                     add_identifiers(p.mrn(), out);
                     add_identifiers(p.identifiers(), out);
                   })
          .same_when([](const Patient& a, const Patient& b) {
            return same_identifiers(a.mrn(), b.mrn()) &&
                   same_identifiers(a.identifiers(), b.identifiers());
          })
          .ordered(PatientIndex::kMatch, "match",
                   [](const Patient& p, IndexEntries& out) {
                     // One who was merged is not looked for.
                     if (!p.replaced_by_id().empty()) return;
                     for (const std::string& key : match::match_keys(p)) out.add(key);
                   })
          .version(2)
          .same_when([](const Patient& a, const Patient& b) {
            return a.replaced_by_id() == b.replaced_by_id() && same_birth_date(a, b) &&
                   same_names(a, b);
          });
  return definition;
}

const Table<PatientMerge>& patient_merges_table() {
  static const Table<PatientMerge> definition =
      table<PatientMerge>(0x0111, "patient_merge")
          .ordered(PatientMergeIndex::kPatient, "patient",
                   [](const PatientMerge& m, IndexEntries& out) {
                     for (const std::string& id : {m.kept_id(), m.merged_id()})
                       out.add(Key().raw(id).time_descending(Time{m.time_us()}));
                   });
  return definition;
}

const Table<ClinicalRecord>& records_table() {
  static const Table<ClinicalRecord> definition =
      Table<ClinicalRecord>(TableId{0x0120}, "record", &encode<ClinicalRecord>,
                            &decode<ClinicalRecord>,
                            [](const ClinicalRecord& r) { return record_key(r.type(), r.id()); })
          .personal(personal_fields<ClinicalRecord>())
          .ordered(
              RecordIndex::kTimeline, "timeline",
              [](const ClinicalRecord& r, IndexEntries& out) {
                if (r.patient_id().empty()) return;
                out.add(Key().raw(r.patient_id()).time_descending(record_time(r)),
                        encode_record_covered(r));
              },
              16)
          .ordered(
              RecordIndex::kPatientType, "patient_type",
              [](const ClinicalRecord& r, IndexEntries& out) {
                if (r.patient_id().empty()) return;
                out.add(Key()
                            .raw(r.patient_id())
                            .u16(static_cast<std::uint16_t>(r.type()))
                            .time_descending(record_time(r)));
              },
              16)
          .ordered(
              RecordIndex::kPatientCode, "patient_code",
              [](const ClinicalRecord& r, IndexEntries& out) {
                if (r.patient_id().empty() || r.code().code().empty()) return;
                out.add(Key()
                            .raw(r.patient_id())
                            .raw(code_key(r.code().system(), r.code().code()))
                            .time_descending(record_time(r)));
              },
              16)
          .ordered(RecordIndex::kTypeTime, "type_time",
                   [](const ClinicalRecord& r, IndexEntries& out) {
                     out.add(Key()
                                 .u16(static_cast<std::uint16_t>(r.type()))
                                 .time_descending(record_time(r)));
                   })
          .ordered(RecordIndex::kIdentifier, "identifier",
                   [](const ClinicalRecord& r, IndexEntries& out) {
                     add_identifiers(r.identifiers(), out);
                   })
          .ordered(RecordIndex::kNotes, "notes", [](const ClinicalRecord& r, IndexEntries& out) {
            if (r.note_kind() == NOTE_KIND_UNSPECIFIED || r.encounter_id().empty()) return;
            out.add(Key().raw(r.encounter_id()).time(record_time(r)));
          });
  return definition;
}

const Table<Appointment>& appointments_table() {
  static const Table<Appointment> definition =
      table<Appointment>(0x0130, "appointment")
          .claims(AppointmentIndex::kClaims, "claims", &add_claims,
                  kResourceKeyBytes + kTagTimeBytes)
          .ordered(
              AppointmentIndex::kClinicStart, "clinic_start",
              [](const Appointment& a, IndexEntries& out) {
                if (a.clinic_id().empty()) return;
                out.add(Key().raw(a.clinic_id()).time(Time{a.start_us()}),
                        encode_calendar_covered(a, RESOURCE_KIND_CLINIC));
              },
              16 + kTagTimeBytes)
          .ordered(
              AppointmentIndex::kPatientReleased, "patient_released",
              [](const Appointment& a, IndexEntries& out) {
                if (a.patient_id().empty() || claims_time(a.status())) return;
                out.add(Key().raw(a.patient_id()).time(Time{a.start_us()}));
              },
              16)
          .ordered(
              AppointmentIndex::kSeries, "series",
              [](const Appointment& a, IndexEntries& out) {
                if (!a.series_id().empty())
                  out.add(Key().raw(a.series_id()).u32(a.series_number()));
              },
              16)
          .ordered(AppointmentIndex::kOverbooked, "overbooked", &add_overbooked, kResourceKeyBytes)
          .ordered(AppointmentIndex::kHeldUntil, "held_until",
                   [](const Appointment& a, IndexEntries& out) {
                     if (a.status() == APPOINTMENT_STATUS_HELD)
                       out.add(Key().time(Time{a.hold_until_us()}));
                   })
          .ordered(AppointmentIndex::kIdentifier, "identifier",
                   [](const Appointment& a, IndexEntries& out) {
                     fhir::add_body_identifiers(a.fhir(), out);
                   })
          .same_when(
              [](const Appointment& a, const Appointment& b) { return a.fhir() == b.fhir(); });
  return definition;
}

const Table<Series>& series_table() {
  static const Table<Series> definition = table<Series>(0x0131, "series")
                                              .ordered(
                                                  SeriesIndex::kPatient, "patient",
                                                  [](const Series& s, IndexEntries& out) {
                                                    if (!s.patient_id().empty())
                                                      out.add(s.patient_id());
                                                  },
                                                  16);
  return definition;
}

const Table<WaitlistEntry>& waitlist_table() {
  static const Table<WaitlistEntry> definition =
      table<WaitlistEntry>(0x0132, "waitlist")
          .ordered(
              WaitlistIndex::kRank, "rank",
              [](const WaitlistEntry& w, IndexEntries& out) {
                if (w.status() != WAITLIST_STATUS_WAITING && w.status() != WAITLIST_STATUS_OFFERED)
                  return;
                out.add(Key()
                            .raw(w.clinic_id())
                            .u8(static_cast<std::uint8_t>(9 - w.priority()))
                            .time(Time{w.since_us()}));
              },
              16)
          .ordered(
              WaitlistIndex::kPatient, "patient",
              [](const WaitlistEntry& w, IndexEntries& out) { out.add(w.patient_id()); }, 16);
  return definition;
}

const Table<Hours>& hours_table() {
  static const Table<Hours> definition =
      table<Hours>(0x0140, "hours")
          .ordered(
              HoursIndex::kResource, "resource",
              [](const Hours& h, IndexEntries& out) {
                Hours covered = h;
                covered.clear_fhir();
                covered.clear_identifiers();
                out.add(resource_key(h.kind(), h.resource_id()), covered.SerializeAsString());
              },
              kResourceKeyBytes)
          .ordered(HoursIndex::kIdentifier, "identifier", [](const Hours& h, IndexEntries& out) {
            add_identifiers(h.identifiers(), out);
          });
  return definition;
}

const Table<AvailabilityException>& exceptions_table() {
  static const Table<AvailabilityException> definition =
      table<AvailabilityException>(0x0141, "exception")
          .ordered(
              ExceptionIndex::kResource, "resource",
              [](const AvailabilityException& e, IndexEntries& out) {
                if (e.resource_id().empty()) return;
                out.add(Key().raw(resource_key(e.kind(), e.resource_id())).time(Time{e.start_us()}),
                        exception_covered(e));
              },
              kResourceKeyBytes)
          .ordered(ExceptionIndex::kHours, "hours",
                   [](const AvailabilityException& e, IndexEntries& out) {
                     if (!e.hours_id().empty())
                       out.add(Key().raw(e.hours_id()).time(Time{e.start_us()}));
                   })
          .ordered(ExceptionIndex::kIdentifier, "identifier",
                   [](const AvailabilityException& e, IndexEntries& out) {
                     add_identifiers(e.identifiers(), out);
                   });
  return definition;
}

const Table<Holiday>& holidays_table() {
  static const Table<Holiday> definition =
      table<Holiday>(0x0142, "holiday")
          .ordered(
              HolidayIndex::kDay, "day",
              [](const Holiday& h, IndexEntries& out) {
                out.add(Key().raw(holiday_scope(h.clinic_id())).raw(date_key(h.day())),
                        Key()
                            .u16(static_cast<std::uint16_t>(h.open_from_minute()))
                            .u16(static_cast<std::uint16_t>(h.open_until_minute()))
                            .str());
              },
              16);
  return definition;
}

const engine::Schema& clinic_schema() {
  static const engine::Schema schema = [] {
    engine::Schema all;
    for (const feed::RecordType& type : feed::record_types()) all.tables.push_back(type.table);
    return all;
  }();
  return schema;
}

}  // namespace clinicdb::clinic
