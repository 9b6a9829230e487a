// FrameReader: bytes in, in any cut; frames out, or the reason why the connection has to end.
//
//   std::span<char> room = reader.prepare();
//   reader.commit(socket.read_some(room));
//   for (;;) {
//     Result<std::optional<Frame>> frame = reader.next();
//     if (!frame) return frame.error();     // say it in an Error with id 0, then close
//     if (!*frame) break;                   // read on
//     handle(**frame);
//   }
//
// It never allocates for what a header merely declares: the buffer grows with the bytes that came.
// It holds at most one frame and what one prepare() offered, and nothing at all while it is empty
// and release() was called, so that idle connections cost little.
//
// Confined to one thread at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "clinicdb/base/result.h"
#include "clinicdb/wire/frame.h"
#include "clinicdb/wire/limits.h"

namespace clinicdb::wire {

/// What a peer may send. The default is for one that nobody knows yet.
struct FrameLimits {
  /// Of a body, as it is sent and after decompression.
  std::size_t body_bytes_max = kFrameBytesMaxBeforeLogin - kFrameHeaderBytes;
  bool compression = false;
};

/// Room for a read when nothing is known of what comes.
constexpr std::size_t kReadBytesDefault = std::size_t{4} << 10;

class FrameReader {
 public:
  explicit FrameReader(FrameLimits limits = {}) : limits_(limits) {}
  FrameReader(const FrameReader&) = delete;
  FrameReader& operator=(const FrameReader&) = delete;

  /// Holds from the next frame on.
  void set_limits(FrameLimits limits) { limits_ = limits; }

  /// Room for bytes to come, `at_least` so many; until the next call of any method. Ends the life
  /// of all views of frames. REQUIRES: at_least > 0.
  std::span<char> prepare(std::size_t at_least = kReadBytesDefault);
  /// So many bytes of it were filled. REQUIRES: count <= what prepare offered.
  void commit(std::size_t count);
  /// prepare, copy and commit, as often as it takes.
  void feed(std::string_view bytes);

  /// The next whole frame; nullopt when more bytes are needed. Views in it live until the next call
  /// of next, prepare or release. kDataLoss: not a frame, or damaged; kResourceExhausted: larger
  /// than the limits; kUnimplemented: of another version or with a flag that is not known. After an
  /// error there is no way to find the next frame: every later call returns the same.
  Result<std::optional<Frame>> next();

  /// Whether part of a frame has come, whose rest is missing.
  bool in_frame() const { return begin_ < end_; }
  /// Gives memory back if no part of a frame is held.
  void release();
  /// What it holds on the heap.
  std::size_t memory_bytes() const { return capacity_ + plain_.capacity(); }

 private:
  Result<std::optional<Frame>> fail(Status status);
  Result<std::optional<Frame>> read_frame(const char* header, std::size_t body_bytes);
  void reserve(std::size_t count);

  FrameLimits limits_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;  // [begin_, end_) was received and not yet given out
  std::size_t end_ = 0;
  std::string plain_;  // the last payload that came compressed
  Status failure_;
};

}  // namespace clinicdb::wire
