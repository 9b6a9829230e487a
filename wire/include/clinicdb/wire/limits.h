// The bounds of the protocol: what either side may be made to hold. docs/protocol.md states them
// for other implementations.
#pragma once

#include <cstddef>
#include <cstdint>

namespace clinicdb::wire {

/// Before login a peer is nobody: its frames are small, plain and few (docs/protocol.md, "Limits").
constexpr std::size_t kFrameBytesMaxBeforeLogin = std::size_t{16} << 10;
/// After login, unless the hello agreed on less.
constexpr std::size_t kBodyBytesMaxDefault = std::size_t{8} << 20;
/// No side may offer more than this.
constexpr std::size_t kBodyBytesMaxEver = std::size_t{64} << 20;

/// Payloads shorter than this are sent as they are: compressing them costs more than it saves.
constexpr std::size_t kCompressBytesMin = std::size_t{4} << 10;
/// LZ4's own bound: no block expands beyond this, so what declares more is a lie.
constexpr std::size_t kCompressionRatioMax = 255;

/// Cache tags that one answer may name; an answer that depends on more is not to be kept.
constexpr std::size_t kTagsMax = 64;

/// Calls of one connection that are in flight; the server's reply may say less.
constexpr std::uint32_t kRequestsMaxDefault = 1024;
/// Bytes of one stream, and of all streams of a connection, that may be under way unasked.
constexpr std::uint32_t kStreamWindowBytes = std::uint32_t{256} << 10;
constexpr std::uint32_t kConnectionWindowBytes = std::uint32_t{1} << 20;
/// Beyond this no window may be opened: credits are added with care for overflow.
constexpr std::uint32_t kWindowBytesMax = std::uint32_t{1} << 30;
/// Streams of one connection that are open.
constexpr std::size_t kStreamsMax = 64;
/// Payload of one StreamData frame: small enough that calls get in between.
constexpr std::size_t kStreamChunkBytesMax = std::size_t{64} << 10;

/// What a hello may carry.
constexpr std::size_t kCredentialBytesMax = std::size_t{8} << 10;
constexpr std::size_t kNameBytesMax = 128;

}  // namespace clinicdb::wire
