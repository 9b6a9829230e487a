// References between resources: where they stand in a body, what they point to, and what they
// become when ids are mapped.
//
// Only Reference.reference is a reference here: a member "reference" whose value is a string,
// anywhere in the body. Attachments' addresses, links in narratives and canonical addresses are not
// touched. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "clinicdb/base/ids.h"
#include "clinicdb/clinic/schema/resource_type.pb.h"
#include "fhir/json_tree.h"

namespace clinicdb::clinic::fhir {

/// "Patient/23" of "Patient/23", "Patient/23/_history/2" or "http://example.org/fhir/Patient/23".
struct LocalReference {
  ResourceType type = RESOURCE_TYPE_UNSPECIFIED;
  std::string_view id;
};
/// Nothing when the text does not end in a type and an id: a fragment, a urn, a search.
std::optional<LocalReference> parse_reference(std::string_view text);

/// "Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|9999999698".
struct ConditionalReference {
  ResourceType type = RESOURCE_TYPE_UNSPECIFIED;
  std::string system;  ///< empty: given without one
  std::string value;
  bool any_system = false;  ///< "identifier=value": whatever the system
};
/// Whether the text has the form of a search ("Type?..."), supported or not.
bool is_conditional(std::string_view text);
/// Nothing when the search is by anything else than one identifier.
std::optional<ConditionalReference> parse_conditional(std::string_view text);

/// The name of the members that are references, when they are strings.
constexpr std::string_view kReferenceMember = "reference";

/// What reference texts become: from the text as written to "Type/id".
using ReferenceMap = std::map<std::string, std::string, std::less<>>;

/// The text that takes `text`'s place, if the map has it; a "#fragment" behind stays.
std::optional<std::string> mapped_reference(const ReferenceMap& map, std::string_view text);

/// The record that `text` names, as mapped, when it is one of `type`; as its 16 bytes.
std::optional<Uuid> referenced_id(std::string_view text, ResourceType type,
                                  const ReferenceMap& map);

}  // namespace clinicdb::clinic::fhir
