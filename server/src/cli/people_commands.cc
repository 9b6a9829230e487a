// professional, room, clinic and user: add, list. What a booking needs beside a patient, and who
// may do what.
#include <nlohmann/json.hpp>

#include "cli/clinic_choice.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/council_text.h"
#include "cli/page_list.h"
#include "cli/time_text.h"
#include "clinicdb/clinic/identity.h"
#include "clinicdb/clinic/schema/people.pb.h"
#include "clinicdb/clinic/tables.h"

namespace clinicdb::server {

namespace {

using clinic::CallContext;

// --- professional

struct ProfessionalOptions {
  std::string name;
  std::string council;
  std::string cpf;
  std::vector<std::string> specialties;
  std::vector<std::string> services;
  std::string licence_until;
};

Result<ExitCode> add_professional(Session& session, const ProfessionalOptions& options) {
  clinic::PutProfessionalRequest request;
  clinic::Professional& professional = *request.mutable_professional();
  professional.add_names()->set_text(options.name);
  if (!options.council.empty()) {
    ASSIGN_OR_RETURN(*professional.mutable_council(), parse_council(options.council, "--council"));
  }
  professional.set_cpf(options.cpf);
  for (const std::string& each : options.specialties) professional.add_specialties(each);
  for (const std::string& each : options.services) {
    ASSIGN_OR_RETURN(*professional.add_service_ids(),
                     parse_record_id(clinic::RESOURCE_TYPE_UNSPECIFIED, each, "--service"));
  }
  if (!options.licence_until.empty()) {
    ASSIGN_OR_RETURN(*professional.mutable_licence_expiry(),
                     parse_day(options.licence_until, false, "--licence-until"));
  }
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kChange));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  ASSIGN_OR_RETURN(const auto done,
                   ask<clinic::PutProfessionalResponse>(
                       *target, clinic::METHOD_PEOPLE_PUT_PROFESSIONAL, context, request));
  session.show_written("Added professional", done->result());
  return ExitCode::kDone;
}

Result<ExitCode> list_professionals(Session& session, const PageOptions& options) {
  clinic::ListProfessionalsRequest request;
  request.set_name(options.name);
  ASSIGN_OR_RETURN(*request.mutable_cursor(), parse_cursor(options.cursor));
  Json records = Json::array();
  TextTable table({{"ID"}, {"NAME"}, {"COUNCIL"}, {"SPECIALTIES"}});
  const auto take = [&](const clinic::ListProfessionalsResponse& page) {
    for (const clinic::Professional& each : page.professionals()) {
      records.push_back(to_json(each));
      std::string specialties;
      for (const std::string& specialty : each.specialties()) {
        specialties += (specialties.empty() ? "" : ", ") + specialty;
      }
      table.add({clinic::fhir_id_text(each.id(), each.fhir_id()),
                 clinic::display_name(each.names()), council_text(each.council()), specialties});
    }
    return static_cast<std::uint64_t>(page.professionals_size());
  };
  ASSIGN_OR_RETURN(const std::string cursor, each_page<clinic::ListProfessionalsResponse>(
                                                 session, clinic::METHOD_PEOPLE_LIST_PROFESSIONALS,
                                                 request, options.limit, take));
  show_list(session, "professionals", std::move(records), table, cursor);
  return ExitCode::kDone;
}

void add_professional_commands(Commands& commands) {
  commands.group("professional", "Professionals: add, get, list");
  auto added = std::make_shared<ProfessionalOptions>();
  Command add_command = commands.add(
      "professional add", "Add a professional", Needs::kTenant,
      {"clinicdb professional add --data demo --tenant sorriso --name \"Dra. Inês Prado\" "
       "--council \"CRO 4321/SP\""},
      [added](Session& session) { return add_professional(session, *added); });
  add_command.text("--name", added->name, "Full name").required();
  add_command.text("--council", added->council, "Entry in the council's register").type("ENTRY");
  add_command.text("--cpf", added->cpf, "CPF, with punctuation or without");
  add_command.texts("--specialty", added->specialties, "May be given again");
  add_command.texts("--service", added->services, "That they may do, by id; else all").type("ID");
  add_command.text("--licence-until", added->licence_until, "Last day of the council's licence")
      .type("DAY");

  auto listed = std::make_shared<PageOptions>();
  Command list_command =
      commands.add("professional list", "List professionals, or find them by name", Needs::kTenant,
                   {"clinicdb professional list --data demo --tenant sorriso",
                    "clinicdb professional list --data demo --tenant sorriso prado"},
                   [listed](Session& session) { return list_professionals(session, *listed); });
  add_page_options(list_command, *listed, true);
}

// --- room

struct RoomOptions {
  std::string name;
  std::string clinic;
};

Result<ExitCode> add_room(Session& session, const RoomOptions& options) {
  clinic::PutLocationRequest request;
  clinic::Location& room = *request.mutable_location();
  room.set_name(options.name);
  room.set_bookable(true);
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kChange));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  if (!options.clinic.empty()) {
    ASSIGN_OR_RETURN(*room.mutable_clinic_id(), choose_clinic(*target, context, options.clinic));
  }
  ASSIGN_OR_RETURN(const auto done,
                   ask<clinic::PutLocationResponse>(*target, clinic::METHOD_PEOPLE_PUT_LOCATION,
                                                    context, request));
  session.show_written("Added room", done->result());
  return ExitCode::kDone;
}

Result<ExitCode> list_rooms(Session& session, const PageOptions& options) {
  clinic::ListLocationsRequest request;
  request.set_name(options.name);
  ASSIGN_OR_RETURN(*request.mutable_cursor(), parse_cursor(options.cursor));
  Json records = Json::array();
  TextTable table({{"ID"}, {"NAME"}, {"BOOKABLE"}});
  const auto take = [&](const clinic::ListLocationsResponse& page) {
    for (const clinic::Location& each : page.locations()) {
      records.push_back(to_json(each));
      table.add({clinic::fhir_id_text(each.id(), each.fhir_id()), each.name(),
                 each.bookable() ? "yes" : ""});
    }
    return static_cast<std::uint64_t>(page.locations_size());
  };
  ASSIGN_OR_RETURN(const std::string cursor, each_page<clinic::ListLocationsResponse>(
                                                 session, clinic::METHOD_PEOPLE_LIST_LOCATIONS,
                                                 request, options.limit, take));
  show_list(session, "locations", std::move(records), table, cursor);
  return ExitCode::kDone;
}

void add_room_commands(Commands& commands) {
  commands.group("room", "Rooms and other places: add, get, list");
  auto added = std::make_shared<RoomOptions>();
  Command add_command =
      commands.add("room add", "Add a room that appointments can take", Needs::kTenant,
                   {"clinicdb room add --data demo --tenant sorriso --name \"Sala 1\""},
                   [added](Session& session) { return add_room(session, *added); });
  add_command.text("--name", added->name, "Name").required();
  add_command.text("--clinic", added->clinic, "The clinic it belongs to: id or short name")
      .type("CLINIC");

  auto listed = std::make_shared<PageOptions>();
  Command list_command =
      commands.add("room list", "List rooms and other places, or find them by name", Needs::kTenant,
                   {"clinicdb room list --data demo --tenant sorriso sala"},
                   [listed](Session& session) { return list_rooms(session, *listed); });
  add_page_options(list_command, *listed, true);
}

// --- clinic

struct ClinicSiteOptions {
  std::string slug;
  std::string name;
  std::string zone;
};

Result<ExitCode> add_clinic(Session& session, const ClinicSiteOptions& options) {
  clinic::PutClinicRequest request;
  request.mutable_clinic()->set_slug(options.slug);
  request.mutable_clinic()->set_name(options.name.empty() ? options.slug : options.name);
  request.mutable_clinic()->set_zone(options.zone);
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kChange));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  ASSIGN_OR_RETURN(
      const auto done,
      ask<clinic::PutClinicResponse>(*target, clinic::METHOD_PEOPLE_PUT_CLINIC, context, request));
  session.show_written("Added clinic", done->result());
  return ExitCode::kDone;
}

Result<ExitCode> list_clinics(Session& session, const PageOptions& options) {
  clinic::ListClinicsRequest request;
  ASSIGN_OR_RETURN(*request.mutable_cursor(), parse_cursor(options.cursor));
  Json records = Json::array();
  TextTable table({{"ID"}, {"CLINIC"}, {"NAME"}, {"ZONE"}});
  const auto take = [&](const clinic::ListClinicsResponse& page) {
    for (const clinic::ClinicSite& each : page.clinics()) {
      records.push_back(to_json(each));
      table.add({id_text(each.id()), each.slug(), each.name(), each.zone()});
    }
    return static_cast<std::uint64_t>(page.clinics_size());
  };
  ASSIGN_OR_RETURN(const std::string cursor,
                   each_page<clinic::ListClinicsResponse>(
                       session, clinic::METHOD_PEOPLE_LIST_CLINICS, request, options.limit, take));
  show_list(session, "clinics", std::move(records), table, cursor);
  return ExitCode::kDone;
}

void add_clinic_commands(Commands& commands) {
  commands.group("clinic", "Sites of a tenant: add, get, list");
  auto added = std::make_shared<ClinicSiteOptions>();
  Command add_command = commands.add(
      "clinic add", "Add a clinic", Needs::kTenant,
      {"clinicdb clinic add --data demo --tenant sorriso --name \"Sorriso Centro\" centro"},
      [added](Session& session) { return add_clinic(session, *added); });
  add_command.text("SLUG", added->slug, "Short name: 1 to 63 of a-z, 0-9 and -, not at the ends")
      .required();
  add_command.text("--name", added->name, "Name that people see; else the short name");
  add_command.text("--zone", added->zone, "IANA time zone; else the tenant's").type("ZONE");

  auto listed = std::make_shared<PageOptions>();
  Command list_command =
      commands.add("clinic list", "List clinics", Needs::kTenant,
                   {"clinicdb clinic list --data demo --tenant sorriso"},
                   [listed](Session& session) { return list_clinics(session, *listed); });
  add_page_options(list_command, *listed, false);
}

// --- user

struct UserOptions {
  std::string login;
  std::string name;
  std::string email;
  std::string professional;
  std::vector<std::string> roles;
  std::vector<std::string> clinics;
};

/// "reception" as ROLE_RECEPTION.
Result<clinic::Role> parse_role(const std::string& text) {
  const auto& roles = *clinic::Role_descriptor();
  std::string known;
  for (int i = 0; i < roles.value_count(); ++i) {
    if (roles.value(i)->number() == clinic::ROLE_UNSPECIFIED) continue;
    const std::string name = enum_text(*roles.value(i));
    if (name == text) return static_cast<clinic::Role>(roles.value(i)->number());
    known += (known.empty() ? "" : ", ") + name;
  }
  return invalid_argument("--role: \"" + text + "\" is none of " + known).with_field("--role");
}

Result<ExitCode> add_user(Session& session, const UserOptions& options) {
  clinic::PutUserRequest request;
  clinic::User& user = *request.mutable_user();
  user.set_login(options.login);
  user.set_name(options.name.empty() ? options.login : options.name);
  user.set_email(options.email);
  for (const std::string& text : options.roles) {
    ASSIGN_OR_RETURN(const clinic::Role role, parse_role(text));
    user.add_roles(role);
  }
  if (!options.professional.empty()) {
    ASSIGN_OR_RETURN(*user.mutable_professional_id(),
                     parse_record_id(clinic::RESOURCE_TYPE_PRACTITIONER, options.professional,
                                     "--professional"));
  }
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kChange));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  for (const std::string& text : options.clinics) {
    ASSIGN_OR_RETURN(*user.add_clinic_ids(), choose_clinic(*target, context, text));
  }
  // A login that is there is another user's: a new one is made, or refused.
  request.set_expected_version(0);
  ASSIGN_OR_RETURN(const auto done, ask<clinic::PutUserResponse>(
                                        *target, clinic::METHOD_PEOPLE_PUT_USER, context, request));
  session.show_written("Added user", done->result());
  return ExitCode::kDone;
}

Result<ExitCode> list_users(Session& session, const PageOptions& options) {
  clinic::ListUsersRequest request;
  ASSIGN_OR_RETURN(*request.mutable_cursor(), parse_cursor(options.cursor));
  Json records = Json::array();
  TextTable table({{"ID"}, {"LOGIN"}, {"NAME"}, {"ROLES"}});
  const auto take = [&](const clinic::ListUsersResponse& page) {
    for (const clinic::User& each : page.users()) {
      records.push_back(to_json(each));
      std::string roles;
      for (const int role : each.roles()) {
        if (!roles.empty()) roles += ", ";
        const auto* value = clinic::Role_descriptor()->FindValueByNumber(role);
        roles += value == nullptr ? std::to_string(role) : enum_text(*value);
      }
      table.add({id_text(each.id()), each.login(), each.name(), roles});
    }
    return static_cast<std::uint64_t>(page.users_size());
  };
  ASSIGN_OR_RETURN(const std::string cursor,
                   each_page<clinic::ListUsersResponse>(session, clinic::METHOD_PEOPLE_LIST_USERS,
                                                        request, options.limit, take));
  show_list(session, "users", std::move(records), table, cursor);
  return ExitCode::kDone;
}

void add_user_commands(Commands& commands) {
  commands.group("user", "Who works with the tenant's data: add, get, list");
  auto added = std::make_shared<UserOptions>();
  Command add_command = commands.add(
      "user add", "Add a user", Needs::kTenant,
      {"clinicdb user add --data demo --tenant sorriso --role reception --name \"Bia Reis\" bia"},
      [added](Session& session) { return add_user(session, *added); });
  add_command.text("LOGIN", added->login, "Unique in the tenant; case does not matter").required();
  add_command.text("--name", added->name, "Name that people see; else the login");
  add_command.text("--email", added->email, "E-mail address");
  add_command
      .texts("--role", added->roles,
             "owner, administrator, professional, reception, billing or auditor; may be given "
             "again")
      .type("ROLE");
  add_command.text("--professional", added->professional, "Who it is, of a professional")
      .type("ID");
  add_command.texts("--clinic", added->clinics, "Only there: id or short name; may be given again")
      .type("CLINIC");

  auto listed = std::make_shared<PageOptions>();
  Command list_command =
      commands.add("user list", "List users and their roles", Needs::kTenant,
                   {"clinicdb user list --data demo --tenant sorriso"},
                   [listed](Session& session) { return list_users(session, *listed); });
  add_page_options(list_command, *listed, false);
}

}  // namespace

void add_people_commands(Commands& commands) {
  add_user_commands(commands);
  add_professional_commands(commands);
  add_room_commands(commands);
  add_clinic_commands(commands);
}

}  // namespace clinicdb::server
