#include "txn/overlay.h"

#include <cstring>

#include "clinicdb/base/check.h"

namespace clinicdb::engine {

std::string_view Overlay::copy(std::string_view bytes) {
  if (bytes.empty()) return {};
  char* at = static_cast<char*>(arena_.allocate(bytes.size(), 1));
  std::memcpy(at, bytes.data(), bytes.size());
  return {at, bytes.size()};
}

void Overlay::set(std::string_view key, const Value& value) {
  const auto position = map_.lower_bound(key);
  bytes_ += key.size() + value.bytes.size();
  if (position != map_.end() && position->first == key) {
    undo_.push_back({position, position->second});
    position->second = value;
    return;
  }
  undo_.push_back({map_.emplace_hint(position, copy(key), value), std::nullopt});
}

void Overlay::put(std::string_view key, std::string_view value, bool envelope) {
  set(key, Value{copy(value), false, envelope});
}

void Overlay::remove(std::string_view key) { set(key, Value{{}, true, false}); }

const Overlay::Value* Overlay::find(std::string_view key) const {
  const auto position = map_.find(key);
  return position == map_.end() ? nullptr : &position->second;
}

void Overlay::rollback(std::size_t savepoint) {
  CLINICDB_CHECK(savepoint <= undo_.size());
  while (undo_.size() > savepoint) {
    const Undo& undo = undo_.back();
    if (undo.before) {
      undo.entry->second = *undo.before;
    } else {
      map_.erase(undo.entry);
    }
    undo_.pop_back();
  }
}

void Overlay::for_each_change(
    std::size_t savepoint, FunctionRef<void(std::string_view key, const Value& value)> show) const {
  for (std::size_t i = savepoint; i < undo_.size(); ++i)
    show(undo_[i].entry->first, undo_[i].entry->second);
}

char* Overlay::mutable_bytes(const Value& value) {
  CLINICDB_CHECK(value.envelope);
  return const_cast<char*>(value.bytes.data());
}

}  // namespace clinicdb::engine
