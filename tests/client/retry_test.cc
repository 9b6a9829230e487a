// What may be sent again (R1, R2): the whole table.
#include "retry.h"

#include <catch2/catch.hpp>

namespace clinicdb::client {

namespace {

Failure failure(StatusCode code, Failure::Stage stage, std::uint32_t retry_after_ms = 0) {
  return {Status(code, "why"), stage, retry_after_ms};
}

constexpr RetryQuestion kRead{true, false, 1};
constexpr RetryQuestion kNamedWrite{false, true, 1};
constexpr RetryQuestion kWrite{false, false, 1};

}  // namespace

TEST_CASE("retry: what was not sent may be sent, by whomever", "[client]") {
  const Failure lost = failure(StatusCode::kUnavailable, Failure::Stage::kNotSent);
  CHECK(may_retry(lost, kRead));
  CHECK(may_retry(lost, kNamedWrite));
  CHECK(may_retry(lost, kWrite));
  CHECK(final_status(lost, kWrite).code() == StatusCode::kUnavailable);
  CHECK_FALSE(may_retry(failure(StatusCode::kResourceExhausted, Failure::Stage::kNotSent), kRead));
  CHECK_FALSE(may_retry(failure(StatusCode::kUnauthenticated, Failure::Stage::kNotSent), kRead));
}

TEST_CASE("retry: a change that was sent is sent again only under its name", "[client]") {
  const Failure lost = failure(StatusCode::kUnavailable, Failure::Stage::kSent);
  CHECK(may_retry(lost, kRead));
  CHECK(may_retry(lost, kNamedWrite));
  CHECK_FALSE(may_retry(lost, kWrite));
  CHECK(final_status(lost, kWrite).code() == StatusCode::kUnknownOutcome);
  CHECK(final_status(lost, kRead).code() == StatusCode::kUnavailable);
  const Failure late = failure(StatusCode::kDeadlineExceeded, Failure::Stage::kSent);
  CHECK_FALSE(may_retry(late, kRead));
  CHECK_FALSE(may_retry(late, kNamedWrite));
  CHECK(final_status(late, kNamedWrite).code() == StatusCode::kUnknownOutcome);
  CHECK(final_status(late, kRead).code() == StatusCode::kDeadlineExceeded);
}

TEST_CASE("retry: the server's own word is believed", "[client]") {
  const auto said = [](StatusCode code, std::uint32_t after_ms = 0) {
    return failure(code, Failure::Stage::kAnswered, after_ms);
  };
  CHECK(may_retry(said(StatusCode::kUnavailable), kWrite));
  CHECK(may_retry(said(StatusCode::kResourceExhausted, 20), kWrite));
  CHECK_FALSE(may_retry(said(StatusCode::kResourceExhausted), kWrite));
  CHECK(may_retry(said(StatusCode::kUnknownOutcome), kNamedWrite));
  CHECK_FALSE(may_retry(said(StatusCode::kUnknownOutcome), kWrite));
  for (const StatusCode code :
       {StatusCode::kInvalidArgument, StatusCode::kNotFound, StatusCode::kAlreadyExists,
        StatusCode::kPermissionDenied, StatusCode::kFailedPrecondition, StatusCode::kAborted,
        StatusCode::kInternal, StatusCode::kDataLoss, StatusCode::kUnauthenticated,
        StatusCode::kDeadlineExceeded, StatusCode::kCancelled}) {
    CHECK_FALSE(may_retry(said(code), kRead));
    CHECK(final_status(said(code), kWrite).code() == code);
  }
}

TEST_CASE("retry: there is an end to it", "[client]") {
  RetryQuestion question = kRead;
  question.attempts = 10;
  CHECK_FALSE(may_retry(failure(StatusCode::kUnavailable, Failure::Stage::kNotSent), question));
}

}  // namespace clinicdb::client
