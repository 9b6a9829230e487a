// Which clinic of a tenant is meant.
#pragma once

#include <string>

#include "cli/target.h"
#include "clinicdb/base/result.h"

namespace clinicdb::server {

/// The id of the clinic that `text` names: its id or its short name; where `text` is empty the
/// tenant's only one. kInvalidArgument, field() "--clinic", when there is not exactly one;
/// kNotFound when none has that name.
Result<std::string> choose_clinic(Target& target, const clinic::CallContext& context,
                                  const std::string& text);

}  // namespace clinicdb::server
