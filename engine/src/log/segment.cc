#include "log/segment.h"

#include <xxhash.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <type_traits>
#include <utility>

#include "clinicdb/base/bytes.h"
#include "clinicdb/base/check.h"
#include "log/log_limits.h"

namespace clinicdb::engine {
namespace {

struct RawSegmentHeader {
  std::uint64_t checksum;
  std::uint32_t magic;
  std::uint16_t version;
  std::uint16_t header_bytes;
  char store_id[16];
  std::uint64_t segment_id;
  std::uint64_t first_lsn;
  std::uint64_t previous_epoch;
  std::uint64_t previous_hash;
  std::int64_t previous_time_us;
  std::uint64_t file_bytes;
};

constexpr std::size_t kHeaderChecksumEnd = 8;

static_assert(sizeof(RawSegmentHeader) == 80);
static_assert(std::has_unique_object_representations_v<RawSegmentHeader>, "no hidden padding");
static_assert(offsetof(RawSegmentHeader, magic) == 8);
static_assert(offsetof(RawSegmentHeader, version) == 12);
static_assert(offsetof(RawSegmentHeader, header_bytes) == 14);
static_assert(offsetof(RawSegmentHeader, store_id) == 16);
static_assert(offsetof(RawSegmentHeader, segment_id) == 32);
static_assert(offsetof(RawSegmentHeader, first_lsn) == 40);
static_assert(offsetof(RawSegmentHeader, previous_epoch) == 48);
static_assert(offsetof(RawSegmentHeader, previous_hash) == 56);
static_assert(offsetof(RawSegmentHeader, previous_time_us) == 64);
static_assert(offsetof(RawSegmentHeader, file_bytes) == 72);

constexpr std::string_view kSegmentSuffix = ".log";
constexpr std::size_t kSegmentIdDigits = 16;

const std::string& zero_chunk() {
  static const std::string zeros(kZeroChunkBytes, '\0');
  return zeros;
}

}  // namespace

std::string encode_segment_header(const SegmentHeader& header) {
  CLINICDB_CHECK(header.first_lsn == next(header.previous.lsn));
  RawSegmentHeader raw{};
  raw.magic = kSegmentMagic;
  raw.version = kSegmentVersion;
  raw.header_bytes = kSegmentHeaderBytes;
  std::memcpy(raw.store_id, header.store_id.bytes.data(), sizeof raw.store_id);
  raw.segment_id = header.segment_id;
  raw.first_lsn = header.first_lsn.value;
  raw.previous_epoch = header.previous.epoch.value;
  raw.previous_hash = header.previous_hash;
  raw.previous_time_us = header.previous_time.us;
  raw.file_bytes = header.file_bytes;
  std::string bytes(kSegmentHeaderBytes, '\0');
  std::memcpy(bytes.data(), &raw, sizeof raw);
  store_le64(bytes.data(),
             XXH3_64bits(bytes.data() + kHeaderChecksumEnd, bytes.size() - kHeaderChecksumEnd));
  return bytes;
}

Result<SegmentHeader> decode_segment_header(std::string_view bytes) {
  if (bytes.size() < kSegmentHeaderBytes) return data_loss("segment header is cut short");
  RawSegmentHeader raw;
  std::memcpy(&raw, bytes.data(), sizeof raw);
  if (raw.magic != kSegmentMagic) return data_loss("not a commit log segment");
  if (raw.checksum !=
      XXH3_64bits(bytes.data() + kHeaderChecksumEnd, kSegmentHeaderBytes - kHeaderChecksumEnd)) {
    return data_loss("segment header's checksum does not match");
  }
  if (raw.version != kSegmentVersion || raw.header_bytes != kSegmentHeaderBytes) {
    return data_loss("segment has version " + std::to_string(raw.version) +
                     ", which this build does not read");
  }
  if (raw.first_lsn == 0) return data_loss("segment header names no first LSN");
  SegmentHeader header;
  header.store_id = Uuid::from_bytes({raw.store_id, sizeof raw.store_id});
  header.segment_id = raw.segment_id;
  header.first_lsn = Lsn{raw.first_lsn};
  header.previous = {Epoch{raw.previous_epoch}, Lsn{raw.first_lsn - 1}};
  header.previous_hash = raw.previous_hash;
  header.previous_time = Time{raw.previous_time_us};
  header.file_bytes = raw.file_bytes;
  return header;
}

std::string segment_file_name(std::uint64_t segment_id) {
  char big_endian[8];
  store_be64(big_endian, segment_id);
  return to_hex({big_endian, sizeof big_endian}).append(kSegmentSuffix);
}

std::optional<std::uint64_t> parse_segment_file_name(std::string_view name) {
  if (name.size() != kSegmentIdDigits + kSegmentSuffix.size() || !name.ends_with(kSegmentSuffix)) {
    return std::nullopt;
  }
  std::uint64_t id = 0;
  for (const char c : name.substr(0, kSegmentIdDigits)) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (c < 'a' || c > 'f')) return std::nullopt;
    id = id << 4 | static_cast<std::uint64_t>(digit ? c - '0' : c - 'a' + 10);
  }
  return id;
}

Result<std::unique_ptr<File>> create_zeroed(FileSystem& file_system, const std::string& path,
                                            std::uint64_t bytes) {
  ASSIGN_OR_RETURN(const bool there, file_system.exists(path));
  if (there) RETURN_IF_ERROR(file_system.remove(path));
  ASSIGN_OR_RETURN(std::unique_ptr<File> file, file_system.open(path, OpenMode::kCreate));
  Status status;
  for (std::uint64_t done = 0; done < bytes && status.ok(); done += kZeroChunkBytes) {
    const std::size_t size = std::min<std::uint64_t>(kZeroChunkBytes, bytes - done);
    status = file->write_at(done, std::string_view(zero_chunk()).substr(0, size));
  }
  if (status.ok()) status = file->sync();
  if (status.ok()) return file;
  file.reset();
  file_system.remove(path).ignore("the error that matters is the one that led here");
  return status;
}

Status write_zeros(File& file, std::uint64_t from, std::uint64_t to) {
  if (from >= to) return {};
  for (std::uint64_t offset = from; offset < to; offset += kZeroChunkBytes) {
    const std::size_t size = std::min<std::uint64_t>(kZeroChunkBytes, to - offset);
    RETURN_IF_ERROR(file.write_at(offset, std::string_view(zero_chunk()).substr(0, size)));
  }
  return file.sync();
}

Status zero_range(File& file, std::uint64_t from, std::uint64_t to) {
  if (from >= to) return {};
  std::string buffer(std::min<std::uint64_t>(kZeroChunkBytes, to - from), '\0');
  bool wrote = false;
  for (std::uint64_t offset = from; offset < to;) {
    const std::size_t size = std::min<std::uint64_t>(buffer.size(), to - offset);
    ASSIGN_OR_RETURN(const std::size_t got, file.read_at(offset, buffer.data(), size));
    if (got != size || std::memcmp(buffer.data(), zero_chunk().data(), size) != 0) {
      RETURN_IF_ERROR(file.write_at(offset, std::string_view(zero_chunk()).substr(0, size)));
      wrote = true;
    }
    offset += size;
  }
  return wrote ? file.sync() : Status();
}

Result<std::string> read_exactly(const File& file, const std::string& path, std::uint64_t offset,
                                 std::size_t size) {
  std::string bytes(size, '\0');
  ASSIGN_OR_RETURN(const std::size_t got, file.read_at(offset, bytes.data(), size));
  if (got != size) {
    return data_loss(path + ": the file ends at offset " + std::to_string(offset + got) + ", but " +
                     std::to_string(size) + " bytes belong at offset " + std::to_string(offset));
  }
  return bytes;
}

Status rewrite_range(File& file, const std::string& path, std::uint64_t from, std::uint64_t to) {
  if (from >= to) return {};
  for (std::uint64_t offset = from; offset < to; offset += kZeroChunkBytes) {
    const std::size_t size = std::min<std::uint64_t>(kZeroChunkBytes, to - offset);
    ASSIGN_OR_RETURN(const std::string bytes, read_exactly(file, path, offset, size));
    RETURN_IF_ERROR(file.write_at(offset, bytes));
  }
  return file.sync();
}

}  // namespace clinicdb::engine
