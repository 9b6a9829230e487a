// TemporaryDirectory: a directory of one test's own, removed with everything in it when the test
// ends.
//
//   TemporaryDirectory directory;
//   Store::open(directory.path("store"), ...);
//
// Thread-compatible: const calls may run concurrently.
#pragma once

#include <string>
#include <string_view>

namespace clinicdb::test {

class TemporaryDirectory {
 public:
  /// Makes an empty directory under $TMPDIR, or /tmp. Ends the process with a message when it
  /// cannot.
  TemporaryDirectory();
  /// Removes the directory and what is in it.
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }
  /// A name inside it. Nothing is made.
  std::string path(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

}  // namespace clinicdb::test
