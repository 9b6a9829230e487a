#include "auth/principal.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

#include "clinicdb/clinic/roles.h"

namespace clinicdb::server {

using clinic::AccessRight;
using clinic::Rights;

namespace {

/// What rights are about: one to read it, and one to change it where that can be done.
struct Area {
  AccessRight read;
  AccessRight write;  ///< ACCESS_RIGHT_UNSPECIFIED: nobody changes it
};
constexpr Area kPeople{clinic::ACCESS_RIGHT_PEOPLE_READ, clinic::ACCESS_RIGHT_PEOPLE_WRITE};
constexpr Area kPatients{clinic::ACCESS_RIGHT_PATIENTS_READ, clinic::ACCESS_RIGHT_PATIENTS_WRITE};
constexpr Area kRecords{clinic::ACCESS_RIGHT_RECORDS_READ, clinic::ACCESS_RIGHT_RECORDS_WRITE};
constexpr Area kSchedule{clinic::ACCESS_RIGHT_SCHEDULE_READ, clinic::ACCESS_RIGHT_SCHEDULE_WRITE};
constexpr Area kBilling{clinic::ACCESS_RIGHT_BILLING_READ, clinic::ACCESS_RIGHT_BILLING_WRITE};
constexpr Area kAudit{clinic::ACCESS_RIGHT_AUDIT_READ, clinic::ACCESS_RIGHT_UNSPECIFIED};
constexpr Area kAreas[] = {kPeople, kPatients, kRecords, kSchedule, kBilling, kAudit};

Rights reads(Rights rights, std::initializer_list<Area> areas) {
  for (const Area& area : areas) rights = rights.with(area.read);
  return rights;
}
Rights writes(Rights rights, std::initializer_list<Area> areas) {
  for (const Area& area : areas) {
    if (area.write != clinic::ACCESS_RIGHT_UNSPECIFIED) rights = rights.with(area.write);
  }
  return rights;
}

/// Everything within a tenant; making and erasing tenants is the operator's.
Rights within_tenant(Rights rights) {
  Rights kept;
  for (int right = 1; right <= clinic::AccessRight_MAX; ++right) {
    if (right != clinic::ACCESS_RIGHT_TENANTS_WRITE &&
        rights.allows(static_cast<AccessRight>(right)))
      kept = kept.with(static_cast<AccessRight>(right));
  }
  return kept;
}

template <std::size_t kCount>
bool among(const std::array<std::string_view, kCount>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

/// What a FHIR resource type is about; records, for those that nothing else is said of.
const Area& area_of(std::string_view resource) {
  constexpr std::array<std::string_view, 3> kOfSchedule{"Appointment", "Schedule", "Slot"};
  constexpr std::array<std::string_view, 5> kOfPeople{
      "Practitioner", "PractitionerRole", "Organization", "Location", "HealthcareService"};
  constexpr std::array<std::string_view, 5> kOfBilling{"Invoice", "Account", "ChargeItem",
                                                       "PaymentNotice", "PaymentReconciliation"};
  if (resource == "Patient") return kPatients;
  if (resource == "AuditEvent" || resource == "Provenance") return kAudit;
  if (among(kOfSchedule, resource)) return kSchedule;
  if (among(kOfPeople, resource)) return kPeople;
  return among(kOfBilling, resource) ? kBilling : kRecords;
}

struct Scope {
  std::string_view resource;
  bool reads = false;
  bool writes = false;
};

/// "user/Patient.rs?_id=7" and its like; nothing for another scope. A scope that is narrowed by a
/// query is not ours to honour, and so gives nothing.
std::optional<Scope> parse_scope(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos || text.find('?') != std::string_view::npos)
    return std::nullopt;
  const std::string_view level = text.substr(0, slash);
  // A patient's own scope names one patient, and a right here is on all of a tenant's.
  if (level != "user" && level != "system") return std::nullopt;
  const std::size_t dot = text.find('.', slash);
  if (dot == std::string_view::npos) return std::nullopt;
  Scope scope;
  scope.resource = text.substr(slash + 1, dot - slash - 1);
  const std::string_view actions = text.substr(dot + 1);
  if (scope.resource.empty() || actions.empty()) return std::nullopt;
  if (actions == "read") {
    scope.reads = true;
  } else if (actions == "write") {
    scope.writes = true;
  } else if (actions == "*") {
    scope.reads = scope.writes = true;
  } else {
    if (actions.find_first_not_of("cruds") != std::string_view::npos) return std::nullopt;
    // Both halves: our rights are not finer than these.
    scope.reads = actions.find('r') != std::string_view::npos;
    scope.writes =
        actions.find('c') != std::string_view::npos && actions.find('u') != std::string_view::npos;
  }
  return scope;
}

}  // namespace

Result<std::string> Principal::choose_tenant(std::string_view asked) const {
  if (asked.empty()) {
    if (any_tenant || tenants.empty()) return std::string();
    if (tenants.size() == 1) return tenants.front();
    return permission_denied("the credential is for several tenants: name the one to work on")
        .with_field("tenant");
  }
  if (any_tenant || std::find(tenants.begin(), tenants.end(), asked) != tenants.end())
    return std::string(asked);
  // The same for a tenant that is not there: nobody learns who else is a customer.
  return permission_denied("the credential is not for the tenant that was asked for")
      .with_field("tenant");
}

Result<Rights> rights_of_role(std::string_view role) {
  constexpr std::pair<std::string_view, clinic::Role> kRoles[] = {
      {"owner", clinic::ROLE_OWNER},
      {"administrator", clinic::ROLE_ADMINISTRATOR},
      {"professional", clinic::ROLE_PROFESSIONAL},
      {"reception", clinic::ROLE_RECEPTION},
      {"billing", clinic::ROLE_BILLING},
      {"auditor", clinic::ROLE_AUDITOR}};
  if (role == "operator") return Rights::all();
  if (role == "none") return Rights();
  for (const auto& [word, known] : kRoles) {
    if (role == word) return within_tenant(clinic::rights_of(known));
  }
  return invalid_argument("\"" + std::string(role) +
                          "\" is no role: owner, administrator, professional, reception, billing, "
                          "auditor or operator");
}

Rights rights_of_scopes(std::string_view scopes) {
  Rights rights;
  while (!scopes.empty()) {
    const std::size_t end = std::min(scopes.find(' '), scopes.size());
    const std::optional<Scope> scope = parse_scope(scopes.substr(0, end));
    scopes.remove_prefix(std::min(end + 1, scopes.size()));
    if (!scope) continue;
    const auto add = [&](const Area& area) {
      if (scope->reads) rights = reads(rights, {area});
      if (scope->writes) rights = writes(rights, {area});
    };
    if (scope->resource == "*") {
      for (const Area& area : kAreas) add(area);
    } else {
      add(area_of(scope->resource));
    }
  }
  return rights;
}

}  // namespace clinicdb::server
