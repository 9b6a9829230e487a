#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "clinicdb/engine/file.h"
#include "support/temporary_directory.h"

namespace clinicdb::engine {
namespace {

using clinicdb::test::TemporaryDirectory;

TEST_CASE("posix_file_system: what is written is read, by any handle", "[engine][file]") {
  const TemporaryDirectory directory;
  FileSystem& files = posix_file_system();
  const auto file = files.open(directory.path("f"), OpenMode::kCreate);
  REQUIRE(file);
  REQUIRE((*file)->write_at(0, "hello").ok());
  REQUIRE((*file)->write_at(10, "world").ok());
  REQUIRE((*file)->sync().ok());
  CHECK((*file)->size().value_or(0) == 15);
  const auto other = files.open(directory.path("f"), OpenMode::kRead);
  REQUIRE(other);
  std::string bytes(20, '?');
  CHECK((*other)->read_at(0, bytes.data(), bytes.size()).value_or(0) == 15);
  CHECK(bytes.substr(0, 15) == std::string("hello\0\0\0\0\0world", 15));
  CHECK((*other)->read_at(15, bytes.data(), 1).value_or(9) == 0);
  REQUIRE((*file)->truncate(5).ok());
  CHECK((*other)->size().value_or(0) == 5);
}

TEST_CASE("posix_file_system: open modes hold", "[engine][file]") {
  const TemporaryDirectory directory;
  FileSystem& files = posix_file_system();
  CHECK(files.open(directory.path("f"), OpenMode::kRead).error().code() == StatusCode::kNotFound);
  CHECK(files.open(directory.path("f"), OpenMode::kWrite).error().code() == StatusCode::kNotFound);
  REQUIRE(files.open(directory.path("f"), OpenMode::kCreate).has_value());
  const auto again = files.open(directory.path("f"), OpenMode::kCreate);
  REQUIRE_FALSE(again);
  CHECK(again.error().code() == StatusCode::kAlreadyExists);
  CHECK(again.error().message().find(directory.path("f")) != std::string::npos);
  const auto reading = files.open(directory.path("f"), OpenMode::kRead);
  REQUIRE(reading);
  CHECK_FALSE((*reading)->write_at(0, "x").ok());
}

TEST_CASE("posix_file_system: files and directories are their owner's only", "[engine][file]") {
  const TemporaryDirectory directory;
  FileSystem& files = posix_file_system();
  REQUIRE(files.create_directories(directory.path("a/b")).ok());
  REQUIRE(files.open(directory.path("a/f"), OpenMode::kCreate).has_value());
  struct stat info {};
  REQUIRE(::stat(directory.path("a/f").c_str(), &info) == 0);
  CHECK((info.st_mode & 077) == 0);
  REQUIRE(::stat(directory.path("a/b").c_str(), &info) == 0);
  CHECK((info.st_mode & 077) == 0);
}

TEST_CASE("posix_file_system: directories are made, listed and changed", "[engine][file]") {
  const TemporaryDirectory directory;
  FileSystem& files = posix_file_system();
  CHECK(files.list(directory.path("a")).error().code() == StatusCode::kNotFound);
  REQUIRE(files.create_directories(directory.path("a/b/c")).ok());
  REQUIRE(files.create_directories(directory.path("a/b/c/")).ok());
  for (const char* name : {"a/z", "a/m", "a/k"}) {
    REQUIRE(files.open(directory.path(name), OpenMode::kCreate).has_value());
  }
  CHECK(*files.list(directory.path("a")) == std::vector<std::string>{"b", "k", "m", "z"});
  REQUIRE(files.rename(directory.path("a/z"), directory.path("a/k")).ok());
  REQUIRE(files.remove(directory.path("a/m")).ok());
  REQUIRE(files.sync_directory(directory.path("a")).ok());
  CHECK(*files.list(directory.path("a")) == std::vector<std::string>{"b", "k"});
  CHECK(files.exists(directory.path("a/k")).value_or(false));
  CHECK_FALSE(files.exists(directory.path("a/z")).value_or(true));
  CHECK_FALSE(files.exists(directory.path("a/k/x")).value_or(true));
  CHECK(files.remove(directory.path("a/m")).code() == StatusCode::kNotFound);
  CHECK_FALSE(files.create_directories(directory.path("a/k/x")).ok());
  CHECK_FALSE(files.sync_directory(directory.path("nowhere")).ok());
  CHECK(files.free_bytes(directory.path()).value_or(0) > 0);
}

TEST_CASE("posix_file_system: a handle outlives its name", "[engine][file]") {
  const TemporaryDirectory directory;
  FileSystem& files = posix_file_system();
  const auto file = files.open(directory.path("f"), OpenMode::kCreate);
  REQUIRE(file);
  REQUIRE((*file)->write_at(0, "x").ok());
  REQUIRE(files.remove(directory.path("f")).ok());
  char byte = 0;
  CHECK((*file)->read_at(0, &byte, 1).value_or(0) == 1);
}

TEST_CASE("posix_file_system: a directory has one holder, and the second is told who",
          "[engine][file]") {
  const TemporaryDirectory directory;
  FileSystem& files = posix_file_system();
  const std::string path = directory.path("lock");
  auto first = files.lock(path);
  REQUIRE(first);
  const auto second = files.lock(path);
  REQUIRE_FALSE(second);
  CHECK(second.error().code() == StatusCode::kFailedPrecondition);
  CHECK(second.error().message().find("in use by pid " + std::to_string(::getpid())) !=
        std::string::npos);

  SECTION("another process is refused as well") {
    const pid_t child = ::fork();
    if (child == 0) {
      const auto lock = posix_file_system().lock(path);
      const std::string wanted = "in use by pid " + std::to_string(::getppid());
      const bool refused =
          !lock && std::string(lock.error().message()).find(wanted) != std::string::npos;
      ::_exit(refused ? 0 : 1);
    }
    REQUIRE(child > 0);
    int result = -1;
    REQUIRE(::waitpid(child, &result, 0) == child);
    CHECK(result == 0);
  }
  SECTION("released, it can be taken again") {
    first->reset();
    CHECK(files.lock(path).has_value());
  }
}

TEST_CASE("posix_file_system: a lock ends with its process", "[engine][file]") {
  const TemporaryDirectory directory;
  const std::string path = directory.path("lock");
  const pid_t child = ::fork();
  if (child == 0) {
    auto lock = posix_file_system().lock(path);
    // No destructor runs.
    ::_exit(lock ? 0 : 1);
  }
  REQUIRE(child > 0);
  int result = -1;
  REQUIRE(::waitpid(child, &result, 0) == child);
  REQUIRE(result == 0);
  CHECK(posix_file_system().lock(path).has_value());
}

}  // namespace
}  // namespace clinicdb::engine
