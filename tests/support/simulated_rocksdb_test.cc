// RocksDB on the simulated disk: it works there, keeps what it flushed through a power cut, and
// loses what it wrote without its WAL. The last is the control: a disk that never forgot would
// prove nothing.
#include "support/simulated_rocksdb.h"

#include <rocksdb/db.h>

#include <catch2/catch.hpp>

#include "clinicdb/base/random.h"

namespace clinicdb::test {
namespace {

class Database {
 public:
  explicit Database(SimulatedFileSystem& disk) : env_(simulated_rocksdb_env(disk)) {}

  rocksdb::Status open() {
    rocksdb::Options options;
    options.create_if_missing = true;
    options.env = env_.get();
    rocksdb::DB* db = nullptr;
    const rocksdb::Status status = rocksdb::DB::Open(options, "/db", &db);
    db_.reset(db);
    return status;
  }
  void put(const std::string& key) {
    rocksdb::WriteOptions options;
    options.disableWAL = true;
    REQUIRE(db_->Put(options, key, "value of " + key).ok());
  }
  bool has(const std::string& key) {
    std::string value;
    return db_->Get(rocksdb::ReadOptions(), key, &value).ok() && value == "value of " + key;
  }
  rocksdb::DB& db() { return *db_; }
  void close() { db_.reset(); }

 private:
  std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<rocksdb::DB> db_;
};

TEST_CASE("simulated_rocksdb: what was flushed outlives a power cut, the rest does not",
          "[support]") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SimulatedFileSystem disk;
    // The store's own directory must be durable first; RocksDB syncs only inside it.
    REQUIRE(disk.create_directories("/db").ok());
    REQUIRE(disk.sync_directory("/").ok());
    Database database(disk);
    SeededRandom random(seed);
    for (int round = 0; round < 3; ++round) {
      const rocksdb::Status opened = database.open();
      INFO("seed " << seed << " round " << round << ": " << opened.ToString());
      REQUIRE(opened.ok());
      const std::string name = std::to_string(round);
      database.put("flushed" + name);
      REQUIRE(database.db().Flush(rocksdb::FlushOptions()).ok());
      database.put("unflushed" + name);
      REQUIRE(database.has("unflushed" + name));
      disk.power_off();
      database.close();
      disk.crash(random);
    }
    REQUIRE(database.open().ok());
    for (const std::string name : {"0", "1", "2"}) {
      CHECK(database.has("flushed" + name));
      CHECK_FALSE(database.has("unflushed" + name));
    }
  }
}

TEST_CASE("simulated_rocksdb: without its syncs the database does not survive", "[support]") {
  SimulatedFileSystem disk;
  REQUIRE(disk.create_directories("/db").ok());
  REQUIRE(disk.sync_directory("/").ok());
  disk.lie_about_sync("/db");
  Database database(disk);
  REQUIRE(database.open().ok());
  database.put("a");
  REQUIRE(database.db().Flush(rocksdb::FlushOptions()).ok());
  disk.power_off();
  database.close();
  disk.crash_losing_all();
  REQUIRE(database.open().ok());
  CHECK_FALSE(database.has("a"));
}

TEST_CASE("simulated_rocksdb: an injected write error reaches RocksDB's caller with its path",
          "[support]") {
  SimulatedFileSystem disk;
  Database database(disk);
  REQUIRE(database.open().ok());
  database.put("a");
  disk.faults().arm({.kinds = fault_kind(FaultOperation::kWrite), .path_contains = ".sst"});
  const rocksdb::Status failed = database.db().Flush(rocksdb::FlushOptions());
  CHECK(failed.IsIOError());
  CHECK(failed.ToString().find(".sst") != std::string::npos);
  CHECK(disk.faults().injected() == 1);
  disk.faults().disarm();
  database.close();
}

}  // namespace
}  // namespace clinicdb::test
