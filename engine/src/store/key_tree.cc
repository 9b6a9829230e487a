#include "store/key_tree.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <thread>
#include <utility>

#include "clinicdb/base/bytes.h"
#include "clinicdb/base/check.h"

namespace clinicdb::engine {

namespace {

constexpr std::size_t kPrefixBytesMax = 24;
constexpr std::size_t kTrailerBytes = 8;
constexpr std::size_t kCacheLine = 64;
/// Nodes are cut from pieces of this size, so that few bytes go into keeping them at cache lines;
/// small, for they count against the memtable's size.
constexpr std::size_t kSlabBytes = 4096;
/// With sixteen keys a node at the least, more than any memory holds.
constexpr std::size_t kLevelsMax = 16;

int compare(const EntryKey& a, const EntryKey& b) {
  if (const int order = a.user.compare(b.user); order != 0) return order;
  if (a.trailer == b.trailer) return 0;
  return a.trailer > b.trailer ? -1 : 1;
}

/// The eight bytes of the key behind `prefix`, as a number in the order of the bytes.
std::uint64_t head_of(std::string_view user_key, std::size_t prefix) {
  if (user_key.size() >= prefix + 8) return load_be64(user_key.data() + prefix);
  char bytes[8] = {};
  if (user_key.size() > prefix)
    std::memcpy(bytes, user_key.data() + prefix, user_key.size() - prefix);
  return load_be64(bytes);
}

std::size_t common_bytes(std::string_view a, std::string_view b) {
  const std::size_t most = std::min({a.size(), b.size(), kPrefixBytesMax});
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.begin() + most, b.begin()).first -
                                  a.begin());
}

/// Which keys of a node are counted.
enum class Counted : std::uint8_t { kBefore, kUpTo, kAll };

}  // namespace

EntryKey EntryKey::of_internal(std::string_view internal_key) {
  CLINICDB_CHECK(internal_key.size() >= kTrailerBytes);
  const std::size_t user_bytes = internal_key.size() - kTrailerBytes;
  return {internal_key.substr(0, user_bytes), load_le64(internal_key.data() + user_bytes)};
}

EntryKey EntryKey::of(const char* entry) {
  std::size_t bytes = 0;
  int shift = 0;
  while (true) {
    const auto byte = static_cast<std::uint8_t>(*entry++);
    bytes |= static_cast<std::size_t>(byte & 0x7f) << shift;
    if (byte < 0x80) break;
    shift += 7;
    CLINICDB_CHECK(shift < 35);
  }
  return of_internal({entry, bytes});
}

struct KeyTree::Search {
  EntryKey key;
  Counted in_inner;
  Counted in_leaf;
};

struct KeyTree::Node {
  explicit Node(bool is_leaf) : leaf(is_leaf) {}

  std::atomic<std::uint32_t> version{0};  // odd: being changed (T3)
  std::atomic<std::uint32_t> count{0};
  std::atomic<std::uint32_t> prefix_bytes{0};
  const bool leaf;
  std::array<std::atomic<std::uint64_t>, kPrefixBytesMax / 8> prefix{};
  std::atomic<Node*> next{nullptr};  // of a leaf
  std::array<std::atomic<std::uint64_t>, kKeysMax> heads{};
  std::array<std::atomic<const char*>, kKeysMax> entries{};

  bool full() const { return count.load(std::memory_order_relaxed) == kKeysMax; }

  // Readers.
  std::uint32_t stable_version() const;
  bool unchanged(std::uint32_t seen) const {
    return version.load(std::memory_order_acquire) == seen;
  }
  static constexpr std::size_t kTorn = ~std::size_t{0};
  /// How many keys are counted; kTorn when the node was being changed. Correct when the version is
  /// unchanged.
  std::size_t rank(const EntryKey& key, Counted counted) const;

  // The writer. A change stands between begin and end, but in a node that no reader can reach.
  void begin_change() {
    version.store(version.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  void end_change() {
    version.store(version.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  void set_prefix(std::string_view bytes);
  void insert_key(std::size_t position, const char* entry);
  /// Replaces all keys.
  void set_keys(std::span<const char* const> keys);
};

struct KeyTree::Inner : Node {
  Inner() : Node(false) {}
  std::array<std::atomic<Node*>, kKeysMax + 1> children{};

  void insert_child(std::size_t position, const char* separator, Node* right);
};

/// The writer's way from the root to a leaf.
struct KeyTree::Path {
  struct Step {
    Inner* inner;
    std::size_t child;
  };
  std::array<Step, kLevelsMax> steps;
  std::size_t size = 0;
  Node* leaf = nullptr;
  std::size_t position = 0;  // of the new key in the leaf
};

std::uint32_t KeyTree::Node::stable_version() const {
  // A change takes less than a microsecond, unless its thread loses the processor in the middle.
  for (int tries = 0;; ++tries) {
    const std::uint32_t seen = version.load(std::memory_order_acquire);
    if ((seen & 1) == 0) return seen;
    if (tries > 100) std::this_thread::yield();
  }
}

std::size_t KeyTree::Node::rank(const EntryKey& key, Counted counted) const {
  const std::size_t keys = count.load(std::memory_order_acquire);
  if (counted == Counted::kAll || keys == 0) return keys;
  const std::size_t shared = prefix_bytes.load(std::memory_order_acquire);
  std::array<std::uint64_t, kPrefixBytesMax / 8> words;
  for (std::size_t i = 0; i < words.size(); ++i)
    words[i] = prefix[i].load(std::memory_order_acquire);
  const std::size_t compared = std::min(shared, key.user.size());
  // Before the first key stands one without bytes: its address may be null, which memcmp may not be
  // given.
  const int of_prefix = compared == 0 ? 0 : std::memcmp(words.data(), key.user.data(), compared);
  if (of_prefix != 0) return of_prefix < 0 ? keys : 0;
  if (key.user.size() < shared) return 0;

  const std::uint64_t head = head_of(key.user, shared);
  std::size_t low = 0;
  std::size_t high = keys;
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (heads[middle].load(std::memory_order_acquire) < head) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  while (high < keys && heads[high].load(std::memory_order_acquire) == head) ++high;
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    const char* const entry = entries[middle].load(std::memory_order_acquire);
    if (entry == nullptr) return kTorn;
    const int order = compare(EntryKey::of(entry), key);
    if (order < 0 || (order == 0 && counted == Counted::kUpTo)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

void KeyTree::Node::set_prefix(std::string_view bytes) {
  CLINICDB_CHECK(bytes.size() <= kPrefixBytesMax);
  std::array<std::uint64_t, kPrefixBytesMax / 8> words{};
  if (!bytes.empty()) std::memcpy(words.data(), bytes.data(), bytes.size());
  prefix_bytes.store(static_cast<std::uint32_t>(bytes.size()), std::memory_order_release);
  for (std::size_t i = 0; i < words.size(); ++i)
    prefix[i].store(words[i], std::memory_order_release);
}

void KeyTree::Node::set_keys(std::span<const char* const> keys) {
  std::string_view shared;
  if (!keys.empty()) {
    // In order: what the first and the last share, all do.
    shared = EntryKey::of(keys.front()).user;
    shared = shared.substr(0, common_bytes(shared, EntryKey::of(keys.back()).user));
  }
  set_prefix(shared);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    heads[i].store(head_of(EntryKey::of(keys[i]).user, shared.size()), std::memory_order_release);
    entries[i].store(keys[i], std::memory_order_release);
  }
  count.store(static_cast<std::uint32_t>(keys.size()), std::memory_order_release);
}

void KeyTree::Node::insert_key(std::size_t position, const char* entry) {
  const std::size_t keys = count.load(std::memory_order_relaxed);
  const std::string_view user = EntryKey::of(entry).user;
  std::size_t shared = prefix_bytes.load(std::memory_order_relaxed);
  if (keys == 0) {
    shared = std::min(user.size(), kPrefixBytesMax);
    set_prefix(user.substr(0, shared));
  } else {
    std::array<std::uint64_t, kPrefixBytesMax / 8> words;
    for (std::size_t i = 0; i < words.size(); ++i)
      words[i] = prefix[i].load(std::memory_order_relaxed);
    const std::string_view all(reinterpret_cast<const char*>(words.data()), shared);
    if (const std::size_t fewer = common_bytes(user, all); fewer < shared) {
      shared = fewer;
      set_prefix(user.substr(0, shared));
      for (std::size_t i = 0; i < keys; ++i) {
        const char* const there = entries[i].load(std::memory_order_relaxed);
        heads[i].store(head_of(EntryKey::of(there).user, shared), std::memory_order_release);
      }
    }
  }
  for (std::size_t i = keys; i > position; --i) {
    heads[i].store(heads[i - 1].load(std::memory_order_relaxed), std::memory_order_release);
    entries[i].store(entries[i - 1].load(std::memory_order_relaxed), std::memory_order_release);
  }
  heads[position].store(head_of(user, shared), std::memory_order_release);
  entries[position].store(entry, std::memory_order_release);
  count.store(static_cast<std::uint32_t>(keys + 1), std::memory_order_release);
}

void KeyTree::Inner::insert_child(std::size_t position, const char* separator, Node* right) {
  const std::size_t keys = count.load(std::memory_order_relaxed);
  for (std::size_t i = keys + 1; i > position + 1; --i)
    children[i].store(children[i - 1].load(std::memory_order_relaxed), std::memory_order_release);
  children[position + 1].store(right, std::memory_order_release);
  insert_key(position, separator);
}

KeyTree::KeyTree(std::function<char*(std::size_t)> allocate)
    : allocate_(std::move(allocate)), root_(make_leaf()) {}

char* KeyTree::allocate_node(std::size_t bytes) {
  const std::size_t taken = (bytes + kCacheLine - 1) / kCacheLine * kCacheLine;
  if (slab_left_ < taken) {
    void* fresh = allocate_(kSlabBytes + kCacheLine);
    std::size_t space = kSlabBytes + kCacheLine;
    slab_ = static_cast<char*>(std::align(kCacheLine, kSlabBytes, fresh, space));
    slab_left_ = kSlabBytes;
  }
  char* const node = slab_;
  slab_ += taken;
  slab_left_ -= taken;
  return node;
}

KeyTree::Node* KeyTree::make_leaf() {
  static_assert(sizeof(Node) <= kSlabBytes && sizeof(Inner) <= kSlabBytes);
  // Never destroyed: the memory goes as a whole.
  static_assert(std::is_trivially_destructible_v<Node> && std::is_trivially_destructible_v<Inner>);
  return new (allocate_node(sizeof(Node))) Node(true);
}

KeyTree::Inner* KeyTree::make_inner() { return new (allocate_node(sizeof(Inner))) Inner; }

void KeyTree::insert(const char* entry) {
  const EntryKey key = EntryKey::of(entry);
  Path path;
  Node* node = root_.load(std::memory_order_relaxed);
  while (!node->leaf) {
    auto* const inner = static_cast<Inner*>(node);
    CLINICDB_CHECK(path.size < kLevelsMax);
    const std::size_t child = inner->rank(key, Counted::kUpTo);
    path.steps[path.size++] = {inner, child};
    node = inner->children[child].load(std::memory_order_relaxed);
  }
  path.leaf = node;
  path.position = node->rank(key, Counted::kBefore);
  if (node->full()) return split(path, entry);
  node->begin_change();
  node->insert_key(path.position, entry);
  node->end_change();
}

// T3: odd from the top, before the first change.
void KeyTree::split(Path& path, const char* entry) {
  std::size_t top = path.size;  // the first step that changes
  while (top > 0 && path.steps[top - 1].inner->full()) --top;
  if (top > 0) --top;
  for (std::size_t i = top; i < path.size; ++i) path.steps[i].inner->begin_change();
  Node& leaf = *path.leaf;
  leaf.begin_change();

  std::array<const char*, kKeysMax + 1> keys;
  for (std::size_t i = 0; i <= kKeysMax; ++i) {
    if (i == path.position) {
      keys[i] = entry;
    } else {
      keys[i] = leaf.entries[i - (i > path.position ? 1 : 0)].load(std::memory_order_relaxed);
    }
  }
  // A key behind all others is likely to be followed by more: they fill leaves from their
  // beginning.
  const std::size_t left = path.position == kKeysMax ? kKeysMax : (kKeysMax + 1) / 2;
  Node* const right = make_leaf();
  right->set_keys(std::span(keys).subspan(left));
  right->next.store(leaf.next.load(std::memory_order_relaxed), std::memory_order_relaxed);
  leaf.set_keys(std::span(keys).first(left));
  leaf.next.store(right, std::memory_order_release);

  grow(path, path.size, keys[left], right);
  leaf.end_change();
  for (std::size_t i = path.size; i > top; --i) path.steps[i - 1].inner->end_change();
}

/// Puts `right`, which begins with `separator`, behind the node that stands at `level` of the path.
void KeyTree::grow(Path& path, std::size_t level, const char* separator, Node* right) {
  if (level == 0) {
    Inner* const root = make_inner();
    root->children[0].store(root_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    root->insert_child(0, separator, right);
    root_.store(root, std::memory_order_release);
    return;
  }
  Inner& inner = *path.steps[level - 1].inner;
  const std::size_t at = path.steps[level - 1].child;
  if (!inner.full()) return inner.insert_child(at, separator, right);

  std::array<const char*, kKeysMax + 1> keys;
  std::array<Node*, kKeysMax + 2> children;
  children[0] = inner.children[0].load(std::memory_order_relaxed);
  for (std::size_t i = 0; i <= kKeysMax; ++i) {
    const std::size_t from = i - (i > at ? 1 : 0);
    keys[i] = i == at ? separator : inner.entries[from].load(std::memory_order_relaxed);
    children[i + 1] = i == at ? right : inner.children[from + 1].load(std::memory_order_relaxed);
  }
  const std::size_t middle = at == kKeysMax ? kKeysMax : kKeysMax / 2;
  Inner* const fresh = make_inner();
  fresh->set_keys(std::span(keys).subspan(middle + 1));
  for (std::size_t i = middle + 1; i <= kKeysMax + 1; ++i)
    fresh->children[i - middle - 1].store(children[i], std::memory_order_relaxed);
  inner.set_keys(std::span(keys).first(middle));
  for (std::size_t i = 0; i <= middle; ++i)
    inner.children[i].store(children[i], std::memory_order_release);
  grow(path, level - 1, keys[middle], fresh);
}

bool KeyTree::copy_leaf(const Node& leaf, std::uint32_t version, Cursor& cursor) {
  cursor.count_ = leaf.count.load(std::memory_order_acquire);
  for (std::size_t i = 0; i < cursor.count_; ++i)
    cursor.entries_[i] = leaf.entries[i].load(std::memory_order_acquire);
  cursor.next_leaf_ = leaf.next.load(std::memory_order_acquire);
  return leaf.unchanged(version);
}

/// Copies the leaf that the search leads to; `position`: how many of its keys are counted.
void KeyTree::descend(const Search& search, Cursor& cursor, std::size_t& position) const {
  while (true) {
    const Node* node = root_.load(std::memory_order_acquire);
    std::uint32_t version = node->stable_version();
    bool overtaken = root_.load(std::memory_order_acquire) != node;
    while (!overtaken && !node->leaf) {
      const auto* const inner = static_cast<const Inner*>(node);
      const std::size_t rank = inner->rank(search.key, search.in_inner);
      overtaken = rank == Node::kTorn || !inner->unchanged(version);
      if (overtaken) break;
      const Node* const child = inner->children[rank].load(std::memory_order_acquire);
      overtaken = !inner->unchanged(version);
      if (overtaken) break;
      const std::uint32_t child_version = child->stable_version();
      overtaken = !inner->unchanged(version);
      node = child;
      version = child_version;
    }
    if (overtaken) continue;
    position = node->rank(search.key, search.in_leaf);
    if (position != Node::kTorn && copy_leaf(*node, version, cursor)) return;
  }
}

bool KeyTree::contains(const EntryKey& key) const {
  Cursor cursor(*this);
  cursor.seek(key);
  return cursor.valid() && compare(EntryKey::of(cursor.entry()), key) == 0;
}

void KeyTree::Cursor::take_next_leaf() {
  const auto* const leaf = static_cast<const Node*>(next_leaf_);
  if (leaf == nullptr) return end();
  while (!copy_leaf(*leaf, leaf->stable_version(), *this)) {
  }
  at_ = 0;
}

void KeyTree::Cursor::next() {
  CLINICDB_CHECK(valid());
  if (++at_ == count_) take_next_leaf();
}

void KeyTree::Cursor::prev() {
  CLINICDB_CHECK(valid());
  if (at_ > 0) {
    --at_;
    return;
  }
  const EntryKey key = EntryKey::of(entry());
  std::size_t before = 0;
  tree_->descend({key, Counted::kBefore, Counted::kBefore}, *this, before);
  if (before == 0) return end();
  at_ = before - 1;
}

void KeyTree::Cursor::seek(const EntryKey& key) {
  tree_->descend({key, Counted::kUpTo, Counted::kBefore}, *this, at_);
  if (at_ == count_) take_next_leaf();
}

void KeyTree::Cursor::seek_for_prev(const EntryKey& key) {
  std::size_t up_to = 0;
  tree_->descend({key, Counted::kUpTo, Counted::kUpTo}, *this, up_to);
  if (up_to == 0) return end();
  at_ = up_to - 1;
}

void KeyTree::Cursor::first() { seek({{}, ~std::uint64_t{0}}); }

void KeyTree::Cursor::last() {
  std::size_t all = 0;
  tree_->descend({{}, Counted::kAll, Counted::kAll}, *this, all);
  if (all == 0) return end();
  at_ = all - 1;
}

}  // namespace clinicdb::engine
