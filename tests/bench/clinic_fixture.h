// ClinicFixture: a store with one tenant and made-up patients, through the services that every user
// has, and the way to what lies below them.
#pragma once

#include <rocksdb/db.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "clinicdb/base/result.h"
#include "clinicdb/clinic/clinic.h"

namespace clinicdb::bench {

class ClinicFixture {
 public:
  static Result<std::unique_ptr<ClinicFixture>> open(const std::string& directory,
                                                     const engine::StoreOptions& options);

  clinic::Clinic& clinic() { return *clinic_; }
  const clinic::CallContext& context() const { return context_; }
  /// As context(), but the result cache is passed by.
  const clinic::CallContext& uncached() const { return uncached_; }
  TenantId tenant() const { return context_.tenant; }

  /// Registers `count` patients with several callers. Those that were made, with their ids.
  Status add_patients(std::size_t count, std::uint64_t seed);
  std::vector<clinic::Patient>& patients() { return patients_; }

  /// The store's own RocksDB: the same rows, in the same files, behind the same cache.
  rocksdb::DB& rocksdb();
  std::string row_key(const engine::TableDef& table, std::string_view record_key) const;
  /// What the entries of an index begin with.
  std::string index_prefix(const engine::TableDef& table, engine::IndexNumber index);
  /// Writes all to files, and waits until RocksDB has nothing more to do.
  Status settle();

 private:
  ClinicFixture(std::unique_ptr<clinic::Clinic> clinic, TenantId tenant);

  std::unique_ptr<clinic::Clinic> clinic_;
  clinic::CallContext context_;
  clinic::CallContext uncached_;
  std::vector<clinic::Patient> patients_;
  std::unordered_set<std::string> cpfs_;  ///< given
  std::unordered_set<std::string> cnss_;
};

/// Runs `body(index)` on `count` threads at once, from one start signal on, and waits for all.
struct TimedRun {
  Status status;           ///< the first error
  double seconds = 0;      ///< from the start signal to the last one's end
  double cpu_seconds = 0;  ///< of the whole process in that time
};
TimedRun run_on_threads(std::size_t count, const std::function<Status(std::size_t)>& body);

}  // namespace clinicdb::bench
