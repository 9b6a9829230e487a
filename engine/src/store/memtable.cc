#include "store/memtable.h"

#include <rocksdb/memtablerep.h>
#include <rocksdb/slice.h>

#include <memory>
#include <string_view>
#include <vector>

#include "store/key_tree.h"

#if defined(__SANITIZE_THREAD__)
extern "C" {
void __tsan_acquire(void* address);
void __tsan_release(void* address);
}
#endif

namespace clinicdb::engine {

namespace {

/// RocksDB makes a memtable, has its writers insert one after another and readers begin behind
/// that, by locks of its own. The thread sanitizer does not see those, for RocksDB is not
/// instrumented, so it is told of them here.
class Ordered {
 public:
  explicit Ordered([[maybe_unused]] const void* memtable) : memtable_(memtable) {
#if defined(__SANITIZE_THREAD__)
    __tsan_acquire(const_cast<void*>(memtable_));
#endif
  }
  ~Ordered() {
#if defined(__SANITIZE_THREAD__)
    __tsan_release(const_cast<void*>(memtable_));
#endif
  }
  Ordered(const Ordered&) = delete;
  Ordered& operator=(const Ordered&) = delete;

 private:
  [[maybe_unused]] const void* memtable_;
};

EntryKey entry_key(const rocksdb::Slice& internal_key) {
  return EntryKey::of_internal({internal_key.data(), internal_key.size()});
}

class TreeIterator : public rocksdb::MemTableRep::Iterator {
 public:
  explicit TreeIterator(const KeyTree& tree) : cursor_(tree) {}
  void bind(const KeyTree& tree) { cursor_.bind(tree); }

  bool Valid() const override { return cursor_.valid(); }
  const char* key() const override { return cursor_.entry(); }
  void Next() override { cursor_.next(); }
  void Prev() override { cursor_.prev(); }
  void Seek(const rocksdb::Slice& internal_key, const char* entry) override {
    cursor_.seek(entry != nullptr ? EntryKey::of(entry) : entry_key(internal_key));
  }
  void SeekForPrev(const rocksdb::Slice& internal_key, const char* entry) override {
    cursor_.seek_for_prev(entry != nullptr ? EntryKey::of(entry) : entry_key(internal_key));
  }
  void SeekToFirst() override { cursor_.first(); }
  void SeekToLast() override { cursor_.last(); }

 private:
  KeyTree::Cursor cursor_;
};

/// RocksDB has an iterator live in an arena of its own, whose type is not public: there it calls
/// the destructor and nothing more. So an iterator's memory is given back by its destructor, to the
/// thread that runs it, and operator delete has nothing left to do.
class OwnMemoryIterator final : public TreeIterator {
 public:
  using TreeIterator::TreeIterator;
  ~OwnMemoryIterator() override {
    // A thread that is ending keeps nothing any more; what ends after that stays the system's to
    // free.
    if (!spare_gone_) spare().blocks.emplace_back(static_cast<void*>(this));
  }
  OwnMemoryIterator(const OwnMemoryIterator&) = delete;
  OwnMemoryIterator& operator=(const OwnMemoryIterator&) = delete;

  static void* operator new(std::size_t bytes) {
    if (spare_gone_ || spare().blocks.empty()) return ::operator new(bytes);
    void* const block = spare().blocks.back().release();
    spare().blocks.pop_back();
    return block;
  }
  static void operator delete(void*) {}

 private:
  struct Freed {
    void operator()(void* block) const { ::operator delete(block); }
  };
  struct Spare {
    std::vector<std::unique_ptr<void, Freed>> blocks;
    ~Spare() { spare_gone_ = true; }
  };
  static Spare& spare() {
    static thread_local Spare spare;
    return spare;
  }
  static thread_local bool spare_gone_;
};

thread_local bool OwnMemoryIterator::spare_gone_ = false;

class TreeMemtable final : public rocksdb::MemTableRep {
 public:
  explicit TreeMemtable(rocksdb::Allocator* allocator)
      : rocksdb::MemTableRep(allocator), tree_([this](std::size_t bytes) {
          char* memory = nullptr;
          rocksdb::MemTableRep::Allocate(bytes, &memory);
          return memory;
        }) {
    const Ordered made(this);
  }

  void Insert(rocksdb::KeyHandle handle) override {
    const Ordered behind_the_others(this);
    tree_.insert(static_cast<const char*>(handle));
  }
  bool Contains(const char* entry) const override {
    const Ordered behind_its_making(this);
    return tree_.contains(EntryKey::of(entry));
  }
  /// All of the tree's memory is the allocator's, which counts it.
  size_t ApproximateMemoryUsage() override { return 0; }
  Iterator* GetIterator(rocksdb::Arena* /*arena*/) override {
    const Ordered behind_its_making(this);
    return new OwnMemoryIterator(tree_);
  }

  /// Asked for by MemTableRep::Get alone, since there is no prefix extractor: it seeks, reads, and
  /// leaves the iterator behind (7.8.3), so the thread's own is lent to it.
  Iterator* GetDynamicPrefixIterator(rocksdb::Arena* /*arena*/) override {
    const Ordered behind_its_making(this);
    static thread_local TreeIterator lent(tree_);
    lent.bind(tree_);
    return &lent;
  }

 private:
  KeyTree tree_;
};

class TreeMemtableFactory final : public rocksdb::MemTableRepFactory {
 public:
  using rocksdb::MemTableRepFactory::CreateMemTableRep;
  rocksdb::MemTableRep* CreateMemTableRep(const rocksdb::MemTableRep::KeyComparator& /*order*/,
                                          rocksdb::Allocator* allocator,
                                          const rocksdb::SliceTransform* /*prefix*/,
                                          rocksdb::Logger* /*logger*/) override {
    return new TreeMemtable(allocator);
  }
  const char* Name() const override { return "clinicdb.KeyTree"; }
};

}  // namespace

std::shared_ptr<rocksdb::MemTableRepFactory> make_memtable_factory() {
  return std::make_shared<TreeMemtableFactory>();
}

}  // namespace clinicdb::engine
