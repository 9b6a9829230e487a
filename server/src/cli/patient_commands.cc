// patient add, update, remove, get, search, timeline.
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/tenant_call.h"
#include "cli/time_text.h"
#include "clinicdb/clinic/identifiers.h"
#include "clinicdb/clinic/identity.h"
#include "clinicdb/clinic/schema/patient.pb.h"
#include "clinicdb/clinic/tables.h"

namespace clinicdb::server {

namespace {

using clinic::CallContext;
using clinic::GetPatientResponse;

/// Which patient: by id, or by one of the identifiers.
struct WhichPatient {
  std::string id;
  std::string cpf;
  std::string cns;
  std::string mrn;
};

void add_which_patient(Command& command, WhichPatient& which) {
  CommandOption id = command.text("ID", which.id, "A UUID or a FHIR id, or Patient/ID");
  CommandOption cpf = command.text("--cpf", which.cpf, "CPF, with punctuation or without");
  CommandOption cns = command.text("--cns", which.cns, "CNS");
  CommandOption mrn = command.text("--mrn", which.mrn, "Record number, or SYSTEM|NUMBER");
  id.excludes(cpf).excludes(cns).excludes(mrn);
  cpf.excludes(cns).excludes(mrn);
  cns.excludes(mrn.type("NUMBER"));
}

Result<std::shared_ptr<const GetPatientResponse>> ask_patient(Target& target,
                                                              const CallContext& context,
                                                              const WhichPatient& which) {
  if (!which.cpf.empty()) {
    clinic::FindPatientByCpfRequest request;
    request.set_cpf(which.cpf);
    return ask<GetPatientResponse>(target, clinic::METHOD_PATIENTS_FIND_BY_CPF, context, request);
  }
  if (!which.cns.empty()) {
    clinic::FindPatientByCnsRequest request;
    request.set_cns(which.cns);
    return ask<GetPatientResponse>(target, clinic::METHOD_PATIENTS_FIND_BY_CNS, context, request);
  }
  if (!which.mrn.empty()) {
    const clinic::Identifier identifier = parse_identifier(which.mrn);
    clinic::FindPatientByMrnRequest request;
    request.set_system(identifier.system());
    request.set_value(identifier.value());
    return ask<GetPatientResponse>(target, clinic::METHOD_PATIENTS_FIND_BY_MRN, context, request);
  }
  if (which.id.empty()) {
    return invalid_argument("which patient? Give an ID, --cpf, --cns or --mrn");
  }
  clinic::GetPatientRequest request;
  ASSIGN_OR_RETURN(*request.mutable_id(),
                   parse_record_id(clinic::RESOURCE_TYPE_PATIENT, which.id, "ID"));
  return ask<GetPatientResponse>(target, clinic::METHOD_PATIENTS_GET, context, request);
}

Result<std::shared_ptr<const GetPatientResponse>> find_patient(Target& target,
                                                               const CallContext& context,
                                                               const WhichPatient& which) {
  ASSIGN_OR_RETURN(auto found, ask_patient(target, context, which));
  if (found == nullptr) {
    return not_found(which.id.empty() ? "patient: nobody has this identifier"
                                      : "patient " + which.id + ": there is none");
  }
  return found;
}

std::string telecom_text(const clinic::ContactPoint& telecom) {
  return telecom.use().empty() ? telecom.value() : telecom.value() + " (" + telecom.use() + ")";
}

std::string address_text(const clinic::Address& address) {
  if (!address.text().empty()) return address.text();
  std::string text;
  const auto append = [&](const std::string& part) {
    if (!part.empty()) text += (text.empty() ? "" : ", ") + part;
  };
  for (const std::string& line : address.lines()) append(line);
  append(address.district());
  append(address.city());
  append(address.state());
  append(address.postal_code());
  append(address.country());
  return text;
}

void show_patient(Session& session, const GetPatientResponse& response) {
  const clinic::Patient& patient = response.patient();
  TextTable table({{""}, {""}});
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) table.add({name, value});
  };
  add("id", clinic::fhir_id_text(patient.id(), patient.fhir_id()));
  add("name", clinic::display_name(patient.names()));
  add("born", format_day(patient.birth_date()));
  if (patient.gender() != clinic::GENDER_UNSPECIFIED) {
    add("gender", enum_text(*clinic::Gender_descriptor()->FindValueByNumber(patient.gender())));
  }
  if (!patient.cpf().empty()) add("CPF", clinic::format_cpf(patient.cpf()));
  if (!patient.cns().empty()) add("CNS", clinic::format_cns(patient.cns()));
  for (const auto& mrn : patient.mrn()) add("record number", mrn.value());
  for (const auto& identifier : patient.identifiers()) {
    add("identifier", identifier.type().empty() ? identifier.value()
                                                : identifier.type() + " " + identifier.value());
  }
  for (const auto& telecom : patient.telecom()) add("telecom", telecom_text(telecom));
  for (const auto& address : patient.addresses()) add("address", address_text(address));
  for (const auto& insurance : patient.insurance()) {
    add("insurance", insurance.plan() + " " + insurance.number());
  }
  for (const auto& flag : patient.flags()) add("flag", flag);
  add("note", patient.note());
  if (patient.inactive()) add("active", "no");
  if (!patient.replaced_by_id().empty()) add("merged into", id_text(patient.replaced_by_id()));
  if (patient.deceased()) {
    const std::string day = format_day(patient.deceased_date());
    add("deceased", day.empty() ? "yes" : day);
  }
  add("version", std::to_string(response.meta().version()) + ", of " +
                     format_local(Time{response.meta().updated_us()}, session.zone()));
  session.show(table);
}

Result<ExitCode> get(Session& session, const WhichPatient& which) {
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kRead));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  ASSIGN_OR_RETURN(const auto found, find_patient(*target, context, which));
  if (session.json()) {
    session.show(to_json(*found));
  } else {
    show_patient(session, *found);
  }
  return ExitCode::kDone;
}

struct SearchOptions {
  std::vector<std::string> words;
  std::string phone;
  std::string born;
  std::string cpf;
  std::string cns;
  std::string mrn;
  std::string cursor;
  std::uint64_t limit = 20;
};

Result<clinic::SearchPatientsRequest> search_request(const SearchOptions& options) {
  clinic::SearchPatientsRequest request;
  std::string text;
  for (const std::string& word : options.words) text += (text.empty() ? "" : " ") + word;
  request.set_text(text);
  request.set_phone(options.phone);
  if (!options.born.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_birth_date(), parse_day(options.born, true, "--born"));
  }
  request.set_cpf(options.cpf);
  request.set_cns(options.cns);
  if (!options.mrn.empty()) *request.mutable_mrn() = parse_identifier(options.mrn);
  ASSIGN_OR_RETURN(*request.mutable_cursor(), parse_cursor(options.cursor));
  return request;
}

Result<ExitCode> search(Session& session, const SearchOptions& options) {
  ASSIGN_OR_RETURN(clinic::SearchPatientsRequest request, search_request(options));
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kRead));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  // A page may come short, even empty, and yet not be the last.
  clinic::SearchPatientsResponse all;
  do {
    request.set_limit(static_cast<std::uint32_t>(options.limit) -
                      static_cast<std::uint32_t>(all.patients_size()));
    ASSIGN_OR_RETURN(const auto page,
                     ask<clinic::SearchPatientsResponse>(*target, clinic::METHOD_PATIENTS_SEARCH,
                                                         context, request));
    all.mutable_patients()->MergeFrom(page->patients());
    all.set_cursor(page->cursor());
    request.set_cursor(page->cursor());
  } while (!all.cursor().empty() &&
           static_cast<std::uint64_t>(all.patients_size()) < options.limit);

  if (session.json()) {
    Json patients = Json::array();
    for (const clinic::PatientSummary& patient : all.patients()) {
      patients.push_back(to_json(patient));
    }
    session.show(Json{{"patients", std::move(patients)}, {"cursor", cursor_text(all.cursor())}});
    return ExitCode::kDone;
  }
  TextTable table({{"ID"}, {"NAME"}, {"BORN"}, {"GENDER"}});
  for (const clinic::PatientSummary& patient : all.patients()) {
    const auto* gender = clinic::Gender_descriptor()->FindValueByNumber(patient.gender());
    table.add({id_text(patient.id()), patient.name() + (patient.inactive() ? " (not active)" : ""),
               format_day(patient.birth_date()),
               patient.gender() == clinic::GENDER_UNSPECIFIED ? "" : enum_text(*gender)});
  }
  if (table.empty()) {
    session.say("No patient found.");
  } else {
    session.show(table);
  }
  if (!all.cursor().empty()) {
    session.say("There are more: --cursor " + cursor_text(all.cursor()));
  }
  return ExitCode::kDone;
}

struct TimelineOptions {
  WhichPatient which;
  std::uint64_t limit = 20;
  std::string cursor;
};

Result<ExitCode> timeline(Session& session, const TimelineOptions& options) {
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kRead));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  ASSIGN_OR_RETURN(const auto patient, find_patient(*target, context, options.which));
  clinic::PatientTimelineRequest request;
  request.set_patient_id(patient->patient().id());
  request.set_limit(static_cast<std::uint32_t>(options.limit));
  ASSIGN_OR_RETURN(*request.mutable_cursor(), parse_cursor(options.cursor));
  ASSIGN_OR_RETURN(const auto page,
                   ask<clinic::PatientTimelineResponse>(*target, clinic::METHOD_PATIENTS_TIMELINE,
                                                        context, request));
  if (session.json()) {
    Json items = Json::array();
    for (const clinic::TimelineItem& item : page->items()) items.push_back(to_json(item));
    session.show(Json{{"patient", id_text(patient->patient().id())},
                      {"items", std::move(items)},
                      {"cursor", cursor_text(page->cursor())}});
    return ExitCode::kDone;
  }
  TextTable table({{"TIME"}, {"TYPE"}, {"STATUS"}, {"WHAT"}, {"ID"}});
  for (const clinic::TimelineItem& item : page->items()) {
    table.add({item.has_time_us() ? format_local(Time{item.time_us()}, session.zone()) : "",
               std::string(clinic::resource_type_name(item.type())), item.status(), item.title(),
               id_text(item.id())});
  }
  if (table.empty()) {
    session.say("There is nothing in this patient's timeline.");
  } else {
    session.show(table);
  }
  if (!page->cursor().empty()) {
    session.say("There are more: --cursor " + cursor_text(page->cursor()));
  }
  return ExitCode::kDone;
}

struct AddOptions {
  std::string name;
  std::string born;
  std::string gender;
  std::string cpf;
  std::string cns;
  std::vector<std::string> phones;
};

/// What is given; the rest stays as it is. Phones take the place of those that are there.
Status set_fields(const AddOptions& options, clinic::Patient& patient) {
  if (!options.name.empty()) {
    // The first is the one that is shown; of its parts nothing is known any more.
    clinic::HumanName& name =
        patient.names().empty() ? *patient.add_names() : *patient.mutable_names(0);
    const std::string use = name.use();
    name.Clear();
    name.set_use(use);
    name.set_text(options.name);
  }
  if (!options.born.empty()) {
    ASSIGN_OR_RETURN(*patient.mutable_birth_date(), parse_day(options.born, true, "--born"));
  }
  const auto genders = clinic::Gender_descriptor();
  for (int i = 0; i < genders->value_count(); ++i) {
    if (enum_text(*genders->value(i)) == options.gender) {
      patient.set_gender(static_cast<clinic::Gender>(genders->value(i)->number()));
    }
  }
  if (!options.cpf.empty()) patient.set_cpf(options.cpf);
  if (!options.cns.empty()) patient.set_cns(options.cns);
  if (!options.phones.empty()) {
    google::protobuf::RepeatedPtrField<clinic::ContactPoint> others;
    for (clinic::ContactPoint& telecom : *patient.mutable_telecom()) {
      if (telecom.system() != clinic::ContactPoint::SYSTEM_PHONE) others.Add()->Swap(&telecom);
    }
    patient.mutable_telecom()->Swap(&others);
  }
  for (const std::string& phone : options.phones) {
    clinic::ContactPoint& telecom = *patient.add_telecom();
    telecom.set_system(clinic::ContactPoint::SYSTEM_PHONE);
    telecom.set_value(phone);
  }
  return {};
}

Result<ExitCode> add(Session& session, const AddOptions& options) {
  clinic::RegisterPatientRequest request;
  RETURN_IF_ERROR(set_fields(options, *request.mutable_patient()));
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kChange));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  ASSIGN_OR_RETURN(const auto done,
                   ask<clinic::RegisterPatientResponse>(*target, clinic::METHOD_PATIENTS_REGISTER,
                                                        context, request));
  session.show_written("Registered patient", done->result());
  return ExitCode::kDone;
}

struct UpdateOptions {
  std::string id;
  AddOptions fields;
  std::string note;
  bool active = false;
  bool inactive = false;
};

Result<ExitCode> update(Session& session, const UpdateOptions& options) {
  WhichPatient which;
  which.id = options.id;
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kChange));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  ASSIGN_OR_RETURN(const auto found, find_patient(*target, context, which));
  clinic::UpdatePatientRequest request;
  clinic::Patient& patient = *request.mutable_patient();
  patient = found->patient();
  patient.clear_fhir();  // the stored body, with the fields merged into it
  RETURN_IF_ERROR(set_fields(options.fields, patient));
  if (!options.note.empty()) patient.set_note(options.note);
  if (options.active) patient.set_inactive(false);
  if (options.inactive) patient.set_inactive(true);
  // Who changed the patient meanwhile is not overwritten.
  request.set_expected_version(found->meta().version());
  ASSIGN_OR_RETURN(const auto done, ask<clinic::UpdatePatientResponse>(
                                        *target, clinic::METHOD_PATIENTS_UPDATE, context, request));
  session.show_written("Changed patient", done->result());
  return ExitCode::kDone;
}

struct RemoveOptions {
  std::string id;
  bool confirmed = false;
};

/// Asks where somebody is there to be asked; a script has named the patient, which is enough.
Status confirm_removing(const Session& session, const std::string& name) {
  if (!session.terminal().in || !session.terminal().error) return Status();
  std::cerr << "This removes patient " << printable(name) << ". Type yes: ";
  std::string typed;
  std::getline(std::cin, typed);
  return typed == "yes" ? Status() : cancelled("patient " + name + ": nothing was removed");
}

Result<ExitCode> remove_patient(Session& session, const RemoveOptions& options) {
  WhichPatient which;
  which.id = options.id;
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kChange));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  ASSIGN_OR_RETURN(const auto found, find_patient(*target, context, which));
  if (!options.confirmed)
    RETURN_IF_ERROR(confirm_removing(session, clinic::display_name(found->patient().names())));
  clinic::RemovePatientRequest request;
  request.set_id(found->patient().id());
  request.set_expected_version(found->meta().version());
  ASSIGN_OR_RETURN(const auto done, ask<clinic::RemovePatientResponse>(
                                        *target, clinic::METHOD_PATIENTS_REMOVE, context, request));
  session.show_written("Removed patient", done->result());
  return ExitCode::kDone;
}

void add_get(Commands& commands) {
  auto which = std::make_shared<WhichPatient>();
  Command command = commands.add(
      "patient get", "Show a patient", Needs::kTenant,
      {"clinicdb patient get --data demo --tenant sorriso 0190b3c1-7b1c-7d0e-8a51-2f7d1f0c9a11",
       "clinicdb patient get --data demo --tenant sorriso --cpf 529.982.247-25 --json"},
      [which](Session& session) { return get(session, *which); });
  add_which_patient(command, *which);
}

void add_search(Commands& commands) {
  auto options = std::make_shared<SearchOptions>();
  Command command = commands.add(
      "patient search",
      "Find patients: all that is given must hold; case and accents do not matter", Needs::kTenant,
      {"clinicdb patient search --data demo --tenant sorriso ana souza",
       "clinicdb patient search --data demo --tenant sorriso --phone 4321",
       "clinicdb patient search --data demo --tenant sorriso --born 1980-05 jo"},
      [options](Session& session) { return search(session, *options); });
  command.texts("WORD", options->words, "Words that words of the name begin with");
  command.text("--phone", options->phone, "Last digits of a phone number, at least four")
      .type("DIGITS");
  command.text("--born", options->born, "Year, month or day of birth").type("DAY");
  command.text("--cpf", options->cpf, "CPF, with punctuation or without");
  command.text("--cns", options->cns, "CNS");
  command.text("--mrn", options->mrn, "Record number, or SYSTEM|NUMBER").type("NUMBER");
  command.number("--limit", options->limit, 1, 200, "How many at most");
  command.text("--cursor", options->cursor, "Go on where an earlier page ended");
}

void add_timeline(Commands& commands) {
  auto options = std::make_shared<TimelineOptions>();
  Command command = commands.add(
      "patient timeline", "Show a patient's encounters and clinical records, newest first",
      Needs::kTenant,
      {"clinicdb patient timeline --data demo --tenant sorriso --cpf 529.982.247-25 --limit 50"},
      [options](Session& session) { return timeline(session, *options); });
  add_which_patient(command, options->which);
  command.number("--limit", options->limit, 1, 1000, "How many at most");
  command.text("--cursor", options->cursor, "Go on where an earlier page ended");
}

void add_fields(Command& command, AddOptions& options) {
  command.text("--born", options.born, "Day of birth").type("DAY");
  command.text("--gender", options.gender, "female, male, other or unknown")
      .choices({"female", "male", "other", "unknown"});
  command.text("--cpf", options.cpf, "CPF, with punctuation or without");
  command.text("--cns", options.cns, "CNS");
  command.texts("--phone", options.phones, "Phone number; may be given again").type("NUMBER");
}

void add_update(Commands& commands) {
  auto options = std::make_shared<UpdateOptions>();
  Command command = commands.add(
      "patient update", "Change what is given of a patient; the rest stays", Needs::kTenant,
      {example("patient update", std::string(kExampleId) + " --phone \"(11) 98765-4321\""),
       example("patient update", std::string(kExampleId) + " --name \"Ana Souza Lima\"")},
      [options](Session& session) { return update(session, *options); });
  command.text("ID", options->id, "The patient").required();
  command.text("--name", options->fields.name, "Full name");
  add_fields(command, options->fields);
  command.text("--note", options->note, "Note");
  command.flag("--inactive", options->inactive, "Does not come any more")
      .excludes(command.flag("--active", options->active, "Comes again"));
}

void add_remove(Commands& commands) {
  auto options = std::make_shared<RemoveOptions>();
  Command command =
      commands.add("patient remove", "Remove a patient whom no record names; the history stays",
                   Needs::kTenant, {example("patient remove", kExampleId)},
                   [options](Session& session) { return remove_patient(session, *options); });
  command.text("ID", options->id, "The patient").required();
  command.flag("--yes", options->confirmed, "Do not ask");
}

void add_add(Commands& commands) {
  auto options = std::make_shared<AddOptions>();
  Command command = commands.add(
      "patient add", "Register a patient", Needs::kTenant,
      {"clinicdb patient add --data demo --tenant sorriso --name \"Ana Souza\" --born 1980-05-02 "
       "--cpf 529.982.247-25"},
      [options](Session& session) { return add(session, *options); });
  command.text("--name", options->name, "Full name").required();
  add_fields(command, *options);
}

}  // namespace

void add_patient_commands(Commands& commands) {
  commands.group("patient",
                 "Patients: add, update, remove, get, search, timeline, duplicates, merge");
  add_add(commands);
  add_update(commands);
  add_remove(commands);
  add_get(commands);
  add_search(commands);
  add_timeline(commands);
}

}  // namespace clinicdb::server
