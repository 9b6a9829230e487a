// One call of a method: what may be said of it beside its request, and the way all methods are
// called. Programs call the methods of services.h and async_services.h instead, which are derived
// from the clinic's declarations.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "clinicdb/base/ids.h"
#include "clinicdb/base/result.h"
#include "clinicdb/clinic/schema/options.pb.h"

namespace clinicdb::client {

struct CallOptions {
  /// How long to wait, all retries included; 0: the client's.
  std::chrono::milliseconds timeout{0};
  /// A UUIDv7 that names the deed: a call that changes something is done once however often it is
  /// made with the same id, in this client's session, and answers as it did the first time (R1).
  /// nullopt: one is made, so that the client itself may safely try again.
  std::optional<Uuid> request_id;
  /// Made anew from the store, not a kept answer, here or in the server.
  bool fresh = false;
  /// Follows the call through the server's logs; 0: none.
  std::uint64_t trace = 0;
};

/// What a method is, as declared in clinic/schema.
struct Method {
  clinic::MethodId id;
  std::string_view name;  ///< "PatientService.Get"
  bool reads;             ///< changes nothing
  clinic::CachePolicy cache;
};

using Answer = std::shared_ptr<const google::protobuf::MessageLite>;

/// Who calls. Thread-safe.
class Caller {
 public:
  virtual ~Caller() = default;
  /// The answer, of `response`'s type; nullptr where there is no such record. Waits for it.
  virtual Result<Answer> call(const Method& method, const google::protobuf::MessageLite& request,
                              const google::protobuf::MessageLite& response,
                              const CallOptions& options) = 0;
};

/// A call whose answer may be shared with other callers. nullptr: there is no such record.
template <class Response>
Result<std::shared_ptr<const Response>> read(Caller& caller, const Method& method,
                                             const google::protobuf::MessageLite& request,
                                             const CallOptions& options) {
  Result<Answer> answer = caller.call(method, request, Response::default_instance(), options);
  if (!answer) return std::move(answer).error();
  return std::static_pointer_cast<const Response>(*std::move(answer));
}

/// A call that changes something.
template <class Response>
Result<Response> write(Caller& caller, const Method& method,
                       const google::protobuf::MessageLite& request, const CallOptions& options) {
  Result<Answer> answer = caller.call(method, request, Response::default_instance(), options);
  if (!answer) return std::move(answer).error();
  if (*answer == nullptr) return internal_error("the server answers a change with nothing");
  return static_cast<const Response&>(**answer);
}

}  // namespace clinicdb::client
