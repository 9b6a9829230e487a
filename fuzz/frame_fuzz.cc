// Frames: any bytes give frames or a clear end, in any cut the same; and a frame that was read is
// written and read back as it was.
//
// Bytes at random never carry the right checksum, so each input is also tried with its first
// frame's checksum put right.
#include <xxhash.h>

#include <algorithm>
#include <string>

#include "clinicdb/base/bytes.h"
#include "clinicdb/base/check.h"
#include "clinicdb/wire/frame_reader.h"
#include "clinicdb/wire/frame_writer.h"
#include "fuzz_target.h"

namespace clinicdb::fuzz {
namespace {

constexpr wire::FrameLimits kLimits{std::size_t{1} << 20, true};

void reads_back(const wire::Frame& frame) {
  wire::FrameWriter writer;
  writer.compress_from(wire::kCompressBytesMin);
  writer.add(frame, frame.payload);
  wire::FrameReader reader(kLimits);
  reader.feed(writer.pending());
  const Result<std::optional<wire::Frame>> again = reader.next();
  CLINICDB_CHECK(again.has_value());
  CLINICDB_CHECK(again->has_value());
  const wire::Frame& other = **again;
  CLINICDB_CHECK(other.type == frame.type);
  CLINICDB_CHECK((other.flags & ~wire::kFlagCompressed) == (frame.flags & ~wire::kFlagCompressed));
  CLINICDB_CHECK(other.id == frame.id);
  CLINICDB_CHECK(other.code == frame.code);
  CLINICDB_CHECK(other.deadline_ms == frame.deadline_ms);
  CLINICDB_CHECK(other.trace == frame.trace);
  CLINICDB_CHECK(other.request_id == frame.request_id);
  CLINICDB_CHECK(other.position == frame.position);
  CLINICDB_CHECK(other.tags == frame.tags);
  CLINICDB_CHECK(other.payload == frame.payload);
  CLINICDB_CHECK(!reader.in_frame());
}

/// How many frames came before the end or the error, and how it ended.
struct Outcome {
  std::size_t frames = 0;
  StatusCode code = StatusCode::kOk;
  bool operator==(const Outcome&) const = default;
};

Outcome read(std::string_view bytes, std::size_t cut) {
  wire::FrameReader reader(kLimits);
  Outcome outcome;
  while (!bytes.empty() && outcome.code == StatusCode::kOk) {
    reader.feed(bytes.substr(0, cut));
    bytes.remove_prefix(std::min(cut, bytes.size()));
    for (;;) {
      const Result<std::optional<wire::Frame>> frame = reader.next();
      if (!frame) outcome.code = frame.error().code();
      if (!frame || !*frame) break;
      ++outcome.frames;
      reads_back(**frame);
    }
  }
  return outcome;
}

std::string sealed(std::string_view bytes) {
  std::string frame(bytes);
  frame.resize(std::max(frame.size(), wire::kFrameHeaderBytes));
  store_le32(frame.data(), wire::kFrameMagic);
  frame[4] = static_cast<char>(wire::kFrameVersion);
  const std::size_t room = frame.size() - wire::kFrameHeaderBytes;
  const std::size_t body = load_le32(frame.data() + 8) % (room + 1);
  store_le32(frame.data() + 8, static_cast<std::uint32_t>(body));
  store_le64(frame.data() + 32, XXH3_64bits_withSeed(frame.data() + wire::kFrameHeaderBytes, body,
                                                     XXH3_64bits(frame.data(), 32)));
  return frame;
}

void run(std::string_view bytes) {
  const Outcome whole = read(bytes, bytes.size());
  CLINICDB_CHECK(read(bytes, 7) == whole);
}

}  // namespace

void run_one(std::string_view bytes) {
  run(bytes);
  run(sealed(bytes));
}

}  // namespace clinicdb::fuzz
