// Identifiers as types: a tenant's number cannot be passed where an LSN is meant.
//
// TenantId, ShardId, Epoch and Lsn are ordered 64-bit numbers; Uuid is 16 bytes in network order,
// whose byte order is its sort order. All are values; distinct objects may be used concurrently.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "clinicdb/base/result.h"

namespace clinicdb {

class Clock;
class Random;

template <class Tag>
struct Number {
  std::uint64_t value = 0;
  constexpr auto operator<=>(const Number&) const = default;
};

/// One clinic group. 0 is the store's own key range and never a tenant.
using TenantId = Number<struct TenantTag>;
/// One commit log with its RocksDB instance.
using ShardId = Number<struct ShardTag>;
/// Raised each time a shard's primary changes; orders log entries before the LSN does.
using Epoch = Number<struct EpochTag>;
/// Log sequence number: consecutive in a shard, from 1. 0 means "nothing yet".
using Lsn = Number<struct LsnTag>;

constexpr Lsn next(Lsn lsn) { return Lsn{lsn.value + 1}; }

/// Address of a log entry.
struct LogPosition {
  Epoch epoch;
  Lsn lsn;
  constexpr auto operator<=>(const LogPosition&) const = default;
};

struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  constexpr auto operator<=>(const Uuid&) const = default;
  bool is_nil() const;
  /// The 16 bytes, as they stand in keys. Lives as long as this Uuid.
  std::string_view view() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  /// "0190b3c1-…", 36 characters, lower case.
  std::string to_string() const;

  /// Takes exactly 36 characters with dashes in place, hex in either case. Anything else is
  /// kInvalidArgument.
  static Result<Uuid> parse(std::string_view text);
  /// REQUIRES: bytes.size() == 16.
  static Uuid from_bytes(std::string_view bytes);
  /// RFC 9562 version 7: 48 bits of Unix milliseconds, then 74 random bits. Ids made later sort
  /// later, by the millisecond.
  static Uuid v7(const Clock& clock, Random& random);
  /// Milliseconds since the Unix epoch that a version 7 UUID carries; 0 for another version.
  std::uint64_t v7_milliseconds() const;
};

}  // namespace clinicdb

template <class Tag>
struct std::hash<clinicdb::Number<Tag>> {
  std::size_t operator()(clinicdb::Number<Tag> number) const noexcept {
    return std::hash<std::uint64_t>()(number.value);
  }
};
template <>
struct std::hash<clinicdb::Uuid> {
  std::size_t operator()(const clinicdb::Uuid& uuid) const noexcept;
};
