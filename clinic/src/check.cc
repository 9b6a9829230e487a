#include "clinicdb/clinic/check.h"

#include <string>

#include "check_parts.h"
#include "clinic_limits.h"
#include "clinicdb/clinic/identifiers.h"
#include "clinicdb/clinic/tables.h"

namespace clinicdb::clinic {

namespace {

template <class Repeated>
Status check_count(const Repeated& list, std::string_view field) {
  if (static_cast<std::size_t>(list.size()) <= kListItemsMax) return {};
  return refuse(field, "at most " + std::to_string(kListItemsMax) + " are possible");
}

std::string item(std::string_view list, int index, std::string_view part) {
  std::string field(list);
  field += '[' + std::to_string(index) + "].";
  field += part;
  return field;
}

/// Replaces a set field by what `parse` makes of it.
template <class Parse>
Status normalise(std::string* text, Parse parse, std::string_view field) {
  if (text->empty()) return {};
  ASSIGN_OR_RETURN(*text, parse(*text, field));
  return {};
}

using Names = google::protobuf::RepeatedPtrField<HumanName>;
using Identifiers = google::protobuf::RepeatedPtrField<Identifier>;
using Contacts = google::protobuf::RepeatedPtrField<ContactPoint>;

Status check_names(const Names& names, Strictness strictness, std::string_view field) {
  RETURN_IF_ERROR(check_count(names, field));
  for (int i = 0; i < names.size(); ++i) {
    RETURN_IF_ERROR(check_size(names[i].text(), kNameBytesMax, item(field, i, "text")));
    RETURN_IF_ERROR(check_size(names[i].family(), kNameBytesMax, item(field, i, "family")));
  }
  if (strictness == Strictness::kEntered && display_name(names).empty())
    return refuse(field, "a name is needed");
  return {};
}

Status check_identifiers(const Identifiers& identifiers, Strictness strictness,
                         std::string_view field) {
  RETURN_IF_ERROR(check_count(identifiers, field));
  for (int i = 0; i < identifiers.size(); ++i) {
    RETURN_IF_ERROR(
        check_size(identifiers[i].system(), kIdentifierBytesMax, item(field, i, "system")));
    RETURN_IF_ERROR(
        check_size(identifiers[i].value(), kIdentifierBytesMax, item(field, i, "value")));
    if (strictness == Strictness::kEntered && identifiers[i].value().empty()) {
      return refuse(item(field, i, "value"), "is needed");
    }
  }
  return {};
}

/// A person's telephone is brought into E.164. What was imported stays as it came: its country is
/// not known.
Status check_telecom(Contacts& telecom, Strictness strictness, std::string_view field) {
  RETURN_IF_ERROR(check_count(telecom, field));
  for (int i = 0; i < telecom.size(); ++i) {
    ContactPoint& contact = telecom[i];
    RETURN_IF_ERROR(check_size(contact.value(), kIdentifierBytesMax, item(field, i, "value")));
    if (strictness == Strictness::kImported) continue;
    if (contact.value().empty()) return refuse(item(field, i, "value"), "is needed");
    if (contact.system() == ContactPoint::SYSTEM_PHONE ||
        contact.system() == ContactPoint::SYSTEM_SMS) {
      RETURN_IF_ERROR(normalise(contact.mutable_value(), &parse_phone, item(field, i, "value")));
    }
  }
  return {};
}

Status check_zone(const std::string& zone, std::string_view field) {
  if (zone.empty() || is_zone(zone)) return {};
  return refuse(field, "not the name of an IANA time zone known here");
}

}  // namespace

Status check(TenantProfile& profile) {
  RETURN_IF_ERROR(check_size(profile.display_name(), kNameBytesMax, "profile.display_name"));
  RETURN_IF_ERROR(check_size(profile.locale(), 35, "profile.locale"));
  RETURN_IF_ERROR(check_count(profile.features(), "profile.features"));
  return check_zone(profile.zone(), "profile.zone");
}

Status check(ClinicSite& clinic) {
  RETURN_IF_ERROR(check_id(clinic.id(), "clinic.id", true));
  RETURN_IF_ERROR(check_slug(clinic.slug(), "clinic.slug"));
  if (clinic.name().empty()) return refuse("clinic.name", "is needed");
  RETURN_IF_ERROR(check_size(clinic.name(), kNameBytesMax, "clinic.name"));
  RETURN_IF_ERROR(check_zone(clinic.zone(), "clinic.zone"));
  RETURN_IF_ERROR(normalise(clinic.mutable_cnpj(), &parse_cnpj, "clinic.cnpj"));
  RETURN_IF_ERROR(normalise(clinic.mutable_cnes(), &parse_cnes, "clinic.cnes"));
  RETURN_IF_ERROR(check_id(clinic.organization_id(), "clinic.organization_id"));
  return check_telecom(*clinic.mutable_telecom(), Strictness::kEntered, "clinic.telecom");
}

Status check(User& user) {
  RETURN_IF_ERROR(check_id(user.id(), "user.id", true));
  if (user.login().empty()) return refuse("user.login", "is needed");
  RETURN_IF_ERROR(check_size(user.login(), kNameBytesMax, "user.login"));
  RETURN_IF_ERROR(check_size(user.name(), kNameBytesMax, "user.name"));
  RETURN_IF_ERROR(check_size(user.email(), kNameBytesMax, "user.email"));
  RETURN_IF_ERROR(check_id(user.professional_id(), "user.professional_id"));
  for (const std::string& id : user.clinic_ids())
    RETURN_IF_ERROR(check_id(id, "user.clinic_ids", true));
  return check_count(user.clinic_ids(), "user.clinic_ids");
}

Status check(Professional& professional, Strictness strictness) {
  RETURN_IF_ERROR(check_id(professional.id(), "professional.id", true));
  RETURN_IF_ERROR(check_names(professional.names(), strictness, "professional.names"));
  RETURN_IF_ERROR(normalise(professional.mutable_cpf(), &parse_cpf, "professional.cpf"));
  if (professional.has_council()) {
    Council& council = *professional.mutable_council();
    ASSIGN_OR_RETURN(*council.mutable_type(),
                     parse_council_number(council.type(), "professional.council.type"));
    ASSIGN_OR_RETURN(*council.mutable_number(),
                     parse_council_number(council.number(), "professional.council.number"));
    ASSIGN_OR_RETURN(*council.mutable_state(),
                     parse_uf(council.state(), "professional.council.state"));
  }
  if (professional.has_birth_date()) {
    RETURN_IF_ERROR(check_date(professional.birth_date(), true, "professional.birth_date"));
  }
  if (professional.has_licence_expiry()) {
    RETURN_IF_ERROR(
        check_date(professional.licence_expiry(), false, "professional.licence_expiry"));
  }
  RETURN_IF_ERROR(check_count(professional.service_ids(), "professional.service_ids"));
  for (const std::string& id : professional.service_ids())
    RETURN_IF_ERROR(check_id(id, "professional.service_ids", true));
  RETURN_IF_ERROR(check_size(professional.colour(), 7, "professional.colour"));
  RETURN_IF_ERROR(
      check_identifiers(professional.identifiers(), strictness, "professional.identifiers"));
  return check_telecom(*professional.mutable_telecom(), strictness, "professional.telecom");
}

Status check(Organization& organization, Strictness strictness) {
  RETURN_IF_ERROR(check_id(organization.id(), "organization.id", true));
  if (strictness == Strictness::kEntered && organization.name().empty()) {
    return refuse("organization.name", "is needed");
  }
  RETURN_IF_ERROR(check_size(organization.name(), kNameBytesMax, "organization.name"));
  RETURN_IF_ERROR(normalise(organization.mutable_cnpj(), &parse_cnpj, "organization.cnpj"));
  RETURN_IF_ERROR(check_id(organization.part_of_id(), "organization.part_of_id"));
  RETURN_IF_ERROR(
      check_identifiers(organization.identifiers(), strictness, "organization.identifiers"));
  return check_telecom(*organization.mutable_telecom(), strictness, "organization.telecom");
}

Status check(Location& location, Strictness strictness) {
  RETURN_IF_ERROR(check_id(location.id(), "location.id", true));
  if (strictness == Strictness::kEntered && location.name().empty())
    return refuse("location.name", "is needed");
  RETURN_IF_ERROR(check_size(location.name(), kNameBytesMax, "location.name"));
  RETURN_IF_ERROR(check_id(location.clinic_id(), "location.clinic_id"));
  RETURN_IF_ERROR(check_id(location.organization_id(), "location.organization_id"));
  RETURN_IF_ERROR(check_id(location.part_of_id(), "location.part_of_id"));
  RETURN_IF_ERROR(check_identifiers(location.identifiers(), strictness, "location.identifiers"));
  return check_telecom(*location.mutable_telecom(), strictness, "location.telecom");
}

Status check(Service& service) {
  RETURN_IF_ERROR(check_id(service.id(), "service.id", true));
  if (service.name().empty()) return refuse("service.name", "is needed");
  RETURN_IF_ERROR(check_size(service.name(), kNameBytesMax, "service.name"));
  RETURN_IF_ERROR(check_size(service.code(), kIdentifierBytesMax, "service.code"));
  if (service.duration_minutes() == 0 || service.duration_minutes() > kServiceMinutesMax) {
    return refuse("service.duration_minutes", "from 1 minute to 24 hours are possible");
  }
  if (service.buffer_before_minutes() > kBufferMinutesMax)
    return refuse("service.buffer_before_minutes", "at most 240 minutes are possible");
  if (service.buffer_after_minutes() > kBufferMinutesMax)
    return refuse("service.buffer_after_minutes", "at most 240 minutes are possible");
  if (service.price().cents() < 0) return refuse("service.price", "is not below nothing");
  if (service.capacity() > kCapacityMax)
    return refuse("service.capacity", "at most " + std::to_string(kCapacityMax) + " are possible");
  const auto check_ids = [](const auto& ids, std::string_view field) -> Status {
    for (const std::string& id : ids) RETURN_IF_ERROR(check_id(id, field, true));
    return check_count(ids, field);
  };
  RETURN_IF_ERROR(check_ids(service.room_ids(), "service.room_ids"));
  if (static_cast<std::size_t>(service.equipment_ids_size()) > kEquipmentMax) {
    return refuse("service.equipment_ids",
                  "at most " + std::to_string(kEquipmentMax) + " are possible");
  }
  RETURN_IF_ERROR(check_ids(service.equipment_ids(), "service.equipment_ids"));
  RETURN_IF_ERROR(check_ids(service.clinic_ids(), "service.clinic_ids"));
  return check_size(service.description(), kNoteBytesMax, "service.description");
}

Status check(Equipment& equipment) {
  RETURN_IF_ERROR(check_id(equipment.id(), "equipment.id", true));
  if (equipment.name().empty()) return refuse("equipment.name", "is needed");
  RETURN_IF_ERROR(check_size(equipment.name(), kNameBytesMax, "equipment.name"));
  RETURN_IF_ERROR(check_size(equipment.kind(), kNameBytesMax, "equipment.kind"));
  RETURN_IF_ERROR(check_id(equipment.clinic_id(), "equipment.clinic_id"));
  if (equipment.units() > kEquipmentUnitsMax) {
    return refuse("equipment.units",
                  "at most " + std::to_string(kEquipmentUnitsMax) + " are possible");
  }
  return {};
}

Status check(Patient& patient, Strictness strictness) {
  RETURN_IF_ERROR(check_id(patient.id(), "patient.id", true));
  RETURN_IF_ERROR(check_names(patient.names(), strictness, "patient.names"));
  RETURN_IF_ERROR(normalise(patient.mutable_cpf(), &parse_cpf, "patient.cpf"));
  RETURN_IF_ERROR(normalise(patient.mutable_cns(), &parse_cns, "patient.cns"));
  if (patient.has_birth_date())
    RETURN_IF_ERROR(check_date(patient.birth_date(), true, "patient.birth_date"));
  if (patient.has_deceased_date())
    RETURN_IF_ERROR(check_date(patient.deceased_date(), true, "patient.deceased_date"));
  RETURN_IF_ERROR(check_identifiers(patient.mrn(), strictness, "patient.mrn"));
  RETURN_IF_ERROR(check_identifiers(patient.identifiers(), strictness, "patient.identifiers"));
  RETURN_IF_ERROR(check_count(patient.addresses(), "patient.addresses"));
  RETURN_IF_ERROR(check_size(patient.note(), kNoteBytesMax, "patient.note"));
  return check_telecom(*patient.mutable_telecom(), strictness, "patient.telecom");
}

Status check(ClinicalRecord& record) {
  RETURN_IF_ERROR(check_id(record.id(), "record.id", true));
  switch (record.type()) {
    case RESOURCE_TYPE_PATIENT:
    case RESOURCE_TYPE_PRACTITIONER:
    case RESOURCE_TYPE_ORGANIZATION:
    case RESOURCE_TYPE_LOCATION:
      return refuse("record.type", "this type has its own service");
    default:
      break;
  }
  if (record.type() == RESOURCE_TYPE_UNSPECIFIED || !ResourceType_IsValid(record.type())) {
    return refuse("record.type", "is not a type of FHIR R4");
  }
  RETURN_IF_ERROR(check_id(record.patient_id(), "record.patient_id"));
  RETURN_IF_ERROR(check_id(record.encounter_id(), "record.encounter_id"));
  RETURN_IF_ERROR(check_id(record.author_id(), "record.author_id"));
  RETURN_IF_ERROR(check_size(record.code().system(), kIdentifierBytesMax, "record.code.system"));
  RETURN_IF_ERROR(check_size(record.code().code(), kIdentifierBytesMax, "record.code.code"));
  if (record.has_time_us() && record.time_us() == kNoTime.us)
    return refuse("record.time_us", "is out of range");
  if (record.has_encounter() && record.type() != RESOURCE_TYPE_ENCOUNTER) {
    return refuse("record.encounter", "only a record of type Encounter has it");
  }
  return check_identifiers(record.identifiers(), Strictness::kImported, "record.identifiers");
}

Status check(Appointment& appointment) {
  RETURN_IF_ERROR(check_id(appointment.id(), "appointment.id", true));
  RETURN_IF_ERROR(check_id(appointment.clinic_id(), "appointment.clinic_id", true));
  RETURN_IF_ERROR(check_id(appointment.professional_id(), "appointment.professional_id"));
  RETURN_IF_ERROR(check_id(appointment.room_id(), "appointment.room_id"));
  RETURN_IF_ERROR(check_id(appointment.patient_id(), "appointment.patient_id"));
  if (appointment.professional_id().empty() && appointment.room_id().empty()) {
    return refuse("appointment.professional_id", "a professional or a room is needed");
  }
  if (appointment.start_us() >= appointment.end_us()) {
    return refuse("appointment.end_us", "an appointment ends after it starts");
  }
  // Compared as unsigned: bounds far apart would overflow.
  const auto length = static_cast<std::uint64_t>(appointment.end_us()) -
                      static_cast<std::uint64_t>(appointment.start_us());
  if (length > static_cast<std::uint64_t>(kAppointmentUsMax)) {
    return refuse("appointment.end_us", "an appointment takes at most 24 hours");
  }
  if (!AppointmentStatus_IsValid(appointment.status()))
    return refuse("appointment.status", "is not known");
  RETURN_IF_ERROR(check_id(appointment.service_id(), "appointment.service_id"));
  RETURN_IF_ERROR(check_id(appointment.session_id(), "appointment.session_id"));
  if (static_cast<std::size_t>(appointment.equipment_ids_size()) > kEquipmentMax) {
    return refuse("appointment.equipment_ids",
                  "at most " + std::to_string(kEquipmentMax) + " are possible");
  }
  for (const std::string& id : appointment.equipment_ids())
    RETURN_IF_ERROR(check_id(id, "appointment.equipment_ids", true));
  if (appointment.buffer_before_minutes() > kBufferMinutesMax)
    return refuse("appointment.buffer_before_minutes", "at most 240 minutes are possible");
  if (appointment.buffer_after_minutes() > kBufferMinutesMax)
    return refuse("appointment.buffer_after_minutes", "at most 240 minutes are possible");
  if (appointment.capacity() > kCapacityMax) {
    return refuse("appointment.capacity",
                  "at most " + std::to_string(kCapacityMax) + " are possible");
  }
  if (!appointment.session_id().empty() && appointment.patient_id().empty())
    return refuse("appointment.patient_id", "a participant of a group is a patient");
  RETURN_IF_ERROR(check_size(appointment.title(), kTitleBytesMax, "appointment.title"));
  return check_size(appointment.note(), kNoteBytesMax, "appointment.note");
}

}  // namespace clinicdb::clinic
