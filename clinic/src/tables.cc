#include "clinicdb/clinic/tables.h"

#include <google/protobuf/repeated_ptr_field.h>

#include <vector>

#include "clinicdb/engine/fold.h"
#include "clinicdb/engine/key.h"
#include "feed/record_types.h"
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

Time record_time(const ClinicalRecord& record) {
  return record.has_time_us() ? Time{record.time_us()} : kNoTime;
}

std::string_view record_title(const ClinicalRecord& record) {
  if (!record.title().empty()) return record.title();
  return record.code().display().empty() ? record.code().code() : record.code().display();
}

void add_claims(const Appointment& appointment, IndexEntries& out) {
  if (!claims_time(appointment.status())) return;
  const auto claim = [&](ResourceKind kind, const std::string& id) {
    if (id.empty()) return;
    out.add_claim(resource_key(kind, id), Time{appointment.start_us()}, Time{appointment.end_us()},
                  encode_calendar_covered(appointment, kind));
  };
  claim(RESOURCE_KIND_PROFESSIONAL, appointment.professional_id());
  claim(RESOURCE_KIND_ROOM, appointment.room_id());
  claim(RESOURCE_KIND_PATIENT, appointment.patient_id());
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

// present (1: bit 0 end, 1 clinic, 2 professional, 3 room, 4 patient) | status (1) | end (i64 LE) |
// ids (16 each) | title
namespace {
constexpr unsigned kHasEnd = 1;
constexpr unsigned kHasClinic = 2;
constexpr unsigned kHasProfessional = 4;
constexpr unsigned kHasRoom = 8;
constexpr unsigned kHasPatient = 16;
constexpr unsigned kHasKnown = 31;
}  // namespace

std::string encode_calendar_covered(const Appointment& appointment, ResourceKind key_kind) {
  unsigned present = 0;
  const auto note = [&](unsigned bit, const std::string& id, ResourceKind kind) {
    if (!id.empty() && key_kind != kind) present |= bit;
  };
  if (key_kind == RESOURCE_KIND_CLINIC) present |= kHasEnd;
  note(kHasClinic, appointment.clinic_id(), RESOURCE_KIND_CLINIC);
  note(kHasProfessional, appointment.professional_id(), RESOURCE_KIND_PROFESSIONAL);
  note(kHasRoom, appointment.room_id(), RESOURCE_KIND_ROOM);
  note(kHasPatient, appointment.patient_id(), RESOURCE_KIND_PATIENT);
  std::string out;
  out.reserve(2 + 8 + 4 * 16 + kCoveredTitleBytesMax);
  out.push_back(static_cast<char>(present));
  out.push_back(static_cast<char>(appointment.status()));
  if ((present & kHasEnd) != 0) append_le64(out, static_cast<std::uint64_t>(appointment.end_us()));
  if ((present & kHasClinic) != 0) out.append(appointment.clinic_id());
  if ((present & kHasProfessional) != 0) out.append(appointment.professional_id());
  if ((present & kHasRoom) != 0) out.append(appointment.room_id());
  if ((present & kHasPatient) != 0) out.append(appointment.patient_id());
  out.append(cut_text(appointment.title(), kCoveredTitleBytesMax));
  return out;
}

bool decode_calendar_covered(std::string_view bytes, CalendarEntry& out) {
  if (bytes.size() < 2) return false;
  const unsigned present = static_cast<std::uint8_t>(bytes[0]);
  const int status = static_cast<std::uint8_t>(bytes[1]);
  if ((present & ~kHasKnown) != 0 || !AppointmentStatus_IsValid(status)) return false;
  out.set_status(static_cast<AppointmentStatus>(status));
  bytes.remove_prefix(2);
  if ((present & kHasEnd) != 0) {
    if (bytes.size() < 8) return false;
    out.set_end_us(static_cast<std::int64_t>(load_le64(bytes.data())));
    bytes.remove_prefix(8);
  }
  const auto take = [&](unsigned bit, std::string* id) {
    if ((present & bit) == 0) return true;
    if (bytes.size() < 16) return false;
    id->assign(bytes.substr(0, 16));
    bytes.remove_prefix(16);
    return true;
  };
  if (((present & kHasClinic) != 0 && !take(kHasClinic, out.mutable_clinic_id())) ||
      ((present & kHasProfessional) != 0 &&
       !take(kHasProfessional, out.mutable_professional_id())) ||
      ((present & kHasRoom) != 0 && !take(kHasRoom, out.mutable_room_id())) ||
      ((present & kHasPatient) != 0 && !take(kHasPatient, out.mutable_patient_id()))) {
    return false;
  }
  out.set_title(bytes.data(), bytes.size());
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
          .unique(PatientIndex::kCns, "cns",
                  [](const Patient& p, IndexEntries& out) {
                    if (!p.cns().empty()) out.add(p.cns());
                  })
          .unique(PatientIndex::kMrn, "mrn",
                  [](const Patient& p, IndexEntries& out) { add_identifiers(p.mrn(), out); })
          .tokens(PatientIndex::kName, "name",
                  [](const Patient& p, IndexEntries& out) {
                    out.add(searched_name(p.names()), encode_patient_covered(p));
                  })
          .suffix(PatientIndex::kPhone, "phone", &add_phones)
          .ordered(PatientIndex::kBirthDate, "birth_date", &add_birth_date)
          .ordered(PatientIndex::kIdentifier, "identifier",
                   [](const Patient& p, IndexEntries& out) {
                     add_identifiers(p.mrn(), out);
                     add_identifiers(p.identifiers(), out);
                   })
          .ordered(PatientIndex::kMatch, "match", [](const Patient& p, IndexEntries& out) {
            // One who was merged is not looked for.
            if (!p.replaced_by_id().empty()) return;
            for (const std::string& key : match::match_keys(p)) out.add(key);
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
          .claims(AppointmentIndex::kClaims, "claims", &add_claims, kResourceKeyBytes)
          .ordered(
              AppointmentIndex::kClinicStart, "clinic_start",
              [](const Appointment& a, IndexEntries& out) {
                if (a.clinic_id().empty()) return;
                out.add(Key().raw(a.clinic_id()).time(Time{a.start_us()}),
                        encode_calendar_covered(a, RESOURCE_KIND_CLINIC));
              },
              16)
          .ordered(
              AppointmentIndex::kPatientReleased, "patient_released",
              [](const Appointment& a, IndexEntries& out) {
                if (a.patient_id().empty() || claims_time(a.status())) return;
                out.add(Key().raw(a.patient_id()).time(Time{a.start_us()}));
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
