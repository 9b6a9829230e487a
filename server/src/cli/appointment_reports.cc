// appointment counts; patient appointments.
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/clinic_choice.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/tenant_call.h"
#include "cli/time_text.h"
#include "clinicdb/base/clock.h"
#include "clinicdb/clinic/schema/calendar.pb.h"

namespace clinicdb::server {

namespace {

using clinic::CallContext;

struct CountOptions {
  std::string clinic;
  std::string from = "today";
  std::uint64_t days = 30;
};

std::vector<std::string> count_cells(std::string what, const clinic::AppointmentCount& count) {
  char rate[32];
  std::snprintf(rate, sizeof rate, "%.1f %%", count.no_show_millionths() / 10'000.0);
  return {std::move(what),
          std::to_string(count.total()),
          std::to_string(count.booked()),
          std::to_string(count.completed()),
          std::to_string(count.cancelled()),
          std::to_string(count.missed()),
          rate};
}

Result<ExitCode> count_appointments(Session& session, const CountOptions& options) {
  clinic::CountAppointmentsRequest request;
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kRead));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  ASSIGN_OR_RETURN(*request.mutable_clinic_id(), choose_clinic(*target, context, options.clinic));
  ASSIGN_OR_RETURN(*request.mutable_from(),
                   parse_day_or_word(options.from, session.zone(), system_clock().now(), "--from"));
  request.set_days(static_cast<std::uint32_t>(options.days));
  return call_opened<clinic::CountAppointmentsResponse>(
      session, *target, context, clinic::METHOD_CALENDAR_COUNT, request, [&](const auto& found) {
        constexpr const char* kWeekdays[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                             "Friday", "Saturday", "Sunday"};
        TextTable table({{"OF"},
                         {"ALL", Align::kRight},
                         {"BOOKED", Align::kRight},
                         {"COMPLETED", Align::kRight},
                         {"CANCELLED", Align::kRight},
                         {"MISSED", Align::kRight},
                         {"NO-SHOWS", Align::kRight}});
        table.add(count_cells("all", found.total()));
        const auto add = [&](const char* what, const auto& list) {
          for (const auto& of : list) {
            table.add(
                count_cells(std::string(what) + " " + (of.id().empty() ? "none" : id_text(of.id())),
                            of.count()));
          }
        };
        add("professional", found.professionals());
        add("service", found.services());
        for (int i = 0; i < found.weekdays_size() && i < 7; ++i)
          table.add(count_cells(kWeekdays[i], found.weekdays(i)));
        session.show(table);
      });
}

struct PatientOptions {
  std::string id;
  std::string cursor;
  std::uint64_t limit = 50;
  bool past = false;
};

Result<ExitCode> list_of_patient(Session& session, const PatientOptions& options) {
  clinic::ListPatientAppointmentsRequest request;
  ASSIGN_OR_RETURN(*request.mutable_patient_id(), parse_patient_id(options.id, "ID"));
  ASSIGN_OR_RETURN(*request.mutable_cursor(), parse_cursor(options.cursor));
  request.set_limit(static_cast<std::uint32_t>(options.limit));
  const std::int64_t now = system_clock().now().us;
  if (options.past) {
    request.set_before_us(now);
  } else {
    request.set_after_us(now);
  }
  return call_tenant<clinic::ListPatientAppointmentsResponse>(
      session, Access::kRead, clinic::METHOD_CALENDAR_LIST_PATIENT, request,
      [&](const auto& found) {
        TextTable table({{"START"}, {"END"}, {"STATUS"}, {"WHAT"}, {"PROFESSIONAL"}, {"ID"}});
        for (const clinic::CalendarEntry& entry : found.entries()) {
          table.add({format_local(Time{entry.start_us()}, session.zone()),
                     format_local_hour(Time{entry.end_us()}, session.zone()),
                     enum_text(*clinic::AppointmentStatus_descriptor()->FindValueByNumber(
                         entry.status())),
                     entry.title(),
                     entry.professional_id().empty() ? "" : id_text(entry.professional_id()),
                     id_text(entry.appointment_id())});
        }
        show_or_say(session, table, options.past ? "None before now." : "None from now on.");
        if (!found.cursor().empty())
          session.say("There are more: --cursor " + cursor_text(found.cursor()));
      });
}

}  // namespace

void add_report_commands(Commands& commands) {
  auto counted = std::make_shared<CountOptions>();
  Command count = commands.add(
      "appointment counts",
      "Count a clinic's appointments and no-shows by professional, service and weekday",
      Needs::kTenant, {example("appointment counts", "--from 2026-11-01 --days 30")},
      [counted](Session& session) { return count_appointments(session, *counted); });
  count.text("--clinic", counted->clinic, "Id or short name; else the only one").type("CLINIC");
  count.text("--from", counted->from, "First day: 2026-12-01, today (else), tomorrow").type("DAY");
  count.number("--days", counted->days, 1, 3660, "How many days");

  auto listed = std::make_shared<PatientOptions>();
  Command list = commands.add(
      "patient appointments", "List a patient's appointments: from now on, or with --past before",
      Needs::kTenant, {example("patient appointments", std::string(kExampleId) + " --past")},
      [listed](Session& session) { return list_of_patient(session, *listed); });
  list.text("ID", listed->id, "The patient").required();
  list.flag("--past", listed->past, "Those before now, the newest first");
  list.number("--limit", listed->limit, 1, 1000, "How many at most");
  list.text("--cursor", listed->cursor, "Go on where an earlier page ended");
}

}  // namespace clinicdb::server
