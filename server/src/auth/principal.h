// Principal: who a connection speaks for, as its credential says: the tenants it may work on, its
// rights there, and until when. Everything that a call may do follows from it; nothing of it is
// ever taken from a request.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "clinicdb/base/clock.h"
#include "clinicdb/base/ids.h"
#include "clinicdb/base/result.h"
#include "clinicdb/clinic/context.h"

namespace clinicdb::server {

/// Value.
struct Principal {
  /// For logs and limits: "key:reception-1", "user:<uuid>". No personal data.
  std::string name;
  Uuid user;  ///< nil: not a user of the clinic
  clinic::Rights rights;
  /// Slugs. Empty: none, but the store itself.
  std::vector<std::string> tenants;
  /// Any tenant, and the store itself: operators and nodes.
  bool any_tenant = false;
  /// When the credential ends; nothing: it does not.
  std::optional<Time> until;
  /// What replay protection goes by; empty where the credential has none.
  std::string token_id;

  /// The slug that a connection which asks for `asked` works on; empty: the store itself.
  /// kPermissionDenied when it may not, or when it has several and names none.
  Result<std::string> choose_tenant(std::string_view asked) const;
};

/// The rights of a role: "owner", "administrator", "professional", "reception", "billing",
/// "auditor", "operator" (all, tenants included) or "none". kInvalidArgument for another word.
Result<clinic::Rights> rights_of_role(std::string_view role);

/// The rights of SMART scopes, separated by spaces: "user/Patient.rs system/Appointment.cruds
/// patient/*.read", versions 1 and 2. Scopes that are not about data ("openid", "launch") give
/// nothing; so do resources that we have no right for.
clinic::Rights rights_of_scopes(std::string_view scopes);

}  // namespace clinicdb::server
