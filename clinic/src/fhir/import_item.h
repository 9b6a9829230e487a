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
#include "scheduling/waiting_list.h"

namespace clinicdb::clinic::fhir {

struct ImportItem {
  engine::PreparedRecord prepared;
  ResourceType type = RESOURCE_TYPE_UNSPECIFIED;
  std::uint64_t line = 0;
  std::string path;  ///< of the resource in its document; empty for the document itself
};

/// Makes an item of `resource` under the logical id `id`, with its references mapped. The body gets
/// the id where it had none, or another. kInvalidArgument with field(): what R4 forbids, and where.
Result<ImportItem> make_item(const JsonTree& tree, JsonValue resource, ResourceType type,
                             const std::string& id, const ReferenceMap& references);

/// What putting an item did.
enum class PutOutcome : std::uint8_t { kImported, kUnchanged };

/// Puts the item unless the store has it already, now or as an earlier version. `if_match` is the
/// version that the record must have to be changed: R4's weak entity tag, or empty. A failed put
/// leaves `tx` and `freed` as they were, to which is added what a cancelled appointment frees.
Result<PutOutcome> put_item(engine::Transaction& tx, const ImportItem& item,
                            std::vector<FreedTime>& freed, std::string_view if_match = {});

/// Removes the record of `type` with the logical id, if there is one. True when there was. `freed`
/// as above.
Result<bool> remove_resource(engine::Transaction& tx, ResourceType type, const std::string& id,
                             std::string_view if_match, std::vector<FreedTime>& freed);

}  // namespace clinicdb::clinic::fhir
