// Backup of one tenant, and its restore beside the living one. tenant_file.h draws the file.
//
// Indexes are not backed up: they follow from the records, and the store that restores may define
// them otherwise, or keep them under another generation. Restoring makes them anew, as the table
// layer would have.
//
// A restore in steps:
//   1. the whole file is read and verified; nothing of the store was touched when it is damaged;
//   2. a tenant record marked as being restored takes a number (M3). It counts as erased: nobody
//   sees the tenant;
//   3. each block becomes one commit: its entries under the new number, and their records' index
//   entries;
//   4. what stands under the number is read back and compared with the file's content hash;
//   5. the tenant record becomes an ordinary one: the only step that anybody sees.
// After a failure the range is erased in one commit. After a crash the mark of step 2 says what the
// next restore has to erase first.
#include <algorithm>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "backup/file_tools.h"
#include "backup/tenant_file.h"
#include "clinicdb/base/bytes.h"
#include "clinicdb/engine/backup.h"
#include "clinicdb/engine/key.h"
#include "commit/work.h"
#include "store/layout.h"
#include "store/store_impl.h"
#include "store/tenant_changes.h"
#include "store/tenant_record.h"
#include "table/change.h"
#include "txn/envelope.h"

namespace clinicdb::engine {

namespace {

constexpr std::uint8_t kIndexSpaceFirst = 1;
constexpr std::uint8_t kIndexSpaceLast = 200;
constexpr TableId kApplicationTablesFirst{0x0100};
constexpr std::uint64_t kProgressEveryBytes = std::uint64_t{4} << 20;

bool is_index_space(std::uint8_t space) {
  return space >= kIndexSpaceFirst && space <= kIndexSpaceLast;
}

/// Visits everything of a tenant but its index entries, by key; keys come without the tenant's
/// number.
Status scan_tenant(const State& state, TenantId tenant,
                   FunctionRef<Status(std::string_view key, std::string_view value)> visit) {
  const std::string end = layout::tenant_end(tenant);
  std::string from = layout::tenant_begin(tenant);
  while (!from.empty()) {
    std::string go_on;
    Status outcome;
    RETURN_IF_ERROR(state.scan(from, end, false, [&](std::string_view key, std::string_view value) {
      layout::ParsedPrefix parsed;
      if (!layout::parse(key, parsed)) {
        outcome =
            data_loss("a key of the tenant has only " + std::to_string(key.size()) + " bytes");
        return false;
      }
      if (is_index_space(parsed.space)) {
        go_on = layout::prefix(tenant, parsed.table, kIndexSpaceLast + 1);
        return false;
      }
      outcome = visit(key.substr(layout::kTenantBytes), value);
      return outcome.ok();
    }));
    RETURN_IF_ERROR(outcome);
    from = std::move(go_on);
  }
  return Status();
}

TenantBackupReport report_of(const TenantFileHeader& header, std::uint64_t entries,
                             std::uint64_t bytes) {
  return {header.tenant, header.store_id, header.position, header.made, entries, bytes};
}

/// A backup that was read to its end and found whole.
struct VerifiedFile {
  TenantFileHeader header;
  TenantBackupReport report;
  std::uint64_t content_hash = 0;
  std::set<TableId> tables;
};

Result<VerifiedFile> verify_file(FileSystem& files, const std::string& path,
                                 const BackupOptions& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<File> file, files.open(path, OpenMode::kRead));
  ASSIGN_OR_RETURN(const std::uint64_t size, file->size());
  TenantFileReader reader(*file, path);
  VerifiedFile verified;
  ASSIGN_OR_RETURN(verified.header, reader.begin());
  for (bool more = true; more;) {
    ASSIGN_OR_RETURN(more, reader.next_block([&](std::string_view key, std::string_view) {
      verified.tables.insert(TableId{load_be16(key.data())});
      return Status();
    }));
    if (options.progress) options.progress(reader.offset(), size);
  }
  verified.report = report_of(verified.header, reader.entries(), reader.offset());
  verified.content_hash = reader.content_hash();
  return verified;
}

/// Restores one verified backup under a number of its own.
class TenantRestore {
 public:
  TenantRestore(StoreImpl& store, const VerifiedFile& verified, std::string_view slug)
      : store_(store), verified_(verified) {
    record_.info = verified.header.tenant;
    record_.info.slug = slug;
    // An LSN of this store is below those to come; one of another store might meet them.
    keep_event_lsns_ = verified.header.store_id == store.store_id();
  }

  /// Steps 2 to 5.
  Status run(const File& file, const std::string& path, const BackupOptions& options);

  const TenantInfo& tenant() const { return record_.info; }
  std::uint64_t index_entries() const { return index_entries_; }

 private:
  struct Row {
    std::string key;  ///< without the tenant's number
    std::string value;
  };
  /// A record's entries in one index.
  struct Indexed {
    TableId table;
    std::size_t index;
    std::string record_key;
    IndexEntries entries;
  };
  struct Step {
    std::vector<Row> rows;
    std::vector<Indexed> indexed;
  };

  Status begin();
  Status load(const File& file, const std::string& path, const BackupOptions& options);
  Status prepare_row(std::string_view key, std::string_view value, const Catalog& catalog,
                     Step& step) const;
  Status commit(const Step& step);
  Status compare() const;
  Status publish();

  StoreImpl& store_;
  const VerifiedFile& verified_;
  TenantRecord record_;
  bool keep_event_lsns_ = false;
  std::uint64_t index_entries_ = 0;
};

Status TenantRestore::run(const File& file, const std::string& path, const BackupOptions& options) {
  RETURN_IF_ERROR(begin());
  Status status = load(file, path, options);
  if (status.ok()) status = compare();
  if (status.ok()) status = publish();
  if (status.ok() || status.code() == StatusCode::kUnknownOutcome) return status;
  store_.erase_tenant(record_).ignore("it is invisible, and the next restore erases it");
  return status;
}

Status TenantRestore::begin() {
  const auto work = [&](GroupContext& context) -> Result<std::string> {
    RETURN_IF_ERROR(check_slug_free(context, record_.info.slug));
    ASSIGN_OR_RETURN(record_.info.id, unused_tenant_number(context, *store_.options().random));
    record_.visibility = TenantVisibility::kRestoring;
    put_tenant(context, record_);
    return std::string();
  };
  return store_.run_system(work, true).status();
}

Status TenantRestore::load(const File& file, const std::string& path,
                           const BackupOptions& options) {
  const std::shared_ptr<const Catalog> catalog = store_.pipeline().published()->catalog;
  TenantFileReader reader(file, path);
  RETURN_IF_ERROR(reader.begin().status());
  while (true) {
    Step step;
    ASSIGN_OR_RETURN(const bool more,
                     reader.next_block([&](std::string_view key, std::string_view value) {
                       return prepare_row(key, value, *catalog, step);
                     }));
    if (!more) return Status();
    RETURN_IF_ERROR(commit(step));
    if (options.progress) options.progress(reader.offset(), verified_.report.bytes);
  }
}

// On the caller's thread: decoding and extracting cost the writer nothing (C6).
Status TenantRestore::prepare_row(std::string_view key, std::string_view value,
                                  const Catalog& catalog, Step& step) const {
  step.rows.push_back({std::string(key), std::string(value)});
  const TableId table{load_be16(key.data())};
  const auto space = static_cast<std::uint8_t>(key[2]);
  if (is_index_space(space)) return data_loss("the backup has index entries, which none ever has");
  if (table < kApplicationTablesFirst || space != layout::kRows) return Status();
  const TableDef& def = *catalog.find(table)->def;
  ASSIGN_OR_RETURN(const Envelope envelope, decode_envelope(value));
  if (envelope.meta.deleted || def.indexes.empty()) return Status();
  ASSIGN_OR_RETURN(const std::string body, envelope_body(envelope));
  ASSIGN_OR_RETURN(const std::shared_ptr<const void> record, def.decode(body));
  for (std::size_t i = 0; i < def.indexes.size(); ++i) {
    IndexEntries entries(def.indexes[i].kind);
    def.indexes[i].extract(record.get(), entries);
    if (Status status = entries.finish(); !status.ok()) {
      return failed_precondition(
                 "table \"" + def.name +
                 "\" no longer takes a record of the backup: " + std::string(status.message()))
          .with_field(def.indexes[i].name);
    }
    if (entries.entries().empty()) continue;
    step.indexed.push_back({table, i, std::string(key.substr(3)), std::move(entries)});
  }
  return Status();
}

Status TenantRestore::commit(const Step& step) {
  std::uint64_t index_entries = 0;
  const auto work = [&](GroupContext& context) -> Result<std::string> {
    const std::string tenant = layout::tenant_begin(record_.info.id);
    std::uint32_t event_ordinal = 0;
    for (const Row& row : step.rows) {
      const bool moved_event =
          !keep_event_lsns_ && TableId{load_be16(row.key.data())} == layout::kEvents;
      context.group.overlay.put(
          moved_event ? layout::event_key(record_.info.id, context.group.lsn, event_ordinal++)
                      : tenant + row.key,
          row.value, false);
    }
    for (const Indexed& indexed : step.indexed) {
      const Catalog::TableEntry& table = *context.published.catalog->find(indexed.table);
      const IndexDef& def = table.def->indexes[indexed.index];
      const std::string prefix = layout::index_prefix(record_.info.id, indexed.table, def.number,
                                                      table.states[indexed.index].generation);
      for (const IndexEntries::Entry& entry : indexed.entries.entries()) {
        if (Status status =
                check_new_entry(context.state(), def, prefix, entry, indexed.record_key);
            !status.ok()) {
          return failed_precondition(
                     "table \"" + table.def->name +
                     "\" no longer takes the backup's records: " + std::string(status.message()))
              .with_field(def.name);
        }
        context.group.overlay.put(
            entry_key(def.kind, prefix, entry, indexed.record_key),
            encode_entry_value(def.kind, indexed.record_key, entry.end, entry.covered), false);
      }
      index_entries += indexed.entries.entries().size();
    }
    context.group.tenants.push_back(record_.info.id);
    return std::string();
  };
  RETURN_IF_ERROR(store_.run_system(work, false).status());
  index_entries_ += index_entries;
  return Status();
}

Status TenantRestore::compare() const {
  const std::shared_ptr<const Published> seen = store_.pipeline().published();
  ContentHash hash;
  std::uint64_t entries = 0;
  RETURN_IF_ERROR(scan_tenant(store_.state_of(*seen), record_.info.id,
                              [&](std::string_view key, std::string_view value) {
                                hash.add(key, value);
                                ++entries;
                                return Status();
                              }));
  if (entries == verified_.report.entries && hash.finish() == verified_.content_hash)
    return Status();
  return data_loss("the restored tenant is not what the backup holds (" + std::to_string(entries) +
                   " of " + std::to_string(verified_.report.entries) +
                   " entries); it was taken back");
}

Status TenantRestore::publish() {
  const auto work = [&](GroupContext& context) -> Result<std::string> {
    RETURN_IF_ERROR(check_slug_free(context, record_.info.slug));
    record_.visibility = TenantVisibility::kVisible;
    put_tenant(context, record_);
    return std::string();
  };
  return store_.run_system(work, true).status();
}

/// Erases what restores that a crash ended have left.
Status erase_leftovers(StoreImpl& store) {
  const std::shared_ptr<const Published> seen = store.pipeline().published();
  const std::string prefix = layout::prefix(layout::kSystem, layout::kTenants, layout::kRows);
  std::vector<TenantRecord> leftovers;
  Status outcome;
  RETURN_IF_ERROR(store.state_of(*seen).scan(
      prefix, prefix_end(prefix), false, [&](std::string_view key, std::string_view value) {
        std::string_view rest = key.substr(prefix.size());
        TenantId id;
        if (!Key::take_u64(rest, id.value)) return true;
        Result<TenantRecord> record = decode_tenant(id, value);
        if (!record) {
          outcome = std::move(record).error();
          return false;
        }
        if (record->visibility == TenantVisibility::kRestoring)
          leftovers.push_back(std::move(record).value());
        return true;
      }));
  RETURN_IF_ERROR(outcome);
  for (const TenantRecord& record : leftovers) RETURN_IF_ERROR(store.erase_tenant(record));
  return Status();
}

/// kFailedPrecondition when the backup has records of tables that the store does not know.
Status check_tables(const Catalog& catalog, const std::set<TableId>& tables) {
  for (const TableId table : tables) {
    const bool known = table < kApplicationTablesFirst
                           ? table == layout::kEvents || table == layout::kRequests
                           : catalog.find(table) != nullptr;
    if (known) continue;
    return failed_precondition("the backup has records of table " + std::to_string(table.value) +
                               ", which the store was not opened with; open it with that table");
  }
  return Status();
}

}  // namespace

Result<TenantBackupReport> backup_tenant(Store& store, TenantId tenant, const std::string& path,
                                         const BackupOptions& options) {
  auto& impl = static_cast<StoreImpl&>(store);
  FileSystem& files = file_system_of(options, &impl.file_system());
  const std::shared_ptr<const Published> seen = impl.pipeline().published();
  if (!seen->view) return failed_precondition("the store is closed");
  RETURN_IF_ERROR(check_tenant(*seen, tenant));
  TenantFileHeader header;
  header.tenant = *std::find_if(seen->tenants->begin(), seen->tenants->end(),
                                [&](const TenantInfo& info) { return info.id == tenant; });
  header.store_id = impl.store_id();
  header.position = seen->position;
  header.made = impl.options().clock->now();

  const std::string draft = path + ".part";
  RETURN_IF_ERROR(remove_tree(files, draft));
  Status written = [&]() -> Status {
    ASSIGN_OR_RETURN(const std::unique_ptr<File> file, files.open(draft, OpenMode::kCreate));
    TenantFileWriter writer(*file);
    RETURN_IF_ERROR(writer.begin(header));
    std::uint64_t told = 0;
    const auto add = [&](std::string_view key, std::string_view value) {
      if (options.progress && writer.bytes() - told >= kProgressEveryBytes) {
        told = writer.bytes();
        options.progress(told, 0);
      }
      return writer.add(key, value);
    };
    RETURN_IF_ERROR(scan_tenant(impl.state_of(*seen), tenant, add));
    return writer.finish();
  }();
  // Read back: a backup counts only when it was verified.
  Result<VerifiedFile> verified =
      written.ok() ? verify_file(files, draft, {}) : Result<VerifiedFile>(written);
  if (verified) written = files.rename(draft, path);
  if (!verified || !written.ok()) {
    remove_tree(files, draft).ignore("the next backup to this file removes it");
    return verified ? written : verified.error();
  }
  RETURN_IF_ERROR(files.sync_directory(parent_directory(path)));
  return verified->report;
}

Result<TenantBackupReport> verify_tenant_backup(const std::string& file,
                                                const BackupOptions& options) {
  ASSIGN_OR_RETURN(const VerifiedFile verified,
                   verify_file(file_system_of(options, nullptr), file, options));
  return verified.report;
}

Result<TenantRestoreReport> restore_tenant(Store& store, const std::string& path,
                                           std::string_view slug, const BackupOptions& options) {
  auto& impl = static_cast<StoreImpl&>(store);
  FileSystem& files = file_system_of(options, &impl.file_system());
  RETURN_IF_ERROR(check_slug(slug));
  RETURN_IF_ERROR(impl.check_writable());
  ASSIGN_OR_RETURN(const VerifiedFile verified, verify_file(files, path, {}));
  RETURN_IF_ERROR(check_tables(*impl.pipeline().published()->catalog, verified.tables));

  const std::lock_guard one_at_a_time(impl.restore_mutex());
  RETURN_IF_ERROR(erase_leftovers(impl));
  ASSIGN_OR_RETURN(const std::unique_ptr<File> file, files.open(path, OpenMode::kRead));
  TenantRestore restore(impl, verified, slug);
  RETURN_IF_ERROR(restore.run(*file, path, options));
  return TenantRestoreReport{restore.tenant(), verified.report, restore.index_entries()};
}

}  // namespace clinicdb::engine
