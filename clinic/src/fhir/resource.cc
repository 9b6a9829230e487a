#include "fhir/resource.h"

#include <algorithm>
#include <array>

#include "billing/tables.h"
#include "clinicdb/clinic/identifiers.h"
#include "clinicdb/clinic/tables.h"
#include "consent_table.h"
#include "fhir/consent.h"
#include "fhir/fields.h"
#include "fhir/invoice.h"
#include "fhir/schedule.h"

namespace clinicdb::clinic::fhir {

namespace {

// As check() has them for appointments that are entered.
constexpr std::size_t kAppointmentTitleBytesMax = 120;
constexpr std::int64_t kAppointmentUsMax = std::int64_t{24} * 3600 * 1'000'000;

constexpr std::pair<std::string_view, AppointmentStatus> kAppointmentStatuses[] = {
    {"proposed", APPOINTMENT_STATUS_UNSPECIFIED},
    {"pending", APPOINTMENT_STATUS_UNSPECIFIED},
    {"waitlist", APPOINTMENT_STATUS_UNSPECIFIED},
    {"entered-in-error", APPOINTMENT_STATUS_UNSPECIFIED},
    {"booked", APPOINTMENT_STATUS_BOOKED},
    {"checked-in", APPOINTMENT_STATUS_ARRIVED},
    {"arrived", APPOINTMENT_STATUS_ARRIVED},
    {"fulfilled", APPOINTMENT_STATUS_COMPLETED},
    {"cancelled", APPOINTMENT_STATUS_CANCELLED},
    {"noshow", APPOINTMENT_STATUS_NO_SHOW}};

constexpr std::string_view kEncounterStatuses[] = {"planned",     "arrived",          "triaged",
                                                   "in-progress", "onleave",          "finished",
                                                   "cancelled",   "entered-in-error", "unknown"};

bool ends_with_folded(std::string_view text, std::string_view lower_case_end) {
  if (text.size() < lower_case_end.size()) return false;
  text = text.substr(text.size() - lower_case_end.size());
  return std::equal(text.begin(), text.end(), lower_case_end.begin(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  });
}

template <class Message>
void identify(Message& message, const RecordIdentity& identity) {
  message.set_id(identity.id.bytes.data(), identity.id.bytes.size());
  message.set_fhir_id(identity.fhir_id);
}

Gender read_gender(JsonValue resource, FieldReader& reader) {
  const std::string_view code = reader.string(resource, "gender");
  if (code.empty()) return GENDER_UNSPECIFIED;
  const Gender gender = parse_gender(code);
  if (gender == GENDER_UNSPECIFIED) {
    reader.refuse(resource.member("gender"), "R4 has male, female, other or unknown here");
  }
  return gender;
}

template <class Message>
void read_names(JsonValue resource, FieldReader& reader, Message& out) {
  for (const JsonValue name : reader.objects(resource, "name").children())
    reader.human_name(name, *out.add_names());
}

template <class Message>
void read_telecom(JsonValue resource, FieldReader& reader, Message& out) {
  for (const JsonValue contact : reader.objects(resource, "telecom").children()) {
    reader.contact_point(contact, *out.add_telecom());
  }
}

template <class Message>
void read_addresses(JsonValue resource, FieldReader& reader, Message& out) {
  for (const JsonValue address : reader.objects(resource, "address").children()) {
    reader.address(address, *out.add_addresses());
  }
}

template <class Message>
void read_identifiers(JsonValue resource, FieldReader& reader, Message& out) {
  for (const JsonValue item : reader.objects(resource, "identifier").children()) {
    reader.identifier(item, *out.add_identifiers());
  }
}

Patient read_patient(JsonValue resource, FieldReader& reader) {
  Patient patient;
  read_names(resource, reader, patient);
  if (const auto date = reader.date(resource, "birthDate"))
    *patient.mutable_birth_date() = to_date(*date);
  patient.set_gender(read_gender(resource, reader));
  for (const JsonValue item : reader.objects(resource, "identifier").children()) {
    Identifier identifier;
    reader.identifier(item, identifier);
    const IdentifierRole role = patient_identifier_role(identifier);
    if (role == IdentifierRole::kCpf && patient.cpf().empty()) {
      patient.set_cpf(*parse_cpf(identifier.value(), "patient.cpf"));
    } else if (role == IdentifierRole::kCns && patient.cns().empty()) {
      patient.set_cns(*parse_cns(identifier.value(), "patient.cns"));
    } else if (role == IdentifierRole::kMrn) {
      *patient.add_mrn() = std::move(identifier);
    } else {
      *patient.add_identifiers() = std::move(identifier);
    }
  }
  read_telecom(resource, reader, patient);
  read_addresses(resource, reader, patient);
  patient.set_inactive(!reader.boolean(resource, "active", true));
  patient.set_deceased(reader.boolean(resource, "deceasedBoolean", false));
  if (reader.date_time(resource, "deceasedDateTime")) {
    patient.set_deceased(true);
    const std::string_view text = resource.member("deceasedDateTime").text();
    if (const auto date = parse_date(text.substr(0, std::min<std::size_t>(text.size(), 10)))) {
      *patient.mutable_deceased_date() = to_date(*date);
    }
  }
  return patient;
}

Professional read_professional(JsonValue resource, FieldReader& reader) {
  Professional professional;
  read_names(resource, reader, professional);
  read_identifiers(resource, reader, professional);
  for (const Identifier& identifier : professional.identifiers()) {
    if (!is_cpf_system(identifier.system())) continue;
    if (Result<std::string> cpf = parse_cpf(identifier.value(), "professional.cpf"))
      professional.set_cpf(*cpf);
  }
  read_telecom(resource, reader, professional);
  read_addresses(resource, reader, professional);
  professional.set_gender(read_gender(resource, reader));
  professional.set_inactive(!reader.boolean(resource, "active", true));
  if (const auto date = reader.date(resource, "birthDate"))
    *professional.mutable_birth_date() = to_date(*date);
  return professional;
}

Organization read_organization(JsonValue resource, FieldReader& reader) {
  Organization organization;
  organization.mutable_name()->assign(reader.string(resource, "name"));
  const JsonValue aliases = resource.member("alias");
  for (const JsonValue alias : aliases.children()) {
    if (alias.is_string()) organization.add_aliases()->assign(alias.text());
  }
  read_identifiers(resource, reader, organization);
  for (const Identifier& identifier : organization.identifiers()) {
    if (!is_cnpj_system(identifier.system())) continue;
    if (Result<std::string> cnpj = parse_cnpj(identifier.value(), "organization.cnpj"))
      organization.set_cnpj(*cnpj);
  }
  read_telecom(resource, reader, organization);
  read_addresses(resource, reader, organization);
  organization.set_part_of_id(
      reader.reference(resource.member("partOf"), RESOURCE_TYPE_ORGANIZATION));
  organization.set_inactive(!reader.boolean(resource, "active", true));
  return organization;
}

Location read_location(JsonValue resource, FieldReader& reader) {
  Location location;
  location.mutable_name()->assign(reader.string(resource, "name"));
  read_identifiers(resource, reader, location);
  location.set_organization_id(
      reader.reference(resource.member("managingOrganization"), RESOURCE_TYPE_ORGANIZATION));
  location.set_part_of_id(reader.reference(resource.member("partOf"), RESOURCE_TYPE_LOCATION));
  const JsonValue kinds = reader.objects(reader.object(resource, "physicalType"), "coding");
  for (const JsonValue kind : kinds.children()) {
    const std::string_view code = reader.string(kind, "code");
    if (code == "ro" || code == "room") location.set_bookable(true);
  }
  const std::string_view status = reader.string(resource, "status");
  if (!status.empty() && status != "active" && status != "suspended" && status != "inactive") {
    reader.refuse(resource.member("status"), "R4 has active, suspended or inactive here");
  }
  location.set_inactive(status == "inactive");
  if (const JsonValue address = reader.object(resource, "address"))
    reader.address(address, *location.mutable_address());
  read_telecom(resource, reader, location);
  return location;
}

// The appointment, when the resource says who holds which time; nothing when it only speaks of one.
std::optional<Appointment> read_appointment(JsonValue resource, FieldReader& reader) {
  reader.require(resource, "status");
  reader.require(resource, "participant");
  const std::string_view code = reader.string(resource, "status");
  const bool known = std::any_of(std::begin(kAppointmentStatuses), std::end(kAppointmentStatuses),
                                 [&](const auto& entry) { return entry.first == code; });
  if (!code.empty() && !known)
    reader.refuse(resource.member("status"), "not one of R4's appointment statuses");
  const std::optional<Time> start = reader.instant(resource, "start");
  const std::optional<Time> end = reader.instant(resource, "end");
  Appointment appointment;
  appointment.set_status(parse_appointment_status(code));
  for (const JsonValue participant : reader.objects(resource, "participant").children()) {
    const JsonValue actor = participant.member("actor");
    const auto take = [&](ResourceType type, std::string* field) {
      if (field->empty()) *field = reader.reference(actor, type);
    };
    take(RESOURCE_TYPE_PATIENT, appointment.mutable_patient_id());
    take(RESOURCE_TYPE_PRACTITIONER, appointment.mutable_professional_id());
    take(RESOURCE_TYPE_LOCATION, appointment.mutable_room_id());
  }
  // What holds no time, nobody's time, or days of it, is kept as a clinical record.
  if (appointment.status() == APPOINTMENT_STATUS_UNSPECIFIED || !start || !end || *start >= *end ||
      end->us - start->us > kAppointmentUsMax ||
      (appointment.professional_id().empty() && appointment.room_id().empty())) {
    return std::nullopt;
  }
  appointment.set_start_us(start->us);
  appointment.set_end_us(end->us);
  std::string_view title = reader.string(resource, "description");
  Coding service;
  std::string service_text;
  if (const JsonValue services = reader.objects(resource, "serviceType");
      services && title.empty()) {
    reader.concept_coding(services.first(), service, service_text);
    title =
        service_text.empty() ? std::string_view(service.display()) : std::string_view(service_text);
  }
  appointment.mutable_title()->assign(cut_text(title, kAppointmentTitleBytesMax));
  appointment.mutable_note()->assign(reader.string(resource, "comment"));
  return appointment;
}

// The elements that say when, in the order of how much they say. R4 gives each of these names one
// meaning.
struct TimeElement {
  std::string_view name;
  bool period;
};
constexpr TimeElement kTimeElements[] = {
    {"effectiveDateTime", false}, {"effectivePeriod", true},
    {"effectiveInstant", false},  {"occurrenceDateTime", false},
    {"occurrencePeriod", true},   {"performedDateTime", false},
    {"performedPeriod", true},    {"onsetDateTime", false},
    {"onsetPeriod", true},        {"period", true},
    {"started", false},           {"start", false},
    {"billablePeriod", true},     {"servicedDate", false},
    {"servicedPeriod", true},     {"createdDateTime", false},
    {"createdPeriod", true},      {"authoredOn", false},
    {"authored", false},          {"dateTime", false},
    {"recordedDate", false},      {"whenHandedOver", false},
    {"whenPrepared", false},      {"dateAsserted", false},
    {"startDate", false},         {"sent", false},
    {"occurredDateTime", false},  {"occurredPeriod", true},
    {"recorded", false},          {"issued", false},
    {"created", false},           {"date", false},
    {"dateWritten", false},       {"timestamp", false},
    {"manufactureDate", false}};

// Period.start of a member that may be one Period or a list of them.
std::optional<Time> period_start(JsonValue period, FieldReader& reader) {
  if (period.is_array()) period = period.first();
  if (!period.is_object()) return std::nullopt;
  const std::optional<Time> start = reader.date_time(period, "start");
  const std::optional<Time> end = reader.date_time(period, "end");
  return start ? start : end;
}

std::optional<Time> read_time(JsonValue resource, FieldReader& reader) {
  // One walk over the members; the earliest in the table wins.
  std::size_t best = std::size(kTimeElements);
  JsonValue found;
  for (const JsonValue member : resource.children()) {
    for (std::size_t i = 0; i < best; ++i) {
      if (kTimeElements[i].name == member.key()) {
        best = i;
        found = member;
        break;
      }
    }
  }
  if (!found) {
    // Specimens say it one level down.
    const JsonValue collection = resource.member("collection");
    if (!collection.is_object()) return std::nullopt;
    if (collection.member("collectedDateTime"))
      return reader.date_time(collection, "collectedDateTime");
    return period_start(collection.member("collectedPeriod"), reader);
  }
  return kTimeElements[best].period ? period_start(found, reader)
                                    : reader.date_time(resource, found.key());
}

// The record of `type` that a Reference, or the first such of a list of them, names.
std::string first_reference(JsonValue value, ResourceType type, FieldReader& reader) {
  if (!value.is_array()) return reader.reference(value, type);
  for (const JsonValue item : value.children()) {
    std::string id = reader.reference(item, type);
    if (!id.empty()) return id;
  }
  return {};
}

std::string read_patient_id(JsonValue resource, FieldReader& reader) {
  for (const std::string_view name :
       {"subject", "patient", "beneficiary", "individual", "for", "candidate"}) {
    const JsonValue value = resource.member(name);
    if (!value || !(value.is_object() || value.is_array())) continue;
    std::string id = first_reference(value, RESOURCE_TYPE_PATIENT, reader);
    if (!id.empty()) return id;
  }
  // AppointmentResponse and Appointment name people as actors.
  if (const JsonValue actor = resource.member("actor"); actor.is_object()) {
    return reader.reference(actor, RESOURCE_TYPE_PATIENT);
  }
  if (const JsonValue participants = resource.member("participant"); participants.is_array()) {
    for (const JsonValue participant : participants.children()) {
      if (!participant.is_object() || !participant.member("actor").is_object()) continue;
      std::string id = reader.reference(participant.member("actor"), RESOURCE_TYPE_PATIENT);
      if (!id.empty()) return id;
    }
  }
  return {};
}

std::string read_encounter_id(JsonValue resource, FieldReader& reader) {
  if (const JsonValue encounter = resource.member("encounter");
      encounter.is_object() || encounter.is_array()) {
    return first_reference(encounter, RESOURCE_TYPE_ENCOUNTER, reader);
  }
  const JsonValue context = resource.member("context");
  if (!context.is_object()) return {};
  if (const JsonValue encounters = context.member("encounter"); encounters.is_array()) {
    return first_reference(encounters, RESOURCE_TYPE_ENCOUNTER, reader);
  }
  return context.member(kReferenceMember) ? reader.reference(context, RESOURCE_TYPE_ENCOUNTER)
                                          : std::string();
}

// Who did, asked or wrote it, when that is a practitioner.
std::string read_author_id(JsonValue resource, FieldReader& reader) {
  for (const std::string_view name :
       {"performer", "recorder", "asserter", "requester", "author", "provider", "practitioner",
        "participant", "sender", "enterer"}) {
    const JsonValue value = resource.member(name);
    for (JsonValue item = value.is_array() ? value.first() : value; item;
         item = value.is_array() ? item.next() : JsonValue()) {
      if (!item.is_object()) continue;
      for (const JsonValue person : {item, item.member("actor"), item.member("individual")}) {
        if (!person.is_object() || !person.member(kReferenceMember).is_string()) continue;
        std::string id = reader.reference(person, RESOURCE_TYPE_PRACTITIONER);
        if (!id.empty()) return id;
      }
    }
  }
  return {};
}

// The CodeableConcept that says what the record is about; a list gives its first.
void read_code(JsonValue resource, FieldReader& reader, ClinicalRecord& out) {
  std::string text;
  for (const std::string_view name :
       {"code", "vaccineCode", "medicationCodeableConcept", "procedureCode", "type", "serviceType",
        "scope", "productCodeableConcept", "description", "category"}) {
    JsonValue value = resource.member(name);
    if (value.is_array()) value = value.first();
    if (!value.is_object() || !(value.member("coding") || value.member("text"))) continue;
    reader.concept_coding(value, *out.mutable_code(), text);
    if (out.code().code().empty() && out.code().display().empty()) out.clear_code();
    break;
  }
  if (!out.code().display().empty()) return;
  for (const std::string_view name : {"title", "name", "description", "deviceName"}) {
    if (!text.empty()) break;
    if (const JsonValue value = resource.member(name); value.is_string()) text.assign(value.text());
  }
  out.mutable_title()->assign(cut_text(text, kAppointmentTitleBytesMax));
}

void read_status(JsonValue resource, FieldReader& reader, ClinicalRecord& out) {
  for (const std::string_view name : {"status", "clinicalStatus", "lifecycleStatus"}) {
    const JsonValue value = resource.member(name);
    if (value.is_string()) {
      out.mutable_status()->assign(value.text());
      return;
    }
    if (!value.is_object()) continue;
    Coding coding;
    std::string text;
    reader.concept_coding(value, coding, text);
    out.set_status(coding.code());
    return;
  }
}

void read_encounter(JsonValue resource, FieldReader& reader, ClinicalRecord& out) {
  reader.require(resource, "status");
  reader.require(resource, "class");
  const std::string_view status = reader.string(resource, "status");
  if (!status.empty() && std::find(std::begin(kEncounterStatuses), std::end(kEncounterStatuses),
                                   status) == std::end(kEncounterStatuses)) {
    reader.refuse(resource.member("status"), "not one of R4's encounter statuses");
  }
  Encounter& encounter = *out.mutable_encounter();
  encounter.mutable_class_()->assign(reader.string(reader.object(resource, "class"), "code"));
  const JsonValue period = reader.object(resource, "period");
  if (const auto end = reader.date_time(period, "end")) encounter.set_end_us(end->us);
  encounter.set_organization_id(
      reader.reference(resource.member("serviceProvider"), RESOURCE_TYPE_ORGANIZATION));
  for (const JsonValue participant : reader.objects(resource, "participant").children()) {
    if (!encounter.professional_id().empty()) break;
    encounter.set_professional_id(
        reader.reference(participant.member("individual"), RESOURCE_TYPE_PRACTITIONER));
  }
  for (const JsonValue place : reader.objects(resource, "location").children()) {
    if (!encounter.location_id().empty()) break;
    encounter.set_location_id(reader.reference(place.member("location"), RESOURCE_TYPE_LOCATION));
  }
  encounter.set_appointment_id(
      first_reference(resource.member("appointment"), RESOURCE_TYPE_APPOINTMENT, reader));
}

ClinicalRecord read_record(JsonValue resource, ResourceType type, FieldReader& reader) {
  ClinicalRecord record;
  record.set_type(type);
  record.set_patient_id(read_patient_id(resource, reader));
  record.set_encounter_id(read_encounter_id(resource, reader));
  if (const auto time = read_time(resource, reader)) record.set_time_us(time->us);
  read_code(resource, reader, record);
  read_status(resource, reader, record);
  record.set_author_id(read_author_id(resource, reader));
  const JsonValue identifiers = resource.member("identifier");
  if (identifiers.is_object()) {
    reader.identifier(identifiers, *record.add_identifiers());
  } else {
    read_identifiers(resource, reader, record);
  }
  if (type == RESOURCE_TYPE_ENCOUNTER) read_encounter(resource, reader, record);
  return record;
}

/// The entity that the resource is one of, or what is kept of it when it is none.
template <class Entity>
AnyRecord of_own_or_record(std::optional<Entity> entity, JsonValue resource, ResourceType type,
                           FieldReader& reader) {
  if (entity) return std::move(*entity);
  return read_record(resource, type, reader);
}

}  // namespace

bool is_cpf_system(std::string_view system) {
  return ends_with_folded(system, "/cpf") || system == "urn:oid:2.16.840.1.113883.13.237";
}
bool is_cns_system(std::string_view system) {
  return ends_with_folded(system, "/cns") || system == "urn:oid:2.16.840.1.113883.13.236";
}
bool is_cnpj_system(std::string_view system) { return ends_with_folded(system, "/cnpj"); }

IdentifierRole patient_identifier_role(const Identifier& identifier) {
  if (identifier.value().empty() || identifier.use() == "old") return IdentifierRole::kOther;
  if (is_cpf_system(identifier.system()) && parse_cpf(identifier.value(), "patient.cpf"))
    return IdentifierRole::kCpf;
  if (is_cns_system(identifier.system()) && parse_cns(identifier.value(), "patient.cns"))
    return IdentifierRole::kCns;
  if (identifier.type() == "MR" && !identifier.system().empty()) return IdentifierRole::kMrn;
  return IdentifierRole::kOther;
}

AppointmentStatus parse_appointment_status(std::string_view code) {
  for (const auto& [name, status] : kAppointmentStatuses) {
    if (name == code) return status;
  }
  return APPOINTMENT_STATUS_UNSPECIFIED;
}

std::string_view appointment_status_code(AppointmentStatus status) {
  switch (status) {
    case APPOINTMENT_STATUS_ARRIVED:
    case APPOINTMENT_STATUS_STARTED:
      return "arrived";
    case APPOINTMENT_STATUS_COMPLETED:
      return "fulfilled";
    case APPOINTMENT_STATUS_CANCELLED:
      return "cancelled";
    case APPOINTMENT_STATUS_NO_SHOW:
      return "noshow";
    case APPOINTMENT_STATUS_HELD:
      return "pending";  // nobody has agreed to it yet, and it may never be
    default:
      return "booked";
  }
}

const engine::TableDef& table_of(const AnyRecord& record) {
  struct Visitor {
    const engine::TableDef& operator()(const Patient&) const { return patients_table(); }
    const engine::TableDef& operator()(const Professional&) const { return professionals_table(); }
    const engine::TableDef& operator()(const Organization&) const { return organizations_table(); }
    const engine::TableDef& operator()(const Location&) const { return locations_table(); }
    const engine::TableDef& operator()(const Hours&) const { return hours_table(); }
    const engine::TableDef& operator()(const AvailabilityException&) const {
      return exceptions_table();
    }
    const engine::TableDef& operator()(const Appointment&) const { return appointments_table(); }
    const engine::TableDef& operator()(const Invoice&) const { return invoices_table(); }
    const engine::TableDef& operator()(const Consent&) const { return consents_table(); }
    const engine::TableDef& operator()(const ClinicalRecord&) const { return records_table(); }
  };
  return std::visit(Visitor(), record);
}

Result<engine::PreparedRecord> prepare(const AnyRecord& record) {
  const engine::TableDef& table = table_of(record);
  return std::visit([&](const auto& message) { return engine::prepare(table, &message); }, record);
}

const std::string& body_of(const AnyRecord& record) {
  return std::visit([](const auto& message) -> const std::string& { return message.fhir(); },
                    record);
}

void set_body(AnyRecord& record, std::string body) {
  std::visit([&](auto& message) { message.set_fhir(std::move(body)); }, record);
}

ResourceType type_of(const AnyRecord& record) {
  struct Visitor {
    ResourceType operator()(const Patient&) const { return RESOURCE_TYPE_PATIENT; }
    ResourceType operator()(const Professional&) const { return RESOURCE_TYPE_PRACTITIONER; }
    ResourceType operator()(const Organization&) const { return RESOURCE_TYPE_ORGANIZATION; }
    ResourceType operator()(const Location&) const { return RESOURCE_TYPE_LOCATION; }
    ResourceType operator()(const Hours&) const { return RESOURCE_TYPE_SCHEDULE; }
    ResourceType operator()(const AvailabilityException&) const { return RESOURCE_TYPE_SLOT; }
    ResourceType operator()(const Appointment&) const { return RESOURCE_TYPE_APPOINTMENT; }
    ResourceType operator()(const Invoice&) const { return RESOURCE_TYPE_INVOICE; }
    ResourceType operator()(const Consent&) const { return RESOURCE_TYPE_CONSENT; }
    ResourceType operator()(const ClinicalRecord& record) const { return record.type(); }
  };
  return std::visit(Visitor(), record);
}

Result<ResourceType> read_resource_type(JsonValue resource) {
  const JsonValue name = resource.member("resourceType");
  if (!name) return invalid_argument("resourceType is missing").with_field(resource.path());
  if (!name.is_string())
    return invalid_argument("resourceType is not a string").with_field(name.path());
  const ResourceType type = parse_resource_type(name.text());
  if (type == RESOURCE_TYPE_UNSPECIFIED) {
    return invalid_argument("R4 has no resource type \"" + std::string(name.text().substr(0, 64)) +
                            "\"")
        .with_field(name.path());
  }
  return type;
}

Result<std::string> read_id(JsonValue resource) {
  const JsonValue id = resource.member("id");
  if (!id) return std::string();
  if (!id.is_string()) {
    return invalid_argument("R4 has a string here, not " + std::string(json_kind_name(id.kind())))
        .with_field(id.path());
  }
  if (!is_fhir_id(id.text())) {
    return invalid_argument("not an id of R4: 1 to 64 of A-Z, a-z, 0-9, - and .")
        .with_field(id.path());
  }
  return std::string(id.text());
}

Result<AnyRecord> read_resource(JsonValue resource, ResourceType type,
                                const RecordIdentity& identity, const ReferenceMap& references) {
  FieldReader reader(references);
  AnyRecord record;
  switch (type) {
    case RESOURCE_TYPE_PATIENT:
      record = read_patient(resource, reader);
      break;
    case RESOURCE_TYPE_PRACTITIONER:
      record = read_professional(resource, reader);
      break;
    case RESOURCE_TYPE_ORGANIZATION:
      record = read_organization(resource, reader);
      break;
    case RESOURCE_TYPE_LOCATION:
      record = read_location(resource, reader);
      break;
    case RESOURCE_TYPE_APPOINTMENT:
      record = of_own_or_record(read_appointment(resource, reader), resource, type, reader);
      break;
    case RESOURCE_TYPE_SCHEDULE:
      record = of_own_or_record(read_schedule(resource, reader), resource, type, reader);
      break;
    case RESOURCE_TYPE_SLOT:
      record = of_own_or_record(read_slot(resource, reader), resource, type, reader);
      break;
    case RESOURCE_TYPE_INVOICE:
      record = of_own_or_record(read_invoice(resource, reader), resource, type, reader);
      break;
    case RESOURCE_TYPE_CONSENT:
      record = of_own_or_record(read_consent(resource, reader), resource, type, reader);
      break;
    default:
      record = read_record(resource, type, reader);
  }
  if (!reader.status().ok()) return reader.status();
  std::visit([&](auto& message) { identify(message, identity); }, record);
  return record;
}

}  // namespace clinicdb::clinic::fhir
