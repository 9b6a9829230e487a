#include "store/identity.h"

#include <vector>

namespace clinicdb::engine {

namespace {

constexpr std::string_view kFirstLine = "clinicdb store, format 1\n";
constexpr std::size_t kIdentityBytesMax = 4096;

std::string identity_path(const std::string& directory) { return directory + "/STORE"; }

}  // namespace

Result<bool> store_exists(FileSystem& files, const std::string& directory) {
  return files.exists(identity_path(directory));
}

Status make_store_directories(FileSystem& files, const std::string& directory) {
  // From the first directory that is missing on, each name has to last in its parent. The last one
  // is always synced: a process that died here may have made it without.
  std::vector<std::string> parents;
  std::string path = directory;
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  for (bool missing = true; missing && path != "/" && path != ".";) {
    const std::size_t slash = path.rfind('/');
    path = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
    parents.push_back(path);
    ASSIGN_OR_RETURN(const bool there, files.exists(path));
    missing = !there;
  }
  RETURN_IF_ERROR(files.create_directories(directory + "/log"));
  RETURN_IF_ERROR(files.create_directories(directory + "/rocksdb"));
  RETURN_IF_ERROR(files.sync_directory(directory));
  for (const std::string& parent : parents) RETURN_IF_ERROR(files.sync_directory(parent));
  return Status();
}

Result<Uuid> read_identity(FileSystem& files, const std::string& directory) {
  const std::string path = identity_path(directory);
  ASSIGN_OR_RETURN(const std::unique_ptr<File> file, files.open(path, OpenMode::kRead));
  std::string text(kIdentityBytesMax, '\0');
  ASSIGN_OR_RETURN(const std::size_t size, file->read_at(0, text.data(), text.size()));
  text.resize(size);
  if (!text.starts_with("clinicdb store, format "))
    return data_loss(path + " is not a ClinicDB store's identity");
  if (!text.starts_with(kFirstLine))
    return unimplemented(path + ": the store has a format of a later program");
  Result<Uuid> id = Uuid::parse(std::string_view(text).substr(kFirstLine.size(), 36));
  if (!id) return data_loss(path + ": " + std::string(id.error().message()));
  return id;
}

Result<Uuid> make_identity(FileSystem& files, const std::string& directory, const Clock& clock,
                           Random& random) {
  const Uuid id = Uuid::v7(clock, random);
  RETURN_IF_ERROR(write_identity(files, directory, id));
  return id;
}

Status write_identity(FileSystem& files, const std::string& directory, const Uuid& id) {
  const std::string path = identity_path(directory);
  const std::string draft = path + ".new";
  ASSIGN_OR_RETURN(const bool leftover, files.exists(draft));
  if (leftover) RETURN_IF_ERROR(files.remove(draft));
  {
    ASSIGN_OR_RETURN(const std::unique_ptr<File> file, files.open(draft, OpenMode::kCreate));
    RETURN_IF_ERROR(file->write_at(0, std::string(kFirstLine) + id.to_string() + "\n"));
    RETURN_IF_ERROR(file->sync());
  }
  RETURN_IF_ERROR(files.rename(draft, path));
  return files.sync_directory(directory);
}

}  // namespace clinicdb::engine
