#include "fhir/writer.h"

#include "clinicdb/clinic/identity.h"
#include "fhir/consent.h"
#include "fhir/fields.h"
#include "fhir/invoice.h"
#include "fhir/schedule.h"

namespace clinicdb::clinic::fhir {

namespace {

constexpr std::string_view kIdentifierTypes = "http://terminology.hl7.org/CodeSystem/v2-0203";
constexpr std::string_view kCpfSystem = "http://rnds.saude.gov.br/fhir/r4/NamingSystem/cpf";
constexpr std::string_view kCnsSystem = "http://rnds.saude.gov.br/fhir/r4/NamingSystem/cns";
constexpr std::string_view kCnpjSystem = "http://rnds.saude.gov.br/fhir/r4/NamingSystem/cnpj";

std::string array(const std::string& item) { return item.empty() ? item : "[" + item + "]"; }

std::string write_reference(const ReferenceOf& reference_of, ResourceType type,
                            std::string_view id) {
  if (id.empty()) return {};
  return ObjectWriter().string("reference", reference_of(type, id)).object();
}

ObjectWriter begin(std::string_view type, std::string_view id, std::string_view fhir_id) {
  ObjectWriter writer;
  writer.string("resourceType", type).string("id", fhir_id_text(id, fhir_id));
  return writer;
}

void join(std::string& list, std::string_view item) {
  if (item.empty()) return;
  if (!list.empty()) list.push_back(',');
  list.append(item);
}

std::string items(std::string_view array_json) {
  return array_json.empty() ? std::string()
                            : std::string(array_json.substr(1, array_json.size() - 2));
}

std::string as_list(const std::string& list) { return list.empty() ? list : "[" + list + "]"; }

std::string write_national(std::string_view type, std::string_view system,
                           std::string_view digits) {
  if (digits.empty()) return {};
  return ObjectWriter()
      .string("use", "official")
      .raw("type", write_identifier_type(type))
      .string("system", system)
      .string("value", digits)
      .object();
}

struct ResourceWriter {
  const ReferenceOf& reference_of;

  std::string operator()(const Patient& patient) const {
    std::string identifiers;
    join(identifiers, write_cpf(patient.cpf()));
    join(identifiers, write_cns(patient.cns()));
    for (Identifier mrn : patient.mrn()) {
      if (mrn.type().empty()) mrn.set_type("MR");
      join(identifiers, write(mrn));
    }
    join(identifiers, items(write_list(patient.identifiers())));
    ObjectWriter writer = begin("Patient", patient.id(), patient.fhir_id());
    writer.raw("identifier", as_list(identifiers))
        .raw("active", patient.inactive() ? "false" : "true")
        .raw("name", write_list(patient.names()))
        .raw("telecom", write_list(patient.telecom()))
        .string("gender", gender_code(patient.gender()))
        .raw("birthDate",
             patient.has_birth_date() ? write_date(patient.birth_date()) : std::string());
    if (patient.has_deceased_date()) {
      writer.raw("deceasedDateTime", write_date(patient.deceased_date()));
    } else if (patient.deceased()) {
      writer.raw("deceasedBoolean", "true");
    }
    return writer.raw("address", write_list(patient.addresses())).object();
  }

  std::string operator()(const Professional& professional) const {
    std::string identifiers;
    join(identifiers, write_cpf(professional.cpf()));
    if (professional.has_council()) {
      const Council& council = professional.council();
      join(identifiers,
           ObjectWriter()
               .raw("type", write_identifier_type("MD"))
               .string("value", council.type() + " " + council.number() + "/" + council.state())
               .object());
    }
    join(identifiers, items(write_list(professional.identifiers())));
    return begin("Practitioner", professional.id(), professional.fhir_id())
        .raw("identifier", as_list(identifiers))
        .raw("active", professional.inactive() ? "false" : "true")
        .raw("name", write_list(professional.names()))
        .raw("telecom", write_list(professional.telecom()))
        .raw("address", write_list(professional.addresses()))
        .string("gender", gender_code(professional.gender()))
        .raw("birthDate",
             professional.has_birth_date() ? write_date(professional.birth_date()) : std::string())
        .object();
  }

  std::string operator()(const Organization& organization) const {
    std::string identifiers = write_national("TAX", kCnpjSystem, organization.cnpj());
    join(identifiers, items(write_list(organization.identifiers())));
    return begin("Organization", organization.id(), organization.fhir_id())
        .raw("identifier", as_list(identifiers))
        .raw("active", organization.inactive() ? "false" : "true")
        .string("name", organization.name())
        .strings("alias", organization.aliases())
        .raw("telecom", write_list(organization.telecom()))
        .raw("address", write_list(organization.addresses()))
        .raw("partOf",
             write_reference(reference_of, RESOURCE_TYPE_ORGANIZATION, organization.part_of_id()))
        .object();
  }

  std::string operator()(const Invoice& invoice) const {
    return write_invoice(invoice, reference_of);
  }
  std::string operator()(const Consent& consent) const {
    return write_consent(consent, reference_of);
  }
  std::string operator()(const Hours& hours) const { return write_schedule(hours, reference_of); }
  std::string operator()(const AvailabilityException& exception) const {
    return write_slot(exception, reference_of);
  }

  std::string operator()(const Location& location) const {
    ObjectWriter writer = begin("Location", location.id(), location.fhir_id());
    writer.raw("identifier", write_list(location.identifiers()))
        .string("status", location.inactive() ? "inactive" : "active")
        .string("name", location.name())
        .raw("telecom", write_list(location.telecom()))
        .raw("address", write(location.address()));
    if (location.bookable()) {
      writer.raw(
          "physicalType",
          R"({"coding":[{"system":"http://terminology.hl7.org/CodeSystem/location-physical-type",)"
          R"("code":"ro","display":"Room"}]})");
    }
    return writer
        .raw("managingOrganization",
             write_reference(reference_of, RESOURCE_TYPE_ORGANIZATION, location.organization_id()))
        .raw("partOf", write_reference(reference_of, RESOURCE_TYPE_LOCATION, location.part_of_id()))
        .object();
  }

  std::string operator()(const Appointment& appointment) const {
    std::string participants;
    const auto add = [&](ResourceType type, std::string_view id) {
      if (id.empty()) return;
      join(participants, ObjectWriter()
                             .raw("actor", write_reference(reference_of, type, id))
                             .string("status", "accepted")
                             .object());
    };
    add(RESOURCE_TYPE_PATIENT, appointment.patient_id());
    add(RESOURCE_TYPE_PRACTITIONER, appointment.professional_id());
    add(RESOURCE_TYPE_LOCATION, appointment.room_id());
    ObjectWriter writer = begin("Appointment", appointment.id(), appointment.fhir_id());
    writer.string("status", appointment_status_code(appointment.status()));
    if (!appointment.cancellation().reason().empty()) {
      writer.raw("cancelationReason",
                 ObjectWriter().string("text", appointment.cancellation().reason()).object());
    }
    return writer.string("description", appointment.title())
        .string("start", format_instant(Time{appointment.start_us()}))
        .string("end", format_instant(Time{appointment.end_us()}))
        .string("comment", appointment.note())
        .raw("participant", as_list(participants))
        .object();
  }

  std::string operator()(const ClinicalRecord& record) const {
    ObjectWriter writer = begin(resource_type_name(record.type()), record.id(), record.fhir_id());
    if (!record.text().empty()) {
      std::string div = "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>";
      for (const char c : record.text()) {
        switch (c) {
          case '<':
            div.append("&lt;");
            break;
          case '>':
            div.append("&gt;");
            break;
          case '&':
            div.append("&amp;");
            break;
          case '\n':
            div.append("<br/>");
            break;
          default:
            div.push_back(c);
        }
      }
      writer.raw(
          "text",
          ObjectWriter().string("status", "additional").string("div", div + "</p></div>").object());
    }
    writer.raw("identifier", write_list(record.identifiers()));
    if (record.type() == RESOURCE_TYPE_ENCOUNTER) {
      encounter(record, writer);
      return writer.object();
    }
    return writer.string("status", record.status())
        .raw("code", ObjectWriter()
                         .raw("coding", array(write(record.code())))
                         .string("text", record.title())
                         .object())
        .raw("subject", write_reference(reference_of, RESOURCE_TYPE_PATIENT, record.patient_id()))
        .raw("encounter",
             write_reference(reference_of, RESOURCE_TYPE_ENCOUNTER, record.encounter_id()))
        .string(record.type() == RESOURCE_TYPE_OBSERVATION ? "effectiveDateTime" : "date",
                record.has_time_us() ? format_instant(Time{record.time_us()}) : std::string())
        .object();
  }

  void encounter(const ClinicalRecord& record, ObjectWriter& writer) const {
    const Encounter& encounter = record.encounter();
    std::string participant;
    if (!encounter.professional_id().empty()) {
      participant = ObjectWriter()
                        .raw("individual", write_reference(reference_of, RESOURCE_TYPE_PRACTITIONER,
                                                           encounter.professional_id()))
                        .object();
    }
    std::string place;
    if (!encounter.location_id().empty()) {
      place = ObjectWriter()
                  .raw("location", write_reference(reference_of, RESOURCE_TYPE_LOCATION,
                                                   encounter.location_id()))
                  .object();
    }
    writer.string("status", record.status().empty() ? "unknown" : std::string_view(record.status()))
        .raw("class",
             ObjectWriter()
                 .string("system", "http://terminology.hl7.org/CodeSystem/v3-ActCode")
                 .string("code",
                         encounter.class_().empty() ? "AMB" : std::string_view(encounter.class_()))
                 .object())
        .raw("type", array(ObjectWriter()
                               .raw("coding", array(write(record.code())))
                               .string("text", record.title())
                               .object()))
        .raw("subject", write_reference(reference_of, RESOURCE_TYPE_PATIENT, record.patient_id()))
        .raw("participant", array(participant))
        .raw("period",
             ObjectWriter()
                 .string("start", record.has_time_us() ? format_instant(Time{record.time_us()})
                                                       : std::string())
                 .string("end", encounter.has_end_us() ? format_instant(Time{encounter.end_us()})
                                                       : std::string())
                 .object())
        .raw("location", array(place))
        .raw("serviceProvider", write_reference(reference_of, RESOURCE_TYPE_ORGANIZATION,
                                                encounter.organization_id()));
  }
};

}  // namespace

ObjectWriter& ObjectWriter::raw(std::string_view name, std::string_view json) {
  if (json.empty()) return *this;
  if (!members_.empty()) members_.push_back(',');
  append_json_string(members_, name);
  members_.push_back(':');
  members_.append(json);
  return *this;
}

ObjectWriter& ObjectWriter::string(std::string_view name, std::string_view text) {
  return text.empty() ? *this : raw(name, json_string(text));
}

std::string ObjectWriter::object() const {
  return members_.empty() ? std::string() : "{" + members_ + "}";
}

std::string write(const HumanName& name) {
  return ObjectWriter()
      .string("use", name.use())
      .string("text", name.text())
      .string("family", name.family())
      .strings("given", name.given())
      .strings("prefix", name.prefix())
      .strings("suffix", name.suffix())
      .object();
}

std::string write(const ContactPoint& contact) {
  return ObjectWriter()
      .string("system", contact_system_code(contact.system()))
      .string("value", contact.value())
      .string("use", contact.use())
      .raw("rank", contact.rank() > 0 ? std::to_string(contact.rank()) : std::string())
      .object();
}

std::string write(const Address& address) {
  return ObjectWriter()
      .string("use", address.use())
      .string("type", address.type())
      .string("text", address.text())
      .strings("line", address.lines())
      .string("city", address.city())
      .string("district", address.district())
      .string("state", address.state())
      .string("postalCode", address.postal_code())
      .string("country", address.country())
      .object();
}

std::string write_identifier_type(std::string_view code) {
  if (code.empty()) return {};
  return ObjectWriter()
      .raw("coding",
           "[" + ObjectWriter().string("system", kIdentifierTypes).string("code", code).object() +
               "]")
      .object();
}

std::string write(const Identifier& identifier) {
  return ObjectWriter()
      .string("use", identifier.use())
      .raw("type", write_identifier_type(identifier.type()))
      .string("system", identifier.system())
      .string("value", identifier.value())
      .object();
}

std::string write(const Coding& coding) {
  return ObjectWriter()
      .string("system", coding.system())
      .string("code", coding.code())
      .string("display", coding.display())
      .object();
}

std::string write_cpf(std::string_view digits) { return write_national("TAX", kCpfSystem, digits); }
std::string write_cns(std::string_view digits) { return write_national("HC", kCnsSystem, digits); }

std::string write_date(const Date& date) {
  return json_string(format_date({date.year(), date.month(), date.day()}));
}

std::string write_resource(const AnyRecord& record, const ReferenceOf& reference_of) {
  return std::visit(ResourceWriter{reference_of}, record);
}

}  // namespace clinicdb::clinic::fhir
