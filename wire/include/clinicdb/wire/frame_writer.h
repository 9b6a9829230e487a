// FrameWriter: frames in; bytes out, many frames in one buffer, so that many small answers cost one
// system call.
//
//   writer.add(header, payload);
//   writer.add(another, message_bytes);
//   socket.write(writer.pending()); writer.clear();
//
// Confined to one thread at a time.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "clinicdb/wire/frame.h"
#include "clinicdb/wire/limits.h"

namespace clinicdb::wire {

class FrameWriter {
 public:
  FrameWriter() = default;
  FrameWriter(const FrameWriter&) = delete;
  FrameWriter& operator=(const FrameWriter&) = delete;

  /// Payloads of at least so many bytes are compressed, where that makes them smaller. Off until it
  /// is called: both sides must have agreed.
  void compress_from(std::size_t bytes) { compress_bytes_min_ = bytes; }

  /// Appends a frame. Flags with a block are set as the header has one. REQUIRES: tags are at most
  /// kTagsMax.
  void add(const FrameHeader& header, std::string_view payload = {});

  /// The same with the payload written in place: begin gives room for exactly `payload_bytes`,
  /// valid until the next call; seal ends the frame. Nothing else may be called in between.
  std::span<char> begin(const FrameHeader& header, std::size_t payload_bytes);
  void seal();

  /// All frames since the last take or clear.
  std::string_view pending() const { return buffer_; }
  /// Hands the bytes over and keeps `spare`'s memory, emptied, for what comes.
  void take(std::string& spare);
  void clear() { buffer_.clear(); }
  /// Gives memory back if nothing is pending.
  void release();

 private:
  std::string buffer_;
  std::size_t compress_bytes_min_ = std::string::npos;
  std::size_t frame_begin_ = 0;    // of the frame that begin started
  std::size_t payload_begin_ = 0;  // of its payload
  std::string compressed_;
};

}  // namespace clinicdb::wire
