#include "fhir/bundle.h"

#include <openssl/sha.h>

#include <algorithm>
#include <set>

#include "clinicdb/clinic/identity.h"
#include "fhir/fields.h"
#include "fhir/lookup.h"
#include "fhir/resource.h"

namespace clinicdb::clinic::fhir {

namespace {

constexpr std::string_view kUrnUuid = "urn:uuid:";

Status refusal(JsonValue where, std::string reason) {
  return invalid_argument(std::move(reason)).with_field(where.path());
}

// The id that a fullUrl carries for a resource of `type`; empty when it carries none.
std::string id_of_full_url(std::string_view url, ResourceType type) {
  if (url.starts_with(kUrnUuid)) {
    Result<Uuid> uuid = Uuid::parse(url.substr(kUrnUuid.size()));
    return uuid ? uuid->to_string() : std::string();
  }
  const std::optional<LocalReference> local = parse_reference(url);
  return local && local->type == type ? std::string(local->id) : std::string();
}

// Types whose records come again in bundle after bundle, and are the same when an identifier is.
bool is_shared_type(ResourceType type) {
  return type == RESOURCE_TYPE_ORGANIZATION || type == RESOURCE_TYPE_PRACTITIONER ||
         type == RESOURCE_TYPE_LOCATION;
}

}  // namespace

std::string content_id(ResourceType type, std::string_view text) {
  std::string content(resource_type_name(type));
  content.append("\n").append(text);
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(content.data()), content.size(), digest);
  Uuid id;
  std::copy_n(digest, id.bytes.size(), id.bytes.begin());
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0f) | 0x80);  // version 8
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3f) | 0x80);  // RFC 9562's variant
  return id.to_string();
}

bool has_identifier(JsonValue resource, const ConditionalReference& what) {
  const auto is_it = [&](JsonValue identifier) {
    const JsonValue value = identifier.member("value");
    if (!value.is_string() || value.text() != what.value) return false;
    if (what.any_system) return true;
    const JsonValue system = identifier.member("system");
    return what.system.empty() ? !system : system.is_string() && system.text() == what.system;
  };
  const JsonValue identifiers = resource.member("identifier");
  if (identifiers.is_object()) return is_it(identifiers);
  for (const JsonValue identifier : identifiers.children()) {
    if (is_it(identifier)) return true;
  }
  return false;
}

std::optional<BundleKind> Bundle::kind_of(JsonValue root, bool searchsets) {
  const JsonValue name = root.member("resourceType");
  const JsonValue type = root.member("type");
  if (!name.is_string() || name.text() != "Bundle" || !type.is_string()) return std::nullopt;
  if (type.text() == "transaction") return BundleKind::kTransaction;
  if (type.text() == "batch") return BundleKind::kBatch;
  if (type.text() == "collection") return BundleKind::kCollection;
  if (searchsets && type.text() == "searchset") return BundleKind::kCollection;
  return std::nullopt;
}

Bundle Bundle::read(JsonValue root, BundleKind kind) {
  Bundle bundle;
  bundle.kind_ = kind;
  const JsonValue entries = root.member("entry");
  if (entries && !entries.is_array()) {
    BundleEntry entry;
    entry.entry = entries;
    entry.problem = refusal(entries, "R4 has an array here");
    bundle.entries_.push_back(std::move(entry));
    return bundle;
  }
  for (const JsonValue value : entries.children()) bundle.read_entry(value);
  if (bundle.kind_ == BundleKind::kTransaction) bundle.refuse_doubles();
  return bundle;
}

void Bundle::read_entry(JsonValue value) {
  BundleEntry& entry = entries_.emplace_back();
  entry.entry = value;
  if (!value.is_object()) {
    entry.problem = refusal(value, "R4 has an object here");
    return;
  }
  const JsonValue full_url = value.member("fullUrl");
  if (full_url && !full_url.is_string()) {
    entry.problem = refusal(full_url, "R4 has a string here");
    return;
  }
  if (full_url) entry.full_url = full_url.text();
  entry.resource = value.member("resource");
  if (entry.resource && !entry.resource.is_object()) {
    entry.problem = refusal(entry.resource, "R4 has an object here");
    return;
  }
  if (kind_ == BundleKind::kCollection) {
    if (!entry.resource) return;  // a link to something elsewhere
    // Of a searchset: what the server said about the search.
    const JsonValue mode = value.member("search").member("mode");
    if (mode.is_string() && mode.text() == "outcome") return;
    entry.action = EntryAction::kPut;
  } else {
    const JsonValue request = value.member("request");
    entry.problem =
        request.is_object()
            ? read_request(entry, request)
            : refusal(value, "R4 requires a request in the entries of a transaction or batch");
  }
  if (entry.problem.ok()) entry.problem = read_stored(entry);
}

Status Bundle::read_request(BundleEntry& entry, JsonValue request) {
  const JsonValue method = request.member("method");
  const JsonValue url = request.member("url");
  if (!method.is_string()) return refusal(request, "R4 requires method");
  if (!url.is_string()) return refusal(request, "R4 requires url");
  const std::string_view verb = method.text();
  std::string_view target = url.text();
  while (target.starts_with("/")) target.remove_prefix(1);
  if (verb == "GET" || verb == "HEAD") return Status();
  if (verb == "PATCH")
    return unimplemented("PATCH is not done in bundles; PUT the whole resource")
        .with_field(method.path());
  if (verb != "POST" && verb != "PUT" && verb != "DELETE")
    return refusal(method, "not one of R4's HTTP verbs");
  if (verb == "POST") {
    // Operations and searches change nothing in the store.
    if (target.find('$') != std::string_view::npos || target.ends_with("_search")) return Status();
    entry.action = EntryAction::kCreate;
    entry.type = parse_resource_type(target);
    if (entry.type == RESOURCE_TYPE_UNSPECIFIED) return refusal(url, "R4 has a resource type here");
    if (const JsonValue search = request.member("ifNoneExist"); search.is_string()) {
      std::string_view query = search.text();
      if (query.starts_with("?")) query.remove_prefix(1);
      entry.search = std::string(query);
      if (!is_conditional(query)) entry.search = std::string(target) + "?" + std::string(query);
      entry.search_place = search;
      needs_store_ = true;
    }
    return Status();
  }
  entry.action = verb == "PUT" ? EntryAction::kPut : EntryAction::kDelete;
  if (entry.action == EntryAction::kDelete) needs_store_ = true;
  if (is_conditional(target)) {
    entry.type = parse_resource_type(target.substr(0, target.find('?')));
    entry.search = target;
    entry.search_place = url;
    needs_store_ = true;
  } else if (const std::optional<LocalReference> local = parse_reference(target)) {
    entry.type = local->type;
    entry.id = local->id;
  } else {
    return refusal(url, "R4 has a type and an id, or a search, here");
  }
  if (const JsonValue version = request.member("ifMatch"); version.is_string()) {
    entry.if_match = version.text();
    needs_store_ = true;
  }
  return Status();
}

Status Bundle::read_stored(BundleEntry& entry) {
  if (entry.action == EntryAction::kNothing || entry.action == EntryAction::kDelete)
    return Status();
  if (!entry.resource)
    return refusal(entry.entry,
                   "R4 requires a resource to " +
                       std::string(entry.action == EntryAction::kPut ? "PUT" : "POST"));
  ASSIGN_OR_RETURN(const ResourceType type, read_resource_type(entry.resource));
  if (entry.type != RESOURCE_TYPE_UNSPECIFIED && entry.type != type) {
    return refusal(entry.resource.member("resourceType"), "not the type that request.url names");
  }
  entry.type = type;
  ASSIGN_OR_RETURN(const std::string own, read_id(entry.resource));
  if (!own.empty() && !entry.id.empty() && own != entry.id) {
    return refusal(entry.resource.member("id"), "not the id that request.url names");
  }
  if (!own.empty()) entry.id = own;
  if (entry.id.empty() && kind_ != BundleKind::kCollection && is_shared_type(type) &&
      entry.search.empty() && entry.resource.member("identifier")) {
    needs_store_ = true;
  }
  if (kind_ == BundleKind::kTransaction && !needs_store_) {
    for (const JsonValue reference : entry.resource.strings_below(kReferenceMember)) {
      if (is_conditional(reference.text())) needs_store_ = true;
    }
  }
  return Status();
}

// R4: in a transaction no two entries may mean the same record.
void Bundle::refuse_doubles() {
  std::set<std::pair<ResourceType, std::string>> seen;
  for (BundleEntry& entry : entries_) {
    if (entry.action == EntryAction::kNothing || entry.id.empty() || !entry.problem.ok()) continue;
    if (!seen.emplace(entry.type, entry.id).second) {
      entry.problem =
          refusal(entry.entry,
                  "R4 allows a transaction only one entry a record; an earlier one means the same");
    }
  }
}

Status Bundle::resolve(engine::Reader* reader) {
  references_.clear();
  for (BundleEntry& entry : entries_) {
    if (entry.action == EntryAction::kNothing || !entry.problem.ok()) continue;
    RETURN_IF_ERROR(resolve_entry(entry, reader));
    if (entry.problem.ok() && entry.action != EntryAction::kDelete) add_references(entry);
  }
  for (BundleEntry& entry : entries_) {
    if (!entry.problem.ok() || entry.exists || !entry.resource ||
        entry.action == EntryAction::kNothing)
      continue;
    RETURN_IF_ERROR(resolve_references(entry, reader));
  }
  return Status();
}

Status Bundle::settle(BundleEntry& entry, engine::Reader& reader) {
  return resolve_entry(entry, &reader);
}

bool Bundle::needs_store(const BundleEntry& entry) const {
  if (!entry.problem.ok() || entry.action == EntryAction::kNothing) return false;
  return entry.action == EntryAction::kDelete || !entry.search.empty() || !entry.if_match.empty() ||
         (entry.id.empty() && kind_ != BundleKind::kCollection && is_shared_type(entry.type));
}

Status Bundle::resolve_entry(BundleEntry& entry, engine::Reader* reader) {
  if (!entry.search.empty() && reader != nullptr) {
    RETURN_IF_ERROR(resolve_search(entry, *reader));
    if (!entry.problem.ok() || entry.exists) return Status();
  }
  if (!entry.id.empty() || entry.action == EntryAction::kDelete) return Status();
  if (reader != nullptr && kind_ != BundleKind::kCollection && is_shared_type(entry.type)) {
    RETURN_IF_ERROR(recognise(entry, *reader));
  }
  if (entry.id.empty()) entry.id = id_of_full_url(entry.full_url, entry.type);
  if (entry.id.empty()) {
    std::string content = entry.full_url;
    content.append("\n");
    // The place's own JSON, as written but for white space.
    content.append(entry.resource.minified());
    entry.id = content_id(entry.type, content);
  }
  return Status();
}

Status Bundle::resolve_search(BundleEntry& entry, engine::Reader& reader) {
  const std::optional<ConditionalReference> what = parse_conditional(entry.search);
  if (!what || what->type != entry.type) {
    entry.problem =
        unimplemented(
            "conditional entries are found by one identifier, as in \"identifier=system|value\"")
            .with_field(entry.search_place.path());
    return Status();
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> found, find_by_identifier(reader, *what, 2));
  if (found.size() > 1) {
    entry.problem = failed_precondition("more than one record has the identifier")
                        .with_field(entry.search_place.path());
    return Status();
  }
  if (found.empty()) return Status();
  if (entry.action == EntryAction::kCreate) {
    entry.exists = true;
    entry.id = found.front();
  } else if (entry.action == EntryAction::kPut && !entry.id.empty() && entry.id != found.front()) {
    entry.problem =
        refusal(entry.resource.member("id"), "not the id of the record that has the identifier");
  } else {
    entry.id = found.front();
  }
  return Status();
}

// The same organisation, practitioner or place, come again without an id: one record has one of its
// identifiers, and does not contradict it by name.
Status Bundle::recognise(BundleEntry& entry, engine::Reader& reader) {
  for (const JsonValue identifier : entry.resource.member("identifier").children()) {
    const JsonValue system = identifier.member("system");
    const JsonValue value = identifier.member("value");
    if (!system.is_string() || !value.is_string()) continue;
    ConditionalReference what;
    what.type = entry.type;
    what.system = system.text();
    what.value = value.text();
    // An earlier entry of this very bundle may be it.
    for (const BundleEntry& other : entries_) {
      if (&other == &entry) break;
      if (other.type == entry.type && other.action != EntryAction::kDelete && !other.id.empty() &&
          other.resource && has_identifier(other.resource, what)) {
        entry.id = other.id;
        return Status();
      }
    }
    ASSIGN_OR_RETURN(const std::vector<std::string> found, find_by_identifier(reader, what, 2));
    if (found.size() == 1) {
      entry.id = found.front();
      return Status();
    }
  }
  return Status();
}

void Bundle::add_references(const BundleEntry& entry) {
  if (entry.full_url.empty()) return;
  const std::string now = std::string(resource_type_name(entry.type)) + "/" + entry.id;
  const bool urn = entry.full_url.starts_with("urn:");
  const std::string before = id_of_full_url(entry.full_url, entry.type);
  // A collection is only a way to carry resources: their absolute references stay unless the id
  // changed.
  if (urn || kind_ != BundleKind::kCollection || before != entry.id)
    references_.emplace(entry.full_url, now);
  if (!urn && !before.empty() && before != entry.id) {
    references_.emplace(std::string(resource_type_name(entry.type)) + "/" + before, now);
  }
}

Status Bundle::resolve_references(BundleEntry& entry, engine::Reader* reader) {
  if (kind_ != BundleKind::kTransaction) return Status();
  for (const JsonValue reference : entry.resource.strings_below(kReferenceMember)) {
    const std::string_view text = reference.text();
    if (mapped_reference(references_, text)) continue;
    if (text.starts_with(kUrnUuid) || text.starts_with("urn:oid:")) {
      entry.problem = refusal(reference, "no entry of the transaction has this fullUrl");
      return Status();
    }
    if (!is_conditional(text)) continue;
    if (reader == nullptr) return internal_error("a conditional reference was not noticed");
    Status status = resolve_conditional(reference, *reader);
    if (status.ok()) continue;
    if (status.field().empty()) return status;  // the store's own error
    entry.problem = std::move(status);
    return Status();
  }
  return Status();
}

Status Bundle::resolve_conditional(JsonValue reference, engine::Reader& reader) {
  const std::optional<ConditionalReference> what = parse_conditional(reference.text());
  if (!what) {
    return unimplemented(
               "conditional references are found by one identifier, as in "
               "\"Type?identifier=system|value\"")
        .with_field(reference.path());
  }
  std::vector<std::string> found;
  for (const BundleEntry& other : entries_) {
    if (other.type == what->type && other.resource && other.problem.ok() && !other.id.empty() &&
        other.action != EntryAction::kNothing && has_identifier(other.resource, *what)) {
      found.push_back(other.id);
    }
  }
  if (found.empty()) {
    ASSIGN_OR_RETURN(found, find_by_identifier(reader, *what, 2));
  }
  if (found.size() > 1) {
    return failed_precondition("more than one record has the identifier of this reference")
        .with_field(reference.path());
  }
  if (found.empty())
    return not_found("no record has the identifier of this reference").with_field(reference.path());
  references_.emplace(reference.text(),
                      std::string(resource_type_name(what->type)) + "/" + found.front());
  return Status();
}

std::vector<BundleEntry*> Bundle::in_order() {
  std::vector<BundleEntry*> order;
  for (BundleEntry& entry : entries_) order.push_back(&entry);
  if (kind_ == BundleKind::kCollection) return order;
  const auto rank = [](const BundleEntry* entry) {
    switch (entry->action) {
      case EntryAction::kDelete:
        return 0;
      case EntryAction::kCreate:
        return 1;
      case EntryAction::kPut:
        return 2;
      case EntryAction::kNothing:
        return 3;
    }
    return 3;
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](const BundleEntry* a, const BundleEntry* b) { return rank(a) < rank(b); });
  return order;
}

std::size_t Bundle::resource_count() const {
  return static_cast<std::size_t>(
      std::count_if(entries_.begin(), entries_.end(), [](const BundleEntry& entry) {
        return !entry.problem.ok()
                   ? static_cast<bool>(entry.resource)
                   : entry.action == EntryAction::kCreate || entry.action == EntryAction::kPut;
      }));
}

}  // namespace clinicdb::clinic::fhir
