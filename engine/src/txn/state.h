// State: what a reader or a transaction sees: overlays, newest first, over a view of the store.
// Every key that comes out lies within the bounds that were asked for (C7).
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "clinicdb/base/function_ref.h"
#include "clinicdb/base/result.h"
#include "store/kv.h"
#include "store/limits.h"
#include "txn/overlay.h"

namespace clinicdb::engine {

/// What a transaction read, so that the writer can tell whether it still holds (C5).
class ReadSet {
 public:
  struct Range {
    std::string from;
    std::string to;  ///< first key behind; empty: no bound
  };
  void add_key(std::string_view key) { keys_.emplace_back(key); }
  void add_range(std::string_view from, std::string_view to) {
    ranges_.push_back({std::string(from), std::string(to)});
  }
  std::size_t size() const { return keys_.size() + ranges_.size(); }
  /// True when one of the keys or ranges is touched by `changes`.
  bool touched_by(const Overlay& changes) const;

 private:
  std::vector<std::string> keys_;
  std::vector<Range> ranges_;
};

class State {
 public:
  /// What is committed and not applied, what is prepared, and the group or transaction itself.
  static constexpr std::size_t kOverlaysMax = kUnappliedGroupsMax + 2;

  /// Neither is owned; `reads` may be nullptr.
  explicit State(const KvView& base, ReadSet* reads = nullptr) : base_(&base), reads_(reads) {}
  /// Puts an overlay on top. REQUIRES: fewer than kOverlaysMax.
  void push(const Overlay* overlay);

  /// Calls `found` with the value, or not at all when the key is absent.
  Status get(std::string_view key, FunctionRef<Status(std::string_view value)> found) const;

  /// Visits keys of [lower, upper) in order, or in reverse order, until `visit` returns false. The
  /// range that was really covered goes into the read set.
  Status scan(std::string_view lower, std::string_view upper, bool reverse,
              FunctionRef<bool(std::string_view key, std::string_view value)> visit) const;

 private:
  const KvView* base_;
  ReadSet* reads_;
  std::array<const Overlay*, kOverlaysMax> overlays_{};
  std::size_t overlay_count_ = 0;
};

}  // namespace clinicdb::engine
