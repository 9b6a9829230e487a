// KeyTree: the keys of a RocksDB memtable, in order: a B+ tree that one thread fills while any
// number read it without a lock.
//
// Why not RocksDB's skip list: an insert walks some twenty nodes that lie anywhere in tens of
// megabytes, each a cache miss, and costs more than everything else that a write does. Here a key
// is found by the numbers in three or four nodes, and its bytes are looked at only where numbers
// are equal.
//
//   node    prefix   what all its keys begin with, up to 24 bytes
//           heads    of each key the eight bytes behind the prefix, as a number in order of the
//           bytes entries  of each key where it lies leaf: next leaf; inner: one child more than
//           keys, child i holding what is below key i
//
// Invariants
//   T1  heads are ascending, and keys with equal heads are too;
//   T2  a key of an inner node is the first of the leaves below the child behind it, and never
//   goes; T3  a node's version is odd while it changes. A split makes every node odd that it will
//   change,
//       from the top, before it changes the first: who has read a child and finds the parent's
//       version as it was has the right child;
//   T4  nothing is freed before the tree is: a reader that was overtaken reads something old, finds
//       the version changed and starts again.
//
// So a reader reads the version, then the node, then the version again (a seqlock). Every field
// that it reads is atomic, and loads acquire, so that the last read stays behind the others.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

namespace clinicdb::engine {

/// An entry begins with the size of its key (varint32) and the key: what RocksDB calls an internal
/// key, the user's key and eight bytes, little-endian, of sequence number and kind. Order: user's
/// keys bytewise, then the newest first.
struct EntryKey {
  std::string_view user;
  std::uint64_t trailer = 0;

  /// Of an entry. REQUIRES: the entry is as above.
  static EntryKey of(const char* entry);
  /// Of an internal key. REQUIRES: at least eight bytes.
  static EntryKey of_internal(std::string_view internal_key);
};

/// One thread at a time may call insert; all other calls may run beside it and beside each other.
class KeyTree {
 public:
  static constexpr std::size_t kKeysMax = 32;  ///< of a node

  /// `allocate` gives memory, for any type, that lives as long as the tree.
  explicit KeyTree(std::function<char*(std::size_t bytes)> allocate);
  KeyTree(const KeyTree&) = delete;
  KeyTree& operator=(const KeyTree&) = delete;

  /// The entry lives as long as the tree. REQUIRES: its key is not in the tree.
  void insert(const char* entry);
  bool contains(const EntryKey& key) const;

  /// A place among the keys. What was inserted after it was last placed may be passed over, what
  /// was there before never is. Confined to one thread; the tree outlives it.
  class Cursor {
   public:
    explicit Cursor(const KeyTree& tree) : tree_(&tree) {}
    /// To another tree, at no key.
    void bind(const KeyTree& tree) {
      tree_ = &tree;
      end();
    }

    bool valid() const { return at_ < count_; }
    /// REQUIRES: valid.
    const char* entry() const { return entries_[at_]; }
    void next();
    void prev();
    /// At the first key that is not before `key`.
    void seek(const EntryKey& key);
    /// At the last key that is not behind `key`.
    void seek_for_prev(const EntryKey& key);
    void first();
    void last();

   private:
    friend class KeyTree;
    void take_next_leaf();
    void end() { at_ = count_ = 0; }

    // A copy of the leaf: a leaf that is split meanwhile stays whole for who is in it.
    const KeyTree* tree_;
    const void* next_leaf_ = nullptr;
    std::size_t count_ = 0;
    std::size_t at_ = 0;
    std::array<const char*, kKeysMax> entries_;  // the first count_ are set
  };

 private:
  struct Node;
  struct Inner;
  struct Path;
  struct Search;

  void descend(const Search& search, Cursor& cursor, std::size_t& position) const;
  static bool copy_leaf(const Node& leaf, std::uint32_t version, Cursor& cursor);
  void split(Path& path, const char* entry);
  void grow(Path& path, std::size_t level, const char* separator, Node* right);
  Node* make_leaf();
  Inner* make_inner();
  char* allocate_node(std::size_t bytes);

  std::function<char*(std::size_t)> allocate_;
  char* slab_ = nullptr;  // the writer's
  std::size_t slab_left_ = 0;
  std::atomic<Node*> root_;
};

}  // namespace clinicdb::engine
