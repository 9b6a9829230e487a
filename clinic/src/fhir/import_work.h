// The two halves of an import: making a piece of input ready on any thread, and committing it, in
// the order of the input, on one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "clinicdb/base/function_ref.h"
#include "clinicdb/clinic/fhir/importer.h"
#include "clinicdb/engine/store.h"
#include "fhir/bundle.h"
#include "fhir/import_item.h"
#include "fhir/input.h"
#include "fhir/json_tree.h"

namespace clinicdb::clinic::fhir {

/// A refused resource, or line, with the type if that is known.
struct Refused {
  ImportProblem problem;
  ResourceType type = RESOURCE_TYPE_UNSPECIFIED;
};

/// What becomes one command, or is tried on its own.
struct ImportUnit {
  enum class Kind : std::uint8_t {
    kItems,        ///< each on its own; they share a commit only to share its fsync
    kTransaction,  ///< all or nothing
    kStored,       ///< a bundle that must ask the store: read again when it is committed
  };
  Kind kind = Kind::kItems;
  std::vector<ImportItem> items;
  std::vector<Refused> refused;
  std::uint64_t ignored = 0;
  // kTransaction, kStored: the bundle's own place.
  std::uint64_t line = 0;
  std::string text;  ///< kStored: the bundle's JSON
};

/// A piece made ready, in the order of its lines.
struct PreparedPiece {
  std::vector<ImportUnit> units;
  bool document = false;  ///< the whole of its file, which can be read again
};

/// Makes pieces ready. Confined to one thread: each worker has its own.
class Preparer {
 public:
  explicit Preparer(bool unpack_searchsets) : unpack_searchsets_(unpack_searchsets) {}

  PreparedPiece prepare(const InputPiece& piece);

 private:
  void document(std::string_view text, std::uint64_t first_line, PreparedPiece& out);
  void bundle(BundleKind kind, std::string_view text, std::uint64_t first_line, PreparedPiece& out);
  /// The unit that more items may be added to.
  ImportUnit& open_unit(PreparedPiece& out);

  bool unpack_searchsets_;
  JsonTree tree_;
};

/// Line of the byte at `offset`, where the text begins in `first_line`.
std::uint64_t line_at(std::string_view text, std::size_t offset, std::uint64_t first_line);

/// Puts prepared units into the store. Confined to one thread.
class Committer {
 public:
  /// All outlive it. `source` is read again by `finish` only.
  Committer(engine::Store& store, TenantId tenant, ImportSource& source,
            const ImportOptions& options, ImportReport& report);

  /// Commits the units of one piece. A bundle whose conditional references lead nowhere yet is kept
  /// for `finish`.
  Status commit(const std::string& file, PreparedPiece piece);
  /// Tries what was kept again, until nothing more can be done, and reports what is left. Then
  /// offers to the waiting list what was freed: not before, for the import itself may book it
  /// again.
  Status finish();

 private:
  struct Deferred {
    std::string file;
    ImportUnit unit;  ///< without its text when that can be read again from the file
  };
  struct Outcome {
    Status status;
    PutOutcome put = PutOutcome::kImported;
  };

  /// One attempt at one commit.
  Status try_items(const std::vector<ImportItem>& items, std::size_t from, std::size_t to,
                   std::vector<Outcome>& outcomes, std::vector<FreedTime>& freed);
  /// Gives all Slots of a Schedule their place, commit by commit: see place_slots.
  Status place_all_slots(const ImportItem& schedule, bool as_stored);
  /// An item by itself that was more than one commit may carry.
  Status try_in_steps(const std::vector<ImportItem>& items, std::size_t at,
                      std::vector<Outcome>& outcomes, std::vector<FreedTime>& freed);
  Status commit_items(const std::string& file, const std::vector<ImportItem>& items,
                      std::size_t from, std::size_t to);
  Status commit_transaction(const std::string& file, const ImportUnit& unit);
  /// These return false when it is too early and `last` is not set.
  Result<bool> commit_stored(const std::string& file, const ImportUnit& unit, bool last);
  Result<bool> commit_stored_transaction(const std::string& file, const ImportUnit& unit,
                                         const JsonTree& tree, bool last);
  Status commit_stored_batch(const std::string& file, const ImportUnit& unit, const JsonTree& tree);
  Status commit_stored_entry(const JsonTree& tree, Bundle& bundle, const BundleEntry& as_read,
                             FunctionRef<void(const BundleEntry&, const Status&)> refuse_entry);
  Status run(FunctionRef<Status(engine::Transaction&)> command);
  Status run_validated(FunctionRef<Status(engine::Transaction&)> command);

  void keep_freed(std::vector<FreedTime> freed);
  Status offer_freed();

  bool can_read_again(const std::string& file) const;
  Result<std::string> read_document(const std::string& file);
  void count(ResourceType type, PutOutcome outcome);
  void refuse(const std::string& file, const ImportItem& item, const Status& why);
  void refuse(Refused refused);

  engine::Store& store_;
  TenantId tenant_;
  ImportSource& source_;
  const ImportOptions& options_;
  ImportReport& report_;
  std::vector<Deferred> deferred_;
  std::size_t deferred_bytes_ = 0;
  std::vector<FreedTime> freed_;
};

}  // namespace clinicdb::clinic::fhir
