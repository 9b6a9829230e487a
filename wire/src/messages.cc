#include "clinicdb/wire/messages.h"

#include <algorithm>
#include <string>

#include "clinicdb/base/bytes.h"
#include "clinicdb/base/check.h"

namespace clinicdb::wire {

namespace {

/// An error's text may hold what a user gave; it must not make a frame that is too large.
constexpr std::size_t kErrorTextBytesMax = 4096;

/// At most `bytes_max` of it, not cut inside a character, so that the text stays valid UTF-8.
std::string_view cut(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0u) == 0x80u) --end;
  return text.substr(0, end);
}

StatusCode code_of(std::uint16_t number) {
  const auto last = static_cast<std::uint16_t>(StatusCode::kUnauthenticated);
  return number == 0 || number > last ? StatusCode::kInternal : static_cast<StatusCode>(number);
}

}  // namespace

void add_message(FrameWriter& writer, const FrameHeader& header,
                 const google::protobuf::MessageLite& message) {
  const std::size_t size = message.ByteSizeLong();
  const std::span<char> room = writer.begin(header, size);
  auto* const begin = reinterpret_cast<std::uint8_t*>(room.data());
  const std::uint8_t* const end = message.SerializeWithCachedSizesToArray(begin);
  CLINICDB_CHECK(static_cast<std::size_t>(end - begin) == size);
  writer.seal();
}

std::size_t message_bytes(const google::protobuf::MessageLite& message) {
  return message.ByteSizeLong();
}

Status parse_message(std::string_view payload, std::string_view what,
                     google::protobuf::MessageLite& message) {
  if (payload.size() <= kBodyBytesMaxEver &&
      message.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
    return {};
  }
  return invalid_argument("the " + std::to_string(payload.size()) + " bytes of " +
                          std::string(what) + " are no " + std::string(message.GetTypeName()));
}

void add_error(FrameWriter& writer, std::uint32_t id, std::uint64_t trace, const Status& status,
               std::uint32_t retry_after_ms) {
  CLINICDB_CHECK(!status.ok());
  ErrorBody body;
  body.set_message(std::string(cut(status.message(), kErrorTextBytesMax)));
  body.set_field(std::string(cut(status.field(), kErrorTextBytesMax)));
  body.set_current_version(status.current_version());
  body.set_retry_after_ms(retry_after_ms);
  FrameHeader header;
  header.type = FrameType::kError;
  header.id = id;
  header.code = static_cast<std::uint16_t>(status.code());
  header.trace = trace;
  add_message(writer, header, body);
}

StreamEnd end_of(const Status& why) {
  StreamEnd end;
  if (why.ok()) return end;
  end.set_code(static_cast<std::uint32_t>(why.code()));
  end.set_message(std::string(cut(why.message(), kErrorTextBytesMax)));
  end.set_field(std::string(cut(why.field(), kErrorTextBytesMax)));
  return end;
}

Status status_of(const StreamEnd& end) {
  if (end.code() == 0) return {};
  const auto number = static_cast<std::uint16_t>(std::min<std::uint32_t>(end.code(), UINT16_MAX));
  Status status(code_of(number), end.message());
  return end.field().empty() ? status : std::move(status).with_field(end.field());
}

void append_stream_message(std::string& out, const google::protobuf::MessageLite& message) {
  const std::size_t size = message.ByteSizeLong();
  CLINICDB_CHECK(size <= kBodyBytesMaxEver);
  append_le32(out, static_cast<std::uint32_t>(size));
  const std::size_t begin = out.size();
  out.resize(begin + size);
  message.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(out.data() + begin));
}

void StreamMessages::feed(std::string_view bytes) {
  if (begin_ == held_.size() || begin_ >= kStreamChunkBytesMax) {
    held_.erase(0, begin_);
    begin_ = 0;
  }
  held_.append(bytes);
}

Result<std::optional<std::string_view>> StreamMessages::next() {
  constexpr std::size_t kLengthBytes = 4;
  const std::string_view left = std::string_view(held_).substr(begin_);
  if (left.size() < kLengthBytes) return std::optional<std::string_view>();
  const std::size_t size = load_le32(left.data());
  if (size > bytes_max_) {
    return resource_exhausted("a message of " + std::to_string(size) +
                              " bytes in a stream, where " + std::to_string(bytes_max_) +
                              " are the most");
  }
  if (left.size() < kLengthBytes + size) return std::optional<std::string_view>();
  begin_ += kLengthBytes + size;
  return std::optional<std::string_view>(left.substr(kLengthBytes, size));
}

RemoteError read_error(const Frame& frame) {
  CLINICDB_CHECK(frame.type == FrameType::kError);
  ErrorBody body;
  if (Status status = parse_message(frame.payload, "an error", body); !status.ok()) {
    return {Status(code_of(frame.code), "an error whose text could not be read"), 0};
  }
  Status status(code_of(frame.code), body.message());
  if (!body.field().empty()) status = std::move(status).with_field(body.field());
  if (body.current_version() != 0) {
    status = std::move(status).with_current_version(body.current_version());
  }
  return {std::move(status), body.retry_after_ms()};
}

}  // namespace clinicdb::wire
