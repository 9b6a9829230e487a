// appointment move, status; hold add, release, expire; series book, get, move, cancel; waitlist
// add, get, list, offer, accept, decline, withdraw.
#include <nlohmann/json.hpp>

#include "cli/clinic_choice.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/record_view.h"
#include "cli/tenant_call.h"
#include "cli/time_text.h"
#include "clinicdb/clinic/schema/appointment.pb.h"
#include "clinicdb/clinic/schema/series.pb.h"
#include "clinicdb/clinic/schema/waitlist.pb.h"

namespace clinicdb::server {

namespace {

using clinic::CallContext;

constexpr std::int64_t kMinuteUs = 60'000'000;

Result<std::string> parse_appointment_id(const std::string& text) {
  return parse_record_id(clinic::RESOURCE_TYPE_APPOINTMENT, text, "ID");
}

struct MoveOptions {
  std::string id;
  std::string start;
  std::string professional;
  std::string room;
  bool overbook = false;
};

Result<ExitCode> move(Session& session, const MoveOptions& options) {
  clinic::RescheduleAppointmentRequest request;
  ASSIGN_OR_RETURN(*request.mutable_id(), parse_appointment_id(options.id));
  if (!options.professional.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_professional_id(),
                     parse_record_id(clinic::RESOURCE_TYPE_PRACTITIONER, options.professional,
                                     "--professional"));
  }
  if (!options.room.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_room_id(),
                     parse_record_id(clinic::RESOURCE_TYPE_LOCATION, options.room, "--room"));
  }
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kChange));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  ASSIGN_OR_RETURN(const Time start, parse_time(options.start, session.zone(), "--start"));
  request.set_start_us(start.us);
  request.set_overbook(options.overbook);
  ASSIGN_OR_RETURN(const auto done,
                   ask<clinic::RescheduleAppointmentResponse>(
                       *target, clinic::METHOD_SCHEDULING_RESCHEDULE, context, request));
  session.show_written("Moved", done->result());
  return ExitCode::kDone;
}

Result<ExitCode> change_status(Session& session, const std::string& id, const std::string& status) {
  clinic::ChangeAppointmentStatusRequest request;
  ASSIGN_OR_RETURN(*request.mutable_id(), parse_appointment_id(id));
  constexpr std::pair<std::string_view, clinic::AppointmentStatus> kWords[] = {
      {"booked", clinic::APPOINTMENT_STATUS_BOOKED},
      {"confirmed", clinic::APPOINTMENT_STATUS_CONFIRMED},
      {"arrived", clinic::APPOINTMENT_STATUS_ARRIVED},
      {"started", clinic::APPOINTMENT_STATUS_STARTED},
      {"completed", clinic::APPOINTMENT_STATUS_COMPLETED},
      {"no-show", clinic::APPOINTMENT_STATUS_NO_SHOW}};
  for (const auto& [word, value] : kWords) {
    if (word == status) request.set_status(value);
  }
  return call_tenant<clinic::ChangeAppointmentStatusResponse>(
      session, Access::kChange, clinic::METHOD_SCHEDULING_CHANGE_STATUS, request,
      [&](const auto& done) { session.show_written("Changed", done.result()); });
}

struct TimeOptions {
  std::string professional;
  std::string patient;
  std::string clinic;
  std::string start;
  std::uint64_t minutes = 30;
  std::uint64_t hold_minutes = 10;
  std::string rule;
  bool skip = false;
};

void take_time(Command& command, TimeOptions& options) {
  command.text("--professional", options.professional, "Who treats").required().type("ID");
  command.text("--patient", options.patient, "Who comes").type("ID");
  command.text("--clinic", options.clinic, "At which clinic: id or short name; else the only one")
      .type("CLINIC");
  command.text("--start", options.start, "2026-12-01T09:00 in the tenant's zone")
      .required()
      .type("TIME");
  command.number("--minutes", options.minutes, 1, 24 * 60, "How long it takes");
}

Status read_time(Session& session, Target& target, const CallContext& context,
                 const TimeOptions& options, clinic::Appointment& appointment) {
  ASSIGN_OR_RETURN(
      *appointment.mutable_professional_id(),
      parse_record_id(clinic::RESOURCE_TYPE_PRACTITIONER, options.professional, "--professional"));
  if (!options.patient.empty()) {
    ASSIGN_OR_RETURN(*appointment.mutable_patient_id(),
                     parse_patient_id(options.patient, "--patient"));
  }
  ASSIGN_OR_RETURN(*appointment.mutable_clinic_id(),
                   choose_clinic(target, context, options.clinic));
  ASSIGN_OR_RETURN(const Time start, parse_time(options.start, session.zone(), "--start"));
  appointment.set_start_us(start.us);
  appointment.set_end_us(start.us + static_cast<std::int64_t>(options.minutes) * kMinuteUs);
  return {};
}

Result<ExitCode> hold(Session& session, const TimeOptions& options) {
  clinic::HoldAppointmentRequest request;
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kChange));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  RETURN_IF_ERROR(read_time(session, *target, context, options, *request.mutable_appointment()));
  request.set_minutes(static_cast<std::uint32_t>(options.hold_minutes));
  ASSIGN_OR_RETURN(const auto done, ask<clinic::HoldAppointmentResponse>(
                                        *target, clinic::METHOD_SCHEDULING_HOLD, context, request));
  session.show_written("Held", done->result());
  return ExitCode::kDone;
}

Result<ExitCode> release_hold(Session& session, const std::string& id) {
  clinic::ReleaseHoldRequest request;
  ASSIGN_OR_RETURN(*request.mutable_id(), parse_appointment_id(id));
  return call_tenant<clinic::ReleaseHoldResponse>(
      session, Access::kChange, clinic::METHOD_SCHEDULING_RELEASE_HOLD, request,
      [&](const auto& done) { session.show_written("Released", done.result()); });
}

Result<ExitCode> expire_holds(Session& session) {
  return call_tenant<clinic::ExpireHoldsResponse>(
      session, Access::kChange, clinic::METHOD_SCHEDULING_EXPIRE_HOLDS,
      clinic::ExpireHoldsRequest(), [&](const auto& done) {
        session.say("Removed " + std::to_string(done.expired()) + " holds that had expired.");
      });
}

void show_occurrences(Session& session,
                      const google::protobuf::RepeatedPtrField<clinic::Occurrence>& occurrences) {
  TextTable table({{"NO", Align::kRight}, {"START"}, {"ID"}, {"WHY NOT"}});
  for (const clinic::Occurrence& occurrence : occurrences) {
    table.add({std::to_string(occurrence.number()),
               format_local(Time{occurrence.start_us()}, session.zone()),
               occurrence.appointment_id().empty() ? "" : id_text(occurrence.appointment_id()),
               occurrence.refusal()});
  }
  session.show(table);
}

Result<ExitCode> book_series(Session& session, const TimeOptions& options) {
  clinic::BookSeriesRequest request;
  request.set_rule(options.rule);
  if (options.skip) request.set_on_conflict(clinic::CONFLICT_POLICY_SKIP);
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kChange));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  RETURN_IF_ERROR(read_time(session, *target, context, options, *request.mutable_appointment()));
  ASSIGN_OR_RETURN(const auto done, ask<clinic::BookSeriesResponse>(
                                        *target, clinic::METHOD_SERIES_BOOK, context, request));
  if (session.json()) {
    session.show(to_json(*done));
    return ExitCode::kDone;
  }
  show_occurrences(session, done->occurrences());
  session.say("Booked series " + id_text(done->result().id()) + ".");
  return ExitCode::kDone;
}

Result<ExitCode> get_series(Session& session, const std::string& id) {
  clinic::GetSeriesRequest request;
  ASSIGN_OR_RETURN(*request.mutable_id(), parse_id(id, "ID"));
  return call_tenant<clinic::GetSeriesResponse>(
      session, Access::kRead, clinic::METHOD_SERIES_GET, request, [&](const auto& found) {
        session.show(fields_table(found.series(), session.zone()));
        show_occurrences(session, found.occurrences());
      });
}

Result<ExitCode> cancel_series(Session& session, const std::string& id, const std::string& reason,
                               bool following) {
  clinic::EditSeriesRequest request;
  ASSIGN_OR_RETURN(*request.mutable_appointment_id(), parse_appointment_id(id));
  request.set_scope(following ? clinic::SERIES_SCOPE_FOLLOWING : clinic::SERIES_SCOPE_ALL);
  request.set_cancel(true);
  request.set_reason(reason);
  return call_tenant<clinic::EditSeriesResponse>(
      session, Access::kChange, clinic::METHOD_SERIES_EDIT, request, [&](const auto& done) {
        session.say("Cancelled " + std::to_string(done.occurrences_size()) + " appointments.");
      });
}

struct MoveSeriesOptions {
  std::string id;
  std::string scope = "following";
  std::string at;
  std::uint64_t later = 0;
  std::uint64_t earlier = 0;
  std::uint64_t minutes = 0;
  bool skip = false;
};

Result<ExitCode> move_series(Session& session, const MoveSeriesOptions& options) {
  clinic::EditSeriesRequest request;
  ASSIGN_OR_RETURN(*request.mutable_appointment_id(), parse_appointment_id(options.id));
  request.set_scope(options.scope == "one"   ? clinic::SERIES_SCOPE_ONE
                    : options.scope == "all" ? clinic::SERIES_SCOPE_ALL
                                             : clinic::SERIES_SCOPE_FOLLOWING);
  request.set_shift_days(static_cast<std::int32_t>(options.later) -
                         static_cast<std::int32_t>(options.earlier));
  request.set_duration_minutes(static_cast<std::uint32_t>(options.minutes));
  if (options.skip) request.set_on_conflict(clinic::CONFLICT_POLICY_SKIP);
  if (!options.at.empty()) {
    ASSIGN_OR_RETURN(const std::uint32_t minute, parse_minute(options.at, "--at"));
    request.set_start_minute(minute);
  }
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kChange));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  return call_opened<clinic::EditSeriesResponse>(
      session, *target, context, clinic::METHOD_SERIES_EDIT, request,
      [&](const auto& done) { show_occurrences(session, done.occurrences()); });
}

struct WaitOptions {
  std::string patient;
  std::string clinic;
  std::uint64_t minutes = 30;
  std::uint64_t priority = 0;
};

Result<ExitCode> wait(Session& session, const WaitOptions& options) {
  clinic::AddWaitlistEntryRequest request;
  clinic::WaitlistEntry& entry = *request.mutable_entry();
  ASSIGN_OR_RETURN(*entry.mutable_patient_id(), parse_patient_id(options.patient, "--patient"));
  entry.set_duration_minutes(static_cast<std::uint32_t>(options.minutes));
  entry.set_priority(static_cast<std::uint32_t>(options.priority));
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kChange));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  ASSIGN_OR_RETURN(*entry.mutable_clinic_id(), choose_clinic(*target, context, options.clinic));
  ASSIGN_OR_RETURN(const auto done, ask<clinic::AddWaitlistEntryResponse>(
                                        *target, clinic::METHOD_WAITLIST_ADD, context, request));
  session.show_written("Waiting", done->result());
  return ExitCode::kDone;
}

Result<ExitCode> list_waiting(Session& session, const WaitOptions& options) {
  clinic::ListWaitlistRequest request;
  request.set_limit(1000);
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kRead));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  ASSIGN_OR_RETURN(*request.mutable_clinic_id(), choose_clinic(*target, context, options.clinic));
  ASSIGN_OR_RETURN(const auto found, ask<clinic::ListWaitlistResponse>(
                                         *target, clinic::METHOD_WAITLIST_LIST, context, request));
  if (session.json()) {
    session.show(to_json(*found));
    return ExitCode::kDone;
  }
  TextTable table({{"PRIORITY", Align::kRight}, {"SINCE"}, {"STATUS"}, {"PATIENT"}, {"ID"}});
  for (const clinic::WaitlistEntry& entry : found->entries()) {
    table.add({std::to_string(entry.priority()),
               format_local(Time{entry.since_us()}, session.zone()),
               enum_text(*clinic::WaitlistStatus_descriptor()->FindValueByNumber(entry.status())),
               id_text(entry.patient_id()), id_text(entry.id())});
  }
  show_or_say(session, table, "Nobody waits.");
  return ExitCode::kDone;
}

Result<ExitCode> answer(Session& session, const std::string& id, bool accept) {
  clinic::AnswerWaitlistOfferRequest request;
  ASSIGN_OR_RETURN(*request.mutable_id(), parse_id(id, "ID"));
  request.set_accept(accept);
  return call_tenant<clinic::AnswerWaitlistOfferResponse>(
      session, Access::kChange, clinic::METHOD_WAITLIST_ANSWER, request, [&](const auto& done) {
        session.say(accept ? "Booked " + id_text(done.appointment_id()) + "." : "Declined.");
      });
}

struct OfferOptions {
  std::string clinic;
  std::string professional;
  std::string room;
  std::string start;
  std::uint64_t minutes = 30;
};

Result<ExitCode> offer(Session& session, const OfferOptions& options) {
  clinic::OfferWaitlistRequest request;
  ASSIGN_OR_RETURN(
      *request.mutable_professional_id(),
      parse_record_id(clinic::RESOURCE_TYPE_PRACTITIONER, options.professional, "--professional"));
  if (!options.room.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_room_id(),
                     parse_record_id(clinic::RESOURCE_TYPE_LOCATION, options.room, "--room"));
  }
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kChange));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  ASSIGN_OR_RETURN(*request.mutable_clinic_id(), choose_clinic(*target, context, options.clinic));
  ASSIGN_OR_RETURN(const Time start, parse_time(options.start, session.zone(), "--start"));
  request.set_start_us(start.us);
  request.set_end_us(start.us + static_cast<std::int64_t>(options.minutes) * kMinuteUs);
  return call_opened<clinic::OfferWaitlistResponse>(
      session, *target, context, clinic::METHOD_WAITLIST_OFFER, request, [&](const auto& done) {
        session.say(done.hold_id().empty()
                        ? "It suits nobody who waits."
                        : "Offered to " + id_text(done.result().id()) +
                              ". To answer: clinicdb waitlist accept, or decline.");
      });
}

Result<ExitCode> withdraw(Session& session, const std::string& id) {
  clinic::WithdrawWaitlistEntryRequest request;
  ASSIGN_OR_RETURN(*request.mutable_id(), parse_id(id, "ID"));
  return call_tenant<clinic::WithdrawWaitlistEntryResponse>(
      session, Access::kChange, clinic::METHOD_WAITLIST_WITHDRAW, request,
      [&](const auto& done) { session.show_written("Withdrawn", done.result()); });
}

void add_appointment_changes(Commands& commands) {
  auto options = std::make_shared<MoveOptions>();
  Command moved = commands.add(
      "appointment move", "Move an appointment to another time, professional or room",
      Needs::kTenant,
      {example("appointment move", std::string("--start 2026-12-01T10:00 ") + kExampleId)},
      [options](Session& session) { return move(session, *options); });
  moved.text("ID", options->id, "The appointment").required();
  moved.text("--start", options->start, "When it starts then").type("TIME").required();
  moved.text("--professional", options->professional, "Who treats then").type("ID");
  moved.text("--room", options->room, "Where then").type("ID");
  moved.flag("--overbook", options->overbook, "Also where the professional or the room is taken");
  auto id = std::make_shared<std::string>();
  auto status = std::make_shared<std::string>();
  Command changed = commands.add(
      "appointment status", "Confirm, check in, start, complete, or note a no-show", Needs::kTenant,
      {example("appointment status", std::string(kExampleId) + " arrived")},
      [id, status](Session& session) { return change_status(session, *id, *status); });
  changed.text("ID", *id, "The appointment").required();
  changed.text("STATUS", *status, "What it becomes")
      .required()
      .choices({"booked", "confirmed", "arrived", "started", "completed", "no-show"});
}

void add_holds(Commands& commands) {
  commands.group("hold", "Time that is kept free for a while");
  auto options = std::make_shared<TimeOptions>();
  Command add = commands.add("hold add", "Keep a time free for some minutes", Needs::kTenant,
                             {example("hold add", std::string("--professional ") + kExampleId +
                                                      " --start 2026-12-01T09:00 --for 15")},
                             [options](Session& session) { return hold(session, *options); });
  take_time(add, *options);
  add.number("--for", options->hold_minutes, 1, 24 * 60, "Minutes that it is kept");
  auto id = std::make_shared<std::string>();
  commands
      .add("hold release", "Give a hold up", Needs::kTenant, {example("hold release", kExampleId)},
           [id](Session& session) { return release_hold(session, *id); })
      .text("ID", *id, "The hold")
      .required();
  commands.add("hold expire", "Remove what has expired, and offer it on", Needs::kTenant,
               {example("hold expire", "")}, &expire_holds);
}

void add_series(Commands& commands) {
  commands.group("series", "Appointments that repeat");
  auto options = std::make_shared<TimeOptions>();
  Command book = commands.add(
      "series book", "Book appointments by a rule of RFC 5545", Needs::kTenant,
      {example("series book", std::string("--professional ") + kExampleId + " --patient " +
                                  kExampleId +
                                  " --start 2026-12-01T09:00 --rule \"FREQ=WEEKLY;COUNT=10\"")},
      [options](Session& session) { return book_series(session, *options); });
  take_time(book, *options);
  book.text("--rule", options->rule, "Such as FREQ=WEEKLY;COUNT=10").required().type("RULE");
  book.flag("--skip", options->skip, "Leave out what is taken, instead of booking nothing");
  auto shown = std::make_shared<std::string>();
  commands
      .add("series get", "Show a series and its appointments", Needs::kTenant,
           {example("series get", kExampleId)},
           [shown](Session& session) { return get_series(session, *shown); })
      .text("ID", *shown, "Of the series, as `series book` and `appointment get` say it")
      .required();
  auto id = std::make_shared<std::string>();
  auto reason = std::make_shared<std::string>();
  auto following = std::make_shared<bool>(false);
  Command cancel = commands.add("series cancel", "Cancel what is still to come of a series",
                                Needs::kTenant, {example("series cancel", kExampleId)},
                                [id, reason, following](Session& session) {
                                  return cancel_series(session, *id, *reason, *following);
                                });
  cancel.text("ID", *id, "One of its appointments").required();
  cancel.text("--reason", *reason, "Why");
  cancel.flag("--following", *following, "This one and those after it only");
  auto moved = std::make_shared<MoveSeriesOptions>();
  Command move = commands.add(
      "series move", "Move appointments of a series: by days, to another hour, to another length",
      Needs::kTenant,
      {example("series move", std::string(kExampleId) + " --at 10:30"),
       example("series move", std::string(kExampleId) + " --scope all --later 1 --skip")},
      [moved](Session& session) { return move_series(session, *moved); });
  move.text("ID", moved->id, "One of its appointments").required();
  move.text("--scope", moved->scope, "one, following (this one and those after it) or all")
      .choices({"one", "following", "all"});
  CommandOption later = move.number("--later", moved->later, 0, 366, "By how many days");
  later.excludes(move.number("--earlier", moved->earlier, 0, 366, "By how many days"));
  move.text("--at", moved->at, "At this hour of the series' zone").type("HH:MM");
  move.number("--minutes", moved->minutes, 0, 24 * 60, "How long; else as before");
  move.flag("--skip", moved->skip, "Leave where it is what finds its time taken");
}

void add_waitlist(Commands& commands) {
  commands.group("waitlist", "Who would come if there were time");
  auto options = std::make_shared<WaitOptions>();
  Command add = commands.add(
      "waitlist add", "Put a patient on the waiting list", Needs::kTenant,
      {example("waitlist add", std::string("--patient ") + kExampleId + " --priority 5")},
      [options](Session& session) { return wait(session, *options); });
  add.text("--patient", options->patient, "Who waits").required().type("ID");
  add.text("--clinic", options->clinic, "At which clinic: id or short name; else the only one")
      .type("CLINIC");
  add.number("--minutes", options->minutes, 1, 24 * 60, "How long it would take");
  add.number("--priority", options->priority, 0, 9, "Higher is asked first");
  auto shown = std::make_shared<WaitOptions>();
  commands
      .add("waitlist list", "List who waits, in the order of asking", Needs::kTenant,
           {example("waitlist list", "")},
           [shown](Session& session) { return list_waiting(session, *shown); })
      .text("--clinic", shown->clinic, "Of which clinic: id or short name; else the only one")
      .type("CLINIC");
  for (const bool accept : {true, false}) {
    auto id = std::make_shared<std::string>();
    const std::string words = accept ? "waitlist accept" : "waitlist decline";
    commands
        .add(words, accept ? "Book what was offered" : "Decline what was offered", Needs::kTenant,
             {example(words, kExampleId)},
             [id, accept](Session& session) { return answer(session, *id, accept); })
        .text("ID", *id, "The entry")
        .required();
  }
  auto offered = std::make_shared<OfferOptions>();
  Command offer_command = commands.add(
      "waitlist offer", "Offer free time to the first who waits and whom it suits", Needs::kTenant,
      {example("waitlist offer",
               std::string("--professional ") + kExampleId + " --start 2026-12-01T09:00")},
      [offered](Session& session) { return offer(session, *offered); });
  offer_command.text("--professional", offered->professional, "Who treats").required().type("ID");
  offer_command.text("--room", offered->room, "Where").type("ID");
  offer_command
      .text("--clinic", offered->clinic, "At which clinic: id or short name; else the only one")
      .type("CLINIC");
  offer_command.text("--start", offered->start, "2026-12-01T09:00 in the tenant's zone")
      .required()
      .type("TIME");
  offer_command.number("--minutes", offered->minutes, 1, 24 * 60, "How long it is free");
  add_get<clinic::GetWaitlistEntryRequest>(
      commands, "waitlist get", "Show an entry of the waiting list", clinic::METHOD_WAITLIST_GET,
      clinic::RESOURCE_TYPE_UNSPECIFIED, "As `waitlist list` shows it");
  auto entry = std::make_shared<std::string>();
  commands
      .add("waitlist withdraw", "Take an entry off the list", Needs::kTenant,
           {example("waitlist withdraw", kExampleId)},
           [entry](Session& session) { return withdraw(session, *entry); })
      .text("ID", *entry, "The entry")
      .required();
}

}  // namespace

void add_desk_commands(Commands& commands) {
  add_appointment_changes(commands);
  add_holds(commands);
  add_series(commands);
  add_waitlist(commands);
}

}  // namespace clinicdb::server
