#include "fhir/body_identifiers.h"

#include "clinic_limits.h"
#include "clinicdb/clinic/tables.h"
#include "fhir/json_tree.h"

namespace clinicdb::clinic::fhir {

namespace {

/// A system and a value as long as those that are looked for (reference.h), and how they are kept
/// apart. Bodies are nobody's to check: one with more must stay a record that can be put and
/// removed, so what no look-up could name has no entry.
constexpr std::size_t kIdentifierEntryBytesMax = 2 * kIdentifierBytesMax + 16;

void add_identifier(JsonValue identifier, engine::IndexEntries& out) {
  const JsonValue value = identifier.member("value");
  const JsonValue system = identifier.member("system");
  if (!value.is_string() || value.text().empty()) return;
  const std::string key =
      identifier_key(system.is_string() ? system.text() : std::string_view(), value.text());
  if (key.size() <= kIdentifierEntryBytesMax) out.add(key);
}

}  // namespace

void add_body_identifiers(std::string_view body, engine::IndexEntries& out) {
  if (body.find("\"identifier\"") == std::string_view::npos) return;
  JsonTree tree;
  if (!tree.parse_copy(body).ok()) return;  // no import lets such a body in
  const JsonValue identifiers = tree.root().member("identifier");
  if (identifiers.is_object()) add_identifier(identifiers, out);
  if (!identifiers.is_array()) return;
  std::size_t count = 0;
  for (const JsonValue identifier : identifiers.children()) {
    if (++count > kListItemsMax) return;
    add_identifier(identifier, out);
  }
}

}  // namespace clinicdb::clinic::fhir
