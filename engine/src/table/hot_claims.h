// HotClaims: the claims around the times that are booked most, in memory, so that the writer can
// say of most new claims whether they fit without asking RocksDB.
//
// Kept are windows: of one resource, every claim that starts in a stretch of time, and the one
// before. A window is read when a second claim comes into it, and changes with each command that
// the writer has run; what a command that failed would have changed never gets here. What is not
// known here is looked up, so this may forget at any time.
//
// Confined to the writer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "clinicdb/base/clock.h"
#include "clinicdb/engine/table.h"
#include "txn/overlay.h"
#include "txn/state.h"

namespace clinicdb::engine {

class HotClaims {
 public:
  enum class Answer : std::uint8_t {
    kUnknown,  ///< look it up
    kFree,
    kTaken,  ///< another record's claim overlaps it
  };
  /// Whether `entry`, a claim of `record_key` in the index of `prefix` (tenant and generation
  /// included), fits among the claims of others. `state` is what the command sees; its own changes
  /// so far are those of `changes` from `savepoint` on.
  Answer check(const State& state, const Overlay& changes, std::size_t savepoint,
               const std::string& prefix, const IndexEntries::Entry& entry,
               std::string_view record_key);

  /// A command has run: `changes` from `savepoint` on are what it changed.
  void note(const Overlay& changes, std::size_t savepoint);
  /// A range was erased, of which `changes` do not tell.
  void forget();

 private:
  struct Claim {
    Time start;
    Time end;
    std::string record_key;
  };
  struct Window {
    Time from;                  ///< of the claims from here on, until `until`, all are known
    bool whole;                 ///< none starts before `from`
    Time until;                 ///< not included
    std::vector<Claim> claims;  ///< by start
  };
  /// Transparent, so that a view of a key finds it.
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  /// By resource, with its index's prefix in front.
  using Resources = std::unordered_map<std::string, std::vector<Window>, Hash, std::equal_to<>>;
  /// An index that windows are kept of, to tell its entries from other keys.
  struct Index {
    std::string bytes;         ///< of its prefix, behind the tenant
    std::size_t resource_end;  ///< where the resource ends in a key
  };

  std::vector<Window>* find(std::string_view resource);
  bool asked_before(std::string_view resource, std::int64_t bucket);
  const Window* load(const State& state, std::size_t prefix_bytes, std::string_view resource,
                     std::int64_t bucket);
  bool know_index(std::size_t prefix_bytes, std::string_view resource);
  void note_one(std::string_view key, const Overlay::Value& value);
  void note_claim(std::vector<Window>& windows, Time start, std::string_view record_key,
                  const Overlay::Value& value);

  // Two generations: what is asked for moves to the younger; when that is full it becomes the older
  // and what was older is forgotten.
  Resources young_;
  Resources old_;
  std::size_t young_claims_ = 0;
  std::vector<Index> indexes_;
  std::vector<std::uint64_t> asked_;  ///< by hash: what was asked for last and is not kept
};

}  // namespace clinicdb::engine
