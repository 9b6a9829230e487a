// The commit log's manifest: the small file that makes a directory a log. It holds what segments
// cannot, because they come and go: the epoch table (L5) and a truncation that is under way.
//
// It is replaced as a whole: written under a temporary name, synced, renamed, and its directory
// synced.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "clinicdb/base/ids.h"
#include "clinicdb/base/result.h"
#include "clinicdb/engine/file.h"

namespace clinicdb::engine {

inline constexpr std::uint32_t kManifestMagic = 0x314d4c43;  ///< "CLM1"
inline constexpr std::uint16_t kManifestVersion = 1;

/// Epoch -> the first LSN that may carry it, both strictly ascending but for the LSN, which may
/// repeat where an epoch ended without an entry.
using EpochTable = std::vector<std::pair<Epoch, Lsn>>;

/// The epoch that an entry at `lsn` carries. REQUIRES: the table is not empty and begins at or
/// below `lsn`.
Epoch epoch_at(const EpochTable& epochs, Lsn lsn);

struct LogManifest {
  Uuid store_id;
  EpochTable epochs;  ///< never empty
  /// Everything above this LSN is to go: truncation writes it first and clears it last, so that one
  /// cut short by a crash is finished at open and half-zeroed entries are not taken for corruption.
  std::optional<Lsn> truncate_above;
};

std::string encode_manifest(const LogManifest& manifest);
/// kDataLoss, saying why, when the bytes are no valid manifest.
Result<LogManifest> decode_manifest(std::string_view bytes);

/// nullopt when the directory has none.
Result<std::optional<LogManifest>> read_manifest(FileSystem& file_system,
                                                 const std::string& directory);
/// Durable on OK. On an error the old one, or the new one, stands.
Status write_manifest(FileSystem& file_system, const std::string& directory,
                      const LogManifest& manifest);

}  // namespace clinicdb::engine
