// ImportItem: a resource made ready for the store on a worker's thread: checked, its references
// mapped, encoded with its index entries, so that the shard's writer only puts it (C6).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "clinicdb/base/result.h"
#include "clinicdb/engine/table.h"
#include "clinicdb/engine/transaction.h"
#include "fhir/json_tree.h"
#include "fhir/reference.h"
#include "fhir/resource.h"
#include "scheduling/clinic_of.h"
#include "scheduling/exception_places.h"
#include "scheduling/waiting_list.h"

namespace clinicdb::clinic::fhir {

struct ImportItem {
  engine::PreparedRecord prepared;
  ResourceType type = RESOURCE_TYPE_UNSPECIFIED;
  std::uint64_t line = 0;
  std::string path;             ///< of the resource in its document; empty for the document itself
  std::string organization_id;  ///< an invoice's issuer, of which the record says nothing
};

/// One commit of an import: what its resources share.
struct ImportCommit {
  explicit ImportCommit(engine::Transaction& transaction) : tx(transaction), clinics(transaction) {}

  engine::Transaction& tx;
  ClinicFinder clinics;
  std::vector<FreedTime> freed;  ///< by appointments that were cancelled
  /// Of a Schedule, how many of its Slots may change with it; of more: kResourceExhausted.
  std::size_t slots_max = SIZE_MAX;
};

/// Makes an item of `resource` under the logical id `id`, with its references mapped. The body gets
/// the id where it had none, or another. kInvalidArgument with field(): what R4 forbids, and where.
Result<ImportItem> make_item(const JsonTree& tree, JsonValue resource, ResourceType type,
                             const std::string& id, const ReferenceMap& references);

/// What putting an item did.
enum class PutOutcome : std::uint8_t { kImported, kUnchanged };

/// Puts the item unless the store has it already, now or as an earlier version. `if_match` is the
/// version that the record must have to be changed: R4's weak entity tag, or empty. A failed put
/// leaves the commit as it was.
Result<PutOutcome> put_item(ImportCommit& commit, const ImportItem& item,
                            std::string_view if_match = {});

/// A step of going through the Slots of the Schedule that `item` is: they get the place that they
/// will have once it is put, or, `as_stored`, the one that the store's Schedule has. True when all
/// have it; else `bounds` is where the next step begins. REQUIRES: item.type is a Schedule.
Result<bool> place_slots(ImportCommit& commit, const ImportItem& item, bool as_stored,
                         PlaceBounds& bounds);

/// Removes the record of `type` with the logical id, if there is one. True when there was.
Result<bool> remove_resource(ImportCommit& commit, ResourceType type, const std::string& id,
                             std::string_view if_match);

}  // namespace clinicdb::clinic::fhir
