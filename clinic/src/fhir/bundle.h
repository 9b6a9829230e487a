// Bundle: what a transaction, batch or collection bundle asks for
// (http://hl7.org/fhir/R4/http.html#trules).
//
//   Result<Bundle> bundle = Bundle::read(tree.root());
//   RETURN_IF_ERROR(bundle->resolve(needs_store ? &transaction : nullptr));
//   for (const BundleEntry* entry : bundle->in_order()) ...
//
// Reading checks the form; resolving decides which record each entry means and what every reference
// becomes. Bundles of other types are documents, messages or answers: resources like others, and no
// Bundle here.
//
// Confined to one thread; holds places of the tree it was read from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "clinicdb/base/result.h"
#include "clinicdb/engine/transaction.h"
#include "fhir/json_tree.h"
#include "fhir/reference.h"

namespace clinicdb::clinic::fhir {

enum class BundleKind : std::uint8_t { kTransaction, kBatch, kCollection };

/// What an entry does to the store.
enum class EntryAction : std::uint8_t {
  kNothing,  ///< a read, a search or an operation
  kCreate,   ///< POST
  kPut,      ///< PUT, and every entry of a collection
  kDelete,
};

struct BundleEntry {
  JsonValue entry;
  JsonValue resource;  ///< of kCreate and kPut
  EntryAction action = EntryAction::kNothing;
  ResourceType type = RESOURCE_TYPE_UNSPECIFIED;
  std::string id;        ///< logical id, once it is known
  std::string full_url;  ///< as given
  /// Of a conditional creation (ifNoneExist), update or deletion: "Type?..." as given, and its
  /// place.
  std::string search;
  JsonValue search_place;
  std::string if_match;
  /// The conditional creation found the record: it stays as it is.
  bool exists = false;
  /// Why this entry cannot be done; field() is the place.
  Status problem;
};

class Bundle {
 public:
  /// Nothing when `root` is no bundle, or one of the types that are kept whole. With `searchsets`
  /// these are collections too.
  static std::optional<BundleKind> kind_of(JsonValue root, bool searchsets);

  /// Reads the entries; what is wrong with one of them stands in its `problem`.
  static Bundle read(JsonValue root, BundleKind kind);

  BundleKind kind() const { return kind_; }
  /// Whether the store must be asked: for conditional entries and references, versions, deletions,
  /// and to recognise organisations, practitioners and places that come without an id.
  bool needs_store() const { return needs_store_; }

  /// Settles ids and references. `reader` may be nullptr unless needs_store(). What cannot be
  /// settled stands in the entries' problems; kNotFound among them means that a conditional
  /// reference has no record yet, so that trying again after other imports may help. An error
  /// return is the store's.
  Status resolve(engine::Reader* reader);

  /// Of a batch: settles one entry alone, on a copy of it as it was read. REQUIRES: kind() is
  /// kBatch.
  Status settle(BundleEntry& entry, engine::Reader& reader);
  /// Whether this entry asks the store.
  bool needs_store(const BundleEntry& entry) const;

  const ReferenceMap& references() const { return references_; }
  std::vector<BundleEntry>& entries() { return entries_; }
  /// The entries in the order of R4: deletions, creations, updates; a collection's as they stand.
  std::vector<BundleEntry*> in_order();
  /// How many entries carry a resource to be stored.
  std::size_t resource_count() const;

 private:
  void read_entry(JsonValue value);
  Status read_request(BundleEntry& entry, JsonValue request);
  Status read_stored(BundleEntry& entry);
  Status resolve_entry(BundleEntry& entry, engine::Reader* reader);
  Status resolve_search(BundleEntry& entry, engine::Reader& reader);
  Status recognise(BundleEntry& entry, engine::Reader& reader);
  void add_references(const BundleEntry& entry);
  Status resolve_references(BundleEntry& entry, engine::Reader* reader);
  Status resolve_conditional(JsonValue reference, engine::Reader& reader);
  void refuse_doubles();

  BundleKind kind_ = BundleKind::kCollection;
  bool needs_store_ = false;
  std::vector<BundleEntry> entries_;
  ReferenceMap references_;
};

/// Whether one of the resource's identifiers is that system and value.
bool has_identifier(JsonValue resource, const ConditionalReference& what);

/// A logical id made of the content of a resource that has none: the same resource gets the same
/// id.
std::string content_id(ResourceType type, std::string_view text);

}  // namespace clinicdb::clinic::fhir
