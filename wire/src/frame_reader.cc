#include "clinicdb/wire/frame_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "clinicdb/base/check.h"
#include "frame_layout.h"
#include "lz4_payload.h"

namespace clinicdb::wire {

namespace {

/// A decompression buffer larger than this is not kept for the next frame.
constexpr std::size_t kPlainKeepBytes = std::size_t{64} << 10;

/// The blocks that the flags announce, taken off `body`'s front.
Status take_blocks(Frame& frame, std::string_view blocks) {
  const auto take = [&blocks](std::size_t count) {
    const std::string_view taken = blocks.substr(0, count);
    blocks.remove_prefix(taken.size());
    return taken;
  };
  if (frame.has(kFlagRequestId)) {
    const std::string_view id = take(kRequestIdBytes);
    if (id.size() < kRequestIdBytes) return data_loss("a frame's request id is cut short");
    frame.request_id = Uuid::from_bytes(id);
  }
  if (frame.has(kFlagPosition)) {
    const std::string_view at = take(kPositionBytes);
    if (at.size() < kPositionBytes) return data_loss("a frame's position is cut short");
    frame.position =
        SessionToken{load_le64(at.data()), ShardId{load_le64(at.data() + 8)},
                     LogPosition{Epoch{load_le64(at.data() + 16)}, Lsn{load_le64(at.data() + 24)}}};
  }
  if (frame.has(kFlagTags)) {
    const std::string_view count = take(kTagCountBytes);
    if (count.size() < kTagCountBytes) return data_loss("a frame's tags are cut short");
    const std::size_t tags = load_le16(count.data());
    if (tags > kTagsMax)
      return resource_exhausted("a frame names " + std::to_string(tags) + " tags; the limit is " +
                                std::to_string(kTagsMax));
    frame.tags = take(tags * kTagBytes);
    if (frame.tags->size() < tags * kTagBytes) return data_loss("a frame's tags are cut short");
  }
  if (!blocks.empty()) return data_loss("a frame's blocks are longer than its flags say");
  return {};
}

/// What can be said of a header before its body has come.
Status check_header(const char* header) {
  if (load_le32(header) != kFrameMagic) return data_loss("this is not ClinicDB's protocol");
  if (static_cast<std::uint8_t>(header[kAtVersion]) != kFrameVersion) {
    return unimplemented("a frame of version " +
                         std::to_string(static_cast<std::uint8_t>(header[kAtVersion])) +
                         "; this side speaks " + std::to_string(kFrameVersion));
  }
  const auto type = static_cast<std::uint8_t>(header[kAtType]);
  if (type == 0 || type > kFrameTypeMax) {
    return unimplemented("frame type " + std::to_string(type) + " is not known");
  }
  const unsigned unknown =
      load_le16(header + kAtFlags) & ~unsigned{flags_allowed(static_cast<FrameType>(type))};
  if (unknown != 0) {
    return unimplemented("a " + std::string(frame_type_name(static_cast<FrameType>(type))) +
                         " frame with flags that it may not carry: " + std::to_string(unknown));
  }
  return {};
}

}  // namespace

void FrameReader::reserve(std::size_t count) {
  if (capacity_ - end_ >= count) return;
  const std::size_t held = end_ - begin_;
  if (capacity_ < held + count) {
    const std::size_t capacity = std::max(2 * held, held + count);
    std::unique_ptr<char[]> larger(new char[capacity]);
    if (held > 0) std::memcpy(larger.get(), buffer_.get() + begin_, held);
    buffer_ = std::move(larger);
    capacity_ = capacity;
  } else {
    std::memmove(buffer_.get(), buffer_.get() + begin_, held);
  }
  begin_ = 0;
  end_ = held;
}

std::span<char> FrameReader::prepare(std::size_t at_least) {
  if (begin_ == end_) begin_ = end_ = 0;
  // Doubling with what has come, so that a declared length alone takes no memory.
  reserve(std::max(at_least, end_ - begin_));
  return {buffer_.get() + end_, capacity_ - end_};
}

void FrameReader::commit(std::size_t count) {
  CLINICDB_CHECK(count <= capacity_ - end_);
  end_ += count;
}

void FrameReader::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::span<char> room = prepare();
    const std::size_t count = std::min(room.size(), bytes.size());
    std::memcpy(room.data(), bytes.data(), count);
    commit(count);
    bytes.remove_prefix(count);
  }
}

Result<std::optional<Frame>> FrameReader::fail(Status status) {
  failure_ = std::move(status);
  return failure_;
}

Result<std::optional<Frame>> FrameReader::next() {
  if (!failure_.ok()) return failure_;
  const std::size_t held = end_ - begin_;
  // What is wrong from the first byte on is not waited for: a browser's GET ends at once.
  if (held > 0 && held < kFrameHeaderBytes) {
    char magic[4];
    store_le32(magic, kFrameMagic);
    if (std::memcmp(buffer_.get() + begin_, magic, std::min<std::size_t>(held, 4)) != 0) {
      return fail(data_loss("this is not ClinicDB's protocol"));
    }
  }
  if (held < kFrameHeaderBytes) return std::optional<Frame>();
  const char* header = buffer_.get() + begin_;
  if (Status status = check_header(header); !status.ok()) return fail(std::move(status));
  const std::size_t body_bytes = load_le32(header + kAtBodyBytes);
  if (body_bytes > limits_.body_bytes_max) {
    return fail(resource_exhausted("a frame with a body of " + std::to_string(body_bytes) +
                                   " bytes; the limit is " +
                                   std::to_string(limits_.body_bytes_max)));
  }
  if (held - kFrameHeaderBytes < body_bytes) return std::optional<Frame>();
  return read_frame(header, body_bytes);
}

Result<std::optional<Frame>> FrameReader::read_frame(const char* header, std::size_t body_bytes) {
  const char* body = header + kFrameHeaderBytes;
  if (load_le64(header + kAtChecksum) != frame_checksum(header, body, body_bytes)) {
    return fail(data_loss("a frame's checksum does not hold"));
  }
  Result<std::optional<Frame>> result{std::optional<Frame>(std::in_place)};
  Frame& frame = **result;
  frame.type = static_cast<FrameType>(header[kAtType]);
  frame.flags = load_le16(header + kAtFlags);
  frame.id = load_le32(header + kAtId);
  frame.code = load_le16(header + kAtCode);
  frame.deadline_ms = load_le32(header + kAtDeadline);
  frame.trace = load_le64(header + kAtTrace);
  const std::size_t block_bytes = load_le16(header + kAtBlockBytes);
  if (block_bytes > body_bytes) return fail(data_loss("a frame's blocks are longer than its body"));
  if (Status status = take_blocks(frame, {body, block_bytes}); !status.ok()) {
    return fail(std::move(status));
  }
  frame.payload = {body + block_bytes, body_bytes - block_bytes};
  if (frame.has(kFlagCompressed)) {
    if (!limits_.compression) {
      return fail(unimplemented("a compressed frame, and the hello agreed on none"));
    }
    if (Status status = decompress_payload(frame.payload, limits_.body_bytes_max, plain_);
        !status.ok()) {
      return fail(std::move(status));
    }
    frame.payload = plain_;
  }
  begin_ += kFrameHeaderBytes + body_bytes;
  return result;
}

void FrameReader::release() {
  if (plain_.capacity() > kPlainKeepBytes) std::string().swap(plain_);
  if (begin_ != end_) return;
  buffer_.reset();
  capacity_ = begin_ = end_ = 0;
  std::string().swap(plain_);
}

}  // namespace clinicdb::wire
