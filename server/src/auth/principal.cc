#include "auth/principal.h"

#include <algorithm>
#include <array>

namespace clinicdb::server {

using clinic::AccessRight;
using clinic::Rights;

namespace {

// The right to read is odd, the one to write the same thing follows it.
constexpr AccessRight kReads[] = {
    clinic::ACCESS_RIGHT_PEOPLE_READ, clinic::ACCESS_RIGHT_PATIENTS_READ,
    clinic::ACCESS_RIGHT_RECORDS_READ, clinic::ACCESS_RIGHT_SCHEDULE_READ};

AccessRight write_of(AccessRight read) { return static_cast<AccessRight>(read + 1); }
static_assert(clinic::ACCESS_RIGHT_SCHEDULE_WRITE == clinic::ACCESS_RIGHT_SCHEDULE_READ + 1);
static_assert(clinic::ACCESS_RIGHT_PEOPLE_WRITE == clinic::ACCESS_RIGHT_PEOPLE_READ + 1);

Rights tenant_reads() {
  Rights rights = Rights().with(clinic::ACCESS_RIGHT_TENANTS_READ);
  for (const AccessRight read : kReads) rights = rights.with(read);
  return rights;
}

/// Everything within a tenant; making and erasing tenants is the operator's.
Rights whole_tenant() {
  Rights rights;
  for (int right = 1; right <= clinic::AccessRight_MAX; ++right) {
    if (right != clinic::ACCESS_RIGHT_TENANTS_WRITE)
      rights = rights.with(static_cast<AccessRight>(right));
  }
  return rights;
}

/// The right to read what a FHIR resource type is about; ACCESS_RIGHT_UNSPECIFIED: all of a tenant.
AccessRight read_right_of(std::string_view resource) {
  if (resource == "*") return clinic::ACCESS_RIGHT_UNSPECIFIED;
  if (resource == "Patient") return clinic::ACCESS_RIGHT_PATIENTS_READ;
  constexpr std::array<std::string_view, 3> kSchedule{"Appointment", "Schedule", "Slot"};
  if (std::find(kSchedule.begin(), kSchedule.end(), resource) != kSchedule.end())
    return clinic::ACCESS_RIGHT_SCHEDULE_READ;
  constexpr std::array<std::string_view, 4> kPeople{"Practitioner", "PractitionerRole",
                                                    "Organization", "Location"};
  if (std::find(kPeople.begin(), kPeople.end(), resource) != kPeople.end())
    return clinic::ACCESS_RIGHT_PEOPLE_READ;
  return clinic::ACCESS_RIGHT_RECORDS_READ;
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
  if (role == "operator") return Rights::all();
  if (role == "owner" || role == "administrator") return whole_tenant();
  if (role == "auditor") return tenant_reads();
  if (role == "professional") {
    return tenant_reads()
        .with(clinic::ACCESS_RIGHT_PATIENTS_WRITE)
        .with(clinic::ACCESS_RIGHT_RECORDS_WRITE)
        .with(clinic::ACCESS_RIGHT_SCHEDULE_WRITE);
  }
  if (role == "reception") {
    // Clinical records are not the desk's to read.
    return Rights()
        .with(clinic::ACCESS_RIGHT_PEOPLE_READ)
        .with(clinic::ACCESS_RIGHT_PATIENTS_READ)
        .with(clinic::ACCESS_RIGHT_PATIENTS_WRITE)
        .with(clinic::ACCESS_RIGHT_SCHEDULE_READ)
        .with(clinic::ACCESS_RIGHT_SCHEDULE_WRITE);
  }
  if (role == "billing") {
    return Rights()
        .with(clinic::ACCESS_RIGHT_PEOPLE_READ)
        .with(clinic::ACCESS_RIGHT_PATIENTS_READ)
        .with(clinic::ACCESS_RIGHT_SCHEDULE_READ);
  }
  if (role == "none") return Rights();
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
    const AccessRight read = read_right_of(scope->resource);
    for (const AccessRight each : kReads) {
      if (read != clinic::ACCESS_RIGHT_UNSPECIFIED && each != read) continue;
      if (scope->reads) rights = rights.with(each);
      if (scope->writes) rights = rights.with(write_of(each));
    }
  }
  return rights;
}

}  // namespace clinicdb::server
