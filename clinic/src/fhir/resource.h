// From a FHIR resource to the typed record that the store keeps of it: the fields that are
// searched, claimed and shown, beside the whole body. docs/fhir.md says which element becomes which
// field.
//
// Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "clinicdb/base/result.h"
#include "clinicdb/clinic/identity.h"
#include "clinicdb/clinic/schema/appointment.pb.h"
#include "clinicdb/clinic/schema/availability.pb.h"
#include "clinicdb/clinic/schema/billing.pb.h"
#include "clinicdb/clinic/schema/consent.pb.h"
#include "clinicdb/clinic/schema/patient.pb.h"
#include "clinicdb/clinic/schema/people.pb.h"
#include "clinicdb/clinic/schema/record.pb.h"
#include "clinicdb/engine/table.h"
#include "fhir/json_tree.h"
#include "fhir/reference.h"

namespace clinicdb::clinic::fhir {

/// A record of one of the clinic's tables.
using AnyRecord =
    std::variant<Patient, Professional, Organization, Location, Hours, AvailabilityException,
                 Appointment, Invoice, Consent, ClinicalRecord>;

const engine::TableDef& table_of(const AnyRecord& record);
Result<engine::PreparedRecord> prepare(const AnyRecord& record);
/// The FHIR body; empty when the record was not born as FHIR.
const std::string& body_of(const AnyRecord& record);
void set_body(AnyRecord& record, std::string body);
ResourceType type_of(const AnyRecord& record);

/// The type that `resourceType` names. kInvalidArgument with field(): it is missing, or R4 knows no
/// such type.
Result<ResourceType> read_resource_type(JsonValue resource);
/// The `id`, or empty. kInvalidArgument with field() when it is not of R4's syntax.
Result<std::string> read_id(JsonValue resource);

/// Reads the fields of `resource`. The body is left empty: it is the caller's to set, as written,
/// with ids and references mapped. kInvalidArgument with field(): what R4 forbids, and where, from
/// the document's root.
Result<AnyRecord> read_resource(JsonValue resource, ResourceType type,
                                const RecordIdentity& identity, const ReferenceMap& references);

/// How an identifier of a patient is kept.
enum class IdentifierRole { kCpf, kCns, kMrn, kOther };
IdentifierRole patient_identifier_role(const Identifier& identifier);
bool is_cpf_system(std::string_view system);
bool is_cns_system(std::string_view system);
bool is_cnpj_system(std::string_view system);

/// The status codes of R4's Appointment. UNSPECIFIED for those that hold no time (proposed,
/// pending, waitlist, entered-in-error), whose resources are kept as clinical records.
AppointmentStatus parse_appointment_status(std::string_view code);
std::string_view appointment_status_code(AppointmentStatus status);

}  // namespace clinicdb::clinic::fhir
