#include "support/simulated_file_system.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>

#include "clinicdb/base/check.h"
#include "clinicdb/base/status.h"

namespace clinicdb::test {

namespace {

constexpr std::uint64_t kSectorBytes = 512;
/// How many overwritten versions of a sector are remembered between two syncs; the oldest go first.
constexpr std::size_t kSectorVersionsMax = 4;

std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> parts;
  std::size_t at = 0;
  while (at < path.size()) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string part = path.substr(at, end - at);
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
    } else if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
    at = end + 1;
  }
  return parts;
}

std::string canonical(const std::string& path) {
  std::string out;
  for (const std::string& part : split(path)) out += "/" + part;
  return out.empty() ? "/" : out;
}

}  // namespace

struct SimulatedFileSystem::Inode {
  /// The names that one operation sets in a directory, together; nullptr removes a name.
  using Change = std::vector<std::pair<std::string, std::shared_ptr<Inode>>>;
  using Names = std::map<std::string, std::shared_ptr<Inode>>;

  Inode(bool is_directory, std::shared_ptr<std::uint64_t> used)
      : directory(is_directory), used_bytes(std::move(used)) {}
  ~Inode() { *used_bytes -= content.size(); }
  Inode(const Inode&) = delete;
  Inode& operator=(const Inode&) = delete;

  void resize(std::uint64_t size) {
    *used_bytes += size;
    *used_bytes -= content.size();
    content.resize(size);
  }

  /// Remembers what the sectors of [from, to) held, before they change.
  void touch(std::uint64_t from, std::uint64_t to) {
    for (std::uint64_t sector = from / kSectorBytes; sector * kSectorBytes < to; ++sector) {
      auto [place, clean] = dirty.try_emplace(sector);
      if (clean) continue;  // What it holds is the durable version, which is kept anyway.
      std::vector<std::string>& versions = place->second;
      if (versions.size() == kSectorVersionsMax) versions.erase(versions.begin());
      const std::uint64_t start = sector * kSectorBytes;
      versions.push_back(start < content.size() ? content.substr(start, kSectorBytes) : "");
    }
  }

  void make_sector_durable(std::uint64_t sector) {
    const std::uint64_t start = sector * kSectorBytes;
    if (start >= content.size()) return;
    // The durable size is the caller's business.
    const std::uint64_t end = std::min<std::uint64_t>(start + kSectorBytes, durable.size());
    if (start < end) durable.replace(start, end - start, content, start, end - start);
  }

  void sync() {
    durable.resize(content.size());
    for (const auto& [sector, versions] : dirty) make_sector_durable(sector);
    dirty.clear();
    growth_lost = false;
  }

  /// The kernel wrote some pages, failed, and marks all of them clean: what was lost stays lost,
  /// and no later sync will bring it back, although it says OK (L7).
  void fail_sync() {
    const std::size_t before = durable.size();
    const bool grew = content.size() > before;
    const bool in_order = appends_in_order && grew;
    durable.resize(in_order ? before + (content.size() - before) / 2 : content.size());
    std::size_t left = dirty.size() / 2;
    for (const auto& [sector, versions] : dirty) {
      if (!in_order && left-- == 0) break;
      make_sector_durable(sector);
    }
    dirty.clear();
    growth_lost = in_order;
  }

  /// `choose(n)` is uniform in [0, n), or always 0 to lose everything.
  template <class Choose>
  void crash_file(Choose& choose) {
    const std::uint64_t before = content.size();
    const std::uint64_t mode = choose(4);  // 0: all lost, 1: all kept, else a subset
    std::uint64_t size = durable.size();
    if (mode == 1) size = before;
    if (mode > 1) {
      const std::uint64_t pick = choose(3);
      if (pick == 1) size = before;
      if (pick == 2 && before > size) size += choose(before - size + 1);
    }
    std::string after = durable;
    after.resize(size);
    for (const auto& [sector, versions] : dirty) {
      const std::uint64_t start = sector * kSectorBytes;
      if (mode == 0 || start >= size) continue;
      const std::uint64_t pick = mode == 1 ? 1 : choose(2 + versions.size());
      if (pick == 0) continue;  // lost
      const std::string kept = pick == 1
                                   ? (start < before ? content.substr(start, kSectorBytes) : "")
                                   : versions[pick - 2];
      const std::size_t bytes = std::min<std::uint64_t>(kept.size(), size - start);
      after.replace(start, bytes, kept, 0, bytes);
    }
    if (growth_lost) {
      after.resize(std::min<std::uint64_t>(size, durable.size()));
      size = after.size();
    } else if (appends_in_order && size > durable.size()) {
      after.replace(durable.size(), std::string::npos, content, durable.size(),
                    size - durable.size());
    }
    resize(size);
    content = after;
    durable = std::move(after);
    dirty.clear();
  }

  template <class Choose>
  void crash_directory(Choose& choose) {
    const std::uint64_t mode = choose(4);
    std::uint64_t kept = 0;
    if (mode == 1) kept = pending.size();
    if (mode > 1) kept = choose(pending.size() + 1);
    for (std::uint64_t i = 0; i < kept; ++i) apply(pending[i], durable_names);
    pending.clear();
    names = durable_names;
  }

  static void apply(const Change& change, Names& names) {
    for (const auto& [name, inode] : change) {
      if (inode != nullptr) {
        names[name] = inode;
      } else {
        names.erase(name);
      }
    }
  }

  const bool directory;
  const std::shared_ptr<std::uint64_t> used_bytes;
  // files
  bool appends_in_order = false;
  bool growth_lost =
      false;  ///< what is beyond the durable size is gone, unless a later sync makes it a hole
  std::string content;
  std::string durable;
  /// Sectors changed since the last sync -> the versions they had in between, without the first and
  /// the last.
  std::map<std::uint64_t, std::vector<std::string>> dirty;
  // directories
  Names names;
  Names durable_names;
  std::vector<Change> pending;
};

/// A name in a directory that exists; `inode` is nullptr where nothing has that name.
struct SimulatedFileSystem::Place {
  Inode* directory = nullptr;
  std::string name;
  std::shared_ptr<Inode> inode;
};

class SimulatedFileSystem::SimulatedFile final : public engine::File {
 public:
  SimulatedFile(SimulatedFileSystem& system, std::string path, std::shared_ptr<Inode> inode,
                bool writable)
      : system_(system),
        path_(std::move(path)),
        writable_(writable),
        generation_(system.generation_),
        inode_(std::move(inode)) {}
  ~SimulatedFile() override {
    std::lock_guard lock(system_.mutex_);
    inode_.reset();  // Its bytes are counted under the lock.
  }

  Status write_at(std::uint64_t offset, std::string_view data) override {
    std::lock_guard lock(system_.mutex_);
    RETURN_IF_ERROR(alive("write"));
    if (!writable_) return status_from_errno(EBADF, "write", path_);
    return system_.write(*inode_, offset, data, path_);
  }

  Result<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t size) const override {
    std::lock_guard lock(system_.mutex_);
    RETURN_IF_ERROR(alive("read"));
    RETURN_IF_ERROR(system_.check(FaultOperation::kRead, path_));
    if (offset >= inode_->content.size()) return std::size_t{0};
    return inode_->content.copy(out, size, offset);
  }

  Status sync() override {
    std::lock_guard lock(system_.mutex_);
    RETURN_IF_ERROR(alive("sync"));
    if (Status failed = system_.check(FaultOperation::kSync, path_); !failed.ok()) {
      inode_->fail_sync();
      return failed;
    }
    if (!system_.lies_about(path_)) inode_->sync();
    return Status();
  }

  Status truncate(std::uint64_t size) override {
    std::lock_guard lock(system_.mutex_);
    RETURN_IF_ERROR(alive("truncate"));
    RETURN_IF_ERROR(system_.check(FaultOperation::kTruncate, path_));
    const std::uint64_t before = inode_->content.size();
    inode_->touch(std::min(before, size), std::max(before, size));
    inode_->resize(size);
    return Status();
  }

  Result<std::uint64_t> size() const override {
    std::lock_guard lock(system_.mutex_);
    RETURN_IF_ERROR(alive("size of"));
    RETURN_IF_ERROR(system_.check(FaultOperation::kList, path_));
    return std::uint64_t{inode_->content.size()};
  }

 private:
  Status alive(const char* operation) const {
    if (generation_ != system_.generation_) {
      return unavailable(std::string(operation) + " " + path_ +
                         ": the file was opened before the simulated machine crashed");
    }
    return system_.admit(operation, path_);
  }

  SimulatedFileSystem& system_;
  const std::string path_;
  const bool writable_;
  const std::uint64_t generation_;
  std::shared_ptr<Inode> inode_;
};

class SimulatedFileSystem::SimulatedLock final : public engine::DirectoryLock {
 public:
  SimulatedLock(SimulatedFileSystem& system, std::string path, std::uint64_t number)
      : system_(system), path_(std::move(path)), number_(number) {}
  ~SimulatedLock() override {
    std::lock_guard lock(system_.mutex_);
    const auto held = system_.locks_.find(path_);
    if (held != system_.locks_.end() && held->second == number_) system_.locks_.erase(held);
  }

 private:
  SimulatedFileSystem& system_;
  const std::string path_;
  const std::uint64_t number_;
};

SimulatedFileSystem::SimulatedFileSystem(FaultPlan* plan)
    : own_plan_(plan == nullptr ? std::make_unique<FaultPlan>() : nullptr),
      plan_(plan == nullptr ? own_plan_.get() : plan),
      used_bytes_(std::make_shared<std::uint64_t>(0)),
      root_(std::make_shared<Inode>(true, used_bytes_)) {}

SimulatedFileSystem::~SimulatedFileSystem() = default;

Status SimulatedFileSystem::admit(const char* operation, const std::string& path) const {
  if (powered_) return Status();
  return unavailable(std::string(operation) + " " + path +
                     ": the simulated machine is switched off");
}

/// Called with mutex_ held: power first, then the plan.
Status SimulatedFileSystem::check(FaultOperation operation, const std::string& path) {
  const std::string name(fault_operation_name(operation));
  RETURN_IF_ERROR(admit(name.c_str(), path));
  const FaultPlan::Verdict verdict = plan_->next(operation, path);
  return verdict.errno_value == 0 ? Status() : status_from_errno(verdict.errno_value, name, path);
}

SimulatedFileSystem::Inode* SimulatedFileSystem::walk(const std::vector<std::string>& parts,
                                                      std::size_t count) const {
  Inode* at = root_.get();
  for (std::size_t i = 0; i < count; ++i) {
    if (!at->directory) return nullptr;
    const auto found = at->names.find(parts[i]);
    if (found == at->names.end()) return nullptr;
    at = found->second.get();
  }
  return at;
}

Result<SimulatedFileSystem::Place> SimulatedFileSystem::locate(const char* operation,
                                                               const std::string& path) const {
  const std::vector<std::string> parts = split(path);
  if (parts.empty()) return status_from_errno(EINVAL, operation, path);
  Inode* directory = walk(parts, parts.size() - 1);
  if (directory == nullptr) return status_from_errno(ENOENT, operation, path);
  if (!directory->directory) return status_from_errno(ENOTDIR, operation, path);
  const auto found = directory->names.find(parts.back());
  return Place{directory, parts.back(), found == directory->names.end() ? nullptr : found->second};
}

void SimulatedFileSystem::change(Inode& directory,
                                 std::vector<std::pair<std::string, std::shared_ptr<Inode>>> sets) {
  Inode::apply(sets, directory.names);
  directory.pending.push_back(std::move(sets));
}

bool SimulatedFileSystem::lies_about(const std::string& path) const {
  return lying_ && path.find(lie_path_contains_) != std::string::npos;
}

Result<std::unique_ptr<engine::File>> SimulatedFileSystem::open(const std::string& path,
                                                                engine::OpenMode mode) {
  std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(check(FaultOperation::kOpen, path));
  ASSIGN_OR_RETURN(Place place, locate("open", path));
  if (mode == engine::OpenMode::kCreate) {
    if (place.inode != nullptr) return status_from_errno(EEXIST, "open", path);
    place.inode = std::make_shared<Inode>(false, used_bytes_);
    change(*place.directory, {{place.name, place.inode}});
  }
  if (place.inode == nullptr) return status_from_errno(ENOENT, "open", path);
  if (place.inode->directory) return status_from_errno(EISDIR, "open", path);
  return std::unique_ptr<engine::File>(std::make_unique<SimulatedFile>(
      *this, canonical(path), std::move(place.inode), mode != engine::OpenMode::kRead));
}

Status SimulatedFileSystem::write(Inode& inode, std::uint64_t offset, std::string_view data,
                                  const std::string& path) {
  const FaultPlan::Verdict verdict = plan_->next(FaultOperation::kWrite, path);
  Status outcome;
  if (verdict.errno_value != 0) {
    outcome = status_from_errno(verdict.errno_value, "write", path);
    data = data.substr(
        0, static_cast<std::size_t>(static_cast<double>(data.size()) * verdict.written_fraction));
  }
  const std::uint64_t before = inode.content.size();
  const std::uint64_t free = capacity_ > *used_bytes_ ? capacity_ - *used_bytes_ : 0;
  if (offset + data.size() > before && offset + data.size() - before > free) {
    outcome = status_from_errno(ENOSPC, "write", path);
    data = before + free > offset ? data.substr(0, before + free - offset) : std::string_view();
  }
  if (data.empty()) return outcome;
  const std::uint64_t end = offset + data.size();
  inode.touch(std::min(offset, before), end);
  if (end > before) inode.resize(end);
  inode.content.replace(offset, data.size(), data);
  return outcome;
}

Status SimulatedFileSystem::create_directories(const std::string& path) {
  std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(check(FaultOperation::kMakeDirectory, path));
  Inode* at = root_.get();
  for (const std::string& part : split(path)) {
    const auto found = at->names.find(part);
    if (found == at->names.end()) {
      change(*at, {{part, std::make_shared<Inode>(true, used_bytes_)}});
    } else if (!found->second->directory) {
      return status_from_errno(ENOTDIR, "make directory", path);
    }
    at = at->names.find(part)->second.get();
  }
  return Status();
}

Result<std::vector<std::string>> SimulatedFileSystem::list(const std::string& directory) {
  std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(check(FaultOperation::kList, directory));
  const std::vector<std::string> parts = split(directory);
  const Inode* inode = walk(parts, parts.size());
  if (inode == nullptr) return status_from_errno(ENOENT, "list", directory);
  if (!inode->directory) return status_from_errno(ENOTDIR, "list", directory);
  std::vector<std::string> names;
  for (const auto& [name, child] : inode->names) names.push_back(name);
  return names;
}

Result<bool> SimulatedFileSystem::exists(const std::string& path) {
  std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(check(FaultOperation::kList, path));
  const std::vector<std::string> parts = split(path);
  return walk(parts, parts.size()) != nullptr;
}

Result<bool> SimulatedFileSystem::is_directory(const std::string& path) {
  std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(check(FaultOperation::kList, path));
  const std::vector<std::string> parts = split(path);
  const Inode* inode = walk(parts, parts.size());
  if (inode == nullptr) return status_from_errno(ENOENT, "look at", path);
  return inode->directory;
}

Result<std::uint64_t> SimulatedFileSystem::file_size(const std::string& path) {
  std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(check(FaultOperation::kList, path));
  const std::vector<std::string> parts = split(path);
  const Inode* inode = walk(parts, parts.size());
  if (inode == nullptr) return status_from_errno(ENOENT, "size of", path);
  return std::uint64_t{inode->content.size()};
}

Status SimulatedFileSystem::keep_appends_in_order(const std::string& path) {
  std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(admit("look at", path));
  const std::vector<std::string> parts = split(path);
  Inode* inode = walk(parts, parts.size());
  if (inode == nullptr) return status_from_errno(ENOENT, "look at", path);
  inode->appends_in_order = true;
  return Status();
}

Status SimulatedFileSystem::remove(const std::string& path) {
  std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(check(FaultOperation::kRemove, path));
  ASSIGN_OR_RETURN(const Place place, locate("remove", path));
  if (place.inode == nullptr) return status_from_errno(ENOENT, "remove", path);
  if (place.inode->directory && !place.inode->names.empty()) {
    return status_from_errno(ENOTEMPTY, "remove", path);
  }
  change(*place.directory, {{place.name, nullptr}});
  return Status();
}

Status SimulatedFileSystem::rename(const std::string& from, const std::string& to) {
  std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(check(FaultOperation::kRename, from));
  ASSIGN_OR_RETURN(const Place source, locate("rename", from));
  ASSIGN_OR_RETURN(const Place target, locate("rename", to));
  if (source.inode == nullptr) return status_from_errno(ENOENT, "rename", from);
  if (source.inode == target.inode) return Status();
  if (target.inode != nullptr && target.inode->directory && !target.inode->names.empty()) {
    return status_from_errno(ENOTEMPTY, "rename", to);
  }
  if (source.directory == target.directory) {
    change(*source.directory, {{target.name, source.inode}, {source.name, nullptr}});
  } else {
    change(*target.directory, {{target.name, source.inode}});
    change(*source.directory, {{source.name, nullptr}});
  }
  return Status();
}

Status SimulatedFileSystem::link(const std::string& from, const std::string& to) {
  std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(check(FaultOperation::kRename, from));
  ASSIGN_OR_RETURN(const Place source, locate("link", from));
  ASSIGN_OR_RETURN(const Place target, locate("link", to));
  if (source.inode == nullptr) return status_from_errno(ENOENT, "link", from);
  if (target.inode != nullptr) return status_from_errno(EEXIST, "link", to);
  change(*target.directory, {{target.name, source.inode}});
  return Status();
}

Status SimulatedFileSystem::sync_directory(const std::string& path) {
  std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(check(FaultOperation::kSyncDirectory, path));
  const std::vector<std::string> parts = split(path);
  Inode* inode = walk(parts, parts.size());
  if (inode == nullptr) return status_from_errno(ENOENT, "sync directory", path);
  if (!inode->directory) return status_from_errno(ENOTDIR, "sync directory", path);
  if (lies_about(canonical(path))) return Status();
  inode->durable_names = inode->names;
  inode->pending.clear();
  return Status();
}

Result<std::uint64_t> SimulatedFileSystem::free_bytes(const std::string& path) {
  std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(check(FaultOperation::kList, path));
  // Without a capacity: as much as fits a 64-bit signed number, so that sums of it do not wrap.
  const std::uint64_t capacity = std::min(capacity_, std::uint64_t{1} << 62);
  return capacity > *used_bytes_ ? capacity - *used_bytes_ : std::uint64_t{0};
}

Result<std::unique_ptr<engine::DirectoryLock>> SimulatedFileSystem::lock(const std::string& path) {
  std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(check(FaultOperation::kLock, path));
  ASSIGN_OR_RETURN(Place place, locate("lock", path));
  if (locks_.contains(canonical(path))) {
    return failed_precondition(path + ": in use by pid " + std::to_string(getpid()));
  }
  if (place.inode == nullptr) {
    place.inode = std::make_shared<Inode>(false, used_bytes_);
    change(*place.directory, {{place.name, place.inode}});
  }
  const std::string pid = std::to_string(getpid()) + "\n";
  place.inode->touch(0, std::max<std::uint64_t>(place.inode->content.size(), pid.size()));
  place.inode->resize(pid.size());
  place.inode->content = pid;
  const std::uint64_t number = next_lock_++;
  locks_[canonical(path)] = number;
  return std::unique_ptr<engine::DirectoryLock>(
      std::make_unique<SimulatedLock>(*this, canonical(path), number));
}

template <class Choose>
void SimulatedFileSystem::crash_with(Choose&& choose) {
  std::lock_guard lock(mutex_);
  ++generation_;
  powered_ = true;
  locks_.clear();
  std::set<const Inode*> done;
  std::vector<Inode*> waiting = {root_.get()};
  while (!waiting.empty()) {
    Inode* inode = waiting.back();
    waiting.pop_back();
    if (!done.insert(inode).second) continue;
    if (!inode->directory) {
      inode->crash_file(choose);
      continue;
    }
    inode->crash_directory(choose);
    for (const auto& [name, child] : inode->names) waiting.push_back(child.get());
  }
}

void SimulatedFileSystem::crash(Random& random) {
  // One crash in eight loses all and one keeps all, everywhere; the others choose file by file.
  const std::uint64_t mood = random.below(8);
  crash_with([&](std::uint64_t bound) -> std::uint64_t {
    if (mood == 0 || bound == 0) return 0;
    if (mood == 1) return bound == 4 ? 1 : bound - 1;
    return random.below(bound);
  });
}

void SimulatedFileSystem::crash_losing_all() {
  crash_with([](std::uint64_t) { return std::uint64_t{0}; });
}

void SimulatedFileSystem::power_off() {
  std::lock_guard lock(mutex_);
  powered_ = false;
}

void SimulatedFileSystem::lie_about_sync(std::string path_contains) {
  std::lock_guard lock(mutex_);
  lying_ = true;
  lie_path_contains_ = std::move(path_contains);
}

void SimulatedFileSystem::set_capacity(std::uint64_t bytes) {
  std::lock_guard lock(mutex_);
  capacity_ = bytes;
}

std::uint64_t SimulatedFileSystem::used_bytes() const {
  std::lock_guard lock(mutex_);
  return *used_bytes_;
}

}  // namespace clinicdb::test
