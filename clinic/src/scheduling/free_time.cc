#include "scheduling/free_time.h"

#include <algorithm>

#include "clinicdb/engine/key.h"

namespace clinicdb::clinic {

namespace {

using engine::Key;

/// How far behind a range something that begins in it may reach: a day, and buffers.
constexpr std::int64_t kReachUs = kStretchUsMax + 2 * kBufferUsMax;

TimeSpan span_bounds(std::int64_t number) {
  return {number * kTagSpanUs, (number + 1) * kTagSpanUs};
}

TimeSpan reach_of(TimeSpan range) {
  return {range.start_us - kBufferUsMax, range.end_us + kReachUs};
}

template <class Span>
std::size_t finish_kept(std::vector<Span>& spans) {
  spans.shrink_to_fit();
  return sizeof(spans) + spans.size() * sizeof(Span);
}
std::size_t finish_kept(WorkingHours& hours) {
  return sizeof(hours) + finish_kept(hours.stretches);
}

}  // namespace

Result<TimeSpans> claimed_time(engine::Reader& reader, std::string_view resource, TimeSpan range) {
  TimeSpans taken;
  bool corrupt = false;
  RETURN_IF_ERROR(reader
                      .scan_claims(appointments_table().def(), AppointmentIndex::kClaims, resource,
                                   Time{range.start_us}, Time{range.end_us}, {},
                                   [&](const engine::IndexEntry& entry) {
                                     std::string_view start = entry.key.substr(resource.size());
                                     Time begins;
                                     corrupt = !Key::take_time(start, begins);
                                     if (corrupt) return false;
                                     // In order, and apart: only joined where they touch.
                                     if (!taken.empty() && taken.back().end_us == begins.us) {
                                       taken.back().end_us = entry.end.us;
                                     } else {
                                       taken.push_back({begins.us, entry.end.us});
                                     }
                                     return true;
                                   })
                      .status());
  if (corrupt) return data_loss("an index entry of table \"appointment\" has a damaged key");
  return taken;
}

void append_claim_tags(TenantId tenant, std::string_view resource, TimeSpan range,
                       std::vector<engine::CacheTag>& tags) {
  constexpr std::size_t kTagBytes = kResourceKeyBytes + kTagTimeBytes;
  const auto tag_at = [&](std::int64_t us) {
    const std::string key = Key().raw(resource).time(Time{us}).str();
    return engine::cache_tag_range(tenant, appointments_table().def().id, AppointmentIndex::kClaims,
                                   std::string_view(key).substr(0, kTagBytes));
  };
  // A claim that begins before the range may reach into it.
  const std::int64_t from = range.start_us - kReachUs;
  for (std::int64_t n = span_number(from); n <= span_number(range.end_us - 1); ++n) {
    const engine::CacheTag tag = tag_at(n * kTagSpanUs);
    if (std::find(tags.begin(), tags.end(), tag) == tags.end()) tags.push_back(tag);
  }
}

template <class Answer, class Compute>
Result<std::shared_ptr<const Answer>> FreeTime::kept(What what, const std::string& key,
                                                     const WorkPlace* place, std::int64_t span,
                                                     Compute compute) {
  ArgumentBytes arguments;
  const char kind = static_cast<char>(what);
  arguments.raw({&kind, 1}).u64(static_cast<std::uint64_t>(span)).text(key).text(clinic_id_);
  if (place != nullptr) arguments.raw(zone_name_);  // in which its hours are meant
  // What is free does not depend on who asks, so that all classes of rights share it.
  const engine::CacheKey cache_key{context_.tenant, METHOD_AVAILABILITY_FIND_SLOTS, 0,
                                   arguments.view()};
  Result<std::shared_ptr<const void>> found =
      core_.store().cache().get(cache_key, reader_.lsn(), [&]() -> Result<engine::CacheFill> {
        ASSIGN_OR_RETURN(Answer computed, compute(span_bounds(span)));
        const std::size_t bytes = finish_kept(computed);
        auto answer = std::make_shared<const Answer>(std::move(computed));
        std::vector<engine::CacheTag> tags;
        if (place != nullptr) append_hours_tags(context_.tenant, *place, tags);
        TimeSpan read = span_bounds(span);
        if (what == What::kFree) read.end_us += kReachUs;
        if (what != What::kHours) append_claim_tags(context_.tenant, key, read, tags);
        return engine::CacheFill{std::move(answer), bytes, reader_.lsn(), std::move(tags)};
      });
  if (!found) return std::move(found).error();
  return std::static_pointer_cast<const Answer>(std::move(found).value());
}

Result<std::shared_ptr<const WorkingHours>> FreeTime::hours_of(const WorkPlace& place,
                                                               TimeSpan range) {
  const auto compute = [&](TimeSpan of) {
    return working_hours(reader_, place, zone_, reach_of(of));
  };
  const std::int64_t number = span_number(range.start_us);
  if (number != span_number(range.end_us - 1)) {
    ASSIGN_OR_RETURN(WorkingHours computed, compute(range));
    return std::make_shared<const WorkingHours>(std::move(computed));
  }
  return kept<WorkingHours>(What::kHours, resource_key(place.kind, place.resource_id), &place,
                            number, compute);
}

Result<FreeSpans> FreeTime::compute_free(const WorkPlace& place, TimeSpan range) {
  const TimeSpan reach = reach_of(range);
  ASSIGN_OR_RETURN(const std::shared_ptr<const WorkingHours> of_place, hours_of(place, range));
  const WorkingHours& hours = *of_place;
  FreeSpans free;
  if (hours.stretches.empty()) return free;
  const TimeSpan asked{std::max(reach.start_us, hours.stretches.front().start_us),
                       std::min(reach.end_us, hours.stretches.back().end_us)};
  ASSIGN_OR_RETURN(const TimeSpans taken,
                   claimed_time(reader_, resource_key(place.kind, place.resource_id), asked));
  for (const TimeSpan stretch : hours.stretches) {
    // What lies outside of `reach` was not looked at, and is not needed.
    const TimeSpan inside{std::max(stretch.start_us, reach.start_us),
                          std::min(stretch.end_us, reach.end_us)};
    if (inside.start_us >= inside.end_us) continue;
    for (const TimeSpan span : subtract_spans({inside}, taken))
      free.push_back({span.start_us, span.end_us, stretch.start_us});
  }
  return free;
}

Result<TimeSpans> FreeTime::compute_taken(const WorkPlace& place, TimeSpan range) {
  ASSIGN_OR_RETURN(TimeSpans taken,
                   claimed_time(reader_, resource_key(place.kind, place.resource_id), range));
  ASSIGN_OR_RETURN(const std::shared_ptr<const WorkingHours> hours, hours_of(place, range));
  if (!hours->kept) return taken;
  const TimeSpans closed = subtract_spans({range}, hours->stretches);
  taken.insert(taken.end(), closed.begin(), closed.end());
  join_spans(taken);
  return taken;
}

Result<std::shared_ptr<const FreeSpans>> FreeTime::of_professional(const std::string& id,
                                                                   TimeSpan range) {
  const WorkPlace place{RESOURCE_KIND_PROFESSIONAL, id, clinic_id_};
  if (!context_.use_cache) {
    ASSIGN_OR_RETURN(FreeSpans computed, compute_free(place, range));
    return std::make_shared<const FreeSpans>(std::move(computed));
  }
  const std::int64_t number = span_number(range.start_us);
  CLINICDB_CHECK(number == span_number(range.end_us - 1));
  return kept<FreeSpans>(What::kFree, resource_key(place.kind, id), &place, number,
                         [&](TimeSpan whole) { return compute_free(place, whole); });
}

Result<bool> FreeTime::is_clear_of(What what, const std::string& key, const WorkPlace* place,
                                   TimeSpan span) {
  const auto compute = [&](TimeSpan range) {
    return place != nullptr ? compute_taken(*place, range) : claimed_time(reader_, key, range);
  };
  if (!context_.use_cache) {
    ASSIGN_OR_RETURN(const TimeSpans taken, compute(span));
    return is_clear(taken, span);
  }
  for (std::int64_t number = span_number(span.start_us); number <= span_number(span.end_us - 1);
       ++number) {
    ASSIGN_OR_RETURN(const std::shared_ptr<const TimeSpans> taken,
                     kept<TimeSpans>(what, key, place, number, compute));
    if (!is_clear(*taken, span)) return false;
  }
  return true;
}

Result<bool> FreeTime::is_room_free(const std::string& id, TimeSpan span) {
  const WorkPlace place{RESOURCE_KIND_ROOM, id, clinic_id_};
  return is_clear_of(What::kTaken, resource_key(RESOURCE_KIND_ROOM, id), &place, span);
}

Result<bool> FreeTime::is_unclaimed(const std::string& resource, TimeSpan span) {
  return is_clear_of(What::kClaimed, resource, nullptr, span);
}

}  // namespace clinicdb::clinic
