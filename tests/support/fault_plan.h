// FaultPlan: which file operation fails, how and for how long. One plan may be shared by several
// file systems (ours and RocksDB's), so that "the 17th write" counts over all of them.
//
//   FaultPlan plan;
//   plan.arm({.kinds = fault_kind(FaultOperation::kSync), .nth = 3, .for_good = true});
//   ... the third sync from here on fails, and every later one ...
//   plan.disarm();
//
// Thread-safe.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

namespace clinicdb::test {

enum class FaultOperation : std::uint8_t {
  kOpen,
  kRead,
  kWrite,
  kSync,
  kSyncDirectory,
  kTruncate,
  kRename,  ///< and hard links
  kRemove,
  kMakeDirectory,
  kList,  ///< and exists, size, free space: whatever only asks
  kLock,
};
inline constexpr std::size_t kFaultOperationCount = 11;

std::string_view fault_operation_name(FaultOperation operation);

/// A set of operations.
using FaultKinds = std::uint32_t;
constexpr FaultKinds fault_kind(FaultOperation operation) {
  return FaultKinds{1} << static_cast<unsigned>(operation);
}
inline constexpr FaultKinds kAllFaultKinds = (FaultKinds{1} << kFaultOperationCount) - 1;

struct Fault {
  FaultKinds kinds = kAllFaultKinds;
  /// Counted from `arm`, among operations of these kinds on these paths. 1 is the next one.
  std::uint64_t nth = 1;
  /// Every matching operation from the nth on fails, not it alone.
  bool for_good = false;
  int errno_value = EIO;
  /// How much of a failing write is done before it fails: this fraction of its bytes.
  double written_fraction = 0;
  /// Only operations whose path contains this; empty: all.
  std::string path_contains = {};
};

class FaultPlan {
 public:
  /// Replaces whatever was armed; counting for it starts here.
  void arm(Fault fault);
  /// Nothing fails from here on. The counters stay.
  void disarm();

  /// Failures handed out since construction.
  std::uint64_t injected() const;
  /// Operations of these kinds seen since construction, failed ones included.
  std::uint64_t operations(FaultKinds kinds = kAllFaultKinds) const;
  /// "sync /db/log/1.log" of the first failure since `arm`; empty when there was none.
  std::string first_failure() const;

  /// Whether `message` names the file of one of the failures since `arm` (of the first thousand).
  bool named_in(std::string_view message) const;

  struct Verdict {
    int errno_value = 0;  ///< 0: let it happen
    double written_fraction = 0;
  };
  /// For file systems: counts one operation and says whether it fails.
  Verdict next(FaultOperation operation, std::string_view path);

 private:
  mutable std::mutex mutex_;
  // guarded by mutex_
  bool armed_ = false;
  Fault fault_;
  std::uint64_t matched_ = 0;
  std::uint64_t injected_ = 0;
  std::uint64_t counts_[kFaultOperationCount] = {};
  std::string first_failure_;
  std::set<std::string, std::less<>> failed_names_;  // without their directories
};

}  // namespace clinicdb::test
