// The file BACKUP: what a backup of a store consists of. Text, so that a person can read it, ending
// in its own checksum. It is written last: a directory either holds a whole backup or none.
//
//   clinicdb backup, format 1
//   store 0190b3c1-...                          of the store it was made of
//   position 3 4711 00f3a2...                   epoch, LSN, hash of the last entry it holds
//   time 1763740800000000                       of that entry, µs
//   epoch 1 1                                   one line an epoch: its number, its first LSN (L5)
//   file 2097152 9f86d081... rocksdb/000012.sst one line a file: bytes, SHA-256, name, ascending by
//   name end e3b0c442...                             SHA-256 of all lines above
//
// docs/format.md, "Backup".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backup/file_tools.h"
#include "clinicdb/base/ids.h"
#include "clinicdb/base/result.h"
#include "log/commit_log.h"
#include "log/manifest.h"

namespace clinicdb::engine {

constexpr std::string_view kBackupManifestName = "BACKUP";

struct BackupManifest {
  struct Entry {
    std::string name;  ///< relative to the backup's directory
    FileSum sum;
  };
  Uuid store_id;
  LogTail tail;       ///< of the last log entry whose changes the files hold
  EpochTable epochs;  ///< never empty
  std::vector<Entry> files;
};

std::string encode_backup_manifest(const BackupManifest& manifest);
/// kDataLoss, naming the line, when it is not one; kUnimplemented for a format of a later program.
/// File names that leave the directory are refused.
Result<BackupManifest> decode_backup_manifest(std::string_view text);

}  // namespace clinicdb::engine
