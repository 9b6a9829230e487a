#include "scheduling/working_hours.h"

#include <algorithm>
#include <map>

#include "clinicdb/base/bytes.h"
#include "clinicdb/engine/key.h"
#include "core.h"

namespace clinicdb::clinic {

namespace {

using engine::Key;

struct MinuteSpan {
  std::int32_t from;
  std::int32_t until;
};

/// How a holiday leaves a day: closed, or open for some of it.
using Holidays = std::map<std::int32_t, MinuteSpan>;

struct Exceptions {
  TimeSpans added;
  TimeSpans off;
};

Status damaged(std::string_view what) {
  return data_loss("an index entry of table \"" + std::string(what) +
                   "\" does not carry what it should");
}

Result<std::vector<Hours>> read_hours(engine::Reader& reader, const WorkPlace& place) {
  std::vector<Hours> list;
  Status failure;
  RETURN_IF_ERROR(reader
                      .scan(hours_table().def(), HoursIndex::kResource,
                            engine::KeyRange::prefix(resource_key(place.kind, place.resource_id)),
                            {},
                            [&](const engine::IndexEntry& entry) {
                              failure = parse_body(entry.covered, list.emplace_back());
                              return failure.ok();
                            })
                      .status());
  if (!failure.ok()) return failure;
  return list;
}

Result<Exceptions> read_exceptions(engine::Reader& reader, const WorkPlace& place, TimeSpan range) {
  Exceptions found;
  bool corrupt = false;
  const std::string prefix = resource_key(place.kind, place.resource_id);
  const std::int64_t from = range.start_us - kExceptionUsMax;
  RETURN_IF_ERROR(
      reader
          .scan(exceptions_table().def(), ExceptionIndex::kResource,
                {Key().raw(prefix).time(Time{from}).str(),
                 Key().raw(prefix).time(Time{range.end_us}).str()},
                {},
                [&](const engine::IndexEntry& entry) {
                  std::string_view start = entry.key.substr(kResourceKeyBytes);
                  Time begins;
                  corrupt = !Key::take_time(start, begins) || entry.covered.size() < 9;
                  if (corrupt) return false;
                  const auto ends = static_cast<std::int64_t>(load_le64(entry.covered.data()));
                  const bool works = entry.covered[8] != 0;
                  const std::string_view where = entry.covered.substr(9);
                  if (ends <= range.start_us) return true;
                  if (!works) {
                    found.off.push_back({begins.us, ends});
                  } else if (where.empty() || place.clinic_id.empty() || where == place.clinic_id) {
                    found.added.push_back({begins.us, ends});
                  }
                  return true;
                })
          .status());
  if (corrupt) return damaged("exception");
  join_spans(found.off);
  return found;
}

Status read_holidays(engine::Reader& reader, const std::string& scope, std::int32_t first_day,
                     std::int32_t last_day, Holidays& holidays) {
  bool corrupt = false;
  RETURN_IF_ERROR(
      reader
          .scan(holidays_table().def(), HolidayIndex::kDay,
                {scope + date_key(date_of(first_day)), scope + date_key(date_of(last_day + 1))}, {},
                [&](const engine::IndexEntry& entry) {
                  std::string_view key = entry.key.substr(scope.size());
                  std::string_view covered = entry.covered;
                  std::uint16_t year = 0;
                  std::uint16_t from = 0;
                  std::uint16_t until = 0;
                  corrupt = !Key::take_u16(key, year) || key.size() != 2 ||
                            !Key::take_u16(covered, from) || !Key::take_u16(covered, until);
                  if (corrupt) return false;
                  Date day;
                  day.set_year(year);
                  day.set_month(static_cast<std::uint8_t>(key[0]));
                  day.set_day(static_cast<std::uint8_t>(key[1]));
                  // Of a clinic's own holiday and one of all clinics, each takes what it closes.
                  MinuteSpan& open =
                      holidays.try_emplace(day_number(day), MinuteSpan{0, 24 * 60}).first->second;
                  open = {std::max<std::int32_t>(open.from, from),
                          std::min<std::int32_t>(open.until, until)};
                  return true;
                })
          .status());
  return corrupt ? damaged("holiday") : Status();
}

bool is_valid_on(const Hours& hours, std::int32_t day) {
  return (!hours.has_valid_from() || day >= day_number(hours.valid_from())) &&
         (!hours.has_valid_until() || day <= day_number(hours.valid_until()));
}

void append_day(const Hours& hours, const Zone& zone, std::int32_t day, const Holidays& holidays,
                TimeSpans& out) {
  const auto holiday = holidays.find(day);
  const auto weekday = static_cast<std::uint32_t>(weekday_of(day)) + 1;
  // Minutes first, as spans, so that breaks are taken out by the same rule as everything else.
  TimeSpans minutes;
  for (const WeeklyHours& stretch : hours.weekly()) {
    if (stretch.weekday() != weekday) continue;
    std::int64_t from = stretch.from_minute();
    std::int64_t until = stretch.until_minute();
    if (holiday != holidays.end()) {
      from = std::max<std::int64_t>(from, holiday->second.from);
      until = std::min<std::int64_t>(until, holiday->second.until);
    }
    if (from < until) minutes.push_back({from, until});
  }
  if (minutes.empty()) return;
  join_spans(minutes);
  TimeSpans breaks;
  for (const WeeklyHours& pause : hours.breaks()) {
    if (pause.weekday() == 0 || pause.weekday() == weekday)
      breaks.push_back({pause.from_minute(), pause.until_minute()});
  }
  if (!breaks.empty()) {
    join_spans(breaks);
    minutes = subtract_spans(minutes, breaks);
  }
  for (const TimeSpan span : minutes) {
    const TimeSpan instants{
        zone.instant(day, static_cast<std::int32_t>(span.start_us), Zone::Twice::kFirst).us,
        zone.instant(day, static_cast<std::int32_t>(span.end_us), Zone::Twice::kLast).us};
    if (instants.start_us < instants.end_us) out.push_back(instants);
  }
}

}  // namespace

Result<WorkingHours> working_hours(engine::Reader& reader, const WorkPlace& place, const Zone& zone,
                                   TimeSpan range) {
  WorkingHours answer;
  ASSIGN_OR_RETURN(const std::vector<Hours> all, read_hours(reader, place));
  answer.kept = !all.empty();
  ASSIGN_OR_RETURN(const Exceptions exceptions, read_exceptions(reader, place, range));
  if (!answer.kept && place.kind != RESOURCE_KIND_PROFESSIONAL) {
    // Always there, but for time off.
    answer.kept = !exceptions.off.empty();
    if (answer.kept) answer.stretches = subtract_spans({range}, exceptions.off);
    return answer;
  }
  Holidays holidays;
  // A day more on either side: zones differ, and a stretch may begin the day before.
  const std::int32_t first_day = zone.local(Time{range.start_us - kStretchUsMax}).day - 1;
  const std::int32_t last_day = zone.local(Time{range.end_us}).day + 1;
  if (!all.empty()) {
    RETURN_IF_ERROR(read_holidays(reader, holiday_scope({}), first_day, last_day, holidays));
    if (!place.clinic_id.empty()) {
      RETURN_IF_ERROR(
          read_holidays(reader, holiday_scope(place.clinic_id), first_day, last_day, holidays));
    }
  }
  for (const Hours& hours : all) {
    if (!hours.clinic_id().empty() && !place.clinic_id.empty() &&
        hours.clinic_id() != place.clinic_id)
      continue;
    Zone own = zone;
    if (!hours.zone().empty()) {
      ASSIGN_OR_RETURN(own, Zone::find(hours.zone(), "hours.zone"));
    }
    for (std::int32_t day = first_day; day <= last_day; ++day) {
      if (is_valid_on(hours, day)) append_day(hours, own, day, holidays, answer.stretches);
    }
  }
  answer.stretches.insert(answer.stretches.end(), exceptions.added.begin(), exceptions.added.end());
  join_spans(answer.stretches);
  if (!exceptions.off.empty()) answer.stretches = subtract_spans(answer.stretches, exceptions.off);
  std::erase_if(answer.stretches, [&](const TimeSpan& span) {
    return span.end_us <= range.start_us || span.start_us >= range.end_us;
  });
  return answer;
}

void append_hours_tags(TenantId tenant, const WorkPlace& place,
                       std::vector<engine::CacheTag>& tags) {
  const std::string resource = resource_key(place.kind, place.resource_id);
  tags.push_back(
      engine::cache_tag_range(tenant, hours_table().def().id, HoursIndex::kResource, resource));
  tags.push_back(engine::cache_tag_range(tenant, exceptions_table().def().id,
                                         ExceptionIndex::kResource, resource));
  // The index of holidays as a whole: they change some ten times a year.
  tags.push_back(
      engine::cache_tag_range(tenant, holidays_table().def().id, HolidayIndex::kDay, {}));
}

}  // namespace clinicdb::clinic
