// NearCache: answers kept in the client, valid by rule K3.
//
// An answer is used only while all of this holds:
//   - the connection it came on still stands (its Source has not ended), so that no news was
//   missed;
//   - what the server had pushed until a moment not longer ago than the staleness bound has come:
//     that moment is when the last Ping was *sent* whose Pong came;
//   - no tag it depends on was marked by a commit after the one it was read at.
// Marks are shared by all connections to one server, so news that one of them brings count for all,
// and a fill that was overtaken by news is dead when it arrives. Marks live in a table of fixed
// size; tags that share a slot share their marks, which can drop an answer too early, never too
// late.
//
// Thread-safe.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "clinicdb/client/call.h"
#include "clinicdb/client/client.h"
#include "clinicdb/wire/frame.h"
#include "clinicdb/wire/messages.h"

namespace clinicdb::client {

/// What one server's pushes said, on whichever connection. Thread-safe.
class Marks {
 public:
  void take(const wire::Push::Invalidation& news);
  /// Whether nothing that was marked after `lsn` touches one of the tags.
  bool untouched(const std::vector<std::uint64_t>& tags, std::uint64_t lsn) const;

 private:
  static constexpr std::size_t kSlots = std::size_t{1} << 14;
  void raise(std::atomic<std::uint64_t>& mark, std::uint64_t lsn);

  std::array<std::atomic<std::uint64_t>, kSlots> slots_{};
};

/// One connection, as answers that came on it see it. Thread-safe.
struct Source {
  std::shared_ptr<Marks> marks;
  std::atomic<std::int64_t> heard_all_until_ns{0};
  std::atomic<bool> ended{false};
  /// Raised when the server says that all that came on it before is stale.
  std::atomic<std::uint32_t> era{0};

  void take(const wire::Push::Invalidation& news);
};

class NearCache {
 public:
  NearCache(std::size_t bytes_max, std::int64_t staleness_ns);
  ~NearCache();

  /// The kept answer, which may say that there is no such record; nullopt when there is none.
  std::optional<Answer> find(std::uint16_t method, std::string_view request, std::int64_t now_ns);
  /// Keeps an answer that came on `source`; `bytes` is what it takes.
  void keep(std::uint16_t method, std::string_view request, Answer answer, std::size_t bytes,
            const std::shared_ptr<Source>& source, std::uint64_t lsn,
            std::vector<std::uint64_t> tags);
  NearCacheStats stats() const;

 private:
  struct Shard;
  static constexpr std::size_t kShards = 16;
  Shard& shard_of(std::size_t hash) const;

  const std::size_t shard_bytes_max_;
  const std::int64_t staleness_ns_;
  const std::unique_ptr<Shard[]> shards_;
};

}  // namespace clinicdb::client
