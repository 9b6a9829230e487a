// The Store: one shard. Builds the parts (lock, RocksDB, commit log, pipeline, cache), replays, and
// hands calls to them.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "clinicdb/engine/store.h"
#include "clinicdb/engine/store_detail.h"
#include "commit/pipeline.h"
#include "log/commit_log.h"
#include "maintain/index_builder.h"
#include "maintain/maintenance.h"
#include "store/kv.h"
#include "store/store_internal.h"
#include "store/tenant_record.h"

namespace clinicdb::engine {

class StoreImpl final : public Store {
 public:
  static Result<std::unique_ptr<Store>> open(const std::string& directory, const Schema& schema,
                                             const StoreOptions& options, const StoreSeams& seams);
  ~StoreImpl() override;

  Status close() override;
  Result<TenantInfo> create_tenant(std::string_view slug) override;
  Result<TenantInfo> find_tenant(std::string_view slug) override;
  Result<TenantInfo> tenant(TenantId id) override;
  Result<std::vector<TenantInfo>> list_tenants() override;
  Status delete_tenant(TenantId id) override;
  Result<std::unique_ptr<Reader>> view(TenantId tenant) override;
  Result<Committed> execute(TenantId tenant, const CallContext& context, Command command) override;
  Result<Committed> transact(TenantId tenant, const CallContext& context, Command fn,
                             int attempts) override;
  void lead_commits() override { pipeline_->lead_commits(); }
  void stop_leading() override { pipeline_->stop_leading(); }
  void set_commit_listener(CommitListener* listener) override {
    pipeline_->set_commit_listener(listener);
  }
  ResultCache& cache() override { return *cache_; }
  Lsn published_lsn() const override { return pipeline_->published()->position.lsn; }
  Status flush() override;
  StoreStats stats() override;
  Result<VerifyReport> verify(const VerifyOptions& options) override;
  Status build_indexes() override;

  /// See store_detail.
  StoreDetail detail();

  // For the other rooms of the engine (backup, maintenance, verify).
  Pipeline& pipeline() { return *pipeline_; }
  KvStore& kv() { return *kv_; }
  CommitLog& log() { return *log_; }
  IndexBuilder& index_builder() { return index_builder_; }
  const StoreOptions& options() const { return options_; }
  const std::string& directory() const { return directory_; }
  const Uuid& store_id() const { return store_id_; }
  FileSystem& file_system() const { return *options_.file_system; }
  /// OK while writes are accepted: kFailedPrecondition when closed, read-only or failed.
  Status check_writable() const;
  State state_of(const Published& seen) const;
  /// Runs `fn` on the writer, with the whole store in reach. `exclusive`: alone in its group.
  Result<std::string> run_system(FunctionRef<Result<std::string>(GroupContext&)> fn,
                                 bool exclusive);
  /// Erases the range of a tenant that nobody sees: what a restore has left.
  Status erase_tenant(const TenantRecord& record);
  /// One backup at a time, for they share the scratch directory.
  std::mutex& backup_mutex() { return backup_mutex_; }
  /// One restore of a tenant at a time, so that what earlier ones left can be told from what is
  /// under way.
  std::mutex& restore_mutex() { return restore_mutex_; }

 private:
  StoreImpl(std::string directory, const StoreOptions& options);

  Status open_parts(const Schema& schema, const StoreSeams& seams);
  Status open_identity();
  Result<std::uint64_t> replay(const AppliedMark& applied);
  Result<Published> load_published(const Schema& schema);
  Status adopt_indexes(Published& published);
  void set_state(StoreState state, std::string reason);

  // Constant after open.
  std::string directory_;
  StoreOptions options_;
  Uuid store_id_;
  std::uint64_t replayed_entries_ = 0;
  std::uint64_t replay_us_ = 0;
  std::uint64_t open_us_ = 0;

  // Own synchronisation. In the order in which they are built; destroyed in reverse.
  std::unique_ptr<DirectoryLock> lock_;
  std::unique_ptr<KvStore> kv_;
  std::unique_ptr<Overlay> replayed_;  ///< read-only stores: what RocksDB has not got
  std::unique_ptr<CommitLog> log_;
  std::unique_ptr<ResultCache> cache_;
  std::unique_ptr<Pipeline> pipeline_;
  IndexBuilder index_builder_{*this};
  std::unique_ptr<Maintenance> maintenance_;

  std::mutex backup_mutex_;
  std::mutex restore_mutex_;

  mutable std::mutex state_mutex_;
  // Guarded by state_mutex_.
  StoreState state_ = StoreState::kOpening;
  std::string state_reason_;
};

}  // namespace clinicdb::engine
