#include "clinicdb/base/status.h"

#include <catch2/catch.hpp>
#include <cerrno>
#include <string>

#include "clinicdb/base/result.h"

namespace clinicdb {

TEST_CASE("status: OK is empty, an error says code, message, field and version", "[base]") {
  CHECK(Status().ok());
  CHECK(Status().to_string() == "OK");
  const Status status = aborted("version 3 was expected")
                            .with_field("patient.version")
                            .with_current_version(5)
                            .with_context("put");
  CHECK(status.code() == StatusCode::kAborted);
  CHECK(status.to_string() == "ABORTED: put: version 3 was expected (field patient.version)");
  CHECK(status.current_version() == 5);
  const Status copy = status;  // NOLINT: copying is what is tested
  CHECK(copy.to_string() == status.to_string());
}

TEST_CASE("status: a failed system call is named with its path", "[base]") {
  const Status status = status_from_errno(ENOSPC, "write", "/data/x");
  CHECK(status.code() == StatusCode::kResourceExhausted);
  CHECK(std::string(status.message()) == "write /data/x: No space left on device");
}

namespace {
Result<int> half(int n) {
  if (n % 2 != 0) return invalid_argument("odd");
  return n / 2;
}
Result<int> quarter(int n) {
  ASSIGN_OR_RETURN(const int h, half(n));
  return half(h);
}
}  // namespace

TEST_CASE("result: carries the value or passes the error on", "[base]") {
  CHECK(*quarter(8) == 2);
  CHECK(quarter(6).error().message() == "odd");
  CHECK(quarter(5).status().code() == StatusCode::kInvalidArgument);
  CHECK(quarter(5).value_or(9) == 9);
}

}  // namespace clinicdb
