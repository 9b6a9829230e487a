#include "scheduling/counts.h"

#include <array>
#include <map>
#include <tuple>

#include "clinicdb/engine/key.h"
#include "scheduling/free_time.h"
#include "zones.h"

namespace clinicdb::clinic {

namespace {

using engine::Key;

enum Outcome : std::size_t { kBooked, kCompleted, kCancelled, kMissed, kOutcomes };

using Tally = std::array<std::uint64_t, kOutcomes>;
/// Professional, service, weekday.
using CountKey = std::tuple<std::string, std::string, int>;
using Counts = std::map<CountKey, Tally>;

std::optional<Outcome> outcome_of(const CalendarEntry& entry) {
  if (entry.group()) return std::nullopt;
  switch (entry.status()) {
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

Status read_counts(engine::Reader& reader, const std::string& clinic_id, const Zone& zone,
                   TimeSpan span, Counts& counts) {
  bool corrupt = false;
  CalendarEntry item;
  RETURN_IF_ERROR(
      reader
          .scan(appointments_table().def(), AppointmentIndex::kClinicStart,
                {Key().raw(clinic_id).time(Time{span.start_us}).str(),
                 Key().raw(clinic_id).time(Time{span.end_us}).str()},
                {},
                [&](const engine::IndexEntry& entry) {
                  item.Clear();
                  std::string_view start_bytes = entry.key.substr(clinic_id.size());
                  Time start;
                  corrupt = !Key::take_time(start_bytes, start) ||
                            !decode_calendar_covered(entry.covered, item);
                  if (corrupt) return false;
                  if (const std::optional<Outcome> outcome = outcome_of(item)) {
                    const int weekday = weekday_of(zone.local(start).day);
                    ++counts[{item.professional_id(), item.service_id(), weekday}][*outcome];
                  }
                  return true;
                })
          .status());
  if (!corrupt) return {};
  return data_loss("an index entry of table \"appointment\" does not carry what it should");
}

/// The counts of one whole kept span (kTagSpanUs).
Result<std::shared_ptr<const Counts>> kept_counts(const Core& core, const CallContext& context,
                                                  engine::Reader& reader,
                                                  const std::string& clinic_id,
                                                  const std::string& zone_name, const Zone& zone,
                                                  std::int64_t number) {
  const TimeSpan span{number * kTagSpanUs, (number + 1) * kTagSpanUs};
  ArgumentBytes arguments;
  arguments.raw(clinic_id).u64(static_cast<std::uint64_t>(number)).raw(zone_name);
  // Counts name nobody, so that all classes of rights share them.
  const engine::CacheKey key{context.tenant, METHOD_CALENDAR_COUNT, 0, arguments.view()};
  Result<std::shared_ptr<const void>> kept =
      core.store().cache().get(key, reader.lsn(), [&]() -> Result<engine::CacheFill> {
        auto counts = std::make_shared<Counts>();
        RETURN_IF_ERROR(read_counts(reader, clinic_id, zone, span, *counts));
        const std::string start = Key().raw(clinic_id).time(Time{span.start_us}).str();
        constexpr std::size_t kNodeBytes = 192;
        const std::size_t bytes = sizeof(Counts) + counts->size() * kNodeBytes;
        return engine::CacheFill{
            std::move(counts),
            bytes,
            reader.lsn(),
            {engine::cache_tag_range(
                context.tenant, appointments_table().def().id, AppointmentIndex::kClinicStart,
                std::string_view(start).substr(0, clinic_id.size() + kTagTimeBytes))}};
      });
  if (!kept) return std::move(kept).error();
  return std::static_pointer_cast<const Counts>(std::move(kept).value());
}

void add(const Tally& tally, AppointmentCount& count) {
  count.set_booked(count.booked() + tally[kBooked]);
  count.set_completed(count.completed() + tally[kCompleted]);
  count.set_cancelled(count.cancelled() + tally[kCancelled]);
  count.set_missed(count.missed() + tally[kMissed]);
}

void finish(AppointmentCount& count) {
  count.set_total(count.booked() + count.completed() + count.cancelled() + count.missed());
  const std::uint64_t over = count.missed() + count.completed();
  constexpr std::uint64_t kMillion = 1'000'000;
  if (over > 0)
    count.set_no_show_millionths(static_cast<std::uint32_t>(count.missed() * kMillion / over));
}

std::shared_ptr<const CountAppointmentsResponse> answer_of(const Counts& counts) {
  auto answer = make_answer<CountAppointmentsResponse>();
  std::map<std::string, AppointmentCount> professionals;
  std::map<std::string, AppointmentCount> services;
  for (int i = 0; i < 7; ++i) answer->add_weekdays();
  for (const auto& [key, tally] : counts) {
    const auto& [professional, service, weekday] = key;
    add(tally, *answer->mutable_total());
    add(tally, professionals[professional]);
    add(tally, services[service]);
    add(tally, *answer->mutable_weekdays(weekday));
  }
  finish(*answer->mutable_total());
  for (AppointmentCount& count : *answer->mutable_weekdays()) finish(count);
  const auto list = [](auto& from, auto& to) {
    for (auto& [id, count] : from) {
      CountAppointmentsResponse::OfId& item = *to.Add();
      finish(count);
      item.set_id(id);
      *item.mutable_count() = count;
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
  Counts counts;
  if (!context.use_cache) {
    RETURN_IF_ERROR(read_counts(reader, clinic_id, zone, span, counts));
    return answer_of(counts);
  }
  for (std::int64_t from = span.start_us; from < span.end_us;) {
    const std::int64_t number = span_number(from);
    const std::int64_t until = std::min(span.end_us, (number + 1) * kTagSpanUs);
    if (until - from < kTagSpanUs) {
      RETURN_IF_ERROR(read_counts(reader, clinic_id, zone, {from, until}, counts));
    } else {
      ASSIGN_OR_RETURN(const std::shared_ptr<const Counts> part,
                       kept_counts(core, context, reader, clinic_id, zone_name, zone, number));
      for (const auto& [key, tally] : *part) {
        Tally& sum = counts[key];
        for (std::size_t i = 0; i < kOutcomes; ++i) sum[i] += tally[i];
      }
    }
    from = until;
  }
  return answer_of(counts);
}

}  // namespace clinicdb::clinic
