// An ordered map behind the engine's KvView: what the simulation puts in RocksDB's place.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "store/kv.h"

namespace clinicdb::engine::testing {

class MemoryKvView final : public KvView {
 public:
  using Map = std::map<std::string, std::string, std::less<>>;

  explicit MemoryKvView(const Map& map) : map_(map) {}

  Status get(std::string_view key,
             FunctionRef<Status(std::string_view value)> found) const override {
    const auto position = map_.find(key);
    return position == map_.end() ? Status() : found(position->second);
  }

  std::unique_ptr<KvIterator> iterate(std::string_view lower, std::string_view upper,
                                      bool reverse) const override {
    return std::make_unique<Iterator>(map_, lower, upper, reverse);
  }

 private:
  class Iterator final : public KvIterator {
   public:
    Iterator(const Map& map, std::string_view lower, std::string_view upper, bool reverse)
        : begin_(map.lower_bound(lower)),
          end_(upper.empty() ? map.end() : map.lower_bound(upper)),
          reverse_(reverse),
          map_(map) {}
    void seek(std::string_view key) override {
      if (reverse_) {
        if (!key.empty()) end_ = map_.lower_bound(key);
      } else {
        begin_ = map_.lower_bound(key);
      }
    }
    void step() override { reverse_ ? static_cast<void>(--end_) : static_cast<void>(++begin_); }
    bool valid() const override { return begin_ != end_; }
    std::string_view key() const override { return at()->first; }
    std::string_view value() const override { return at()->second; }
    Status status() const override { return Status(); }

   private:
    Map::const_iterator at() const { return reverse_ ? std::prev(end_) : begin_; }
    Map::const_iterator begin_;
    Map::const_iterator end_;
    bool reverse_;
    const Map& map_;
  };

  const Map& map_;
};

}  // namespace clinicdb::engine::testing
