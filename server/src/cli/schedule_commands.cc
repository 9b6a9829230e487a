// service and equipment: add, get, list; slots; calendar.
#include <algorithm>
#include <map>

#include <nlohmann/json.hpp>

#include "cli/calendar_browser.h"
#include "cli/clinic_choice.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/record_view.h"
#include "cli/tenant_call.h"
#include "cli/time_text.h"
#include "clinicdb/base/clock.h"
#include "clinicdb/clinic/schema/availability.pb.h"
#include "clinicdb/clinic/schema/calendar.pb.h"
#include "clinicdb/clinic/schema/catalogue.pb.h"
#include "clinicdb/clinic/schema/people.pb.h"
#include "clinicdb/clinic/tables.h"

namespace clinicdb::server {

namespace {

using clinic::CallContext;

constexpr std::int64_t kMinuteUs = 60'000'000;
constexpr std::int64_t kDayUs = 24 * 60 * kMinuteUs;

struct ServiceOptions {
  std::string name;
  std::string code;
  std::uint64_t minutes = 30;
  std::uint64_t before = 0;
  std::uint64_t after = 0;
  std::uint64_t capacity = 1;
  std::uint64_t cents = 0;
  std::vector<std::string> rooms;
  std::vector<std::string> equipment;
};

Result<ExitCode> add_service(Session& session, const ServiceOptions& options) {
  clinic::PutServiceRequest request;
  clinic::Service& service = *request.mutable_service();
  service.set_name(options.name);
  service.set_code(options.code);
  service.set_duration_minutes(static_cast<std::uint32_t>(options.minutes));
  service.set_buffer_before_minutes(static_cast<std::uint32_t>(options.before));
  service.set_buffer_after_minutes(static_cast<std::uint32_t>(options.after));
  service.set_capacity(static_cast<std::uint32_t>(options.capacity));
  service.mutable_price()->set_cents(static_cast<std::int64_t>(options.cents));
  service.mutable_price()->set_currency("BRL");
  for (const std::string& room : options.rooms) {
    ASSIGN_OR_RETURN(*service.add_room_ids(),
                     parse_record_id(clinic::RESOURCE_TYPE_LOCATION, room, "--room"));
    service.set_needs_room(true);
  }
  for (const std::string& equipment : options.equipment) {
    ASSIGN_OR_RETURN(*service.add_equipment_ids(), parse_id(equipment, "--equipment"));
  }
  return call_tenant<clinic::PutServiceResponse>(
      session, Access::kChange, clinic::METHOD_CATALOGUE_PUT_SERVICE, request,
      [&](const auto& done) { session.say("Added service " + id_text(done.result().id()) + "."); });
}

Result<ExitCode> list_services(Session& session) {
  clinic::ListServicesRequest request;
  request.set_limit(1000);
  return call_tenant<clinic::ListServicesResponse>(
      session, Access::kRead, clinic::METHOD_CATALOGUE_LIST_SERVICES, request,
      [&](const auto& found) {
        TextTable table({{"NAME"}, {"CODE"}, {"MINUTES", Align::kRight}, {"ID"}});
        for (const clinic::Service& service : found.services()) {
          table.add({service.name(), service.code(), std::to_string(service.duration_minutes()),
                     id_text(service.id())});
        }
        show_or_say(session, table, "No service yet.");
      });
}

Result<ExitCode> add_equipment(Session& session, const std::string& name, std::uint64_t units) {
  clinic::PutEquipmentRequest request;
  request.mutable_equipment()->set_name(name);
  request.mutable_equipment()->set_units(static_cast<std::uint32_t>(units));
  return call_tenant<clinic::PutEquipmentResponse>(
      session, Access::kChange, clinic::METHOD_CATALOGUE_PUT_EQUIPMENT, request,
      [&](const auto& done) {
        session.say("Added equipment " + id_text(done.result().id()) + ".");
      });
}

Result<ExitCode> list_equipment(Session& session) {
  clinic::ListEquipmentRequest request;
  request.set_limit(1000);
  return call_tenant<clinic::ListEquipmentResponse>(
      session, Access::kRead, clinic::METHOD_CATALOGUE_LIST_EQUIPMENT, request,
      [&](const auto& found) {
        TextTable table({{"NAME"}, {"KIND"}, {"UNITS", Align::kRight}, {"ID"}});
        for (const clinic::Equipment& equipment : found.equipment()) {
          table.add({equipment.name() + (equipment.inactive() ? " (not active)" : ""),
                     equipment.kind(), std::to_string(std::max(equipment.units(), 1u)),
                     id_text(equipment.id())});
        }
        show_or_say(session, table, "No equipment yet.");
      });
}

struct SlotsOptions {
  std::vector<std::string> professionals;
  std::vector<std::string> rooms;
  std::string service;
  std::string clinic;
  std::string from;
  std::uint64_t days = 7;
  std::uint64_t minutes = 0;
  std::uint64_t step = 15;
  bool first = false;
};

Result<clinic::FindSlotsRequest> slots_request(const SlotsOptions& options) {
  clinic::FindSlotsRequest request;
  for (const std::string& id : options.professionals) {
    ASSIGN_OR_RETURN(*request.add_professional_ids(),
                     parse_record_id(clinic::RESOURCE_TYPE_PRACTITIONER, id, "--professional"));
  }
  for (const std::string& id : options.rooms) {
    ASSIGN_OR_RETURN(*request.add_room_ids(),
                     parse_record_id(clinic::RESOURCE_TYPE_LOCATION, id, "--room"));
  }
  if (!options.service.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_service_id(), parse_id(options.service, "--service"));
  }
  request.set_duration_minutes(static_cast<std::uint32_t>(options.minutes));
  if (options.minutes == 0 && options.service.empty()) request.set_duration_minutes(30);
  request.set_step_minutes(static_cast<std::uint32_t>(options.step));
  if (options.first) request.set_limit(1);
  return request;
}

Result<ExitCode> find_slots(Session& session, const SlotsOptions& options) {
  ASSIGN_OR_RETURN(clinic::FindSlotsRequest request, slots_request(options));
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kRead));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  ASSIGN_OR_RETURN(*request.mutable_clinic_id(), choose_clinic(*target, context, options.clinic));
  Time from = system_clock().now();
  if (!options.from.empty()) {
    ASSIGN_OR_RETURN(from, parse_time(options.from, session.zone(), "--from"));
  }
  request.set_from_us(from.us);
  request.set_until_us(from.us + static_cast<std::int64_t>(options.days) * kDayUs);
  ASSIGN_OR_RETURN(const auto found,
                   ask<clinic::FindSlotsResponse>(*target, clinic::METHOD_AVAILABILITY_FIND_SLOTS,
                                                  context, request));
  if (session.json()) {
    session.show(to_json(*found));
    return ExitCode::kDone;
  }
  TextTable table({{"START"}, {"END"}, {"PROFESSIONAL"}, {"ROOM"}, {"SEATS", Align::kRight}});
  for (const clinic::Slot& slot : found->slots()) {
    table.add({format_local(Time{slot.start_us()}, session.zone()),
               format_local_hour(Time{slot.end_us()}, session.zone()),
               id_text(slot.professional_id()),
               slot.room_id().empty() ? "" : id_text(slot.room_id()),
               slot.seats_free() == 0 ? "" : std::to_string(slot.seats_free())});
  }
  show_or_say(session, table, "Nothing is free; professionals need hours (`clinicdb hours set`).");
  return ExitCode::kDone;
}

struct CalendarOptions {
  std::string from = "today";
  std::string professional;
  std::string room;
  std::string clinic;
  bool week = false;
  bool month = false;
  bool all = false;
};

Result<clinic::ListCalendarRequest> calendar_request(Target& target, const CallContext& context,
                                                     const CalendarOptions& options,
                                                     const std::string& zone) {
  clinic::ListCalendarRequest request;
  if (!options.professional.empty()) {
    request.set_kind(clinic::RESOURCE_KIND_PROFESSIONAL);
    ASSIGN_OR_RETURN(*request.mutable_id(),
                     parse_record_id(clinic::RESOURCE_TYPE_PRACTITIONER, options.professional,
                                     "--professional"));
  } else if (!options.room.empty()) {
    request.set_kind(clinic::RESOURCE_KIND_ROOM);
    ASSIGN_OR_RETURN(*request.mutable_id(),
                     parse_record_id(clinic::RESOURCE_TYPE_LOCATION, options.room, "--room"));
  } else {
    request.set_kind(clinic::RESOURCE_KIND_CLINIC);
    ASSIGN_OR_RETURN(*request.mutable_id(), choose_clinic(target, context, options.clinic));
  }
  ASSIGN_OR_RETURN(*request.mutable_from(),
                   parse_day_or_word(options.from, zone, system_clock().now(), "--from"));
  request.set_days(options.month ? 42 : options.week ? 7 : 1);
  request.set_include_released(options.all);
  return request;
}

/// A line for each hour at which something starts, a column a day: how many start, and the first's
/// title.
TextTable week_table(const clinic::ListCalendarResponse& calendar) {
  std::vector<TextTable::Column> columns{{"HOUR"}};
  std::map<std::string, std::vector<std::pair<int, std::string>>> lines;
  const auto days = static_cast<std::size_t>(calendar.days_size());
  for (std::size_t d = 0; d < days; ++d) {
    const clinic::CalendarDay& day = calendar.days(static_cast<int>(d));
    columns.push_back({format_day(day.day())});
    for (const clinic::CalendarEntry& entry : day.entries()) {
      const std::string hour =
          format_local_hour(Time{entry.start_us()}, calendar.zone()).substr(0, 2) + ":00";
      auto& line = lines.try_emplace(hour, days).first->second;
      if (line[d].first++ == 0) {
        line[d].second = format_local_hour(Time{entry.start_us()}, calendar.zone()) + " " +
                         entry.title().substr(0, 18);
      }
    }
  }
  TextTable table(std::move(columns));
  for (const auto& [hour, line] : lines) {
    std::vector<std::string> cells{hour};
    for (const auto& [count, text] : line)
      cells.push_back(count > 1 ? text + " +" + std::to_string(count - 1) : text);
    table.add(std::move(cells));
  }
  return table;
}

TextTable month_table(const clinic::ListCalendarResponse& calendar) {
  TextTable table({{"DAY"}, {"APPOINTMENTS", Align::kRight}, {"FIRST"}, {"LAST"}});
  for (const clinic::CalendarDay& day : calendar.days()) {
    if (day.entries().empty()) continue;
    table.add({format_day(day.day()), std::to_string(day.entries_size()),
               format_local_hour(Time{day.entries(0).start_us()}, calendar.zone()),
               format_local_hour(Time{day.entries().rbegin()->start_us()}, calendar.zone())});
  }
  return table;
}

/// Whose calendars can be switched to from the one that was asked for, which comes first. Of a
/// room: no others.
Result<std::vector<CalendarOwner>> calendar_owners(Target& target, const CallContext& context,
                                                   const clinic::ListCalendarRequest& request) {
  std::vector<CalendarOwner> owners{{request.kind(), request.id(), "Room"}};
  if (request.kind() == clinic::RESOURCE_KIND_ROOM) return owners;
  if (request.kind() == clinic::RESOURCE_KIND_CLINIC) {
    clinic::GetClinicRequest get;
    get.set_id(request.id());
    ASSIGN_OR_RETURN(const auto site, ask<clinic::GetClinicResponse>(
                                          target, clinic::METHOD_PEOPLE_GET_CLINIC, context, get));
    owners.front().name = site != nullptr ? site->clinic().name() : "Clinic";
  }
  clinic::ListProfessionalsRequest list;
  list.set_limit(1000);
  ASSIGN_OR_RETURN(const auto found,
                   ask<clinic::ListProfessionalsResponse>(
                       target, clinic::METHOD_PEOPLE_LIST_PROFESSIONALS, context, list));
  std::size_t first = 0;
  for (const clinic::Professional& professional : found->professionals()) {
    if (professional.id() == request.id()) first = owners.size();
    owners.push_back({clinic::RESOURCE_KIND_PROFESSIONAL, professional.id(),
                      clinic::display_name(professional.names())});
  }
  if (request.kind() != clinic::RESOURCE_KIND_PROFESSIONAL) return owners;
  if (first == 0)
    return not_found("--professional: no such professional").with_field("--professional");
  owners.erase(owners.begin());
  std::rotate(owners.begin(), owners.begin() + static_cast<std::ptrdiff_t>(first) - 1,
              owners.end());
  return owners;
}

Result<ExitCode> browse(Session& session, Target& target, const CallContext& context,
                        const clinic::ListCalendarRequest& first) {
  ASSIGN_OR_RETURN(std::vector<CalendarOwner> owners, calendar_owners(target, context, first));
  ASSIGN_OR_RETURN(const clinic::Date today,
                   parse_day_or_word("today", session.zone(), system_clock().now(), "--from"));
  RETURN_IF_ERROR(browse_calendar(CalendarView(std::move(owners), today, first.from()),
                                  session.terminal().colour,
                                  [&](const clinic::ListCalendarRequest& asked) {
                                    clinic::ListCalendarRequest request = asked;
                                    request.set_include_released(first.include_released());
                                    return ask<clinic::ListCalendarResponse>(
                                        target, clinic::METHOD_CALENDAR_LIST, context, request);
                                  }));
  return ExitCode::kDone;
}

Result<ExitCode> show_calendar(Session& session, const CalendarOptions& options) {
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kRead));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  ASSIGN_OR_RETURN(const clinic::ListCalendarRequest request,
                   calendar_request(*target, context, options, session.zone()));
  const Terminal& terminal = session.terminal();
  if (options.week && !options.month && !session.json() && terminal.in && terminal.out)
    return browse(session, *target, context, request);
  ASSIGN_OR_RETURN(
      const auto calendar,
      ask<clinic::ListCalendarResponse>(*target, clinic::METHOD_CALENDAR_LIST, context, request));
  if (session.json()) {
    session.show(to_json(*calendar));
    return ExitCode::kDone;
  }
  show_or_say(session, options.month ? month_table(*calendar) : week_table(*calendar),
              "No appointment.");
  return ExitCode::kDone;
}

void add_catalogue(Commands& commands) {
  commands.group("service", "Services that a tenant offers");
  commands.group("equipment", "Equipment that services take");
  auto service = std::make_shared<ServiceOptions>();
  Command add =
      commands.add("service add", "Add a service", Needs::kTenant,
                   {example("service add", "Limpeza --minutes 45 --after 10")},
                   [service](Session& session) { return add_service(session, *service); });
  add.text("NAME", service->name, "What it is called").required();
  add.text("--code", service->code, "The clinic's own code");
  add.number("--minutes", service->minutes, 1, 24 * 60, "How long it takes");
  add.number("--before", service->before, 0, 240, "Minutes that are kept free before");
  add.number("--after", service->after, 0, 240, "Minutes that are kept free after");
  add.number("--capacity", service->capacity, 1, 200, "Patients at one time");
  add.number("--cents", service->cents, 0, 100'000'000, "Price");
  add.texts("--room", service->rooms, "Where it is done; may be given again").type("ID");
  add.texts("--equipment", service->equipment, "What it takes; may be given again").type("ID");
  commands.add("service list", "List the services", Needs::kTenant, {example("service list", "")},
               &list_services);
  auto name = std::make_shared<std::string>();
  auto units = std::make_shared<std::uint64_t>(1);
  Command equipment = commands.add(
      "equipment add", "Add a piece of equipment", Needs::kTenant,
      {example("equipment add", "Laser --units 2")},
      [name, units](Session& session) { return add_equipment(session, *name, *units); });
  equipment.text("NAME", *name, "What it is called").required();
  equipment.number("--units", *units, 1, 64, "How many of it there are");
  commands.add("equipment list", "List the equipment", Needs::kTenant,
               {example("equipment list", "")}, &list_equipment);
  add_get<clinic::GetServiceRequest>(
      commands, "service get", "Show a service", clinic::METHOD_CATALOGUE_GET_SERVICE,
      clinic::RESOURCE_TYPE_UNSPECIFIED, "As `service list` shows it");
  add_get<clinic::GetEquipmentRequest>(commands, "equipment get", "Show a piece of equipment",
                                       clinic::METHOD_CATALOGUE_GET_EQUIPMENT,
                                       clinic::RESOURCE_TYPE_UNSPECIFIED,
                                       "As `equipment list` shows it");
}

void add_slots(Commands& commands) {
  auto slots = std::make_shared<SlotsOptions>();
  Command find = commands.add(
      "slots", "Find free times of professionals", Needs::kTenant,
      {example("slots", std::string("--professional ") + kExampleId + " --days 14"),
       example("slots", std::string("--professional ") + kExampleId + " --minutes 45 --first")},
      [slots](Session& session) { return find_slots(session, *slots); });
  find.texts("--professional", slots->professionals, "Whose; may be given again")
      .type("ID")
      .required();
  find.texts("--room", slots->rooms, "In one of these; may be given again").type("ID");
  find.text("--service", slots->service, "For this service").type("ID");
  find.text("--clinic", slots->clinic, "At which clinic: id or short name; else the only one")
      .type("CLINIC");
  find.text("--from", slots->from, "From when on; else from now").type("TIME");
  find.number("--days", slots->days, 1, 400, "How far");
  find.number("--minutes", slots->minutes, 0, 24 * 60, "How long; else as the service, or 30");
  find.number("--step", slots->step, 1, 24 * 60, "Starts are this many minutes apart");
  find.flag("--first", slots->first, "The first one only");
}

void add_calendar(Commands& commands) {
  auto calendar = std::make_shared<CalendarOptions>();
  Command show = commands.add(
      "calendar", "Show a day, a week or a month of a clinic, a professional or a room",
      Needs::kTenant,
      {example("calendar", "--week"), example("calendar", "--month --from 2026-12-01"),
       example("calendar", std::string("--week --professional ") + kExampleId)},
      [calendar](Session& session) { return show_calendar(session, *calendar); });
  show.flag("--week", calendar->week,
            "Seven days, by the hour; on a terminal to be browsed by keys");
  show.flag("--month", calendar->month, "Six weeks, a line a day");
  show.text("--from", calendar->from, "First day: 2026-12-01, today (else), tomorrow").type("DAY");
  CommandOption professional =
      show.text("--professional", calendar->professional, "Of this professional").type("ID");
  CommandOption room = show.text("--room", calendar->room, "Of this room").type("ID");
  CommandOption clinic =
      show.text("--clinic", calendar->clinic, "Of this clinic (else): id or short name")
          .type("CLINIC");
  professional.excludes(room).excludes(clinic);
  room.excludes(clinic);
  show.flag("--all", calendar->all, "Of a clinic: also what was cancelled");
}

}  // namespace

void add_schedule_commands(Commands& commands) {
  add_catalogue(commands);
  add_slots(commands);
  add_calendar(commands);
}

}  // namespace clinicdb::server
