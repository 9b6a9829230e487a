// record list, notes, find; the versions of patients, appointments, records and invoices.
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/page_list.h"
#include "cli/record_view.h"
#include "cli/time_text.h"
#include "clinicdb/clinic/identity.h"
#include "clinicdb/clinic/schema/appointment.pb.h"
#include "clinicdb/clinic/schema/billing.pb.h"
#include "clinicdb/clinic/schema/patient.pb.h"
#include "clinicdb/clinic/schema/record.pb.h"

namespace clinicdb::server {

namespace {

using clinic::CallContext;

struct RecordListOptions {
  std::string patient;
  std::string type;
  std::string code;
  std::string from;
  std::string until;
  PageOptions page;
};

Result<clinic::ResourceType> parse_type(const std::string& text) {
  const clinic::ResourceType type = clinic::parse_resource_type(text);
  if (type != clinic::RESOURCE_TYPE_UNSPECIFIED) return type;
  return invalid_argument("--type: \"" + text + "\" is no type of record, such as Condition")
      .with_field("--type");
}

TextTable records_table(Session& session,
                        const google::protobuf::RepeatedPtrField<clinic::ClinicalRecord>& records) {
  TextTable table({{"TIME"}, {"STATUS"}, {"WHAT"}, {"PATIENT"}, {"RECORD"}});
  for (const clinic::ClinicalRecord& record : records) {
    table.add({record.has_time_us() ? format_local(Time{record.time_us()}, session.zone()) : "",
               record.status(), record.title().empty() ? record.code().display() : record.title(),
               id_text(record.patient_id()),
               std::string(clinic::resource_type_name(record.type())) + "/" +
                   clinic::fhir_id_text(record.id(), record.fhir_id())});
  }
  return table;
}

/// All pages up to the limit, of a request that names what is asked for.
template <class Request>
Result<ExitCode> show_pages(Session& session, Target& target, const CallContext& context,
                            clinic::MethodId method, Request request, const PageOptions& page) {
  ASSIGN_OR_RETURN(*request.mutable_cursor(), parse_cursor(page.cursor));
  clinic::ListRecordsResponse all;
  Json records = Json::array();
  const auto take = [&](const clinic::ListRecordsResponse& found) {
    for (const clinic::ClinicalRecord& record : found.records()) records.push_back(to_json(record));
    all.mutable_records()->MergeFrom(found.records());
    return static_cast<std::uint64_t>(found.records_size());
  };
  ASSIGN_OR_RETURN(
      const std::string cursor,
      each_page<clinic::ListRecordsResponse>(target, context, method, request, page.limit, take));
  show_list(session, "records", std::move(records), records_table(session, all.records()), cursor);
  return ExitCode::kDone;
}

Result<ExitCode> list_records(Session& session, const RecordListOptions& options) {
  const bool in_time = !options.from.empty() || !options.until.empty();
  const bool by_code = !options.code.empty();
  if (options.patient.empty() ? by_code || options.type.empty()
                              : in_time || by_code != options.type.empty()) {
    return invalid_argument(
               "--type: give --patient with --type or --code, or --type with --from and --until")
        .with_field("--type");
  }
  std::string patient;
  if (!options.patient.empty()) {
    ASSIGN_OR_RETURN(patient, parse_patient_id(options.patient, "--patient"));
  }
  clinic::ResourceType type = clinic::RESOURCE_TYPE_UNSPECIFIED;
  if (!options.type.empty()) {
    ASSIGN_OR_RETURN(type, parse_type(options.type));
  }
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kRead));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  if (by_code) {
    clinic::ListRecordsByCodeRequest request;
    request.set_patient_id(patient);
    const clinic::Identifier code = parse_identifier(options.code);
    request.set_system(code.system());
    request.set_code(code.value());
    return show_pages(session, *target, context, clinic::METHOD_RECORDS_LIST_BY_CODE, request,
                      options.page);
  }
  if (!patient.empty()) {
    clinic::ListRecordsByTypeRequest request;
    request.set_patient_id(patient);
    request.set_type(type);
    return show_pages(session, *target, context, clinic::METHOD_RECORDS_LIST_BY_TYPE, request,
                      options.page);
  }
  clinic::ListRecordsByTimeRequest request;
  request.set_type(type);
  if (!options.from.empty()) {
    ASSIGN_OR_RETURN(const Time from, parse_time(options.from, session.zone(), "--from"));
    request.mutable_period()->set_start_us(from.us);
  }
  if (!options.until.empty()) {
    ASSIGN_OR_RETURN(const Time until, parse_time(options.until, session.zone(), "--until"));
    request.mutable_period()->set_end_us(until.us);
  }
  return show_pages(session, *target, context, clinic::METHOD_RECORDS_LIST_BY_TIME, request,
                    options.page);
}

struct NotesOptions {
  std::string encounter;
  PageOptions page;
};

Result<ExitCode> list_notes(Session& session, const NotesOptions& options) {
  clinic::ListNotesRequest request;
  ASSIGN_OR_RETURN(
      *request.mutable_encounter_id(),
      parse_record_id(clinic::RESOURCE_TYPE_ENCOUNTER, options.encounter, "ENCOUNTER"));
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kRead));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  return show_pages(session, *target, context, clinic::METHOD_RECORDS_LIST_NOTES, request,
                    options.page);
}

struct FindOptions {
  std::string identifier;
  std::string type;
};

Result<ExitCode> find_records(Session& session, const FindOptions& options) {
  clinic::FindRecordsByIdentifierRequest request;
  const clinic::Identifier identifier = parse_identifier(options.identifier);
  request.set_system(identifier.system());
  request.set_value(identifier.value());
  if (!options.type.empty()) {
    ASSIGN_OR_RETURN(const clinic::ResourceType type, parse_type(options.type));
    request.set_type(type);
  }
  return call_tenant<clinic::FindRecordsByIdentifierResponse>(
      session, Access::kRead, clinic::METHOD_RECORDS_FIND_BY_IDENTIFIER, request,
      [&](const auto& found) {
        show_or_say(session, records_table(session, found.records()),
                    "No record has this identifier.");
      });
}

struct VersionsOptions {
  std::string id;
  std::uint64_t limit = 100;
};

template <class Request>
void add_versions(Commands& commands, const std::string& words, const std::string& description,
                  clinic::MethodId method, clinic::ResourceType type) {
  auto options = std::make_shared<VersionsOptions>();
  Command command = commands.add(words, description, Needs::kTenant, {example(words, kExampleId)},
                                 [options, method, type](Session& session) -> Result<ExitCode> {
                                   Request request;
                                   ASSIGN_OR_RETURN(*request.mutable_id(),
                                                    parse_record_id(type, options->id, "ID"));
                                   request.set_limit(static_cast<std::uint32_t>(options->limit));
                                   return show_versions(session, method, request);
                                 });
  command.text("ID", options->id, "Whose").required();
  command.number("--limit", options->limit, 1, 1000, "How many at most");
}

void add_all_versions(Commands& commands) {
  add_versions<clinic::PatientHistoryRequest>(
      commands, "patient history", "The versions of a patient, the newest first",
      clinic::METHOD_PATIENTS_HISTORY, clinic::RESOURCE_TYPE_PATIENT);
  add_versions<clinic::AppointmentHistoryRequest>(
      commands, "appointment history", "The versions of an appointment, the newest first",
      clinic::METHOD_SCHEDULING_HISTORY, clinic::RESOURCE_TYPE_APPOINTMENT);
  add_versions<clinic::InvoiceHistoryRequest>(
      commands, "invoice history", "The versions of an invoice, the newest first",
      clinic::METHOD_BILLING_INVOICE_HISTORY, clinic::RESOURCE_TYPE_INVOICE);
  auto options = std::make_shared<VersionsOptions>();
  Command records =
      commands.add("record history", "The versions of a record, the newest first", Needs::kTenant,
                   {example("record history", std::string("Condition/") + kExampleId)},
                   [options](Session& session) -> Result<ExitCode> {
                     clinic::RecordHistoryRequest request;
                     RETURN_IF_ERROR(set_record(options->id, request));
                     request.set_limit(static_cast<std::uint32_t>(options->limit));
                     return show_versions(session, clinic::METHOD_RECORDS_HISTORY, request);
                   });
  records.text("RECORD", options->id, "As TYPE/ID").required();
  records.number("--limit", options->limit, 1, 1000, "How many at most");
}

}  // namespace

void add_record_list_commands(Commands& commands) {
  auto listed = std::make_shared<RecordListOptions>();
  Command list = commands.add(
      "record list", "List a patient's records of a type or a code, or all of a type by time",
      Needs::kTenant,
      {example("record list", std::string("--patient ") + kExampleId + " --type Condition"),
       example("record list",
               std::string("--patient ") + kExampleId + " --code \"http://loinc.org|8302-2\""),
       example("record list", "--type Encounter --from 2026-12-01T00:00 --until 2026-12-02T00:00")},
      [listed](Session& session) { return list_records(session, *listed); });
  list.text("--patient", listed->patient, "A patient's id").type("ID");
  list.text("--type", listed->type, "Condition, Encounter, Observation, ...").type("TYPE");
  list.text("--code", listed->code, "SYSTEM|CODE, or CODE").type("CODE");
  list.text("--from", listed->from, "Not before").type("TIME");
  list.text("--until", listed->until, "Before").type("TIME");
  add_page_options(list, listed->page, false);
  auto notes = std::make_shared<NotesOptions>();
  Command notes_command =
      commands.add("record notes", "List the notes of an encounter", Needs::kTenant,
                   {example("record notes", kExampleId)},
                   [notes](Session& session) { return list_notes(session, *notes); });
  notes_command.text("ENCOUNTER", notes->encounter, "An encounter's id").required();
  add_page_options(notes_command, notes->page, false);
  auto found = std::make_shared<FindOptions>();
  Command find = commands.add(
      "record find", "Find records by an identifier", Needs::kTenant,
      {example("record find", "\"http://lab.example/order|4711\" --type DiagnosticReport")},
      [found](Session& session) { return find_records(session, *found); });
  find.text("IDENTIFIER", found->identifier, "SYSTEM|VALUE, or VALUE where it has no system")
      .required();
  find.text("--type", found->type, "Only of this type").type("TYPE");
  add_all_versions(commands);
}

}  // namespace clinicdb::server
