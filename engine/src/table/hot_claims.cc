#include "table/hot_claims.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "clinicdb/base/check.h"
#include "clinicdb/engine/key.h"
#include "store/layout.h"
#include "store/limits.h"
#include "table/read.h"

namespace clinicdb::engine {

namespace {

/// Of a window, as a power of two of microseconds: 19 hours, a day's work.
constexpr int kBucketBits = 36;
constexpr std::size_t kAskedSlots = 4096;

std::int64_t bucket_of(std::int64_t us) { return us >> kBucketBits; }
Time bucket_begin(std::int64_t bucket) { return Time{bucket << kBucketBits}; }

/// Whether the command has changed claims of the resource before.
bool changes_resource(const Overlay& changes, std::size_t savepoint, std::string_view resource) {
  bool found = false;
  changes.for_each_change(savepoint, [&](std::string_view key, const Overlay::Value&) {
    found = found || key.starts_with(resource);
  });
  return found;
}

}  // namespace

HotClaims::Answer HotClaims::check(const State& state, const Overlay& changes,
                                   std::size_t savepoint, const std::string& prefix,
                                   const IndexEntries::Entry& entry, std::string_view record_key) {
  const std::optional<Time> start = claim_start(entry.key);
  if (!start) return Answer::kUnknown;
  const std::int64_t bucket = bucket_of(start->us);
  if (bucket_of(entry.end.us - 1) != bucket) return Answer::kUnknown;
  // The last bucket that there is has no end that a time could say.
  if (bucket == bucket_of(INT64_MAX)) return Answer::kUnknown;
  std::string resource;
  resource.reserve(prefix.size() + entry.key.size() + kClaimStartBytes);
  resource.append(prefix).append(claimed_resource(entry.key));
  if (changes.savepoint() - savepoint > kHotCommandKeysMax ||
      changes_resource(changes, savepoint, resource))
    return Answer::kUnknown;

  const Window* window = nullptr;
  if (const std::vector<Window>* windows = find(resource)) {
    const auto found = std::find_if(windows->begin(), windows->end(), [&](const Window& one) {
      return one.until == bucket_begin(bucket + 1);
    });
    if (found != windows->end()) window = &*found;
  }
  if (window == nullptr) {
    if (!asked_before(resource, bucket)) return Answer::kUnknown;
    window = load(state, prefix.size(), resource, bucket);
    if (window == nullptr) return Answer::kUnknown;
  }
  // As in a look-up: claims do not overlap, so the last that starts before this one ends decides.
  for (auto claim = window->claims.rbegin(); claim != window->claims.rend(); ++claim) {
    if (claim->start >= entry.end || claim->record_key == record_key) continue;
    return claim->end > *start ? Answer::kTaken : Answer::kFree;
  }
  return window->whole ? Answer::kFree : Answer::kUnknown;
}

std::vector<HotClaims::Window>* HotClaims::find(std::string_view resource) {
  if (const auto found = young_.find(resource); found != young_.end()) return &found->second;
  const auto found = old_.find(resource);
  if (found == old_.end()) return nullptr;
  for (const Window& window : found->second) young_claims_ += window.claims.size() + 1;
  return &young_.insert(old_.extract(found)).position->second;
}

bool HotClaims::asked_before(std::string_view resource, std::int64_t bucket) {
  if (asked_.empty()) asked_.resize(kAskedSlots);
  const std::uint64_t hash = Hash{}(resource) + static_cast<std::uint64_t>(bucket);
  std::uint64_t& slot = asked_[hash % kAskedSlots];
  return std::exchange(slot, hash) == hash;
}

bool HotClaims::know_index(std::size_t prefix_bytes, std::string_view resource) {
  const std::string_view bytes =
      resource.substr(layout::kTenantBytes, prefix_bytes - layout::kTenantBytes);
  for (const Index& index : indexes_) {
    if (index.bytes == bytes) return index.resource_end == resource.size();
  }
  if (indexes_.size() == kHotIndexesMax) return false;
  indexes_.push_back({std::string(bytes), resource.size()});
  return true;
}

const HotClaims::Window* HotClaims::load(const State& state, std::size_t prefix_bytes,
                                         std::string_view resource, std::int64_t bucket) {
  if (!know_index(prefix_bytes, resource)) return nullptr;
  Window window{bucket_begin(bucket), true, bucket_begin(bucket + 1), {}};
  const Time begin = window.from;
  bool usable = true;
  std::string upper(resource);
  upper.append(Key().time(window.until).str());
  const Status status =
      state.scan(resource, upper, true, [&](std::string_view key, std::string_view value) {
        const Result<IndexEntry> claim =
            decode_entry(IndexKind::kClaim, key.substr(prefix_bytes), value);
        const std::optional<Time> start = claim ? claim_start(claim->key) : std::nullopt;
        usable = start && claim->key.size() == resource.size() - prefix_bytes + kClaimStartBytes &&
                 window.claims.size() < kHotWindowClaimsMax;
        if (!usable) return false;
        window.claims.push_back({*start, claim->end, std::string(claim->record_key)});
        if (*start >= begin) return true;
        window.from = *start;
        window.whole = false;
        return false;
      });
  if (!status.ok() || !usable) return nullptr;
  std::reverse(window.claims.begin(), window.claims.end());

  young_claims_ += window.claims.size() + 1;
  if (young_claims_ > kHotClaimsMax) {
    old_ = std::exchange(young_, {});
    young_claims_ = window.claims.size() + 1;
    find(resource);  // its other windows stay beside this one
  }
  std::vector<Window>& windows = young_.try_emplace(std::string(resource)).first->second;
  if (windows.size() == kHotWindowsMax) windows.erase(windows.begin());
  return &windows.emplace_back(std::move(window));
}

void HotClaims::note(const Overlay& changes, std::size_t savepoint) {
  if (indexes_.empty()) return;
  changes.for_each_change(
      savepoint, [&](std::string_view key, const Overlay::Value& value) { note_one(key, value); });
}

void HotClaims::forget() {
  young_.clear();
  old_.clear();
  young_claims_ = 0;
}

void HotClaims::note_one(std::string_view key, const Overlay::Value& value) {
  for (const Index& index : indexes_) {
    if (key.size() < index.resource_end + kClaimStartBytes ||
        key.substr(layout::kTenantBytes, index.bytes.size()) != index.bytes)
      continue;
    const std::string_view resource = key.substr(0, index.resource_end);
    const std::optional<Time> start =
        claim_start(key.substr(0, index.resource_end + kClaimStartBytes));
    CLINICDB_CHECK(start.has_value());
    const std::string_view record_key = key.substr(index.resource_end + kClaimStartBytes);
    for (Resources* generation : {&young_, &old_}) {
      const auto found = generation->find(resource);
      if (found != generation->end()) note_claim(found->second, *start, record_key, value);
    }
    return;
  }
}

void HotClaims::note_claim(std::vector<Window>& windows, Time start, std::string_view record_key,
                           const Overlay::Value& value) {
  std::optional<Time> end;
  if (!value.deleted) {
    // Behind its record's key a claim's key has nothing, so that this is a whole entry.
    const Result<IndexEntry> entry =
        decode_entry(IndexKind::kClaim, Key().time(start).raw(record_key).str(), value.bytes);
    CLINICDB_CHECK(entry.has_value());
    end = entry->end;
  }
  std::erase_if(windows,
                [](const Window& window) { return window.claims.size() >= kHotWindowClaimsMax; });
  for (Window& window : windows) {
    if (start < window.from ? !window.whole : start >= window.until) continue;
    const auto at =
        std::lower_bound(window.claims.begin(), window.claims.end(), start,
                         [](const Claim& claim, Time time) { return claim.start < time; });
    auto own = at;
    while (own != window.claims.end() && own->start == start && own->record_key != record_key)
      ++own;
    const bool there = own != window.claims.end() && own->start == start;
    if (!end) {
      if (there) window.claims.erase(own);
    } else if (there) {
      own->end = *end;
    } else {
      window.claims.insert(at, {start, *end, std::string(record_key)});
    }
  }
}

}  // namespace clinicdb::engine
