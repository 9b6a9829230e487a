// tenant create, list, show, update, delete.
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/time_text.h"
#include "clinicdb/clinic/schema/tenant.pb.h"

namespace clinicdb::server {

namespace {

using clinic::CallContext;

constexpr TenantId kNoTenant{};

struct CreateOptions {
  std::string slug;
  std::string name;
  std::string zone;
  std::string locale;
};

Result<ExitCode> create(Session& session, const CreateOptions& options) {
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kChange));
  clinic::CreateTenantRequest request;
  request.set_slug(options.slug);
  clinic::TenantProfile& profile = *request.mutable_profile();
  profile.set_display_name(options.name);
  profile.set_zone(options.zone);
  profile.set_locale(options.locale);
  ASSIGN_OR_RETURN(const auto made,
                   ask<clinic::CreateTenantResponse>(*target, clinic::METHOD_TENANTS_CREATE,
                                                     CallContext::system(kNoTenant), request));
  if (session.json()) {
    session.show(to_json(made->tenant()));
  } else {
    session.say("Made tenant " + made->tenant().slug() + ".");
  }
  return ExitCode::kDone;
}

Result<ExitCode> list(Session& session) {
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kRead));
  ASSIGN_OR_RETURN(const auto found,
                   ask<clinic::ListTenantsResponse>(*target, clinic::METHOD_TENANTS_LIST,
                                                    CallContext::system(kNoTenant),
                                                    clinic::ListTenantsRequest()));
  if (session.json()) {
    Json tenants = Json::array();
    for (const clinic::Tenant& tenant : found->tenants()) tenants.push_back(to_json(tenant));
    session.show(Json{{"tenants", std::move(tenants)}});
    return ExitCode::kDone;
  }
  TextTable table({{"TENANT"}, {"NAME"}, {"CREATED (UTC)"}, {"UUID"}});
  for (const clinic::Tenant& tenant : found->tenants()) {
    table.add({tenant.slug(), tenant.profile().display_name(),
               format_local(Time{tenant.created_us()}, "UTC"), id_text(tenant.uuid())});
  }
  if (table.empty()) {
    session.say("There is no tenant yet. Make one: clinicdb tenant create SLUG");
  } else {
    session.show(table);
  }
  return ExitCode::kDone;
}

Result<clinic::Tenant> find(Target& target, const std::string& slug) {
  clinic::FindTenantRequest request;
  request.set_slug(slug);
  ASSIGN_OR_RETURN(const auto found,
                   ask<clinic::FindTenantResponse>(target, clinic::METHOD_TENANTS_FIND,
                                                   CallContext::system(kNoTenant), request));
  return found->tenant();
}

Result<ExitCode> show(Session& session, const std::string& slug) {
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kRead));
  ASSIGN_OR_RETURN(const clinic::Tenant tenant, find(*target, slug));
  if (session.json()) {
    session.show(to_json(tenant));
    return ExitCode::kDone;
  }
  TextTable table({{""}, {""}});
  table.add({"tenant", tenant.slug()});
  table.add({"name", tenant.profile().display_name()});
  table.add({"number", std::to_string(tenant.number())});
  table.add({"uuid", id_text(tenant.uuid())});
  table.add({"zone", tenant.profile().zone()});
  table.add({"locale", tenant.profile().locale()});
  table.add({"created (UTC)", format_local(Time{tenant.created_us()}, "UTC")});
  session.show(table);
  return ExitCode::kDone;
}

/// What is given; the rest stays.
Result<ExitCode> update(Session& session, const CreateOptions& options) {
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kChange));
  ASSIGN_OR_RETURN(const clinic::Tenant found, target->find_tenant(options.slug));
  const CallContext context = CallContext::system(TenantId{found.number()});
  ASSIGN_OR_RETURN(const auto current,
                   ask<clinic::GetTenantResponse>(*target, clinic::METHOD_TENANTS_GET, context,
                                                  clinic::GetTenantRequest()));
  const clinic::Tenant& tenant = current->tenant();
  clinic::UpdateTenantProfileRequest request;
  clinic::TenantProfile& profile = *request.mutable_profile();
  profile = tenant.profile();
  if (!options.name.empty()) profile.set_display_name(options.name);
  if (!options.zone.empty()) profile.set_zone(options.zone);
  if (!options.locale.empty()) profile.set_locale(options.locale);
  // Who changed it meanwhile is not overwritten.
  request.set_expected_version(tenant.profile_version());
  ASSIGN_OR_RETURN(const auto done,
                   ask<clinic::UpdateTenantProfileResponse>(
                       *target, clinic::METHOD_TENANTS_UPDATE_PROFILE, context, request));
  if (session.json()) {
    session.show(to_json(done->result()));
  } else {
    session.say("Changed tenant " + options.slug +
                (done->result().unchanged() ? ": it was so already." : "."));
  }
  return ExitCode::kDone;
}

/// Asks where somebody is there to be asked; a script has named the tenant, which is enough.
Status confirm_erasing(const Session& session, const std::string& slug) {
  if (!session.terminal().in || !session.terminal().error) return Status();
  std::cerr << "This erases tenant " << slug << " with everything it has. Type its name: ";
  std::string typed;
  std::getline(std::cin, typed);
  return typed == slug ? Status() : cancelled("tenant " + slug + ": nothing was erased");
}

Result<ExitCode> remove(Session& session, const std::string& slug, bool confirmed) {
  if (!confirmed) RETURN_IF_ERROR(confirm_erasing(session, slug));
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kChange));
  ASSIGN_OR_RETURN(const clinic::Tenant tenant, find(*target, slug));
  clinic::DeleteTenantRequest request;
  request.set_slug(slug);
  RETURN_IF_ERROR(ask<clinic::DeleteTenantResponse>(*target, clinic::METHOD_TENANTS_DELETE,
                                                    CallContext::system(TenantId{tenant.number()}),
                                                    request)
                      .status());
  if (session.json()) {
    session.show(Json{{"deleted", slug}, {"number", tenant.number()}});
  } else {
    session.say("Erased tenant " + slug + ".");
  }
  return ExitCode::kDone;
}

}  // namespace

void add_tenant_commands(Commands& commands) {
  commands.group("tenant", "Clinic groups: make, list, show, change, delete");

  auto made = std::make_shared<CreateOptions>();
  Command create_command = commands.add(
      "tenant create", "Make a tenant", Needs::kData,
      {"clinicdb tenant create --data demo sorriso",
       "clinicdb tenant create --data demo --name \"Grupo Sorriso\" --zone America/Manaus sorriso"},
      [made](Session& session) { return create(session, *made); });
  create_command.text("SLUG", made->slug, "Short name: 1 to 63 of a-z, 0-9 and -, not at the ends")
      .required();
  create_command.text("--name", made->name, "Name that people see");
  create_command.text("--zone", made->zone, "IANA time zone; else America/Sao_Paulo").type("ZONE");
  create_command.text("--locale", made->locale, "BCP 47 locale; else pt-BR");

  commands.add("tenant list", "List tenants", Needs::kData, {"clinicdb tenant list --data demo"},
               list);

  auto shown = std::make_shared<std::string>();
  commands
      .add("tenant show", "Describe a tenant", Needs::kData,
           {"clinicdb tenant show --data demo sorriso"},
           [shown](Session& session) { return show(session, *shown); })
      .text("SLUG", *shown, "The tenant's short name")
      .required();

  auto changed = std::make_shared<CreateOptions>();
  Command update_command = commands.add(
      "tenant update", "Change what is given of a tenant; the rest stays", Needs::kData,
      {"clinicdb tenant update --data demo --name \"Grupo Sorriso\" sorriso"},
      [changed](Session& session) { return update(session, *changed); });
  update_command.text("SLUG", changed->slug, "The tenant's short name, which stays").required();
  update_command.text("--name", changed->name, "Name that people see");
  update_command.text("--zone", changed->zone, "IANA time zone, for those without one of their own")
      .type("ZONE");
  update_command.text("--locale", changed->locale, "BCP 47 locale");

  auto erased = std::make_shared<std::string>();
  auto confirmed = std::make_shared<bool>(false);
  Command delete_command = commands.add(
      "tenant delete", "Erase a tenant with everything it has", Needs::kData,
      {"clinicdb tenant delete --data demo sorriso"},
      [erased, confirmed](Session& session) { return remove(session, *erased, *confirmed); });
  delete_command.text("SLUG", *erased, "The tenant's short name").required();
  delete_command.flag("--yes", *confirmed, "Do not ask");
}

}  // namespace clinicdb::server
