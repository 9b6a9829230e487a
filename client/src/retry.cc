#include "retry.h"

#include <string>
#include <utility>

#include "client_limits.h"

namespace clinicdb::client {

bool may_retry(const Failure& failure, const RetryQuestion& question) {
  if (question.attempts >= kAttemptsMax) return false;
  const bool harmless = question.reads || question.has_request_id;
  const StatusCode code = failure.status.code();
  switch (failure.stage) {
    case Failure::Stage::kNotSent:
      return code == StatusCode::kUnavailable;
    case Failure::Stage::kSent:
      // A caller whose time is over gets nothing from another try.
      return harmless && code != StatusCode::kDeadlineExceeded;
    case Failure::Stage::kAnswered:
      if (code == StatusCode::kUnavailable) return true;
      if (code == StatusCode::kUnknownOutcome) return harmless;
      return code == StatusCode::kResourceExhausted && failure.retry_after_ms > 0;
  }
  return false;
}

Status final_status(Failure failure, const RetryQuestion& question) {
  if (question.reads || failure.stage != Failure::Stage::kSent) return std::move(failure.status);
  return unknown_outcome(
      "the call was sent and its outcome is not known: " + std::string(failure.status.message()) +
      (question.has_request_id ? "; call again with the same request id" : ""));
}

}  // namespace clinicdb::client
