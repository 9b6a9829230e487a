// dispatch: a method of the clinic's services by its number: its request in, its response out. What
// the command line and the server's sessions call through. Thread-safe.
#pragma once

#include <memory>
#include <string_view>

#include "clinicdb/base/result.h"
#include "clinicdb/clinic/clinic.h"

namespace clinicdb::server {

using AnyAnswer = std::shared_ptr<const google::protobuf::Message>;

/// Calls `method` of `clinic`. nullptr where the record that was asked for does not exist.
/// kInvalidArgument when `request` is not of the method's type, kUnimplemented for a number that is
/// no method's.
Result<AnyAnswer> dispatch(clinic::Clinic& clinic, clinic::MethodId method,
                           const clinic::CallContext& context,
                           const google::protobuf::Message& request);

/// The same with the request as it came over the wire: `body` is the encoded message.
Result<AnyAnswer> dispatch_bytes(clinic::Clinic& clinic, clinic::MethodId method,
                                 const clinic::CallContext& context, std::string_view body);

}  // namespace clinicdb::server
