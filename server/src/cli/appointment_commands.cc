// appointment book, cancel, get, list.
#include <nlohmann/json.hpp>

#include "cli/clinic_choice.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/tenant_call.h"
#include "cli/time_text.h"
#include "clinicdb/base/clock.h"
#include "clinicdb/clinic/identity.h"
#include "clinicdb/clinic/schema/appointment.pb.h"

namespace clinicdb::server {

namespace {

using clinic::CallContext;

constexpr std::int64_t kMinuteUs = 60'000'000;

std::string status_text(clinic::AppointmentStatus status) {
  return enum_text(*clinic::AppointmentStatus_descriptor()->FindValueByNumber(status));
}

struct BookOptions {
  std::string professional;
  std::string patient;
  std::string room;
  std::string clinic;
  std::string start;
  std::string end;
  std::uint64_t minutes = 0;
  std::string service;
  std::string hold;
  std::string title;
  std::string note;
  bool overbook = false;
  bool within_hours = false;
};

Result<clinic::BookAppointmentRequest> book_request(const BookOptions& options,
                                                    const std::string& zone) {
  clinic::BookAppointmentRequest request;
  clinic::Appointment& appointment = *request.mutable_appointment();
  ASSIGN_OR_RETURN(
      *appointment.mutable_professional_id(),
      parse_record_id(clinic::RESOURCE_TYPE_PRACTITIONER, options.professional, "--professional"));
  ASSIGN_OR_RETURN(*appointment.mutable_patient_id(),
                   parse_record_id(clinic::RESOURCE_TYPE_PATIENT, options.patient, "--patient"));
  if (!options.room.empty()) {
    ASSIGN_OR_RETURN(*appointment.mutable_room_id(),
                     parse_record_id(clinic::RESOURCE_TYPE_LOCATION, options.room, "--room"));
  }
  ASSIGN_OR_RETURN(const Time start, parse_time(options.start, zone, "--start"));
  appointment.set_start_us(start.us);
  if (!options.end.empty()) {
    ASSIGN_OR_RETURN(const Time end, parse_time(options.end, zone, "--end"));
    appointment.set_end_us(end.us);
  } else if (options.minutes != 0 || options.service.empty()) {
    const std::uint64_t minutes = options.minutes == 0 ? 30 : options.minutes;
    appointment.set_end_us(start.us + static_cast<std::int64_t>(minutes) * kMinuteUs);
  }  // else as long as the service takes
  if (!options.service.empty()) {
    ASSIGN_OR_RETURN(*appointment.mutable_service_id(), parse_id(options.service, "--service"));
  }
  if (!options.hold.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_hold_id(), parse_id(options.hold, "--hold"));
  }
  request.set_overbook(options.overbook);
  request.set_within_hours(options.within_hours);
  appointment.set_title(options.title);
  appointment.set_note(options.note);
  return request;
}

Result<ExitCode> book(Session& session, const BookOptions& options) {
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kChange));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  ASSIGN_OR_RETURN(clinic::BookAppointmentRequest request, book_request(options, session.zone()));
  ASSIGN_OR_RETURN(*request.mutable_appointment()->mutable_clinic_id(),
                   choose_clinic(*target, context, options.clinic));
  ASSIGN_OR_RETURN(const auto done, ask<clinic::BookAppointmentResponse>(
                                        *target, clinic::METHOD_SCHEDULING_BOOK, context, request));
  if (session.json()) {
    Json json = to_json(done->result());
    json["start"] = format_utc(Time{request.appointment().start_us()});
    json["end"] = format_utc(Time{request.appointment().end_us()});
    session.show(json);
  } else {
    session.say("Booked " + id_text(done->result().id()) + ": " +
                format_local(Time{request.appointment().start_us()}, session.zone()) + " to " +
                format_local_hour(Time{request.appointment().end_us()}, session.zone()) + ".");
  }
  return ExitCode::kDone;
}

struct CancelOptions {
  std::string id;
  std::string reason;
  std::string by;
};

Result<ExitCode> cancel(Session& session, const CancelOptions& options) {
  clinic::CancelAppointmentRequest request;
  ASSIGN_OR_RETURN(*request.mutable_id(),
                   parse_record_id(clinic::RESOURCE_TYPE_APPOINTMENT, options.id, "ID"));
  request.set_reason(options.reason);
  if (options.by == "patient") request.set_by(clinic::Appointment::Cancellation::BY_PATIENT);
  if (options.by == "clinic") request.set_by(clinic::Appointment::Cancellation::BY_CLINIC);
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kChange));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  ASSIGN_OR_RETURN(const auto done,
                   ask<clinic::CancelAppointmentResponse>(*target, clinic::METHOD_SCHEDULING_CANCEL,
                                                          context, request));
  session.show_written("Cancelled", done->result());
  return ExitCode::kDone;
}

Result<ExitCode> get(Session& session, const std::string& id) {
  clinic::GetAppointmentRequest request;
  ASSIGN_OR_RETURN(*request.mutable_id(),
                   parse_record_id(clinic::RESOURCE_TYPE_APPOINTMENT, id, "ID"));
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kRead));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  ASSIGN_OR_RETURN(const auto found, ask<clinic::GetAppointmentResponse>(
                                         *target, clinic::METHOD_SCHEDULING_GET, context, request));
  if (found == nullptr) return not_found("appointment " + id + ": there is none");
  if (session.json()) {
    session.show(to_json(*found));
    return ExitCode::kDone;
  }
  const clinic::Appointment& appointment = found->appointment();
  TextTable table({{""}, {""}});
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) table.add({name, value});
  };
  add("id", clinic::fhir_id_text(appointment.id(), appointment.fhir_id()));
  add("status", status_text(appointment.status()));
  add("start", format_local(Time{appointment.start_us()}, session.zone()));
  add("end", format_local(Time{appointment.end_us()}, session.zone()));
  add("zone", session.zone());
  add("title", appointment.title());
  add("patient", id_text(appointment.patient_id()));
  add("professional", id_text(appointment.professional_id()));
  add("room", id_text(appointment.room_id()));
  add("clinic", id_text(appointment.clinic_id()));
  add("service", id_text(appointment.service_id()));
  add("series", id_text(appointment.series_id()));
  add("note", appointment.note());
  add("reason", appointment.cancellation().reason());
  add("version", std::to_string(found->meta().version()));
  session.show(table);
  return ExitCode::kDone;
}

struct ListOptions {
  std::string day = "today";
  std::string professional;
  std::string room;
  std::string patient;
  std::string clinic;
  std::string zone;
  bool all = false;
};

Result<clinic::ListDayRequest> list_request(Target& target, const CallContext& context,
                                            const ListOptions& options, const std::string& zone) {
  clinic::ListDayRequest request;
  if (!options.professional.empty()) {
    request.set_kind(clinic::RESOURCE_KIND_PROFESSIONAL);
    ASSIGN_OR_RETURN(*request.mutable_id(),
                     parse_record_id(clinic::RESOURCE_TYPE_PRACTITIONER, options.professional,
                                     "--professional"));
  } else if (!options.room.empty()) {
    request.set_kind(clinic::RESOURCE_KIND_ROOM);
    ASSIGN_OR_RETURN(*request.mutable_id(),
                     parse_record_id(clinic::RESOURCE_TYPE_LOCATION, options.room, "--room"));
  } else if (!options.patient.empty()) {
    request.set_kind(clinic::RESOURCE_KIND_PATIENT);
    ASSIGN_OR_RETURN(*request.mutable_id(),
                     parse_record_id(clinic::RESOURCE_TYPE_PATIENT, options.patient, "--patient"));
  } else {
    request.set_kind(clinic::RESOURCE_KIND_CLINIC);
    ASSIGN_OR_RETURN(*request.mutable_id(), choose_clinic(target, context, options.clinic));
  }
  ASSIGN_OR_RETURN(*request.mutable_day(),
                   parse_day_or_word(options.day, options.zone.empty() ? zone : options.zone,
                                     system_clock().now(), "--day"));
  request.set_zone(options.zone);
  request.set_include_released(options.all);
  return request;
}

Result<ExitCode> list(Session& session, const ListOptions& options) {
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kRead));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  ASSIGN_OR_RETURN(const clinic::ListDayRequest request,
                   list_request(*target, context, options, session.zone()));
  ASSIGN_OR_RETURN(
      const auto day,
      ask<clinic::ListDayResponse>(*target, clinic::METHOD_SCHEDULING_LIST_DAY, context, request));
  if (session.json()) {
    Json appointments = Json::array();
    for (const clinic::CalendarEntry& entry : day->entries()) {
      appointments.push_back(to_json(entry));
    }
    session.show(Json{{"day", format_day(request.day())},
                      {"zone", day->zone()},
                      {"day_start", format_utc(Time{day->day_start_us()})},
                      {"day_end", format_utc(Time{day->day_end_us()})},
                      {"appointments", std::move(appointments)}});
    return ExitCode::kDone;
  }
  const std::string heading = format_day(request.day()) + ", " + day->zone();
  if (day->entries().empty()) {
    session.say(heading + ": no appointment.");
    return ExitCode::kDone;
  }
  TextTable table({{"START"}, {"END"}, {"STATUS"}, {"TITLE"}, {"PATIENT"}, {"ID"}});
  for (const clinic::CalendarEntry& entry : day->entries()) {
    table.add({format_local_hour(Time{entry.start_us()}, day->zone()),
               format_local_hour(Time{entry.end_us()}, day->zone()), status_text(entry.status()),
               entry.title(), id_text(entry.patient_id()), id_text(entry.appointment_id())});
  }
  session.say(heading);
  session.show(table);
  return ExitCode::kDone;
}

void add_book(Commands& commands) {
  auto options = std::make_shared<BookOptions>();
  Command command = commands.add(
      "appointment book",
      "Book an appointment; refused where the professional, the room or the patient is taken",
      Needs::kTenant,
      {"clinicdb appointment book --data demo --tenant sorriso --professional ID --patient ID "
       "--start 2026-12-01T09:00",
       "clinicdb appointment book --data demo --tenant sorriso --professional ID --patient ID "
       "--room ID --start 2026-12-01T12:00Z --minutes 45 --title \"Limpeza\""},
      [options](Session& session) { return book(session, *options); });
  command.text("--professional", options->professional, "Who treats").required().type("ID");
  command.text("--patient", options->patient, "Who comes").required().type("ID");
  command.text("--room", options->room, "Where").type("ID");
  command
      .text("--clinic", options->clinic,
            "At which clinic: id or short name; else the tenant's only one")
      .type("CLINIC");
  command
      .text("--start", options->start,
            "2026-12-01T09:00 in the tenant's zone, or with an offset: 2026-12-01T12:00Z")
      .required()
      .type("TIME");
  CommandOption end = command.text("--end", options->end, "When it ends, as --start").type("TIME");
  command
      .number("--minutes", options->minutes, 1, 24 * 60,
              "How long it takes; else what the service takes, or 30")
      .excludes(end);
  command
      .text("--service", options->service, "What is done: gives length, buffers, equipment, group")
      .type("ID");
  command.text("--hold", options->hold, "The hold that becomes this booking").type("ID");
  command.flag("--overbook", options->overbook, "Also where the professional or the room is taken");
  command.flag("--within-hours", options->within_hours,
               "Only within the hours of the professional and the room");
  command.text("--title", options->title, "What a calendar shows, such as the service");
  command.text("--note", options->note, "Note");
}

void add_cancel(Commands& commands) {
  auto options = std::make_shared<CancelOptions>();
  Command command = commands.add(
      "appointment cancel", "Cancel an appointment, which frees its time", Needs::kTenant,
      {"clinicdb appointment cancel --data demo --tenant sorriso --reason ill --by patient ID"},
      [options](Session& session) { return cancel(session, *options); });
  command.text("ID", options->id, "The appointment").required();
  command.text("--reason", options->reason, "Why");
  command.text("--by", options->by, "patient or clinic").choices({"patient", "clinic"});
}

void add_get(Commands& commands) {
  auto id = std::make_shared<std::string>();
  commands
      .add("appointment get", "Show an appointment", Needs::kTenant,
           {"clinicdb appointment get --data demo --tenant sorriso ID"},
           [id](Session& session) { return get(session, *id); })
      .text("ID", *id, "The appointment")
      .required();
}

void add_list(Commands& commands) {
  auto options = std::make_shared<ListOptions>();
  Command command = commands.add(
      "appointment list", "List the day of a professional, room, patient or clinic", Needs::kTenant,
      {"clinicdb appointment list --data demo --tenant sorriso --professional ID",
       "clinicdb appointment list --data demo --tenant sorriso --day 2026-12-01 --clinic ID --all"},
      [options](Session& session) { return list(session, *options); });
  command.text("--day", options->day, "2026-12-01, today (else), tomorrow or yesterday")
      .type("DAY");
  CommandOption professional =
      command.text("--professional", options->professional, "Of this professional").type("ID");
  CommandOption room = command.text("--room", options->room, "Of this room").type("ID");
  CommandOption patient = command.text("--patient", options->patient, "Of this patient").type("ID");
  CommandOption clinic =
      command
          .text("--clinic", options->clinic,
                "Of this clinic (else): id or short name; may be left out where there is one")
          .type("CLINIC");
  professional.excludes(room).excludes(patient).excludes(clinic);
  room.excludes(patient).excludes(clinic);
  patient.excludes(clinic);
  command.text("--zone", options->zone, "IANA time zone; else the clinic's or the tenant's")
      .type("ZONE");
  command.flag("--all", options->all, "Of a clinic: also what was cancelled, and who did not come");
}

}  // namespace

void add_appointment_commands(Commands& commands) {
  commands.group("appointment", "Appointments: book, cancel, get, list a day");
  add_book(commands);
  add_cancel(commands);
  add_get(commands);
  add_list(commands);
}

}  // namespace clinicdb::server
