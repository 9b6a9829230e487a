// Which record a FHIR logical id means, and the names of FHIR's resource types.
//
// A logical id that is a UUID in canonical lower-case text is the record's id. Any other is kept in
// the record's `fhir_id`, and the record's id is a UUIDv8 made of the first bits of SHA-256 over
// type + "/" + id: the same id always means the same record, in every store. Pure.
#pragma once

#include <string>
#include <string_view>

#include "clinicdb/base/ids.h"
#include "clinicdb/base/result.h"
#include "clinicdb/clinic/schema/resource_type.pb.h"

namespace clinicdb::clinic {

/// "AllergyIntolerance"; empty for a number that is no type.
std::string_view resource_type_name(ResourceType type);
/// RESOURCE_TYPE_UNSPECIFIED for a name that is no type of R4.
ResourceType parse_resource_type(std::string_view name);

/// FHIR's syntax of logical ids: 1 to 64 of A-Z a-z 0-9 - and '.'.
bool is_fhir_id(std::string_view text);

struct RecordIdentity {
  Uuid id;
  std::string fhir_id;  ///< empty when the id's canonical text is the logical id
};
/// kInvalidArgument when `fhir_id` is not of FHIR's syntax.
Result<RecordIdentity> identity_of(ResourceType type, std::string_view fhir_id);

/// The logical id of a record with these two fields.
std::string fhir_id_text(std::string_view id_bytes, std::string_view fhir_id);

/// "Patient/0190b3c1-…" of a record with these fields.
std::string fhir_reference(ResourceType type, std::string_view id_bytes, std::string_view fhir_id);

/// Bytes of an id field as a Uuid; kInvalidArgument naming `field` unless they are 16.
Result<Uuid> id_from_bytes(std::string_view bytes, std::string_view field);

}  // namespace clinicdb::clinic
