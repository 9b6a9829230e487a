// The bounds of FHIR input and of what is under way at once.
#pragma once

#include <cstddef>

namespace clinicdb::clinic::fhir {

/// A document (a bundle, a single resource), unpacked: it is held whole.
constexpr std::size_t kDocumentBytesMax = std::size_t{512} << 20;
/// One line of NDJSON.
constexpr std::size_t kLineBytesMax = std::size_t{64} << 20;
/// How much NDJSON travels through the pipeline in one piece: also the size of a commit.
constexpr std::size_t kChunkBytes = std::size_t{512} << 10;
/// Pieces between the reader and the committer, a worker. Bounds memory.
constexpr std::size_t kChunksInFlightPerThread = 4;
/// Input under way at once; a single larger document still goes through, alone. Bounds memory too.
constexpr std::size_t kBytesInFlightMax = std::size_t{32} << 20;
/// Bundles that wait for others to be imported first and cannot be read again (standard input,
/// NDJSON).
constexpr std::size_t kDeferredBytesMax = std::size_t{64} << 20;
/// Freed times that are offered when the import is done; what is beyond is not offered.
constexpr std::size_t kFreedTimesMax = 65'536;
/// Of them in one commit: each may look at the whole waiting list.
constexpr std::size_t kOffersPerCommit = 16;

}  // namespace clinicdb::clinic::fhir
