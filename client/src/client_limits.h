// The bounds of the client library.
#pragma once

#include <cstddef>
#include <cstdint>

namespace clinicdb::client {

/// Calls of one connection in flight, whatever more the server would take. Slots of ids are 16
/// bits.
constexpr std::uint32_t kCallsMax = 4096;
/// Calls of one lane that wait for a connection, or for a place on it.
constexpr std::size_t kWaitingCallsMax = 16384;
/// What one read may bring.
constexpr std::size_t kReadBytes = std::size_t{16} << 10;
/// What of a stream waits to be sent, and what one of its messages may hold.
constexpr std::size_t kStreamWaitingBytesMax = std::size_t{256} << 10;
constexpr std::size_t kStreamMessageBytesMax = std::size_t{8} << 20;
constexpr std::int64_t kNsPerMs = 1'000'000;
/// How often deadlines are looked at.
constexpr std::int64_t kTickNs = 5'000'000;
/// Answers of one type that were let go of and are parsed into again, and how large they were.
constexpr std::size_t kPooledAnswersMax = 8;
constexpr std::size_t kPooledAnswerBytesMax = std::size_t{16} << 10;
/// Times a call is sent at most, the first included.
constexpr int kAttemptsMax = 10;

}  // namespace clinicdb::client
