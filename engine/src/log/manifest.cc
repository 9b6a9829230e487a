#include "log/manifest.h"

#include <xxhash.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <type_traits>

#include "clinicdb/base/bytes.h"
#include "clinicdb/base/check.h"
#include "log/log_limits.h"
#include "log/segment.h"

namespace clinicdb::engine {
namespace {

struct RawManifest {
  std::uint64_t checksum;
  std::uint32_t magic;
  std::uint16_t version;
  std::uint16_t flags;
  char store_id[16];
  std::uint64_t truncate_above_lsn;
  std::uint64_t epoch_count;
};

constexpr std::size_t kManifestChecksumEnd = 8;
constexpr std::size_t kRowBytes = 16;
constexpr std::uint16_t kFlagTruncating = 1;

static_assert(sizeof(RawManifest) == 48);
static_assert(std::has_unique_object_representations_v<RawManifest>, "no hidden padding");
static_assert(offsetof(RawManifest, magic) == 8);
static_assert(offsetof(RawManifest, version) == 12);
static_assert(offsetof(RawManifest, flags) == 14);
static_assert(offsetof(RawManifest, store_id) == 16);
static_assert(offsetof(RawManifest, truncate_above_lsn) == 32);
static_assert(offsetof(RawManifest, epoch_count) == 40);

std::string manifest_path(const std::string& directory) { return directory + "/manifest"; }

}  // namespace

Epoch epoch_at(const EpochTable& epochs, Lsn lsn) {
  CLINICDB_CHECK(!epochs.empty());
  CLINICDB_CHECK(epochs.front().second <= lsn);
  const auto above =
      std::upper_bound(epochs.begin(), epochs.end(), lsn,
                       [](Lsn wanted, const auto& row) { return wanted < row.second; });
  return std::prev(above)->first;
}

std::string encode_manifest(const LogManifest& manifest) {
  RawManifest raw{};
  raw.magic = kManifestMagic;
  raw.version = kManifestVersion;
  raw.flags = manifest.truncate_above ? kFlagTruncating : 0;
  std::memcpy(raw.store_id, manifest.store_id.bytes.data(), sizeof raw.store_id);
  raw.truncate_above_lsn = manifest.truncate_above.value_or(Lsn{}).value;
  raw.epoch_count = manifest.epochs.size();
  std::string bytes(sizeof raw, '\0');
  std::memcpy(bytes.data(), &raw, sizeof raw);
  for (const auto& [epoch, first_lsn] : manifest.epochs) {
    append_le64(bytes, epoch.value);
    append_le64(bytes, first_lsn.value);
  }
  store_le64(bytes.data(),
             XXH3_64bits(bytes.data() + kManifestChecksumEnd, bytes.size() - kManifestChecksumEnd));
  return bytes;
}

Result<LogManifest> decode_manifest(std::string_view bytes) {
  if (bytes.size() < sizeof(RawManifest)) return data_loss("manifest is cut short");
  RawManifest raw;
  std::memcpy(&raw, bytes.data(), sizeof raw);
  if (raw.magic != kManifestMagic) return data_loss("not a commit log manifest");
  if (raw.checksum !=
      XXH3_64bits(bytes.data() + kManifestChecksumEnd, bytes.size() - kManifestChecksumEnd)) {
    return data_loss("manifest's checksum does not match");
  }
  if (raw.version != kManifestVersion || (raw.flags & ~kFlagTruncating) != 0) {
    return data_loss("manifest has version " + std::to_string(raw.version) +
                     ", which this build does not read");
  }
  if (raw.epoch_count == 0 || raw.epoch_count > kEpochRowsMax ||
      bytes.size() != sizeof raw + raw.epoch_count * kRowBytes) {
    return data_loss("manifest's epoch table does not have the declared size");
  }
  LogManifest manifest;
  manifest.store_id = Uuid::from_bytes({raw.store_id, sizeof raw.store_id});
  if ((raw.flags & kFlagTruncating) != 0) manifest.truncate_above = Lsn{raw.truncate_above_lsn};
  for (std::size_t i = 0; i < raw.epoch_count; ++i) {
    const char* row = bytes.data() + sizeof raw + i * kRowBytes;
    const Epoch epoch{load_le64(row)};
    const Lsn first_lsn{load_le64(row + 8)};
    if (!manifest.epochs.empty() &&
        (epoch <= manifest.epochs.back().first || first_lsn < manifest.epochs.back().second)) {
      return data_loss("manifest's epoch table is not in order");
    }
    manifest.epochs.emplace_back(epoch, first_lsn);
  }
  return manifest;
}

Result<std::optional<LogManifest>> read_manifest(FileSystem& file_system,
                                                 const std::string& directory) {
  const std::string path = manifest_path(directory);
  Result<std::unique_ptr<File>> file = file_system.open(path, OpenMode::kRead);
  if (!file) {
    if (file.error().code() == StatusCode::kNotFound) return std::optional<LogManifest>();
    return file.error();
  }
  ASSIGN_OR_RETURN(const std::uint64_t size, (*file)->size());
  if (size > sizeof(RawManifest) + kEpochRowsMax * kRowBytes) {
    return data_loss(path + ": manifest is too large");
  }
  ASSIGN_OR_RETURN(const std::string bytes, read_exactly(**file, path, 0, size));
  Result<LogManifest> manifest = decode_manifest(bytes);
  if (!manifest) return std::move(manifest).error().with_context(path);
  return std::optional<LogManifest>(std::move(*manifest));
}

Status write_manifest(FileSystem& file_system, const std::string& directory,
                      const LogManifest& manifest) {
  const std::string path = manifest_path(directory);
  const std::string temporary = path + ".tmp";
  ASSIGN_OR_RETURN(const bool there, file_system.exists(temporary));
  if (there) RETURN_IF_ERROR(file_system.remove(temporary));
  {
    ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                     file_system.open(temporary, OpenMode::kCreate));
    RETURN_IF_ERROR(file->write_at(0, encode_manifest(manifest)));
    RETURN_IF_ERROR(file->sync());
  }
  RETURN_IF_ERROR(file_system.rename(temporary, path));
  return file_system.sync_directory(directory);
}

}  // namespace clinicdb::engine
