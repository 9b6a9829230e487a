#include "fhir/schedule.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "clinicdb/clinic/check.h"
#include "clinicdb/clinic/identity.h"
#include "scheduling/working_hours.h"

namespace clinicdb::clinic::fhir {

namespace {

constexpr std::string_view kWeeklyUrl = "urn:clinicdb:weekly-hours";
constexpr std::string_view kBreakUrl = "urn:clinicdb:weekly-break";
constexpr std::string_view kZoneUrl = "urn:clinicdb:zone";
constexpr std::string_view kSlotStatuses[] = {"busy", "free", "busy-unavailable", "busy-tentative",
                                              "entered-in-error"};

/// Who a Schedule is of.
struct Actors {
  std::string professional_id;
  std::string location_id;
  bool beside = false;  ///< roles and services, which say how a professional is there
  bool others = false;  ///< several, or somebody or something that hours are not kept of
};

/// False where another one is there already.
bool take(std::string& field, std::string id) {
  const bool same = field.empty() || field == id;
  field = std::move(id);
  return same;
}

Actors read_actors(JsonValue resource, FieldReader& reader) {
  Actors actors;
  for (const JsonValue actor : reader.objects(resource, "actor").children()) {
    if (std::string id = reader.reference(actor, RESOURCE_TYPE_PRACTITIONER); !id.empty()) {
      actors.others |= !take(actors.professional_id, std::move(id));
    } else if (id = reader.reference(actor, RESOURCE_TYPE_LOCATION); !id.empty()) {
      actors.others |= !take(actors.location_id, std::move(id));
    } else if (!reader.reference(actor, RESOURCE_TYPE_PRACTITIONER_ROLE).empty() ||
               !reader.reference(actor, RESOURCE_TYPE_HEALTHCARE_SERVICE).empty()) {
      actors.beside = true;
    } else {
      actors.others = true;
    }
  }
  return actors;
}

/// The day that is written, in whatever zone.
void read_day(JsonValue period, std::string_view name, FieldReader& reader, Hours& hours,
              Date* (Hours::*field)()) {
  if (!reader.date_time(period, name)) return;
  const std::optional<PartialDate> day = parse_date(period.member(name).text().substr(0, 10));
  if (day && day->day != 0) *(hours.*field)() = to_date(*day);
}

/// "09:00" as a minute of the day.
std::optional<std::uint32_t> parse_minute(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  std::uint32_t hour = 0;
  std::uint32_t minute = 0;
  const auto number = [](std::string_view digits, std::uint32_t& out) {
    return std::from_chars(digits.data(), digits.data() + digits.size(), out).ptr ==
           digits.data() + digits.size();
  };
  if (!number(text.substr(0, 2), hour) || !number(text.substr(3), minute) || minute > 59)
    return std::nullopt;
  return hour * 60 + minute;
}

/// "1 09:00-12:30": Monday, from nine to half past twelve.
std::optional<WeeklyHours> parse_weekly(std::string_view text) {
  constexpr std::uint32_t kDayMinutes = 24 * 60;
  if (text.size() != 13 || text[0] < '0' || text[0] > '7' || text[1] != ' ' || text[7] != '-')
    return std::nullopt;
  const std::optional<std::uint32_t> from = parse_minute(text.substr(2, 5));
  const std::optional<std::uint32_t> until = parse_minute(text.substr(8));
  if (!from || !until || *from >= *until || *until > kDayMinutes) return std::nullopt;
  WeeklyHours stretch;
  stretch.set_weekday(static_cast<std::uint32_t>(text[0] - '0'));
  stretch.set_from_minute(*from);
  stretch.set_until_minute(*until);
  return stretch;
}

std::string weekly_text(const WeeklyHours& stretch) {
  char text[40];
  std::snprintf(text, sizeof text, "%u %02u:%02u-%02u:%02u", stretch.weekday(),
                stretch.from_minute() / 60, stretch.from_minute() % 60, stretch.until_minute() / 60,
                stretch.until_minute() % 60);
  return text;
}

void read_extensions(JsonValue resource, FieldReader& reader, Hours& hours) {
  for (const JsonValue extension : reader.objects(resource, "extension").children()) {
    if (!is_hours_extension(extension)) continue;
    const std::string_view url = extension.member("url").text();
    const JsonValue value = extension.member("valueString");
    const std::string_view text = value ? value.text() : std::string_view();
    const std::optional<WeeklyHours> stretch = parse_weekly(text);
    if (url == kZoneUrl) {
      // Stored, it would make every search for this resource's free time fail.
      if (!is_zone(text)) reader.refuse(value, "no time zone of that name is known here");
      hours.mutable_zone()->assign(text);
    } else if (url == kBreakUrl && stretch) {
      *hours.add_breaks() = *stretch;
    } else if (url == kWeeklyUrl && stretch && stretch->weekday() != 0) {
      *hours.add_weekly() = *stretch;
    }
  }
  if (hours.weekly_size() > kWeeklyMax || hours.breaks_size() > kWeeklyMax) {
    reader.refuse(resource.member("extension"), "at most " + std::to_string(kWeeklyMax) +
                                                    " weekly stretches and breaks are possible");
  }
}

/// The Schedule that the Slot contains under "#id".
JsonValue contained(JsonValue resource, std::string_view reference) {
  if (!reference.starts_with('#')) return {};
  for (const JsonValue inner : resource.member("contained").children()) {
    const JsonValue id = inner.member("id");
    const JsonValue type = inner.member("resourceType");
    if (id && id.text() == reference.substr(1) && type && type.text() == "Schedule") return inner;
  }
  return {};
}

std::string extension(std::string_view url, std::string_view value) {
  return ObjectWriter().string("url", url).string("valueString", value).object();
}

std::string actor(ResourceType type, std::string_view id, const ReferenceOf& reference_of) {
  return ObjectWriter().string("reference", reference_of(type, id)).object();
}

std::string actors(ResourceKind kind, std::string_view resource_id, std::string_view location_id,
                   const ReferenceOf& reference_of) {
  const bool room = kind == RESOURCE_KIND_ROOM;
  std::string list =
      actor(room ? RESOURCE_TYPE_LOCATION : RESOURCE_TYPE_PRACTITIONER, resource_id, reference_of);
  if (!room && !location_id.empty())
    list += "," + actor(RESOURCE_TYPE_LOCATION, location_id, reference_of);
  return "[" + list + "]";
}

}  // namespace

std::string_view slot_status_code(const AvailabilityException& exception) {
  return exception.works() ? "free" : "busy-unavailable";
}

bool is_hours_extension(JsonValue extension) {
  const JsonValue url = extension.member("url");
  return url.is_string() &&
         (url.text() == kWeeklyUrl || url.text() == kBreakUrl || url.text() == kZoneUrl);
}

std::optional<Hours> read_schedule(JsonValue resource, FieldReader& reader) {
  reader.require(resource, "actor");
  const bool active = reader.boolean(resource, "active", true);
  Hours hours;
  Actors actors = read_actors(resource, reader);
  const JsonValue horizon = reader.object(resource, "planningHorizon");
  read_day(horizon, "start", reader, hours, &Hours::mutable_valid_from);
  read_day(horizon, "end", reader, hours, &Hours::mutable_valid_until);
  for (const JsonValue item : reader.objects(resource, "identifier").children())
    reader.identifier(item, *hours.add_identifiers());
  read_extensions(resource, reader, hours);
  if (!active || actors.others) return std::nullopt;
  if (!actors.professional_id.empty()) {
    hours.set_kind(RESOURCE_KIND_PROFESSIONAL);
    hours.set_resource_id(std::move(actors.professional_id));
    hours.set_location_id(std::move(actors.location_id));
    return hours;
  }
  // A role's or a service's hours at a place are not those of the place.
  if (actors.location_id.empty() || actors.beside) return std::nullopt;
  hours.set_kind(RESOURCE_KIND_ROOM);
  hours.set_resource_id(std::move(actors.location_id));
  return hours;
}

std::optional<AvailabilityException> read_slot(JsonValue resource, FieldReader& reader) {
  for (const char* const required : {"schedule", "status", "start", "end"})
    reader.require(resource, required);
  const std::string_view status = reader.string(resource, "status");
  if (!status.empty() && std::find(std::begin(kSlotStatuses), std::end(kSlotStatuses), status) ==
                             std::end(kSlotStatuses)) {
    reader.refuse(resource.member("status"), "not one of R4's slot statuses");
  }
  const std::optional<Time> start = reader.instant(resource, "start");
  const std::optional<Time> end = reader.instant(resource, "end");
  AvailabilityException exception;
  for (const JsonValue item : reader.objects(resource, "identifier").children())
    reader.identifier(item, *exception.add_identifiers());
  const JsonValue schedule = reader.object(resource, "schedule");
  exception.set_hours_id(reader.reference(schedule, RESOURCE_TYPE_SCHEDULE));
  if (const JsonValue inner = contained(resource, reader.string(schedule, kReferenceMember))) {
    if (const std::optional<Hours> hours = read_schedule(inner, reader)) {
      exception.set_kind(hours->kind());
      exception.set_resource_id(hours->resource_id());
    }
  }
  exception.mutable_reason()->assign(reader.string(resource, "comment"));
  exception.set_works(status == "free");
  const std::int64_t longest = exception.works() ? kStretchUsMax : kExceptionUsMax;
  if (status.empty() || status == "entered-in-error" || !start || !end || *start >= *end ||
      end->us - start->us > longest ||
      (exception.hours_id().empty() && exception.resource_id().empty()))
    return std::nullopt;
  exception.set_start_us(start->us);
  exception.set_end_us(end->us);
  return exception;
}

std::string hours_extensions(const Hours& hours) {
  std::string list;
  const auto add = [&](std::string_view url, const std::string& value) {
    if (value.empty()) return;
    if (!list.empty()) list.push_back(',');
    list += extension(url, value);
  };
  for (const WeeklyHours& stretch : hours.weekly()) add(kWeeklyUrl, weekly_text(stretch));
  for (const WeeklyHours& pause : hours.breaks()) add(kBreakUrl, weekly_text(pause));
  add(kZoneUrl, hours.zone());
  return list;
}

std::string write_horizon(const Hours& hours) {
  return ObjectWriter()
      .raw("start", hours.has_valid_from() ? write_date(hours.valid_from()) : std::string())
      .raw("end", hours.has_valid_until() ? write_date(hours.valid_until()) : std::string())
      .object();
}

std::string write_schedule(const Hours& hours, const ReferenceOf& reference_of) {
  const std::string extensions = hours_extensions(hours);
  return ObjectWriter()
      .string("resourceType", "Schedule")
      .string("id", fhir_id_text(hours.id(), hours.fhir_id()))
      .raw("extension", extensions.empty() ? extensions : "[" + extensions + "]")
      .raw("identifier", write_list(hours.identifiers()))
      .raw("active", "true")
      .raw("actor", actors(hours.kind(), hours.resource_id(), hours.location_id(), reference_of))
      .raw("planningHorizon", write_horizon(hours))
      .object();
}

std::string write_slot(const AvailabilityException& exception, const ReferenceOf& reference_of) {
  constexpr std::string_view kInnerId = "schedule";
  ObjectWriter writer;
  writer.string("resourceType", "Slot")
      .string("id", fhir_id_text(exception.id(), exception.fhir_id()));
  std::string schedule = "#" + std::string(kInnerId);
  if (!exception.hours_id().empty()) {
    schedule = reference_of(RESOURCE_TYPE_SCHEDULE, exception.hours_id());
  } else {
    const std::string inner =
        ObjectWriter()
            .string("resourceType", "Schedule")
            .string("id", kInnerId)
            .raw("actor", actors(exception.kind(), exception.resource_id(), {}, reference_of))
            .object();
    writer.raw("contained", "[" + inner + "]");
  }
  return writer.raw("identifier", write_list(exception.identifiers()))
      .raw("schedule", ObjectWriter().string("reference", schedule).object())
      .string("status", slot_status_code(exception))
      .string("start", format_instant(Time{exception.start_us()}))
      .string("end", format_instant(Time{exception.end_us()}))
      .string("comment", exception.reason())
      .object();
}

}  // namespace clinicdb::clinic::fhir
