#include <catch2/catch.hpp>

#include "backup/file_tools.h"
#include "backup/tenant_file.h"
#include "backup_fixture.h"
#include "clinicdb/base/random.h"
#include "clinicdb/engine/backup.h"
#include "store/layout.h"
#include "store/store_impl.h"
#include "store/tenant_changes.h"

namespace clinicdb::engine {

using namespace testing;  // NOLINT: the test's own record type

namespace {

struct TenantBackup {
  TenantBackup() {
    store = open_at(directory.path("store"), schema);
    tenant = store->create_tenant("sorriso")->id;
  }
  void put_visits(std::uint64_t from, std::uint64_t to) {
    testing::put_visits(*store, tenant, visits, from, to);
  }
  /// A tenant with inserts, updates, deletes and events of its own.
  void live() {
    put_visits(0, 60);
    put_visits(10, 30);
    const auto done = store->execute(tenant, {}, [&](Transaction& tx) -> Result<std::string> {
      RETURN_IF_ERROR(tx.remove(visits, visit_id(5).view(), std::nullopt));
      RETURN_IF_ERROR(tx.emit(7, "discharged"));
      return std::string();
    });
    REQUIRE(done.has_value());
  }
  Result<TenantBackupReport> back_up() { return backup_tenant(*store, tenant, file(), {}); }
  std::string file() const { return directory.path("sorriso.tenant"); }
  std::string read_file() {
    auto bytes = read_small_file(posix_file_system(), file(), std::size_t{64} << 20);
    REQUIRE(bytes.has_value());
    return *bytes;
  }
  std::string write_file(const std::string& bytes) {
    const std::string path = directory.path("changed.tenant");
    REQUIRE(write_file_atomically(posix_file_system(), path, bytes).ok());
    return path;
  }
  /// Keys that stand in a tenant's range, whoever may see them.
  std::size_t keys_of(TenantId id) {
    auto& impl = static_cast<StoreImpl&>(*store);
    std::size_t keys = 0;
    REQUIRE(impl.state_of(*impl.pipeline().published())
                .scan(layout::tenant_begin(id), layout::tenant_end(id), false,
                      [&](std::string_view, std::string_view) {
                        ++keys;
                        return true;
                      })
                .ok());
    return keys;
  }

  test::TemporaryDirectory directory;
  Table<Visit> visits = make_visits();
  Schema schema{{&visits.def()}};
  std::unique_ptr<Store> store;
  TenantId tenant;
};

}  // namespace

TEST_CASE_METHOD(TenantBackup, "tenant_backup: a tenant is restored beside the living one",
                 "[engine]") {
  live();
  const auto before = contents(*store, tenant, visits);
  const auto made = back_up();
  INFO(made.status().to_string());
  REQUIRE(made.has_value());
  CHECK(made->position.lsn == store->published_lsn());
  CHECK(made->tenant.slug == "sorriso");
  put_visits(100, 110);  // not in the backup

  const auto restored = restore_tenant(*store, file(), "sorriso-2", {});
  INFO(restored.status().to_string());
  REQUIRE(restored.has_value());
  CHECK(restored->tenant.id != tenant);
  CHECK(restored->tenant.uuid == store->tenant(tenant)->uuid);
  CHECK(restored->backup.entries == made->entries);
  CHECK(store->find_tenant("sorriso-2")->id == restored->tenant.id);
  CHECK(contents(*store, restored->tenant.id, visits) == before);
  CHECK(contents(*store, tenant, visits) != before);
  check_verified(*store);

  // Both live on, each by itself.
  REQUIRE(put(*store, restored->tenant.id, visits, full_visit(100)).ok());
  CHECK(put(*store, restored->tenant.id, visits, full_visit(100)).ok());
  Visit overlapping = full_visit(1000);
  overlapping.start = full_visit(20).start + 1;
  overlapping.end = overlapping.start + 1;
  const Status conflict = put(*store, restored->tenant.id, visits, overlapping);
  CHECK(conflict.code() == StatusCode::kFailedPrecondition);
  CHECK(conflict.field() == "room");
  Visit taken = full_visit(1001);
  taken.code = full_visit(20).code;
  CHECK(put(*store, restored->tenant.id, visits, taken).code() == StatusCode::kAlreadyExists);
  REQUIRE(store->delete_tenant(tenant).ok());
  CHECK(contents(*store, restored->tenant.id, visits).size() > before.size());
  check_verified(*store);

  store = nullptr;
  store = open_at(directory.path("store"), schema);
  CHECK(store->find_tenant("sorriso-2")->id == restored->tenant.id);
  check_verified(*store);
}

TEST_CASE_METHOD(TenantBackup, "tenant_backup: answers of request ids come along (R1)",
                 "[engine]") {
  CallContext call;
  call.session = visit_id(1);
  call.request_id = Uuid::v7(system_clock(), system_random());
  const auto command = [&](Transaction& tx) -> Result<std::string> {
    RETURN_IF_ERROR(tx.put(visits, full_visit(1)).status());
    return std::string("booked");
  };
  REQUIRE(store->execute(tenant, call, command).has_value());
  REQUIRE(back_up().has_value());
  const auto restored = restore_tenant(*store, file(), "other", {});
  REQUIRE(restored.has_value());
  const auto again = store->execute(restored->tenant.id, call, command);
  REQUIRE(again.has_value());
  CHECK(again->repeated);
  CHECK(again->answer == "booked");
}

TEST_CASE_METHOD(TenantBackup, "tenant_backup: many blocks, beside a writer's commits",
                 "[engine]") {
  SeededRandom random(1);
  std::vector<Visit> all;
  for (std::uint64_t i = 0; i < 900; ++i) {
    Visit visit = full_visit(i);
    // Incompressible, so that blocks of both kinds are in the file.
    for (int j = 0; j < 100; ++j) visit.phone.push_back(static_cast<char>(random.next() | 1));
    if (i % 2 == 0) visit.phone.append(500, '1');
    all.push_back(visit);
  }
  for (std::size_t from = 0; from < all.size(); from += 100) {
    REQUIRE(store
                ->execute(tenant, {},
                          [&](Transaction& tx) -> Result<std::string> {
                            for (std::size_t i = from; i < from + 100; ++i)
                              RETURN_IF_ERROR(tx.put(visits, all[i]).status());
                            return std::string();
                          })
                .has_value());
  }
  const auto before = contents(*store, tenant, visits);
  REQUIRE(back_up().has_value());
  std::uint64_t steps = 0;
  BackupOptions options;
  options.progress = [&](std::uint64_t done, std::uint64_t total) {
    // While it is restored nobody sees it, and others go on.
    if (done < total) {
      CHECK(store->list_tenants()->size() == 1);
      CHECK(put(*store, tenant, visits, full_visit(5000 + ++steps)).ok());
    }
  };
  const auto restored = restore_tenant(*store, file(), "copy", options);
  INFO(restored.status().to_string());
  REQUIRE(restored.has_value());
  CHECK(steps >= 2);
  CHECK(contents(*store, restored->tenant.id, visits) == before);
  check_verified(*store);
}

TEST_CASE_METHOD(TenantBackup,
                 "tenant_backup: in a younger store events get LSNs of that store, in order",
                 "[engine]") {
  live();
  const auto before = contents(*store, tenant, visits, false);
  REQUIRE(back_up().has_value());
  const auto young = open_at(directory.path("young"), schema);
  const auto restored = restore_tenant(*young, file(), "sorriso", {});
  INFO(restored.status().to_string());
  REQUIRE(restored.has_value());
  CHECK(contents(*young, restored->tenant.id, visits, false) == before);
  auto view = young->view(restored->tenant.id);
  std::size_t events = 0;
  REQUIRE((*view)
              ->events(Lsn{}, {},
                       [&](const Event& event) {
                         if (event.lsn > young->published_lsn()) FAIL("an event of the future");
                         ++events;
                         return true;
                       })
              .has_value());
  CHECK(events == 7);
  // So what comes next comes behind, and overwrites nothing.
  const Lsn last = young->published_lsn();
  REQUIRE(put(*young, restored->tenant.id, visits, full_visit(500)).ok());
  std::size_t later = 0;
  REQUIRE((*young->view(restored->tenant.id))
              ->events(last, {},
                       [&](const Event&) {
                         ++later;
                         return true;
                       })
              .has_value());
  CHECK(later == 1);
  check_verified(*young);
}

TEST_CASE_METHOD(TenantBackup,
                 "tenant_backup: indexes follow the definitions of the store that restores",
                 "[engine]") {
  live();
  REQUIRE(back_up().has_value());
  store = nullptr;
  const Table<Visit> changed = make_visits(2);
  const Schema changed_schema{{&changed.def()}};
  store = open_at(directory.path("store"), changed_schema);
  REQUIRE(store->build_indexes().ok());
  const auto restored = restore_tenant(*store, file(), "later", {});
  INFO(restored.status().to_string());
  REQUIRE(restored.has_value());
  CHECK(contents(*store, restored->tenant.id, changed) == contents(*store, tenant, changed));
  check_verified(*store);
}

TEST_CASE_METHOD(TenantBackup,
                 "tenant_backup: what cannot be restored is refused before anything is changed",
                 "[engine]") {
  live();
  REQUIRE(back_up().has_value());
  const Lsn lsn = store->published_lsn();
  CHECK(restore_tenant(*store, file(), "sorriso", {}).status().code() ==
        StatusCode::kAlreadyExists);
  CHECK(restore_tenant(*store, file(), "Not A Slug", {}).status().code() ==
        StatusCode::kInvalidArgument);
  CHECK(restore_tenant(*store, directory.path("none"), "x", {}).status().code() ==
        StatusCode::kNotFound);
  CHECK(backup_tenant(*store, TenantId{12345}, file(), {}).status().code() ==
        StatusCode::kNotFound);
  CHECK(store->published_lsn() == lsn);

  const Table<Visit> other_table = make_visits(1, TableId{0x1001});
  const Schema other_schema{{&other_table.def()}};
  const auto other = open_at(directory.path("other"), other_schema);
  const auto refused = restore_tenant(*other, file(), "sorriso", {});
  CHECK(refused.status().code() == StatusCode::kFailedPrecondition);
  CHECK(refused.status().message().find("table 4096") != std::string_view::npos);
  CHECK(other->list_tenants()->empty());
}

TEST_CASE_METHOD(TenantBackup, "tenant_backup: a restore that fails midway leaves nothing",
                 "[engine]") {
  live();
  REQUIRE(back_up().has_value());
  // A definition that contradicts the records: every visit has one unique code.
  const Table<Visit> strict =
      Table<Visit>(TableId{0x1000}, "visit", &encode_visit, &decode_visit, [](const Visit& visit) {
        return std::string(visit.id.view());
      }).unique(1, "code", [](const Visit&, IndexEntries& out) { out.add("same"); });
  const Schema strict_schema{{&strict.def()}};
  store = open_at(directory.path("strict"), strict_schema);
  const auto failed = restore_tenant(*store, file(), "sorriso", {});
  CHECK(failed.status().code() == StatusCode::kFailedPrecondition);
  CHECK(failed.status().field() == "code");
  CHECK(store->list_tenants()->empty());
  auto& impl = static_cast<StoreImpl&>(*store);
  std::size_t keys = 0;
  REQUIRE(impl.state_of(*impl.pipeline().published())
              .scan(layout::tenant_begin(TenantId{1}), {}, false,
                    [&](std::string_view, std::string_view) {
                      ++keys;
                      return true;
                    })
              .ok());
  CHECK(keys == 0);
}

TEST_CASE_METHOD(TenantBackup,
                 "tenant_backup: what a crash has left of a restore is erased by the next one",
                 "[engine]") {
  live();
  REQUIRE(back_up().has_value());
  auto& impl = static_cast<StoreImpl&>(*store);
  TenantRecord half;
  half.info = *store->tenant(tenant);
  half.info.slug = "half";
  half.info.id = TenantId{77};
  half.visibility = TenantVisibility::kRestoring;
  REQUIRE(impl.run_system(
                  [&](GroupContext& context) -> Result<std::string> {
                    put_tenant(context, half);
                    context.group.overlay.put(layout::row_key(half.info.id, TableId{0x1000}, "k"),
                                              "v", false);
                    context.group.tenants.push_back(half.info.id);
                    return std::string();
                  },
                  true)
              .has_value());
  store = nullptr;
  store = open_at(directory.path("store"), schema);
  CHECK(store->find_tenant("half").status().code() == StatusCode::kNotFound);
  CHECK(keys_of(half.info.id) == 1);
  const auto restored = restore_tenant(*store, file(), "half", {});
  INFO(restored.status().to_string());
  REQUIRE(restored.has_value());
  CHECK(keys_of(half.info.id) == 0);
  CHECK(restored->tenant.id != half.info.id);
  check_verified(*store);
}

TEST_CASE_METHOD(TenantBackup,
                 "tenant_backup: any changed, missing or added byte is found, and nothing restored",
                 "[engine]") {
  put_visits(0, 2);
  REQUIRE(back_up().has_value());
  const std::string whole = read_file();
  REQUIRE(whole.size() < 4096);
  SeededRandom random(9);
  const std::string path = write_file(whole);
  auto changed = posix_file_system().open(path, OpenMode::kWrite);
  REQUIRE(changed.has_value());
  for (std::size_t i = 0; i < whole.size(); ++i) {
    const char flipped = static_cast<char>(whole[i] ^ (1 << random.below(8)));
    REQUIRE((*changed)->write_at(i, {&flipped, 1}).ok());
    const auto checked = verify_tenant_backup(path, {});
    if (checked) FAIL("byte " << i << " was not missed");
    const bool told = checked.error().code() == StatusCode::kUnimplemented ||
                      (checked.error().code() == StatusCode::kDataLoss &&
                       checked.error().message().find(path + " at offset ") == 0);
    if (!told) FAIL("byte " << i << ": " << checked.error().to_string());
    REQUIRE((*changed)->write_at(i, {&whole[i], 1}).ok());
  }
  const Lsn lsn = store->published_lsn();
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{151}, std::size_t{152}, std::size_t{200}, whole.size() / 2,
        whole.size() - 64, whole.size() - 1}) {
    const auto cut = restore_tenant(*store, write_file(whole.substr(0, size)), "cut", {});
    CAPTURE(size);
    CHECK(cut.status().code() == StatusCode::kDataLoss);
  }
  CHECK(restore_tenant(*store, write_file(whole + "x"), "more", {}).status().code() ==
        StatusCode::kDataLoss);
  CHECK(restore_tenant(*store, write_file("no backup at all"), "no", {}).status().code() ==
        StatusCode::kDataLoss);
  CHECK(store->published_lsn() == lsn);
  CHECK(restore_tenant(*store, write_file(whole), "good", {}).has_value());
}

// ---- the file's bytes

namespace {

TenantFileHeader example_header() {
  TenantFileHeader header;
  header.tenant = {TenantId{0x0102}, visit_id(3), "sorriso", Time{4}};
  header.store_id = visit_id(5);
  header.position = {Epoch{6}, Lsn{7}};
  header.made = Time{8};
  return header;
}

}  // namespace

TEST_CASE("tenant_file: the bytes are those of docs/format.md", "[engine]") {
  const test::TemporaryDirectory directory;
  const std::string path = directory.path("file");
  auto file = posix_file_system().open(path, OpenMode::kCreate);
  REQUIRE(file.has_value());
  TenantFileWriter writer(**file);
  REQUIRE(writer.begin(example_header()).ok());
  REQUIRE(writer.add(std::string_view("\x10\x00\x00k", 4), "value").ok());
  REQUIRE(writer.finish().ok());
  const auto bytes = read_small_file(posix_file_system(), path, 4096);
  REQUIRE(bytes.has_value());
  CHECK(writer.bytes() == bytes->size());
  REQUIRE(bytes->size() == kTenantHeaderBytes + kTenantBlockHeaderBytes + 12 + kTenantEndBytes);
  const std::string_view in = *bytes;
  CHECK(to_hex(in.substr(0, 80)) ==
        "43544231"
        "0100"
        "0700"
        "00000000000000000000000000000003"
        "0400000000000000"
        "00000000000000000000000000000005"
        "0600000000000000"
        "0700000000000000"
        "0800000000000000"
        "0201000000000000");
  CHECK(in.substr(80, 64) == "sorriso" + std::string(57, '\0'));
  CHECK(to_hex(in.substr(144, 8)) == "4390b10b47c8f615");
  CHECK(to_hex(in.substr(152, 24)) ==
        "43544242"
        "01000000"
        "0c000000"
        "0c000000"
        "dc0d0db352683b19");
  CHECK(to_hex(in.substr(176, 12)) ==
        "01"
        "04"
        "1000006b"
        "05"
        "76616c7565");
  CHECK(to_hex(in.substr(188, 24)) ==
        "43544245"
        "00000000"
        "0100000000000000"
        "0100000000000000");
  CHECK(to_hex(in.substr(212, 8)) == "d8a0434c409376d2");
  CHECK(to_hex(in.substr(220)) ==
        "05c2d524ae91a1383cdc15ee9f21ccbb808d95ff8ae59fc906107e61ca4af3ff");
}

TEST_CASE("tenant_file: entries out of order or form are refused whatever their sums say",
          "[engine]") {
  const test::TemporaryDirectory directory;
  const std::string path = directory.path("file");
  auto file = posix_file_system().open(path, OpenMode::kCreate);
  REQUIRE(file.has_value());
  TenantFileWriter writer(**file);
  REQUIRE(writer.begin(example_header()).ok());
  REQUIRE(writer.add("bbb", "1").ok());
  const auto second = GENERATE(as<std::string>(), "aaa", "bbb", "c");
  REQUIRE(writer.add(second, "2").ok());
  REQUIRE(writer.finish().ok());
  CHECK(verify_tenant_backup(path, {}).status().code() == StatusCode::kDataLoss);
}

}  // namespace clinicdb::engine
