// record note, show, sign, amend, check, current; events; history.
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/tenant_call.h"
#include "cli/time_text.h"
#include "clinicdb/clinic/identity.h"
#include "clinicdb/clinic/schema/feed.pb.h"
#include "clinicdb/clinic/schema/record.pb.h"

namespace clinicdb::server {

namespace {

std::string record_text(const clinic::ClinicalRecord& record) {
  return std::string(clinic::resource_type_name(record.type())) + "/" +
         clinic::fhir_id_text(record.id(), record.fhir_id());
}

struct NoteOptions {
  std::string patient;
  std::string encounter;
  std::string kind = "progress";
  std::string text;
};

Result<ExitCode> add_note(Session& session, const NoteOptions& options) {
  clinic::PutRecordRequest request;
  clinic::ClinicalRecord& record = *request.mutable_record();
  record.set_type(clinic::RESOURCE_TYPE_CLINICAL_IMPRESSION);
  record.set_status("completed");
  record.set_title(options.kind);
  record.set_text(options.text);
  ASSIGN_OR_RETURN(*record.mutable_patient_id(), parse_patient_id(options.patient, "--patient"));
  if (!options.encounter.empty()) {
    ASSIGN_OR_RETURN(
        *record.mutable_encounter_id(),
        parse_record_id(clinic::RESOURCE_TYPE_ENCOUNTER, options.encounter, "--encounter"));
  }
  const auto& kinds = *clinic::NoteKind_descriptor();
  for (int i = 0; i < kinds.value_count(); ++i) {
    if (enum_text(*kinds.value(i)) == options.kind)
      record.set_note_kind(static_cast<clinic::NoteKind>(kinds.value(i)->number()));
  }
  record.set_time_us(system_clock().now().us);
  return call_tenant<clinic::PutRecordResponse>(
      session, Access::kChange, clinic::METHOD_RECORDS_PUT, request, [&](const auto& done) {
        session.say("Added note ClinicalImpression/" + id_text(done.result().id()) + ".");
      });
}

Result<ExitCode> show_record(Session& session, const std::string& which) {
  clinic::GetRecordRequest request;
  RETURN_IF_ERROR(set_record(which, request));
  return call_tenant<clinic::GetRecordResponse>(
      session, Access::kRead, clinic::METHOD_RECORDS_GET, request, [&](const auto& found) {
        const clinic::ClinicalRecord& record = found.record();
        TextTable table({{""}, {""}});
        const auto add = [&](const char* name, const std::string& value) {
          if (!value.empty()) table.add({name, value});
        };
        add("id", record_text(record));
        add("patient", id_text(record.patient_id()));
        if (record.has_time_us()) add("time", format_local(Time{record.time_us()}, session.zone()));
        add("status", record.status());
        add("title", record.title().empty() ? record.code().display() : record.title());
        add("text", record.text());
        if (record.has_signature()) {
          add("signed", format_local(Time{record.signature().time_us()}, session.zone()) + " by " +
                            id_text(record.signature().user_id()));
        }
        for (const clinic::Addendum& addendum : record.addenda()) {
          add("addendum", format_local(Time{addendum.time_us()}, session.zone()) + " by " +
                              id_text(addendum.author_id()) + ": " + addendum.text());
        }
        session.show(table);
      });
}

struct SignOptions {
  std::string record;
  std::string user;
  std::string text;
};

/// On behalf of --user: a signature is somebody's.
template <class Response, class Request>
Result<ExitCode> as_user(Session& session, const SignOptions& options, clinic::MethodId method,
                         const Request& request, const std::string& said) {
  ASSIGN_OR_RETURN(const std::string user, parse_id(options.user, "--user"));
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kChange));
  ASSIGN_OR_RETURN(clinic::CallContext context, session.tenant_context());
  context.user = Uuid::from_bytes(user);
  ASSIGN_OR_RETURN(const auto done, ask<Response>(*target, method, context, request));
  if (session.json()) {
    session.show(to_json(*done));
  } else {
    session.say(said);
  }
  return ExitCode::kDone;
}

Result<ExitCode> sign(Session& session, const SignOptions& options) {
  clinic::SignRecordRequest request;
  RETURN_IF_ERROR(set_record(options.record, request));
  return as_user<clinic::SignRecordResponse>(session, options, clinic::METHOD_RECORDS_SIGN, request,
                                             "Signed; from now on it is amended, not edited.");
}

Result<ExitCode> amend(Session& session, const SignOptions& options) {
  clinic::AddAddendumRequest request;
  RETURN_IF_ERROR(set_record(options.record, request));
  request.set_text(options.text);
  return as_user<clinic::AddAddendumResponse>(session, options, clinic::METHOD_RECORDS_ADD_ADDENDUM,
                                              request, "Amended.");
}

Result<ExitCode> check(Session& session, const std::string& which) {
  clinic::VerifyRecordRequest request;
  RETURN_IF_ERROR(set_record(which, request));
  bool good = true;
  ASSIGN_OR_RETURN(
      const ExitCode code,
      call_tenant<clinic::VerifyRecordResponse>(
          session, Access::kRead, clinic::METHOD_RECORDS_VERIFY, request, [&](const auto& found) {
            good = !found.signed_() || found.valid();
            session.say(!found.signed_() ? "Not signed."
                        : found.valid()  ? "As it was signed, with " +
                                              std::to_string(found.addenda()) + " addenda."
                                        : "Not as it was: " + found.problem() + ".");
          }));
  return good ? code : ExitCode::kFindings;
}

Result<ExitCode> current(Session& session, const std::string& patient) {
  clinic::ListCurrentRequest request;
  ASSIGN_OR_RETURN(*request.mutable_patient_id(), parse_patient_id(patient, "PATIENT"));
  return call_tenant<clinic::ListCurrentResponse>(
      session, Access::kRead, clinic::METHOD_RECORDS_LIST_CURRENT, request, [&](const auto& found) {
        TextTable table({{"LIST"}, {"WHAT"}, {"STATUS"}, {"SINCE"}, {"ID"}});
        const auto add = [&](const char* list, const auto& records) {
          for (const clinic::ClinicalRecord& record : records) {
            table.add(
                {list, record.title().empty() ? record.code().display() : record.title(),
                 record.status(),
                 record.has_time_us() ? format_local(Time{record.time_us()}, session.zone()) : "",
                 record_text(record)});
          }
        };
        add("problem", found.problems());
        add("allergy", found.allergies());
        add("medication", found.medications());
        show_or_say(session, table, "Nothing is known of this patient.");
      });
}

struct EventOptions {
  std::uint64_t after = 0;
  std::vector<std::string> types;
  std::uint64_t limit = 20;
  std::string cursor;
  bool follow = false;
};

std::string event_name(clinic::EventType type) {
  if (!clinic::EventType_IsValid(type)) return std::to_string(static_cast<int>(type));
  return enum_text(*clinic::EventType_descriptor()->FindValueByNumber(type));
}

Result<clinic::EventType> parse_event(const std::string& text) {
  const auto& types = *clinic::EventType_descriptor();
  for (int i = 0; i < types.value_count(); ++i) {
    if (enum_text(*types.value(i)) == text)
      return static_cast<clinic::EventType>(types.value(i)->number());
  }
  return invalid_argument("--type: there is no event \"" + text + "\", such as patient-registered")
      .with_field("--type");
}

TextTable event_table() {
  return TextTable(
      {{"LSN", Align::kRight}, {"TIME"}, {"EVENT"}, {"ID"}, {"VERSION", Align::kRight}, {"USER"}});
}

void add_event(Session& session, const clinic::DomainEvent& event, TextTable& table) {
  table.add({std::to_string(event.lsn()), format_local(Time{event.time_us()}, session.zone()),
             event_name(event.type()), id_text(event.payload().id()),
             std::to_string(event.payload().version()), id_text(event.user_id())});
}

/// One line an event, as it happens, until an interrupt. With --json a line of JSON each.
Result<ExitCode> follow(Session& session, const clinic::ReadEventsRequest& request) {
  install_interrupt_handlers();
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kRead));
  ASSIGN_OR_RETURN(const clinic::CallContext context, session.tenant_context());
  Status written;
  RETURN_IF_ERROR(target->follow(context, request, [&](const clinic::ReadEventsResponse& page) {
    for (const clinic::DomainEvent& event : page.events()) {
      if (session.json()) {
        session.show(to_json(event));
        continue;
      }
      session.say(std::to_string(event.lsn()) + "  " +
                  format_local(Time{event.time_us()}, session.zone()) + "  " +
                  event_name(event.type()) + "  " + id_text(event.payload().id()));
    }
    // Whoever reads this line by line waits for it.
    written = session.flush();
    return written.ok() && !interrupt_requested();
  }));
  RETURN_IF_ERROR(written);
  return ExitCode::kInterrupted;
}

Result<ExitCode> events(Session& session, const EventOptions& options) {
  clinic::ReadEventsRequest request;
  request.set_after_lsn(options.after);
  request.set_limit(static_cast<std::uint32_t>(options.limit));
  for (const std::string& text : options.types) {
    ASSIGN_OR_RETURN(const clinic::EventType type, parse_event(text));
    request.add_types(type);
  }
  ASSIGN_OR_RETURN(*request.mutable_cursor(), parse_cursor(options.cursor));
  if (options.follow) return follow(session, request);
  return call_tenant<clinic::ReadEventsResponse>(
      session, Access::kRead, clinic::METHOD_FEED_READ_EVENTS, request, [&](const auto& found) {
        TextTable table = event_table();
        for (const clinic::DomainEvent& event : found.events()) add_event(session, event, table);
        show_or_say(session, table, "Nothing has happened since.");
        session.say(found.cursor().empty()
                        ? "To go on later: --after " + std::to_string(found.next_after_lsn())
                        : "There are more: --cursor " + cursor_text(found.cursor()));
      });
}

struct HistoryOptions {
  std::string table;
  std::string id;
  std::uint64_t limit = 100;
};

Result<ExitCode> history(Session& session, const HistoryOptions& options) {
  clinic::ListChangesRequest request;
  request.set_table(options.table);
  request.set_limit(static_cast<std::uint32_t>(options.limit));
  if (options.table == "record") {
    ASSIGN_OR_RETURN(const RecordName name, parse_record(options.id, "ID"));
    request.set_resource_type(name.type);
    request.set_id(name.id);
  } else if (options.table == "fiscal_series") {
    request.set_id(options.id);
  } else {
    ASSIGN_OR_RETURN(*request.mutable_id(), parse_patient_id(options.id, "ID"));
  }
  return call_tenant<clinic::ListChangesResponse>(
      session, Access::kRead, clinic::METHOD_FEED_LIST_CHANGES, request, [&](const auto& found) {
        TextTable table(
            {{"VERSION", Align::kRight}, {"TIME"}, {"USER"}, {"FIELD"}, {"WAS"}, {"IS"}});
        for (const clinic::VersionChange& version : found.versions()) {
          const std::string number = std::to_string(version.version());
          const std::string time = format_local(Time{version.time_us()}, session.zone());
          const std::string user = id_text(version.user_id());
          if (version.fields().empty()) table.add({number, time, user, "(no field)", "", ""});
          for (const clinic::FieldChange& field : version.fields())
            table.add({number, time, user, field.field(), field.before(), field.after()});
        }
        show_or_say(session, table, "There was never such a record.");
      });
}

void add_notes(Commands& commands) {
  commands.group("record", "Clinical records: note, show, list, find, sign, amend, check, current");
  auto note = std::make_shared<NoteOptions>();
  Command add =
      commands.add("record note", "Write a note, of an encounter or by itself", Needs::kTenant,
                   {example("record note", std::string("--patient ") + kExampleId +
                                               " --kind progress --text \"Sem queixas.\"")},
                   [note](Session& session) { return add_note(session, *note); });
  add.text("--patient", note->patient, "A patient's id").type("ID").required();
  add.text("--encounter", note->encounter, "An encounter's id").type("ID");
  add.text("--kind", note->kind, "What it is about; progress when not given")
      .choices({"history", "examination", "assessment", "plan", "progress", "procedure",
                "prescription", "guidance", "other"});
  add.text("--text", note->text, "The note").required();
  auto shown = std::make_shared<std::string>();
  commands
      .add("record show", "Show a record", Needs::kTenant,
           {example("record show", std::string("Condition/") + kExampleId)},
           [shown](Session& session) { return show_record(session, *shown); })
      .text("RECORD", *shown, "As TYPE/ID")
      .required();
  auto patient = std::make_shared<std::string>();
  commands
      .add("record current", "Show a patient's problems, allergies and medications", Needs::kTenant,
           {example("record current", kExampleId)},
           [patient](Session& session) { return current(session, *patient); })
      .text("PATIENT", *patient, "A patient's id")
      .required();
}

void add_signing(Commands& commands) {
  const std::string which = std::string("ClinicalImpression/") + kExampleId;
  auto signing = std::make_shared<SignOptions>();
  Command sign_command =
      commands.add("record sign", "Sign a record; from then on it is amended, not edited",
                   Needs::kTenant, {example("record sign", which + " --user " + kExampleId)},
                   [signing](Session& session) { return sign(session, *signing); });
  sign_command.text("RECORD", signing->record, "As TYPE/ID").required();
  sign_command.text("--user", signing->user, "Who signs").type("ID").required();
  auto amended = std::make_shared<SignOptions>();
  Command amend_command =
      commands.add("record amend", "Add an addendum to a signed record", Needs::kTenant,
                   {example("record amend",
                            which + " --user " + kExampleId + " --text \"Retorno em 30 dias.\"")},
                   [amended](Session& session) { return amend(session, *amended); });
  amend_command.text("RECORD", amended->record, "As TYPE/ID").required();
  amend_command.text("--user", amended->user, "Who amends").type("ID").required();
  amend_command.text("--text", amended->text, "The addendum").required();
  auto checked = std::make_shared<std::string>();
  commands
      .add("record check", "Whether a signed record is as it was signed", Needs::kTenant,
           {example("record check", which)},
           [checked](Session& session) { return check(session, *checked); })
      .text("RECORD", *checked, "As TYPE/ID")
      .required();
}

void add_feed(Commands& commands) {
  auto options = std::make_shared<EventOptions>();
  Command events_command =
      commands.add("events", "What happened, in the order of the commits", Needs::kTenant,
                   {example("events", "--after 4711"),
                    example("events", "--type patient-registered --limit 100"),
                    "clinicdb events --connect localhost:7400 --tenant sorriso --follow"},
                   [options](Session& session) { return events(session, *options); });
  events_command.number("--after", options->after, 0, UINT64_MAX / 2, "Behind this LSN");
  events_command.texts("--type", options->types, "Only these; may be given again").type("EVENT");
  events_command.number("--limit", options->limit, 1, 1000, "How many at most");
  events_command.text("--cursor", options->cursor, "Go on where an earlier page ended");
  events_command.flag("--follow", options->follow,
                      "With --connect: go on as it happens, a line an event, until an interrupt");
  auto which = std::make_shared<HistoryOptions>();
  Command history_command = commands.add(
      "history", "Who changed what of a record, when, from what to what", Needs::kTenant,
      {example("history", std::string("patient ") + kExampleId),
       example("history", std::string("record Condition/") + kExampleId)},
      [which](Session& session) { return history(session, *which); });
  history_command.text("TABLE", which->table, "patient, appointment, record, invoice, ...")
      .required();
  history_command.text("ID", which->id, "Of the record; of a record as TYPE/ID").required();
  history_command.number("--limit", which->limit, 1, 1000, "How many versions at most");
}

}  // namespace

void add_record_commands(Commands& commands) {
  add_notes(commands);
  add_signing(commands);
  add_feed(commands);
}

}  // namespace clinicdb::server
