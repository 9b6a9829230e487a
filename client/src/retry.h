// Whether a call that failed may be sent again, and what its caller is told if not (R1, R2). Pure.
#pragma once

#include "call.h"

namespace clinicdb::client {

struct RetryQuestion {
  bool reads = false;           ///< the method changes nothing
  bool has_request_id = false;  ///< so that it is done once however often it is sent
  int attempts = 0;             ///< it was sent so often, or was to be
};

/// Whether it is safe and of use to send the call again.
bool may_retry(const Failure& failure, const RetryQuestion& question);

/// What the caller is told when it is not sent again: the failure, or kUnknownOutcome where a write
/// may have been done.
Status final_status(Failure failure, const RetryQuestion& question);

}  // namespace clinicdb::client
