#include "fhir/body_identifiers.h"

#include "clinicdb/clinic/tables.h"
#include "fhir/json_tree.h"

namespace clinicdb::clinic::fhir {

namespace {

void add_identifier(JsonValue identifier, engine::IndexEntries& out) {
  const JsonValue value = identifier.member("value");
  const JsonValue system = identifier.member("system");
  if (value.is_string() && !value.text().empty())
    out.add(identifier_key(system.is_string() ? system.text() : std::string_view(), value.text()));
}

}  // namespace

void add_body_identifiers(std::string_view body, engine::IndexEntries& out) {
  if (body.find("\"identifier\"") == std::string_view::npos) return;
  JsonTree tree;
  if (!tree.parse_copy(body).ok()) return;  // no import lets such a body in
  const JsonValue identifiers = tree.root().member("identifier");
  if (identifiers.is_object()) add_identifier(identifiers, out);
  if (!identifiers.is_array()) return;
  for (const JsonValue identifier : identifiers.children()) add_identifier(identifier, out);
}

}  // namespace clinicdb::clinic::fhir
