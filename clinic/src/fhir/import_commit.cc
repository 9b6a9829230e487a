#include <algorithm>

#include "clinicdb/base/clock.h"
#include "clinicdb/base/random.h"
#include "clinicdb/clinic/identity.h"
#include "clinicdb/clinic/schema/event.pb.h"
#include "fhir/import_work.h"
#include "fhir/limits.h"

namespace clinicdb::clinic::fhir {

namespace {

using engine::Transaction;

std::string reason_of(const Status& why) {
  // The engine names the index; to a reader of the report that is the field.
  if (why.code() == StatusCode::kAlreadyExists && !why.field().empty()) {
    return std::string(why.field()) + " is another record's already";
  }
  return std::string(why.message());
}

// Whether the store could not do it, so that going on is no use; otherwise the resource was at
// fault.
bool is_fatal(const Status& status) {
  switch (status.code()) {
    case StatusCode::kInvalidArgument:
    case StatusCode::kAlreadyExists:
    case StatusCode::kFailedPrecondition:
    case StatusCode::kUnimplemented:
    case StatusCode::kNotFound:
      return false;
    default:
      return true;
  }
}

Uuid new_hold_id() { return Uuid::v7(system_clock(), system_random()); }

Status emit_imported(Transaction& tx, std::uint64_t resources) {
  if (resources == 0) return Status();
  EventPayload payload;
  payload.set_count(resources);
  return tx.emit(EVENT_RESOURCES_IMPORTED, payload.SerializeAsString());
}

// What applying the entries of a bundle did, entry by entry.
struct Applied {
  std::vector<std::pair<ResourceType, PutOutcome>> puts;
  std::vector<FreedTime> freed;
  std::uint64_t deleted = 0;
  std::uint64_t ignored = 0;
};

Status apply_entry(ImportCommit& commit, const JsonTree& tree, const Bundle& bundle,
                   const BundleEntry& entry, Applied& applied) {
  RETURN_IF_ERROR(entry.problem);
  switch (entry.action) {
    case EntryAction::kNothing:
      ++applied.ignored;
      return Status();
    case EntryAction::kDelete: {
      if (entry.id.empty()) return Status();  // a conditional deletion that found nothing
      ASSIGN_OR_RETURN(const bool removed,
                       remove_resource(commit, entry.type, entry.id, entry.if_match));
      if (removed) ++applied.deleted;
      return Status();
    }
    case EntryAction::kCreate:
    case EntryAction::kPut:
      break;
  }
  if (entry.exists) {
    applied.puts.emplace_back(entry.type, PutOutcome::kUnchanged);
    return Status();
  }
  ASSIGN_OR_RETURN(const ImportItem item,
                   make_item(tree, entry.resource, entry.type, entry.id, bundle.references()));
  Result<PutOutcome> put = put_item(commit, item, entry.if_match);
  if (!put) {
    if (!is_fatal(put.error())) {
      return Status(put.error().code(), reason_of(put.error())).with_field(entry.resource.path());
    }
    return std::move(put).error();
  }
  applied.puts.emplace_back(entry.type, *put);
  return Status();
}

}  // namespace

Committer::Committer(engine::Store& store, TenantId tenant, ImportSource& source,
                     const ImportOptions& options, ImportReport& report)
    : store_(store), tenant_(tenant), source_(source), options_(options), report_(report) {}

bool Committer::can_read_again(const std::string& file) const {
  const std::vector<std::string>& files = source_.files();
  return source_.can_read_again(
      static_cast<std::size_t>(std::find(files.begin(), files.end(), file) - files.begin()));
}

Result<std::string> Committer::read_document(const std::string& file) {
  const std::vector<std::string>& files = source_.files();
  const auto index =
      static_cast<std::size_t>(std::find(files.begin(), files.end(), file) - files.begin());
  ASSIGN_OR_RETURN(const std::unique_ptr<Input> input, Input::open(source_, index));
  ASSIGN_OR_RETURN(const std::optional<InputPiece> piece, input->next());
  return piece ? std::string(piece->text()) : std::string(" ");
}

Status Committer::run(FunctionRef<Status(Transaction&)> command) {
  engine::CallContext context;
  context.user = options_.user;
  return store_
      .execute(tenant_, context,
               [&](Transaction& tx) -> Result<std::string> {
                 RETURN_IF_ERROR(command(tx));
                 return std::string();
               })
      .status();
}

Status Committer::run_validated(FunctionRef<Status(Transaction&)> command) {
  engine::CallContext context;
  context.user = options_.user;
  return store_
      .transact(tenant_, context,
                [&](Transaction& tx) -> Result<std::string> {
                  RETURN_IF_ERROR(command(tx));
                  return std::string();
                })
      .status();
}

void Committer::count(ResourceType type, PutOutcome outcome) {
  ++report_.resources;
  ImportCounts& counts = report_.by_type[std::string(resource_type_name(type))];
  if (outcome == PutOutcome::kImported) {
    ++report_.imported;
    ++counts.imported;
  } else {
    ++report_.unchanged;
    ++counts.unchanged;
  }
}

void Committer::refuse(Refused refused) {
  const std::uint64_t resources = refused.problem.resources;
  report_.resources += resources;
  report_.failed += resources;
  ++report_.problems;
  if (refused.type != RESOURCE_TYPE_UNSPECIFIED && resources == 1) {
    ++report_.by_type[std::string(resource_type_name(refused.type))].failed;
  }
  if (options_.on_problem) options_.on_problem(refused.problem);
}

void Committer::refuse(const std::string& file, const ImportItem& item, const Status& why) {
  refuse({{file, item.line, item.path, reason_of(why), 1}, item.type});
}

Status Committer::commit(const std::string& file, PreparedPiece piece) {
  for (ImportUnit& unit : piece.units) {
    report_.ignored += unit.ignored;
    for (Refused& refused : unit.refused) {
      refused.problem.file = file;
      refuse(std::move(refused));
    }
    switch (unit.kind) {
      case ImportUnit::Kind::kItems:
        RETURN_IF_ERROR(commit_items(file, unit.items, 0, unit.items.size()));
        break;
      case ImportUnit::Kind::kTransaction:
        if (!unit.items.empty()) RETURN_IF_ERROR(commit_transaction(file, unit));
        break;
      case ImportUnit::Kind::kStored: {
        const bool again = piece.document && can_read_again(file);
        const bool full = !again && deferred_bytes_ + unit.text.size() > kDeferredBytesMax;
        ASSIGN_OR_RETURN(const bool done, commit_stored(file, unit, full));
        if (done) break;
        if (again) unit.text.clear();
        deferred_bytes_ += unit.text.size();
        deferred_.push_back({file, std::move(unit)});
        break;
      }
    }
  }
  return Status();
}

Status Committer::finish() {
  // Each round imports at least one bundle, or is the last.
  for (bool last = false; !deferred_.empty();) {
    std::vector<Deferred> again = std::move(deferred_);
    deferred_.clear();
    const std::size_t before = again.size();
    for (Deferred& deferred : again) {
      ASSIGN_OR_RETURN(const bool done, commit_stored(deferred.file, deferred.unit, last));
      if (!done) deferred_.push_back(std::move(deferred));
    }
    last = deferred_.size() == before;
  }
  deferred_bytes_ = 0;
  return offer_freed();
}

void Committer::keep_freed(std::vector<FreedTime> freed) {
  for (FreedTime& time : freed) {
    if (freed_.size() < kFreedTimesMax) freed_.push_back(std::move(time));
  }
}

Status Committer::offer_freed() {
  for (std::size_t at = 0; at < freed_.size();) {
    const std::size_t end = std::min(freed_.size(), at + kOffersPerCommit);
    const Status offered = run([&](Transaction& tx) -> Status {
      for (std::size_t i = at; i < end; ++i)
        RETURN_IF_ERROR(offer_time(&new_hold_id, tx, freed_[i]).status());
      return Status();
    });
    RETURN_IF_ERROR(offered);
    at = end;
  }
  freed_.clear();
  return Status();
}

Status Committer::try_items(const std::vector<ImportItem>& items, std::size_t from, std::size_t to,
                            std::vector<Outcome>& outcomes, std::vector<FreedTime>& freed) {
  return run([&](Transaction& tx) -> Status {
    outcomes.assign(to - from, Outcome());
    ImportCommit commit(tx);
    commit.slots_max = options_.slots_per_commit;
    std::uint64_t imported = 0;
    for (std::size_t i = from; i < to; ++i) {
      Result<PutOutcome> put = put_item(commit, items[i]);
      Outcome& outcome = outcomes[i - from];
      if (put) {
        outcome.put = *put;
        if (*put == PutOutcome::kImported) ++imported;
      } else if (is_fatal(put.error())) {
        return std::move(put).error();
      } else {
        outcome.status = std::move(put).error();  // the others go on: a failed put left nothing
      }
    }
    freed = std::move(commit.freed);
    return emit_imported(tx, imported);
  });
}

Status Committer::place_all_slots(const ImportItem& schedule, bool as_stored) {
  PlaceBounds bounds;
  for (bool done = false; !done;) {
    PlaceBounds next;
    RETURN_IF_ERROR(run([&](Transaction& tx) -> Status {
      next = bounds;
      next.read = std::max<std::size_t>(options_.slots_per_commit, 1);
      ImportCommit commit(tx);
      ASSIGN_OR_RETURN(done, place_slots(commit, schedule, as_stored, next));
      return Status();
    }));
    bounds = next;
  }
  return Status();
}

// The Slots first: who stops here finds them at their place before their Schedule is there, and the
// same import again goes on. The other way round it would leave a Schedule that not all of its
// Slots follow, and nothing to tell.
Status Committer::try_in_steps(const std::vector<ImportItem>& items, std::size_t at,
                               std::vector<Outcome>& outcomes, std::vector<FreedTime>& freed) {
  RETURN_IF_ERROR(place_all_slots(items[at], false));
  const Status status = try_items(items, at, at + 1, outcomes, freed);
  // Somebody else has changed the Schedule meanwhile.
  const bool imported =
      status.ok() && outcomes.front().status.ok() && outcomes.front().put == PutOutcome::kImported;
  if (!imported) RETURN_IF_ERROR(place_all_slots(items[at], true));
  return status;
}

Status Committer::commit_items(const std::string& file, const std::vector<ImportItem>& items,
                               std::size_t from, std::size_t to) {
  if (from == to) return Status();
  std::vector<Outcome> outcomes;
  std::vector<FreedTime> freed;
  Status status = try_items(items, from, to, outcomes, freed);
  if (status.code() == StatusCode::kResourceExhausted && to - from > 1) {
    // More than one command may carry (C6): in halves.
    const std::size_t middle = from + (to - from) / 2;
    RETURN_IF_ERROR(commit_items(file, items, from, middle));
    return commit_items(file, items, middle, to);
  }
  if (status.code() == StatusCode::kResourceExhausted &&
      items[from].type == RESOURCE_TYPE_SCHEDULE) {
    status = try_in_steps(items, from, outcomes, freed);
  }
  if (status.code() == StatusCode::kResourceExhausted) {
    refuse(file, items[from], status);
    return Status();
  }
  RETURN_IF_ERROR(status);
  keep_freed(std::move(freed));
  for (std::size_t i = from; i < to; ++i) {
    const Outcome& outcome = outcomes[i - from];
    if (outcome.status.ok()) {
      count(items[i].type, outcome.put);
    } else {
      refuse(file, items[i], outcome.status);
    }
  }
  return Status();
}

Status Committer::commit_transaction(const std::string& file, const ImportUnit& unit) {
  std::vector<PutOutcome> outcomes;
  std::vector<FreedTime> freed;
  const ImportItem* culprit = nullptr;
  const Status status = run([&](Transaction& tx) -> Status {
    outcomes.clear();
    ImportCommit commit(tx);
    std::uint64_t imported = 0;
    for (const ImportItem& item : unit.items) {
      culprit = &item;
      ASSIGN_OR_RETURN(const PutOutcome put, put_item(commit, item));
      if (put == PutOutcome::kImported) ++imported;
      outcomes.push_back(put);
    }
    culprit = nullptr;
    freed = std::move(commit.freed);
    return emit_imported(tx, imported);
  });
  if (!status.ok()) {
    if (is_fatal(status) && status.code() != StatusCode::kResourceExhausted) return status;
    const std::string path = culprit == nullptr ? std::string() : culprit->path;
    const std::uint64_t line = culprit == nullptr ? unit.line : culprit->line;
    refuse({{file, line, path, reason_of(status), unit.items.size()}, RESOURCE_TYPE_UNSPECIFIED});
    return Status();
  }
  keep_freed(std::move(freed));
  for (std::size_t i = 0; i < unit.items.size(); ++i) count(unit.items[i].type, outcomes[i]);
  return Status();
}

Result<bool> Committer::commit_stored(const std::string& file, const ImportUnit& unit, bool last) {
  if (unit.text.empty()) {
    // Put off, and to be read again. What its file has become since is not ours to judge: it is
    // imported as it is.
    ImportUnit read = unit;
    ASSIGN_OR_RETURN(read.text, read_document(file));
    return commit_stored(file, read, last);
  }
  JsonTree tree;
  if (Status status = tree.parse_copy(unit.text);
      !status.ok() || !Bundle::kind_of(tree.root(), false)) {
    refuse({{file, unit.line, "", "the file changed while it was imported", 1},
            RESOURCE_TYPE_UNSPECIFIED});
    return true;
  }
  if (Bundle::kind_of(tree.root(), false) == BundleKind::kTransaction) {
    return commit_stored_transaction(file, unit, tree, last);
  }
  RETURN_IF_ERROR(commit_stored_batch(file, unit, tree));
  return true;
}

Result<bool> Committer::commit_stored_transaction(const std::string& file, const ImportUnit& unit,
                                                  const JsonTree& tree, bool last) {
  Applied applied;
  Status problem;  // of an entry, as against the store's
  std::size_t resources = 0;
  const Status status = run_validated([&](Transaction& tx) -> Status {
    applied = {};
    problem = {};
    Bundle bundle = Bundle::read(tree.root(), BundleKind::kTransaction);
    resources = bundle.resource_count();
    RETURN_IF_ERROR(bundle.resolve(&tx));
    ImportCommit commit(tx);
    for (const BundleEntry* entry : bundle.in_order()) {
      Status done = apply_entry(commit, tree, bundle, *entry, applied);
      if (done.ok()) continue;
      if (!is_fatal(done)) problem = done;
      return done;
    }
    applied.freed = std::move(commit.freed);
    const auto imported =
        std::count_if(applied.puts.begin(), applied.puts.end(),
                      [](const auto& put) { return put.second == PutOutcome::kImported; });
    return emit_imported(tx, static_cast<std::uint64_t>(imported));
  });
  if (status.ok()) {
    for (const auto& [type, outcome] : applied.puts) count(type, outcome);
    report_.deleted += applied.deleted;
    report_.ignored += applied.ignored;
    keep_freed(std::move(applied.freed));
    return true;
  }
  if (problem.ok() && status.code() != StatusCode::kResourceExhausted) return status;
  const Status& why = problem.ok() ? status : problem;
  if (why.code() == StatusCode::kNotFound && !last) return false;
  const std::uint64_t line = line_at(unit.text, tree.offset_of(why.field()), unit.line);
  refuse({{file, line, std::string(why.field()), std::string(why.message()), resources},
          RESOURCE_TYPE_UNSPECIFIED});
  return true;
}

// The entries that ask the store are done one by one; the others as those of any batch.
Status Committer::commit_stored_batch(const std::string& file, const ImportUnit& unit,
                                      const JsonTree& tree) {
  Bundle bundle = Bundle::read(tree.root(), BundleKind::kBatch);
  const std::vector<BundleEntry> as_read = bundle.entries();
  RETURN_IF_ERROR(bundle.resolve(nullptr));
  const auto refuse_entry = [&](const BundleEntry& entry, const Status& why) {
    const std::uint64_t line = line_at(unit.text, tree.offset_of(why.field()), unit.line);
    const std::uint64_t resources = entry.resource ? 1 : 0;
    refuse({{file, line, std::string(why.field()), std::string(why.message()), resources},
            entry.type});
  };
  std::vector<ImportItem> items;
  // Entries stand in the order of the text, so lines are counted on from one to the next.
  std::size_t counted_to = 0;
  std::uint64_t line = unit.line;
  for (std::size_t i = 0; i < as_read.size(); ++i) {
    if (bundle.needs_store(as_read[i])) {
      RETURN_IF_ERROR(commit_stored_entry(tree, bundle, as_read[i], refuse_entry));
      continue;
    }
    const BundleEntry& entry = bundle.entries()[i];
    if (entry.problem.ok() && entry.action == EntryAction::kNothing) {
      ++report_.ignored;
      continue;
    }
    Status problem = entry.problem;
    if (problem.ok()) {
      Result<ImportItem> item =
          make_item(tree, entry.resource, entry.type, entry.id, bundle.references());
      problem = item.status();
      if (item) {
        item->path = entry.resource.path();
        const std::size_t offset = tree.offset_of(item->path);
        line = line_at(std::string_view(unit.text).substr(counted_to), offset - counted_to, line);
        counted_to = offset;
        item->line = line;
        items.push_back(std::move(item).value());
      }
    }
    if (!problem.ok()) refuse_entry(entry, problem);
  }
  return commit_items(file, items, 0, items.size());
}

Status Committer::commit_stored_entry(
    const JsonTree& tree, Bundle& bundle, const BundleEntry& as_read,
    FunctionRef<void(const BundleEntry&, const Status&)> refuse_entry) {
  Applied applied;
  Status problem;
  const Status status = run_validated([&](Transaction& tx) -> Status {
    applied = {};
    problem = {};
    BundleEntry entry = as_read;
    RETURN_IF_ERROR(bundle.settle(entry, tx));
    ImportCommit commit(tx);
    Status done = apply_entry(commit, tree, bundle, entry, applied);
    if (!done.ok() && !is_fatal(done)) problem = done;
    RETURN_IF_ERROR(done);
    applied.freed = std::move(commit.freed);
    const bool imported =
        !applied.puts.empty() && applied.puts.front().second == PutOutcome::kImported;
    return emit_imported(tx, imported ? 1 : 0);
  });
  if (status.ok()) {
    for (const auto& [type, outcome] : applied.puts) count(type, outcome);
    report_.deleted += applied.deleted;
    keep_freed(std::move(applied.freed));
    return Status();
  }
  if (problem.ok() && status.code() != StatusCode::kResourceExhausted) return status;
  refuse_entry(as_read, problem.ok() ? status : problem);
  return Status();
}

}  // namespace clinicdb::clinic::fhir
