#include "clinicdb/wire/frame_writer.h"

#include <utility>

#include "clinicdb/base/check.h"
#include "frame_layout.h"
#include "lz4_payload.h"

namespace clinicdb::wire {

namespace {

std::size_t block_bytes(const FrameHeader& header) {
  return (header.request_id ? kRequestIdBytes : 0) + (header.position ? kPositionBytes : 0) +
         (header.tags ? kTagCountBytes + header.tags->size() : 0);
}

void put_blocks(char* out, const FrameHeader& header) {
  if (header.request_id) {
    std::memcpy(out, header.request_id->bytes.data(), kRequestIdBytes);
    out += kRequestIdBytes;
  }
  if (header.position) {
    store_le64(out, header.position->placement);
    store_le64(out + 8, header.position->shard.value);
    store_le64(out + 16, header.position->position.epoch.value);
    store_le64(out + 24, header.position->position.lsn.value);
    out += kPositionBytes;
  }
  if (header.tags) {
    store_le16(out, static_cast<std::uint16_t>(header.tags->size() / kTagBytes));
    if (!header.tags->empty()) {
      std::memcpy(out + kTagCountBytes, header.tags->data(), header.tags->size());
    }
  }
}

std::uint16_t all_flags(const FrameHeader& header) {
  unsigned flags = header.flags & ~unsigned{kFlagsWithBlock | kFlagCompressed};
  if (header.request_id) flags |= kFlagRequestId;
  if (header.position) flags |= kFlagPosition;
  if (header.tags) flags |= kFlagTags;
  return static_cast<std::uint16_t>(flags);
}

}  // namespace

std::span<char> FrameWriter::begin(const FrameHeader& header, std::size_t payload_bytes) {
  const std::uint16_t flags = all_flags(header);
  CLINICDB_CHECK((flags & ~flags_allowed(header.type)) == 0);
  CLINICDB_CHECK(!header.tags || header.tags->size() % kTagBytes == 0);
  CLINICDB_CHECK(!header.tags || header.tags->size() <= kTagsMax * kTagBytes);
  CLINICDB_CHECK(payload_bytes <= kBodyBytesMaxEver);
  const std::size_t blocks = block_bytes(header);
  frame_begin_ = buffer_.size();
  payload_begin_ = frame_begin_ + kFrameHeaderBytes + blocks;
  buffer_.resize(payload_begin_ + payload_bytes);

  char* out = buffer_.data() + frame_begin_;
  store_le32(out, kFrameMagic);
  out[kAtVersion] = static_cast<char>(kFrameVersion);
  out[kAtType] = static_cast<char>(header.type);
  store_le16(out + kAtFlags, flags);
  store_le32(out + kAtId, header.id);
  store_le16(out + kAtCode, header.code);
  store_le16(out + kAtBlockBytes, static_cast<std::uint16_t>(blocks));
  store_le32(out + kAtDeadline, header.deadline_ms);
  store_le64(out + kAtTrace, header.trace);
  put_blocks(out + kFrameHeaderBytes, header);
  return {buffer_.data() + payload_begin_, payload_bytes};
}

void FrameWriter::seal() {
  const std::string_view payload = std::string_view(buffer_).substr(payload_begin_);
  char* header = buffer_.data() + frame_begin_;
  const std::uint16_t allowed = flags_allowed(static_cast<FrameType>(header[kAtType]));
  if (payload.size() >= compress_bytes_min_ && (allowed & kFlagCompressed) != 0 &&
      compress_payload(payload, compressed_)) {
    buffer_.replace(payload_begin_, std::string::npos, compressed_);
    header = buffer_.data() + frame_begin_;
    const unsigned flags = load_le16(header + kAtFlags) | unsigned{kFlagCompressed};
    store_le16(header + kAtFlags, static_cast<std::uint16_t>(flags));
  }
  const std::size_t body_bytes = buffer_.size() - frame_begin_ - kFrameHeaderBytes;
  store_le32(header + kAtBodyBytes, static_cast<std::uint32_t>(body_bytes));
  store_le64(header + kAtChecksum, frame_checksum(header, header + kFrameHeaderBytes, body_bytes));
}

void FrameWriter::add(const FrameHeader& header, std::string_view payload) {
  const std::span<char> room = begin(header, payload.size());
  if (!payload.empty()) std::memcpy(room.data(), payload.data(), payload.size());
  seal();
}

void FrameWriter::take(std::string& spare) {
  spare.clear();
  std::swap(buffer_, spare);
}

void FrameWriter::release() {
  if (buffer_.empty()) std::string().swap(buffer_);
  std::string().swap(compressed_);
}

}  // namespace clinicdb::wire
