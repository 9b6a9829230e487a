#include "store/store_impl.h"

#include <algorithm>

#include "clinicdb/base/bytes.h"
#include "clinicdb/base/check.h"
#include "clinicdb/engine/key.h"
#include "commit/work.h"
#include "maintain/index_builder.h"
#include "store/identity.h"
#include "store/layout.h"
#include "store/limits.h"
#include "store/rocks.h"
#include "store/tenant_changes.h"
#include "store/tenant_record.h"
#include "txn/operations.h"

namespace clinicdb::engine {

std::string_view store_state_name(StoreState state) noexcept {
  switch (state) {
    case StoreState::kOpening:
      return "opening";
    case StoreState::kReplaying:
      return "replaying";
    case StoreState::kServing:
      return "serving";
    case StoreState::kReadOnly:
      return "read-only";
    case StoreState::kFailed:
      return "failed";
    case StoreState::kClosed:
      return "closed";
  }
  return "unknown";
}

Result<std::unique_ptr<Store>> Store::open(const std::string& directory, const Schema& schema,
                                           StoreOptions options) {
  return open_store(directory, schema, options, StoreSeams{});
}

Result<std::unique_ptr<Store>> open_store(const std::string& directory, const Schema& schema,
                                          const StoreOptions& options, const StoreSeams& seams) {
  return StoreImpl::open(directory, schema, options, seams);
}

Status maintain_store(Store& store) {
  Maintenance round(static_cast<StoreImpl&>(store));
  return round.round();
}

namespace {

Status check_options(const StoreOptions& options) {
  if (options.pipeline_depth != 1 && options.pipeline_depth != 2) {
    return invalid_argument("the pipeline's depth is 1 or 2").with_field("pipeline_depth");
  }
  if (options.background_jobs < 1 || options.background_jobs > 7) {
    return invalid_argument("background jobs are 1 to 7").with_field("background_jobs");
  }
  if (options.log_segment_bytes < (std::size_t{64} << 10) ||
      options.log_segment_bytes > (std::size_t{4} << 30)) {
    return invalid_argument("a log segment has 64 KiB to 4 GiB").with_field("log_segment_bytes");
  }
  if (options.write_buffer_bytes < (std::size_t{64} << 10)) {
    return invalid_argument("a write buffer has at least 64 KiB").with_field("write_buffer_bytes");
  }
  return Status();
}

/// True when no tenant has a record of the table, deleted ones included.
Result<bool> has_no_records(const State& state, const TenantMap& tenants, const TableDef& table) {
  bool found = false;
  for (const TenantInfo& tenant : tenants) {
    const std::string rows = layout::prefix(tenant.id, table.id, layout::kRows);
    RETURN_IF_ERROR(
        state.scan(rows, prefix_end(rows), false, [&](std::string_view, std::string_view) {
          found = true;
          return false;
        }));
    if (found) return false;
  }
  return true;
}

/// A reader on a published view, which it holds.
class ViewReader final : public ReaderOver<Reader> {
 public:
  ViewReader(TenantId tenant, std::shared_ptr<const Published> seen, State state)
      : ReaderOver(tenant, seen->position.lsn, seen->catalog, std::move(state)),
        seen_(std::move(seen)) {}

 private:
  std::shared_ptr<const Published> seen_;
};

}  // namespace

StoreImpl::StoreImpl(std::string directory, const StoreOptions& options)
    : directory_(std::move(directory)), options_(options) {
  if (options_.file_system == nullptr) options_.file_system = &posix_file_system();
  if (options_.clock == nullptr) options_.clock = &system_clock();
  if (options_.random == nullptr) options_.random = &system_random();
}

StoreImpl::~StoreImpl() {
  close().ignore("a destructor has nobody to tell; the log holds everything acknowledged");
}

Result<std::unique_ptr<Store>> StoreImpl::open(const std::string& directory, const Schema& schema,
                                               const StoreOptions& options,
                                               const StoreSeams& seams) {
  RETURN_IF_ERROR(check_options(options));
  std::unique_ptr<StoreImpl> store(new StoreImpl(directory, options));
  const std::int64_t start_ns = store->options_.clock->monotonic_ns();
  RETURN_IF_ERROR(store->open_parts(schema, seams));
  store->open_us_ =
      static_cast<std::uint64_t>(store->options_.clock->monotonic_ns() - start_ns) / 1000;
  if (store->maintenance_ && !seams.manual_maintenance) {
    store->pipeline_->start_applier();
    store->maintenance_->start();
  }
  return std::unique_ptr<Store>(std::move(store));
}

Status StoreImpl::open_parts(const Schema& schema, const StoreSeams& seams) {
  FileSystem& files = file_system();
  ASSIGN_OR_RETURN(bool found, store_exists(files, directory_));
  if (!found && (options_.read_only || !options_.create_if_missing)) {
    return not_found("there is no store in " + directory_ +
                     "; make one with `clinicdb init --data " + directory_ + "`");
  }
  if (!options_.read_only) {
    // The identity is written last of all: where it stands, the directories' names are durable.
    if (!found) RETURN_IF_ERROR(make_store_directories(files, directory_));
    ASSIGN_OR_RETURN(lock_, files.lock(directory_ + "/LOCK"));
    // Another process may have made the store, and closed it, before this one had the lock.
    ASSIGN_OR_RETURN(found, store_exists(files, directory_));
  }
  ASSIGN_OR_RETURN(store_id_,
                   found ? read_identity(files, directory_)
                         : make_identity(files, directory_, *options_.clock, *options_.random));

  RocksOptions rocks;
  rocks.directory = directory_ + "/rocksdb";
  rocks.create_if_missing = !options_.read_only;
  rocks.read_only = options_.read_only;
  rocks.block_cache_bytes = options_.block_cache_bytes;
  rocks.write_buffer_bytes = options_.write_buffer_bytes;
  rocks.background_jobs = options_.background_jobs;
  rocks.env = seams.rocksdb_env;
  ASSIGN_OR_RETURN(kv_, open_rocks(rocks));
  ASSIGN_OR_RETURN(const AppliedMark applied, kv_->applied());

  CommitLogOptions log;
  log.file_system = &files;
  log.directory = directory_ + "/log";
  log.store_id = store_id_;
  log.segment_bytes = options_.log_segment_bytes;
  log.reserve_bytes = options_.disk_reserve_bytes;
  log.read_only = options_.read_only;
  log.applied = applied.position;
  log.applied_hash = applied.hash;
  ASSIGN_OR_RETURN(log_, CommitLog::open(log));

  set_state(StoreState::kReplaying, {});
  cache_ = ResultCache::create(options_.result_cache_bytes);
  const std::int64_t start_ns = options_.clock->monotonic_ns();
  ASSIGN_OR_RETURN(replayed_entries_, replay(applied));
  replay_us_ = static_cast<std::uint64_t>(options_.clock->monotonic_ns() - start_ns) / 1000;

  ASSIGN_OR_RETURN(Published first, load_published(schema));
  pipeline_ = std::make_unique<Pipeline>(
      Pipeline::Parts{kv_.get(), log_.get(), options_.commit_gate, cache_.get(), options_.clock},
      options_.pipeline_depth, std::move(first));
  if (options_.read_only) {
    set_state(StoreState::kReadOnly, "opened read-only");
    return Status();
  }
  maintenance_ = std::make_unique<Maintenance>(*this);
  set_state(StoreState::kServing, {});
  return Status();
}

// L4: standalone, everything in the log is committed once the log's open has synced it (L1).
Result<std::uint64_t> StoreImpl::replay(const AppliedMark& applied) {
  if (options_.read_only) replayed_ = std::make_unique<Overlay>();
  const LogTail tail = log_->tail();
  std::uint64_t entries = 0;
  if (tail.position.lsn <= applied.position.lsn) return entries;
  ASSIGN_OR_RETURN(const std::unique_ptr<LogReader> reader,
                   log_->reader(next(applied.position.lsn)));
  while (true) {
    ASSIGN_OR_RETURN(const LogEntry* entry, reader->next());
    if (entry == nullptr) break;
    const auto into_overlay = [&](const Operation& operation) -> Status {
      if (operation.kind == OperationKind::kPut)
        replayed_->put(operation.key, operation.value, false);
      if (operation.kind == OperationKind::kDelete) replayed_->remove(operation.key);
      if (operation.kind != OperationKind::kErase) return Status();
      State below(kv_->latest());
      below.push(replayed_.get());
      std::vector<std::string> keys;
      RETURN_IF_ERROR(below.scan(operation.key, operation.value, false,
                                 [&](std::string_view key, std::string_view) {
                                   keys.emplace_back(key);
                                   return true;
                                 }));
      for (const std::string& key : keys) replayed_->remove(key);
      return Status();
    };
    const auto checked = [&](const Operation& operation) {
      return options_.read_only ? into_overlay(operation) : Status();
    };
    Result<std::uint32_t> count = for_each_operation(entry->operations, checked);
    if (!count) {
      return std::move(count).error().with_context("log entry " +
                                                   std::to_string(entry->position.lsn.value));
    }
    if (!options_.read_only) {
      RETURN_IF_ERROR(kv_->apply(entry->operations, *count, {entry->position, entry->hash}));
    }
    ++entries;
  }
  return entries;
}

State StoreImpl::state_of(const Published& seen) const {
  State state = seen.state();
  if (replayed_) state.push(replayed_.get());
  return state;
}

Result<Published> StoreImpl::load_published(const Schema& schema) {
  Published first;
  first.position = log_->tail().position;
  first.view = kv_->snapshot();
  ASSIGN_OR_RETURN(first.catalog, Catalog::make(schema));
  auto tenants = std::make_shared<TenantMap>();
  const std::string prefix = layout::prefix(layout::kSystem, layout::kTenants, layout::kRows);
  Status damaged;
  RETURN_IF_ERROR(state_of(first).scan(prefix, prefix_end(prefix), false,
                                       [&](std::string_view key, std::string_view value) {
                                         std::string_view rest = key.substr(prefix.size());
                                         TenantId id;
                                         if (!Key::take_u64(rest, id.value)) {
                                           damaged = data_loss("a tenant's key is damaged");
                                           return false;
                                         }
                                         Result<TenantRecord> record = decode_tenant(id, value);
                                         if (!record) {
                                           damaged = std::move(record).error();
                                           return false;
                                         }
                                         if (record->visibility == TenantVisibility::kVisible)
                                           tenants->push_back(std::move(record->info));
                                         return true;
                                       }));
  RETURN_IF_ERROR(damaged);
  first.tenants = std::move(tenants);
  RETURN_IF_ERROR(adopt_indexes(first));
  return first;
}

// Compares what the schema declares with what the store's indexes were built by. An index that is
// new or of another version gets a new generation and is built online; where its table has no
// records yet, it is ready at once.
Status StoreImpl::adopt_indexes(Published& published) {
  const State state = state_of(published);
  std::string operations;
  std::uint32_t count = 0;
  const std::shared_ptr<const Catalog> declared = published.catalog;
  for (const Catalog::TableEntry& table : declared->tables()) {
    for (std::size_t i = 0; i < table.def->indexes.size(); ++i) {
      const IndexDef& def = table.def->indexes[i];
      const std::string key = layout::row_key(layout::kSystem, layout::kIndexStates,
                                              Key().u16(table.def->id.value).u8(def.number).str());
      std::optional<IndexState> kept;
      RETURN_IF_ERROR(state.get(key, [&](std::string_view value) -> Status {
        Result<IndexState> decoded = decode_index_state(value);
        if (!decoded) return std::move(decoded).error();
        kept = std::move(decoded).value();
        return Status();
      }));
      IndexState adopted = kept.value_or(IndexState{});
      if (!kept || kept->version != def.version) {
        adopted.version = def.version;
        adopted.reason.clear();
        if (kept) {
          adopted.old_generation = kept->generation;
          adopted.old_entries = true;
          adopted.generation = static_cast<std::uint8_t>(kept->generation + 1);
        }
        ASSIGN_OR_RETURN(const bool no_records,
                         has_no_records(state, *published.tenants, *table.def));
        adopted.phase = no_records ? IndexPhase::kReady : IndexPhase::kBuilding;
        append_operation(operations, {OperationKind::kPut, key, encode_index_state(adopted)});
        ++count;
      }
      published.catalog = published.catalog->with_state(table.def->id, i, std::move(adopted));
    }
  }
  if (count == 0 || options_.read_only) return Status();
  // Before the pipeline exists: an entry of its own.
  EntryDraft draft;
  draft.time = std::max(options_.clock->now(), log_->tail().time);
  draft.committed = published.position.lsn;
  draft.tenants = {layout::kSystem};
  draft.operations = operations;
  ASSIGN_OR_RETURN(const LogTail tail, log_->append(draft));
  RETURN_IF_ERROR(log_->sync());
  RETURN_IF_ERROR(kv_->apply(operations, count, {tail.position, tail.hash}));
  published.position = tail.position;
  published.view = kv_->snapshot();
  return Status();
}

void StoreImpl::set_state(StoreState state, std::string reason) {
  const std::lock_guard lock(state_mutex_);
  state_ = state;
  state_reason_ = std::move(reason);
}

Status StoreImpl::check_writable() const {
  {
    const std::lock_guard lock(state_mutex_);
    if (state_ == StoreState::kClosed) return failed_precondition("the store is closed");
    if (state_ == StoreState::kReadOnly)
      return failed_precondition("the store is read-only: " + state_reason_);
  }
  return pipeline_->health();
}

Status StoreImpl::close() {
  {
    const std::lock_guard lock(state_mutex_);
    if (state_ == StoreState::kClosed) return Status();
    state_ = StoreState::kClosed;
    state_reason_.clear();
  }
  Status outcome;
  const bool healthy = pipeline_ && pipeline_->health().ok();
  if (maintenance_) maintenance_->stop();
  if (pipeline_) pipeline_->stop(failed_precondition("the store is closed"));
  // So that the next open has nothing to replay. Without it nothing is lost, only time.
  if (healthy && kv_ && !options_.read_only) outcome = kv_->flush(true);
  cache_ ? cache_->clear() : void();
  if (pipeline_) pipeline_->release_views();
  log_.reset();
  if (kv_) kv_->close();
  lock_.reset();
  return outcome;
}

Result<std::string> StoreImpl::run_system(FunctionRef<Result<std::string>(GroupContext&)> fn,
                                          bool exclusive) {
  RETURN_IF_ERROR(check_writable());
  SystemWork work(fn, exclusive);
  ASSIGN_OR_RETURN(Committed done, pipeline_->submit(work));
  return std::move(done.answer);
}

Result<TenantInfo> StoreImpl::create_tenant(std::string_view slug) {
  RETURN_IF_ERROR(check_slug(slug));
  TenantRecord record;
  record.info.slug = slug;
  record.info.uuid = Uuid::v7(*options_.clock, *options_.random);
  record.info.created = options_.clock->now();
  const auto create = [&](GroupContext& context) -> Result<std::string> {
    RETURN_IF_ERROR(check_slug_free(context, slug));
    ASSIGN_OR_RETURN(record.info.id, unused_tenant_number(context, *options_.random));
    put_tenant(context, record);
    return std::string();
  };
  RETURN_IF_ERROR(run_system(create, true).status());
  return record.info;
}

Result<TenantInfo> StoreImpl::find_tenant(std::string_view slug) {
  for (const TenantInfo& info : *pipeline_->published()->tenants) {
    if (info.slug == slug) return info;
  }
  return not_found("there is no tenant \"" + std::string(slug) + "\"").with_field("tenant");
}

Result<TenantInfo> StoreImpl::tenant(TenantId id) {
  for (const TenantInfo& info : *pipeline_->published()->tenants) {
    if (info.id == id) return info;
  }
  return not_found("there is no tenant " + std::to_string(id.value));
}

Result<std::vector<TenantInfo>> StoreImpl::list_tenants() {
  std::vector<TenantInfo> tenants = *pipeline_->published()->tenants;
  std::sort(tenants.begin(), tenants.end(),
            [](const TenantInfo& a, const TenantInfo& b) { return a.slug < b.slug; });
  return tenants;
}

Status StoreImpl::delete_tenant(TenantId id) {
  TenantRecord record;
  ASSIGN_OR_RETURN(record.info, tenant(id));
  const auto erase = [&](GroupContext& context) -> Result<std::string> {
    RETURN_IF_ERROR(check_tenant(context.published, id));
    erase_tenant_range(context, record);
    return std::string();
  };
  RETURN_IF_ERROR(run_system(erase, true).status());
  maintenance_->erased(id);
  return Status();
}

Status StoreImpl::erase_tenant(const TenantRecord& record) {
  const auto erase = [&](GroupContext& context) -> Result<std::string> {
    erase_tenant_range(context, record);
    return std::string();
  };
  RETURN_IF_ERROR(run_system(erase, true).status());
  maintenance_->erased(record.info.id);
  return Status();
}

Result<std::unique_ptr<Reader>> StoreImpl::view(TenantId tenant) {
  std::shared_ptr<const Published> seen = pipeline_->published();
  if (!seen->view) return failed_precondition("the store is closed");
  RETURN_IF_ERROR(check_tenant(*seen, tenant));
  State state = state_of(*seen);
  return std::unique_ptr<Reader>(
      std::make_unique<ViewReader>(tenant, std::move(seen), std::move(state)));
}

Result<Committed> StoreImpl::execute(TenantId tenant, const CallContext& context, Command command) {
  RETURN_IF_ERROR(check_writable());
  CommandWork work(tenant, context, command);
  return pipeline_->submit(work);
}

Result<Committed> StoreImpl::transact(TenantId tenant, const CallContext& context, Command fn,
                                      int attempts) {
  Status conflict = aborted("the transaction was tried 0 times");
  for (int attempt = 0; attempt < attempts; ++attempt) {
    RETURN_IF_ERROR(check_writable());
    const std::shared_ptr<const Published> seen = pipeline_->begin_transaction();
    struct Ended {
      Pipeline& pipeline;
      Lsn began;
      ~Ended() { pipeline.end_transaction(began); }
    } ended{*pipeline_, seen->position.lsn};
    RETURN_IF_ERROR(check_tenant(*seen, tenant));
    const Time now = options_.clock->now();
    ASSIGN_OR_RETURN(std::optional<RequestRecord> earlier,
                     find_request(state_of(*seen), tenant, context, now));
    if (earlier) return Committed{earlier->position, std::move(earlier->answer), true};

    Overlay changes;
    ReadSet reads;
    State state = seen->state(&reads);
    state.push(&changes);
    TransactionOver transaction({tenant, context.user, now, seen->position.lsn, Lsn{}},
                                seen->catalog, state, changes);
    ASSIGN_OR_RETURN(std::string answer, fn(transaction));
    if (reads.size() > kReadSetKeysMax) {
      return resource_exhausted("a transaction reads at most " + std::to_string(kReadSetKeysMax) +
                                " keys; split it");
    }
    // A snapshot is serializable by itself: what only reads needs no commit.
    if (changes.empty() && !transaction.has_events() && !context.request_id) {
      return Committed{{}, std::move(answer), false};
    }
    TransactionWork work(*pipeline_, seen->position.lsn, context, transaction, changes, reads,
                         std::move(answer));
    Result<Committed> done = pipeline_->submit(work);
    if (done || done.error().code() != StatusCode::kAborted) return done;
    conflict = std::move(done).error();
  }
  return conflict;
}

Status StoreImpl::flush() {
  RETURN_IF_ERROR(check_writable());
  RETURN_IF_ERROR(pipeline_->wait_applied());
  return kv_->flush(true);
}

StoreStats StoreImpl::stats() {
  StoreStats stats;
  {
    const std::lock_guard lock(state_mutex_);
    stats.state = state_;
    stats.state_reason = state_reason_;
  }
  stats.replayed_entries = replayed_entries_;
  stats.replay_us = replay_us_;
  stats.open_us = open_us_;
  stats.cache = cache_->stats();
  if (stats.state == StoreState::kClosed) return stats;
  if (const Status health = pipeline_->health(); !health.ok()) {
    const bool full = health.code() == StatusCode::kResourceExhausted;
    stats.state = full ? StoreState::kReadOnly : StoreState::kFailed;
    stats.state_reason = health.message();
  }
  const Pipeline::Stats pipeline = pipeline_->stats();
  const CommitLogStats log = log_->stats();
  stats.last_committed = pipeline_->published()->position;
  if (Result<AppliedMark> flushed = kv_->flushed()) stats.last_flushed = flushed->position;
  stats.commands = pipeline.commands;
  stats.groups = pipeline.groups;
  stats.log_bytes_appended = log.appended_bytes;
  stats.log_bytes_retained = log.retained_bytes;
  stats.unflushed_log_bytes = maintenance_ ? maintenance_->unflushed_bytes() : 0;
  stats.rocksdb_keys_estimate = kv_->property("rocksdb.estimate-num-keys");
  stats.rocksdb_sst_bytes = kv_->property("rocksdb.total-sst-files-size");
  stats.rocksdb_memory_bytes = kv_->property("rocksdb.cur-size-all-mem-tables") +
                               kv_->property("rocksdb.block-cache-usage") +
                               kv_->property("rocksdb.estimate-table-readers-mem");
  return stats;
}

StoreDetail StoreImpl::detail() {
  StoreDetail detail;
  pipeline_->meter().read(detail);
  {
    const std::lock_guard lock(state_mutex_);
    if (state_ == StoreState::kClosed) return detail;
  }
  detail.memtable_bytes = kv_->property("rocksdb.cur-size-all-mem-tables");
  detail.memtables_unflushed = kv_->property("rocksdb.num-immutable-mem-table");
  detail.block_cache_bytes = kv_->property("rocksdb.block-cache-usage");
  detail.flushes_running = kv_->property("rocksdb.num-running-flushes");
  detail.compactions_running = kv_->property("rocksdb.num-running-compactions");
  detail.compaction_pending_bytes = kv_->property("rocksdb.estimate-pending-compaction-bytes");
  detail.writes_stopped = kv_->property("rocksdb.is-write-stopped");
  detail.background_errors = kv_->property("rocksdb.background-errors");
  return detail;
}

StoreDetail store_detail(Store& store) { return static_cast<StoreImpl&>(store).detail(); }

Status StoreImpl::build_indexes() {
  while (index_builder_.pending()) RETURN_IF_ERROR(index_builder_.step());
  return Status();
}

}  // namespace clinicdb::engine
