// What starts in a stretch of time is counted in parts, each kept in the result cache until
// something in it changes:
//
//   whole spans (kTagSpanUs, 12.7 days)   added up from their sixteenths
//   sixteenths of a span (19 hours)       counted from the clinic's index
//   what a question cuts off of one       counted from the clinic's index
//
// So a question about a month adds up some parts, and after a booking one sixteenth is counted
// anew.
#include "scheduling/counts.h"

#include <algorithm>
#include <array>

#include "calendar_covered.h"
#include "clinicdb/engine/fine_tag.h"
#include "clinicdb/engine/key.h"
#include "scheduling/free_time.h"
#include "zones.h"

namespace clinicdb::clinic {

namespace {

using engine::Key;

constexpr std::int64_t kSixteenthUs = kTagSpanUs / 16;

enum Outcome : std::size_t { kBooked, kCompleted, kCancelled, kMissed, kOutcomes };

using Tally = std::array<std::uint64_t, kOutcomes>;

/// An id, or none, which comes first.
struct MaybeId {
  bool present = false;
  Uuid id;

  static MaybeId of(std::string_view bytes) {
    return bytes.empty() ? MaybeId{} : MaybeId{true, Uuid::from_bytes(bytes)};
  }
  std::string_view view() const { return present ? id.view() : std::string_view(); }
  auto operator<=>(const MaybeId&) const = default;
};

template <class Key>
struct Counted {
  Key key;
  Tally tally{};
};
/// In order of key.
template <class Key>
using CountsBy = std::vector<Counted<Key>>;

template <class Key>
Tally& tally_of(CountsBy<Key>& counts, const Key& key) {
  auto at = std::lower_bound(counts.begin(), counts.end(), key,
                             [](const Counted<Key>& a, const Key& b) { return a.key < b; });
  if (at == counts.end() || at->key != key) at = counts.insert(at, {key, {}});
  return at->tally;
}

void add(const Tally& from, Tally& to) {
  for (std::size_t i = 0; i < kOutcomes; ++i) to[i] += from[i];
}

struct CountKey {
  MaybeId professional;
  MaybeId service;
  int weekday = 0;
  auto operator<=>(const CountKey&) const = default;
};
using Counts = CountsBy<CountKey>;

std::optional<Outcome> outcome_of(const CalendarCovered& entry) {
  if (entry.group) return std::nullopt;
  switch (entry.status) {
    case APPOINTMENT_STATUS_BOOKED:
    case APPOINTMENT_STATUS_CONFIRMED:
    case APPOINTMENT_STATUS_ARRIVED:
    case APPOINTMENT_STATUS_STARTED:
      return kBooked;
    case APPOINTMENT_STATUS_COMPLETED:
      return kCompleted;
    case APPOINTMENT_STATUS_CANCELLED:
      return kCancelled;
    case APPOINTMENT_STATUS_NO_SHOW:
      return kMissed;
    default:
      return std::nullopt;
  }
}

/// Counts for one question. Confined to it.
class Counting {
 public:
  Counting(const Core& core, const CallContext& context, engine::Reader& reader,
           const std::string& clinic_id, const std::string& zone_name, const Zone& zone)
      : core_(core),
        context_(context),
        reader_(reader),
        clinic_id_(clinic_id),
        zone_name_(zone_name),
        zone_(zone) {}

  /// Adds what starts within `span`, whole spans and sixteenths as they are kept.
  Status add_kept(TimeSpan span, Counts& counts) {
    for (std::int64_t from = span.start_us; from < span.end_us;) {
      std::int64_t until = (span_number(from) + 1) * kTagSpanUs;
      if (until - from < kTagSpanUs || until > span.end_us)
        until = std::min(span.end_us, (from & ~(kSixteenthUs - 1)) + kSixteenthUs);
      ASSIGN_OR_RETURN(const std::shared_ptr<const Counts> part, kept({from, until}));
      for (const auto& [key, tally] : *part) add(tally, tally_of(counts, key));
      from = until;
    }
    return {};
  }

  Status read(TimeSpan span, Counts& counts) {
    bool corrupt = false;
    CalendarCovered item;
    RETURN_IF_ERROR(reader_
                        .scan(appointments_table().def(), AppointmentIndex::kClinicStart,
                              {index_key(span.start_us), index_key(span.end_us)}, {},
                              [&](const engine::IndexEntry& entry) {
                                std::string_view start_bytes = entry.key.substr(clinic_id_.size());
                                Time start;
                                corrupt = !Key::take_time(start_bytes, start) ||
                                          !item.decode(entry.covered);
                                if (corrupt) return false;
                                if (const std::optional<Outcome> outcome = outcome_of(item)) {
                                  const CountKey key{MaybeId::of(item.professional_id),
                                                     MaybeId::of(item.service_id),
                                                     weekday_of(zone_.local(start).day)};
                                  ++tally_of(counts, key)[*outcome];
                                }
                                return true;
                              })
                        .status());
    if (!corrupt) return {};
    return data_loss("an index entry of table \"appointment\" does not carry what it should");
  }

 private:
  std::string index_key(std::int64_t us) const {
    return Key().raw(clinic_id_).time(Time{us}).str();
  }

  /// The counts of a whole span, or of a sixteenth or a part of one.
  Result<std::shared_ptr<const Counts>> kept(TimeSpan part) {
    ArgumentBytes arguments;
    arguments.raw(clinic_id_)
        .u64(static_cast<std::uint64_t>(part.start_us))
        .u64(static_cast<std::uint64_t>(part.end_us))
        .raw(zone_name_);
    // Counts name nobody, so that all classes of rights share them.
    const engine::CacheKey key{context_.tenant, METHOD_CALENDAR_COUNT, 0, arguments.view()};
    Result<std::shared_ptr<const void>> found =
        core_.store().cache().get(key, reader_.lsn(), [&]() -> Result<engine::CacheFill> {
          auto counts = std::make_shared<Counts>();
          const bool whole = part.end_us - part.start_us == kTagSpanUs;
          RETURN_IF_ERROR(whole ? add_sixteenths(part, *counts) : read(part, *counts));
          const std::size_t bytes =
              sizeof(Counts) + counts->capacity() * sizeof(Counts::value_type);
          return engine::CacheFill{
              std::move(counts), bytes, reader_.lsn(), {tag_of(part.start_us, whole)}};
        });
    if (!found) return std::move(found).error();
    return std::static_pointer_cast<const Counts>(std::move(found).value());
  }

  Status add_sixteenths(TimeSpan whole, Counts& counts) {
    for (std::int64_t from = whole.start_us; from < whole.end_us; from += kSixteenthUs)
      RETURN_IF_ERROR(add_kept({from, from + kSixteenthUs}, counts));
    return {};
  }

  engine::CacheTag tag_of(std::int64_t start_us, bool whole) const {
    const engine::TableId table = appointments_table().def().id;
    const std::string key = index_key(start_us);
    const std::size_t tag_bytes = clinic_id_.size() + kTagTimeBytes;
    if (!whole) {
      return engine::cache_tag_sixteenth(context_.tenant, table, AppointmentIndex::kClinicStart,
                                         key, tag_bytes);
    }
    return engine::cache_tag_range(context_.tenant, table, AppointmentIndex::kClinicStart,
                                   std::string_view(key).substr(0, tag_bytes));
  }

  const Core& core_;
  const CallContext& context_;
  engine::Reader& reader_;
  const std::string& clinic_id_;
  const std::string& zone_name_;
  const Zone& zone_;
};

void set_count(const Tally& tally, AppointmentCount& count) {
  count.set_booked(tally[kBooked]);
  count.set_completed(tally[kCompleted]);
  count.set_cancelled(tally[kCancelled]);
  count.set_missed(tally[kMissed]);
  count.set_total(count.booked() + count.completed() + count.cancelled() + count.missed());
  const std::uint64_t over = count.missed() + count.completed();
  constexpr std::uint64_t kMillion = 1'000'000;
  if (over > 0)
    count.set_no_show_millionths(static_cast<std::uint32_t>(count.missed() * kMillion / over));
}

std::shared_ptr<const CountAppointmentsResponse> answer_of(const Counts& counts) {
  Tally total{};
  std::array<Tally, 7> weekdays{};
  CountsBy<MaybeId> professionals;
  CountsBy<MaybeId> services;
  for (const auto& [key, tally] : counts) {
    add(tally, total);
    add(tally, weekdays[static_cast<std::size_t>(key.weekday)]);
    add(tally, tally_of(professionals, key.professional));
    add(tally, tally_of(services, key.service));
  }
  auto answer = make_answer<CountAppointmentsResponse>(false);
  set_count(total, *answer->mutable_total());
  for (const Tally& tally : weekdays) set_count(tally, *answer->add_weekdays());
  const auto list = [](const CountsBy<MaybeId>& from, auto& to) {
    for (const auto& [id, tally] : from) {
      CountAppointmentsResponse::OfId& item = *to.Add();
      item.mutable_id()->assign(id.view());
      set_count(tally, *item.mutable_count());
    }
  };
  list(professionals, *answer->mutable_professionals());
  list(services, *answer->mutable_services());
  return answer;
}

}  // namespace

Result<std::shared_ptr<const CountAppointmentsResponse>> count_appointments(
    const Core& core, const CallContext& context, engine::Reader& reader,
    const std::string& clinic_id, const std::string& zone_name, TimeSpan span) {
  ASSIGN_OR_RETURN(const Zone zone, Zone::find(zone_name, "zone"));
  Counting counting(core, context, reader, clinic_id, zone_name, zone);
  Counts counts;
  RETURN_IF_ERROR(context.use_cache ? counting.add_kept(span, counts)
                                    : counting.read(span, counts));
  return answer_of(counts);
}

}  // namespace clinicdb::clinic
