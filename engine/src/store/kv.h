// KvStore: an ordered map of byte strings; what the engine needs of RocksDB, and nothing more. The
// simulation puts an ordered map behind it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "clinicdb/base/function_ref.h"
#include "clinicdb/base/ids.h"
#include "clinicdb/base/result.h"

namespace clinicdb::engine {

/// Walks keys in [lower, upper) in one direction. Confined to one thread. Views live until the next
/// move.
class KvIterator {
 public:
  virtual ~KvIterator() = default;
  /// Forward: the first key >= `key`. Reverse: the last key < `key` (empty: the last of all).
  virtual void seek(std::string_view key) = 0;
  /// The next key in the iterator's direction. REQUIRES: valid().
  virtual void step() = 0;
  virtual bool valid() const = 0;
  virtual std::string_view key() const = 0;
  virtual std::string_view value() const = 0;
  /// Why it is not valid: OK at the end of the range. Every loop ends with it (C8).
  virtual Status status() const = 0;
};

/// A state of the store. Thread-safe.
class KvView {
 public:
  virtual ~KvView() = default;
  /// Calls `found` with the value, or not at all when the key is absent.
  virtual Status get(std::string_view key,
                     FunctionRef<Status(std::string_view value)> found) const = 0;
  /// `upper` empty: no bound above.
  virtual std::unique_ptr<KvIterator> iterate(std::string_view lower, std::string_view upper,
                                              bool reverse) const = 0;
};

/// What RocksDB contains: the last entry whose changes are in it.
struct AppliedMark {
  LogPosition position;
  std::uint64_t hash = 0;
};
std::string encode_applied(const AppliedMark& mark);
Result<AppliedMark> decode_applied(std::string_view value);

class KvStore {
 public:
  virtual ~KvStore() = default;
  /// The current state, moving on with each `apply`.
  virtual const KvView& latest() const = 0;
  /// The state as of now, held until released.
  virtual std::shared_ptr<const KvView> snapshot() = 0;
  /// Applies operations (txn/operations.h) and the mark, atomically.
  virtual Status apply(std::string_view operations, std::uint32_t count,
                       const AppliedMark& mark) = 0;
  virtual Result<AppliedMark> applied() const = 0;
  /// The mark as far as it is durable (L6).
  virtual Result<AppliedMark> flushed() const = 0;
  virtual Status flush(bool wait) = 0;
  /// Reclaims the space of a range that was erased.
  virtual Status compact(std::string_view lower, std::string_view upper) = 0;
  /// Makes a copy of the flushed state in `directory`, which must not exist (L6: flushes first).
  virtual Status checkpoint(const std::string& directory) = 0;
  /// A background error, once there was one; OK until then.
  virtual Status health() const = 0;
  virtual std::uint64_t property(std::string_view name) const = 0;
  virtual void close() = 0;
};

}  // namespace clinicdb::engine
