// KeyTree against std::map, in every order of inserts that a store makes; and beside readers.
#include "store/key_tree.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "clinicdb/base/bytes.h"
#include "clinicdb/base/random.h"

namespace clinicdb::engine {
namespace {

/// What RocksDB's arena does, and nothing is freed before the tree is.
class Memory {
 public:
  char* allocate(std::size_t bytes) {
    blocks_.push_back(std::make_unique<char[]>(bytes));
    return blocks_.back().get();
  }
  const char* entry(const std::string& user, std::uint64_t trailer) {
    std::string bytes;
    append_varint(bytes, user.size() + 8);
    bytes += user;
    append_le64(bytes, trailer);
    char* const at = allocate(bytes.size());
    bytes.copy(at, bytes.size());
    return at;
  }

 private:
  std::vector<std::unique_ptr<char[]>> blocks_;
};

struct NewestFirst {
  using Key = std::pair<std::string, std::uint64_t>;
  bool operator()(const Key& a, const Key& b) const {
    return a.first != b.first ? a.first < b.first : a.second > b.second;
  }
};
using TreeModel = std::map<NewestFirst::Key, const char*, NewestFirst>;

/// Keys as they come: rows of random ids, versions behind a row, events in sequence, keys that are
/// the beginning of others, and keys that share nothing.
std::string some_key(SeededRandom& random, std::uint64_t number) {
  std::string key = "tenant";
  key.push_back(static_cast<char>(random.below(3)));
  switch (random.below(6)) {
    case 0: {
      key += "rows-with-a-long-prefix-";
      append_be64(key, random.next());
      return key;
    }
    case 1: {
      key += "rows-with-a-long-prefix-";
      append_be64(key, random.below(50));
      append_be64(key, number);
      return key;
    }
    case 2: {
      key += "events";
      append_be64(key, number);
      return key;
    }
    case 3:
      return key + std::string(random.below(40), 'a');
    case 4:
      return key + std::string(random.below(12), '\0');
    default: {
      std::string bytes;
      for (std::uint64_t i = random.below(30); i > 0; --i)
        bytes.push_back(static_cast<char>(random.below(256)));
      return bytes;
    }
  }
}

void check_walks(const KeyTree& tree, const TreeModel& model) {
  KeyTree::Cursor cursor(tree);
  std::size_t wrong = 0;
  cursor.first();
  for (const auto& [key, entry] : model) {
    if (!cursor.valid() || cursor.entry() != entry) ++wrong;
    if (cursor.valid()) cursor.next();
  }
  CHECK_FALSE(cursor.valid());
  cursor.last();
  for (auto place = model.rbegin(); place != model.rend(); ++place) {
    if (!cursor.valid() || cursor.entry() != place->second) ++wrong;
    if (cursor.valid()) cursor.prev();
  }
  CHECK_FALSE(cursor.valid());
  CHECK(wrong == 0);
}

void check_seeks(const KeyTree& tree, const TreeModel& model, SeededRandom& random) {
  KeyTree::Cursor cursor(tree);
  std::size_t wrong = 0;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    NewestFirst::Key key{some_key(random, random.below(20'000)), random.below(3)};
    if (!model.empty() && random.below(2) == 0) {
      const auto there = model.lower_bound(key);
      if (there != model.end()) key = there->first;
    }
    const EntryKey searched{key.first, key.second};
    const auto behind = model.upper_bound(key);
    const auto from = model.lower_bound(key);
    cursor.seek(searched);
    if (cursor.valid() != (from != model.end())) ++wrong;
    if (cursor.valid() && from != model.end() && cursor.entry() != from->second) ++wrong;
    cursor.seek_for_prev(searched);
    if (cursor.valid() != (behind != model.begin())) ++wrong;
    if (cursor.valid() && behind != model.begin() && cursor.entry() != std::prev(behind)->second)
      ++wrong;
    if (tree.contains(searched) != (model.count(key) == 1)) ++wrong;
  }
  CHECK(wrong == 0);
}

}  // namespace

TEST_CASE("key_tree: an empty tree has no place for a cursor", "[engine]") {
  Memory memory;
  const KeyTree tree([&](std::size_t bytes) { return memory.allocate(bytes); });
  KeyTree::Cursor cursor(tree);
  cursor.first();
  CHECK_FALSE(cursor.valid());
  cursor.last();
  CHECK_FALSE(cursor.valid());
  cursor.seek({"a", 1});
  CHECK_FALSE(cursor.valid());
  cursor.seek_for_prev({"a", 1});
  CHECK_FALSE(cursor.valid());
  CHECK_FALSE(tree.contains({"a", 1}));
}

TEST_CASE("key_tree: holds what std::map holds, in its order", "[engine]") {
  const std::uint64_t seed = GENERATE(1u, 2u, 3u, 4u);
  SeededRandom random(seed);
  Memory memory;
  KeyTree tree([&](std::size_t bytes) { return memory.allocate(bytes); });
  TreeModel model;
  for (std::uint64_t number = 0; number < 20'000; ++number) {
    const NewestFirst::Key key{some_key(random, number), random.below(3)};
    if (model.count(key) != 0) continue;
    const char* const entry = memory.entry(key.first, key.second);
    tree.insert(entry);
    model.emplace(key, entry);
    if (number == 20 || number == 1000) check_walks(tree, model);
  }
  check_walks(tree, model);
  check_seeks(tree, model, random);
}

TEST_CASE("key_tree: keys in ascending and in descending order", "[engine]") {
  const bool ascending = GENERATE(true, false);
  Memory memory;
  KeyTree tree([&](std::size_t bytes) { return memory.allocate(bytes); });
  TreeModel model;
  for (std::uint64_t i = 0; i < 5000; ++i) {
    std::string key = "tenant--events";
    append_be64(key, ascending ? i : 5000 - i);
    const char* const entry = memory.entry(key, 1);
    tree.insert(entry);
    model.emplace(NewestFirst::Key{key, 1}, entry);
  }
  check_walks(tree, model);
}

// Each reader knows how far the writer had come before it began, and must find all of that.
TEST_CASE("key_tree: readers beside the writer miss nothing that was there before", "[engine]") {
  constexpr std::uint64_t kKeys = 30'000;
  Memory memory;
  KeyTree tree([&](std::size_t bytes) { return memory.allocate(bytes); });
  SeededRandom random(7);
  std::vector<std::string> keys;
  std::vector<const char*> entries;
  for (std::uint64_t i = 0; i < kKeys; ++i) {
    std::string key = i % 2 == 0 ? "tenant--rows" : "tenant--events";
    append_be64(key, i % 2 == 0 ? random.next() : i);
    keys.push_back(key);
    entries.push_back(memory.entry(key, 9));
  }
  std::atomic<std::uint64_t> inserted{0};
  std::atomic<std::uint64_t> wrong{0};
  std::atomic<std::uint64_t> walks{0};
  const auto read = [&](std::uint64_t seed) {
    SeededRandom choice(seed);
    KeyTree::Cursor cursor(tree);
    while (inserted.load(std::memory_order_acquire) < kKeys) {
      const std::uint64_t before = inserted.load(std::memory_order_acquire);
      if (before == 0) continue;
      for (int i = 0; i < 200; ++i) {
        const std::uint64_t one = choice.below(before);
        cursor.seek({keys[one], 9});
        if (!cursor.valid() || cursor.entry() != entries[one]) ++wrong;
      }
      if (choice.below(20) != 0) continue;
      std::uint64_t seen = 0;
      std::string last;
      const bool forward = choice.below(2) == 0;
      forward ? cursor.first() : cursor.last();
      for (; cursor.valid(); forward ? cursor.next() : cursor.prev(), ++seen) {
        const std::string_view key = EntryKey::of(cursor.entry()).user;
        if (seen > 0 && (forward ? key <= last : key >= last)) ++wrong;
        last = key;
      }
      if (seen < before) ++wrong;
      ++walks;
    }
  };
  std::thread first(read, 1);
  std::thread second(read, 2);
  for (std::uint64_t i = 0; i < kKeys; ++i) {
    tree.insert(entries[i]);
    inserted.store(i + 1, std::memory_order_release);
    if (i % 64 == 0) std::this_thread::yield();
  }
  first.join();
  second.join();
  CHECK(wrong == 0);
  CHECK(inserted == kKeys);
  KeyTree::Cursor cursor(tree);
  std::uint64_t all = 0;
  for (cursor.first(); cursor.valid(); cursor.next()) ++all;
  CHECK(all == kKeys);
}

}  // namespace clinicdb::engine
