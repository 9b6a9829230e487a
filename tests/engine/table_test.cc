#include "clinicdb/engine/table.h"

#include <catch2/catch.hpp>

#include "clinicdb/engine/key.h"
#include "store/limits.h"

namespace clinicdb::engine {

namespace {

struct Person {
  std::string id;
  std::string name;
  std::vector<std::string> phones;
  Time start{10};
  Time end{20};
};

Table<Person> people() {
  return Table<Person>(
             TableId{0x1001}, "people", [](const Person& p, std::string& body) { body = p.name; },
             [](std::string_view body) -> Result<Person> {
               return Person{"", std::string(body), {}, {}, {}};
             },
             [](const Person& p) { return p.id; })
      .unique(1, "number",
              [](const Person& p, IndexEntries& out) { out.add(Key().text(p.id).str()); })
      .tokens(2, "name", [](const Person& p, IndexEntries& out) { out.add(p.name, p.id); })
      .suffix(3, "phone",
              [](const Person& p, IndexEntries& out) {
                for (const std::string& phone : p.phones) out.add(phone);
              })
      .claims(
          4, "busy",
          [](const Person& p, IndexEntries& out) { out.add_claim("room", p.start, p.end, "x"); })
      .version(7);
}

std::vector<std::string> keys(const IndexEntries& entries) {
  std::vector<std::string> keys;
  for (const auto& entry : entries.entries()) keys.push_back(entry.key);
  return keys;
}

}  // namespace

TEST_CASE("table: prepare yields key, body and the entries of every index", "[engine]") {
  const Table<Person> table = people();
  const auto prepared = table.prepare({"7", "Ana d'Ávila Ana", {"2799", "1199", "2799", ""}});
  REQUIRE(prepared.has_value());
  CHECK(prepared->key == "7");
  CHECK(prepared->body == "Ana d'Ávila Ana");
  REQUIRE(prepared->entries.size() == 4);
  CHECK(keys(prepared->entries[0]) == std::vector{Key().text("7").str()});
  CHECK(keys(prepared->entries[1]) == std::vector{Key().text("ana").str(),
                                                  Key().text("avila").str(), Key().text("d").str(),
                                                  Key().text("davila").str()});
  CHECK(prepared->entries[1].entries()[0].covered == "7");
  CHECK(keys(prepared->entries[2]) ==
        std::vector{Key().text("9911").str(), Key().text("9972").str()});
  CHECK(keys(prepared->entries[3]) == std::vector{Key().raw("room").time(Time{10}).str()});
  CHECK(prepared->entries[3].entries()[0].end == Time{20});
  CHECK(prepared->entries[3].entries()[0].covered == "x");
}

TEST_CASE("table: an index is found by its number", "[engine]") {
  const Table<Person> table = people();
  REQUIRE(table.def().index(4) != nullptr);
  CHECK(table.def().index(4)->name == "busy");
  CHECK(table.def().index(4)->version == 7);
  CHECK(table.def().index(5) == nullptr);
}

TEST_CASE("table: an interval that is empty or turned around is refused, naming the index",
          "[engine]") {
  const auto end = GENERATE(as<std::int64_t>(), 10, 9);
  const auto prepared = people().prepare({"7", "Ana", {}, Time{10}, Time{end}});
  REQUIRE_FALSE(prepared.has_value());
  CHECK(prepared.error().code() == StatusCode::kInvalidArgument);
  CHECK(prepared.error().field() == "busy");
}

TEST_CASE("table: keys, bodies and entries have limits", "[engine]") {
  const Table<Person> table = people();
  auto code = [&](const Person& person) { return table.prepare(person).status().code(); };
  CHECK(code({"", "Ana", {}}) == StatusCode::kInvalidArgument);
  CHECK(code({std::string(kRecordKeyBytesMax, 'k'), "Ana", {}}) == StatusCode::kOk);
  CHECK(code({std::string(kRecordKeyBytesMax + 1, 'k'), "Ana", {}}) ==
        StatusCode::kInvalidArgument);
  CHECK(code({"7", std::string(kRecordBodyBytesMax, 'a'), {}}) == StatusCode::kOk);
  CHECK(code({"7", std::string(kRecordBodyBytesMax + 1, 'a'), {}}) == StatusCode::kInvalidArgument);
  CHECK(code({"7", "Ana", {std::string(kEntryKeyBytesMax - 2, '1')}}) == StatusCode::kOk);
  CHECK(code({"7", "Ana", {std::string(kEntryKeyBytesMax - 1, '1')}}) ==
        StatusCode::kInvalidArgument);

  std::string words;
  for (std::size_t i = 0; i < kEntriesPerIndexMax; ++i) words += std::to_string(i) + ' ';
  CHECK(code({"7", words, {}}) == StatusCode::kOk);
  CHECK(code({"7", words + "more", {}}) == StatusCode::kInvalidArgument);

  IndexEntries entries(IndexKind::kOrdered);
  entries.add("k", std::string(kCoveredBytesMax + 1, 'c'));
  CHECK(entries.finish().code() == StatusCode::kInvalidArgument);
}

TEST_CASE("index_entries: sorted, one a key, the first added staying", "[engine]") {
  IndexEntries entries(IndexKind::kOrdered);
  entries.add("b", "1");
  entries.add("a", "2");
  entries.add("b", "3");
  REQUIRE(entries.finish().ok());
  REQUIRE(keys(entries) == std::vector<std::string>{"a", "b"});
  CHECK(entries.entries()[1].covered == "1");
}

TEST_CASE("index_entries: equal claims are one; claims from one start with two ends are refused",
          "[engine]") {
  IndexEntries same(IndexKind::kClaim);
  same.add_claim("r", Time{1}, Time{2});
  same.add_claim("r", Time{1}, Time{2});
  REQUIRE(same.finish().ok());
  CHECK(same.entries().size() == 1);

  IndexEntries other(IndexKind::kClaim);
  other.add_claim("r", Time{1}, Time{2});
  other.add_claim("r", Time{1}, Time{3});
  CHECK(other.finish().code() == StatusCode::kInvalidArgument);
}

}  // namespace clinicdb::engine
