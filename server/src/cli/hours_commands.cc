// hours set, off, open, holiday, holidays, list, remove.
#include <algorithm>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "cli/clinic_choice.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/tenant_call.h"
#include "cli/time_text.h"
#include "clinicdb/base/clock.h"
#include "clinicdb/clinic/schema/availability.pb.h"

namespace clinicdb::server {

namespace {

using clinic::CallContext;

constexpr std::int64_t kDayUs = std::int64_t{24} * 3600 * 1'000'000;

/// "12:00-13:00"
Status parse_stretch(const std::string& text, std::string_view option, clinic::WeeklyHours& out) {
  const std::size_t dash = std::min(text.find('-'), text.size());
  ASSIGN_OR_RETURN(const std::uint32_t from, parse_minute(text.substr(0, dash), option));
  ASSIGN_OR_RETURN(const std::uint32_t until,
                   parse_minute(text.substr(std::min(dash + 1, text.size())), option));
  out.set_from_minute(from);
  out.set_until_minute(until);
  return {};
}

struct PlaceOptions {
  std::string professional;
  std::string room;
};

Status parse_place(const PlaceOptions& options, clinic::ResourceKind& kind, std::string& id) {
  if (options.professional.empty() == options.room.empty()) {
    return invalid_argument("--professional: either it or --room is needed")
        .with_field("--professional");
  }
  kind = options.room.empty() ? clinic::RESOURCE_KIND_PROFESSIONAL : clinic::RESOURCE_KIND_ROOM;
  if (!options.room.empty()) {
    ASSIGN_OR_RETURN(id, parse_record_id(clinic::RESOURCE_TYPE_LOCATION, options.room, "--room"));
    return {};
  }
  ASSIGN_OR_RETURN(id, parse_record_id(clinic::RESOURCE_TYPE_PRACTITIONER, options.professional,
                                       "--professional"));
  return {};
}

void take_place(Command& command, PlaceOptions& options) {
  CommandOption professional =
      command.text("--professional", options.professional, "Whose").type("ID");
  CommandOption room = command.text("--room", options.room, "Of which room").type("ID");
  professional.excludes(room);
}

struct HoursOptions {
  PlaceOptions place;
  std::string days = "1-5";
  std::vector<std::string> stretches;
  std::vector<std::string> breaks;
  std::string from;
  std::string until;
  std::string reason;
  std::string clinic;
};

Result<ExitCode> set_hours(Session& session, const HoursOptions& options) {
  clinic::PutHoursRequest request;
  clinic::Hours& hours = *request.mutable_hours();
  clinic::ResourceKind kind{};
  RETURN_IF_ERROR(parse_place(options.place, kind, *hours.mutable_resource_id()));
  hours.set_kind(kind);
  const bool range = options.days.size() == 3 && options.days[1] == '-';
  const char first = options.days.empty() ? '0' : options.days.front();
  const char last = range ? options.days.back() : first;
  if ((!range && options.days.size() != 1) || first < '1' || last > '7' || first > last) {
    return invalid_argument("--days: a weekday from 1 (Monday) to 7, or a range such as 1-5")
        .with_field("--days");
  }
  for (char day = first; day <= last; ++day) {
    for (const std::string& text : options.stretches) {
      clinic::WeeklyHours& stretch = *hours.add_weekly();
      stretch.set_weekday(static_cast<std::uint32_t>(day - '0'));
      RETURN_IF_ERROR(parse_stretch(text, "--hours", stretch));
    }
  }
  for (const std::string& text : options.breaks)
    RETURN_IF_ERROR(parse_stretch(text, "--break", *hours.add_breaks()));
  if (!options.from.empty()) {
    ASSIGN_OR_RETURN(*hours.mutable_valid_from(), parse_day(options.from, false, "--from"));
  }
  if (!options.until.empty()) {
    ASSIGN_OR_RETURN(*hours.mutable_valid_until(), parse_day(options.until, false, "--until"));
  }
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kChange));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  if (!options.clinic.empty()) {
    ASSIGN_OR_RETURN(*hours.mutable_clinic_id(), choose_clinic(*target, context, options.clinic));
  }
  return call_opened<clinic::PutHoursResponse>(
      session, *target, context, clinic::METHOD_AVAILABILITY_PUT_HOURS, request,
      [&](const auto& done) { session.say("Set hours " + id_text(done.result().id()) + "."); });
}

Result<ExitCode> set_exception(Session& session, const HoursOptions& options, bool works) {
  clinic::PutExceptionRequest request;
  clinic::AvailabilityException& exception = *request.mutable_exception();
  clinic::ResourceKind kind{};
  RETURN_IF_ERROR(parse_place(options.place, kind, *exception.mutable_resource_id()));
  exception.set_kind(kind);
  exception.set_reason(options.reason);
  exception.set_works(works);
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kChange));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  ASSIGN_OR_RETURN(const Time from, parse_time(options.from, session.zone(), "--from"));
  ASSIGN_OR_RETURN(const Time until, parse_time(options.until, session.zone(), "--until"));
  exception.set_start_us(from.us);
  exception.set_end_us(until.us);
  if (!options.clinic.empty()) {
    ASSIGN_OR_RETURN(*exception.mutable_clinic_id(),
                     choose_clinic(*target, context, options.clinic));
  }
  ASSIGN_OR_RETURN(const auto done,
                   ask<clinic::PutExceptionResponse>(
                       *target, clinic::METHOD_AVAILABILITY_PUT_EXCEPTION, context, request));
  session.show_written(works ? "Opened time" : "Noted time off", done->result());
  return ExitCode::kDone;
}

Result<ExitCode> set_holiday(Session& session, const std::string& day, const std::string& name) {
  clinic::PutHolidayRequest request;
  ASSIGN_OR_RETURN(*request.mutable_holiday()->mutable_day(), parse_day(day, false, "DAY"));
  request.mutable_holiday()->set_name(name);
  return call_tenant<clinic::PutHolidayResponse>(
      session, Access::kChange, clinic::METHOD_AVAILABILITY_PUT_HOLIDAY, request,
      [&](const auto& done) { session.say("Set holiday " + id_text(done.result().id()) + "."); });
}

std::string minute_text(std::uint32_t minute) {
  char text[32];
  std::snprintf(text, sizeof text, "%02u:%02u", minute / 60, minute % 60);
  return text;
}

struct HolidaysOptions {
  std::string clinic;
  std::string from = "today";
  std::string until;
};

Result<ExitCode> list_holidays(Session& session, const HolidaysOptions& options) {
  clinic::ListHolidaysRequest request;
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kRead));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  ASSIGN_OR_RETURN(*request.mutable_from(),
                   parse_day_or_word(options.from, session.zone(), system_clock().now(), "--from"));
  *request.mutable_until() = request.from();
  if (options.until.empty()) {
    request.mutable_until()->set_year(request.from().year() + 1);
    if (request.from().month() == 2 && request.from().day() == 29)
      request.mutable_until()->set_day(28);
  } else {
    ASSIGN_OR_RETURN(*request.mutable_until(), parse_day(options.until, false, "--until"));
  }
  if (!options.clinic.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_clinic_id(), choose_clinic(*target, context, options.clinic));
  }
  return call_opened<clinic::ListHolidaysResponse>(
      session, *target, context, clinic::METHOD_AVAILABILITY_LIST_HOLIDAYS, request,
      [&](const auto& found) {
        TextTable table({{"DAY"}, {"NAME"}, {"OPEN"}, {"CLINIC"}, {"ID"}});
        for (const clinic::Holiday& holiday : found.holidays()) {
          table.add({format_day(holiday.day()), holiday.name(),
                     holiday.open_until_minute() == 0
                         ? ""
                         : minute_text(holiday.open_from_minute()) + "-" +
                               minute_text(holiday.open_until_minute()),
                     holiday.clinic_id().empty() ? "all" : id_text(holiday.clinic_id()),
                     id_text(holiday.id())});
        }
        show_or_say(session, table, "No holiday.");
      });
}

struct ListHoursOptions {
  PlaceOptions place;
  std::string from;
  std::uint64_t days = 30;
};

/// "1 09:00-18:00, 2 09:00-12:00, less 12:00-13:00"
std::string weekly_text(const clinic::Hours& hours) {
  std::string text;
  const auto add = [&](const clinic::WeeklyHours& stretch, std::string_view lead) {
    if (!text.empty()) text += ", ";
    text += lead;
    if (stretch.weekday() != 0) text += std::to_string(stretch.weekday()) + " ";
    text += minute_text(stretch.from_minute()) + "-" + minute_text(stretch.until_minute());
  };
  for (const clinic::WeeklyHours& stretch : hours.weekly()) add(stretch, "");
  for (const clinic::WeeklyHours& pause : hours.breaks()) add(pause, "less ");
  return text.empty() ? "its slots" : text;
}

std::string validity_text(const clinic::Hours& hours) {
  if (!hours.has_valid_from() && !hours.has_valid_until()) return "always";
  return (hours.has_valid_from() ? format_day(hours.valid_from()) : "") + " to " +
         (hours.has_valid_until() ? format_day(hours.valid_until()) : "");
}

Result<ExitCode> list_hours(Session& session, const ListHoursOptions& options) {
  clinic::ListHoursRequest hours;
  clinic::ListExceptionsRequest exceptions;
  clinic::ResourceKind kind{};
  RETURN_IF_ERROR(parse_place(options.place, kind, *hours.mutable_resource_id()));
  hours.set_kind(kind);
  exceptions.set_kind(kind);
  exceptions.set_resource_id(hours.resource_id());
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kRead));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  Time from = system_clock().now();
  if (!options.from.empty()) {
    ASSIGN_OR_RETURN(from, parse_time(options.from, session.zone(), "--from"));
  }
  exceptions.set_from_us(from.us);
  exceptions.set_until_us(from.us + static_cast<std::int64_t>(options.days) * kDayUs);
  ASSIGN_OR_RETURN(const auto weekly,
                   ask<clinic::ListHoursResponse>(*target, clinic::METHOD_AVAILABILITY_LIST_HOURS,
                                                  context, hours));
  ASSIGN_OR_RETURN(const auto beside,
                   ask<clinic::ListExceptionsResponse>(
                       *target, clinic::METHOD_AVAILABILITY_LIST_EXCEPTIONS, context, exceptions));
  if (session.json()) {
    Json both = to_json(*weekly);
    both.update(to_json(*beside));
    session.show(both);
    return ExitCode::kDone;
  }
  TextTable table({{"WHAT"}, {"WHEN"}, {"VALID"}, {"ID"}});
  for (const clinic::Hours& each : weekly->hours())
    table.add({"hours", weekly_text(each), validity_text(each), id_text(each.id())});
  for (const clinic::AvailabilityException& each : beside->exceptions()) {
    table.add({each.works() ? "open" : "off",
               format_local(Time{each.start_us()}, session.zone()) + " to " +
                   format_local(Time{each.end_us()}, session.zone()),
               each.reason(), id_text(each.id())});
  }
  show_or_say(session, table, "No hours; a professional without any is never free.");
  return ExitCode::kDone;
}

struct RemoveHoursOptions {
  std::string id;
  std::string what = "hours";
};

template <class Request, class Response>
Result<ExitCode> remove_from(Session& session, const RemoveHoursOptions& options,
                             clinic::MethodId method) {
  Request request;
  ASSIGN_OR_RETURN(*request.mutable_id(), parse_id(options.id, "ID"));
  return call_tenant<Response>(session, Access::kChange, method, request,
                               [&](const auto&) { session.say("Removed " + options.id + "."); });
}

Result<ExitCode> remove_hours(Session& session, const RemoveHoursOptions& options) {
  if (options.what == "hours") {
    return remove_from<clinic::RemoveHoursRequest, clinic::RemoveHoursResponse>(
        session, options, clinic::METHOD_AVAILABILITY_REMOVE_HOURS);
  }
  if (options.what == "exception") {
    return remove_from<clinic::RemoveExceptionRequest, clinic::RemoveExceptionResponse>(
        session, options, clinic::METHOD_AVAILABILITY_REMOVE_EXCEPTION);
  }
  if (options.what == "holiday") {
    return remove_from<clinic::RemoveHolidayRequest, clinic::RemoveHolidayResponse>(
        session, options, clinic::METHOD_AVAILABILITY_REMOVE_HOLIDAY);
  }
  return invalid_argument("--what: hours, exception or holiday").with_field("--what");
}

void add_exception(Commands& commands, const std::string& words, const std::string& says,
                   bool works) {
  auto options = std::make_shared<HoursOptions>();
  const std::string times = works ? " --from 2026-12-05T09:00 --until 2026-12-05T13:00"
                                  : " --from 2026-12-24T00:00 --until 2027-01-04T00:00";
  Command command = commands.add(
      words, says, Needs::kTenant,
      {example(words, std::string("--professional ") + kExampleId + times)},
      [options, works](Session& session) { return set_exception(session, *options, works); });
  take_place(command, options->place);
  command.text("--from", options->from, "When it begins").type("TIME").required();
  command.text("--until", options->until, "When it ends").type("TIME").required();
  command.text("--reason", options->reason, "Why");
  if (works) {
    command.text("--clinic", options->clinic, "Where: id or short name; else at any")
        .type("CLINIC");
  }
}

void add_all(Commands& commands) {
  commands.group("hours", "When professionals and rooms can be booked");
  auto set = std::make_shared<HoursOptions>();
  Command hours = commands.add(
      "hours set", "Add weekly hours of a professional or a room", Needs::kTenant,
      {example("hours set", std::string("--professional ") + kExampleId +
                                " --days 1-5 --hours 09:00-18:00 --break 12:00-13:00")},
      [set](Session& session) { return set_hours(session, *set); });
  take_place(hours, set->place);
  hours.text("--days", set->days, "Weekdays: 1 Monday to 7 Sunday, or a range").type("DAYS");
  hours.texts("--hours", set->stretches, "From and to; may be given again")
      .type("HH:MM-HH:MM")
      .required();
  hours.texts("--break", set->breaks, "Taken out of each day; may be given again")
      .type("HH:MM-HH:MM");
  hours.text("--from", set->from, "First day on which they hold").type("DAY");
  hours.text("--until", set->until, "Last day on which they hold").type("DAY");
  hours.text("--clinic", set->clinic, "Where: id or short name; else at any").type("CLINIC");
  add_exception(commands, "hours off", "Note time off of a professional or a room", false);
  add_exception(commands, "hours open", "Open time beside the weekly hours, at most a day", true);
  auto day = std::make_shared<std::string>();
  auto name = std::make_shared<std::string>();
  Command holiday =
      commands.add("hours holiday", "Close all clinics of the tenant on a day", Needs::kTenant,
                   {example("hours holiday", "2026-12-25 --name Natal")},
                   [day, name](Session& session) { return set_holiday(session, *day, *name); });
  holiday.text("DAY", *day, "2026-12-25").required();
  holiday.text("--name", *name, "What it is called");
  auto holidays = std::make_shared<HolidaysOptions>();
  Command holidays_command = commands.add(
      "hours holidays", "List the holidays of all clinics, and of one", Needs::kTenant,
      {example("hours holidays", ""),
       example("hours holidays", "--clinic centro --from 2027-01-01 --until 2027-12-31")},
      [holidays](Session& session) { return list_holidays(session, *holidays); });
  holidays_command.text("--clinic", holidays->clinic, "Also those of this one: id or short name")
      .type("CLINIC");
  holidays_command.text("--from", holidays->from, "First day; else today").type("DAY");
  holidays_command.text("--until", holidays->until, "Last day; else a year later").type("DAY");
  auto listed = std::make_shared<ListHoursOptions>();
  Command list = commands.add(
      "hours list", "List hours, time off and opened time of a professional or a room",
      Needs::kTenant, {example("hours list", std::string("--professional ") + kExampleId)},
      [listed](Session& session) { return list_hours(session, *listed); });
  take_place(list, listed->place);
  list.text("--from", listed->from, "From when on; else from now").type("TIME");
  list.number("--days", listed->days, 1, 400, "How far");
  auto removed = std::make_shared<RemoveHoursOptions>();
  Command remove =
      commands.add("hours remove", "Remove hours, an exception or a holiday", Needs::kTenant,
                   {example("hours remove", std::string(kExampleId) + " --what exception")},
                   [removed](Session& session) { return remove_hours(session, *removed); });
  remove.text("ID", removed->id, "As `hours list` or `hours holidays` shows it").required();
  remove.text("--what", removed->what, "hours, exception or holiday").type("WHAT");
}

}  // namespace

void add_hours_commands(Commands& commands) { add_all(commands); }

}  // namespace clinicdb::server
