// Roles: what a user may do, by the roles they have. Whoever checks a password or a token makes a
// call's rights from it. Pure.
#pragma once

#include "clinicdb/clinic/context.h"
#include "clinicdb/clinic/schema/people.pb.h"

namespace clinicdb::clinic {

/// What one role may do; docs/clinic-rules.md has them in a table.
Rights rights_of(Role role);
/// All that the user's roles may do together; nothing for one who is not active.
Rights rights_of(const User& user);

}  // namespace clinicdb::clinic
