// professional, room, clinic and user: get; organization add, list, get.
#include <nlohmann/json.hpp>

#include "cli/clinic_choice.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/council_text.h"
#include "cli/page_list.h"
#include "cli/record_view.h"
#include "clinicdb/clinic/identity.h"
#include "clinicdb/clinic/schema/people.pb.h"

namespace clinicdb::server {

namespace {

using clinic::CallContext;

/// By id, or by what else only one has: an entry in a council's register, a login.
struct WhichOptions {
  std::string id;
  std::string other;
};

Status one_of_two(const WhichOptions& which, const std::string& option) {
  if (which.id.empty() != which.other.empty()) return {};
  return invalid_argument("which one? Give an ID or " + option).with_field("ID");
}

Result<ExitCode> get_professional(Session& session, const WhichOptions& which) {
  RETURN_IF_ERROR(one_of_two(which, "--council"));
  clinic::GetProfessionalRequest get;
  clinic::FindProfessionalRequest find;
  if (which.other.empty()) {
    ASSIGN_OR_RETURN(*get.mutable_id(),
                     parse_record_id(clinic::RESOURCE_TYPE_PRACTITIONER, which.id, "ID"));
  } else {
    ASSIGN_OR_RETURN(*find.mutable_council(), parse_council(which.other, "--council"));
  }
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kRead));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  if (which.other.empty())
    return show_record_view(session, *target, context, clinic::METHOD_PEOPLE_GET_PROFESSIONAL, get);
  return show_record_view(session, *target, context, clinic::METHOD_PEOPLE_FIND_PROFESSIONAL, find);
}

Result<ExitCode> get_user(Session& session, const WhichOptions& which) {
  RETURN_IF_ERROR(one_of_two(which, "--login"));
  clinic::GetUserRequest get;
  clinic::FindUserRequest find;
  find.set_login(which.other);
  if (which.other.empty()) {
    ASSIGN_OR_RETURN(*get.mutable_id(), parse_id(which.id, "ID"));
  }
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kRead));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  if (which.other.empty())
    return show_record_view(session, *target, context, clinic::METHOD_PEOPLE_GET_USER, get);
  return show_record_view(session, *target, context, clinic::METHOD_PEOPLE_FIND_USER, find);
}

Result<ExitCode> get_clinic(Session& session, const std::string& which) {
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kRead));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  clinic::GetClinicRequest request;
  ASSIGN_OR_RETURN(*request.mutable_id(), choose_clinic(*target, context, which));
  return show_record_view(session, *target, context, clinic::METHOD_PEOPLE_GET_CLINIC, request);
}

struct OrganizationOptions {
  std::string name;
  std::string cnpj;
  std::string part_of;
};

Result<ExitCode> add_organization(Session& session, const OrganizationOptions& options) {
  clinic::PutOrganizationRequest request;
  clinic::Organization& organization = *request.mutable_organization();
  organization.set_name(options.name);
  organization.set_cnpj(options.cnpj);
  if (!options.part_of.empty()) {
    ASSIGN_OR_RETURN(
        *organization.mutable_part_of_id(),
        parse_record_id(clinic::RESOURCE_TYPE_ORGANIZATION, options.part_of, "--part-of"));
  }
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kChange));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  ASSIGN_OR_RETURN(const auto done,
                   ask<clinic::PutOrganizationResponse>(
                       *target, clinic::METHOD_PEOPLE_PUT_ORGANIZATION, context, request));
  session.show_written("Added organization", done->result());
  return ExitCode::kDone;
}

Result<ExitCode> list_organizations(Session& session, const PageOptions& options) {
  clinic::ListOrganizationsRequest request;
  request.set_name(options.name);
  ASSIGN_OR_RETURN(*request.mutable_cursor(), parse_cursor(options.cursor));
  Json records = Json::array();
  TextTable table({{"ID"}, {"NAME"}, {"CNPJ"}});
  const auto take = [&](const clinic::ListOrganizationsResponse& page) {
    for (const clinic::Organization& each : page.organizations()) {
      records.push_back(to_json(each));
      table.add({clinic::fhir_id_text(each.id(), each.fhir_id()), each.name(), each.cnpj()});
    }
    return static_cast<std::uint64_t>(page.organizations_size());
  };
  ASSIGN_OR_RETURN(const std::string cursor, each_page<clinic::ListOrganizationsResponse>(
                                                 session, clinic::METHOD_PEOPLE_LIST_ORGANIZATIONS,
                                                 request, options.limit, take));
  show_list(session, "organizations", std::move(records), table, cursor);
  return ExitCode::kDone;
}

void add_which(Commands& commands, const std::string& words, const std::string& description,
               const std::string& option, const std::string& value, const std::string& help,
               Result<ExitCode> (*run)(Session&, const WhichOptions&)) {
  auto which = std::make_shared<WhichOptions>();
  Command command = commands.add(words, description, Needs::kTenant,
                                 {example(words, kExampleId), example(words, option + " " + value)},
                                 [which, run](Session& session) { return run(session, *which); });
  command.text("ID", which->id, "Whose; or " + option)
      .excludes(command.text(option, which->other, help));
}

void add_organizations(Commands& commands) {
  commands.group("organization", "Organisations, such as a hospital or an insurer: add, get, list");
  auto added = std::make_shared<OrganizationOptions>();
  Command add = commands.add(
      "organization add", "Add an organisation", Needs::kTenant,
      {example("organization add", "\"Hospital São Lucas\" --cnpj 11.222.333/0001-81")},
      [added](Session& session) { return add_organization(session, *added); });
  add.text("NAME", added->name, "What it is called").required();
  add.text("--cnpj", added->cnpj, "CNPJ, with punctuation or without");
  add.text("--part-of", added->part_of, "The organisation that it belongs to").type("ID");
  auto listed = std::make_shared<PageOptions>();
  Command list =
      commands.add("organization list", "List organisations, or find them by name", Needs::kTenant,
                   {example("organization list", ""), example("organization list", "lucas")},
                   [listed](Session& session) { return list_organizations(session, *listed); });
  add_page_options(list, *listed, true);
  add_get<clinic::GetOrganizationRequest>(
      commands, "organization get", "Show an organisation", clinic::METHOD_PEOPLE_GET_ORGANIZATION,
      clinic::RESOURCE_TYPE_ORGANIZATION, "As `organization list` shows it");
}

}  // namespace

void add_people_view_commands(Commands& commands) {
  add_which(commands, "professional get", "Show a professional", "--council", "\"CRO 4321/SP\"",
            "Entry in the council's register", &get_professional);
  add_which(commands, "user get", "Show a user", "--login", "bia", "The user's login", &get_user);
  add_get<clinic::GetLocationRequest>(commands, "room get", "Show a room or another place",
                                      clinic::METHOD_PEOPLE_GET_LOCATION,
                                      clinic::RESOURCE_TYPE_LOCATION, "As `room list` shows it");
  auto site = std::make_shared<std::string>();
  commands
      .add("clinic get", "Show a clinic", Needs::kTenant, {example("clinic get", "centro")},
           [site](Session& session) { return get_clinic(session, *site); })
      .text("CLINIC", *site, "Its id or short name; else the only one");
  add_organizations(commands);
}

}  // namespace clinicdb::server
