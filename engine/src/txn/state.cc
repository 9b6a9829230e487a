#include "txn/state.h"

#include <optional>

#include "clinicdb/base/check.h"

namespace clinicdb::engine {

namespace {

/// One overlay's keys in [lower, upper), in one direction.
class OverlayCursor {
 public:
  OverlayCursor(const Overlay& overlay, std::string_view lower, std::string_view upper,
                bool reverse)
      : reverse_(reverse),
        begin_(overlay.entries().lower_bound(lower)),
        end_(upper.empty() ? overlay.entries().end() : overlay.entries().lower_bound(upper)) {}

  bool valid() const { return begin_ != end_; }
  std::string_view key() const { return current()->first; }
  const Overlay::Value& value() const { return current()->second; }
  void step() {
    if (reverse_) {
      --end_;
    } else {
      ++begin_;
    }
  }

 private:
  Overlay::Map::const_iterator current() const { return reverse_ ? std::prev(end_) : begin_; }

  bool reverse_;
  Overlay::Map::const_iterator begin_;
  Overlay::Map::const_iterator end_;
};

bool before(std::string_view a, std::string_view b, bool reverse) {
  return reverse ? b < a : a < b;
}

/// Several overlays as one, the newest winning.
class OverlaysCursor {
 public:
  OverlaysCursor(const std::array<const Overlay*, State::kOverlaysMax>& overlays, std::size_t count,
                 std::string_view lower, std::string_view upper, bool reverse)
      : reverse_(reverse) {
    for (std::size_t i = 0; i < count; ++i) {
      cursors_[count_].emplace(*overlays[i], lower, upper, reverse);
      if (cursors_[count_]->valid()) ++count_;
    }
    choose();
  }

  bool valid() const { return chosen_ != nullptr; }
  std::string_view key() const { return chosen_->key(); }
  const Overlay::Value& value() const { return chosen_->value(); }
  void step() {
    const std::string_view taken = key();
    for (std::size_t i = 0; i < count_; ++i) {
      if (cursors_[i]->valid() && cursors_[i]->key() == taken) cursors_[i]->step();
    }
    choose();
  }

 private:
  void choose() {
    chosen_ = nullptr;
    for (std::size_t i = 0; i < count_; ++i) {
      const OverlayCursor& cursor = *cursors_[i];
      if (!cursor.valid()) continue;
      if (chosen_ == nullptr || before(cursor.key(), chosen_->key(), reverse_)) chosen_ = &cursor;
    }
  }

  bool reverse_;
  std::size_t count_ = 0;  // those with keys in the range, newest first
  std::array<std::optional<OverlayCursor>, State::kOverlaysMax> cursors_;
  const OverlayCursor* chosen_ = nullptr;
};

}  // namespace

bool ReadSet::touched_by(const Overlay& changes) const {
  for (const std::string& key : keys_) {
    if (changes.find(key) != nullptr) return true;
  }
  for (const Range& range : ranges_) {
    const auto first = changes.entries().lower_bound(range.from);
    if (first == changes.entries().end()) continue;
    if (range.to.empty() || first->first < range.to) return true;
  }
  return false;
}

void State::push(const Overlay* overlay) {
  CLINICDB_CHECK(overlay_count_ < kOverlaysMax);
  for (std::size_t i = overlay_count_; i > 0; --i) overlays_[i] = overlays_[i - 1];
  overlays_[0] = overlay;
  ++overlay_count_;
}

Status State::get(std::string_view key, FunctionRef<Status(std::string_view value)> found) const {
  if (reads_ != nullptr) reads_->add_key(key);
  for (std::size_t i = 0; i < overlay_count_; ++i) {
    if (const Overlay::Value* value = overlays_[i]->find(key)) {
      return value->deleted ? Status() : found(value->bytes);
    }
  }
  return base_->get(key, found);
}

Status State::scan(std::string_view lower, std::string_view upper, bool reverse,
                   FunctionRef<bool(std::string_view key, std::string_view value)> visit) const {
  if (!upper.empty() && upper <= lower) return Status();
  const std::unique_ptr<KvIterator> base = base_->iterate(lower, upper, reverse);
  base->seek(reverse ? upper : lower);

  std::string last_key;
  bool stopped = false;
  const auto hand_out = [&](std::string_view key, std::string_view value) {
    // C7: whatever the layers below make of bounds, nothing outside of them is ever handed out.
    CLINICDB_CHECK(key >= lower && (upper.empty() || key < upper));
    stopped = !visit(key, value);
    if (stopped && reads_ != nullptr) last_key = key;
  };
  if (overlay_count_ == 0 && reads_ == nullptr) {
    // A reader's: nothing lies over what is stored.
    while (base->valid()) {
      hand_out(base->key(), base->value());
      if (stopped) break;
      base->step();
    }
    return base->status();
  }
  OverlaysCursor changed(overlays_, overlay_count_, lower, upper, reverse);
  while (!stopped && (base->valid() || changed.valid())) {
    if (!changed.valid() || (base->valid() && before(base->key(), changed.key(), reverse))) {
      hand_out(base->key(), base->value());
      if (!stopped) base->step();  // a step costs about what a seek does, backwards above all
      continue;
    }
    if (!changed.value().deleted) hand_out(changed.key(), changed.value().bytes);
    if (stopped) break;
    if (base->valid() && base->key() == changed.key()) base->step();
    changed.step();
  }
  if (reads_ != nullptr) {
    // Only what was really looked at, so that a page does not conflict with what lies behind it.
    const std::string_view from = stopped && reverse ? std::string_view(last_key) : lower;
    if (stopped && !reverse) {
      last_key.push_back('\0');
      reads_->add_range(from, last_key);
    } else {
      reads_->add_range(from, upper);
    }
  }
  return base->status();
}

}  // namespace clinicdb::engine
