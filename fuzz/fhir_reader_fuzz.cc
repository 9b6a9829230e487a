// The FHIR reader takes any bytes: as one document and as NDJSON. What it accepts holds what it
// promises: the body is JSON that reads back as itself, and reading that again gives the same
// record.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "clinicdb/base/check.h"
#include "fhir/import_work.h"
#include "fuzz_target.h"

namespace clinicdb::fuzz {
namespace {

using namespace clinic::fhir;

void check_item(const ImportItem& item) {
  const auto record = item.prepared.table->decode(item.prepared.body);
  CLINICDB_CHECK(record.has_value());
  CLINICDB_CHECK(!item.prepared.key.empty());
}

// Minified JSON is a fixed point.
void check_tree(std::string_view text) {
  JsonTree tree;
  if (!tree.parse_copy(text).ok()) return;
  const std::string once = tree.minified(tree.root());
  JsonTree again;
  CLINICDB_CHECK(again.parse_copy(once).ok());
  CLINICDB_CHECK(again.minified(again.root()) == once);
  CLINICDB_CHECK(again.node_count() == tree.node_count());
}

}  // namespace

void run_one(std::string_view bytes) {
  check_tree(bytes);
  Preparer preparer(false);
  const std::unique_ptr<Input> input = Input::from_text(std::string(bytes));
  while (true) {
    const Result<std::optional<InputPiece>> piece = input->next();
    if (!piece || !*piece) break;
    for (const ImportUnit& unit : preparer.prepare(**piece).units) {
      for (const ImportItem& item : unit.items) check_item(item);
      for (const Refused& refused : unit.refused) CLINICDB_CHECK(!refused.problem.reason.empty());
    }
  }
}

}  // namespace clinicdb::fuzz
