// Result<T>: a T, or the Status that says why there is none. Member names are those of
// std::expected.
//
//   Result<Uuid> id = Uuid::parse(text);
//   if (!id) return id.error();
//   use(*id);
//
// Thread-compatible: const calls may run concurrently.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "clinicdb/base/check.h"
#include "clinicdb/base/status.h"

namespace clinicdb {

template <class T>
class [[nodiscard]] Result {
  static_assert(!std::is_same_v<T, Status>, "use Status itself");

 public:
  using value_type = T;

  // Implicit on purpose, so that a function can `return value;` and `return status;`.
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT
  /// REQUIRES: !error.ok().
  Result(Status error) : state_(std::in_place_index<1>, std::move(error)) {  // NOLINT
    CLINICDB_CHECK(!std::get<1>(state_).ok());
  }
  template <class U>
  requires(std::is_constructible_v<T, U&&> && !std::is_same_v<std::remove_cvref_t<U>, Result> &&
           !std::is_same_v<std::remove_cvref_t<U>, Status> &&
           !std::is_same_v<std::remove_cvref_t<U>, T>) Result(U&& value)
      : state_(std::in_place_index<0>, std::forward<U>(value)) {}  // NOLINT

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  /// REQUIRES: has_value().
  T& value() & { return checked(); }
  const T& value() const& { return const_cast<Result*>(this)->checked(); }
  T&& value() && { return std::move(checked()); }
  T& operator*() & { return checked(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(checked()); }
  T* operator->() { return &checked(); }
  const T* operator->() const { return &value(); }

  /// REQUIRES: !has_value().
  const Status& error() const& {
    CLINICDB_CHECK(!has_value());
    return *std::get_if<1>(&state_);
  }
  Status&& error() && {
    CLINICDB_CHECK(!has_value());
    return std::move(*std::get_if<1>(&state_));
  }

  template <class U>
  T value_or(U&& fallback) const& {
    return has_value() ? value() : static_cast<T>(std::forward<U>(fallback));
  }

  /// OK, or a copy of the error.
  Status status() const { return has_value() ? Status() : error(); }

 private:
  T& checked() {
    CLINICDB_CHECK(has_value());
    return *std::get_if<0>(&state_);
  }

  std::variant<T, Status> state_;
};

}  // namespace clinicdb
