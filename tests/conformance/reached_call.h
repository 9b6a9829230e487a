// One call over the network, with the answer as the embedded service gives it.
#pragma once

#include "clinicdb/base/random.h"
#include "clinicdb/client/client.h"
#include "conformance/reached_clinic.h"

namespace clinicdb::clinic {

template <class Reply>
struct ReplyShape;
template <class Response>
struct ReplyShape<Result<Response>> {
  using Message = Response;
  static Result<Response> of(const client::Answer& answer) {
    if (answer == nullptr) return internal_error("an answer that is a value is absent");
    return static_cast<const Response&>(*answer);
  }
};
template <class Response>
struct ReplyShape<Result<std::shared_ptr<const Response>>> {
  using Message = Response;
  static Result<std::shared_ptr<const Response>> of(const client::Answer& answer) {
    return std::static_pointer_cast<const Response>(answer);
  }
};

template <class Reply, class Request>
Reply served_call(ReachedClinic& clinic, const client::Method& method, const CallContext& context,
                  const Request& request) {
  using Shape = ReplyShape<Reply>;
  client::CallOptions options;
  options.fresh = !context.use_cache;
  // Of the store's time, which in tests is not the client's.
  options.request_id = context.request_id;
  if (!options.request_id && !method.reads)
    options.request_id = Uuid::v7(clinic.clock(), system_random());
  Result<client::Answer> answer =
      clinic.client(context).call(method, request, Shape::Message::default_instance(), options);
  if (!answer) return std::move(answer).error();
  return Shape::of(*answer);
}

}  // namespace clinicdb::clinic
