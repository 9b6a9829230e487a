#include "clinicdb/engine/backup.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "backup/backup_manifest.h"
#include "backup/file_tools.h"
#include "backup/sha256.h"
#include "backup_fixture.h"
#include "clinicdb/base/bytes.h"

namespace clinicdb::engine {

using namespace testing;  // NOLINT: the test's own record type

namespace {

struct StoreBackup {
  StoreBackup() {
    store = open_at(directory.path("store"), schema);
    tenant = store->create_tenant("sorriso")->id;
  }
  void put_visits(std::uint64_t from, std::uint64_t to) {
    testing::put_visits(*store, tenant, visits, from, to);
  }
  Result<RestoreReport> restore(const std::string& name) {
    return restore_store(directory.path("backup"), directory.path(name), schema, small_store(), {});
  }
  std::string backup_file(std::string_view beginning) {
    const auto names = posix_file_system().list(directory.path("backup/rocksdb"));
    REQUIRE(names.has_value());
    for (const std::string& name : *names) {
      if (name.find(beginning) != std::string::npos)
        return directory.path("backup/rocksdb/" + name);
    }
    FAIL("no such file");
    return {};
  }
  void overwrite(const std::string& path, std::uint64_t offset, std::string_view bytes) {
    auto file = posix_file_system().open(path, OpenMode::kWrite);
    REQUIRE(file.has_value());
    REQUIRE((*file)->write_at(offset, bytes).ok());
  }
  bool exists(std::string_view name) { return *posix_file_system().exists(directory.path(name)); }

  test::TemporaryDirectory directory;
  Table<Visit> visits = make_visits();
  Schema schema{{&visits.def()}};
  std::unique_ptr<Store> store;
  TenantId tenant;
};

}  // namespace

TEST_CASE_METHOD(StoreBackup, "backup: a restored store is what was backed up", "[engine]") {
  put_visits(0, 300);
  put_visits(0, 40);
  const auto before = contents(*store, tenant, visits);
  const Lsn lsn = store->published_lsn();
  std::uint64_t told = 0;
  std::uint64_t told_total = 0;
  BackupOptions options;
  options.progress = [&](std::uint64_t done, std::uint64_t total) {
    told = done;
    told_total = total;
  };
  const auto made = backup_store(*store, directory.path("backup"), options);
  INFO(made.status().to_string());
  REQUIRE(made.has_value());
  CHECK(made->position.lsn == lsn);
  CHECK(made->bytes > 0);
  CHECK(told == 2 * made->bytes);
  CHECK(told_total == told);
  put_visits(300, 320);  // not in the backup

  const auto checked = verify_backup(directory.path("backup"), {});
  REQUIRE(checked.has_value());
  CHECK(checked->bytes == made->bytes);
  CHECK(checked->position == made->position);

  const auto restored = restore("restored");
  INFO(restored.status().to_string());
  REQUIRE(restored.has_value());
  CHECK(restored->backup.position == made->position);
  CHECK(restored->verify.records == 300);
  CHECK(restored->store_id != made->store_id);
  CHECK_FALSE(exists("restored.part"));

  const auto other = open_at(directory.path("restored"), schema);
  CHECK(other->find_tenant("sorriso")->id == tenant);
  CHECK(contents(*other, tenant, visits) == before);
  // What the copy commits is told from what the original commits: another epoch, LSNs going on.
  REQUIRE(put(*other, tenant, visits, full_visit(900)).ok());
  CHECK(other->stats().last_committed.epoch.value == made->position.epoch.value + 1);
  CHECK(other->published_lsn() == next(lsn));
  check_verified(*other);
  check_verified(*store);
}

TEST_CASE_METHOD(StoreBackup, "backup: a restored store survives reopening and is backed up again",
                 "[engine]") {
  put_visits(0, 20);
  REQUIRE(backup_store(*store, directory.path("backup"), {}).has_value());
  REQUIRE(restore("second").has_value());
  auto second = open_at(directory.path("second"), schema);
  REQUIRE(put(*second, tenant, visits, full_visit(50)).ok());
  second = nullptr;
  second = open_at(directory.path("second"), schema);
  const auto again = backup_store(*second, directory.path("backup2"), {});
  REQUIRE(again.has_value());
  const auto third =
      restore_store(directory.path("backup2"), directory.path("third"), schema, small_store(), {});
  INFO(third.status().to_string());
  REQUIRE(third.has_value());
  CHECK(third->verify.records == 21);
}

TEST_CASE_METHOD(StoreBackup, "backup: an empty store can be backed up, too", "[engine]") {
  REQUIRE(store->delete_tenant(tenant).ok());
  REQUIRE(backup_store(*store, directory.path("backup"), {}).has_value());
  const auto restored = restore("restored");
  INFO(restored.status().to_string());
  REQUIRE(restored.has_value());
  CHECK(restored->verify.records == 0);
}

TEST_CASE_METHOD(StoreBackup,
                 "backup: made beside writers, it holds what was acknowledged before it began",
                 "[engine]") {
  std::atomic<std::uint64_t> acknowledged{0};
  std::atomic<bool> stop{false};
  std::atomic<bool> failed{false};
  std::thread writer([&] {
    for (std::uint64_t i = 0; !stop && i < 100000; ++i) {
      if (!put(*store, tenant, visits, full_visit(i)).ok()) failed = true;
      acknowledged = i + 1;
    }
  });
  while (acknowledged < 100) std::this_thread::yield();
  const std::uint64_t before = acknowledged;
  const auto made = backup_store(*store, directory.path("backup"), {});
  stop = true;
  writer.join();
  REQUIRE_FALSE(failed);
  REQUIRE(made.has_value());
  const auto restored = restore("restored");
  INFO(restored.status().to_string());
  REQUIRE(restored.has_value());
  CHECK(restored->verify.records >= before);
  CHECK(restored->verify.records <= acknowledged);
  // Nothing is missing in between: the writer wrote one after the other.
  const auto other = open_at(directory.path("restored"), schema);
  auto view = other->view(tenant);
  REQUIRE(view.has_value());
  CHECK((*view)->get(visits, visit_id(restored->verify.records - 1).view())->has_value());
}

TEST_CASE_METHOD(StoreBackup,
                 "backup: directories that hold something are refused, and left as they are",
                 "[engine]") {
  put_visits(0, 3);
  REQUIRE(backup_store(*store, directory.path("backup"), {}).has_value());
  const auto again = backup_store(*store, directory.path("backup"), {});
  CHECK(again.status().code() == StatusCode::kFailedPrecondition);
  CHECK(verify_backup(directory.path("backup"), {}).has_value());
  CHECK(restore("store").status().code() == StatusCode::kFailedPrecondition);
  CHECK(checkpoint(*store, directory.path("store")).status().code() ==
        StatusCode::kFailedPrecondition);
  check_verified(*store);
  // An empty one is as good as none; what an earlier try has left beside is removed.
  REQUIRE(posix_file_system().create_directories(directory.path("empty")).ok());
  REQUIRE(posix_file_system().create_directories(directory.path("empty.part/rocksdb")).ok());
  CHECK(restore("empty").has_value());
  CHECK_FALSE(exists("empty.part"));
}

TEST_CASE_METHOD(StoreBackup, "backup: damage is found, named, and nothing is restored",
                 "[engine]") {
  put_visits(0, 50);
  REQUIRE(backup_store(*store, directory.path("backup"), {}).has_value());
  const std::string table_file = backup_file(".sst");
  std::string damaged = table_file;
  SECTION("a flipped bit") { overwrite(table_file, 100, "\x5a"); }
  SECTION("a file cut short") {
    auto file = posix_file_system().open(table_file, OpenMode::kWrite);
    REQUIRE((*file)->truncate(200).ok());
  }
  SECTION("a file that grew") {
    auto file = posix_file_system().open(table_file, OpenMode::kWrite);
    overwrite(table_file, *(*file)->size(), "x");
  }
  SECTION("a missing file") { REQUIRE(posix_file_system().remove(table_file).ok()); }
  SECTION("RocksDB's own manifest") {
    damaged = backup_file("MANIFEST");
    overwrite(damaged, 30, "\xff\xff");
  }
  const auto checked = verify_backup(directory.path("backup"), {});
  REQUIRE_FALSE(checked.has_value());
  CHECK(checked.error().code() == StatusCode::kDataLoss);
  CHECK(checked.error().message().find(damaged) != std::string_view::npos);
  const auto restored = restore("restored");
  CHECK(restored.status().code() == StatusCode::kDataLoss);
  CHECK_FALSE(exists("restored"));
  CHECK_FALSE(exists("restored.part"));
}

TEST_CASE_METHOD(StoreBackup, "backup: without its manifest there is no backup", "[engine]") {
  CHECK(verify_backup(directory.path("nothing"), {}).status().code() == StatusCode::kNotFound);
  CHECK(verify_backup(directory.path("store"), {}).status().code() == StatusCode::kNotFound);
  REQUIRE(backup_store(*store, directory.path("backup"), {}).has_value());
  REQUIRE(posix_file_system().remove(directory.path("backup/BACKUP")).ok());
  CHECK(restore("restored").status().code() == StatusCode::kNotFound);
  CHECK_FALSE(exists("restored"));
}

TEST_CASE_METHOD(StoreBackup, "backup: a store that takes no writes says why", "[engine]") {
  store = nullptr;
  StoreOptions options = small_store();
  options.read_only = true;
  auto opened = Store::open(directory.path("store"), schema, options);
  REQUIRE(opened.has_value());
  CHECK(backup_store(**opened, directory.path("backup"), {}).status().code() ==
        StatusCode::kFailedPrecondition);
  CHECK_FALSE(exists("backup"));
  CHECK_FALSE(exists("backup.part"));
}

TEST_CASE_METHOD(StoreBackup, "checkpoint: an openable copy that goes its own way", "[engine]") {
  put_visits(0, 30);
  const auto before = contents(*store, tenant, visits);
  const auto made = checkpoint(*store, directory.path("copy"));
  INFO(made.status().to_string());
  REQUIRE(made.has_value());
  const auto copy = open_at(directory.path("copy"), schema);
  CHECK(contents(*copy, tenant, visits) == before);
  REQUIRE(put(*copy, tenant, visits, full_visit(100)).ok());
  REQUIRE(put(*store, tenant, visits, full_visit(200)).ok());
  CHECK(copy->stats().last_committed.lsn == store->stats().last_committed.lsn);
  CHECK(copy->stats().last_committed.epoch > store->stats().last_committed.epoch);
  check_verified(*copy);
  check_verified(*store);
}

// ---- the manifest

namespace {

BackupManifest example_manifest() {
  BackupManifest manifest;
  manifest.store_id = *Uuid::parse("0190b3c1-0000-7000-8000-000000000001");
  manifest.tail = {{Epoch{2}, Lsn{4711}}, 0x00f3a20000000001, Time{1763740800000000}};
  manifest.epochs = {{Epoch{1}, Lsn{1}}, {Epoch{2}, Lsn{4000}}};
  Sha256 sha;
  sha.add("abc");
  manifest.files.push_back({"rocksdb/000012.sst", {3, sha.finish()}});
  return manifest;
}

}  // namespace

TEST_CASE("backup_manifest: the text is that of docs/format.md", "[engine]") {
  CHECK(
      encode_backup_manifest(example_manifest()) ==
      "clinicdb backup, format 1\n"
      "store 0190b3c1-0000-7000-8000-000000000001\n"
      "position 2 4711 00f3a20000000001\n"
      "time 1763740800000000\n"
      "epoch 1 1\n"
      "epoch 2 4000\n"
      "file 3 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad rocksdb/000012.sst\n"
      "end 9e8e0ed1318b20c238b465c5dbe83a2d7138a82bf5bf86f761958f199a9d75b9\n");
}

TEST_CASE("backup_manifest: reads back", "[engine]") {
  const BackupManifest manifest = example_manifest();
  const auto read = decode_backup_manifest(encode_backup_manifest(manifest));
  REQUIRE(read.has_value());
  CHECK(read->store_id == manifest.store_id);
  CHECK(read->tail.position == manifest.tail.position);
  CHECK(read->tail.hash == manifest.tail.hash);
  CHECK(read->tail.time == manifest.tail.time);
  CHECK(read->epochs == manifest.epochs);
  REQUIRE(read->files.size() == 1);
  CHECK(read->files[0].name == "rocksdb/000012.sst");
  CHECK(read->files[0].sum.bytes == 3);
  CHECK(read->files[0].sum.sha256 == manifest.files[0].sum.sha256);
}

TEST_CASE("backup_manifest: any changed, missing or added byte is refused", "[engine]") {
  const std::string text = encode_backup_manifest(example_manifest());
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (const char bit : {'\x01', '\x20', '\x40'}) {
      std::string changed = text;
      changed[i] = static_cast<char>(changed[i] ^ bit);
      if (decode_backup_manifest(changed).has_value()) FAIL("byte " << i << " was not missed");
    }
    if (decode_backup_manifest(text.substr(0, i)).has_value()) FAIL("cut at " << i);
  }
  CHECK_FALSE(decode_backup_manifest(text + "x").has_value());
  CHECK_FALSE(decode_backup_manifest(text + "\n").has_value());
  std::string later = text;
  later[24] = '2';
  CHECK(decode_backup_manifest(later).status().code() == StatusCode::kUnimplemented);
}

TEST_CASE("backup_manifest: names that leave the directory are refused", "[engine]") {
  const auto name = GENERATE(as<std::string>(), "/etc/passwd", "../x", "rocksdb/../../x", "");
  BackupManifest manifest = example_manifest();
  manifest.files[0].name = name;
  CHECK_FALSE(decode_backup_manifest(encode_backup_manifest(manifest)).has_value());
}

}  // namespace clinicdb::engine
