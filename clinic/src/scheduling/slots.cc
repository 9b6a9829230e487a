// The search goes forward through time in steps: a step's free time is asked of each professional,
// its candidates are merged by start, each is tried against what else it needs (a room, equipment,
// the patient), and the search ends as soon as there are enough. So the first free start of twenty
// professionals costs the days before it, and not the months behind it.
//
// Of a service for groups, the groups that are there and have a seat left are candidates too: they
// stand where their professional is not free.
#include "scheduling/slots.h"

#include <algorithm>

#include "clinicdb/clinic/identity.h"
#include "day_list.h"
#include "scheduling/claims.h"
#include "scheduling/clinic_zone.h"
#include "scheduling/free_time.h"

namespace clinicdb::clinic {

namespace {

constexpr std::uint32_t kLimitDefault = 1000;
constexpr std::uint32_t kStepMinutesDefault = 15;
constexpr std::int64_t kSearchUsDefault = 90 * kStretchUsMax;
/// Uncached, a step reads this much at first, and twice as much each time.
constexpr std::int64_t kFirstStepUs = kStretchUsMax;
constexpr std::int64_t kStepUsMax = 16 * kStretchUsMax;

/// What a start must have beside a professional.
struct Needs {
  std::int64_t length_us = 0;
  std::int64_t before_us = 0;
  std::int64_t after_us = 0;
  bool room = false;
  std::vector<std::string> room_ids;
  std::vector<std::vector<std::string>> equipment;  ///< of each, the keys of its units
  std::uint32_t capacity = 1;
};

struct Candidate {
  std::int64_t start_us;
  int professional;        ///< its place in the request
  std::string group = {};  ///< one that is there; empty: what is free
};

class SlotSearch {
 public:
  SlotSearch(const Core& core, const CallContext& context, engine::Reader& reader,
             const FindSlotsRequest& request)
      : core_(core), context_(context), reader_(reader), request_(request) {}

  Result<Filled<FindSlotsResponse>> run() {
    ASSIGN_OR_RETURN(const std::string name,
                     kept_zone_for(core_, reader_, {}, request_.clinic_id(), tags_));
    ASSIGN_OR_RETURN(zone_, Zone::find(name, "zone"));
    RETURN_IF_ERROR(read_needs());
    until_us_ =
        request_.until_us() != 0 ? request_.until_us() : request_.from_us() + kSearchUsDefault;
    limit_ = request_.limit() == 0 ? kLimitDefault : std::min(request_.limit(), kLimitDefault);
    FreeTime free(core_, context_, reader_, request_.clinic_id(), *zone_, name);
    std::int64_t step_us = limit_ < kLimitDefault ? kFirstStepUs : kStepUsMax;
    for (std::int64_t from = request_.from_us(); from < until_us_ && !full();) {
      // What is kept, free time and hours, is by span.
      const std::int64_t until =
          std::min({until_us_, from + step_us, (span_number(from) + 1) * kTagSpanUs});
      RETURN_IF_ERROR(step(free, {from, until}));
      from = until;
      step_us = std::min(2 * step_us, kStepUsMax);
    }
    collect_tags();
    return Filled<FindSlotsResponse>{std::move(answer_), std::move(tags_)};
  }

 private:
  bool full() const { return static_cast<std::uint32_t>(answer_->slots_size()) >= limit_; }

  Status read_needs() {
    if (!request_.service_id().empty()) RETURN_IF_ERROR(read_service());
    if (request_.duration_minutes() != 0)
      needs_.length_us = request_.duration_minutes() * kMinuteUs;
    if (needs_.length_us == 0) {
      return invalid_argument("duration_minutes: a service or a duration is needed")
          .with_field("duration_minutes");
    }
    if (!request_.room_ids().empty()) {
      needs_.room = true;
      needs_.room_ids.assign(request_.room_ids().begin(), request_.room_ids().end());
    }
    if (needs_.room && needs_.room_ids.empty()) {
      return invalid_argument("room_ids: the service is done in any room; name those to look at")
          .with_field("room_ids");
    }
    return {};
  }

  Status read_service() {
    ASSIGN_OR_RETURN(const std::optional<engine::Stored<Service>> found,
                     reader_.get(services_table(), request_.service_id()));
    if (!found) return not_found("service_id: no such service").with_field("service_id");
    tags_.push_back(engine::cache_tag_record(context_.tenant, services_table().def().id,
                                             request_.service_id()));
    const Service& service = found->record;
    needs_.length_us = service.duration_minutes() * kMinuteUs;
    needs_.before_us = service.buffer_before_minutes() * kMinuteUs;
    needs_.after_us = service.buffer_after_minutes() * kMinuteUs;
    needs_.capacity = service.capacity();
    needs_.room = service.needs_room();
    needs_.room_ids.assign(service.room_ids().begin(), service.room_ids().end());
    for (const std::string& id : service.equipment_ids()) {
      ASSIGN_OR_RETURN(const std::optional<engine::Stored<Equipment>> equipment,
                       reader_.get(equipment_table(), id));
      tags_.push_back(engine::cache_tag_record(context_.tenant, equipment_table().def().id, id));
      std::vector<std::string>& units = needs_.equipment.emplace_back();
      if (!equipment || equipment->record.inactive()) continue;  // none: never free
      const std::uint32_t count = std::max(equipment->record.units(), 1u);
      for (std::uint32_t unit = 1; unit <= count; ++unit)
        units.push_back(unit_key(RESOURCE_KIND_EQUIPMENT, id, unit));
    }
    return {};
  }

  Status step(FreeTime& free, TimeSpan range) {
    candidates_.clear();
    for (int i = 0; i < request_.professional_ids_size(); ++i) {
      ASSIGN_OR_RETURN(const std::shared_ptr<const FreeSpans> spans,
                       free.of_professional(request_.professional_ids(i), range));
      add_candidates(*spans, range, i);
      if (needs_.capacity > 1) RETURN_IF_ERROR(add_groups(range, i));
    }
    // By start; of equal starts in the order of the professionals, in which they were added.
    std::stable_sort(
        candidates_.begin(), candidates_.end(),
        [](const Candidate& a, const Candidate& b) { return a.start_us < b.start_us; });
    for (const Candidate& candidate : candidates_) {
      RETURN_IF_ERROR(candidate.group.empty() ? try_candidate(free, candidate)
                                              : try_group(free, candidate));
      if (full()) {
        answer_->set_more(true);
        break;
      }
    }
    return {};
  }

  /// The starts of one professional within `range`, at most as many as could still be given.
  void add_candidates(const FreeSpans& spans, TimeSpan range, int professional) {
    const std::int64_t step_us =
        (request_.step_minutes() == 0 ? kStepMinutesDefault : request_.step_minutes()) * kMinuteUs;
    const std::int64_t whole_us = needs_.before_us + needs_.length_us + needs_.after_us;
    const bool sure = !needs_.room && needs_.equipment.empty() && request_.patient_id().empty();
    const std::size_t most = limit_ - static_cast<std::uint32_t>(answer_->slots_size());
    std::size_t added = 0;
    auto span = std::lower_bound(
        spans.begin(), spans.end(), range.start_us,
        [](const FreeSpan& at, std::int64_t start_us) { return at.end_us <= start_us; });
    for (; span != spans.end() && span->start_us < range.end_us; ++span) {
      if (span->end_us - span->start_us < whole_us) continue;
      const std::int64_t earliest =
          std::max(span->start_us + needs_.before_us, range.start_us) - span->origin_us;
      std::int64_t start = span->origin_us + (earliest + step_us - 1) / step_us * step_us;
      const std::int64_t last = std::min({span->end_us - needs_.after_us - needs_.length_us,
                                          range.end_us - 1, until_us_ - needs_.length_us});
      for (; start <= last; start += step_us) {
        if (!suits(start)) continue;
        candidates_.push_back({start, professional, {}});
        if (sure && ++added == most) return;
      }
    }
  }

  /// The groups of the service that one professional has within `range`, at the clinic.
  Status add_groups(TimeSpan range, int professional) {
    google::protobuf::RepeatedPtrField<CalendarEntry> entries;
    RETURN_IF_ERROR(read_calendar(core_, reader_, RESOURCE_KIND_PROFESSIONAL,
                                  request_.professional_ids(professional), range, false, entries));
    for (const CalendarEntry& entry : entries) {
      if (!entry.group() || entry.service_id() != request_.service_id()) continue;
      if (!request_.clinic_id().empty() && entry.clinic_id() != request_.clinic_id()) continue;
      if (entry.status() == APPOINTMENT_STATUS_COMPLETED || entry.end_us() > until_us_ ||
          !suits(entry.start_us()))
        continue;
      candidates_.push_back({entry.start_us(), professional, entry.appointment_id()});
    }
    return {};
  }

  /// Offers the group if it has a seat left.
  Status try_group(FreeTime& free, const Candidate& candidate) {
    ASSIGN_OR_RETURN(const std::optional<engine::Stored<Appointment>> group,
                     reader_.get(appointments_table(), candidate.group));
    if (!group) return {};
    const Appointment& record = group->record;
    if (request_.clinic_id().empty()) append_seat_tags(record);
    if (!request_.patient_id().empty()) {
      ASSIGN_OR_RETURN(const bool unclaimed,
                       free.is_unclaimed(resource_key(RESOURCE_KIND_PATIENT, request_.patient_id()),
                                         {record.start_us(), record.end_us()}));
      if (!unclaimed) return {};
    }
    const auto& rooms = request_.room_ids();
    if (!rooms.empty() && std::find(rooms.begin(), rooms.end(), record.room_id()) == rooms.end())
      return {};
    ASSIGN_OR_RETURN(const std::vector<std::string> participants,
                     participants_of(reader_, candidate.group));
    if (participants.size() >= record.capacity()) return {};
    Slot& slot = *answer_->add_slots();
    slot.set_start_us(record.start_us());
    slot.set_end_us(record.end_us());
    slot.set_professional_id(record.professional_id());
    slot.set_room_id(record.room_id());
    slot.set_seats_free(record.capacity() - static_cast<std::uint32_t>(participants.size()));
    slot.set_session_id(record.id());
    return {};
  }

  /// Without a clinic, whose day tells of everybody who joins, the answer depends on each seat.
  void append_seat_tags(const Appointment& group) {
    if (!context_.use_cache) return;
    for (std::uint32_t seat = 1; seat <= group.capacity(); ++seat) {
      if (tags_.size() > engine::kCacheTagsMax) return;  // it will not be kept
      append_claim_tags(context_.tenant, unit_key(RESOURCE_KIND_SEAT, group.id(), seat),
                        {group.start_us(), group.end_us()}, tags_);
    }
  }

  /// Whether the day of the week and the time of day are those that were asked for.
  bool suits(std::int64_t start_us) const {
    if (request_.weekdays() == 0 && request_.from_minute() == 0 && request_.until_minute() == 0)
      return true;
    const LocalTime start = zone_->local(Time{start_us});
    if (request_.weekdays() != 0 &&
        ((request_.weekdays() >> static_cast<unsigned>(weekday_of(start.day))) & 1u) == 0)
      return false;
    if (start.minute < static_cast<std::int32_t>(request_.from_minute())) return false;
    return request_.until_minute() == 0 || start.minute + needs_.length_us / kMinuteUs <=
                                               static_cast<std::int64_t>(request_.until_minute());
  }

  Status try_candidate(FreeTime& free, const Candidate& candidate) {
    const TimeSpan own{candidate.start_us, candidate.start_us + needs_.length_us};
    const TimeSpan whole{own.start_us - needs_.before_us, own.end_us + needs_.after_us};
    if (!request_.patient_id().empty()) {
      ASSIGN_OR_RETURN(
          const bool unclaimed,
          free.is_unclaimed(resource_key(RESOURCE_KIND_PATIENT, request_.patient_id()), own));
      if (!unclaimed) return {};
    }
    for (const std::vector<std::string>& units : needs_.equipment) {
      bool found = false;
      for (std::size_t i = 0; i < units.size() && !found; ++i) {
        ASSIGN_OR_RETURN(found, free.is_unclaimed(units[i], whole));
      }
      if (!found) return {};
    }
    std::string_view room;
    for (std::size_t i = 0; i < needs_.room_ids.size() && needs_.room && room.empty(); ++i) {
      ASSIGN_OR_RETURN(const bool is_free, free.is_room_free(needs_.room_ids[i], whole));
      if (is_free) room = needs_.room_ids[i];
    }
    if (needs_.room && room.empty()) return {};
    Slot& slot = *answer_->add_slots();
    slot.set_start_us(own.start_us);
    slot.set_end_us(own.end_us);
    slot.set_professional_id(request_.professional_ids(candidate.professional));
    slot.set_room_id(room.data(), room.size());
    if (needs_.capacity > 1) slot.set_seats_free(needs_.capacity);
    return {};
  }

  /// What the answer depends on: everything that it may have been made of, up to where it ended.
  void collect_tags() {
    if (!context_.use_cache) return;
    std::int64_t end = until_us_;
    if (full()) end = answer_->slots(answer_->slots_size() - 1).start_us() + 1;
    // As far as the steps looked: a day and buffers more, and never less.
    const TimeSpan range{request_.from_us(), end + kStretchUsMax + 2 * kBufferUsMax};
    const auto add = [&](ResourceKind kind, const std::string& id) {
      if (tags_.size() > engine::kCacheTagsMax) return;  // it will not be kept
      append_hours_tags(context_.tenant, {kind, id, request_.clinic_id()}, tags_);
      append_claim_tags(context_.tenant, resource_key(kind, id), range, tags_);
    };
    for (const std::string& id : request_.professional_ids()) add(RESOURCE_KIND_PROFESSIONAL, id);
    if (needs_.capacity > 1) {
      for (const std::string& id : request_.professional_ids()) {
        if (tags_.size() <= engine::kCacheTagsMax)
          append_calendar_tags(context_.tenant, RESOURCE_KIND_PROFESSIONAL, id, range, tags_);
      }
      if (!request_.clinic_id().empty())
        append_calendar_tags(context_.tenant, RESOURCE_KIND_CLINIC, request_.clinic_id(), range,
                             tags_);
    }
    if (needs_.room) {
      for (const std::string& id : needs_.room_ids) add(RESOURCE_KIND_ROOM, id);
    }
    for (const std::vector<std::string>& units : needs_.equipment) {
      for (const std::string& unit : units) {
        if (tags_.size() <= engine::kCacheTagsMax)
          append_claim_tags(context_.tenant, unit, range, tags_);
      }
    }
    if (!request_.patient_id().empty()) {
      append_claim_tags(context_.tenant, resource_key(RESOURCE_KIND_PATIENT, request_.patient_id()),
                        range, tags_);
    }
  }

  const Core& core_;
  const CallContext& context_;
  engine::Reader& reader_;
  const FindSlotsRequest& request_;
  std::optional<Zone> zone_;
  Needs needs_;
  std::int64_t until_us_ = 0;
  std::uint32_t limit_ = 0;
  std::vector<Candidate> candidates_;
  std::vector<engine::CacheTag> tags_;
  std::shared_ptr<FindSlotsResponse> answer_ = make_answer<FindSlotsResponse>(context_.use_cache);
};

}  // namespace

Result<Filled<FindSlotsResponse>> search_slots(const Core& core, const CallContext& context,
                                               engine::Reader& reader,
                                               const FindSlotsRequest& request) {
  return SlotSearch(core, context, reader, request).run();
}

}  // namespace clinicdb::clinic
