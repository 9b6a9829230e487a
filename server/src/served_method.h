// ServedMethod: one method of the clinic's services, as something that can be called with a message
// or with a message's bytes. `serve` makes one of a service's member function, and deduces service,
// request and response from it, so that serving a method takes one line in dispatch.cc.
#pragma once

#include <google/protobuf/descriptor.h>

#include <climits>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "clinicdb/base/result.h"
#include "clinicdb/clinic/clinic.h"
#include "dispatch.h"

namespace clinicdb::server {

/// Immutable.
struct ServedMethod {
  clinic::MethodId id = clinic::METHOD_UNSPECIFIED;
  const google::protobuf::Descriptor* (*request)() = nullptr;
  const google::protobuf::Descriptor* (*response)() = nullptr;
  /// REQUIRES: the message is of the request's type.
  Result<AnyAnswer> (*call)(clinic::Clinic&, const clinic::CallContext&,
                            const google::protobuf::Message&) = nullptr;
  Result<AnyAnswer> (*call_bytes)(clinic::Clinic&, const clinic::CallContext&,
                                  std::string_view body) = nullptr;
};

/// What dispatch.cc serves.
std::span<const ServedMethod> served_methods();

template <class Service>
const Service& service_of(clinic::Clinic& clinic);

template <class Response>
struct ResponseOf;
template <class Response>
struct ResponseOf<Result<Response>> {
  using Type = Response;
  static Result<AnyAnswer> answer(Result<Response> response) {
    if (!response) return std::move(response).error();
    return AnyAnswer(std::make_shared<const Response>(std::move(response).value()));
  }
};
template <class Response>
struct ResponseOf<Result<std::shared_ptr<const Response>>> {
  using Type = Response;
  static Result<AnyAnswer> answer(Result<std::shared_ptr<const Response>> response) {
    if (!response) return std::move(response).error();
    return AnyAnswer(std::move(response).value());
  }
};

template <class Method>
struct MethodShape;
/// A service's own member.
template <class Service, class Answer, class Argument>
struct MethodShape<Answer (Service::*)(const clinic::CallContext&, Argument) const> {
  using ServiceType = Service;
  using Request = std::remove_cvref_t<Argument>;
  using Response = ResponseOf<Answer>;
};
/// A function that takes the service first: for members that take no request message.
template <class Service, class Answer, class Argument>
struct MethodShape<Answer (*)(const Service&, const clinic::CallContext&, Argument)> {
  using ServiceType = Service;
  using Request = std::remove_cvref_t<Argument>;
  using Response = ResponseOf<Answer>;
};

/// The one of several members of a name that takes `Request`.
template <class Request, class Answer, class Service>
constexpr auto taking(Answer (Service::*member)(const clinic::CallContext&, const Request&) const) {
  return member;
}

template <auto kMethod>
struct ServedCall {
  using Shape = MethodShape<decltype(kMethod)>;
  using Request = typename Shape::Request;

  template <class Argument>
  static Result<AnyAnswer> with(clinic::Clinic& clinic, const clinic::CallContext& context,
                                Argument&& request) {
    return Shape::Response::answer(std::invoke(kMethod,
                                               service_of<typename Shape::ServiceType>(clinic),
                                               context, std::forward<Argument>(request)));
  }
  static Result<AnyAnswer> message(clinic::Clinic& clinic, const clinic::CallContext& context,
                                   const google::protobuf::Message& request) {
    return with(clinic, context, static_cast<const Request&>(request));
  }
  static Result<AnyAnswer> bytes(clinic::Clinic& clinic, const clinic::CallContext& context,
                                 std::string_view body) {
    Request request;
    if (body.size() > INT_MAX ||
        !request.ParseFromArray(body.data(), static_cast<int>(body.size()))) {
      return invalid_argument("the " + std::to_string(body.size()) + " bytes are no " +
                              Request::descriptor()->full_name());
    }
    return with(clinic, context, std::move(request));
  }
};

template <auto kMethod>
constexpr ServedMethod serve(clinic::MethodId id) {
  using Call = ServedCall<kMethod>;
  return {id, &Call::Request::descriptor, &Call::Shape::Response::Type::descriptor, &Call::message,
          &Call::bytes};
}

}  // namespace clinicdb::server
