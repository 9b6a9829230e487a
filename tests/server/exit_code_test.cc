#include "cli/exit_code.h"

#include <catch2/catch.hpp>

using namespace clinicdb;          // NOLINT
using namespace clinicdb::server;  // NOLINT

TEST_CASE("exit_code: each kind of error has its own", "[server]") {
  CHECK(exit_code_of(invalid_argument("x")) == ExitCode::kUsage);
  CHECK(exit_code_of(not_found("x")) == ExitCode::kNotFound);
  CHECK(exit_code_of(already_exists("x")) == ExitCode::kConflict);
  CHECK(exit_code_of(aborted("x")) == ExitCode::kConflict);
  CHECK(exit_code_of(failed_precondition("taken")) == ExitCode::kConflict);
  CHECK(exit_code_of(failed_precondition("/data: in use by pid 12")) == ExitCode::kInUse);
  CHECK(exit_code_of(data_loss("x")) == ExitCode::kDataLoss);
  CHECK(exit_code_of(resource_exhausted("x")) == ExitCode::kInputOutput);
  CHECK(exit_code_of(permission_denied("x")) == ExitCode::kInputOutput);
  CHECK(exit_code_of(unavailable("x")) == ExitCode::kInputOutput);
  CHECK(exit_code_of(internal_error("x")) == ExitCode::kInternal);
  CHECK(exit_code_of(unknown_outcome("x")) == ExitCode::kUnknownOutcome);
  CHECK(exit_code_of(cancelled("x")) == ExitCode::kInterrupted);
}

TEST_CASE("exit_code: the table in the help has every one", "[server]") {
  const std::string table = exit_code_table();
  for (const int code : {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 130}) {
    CAPTURE(code);
    CHECK(table.find("\n  " + std::to_string(code) + " ") != std::string::npos);
  }
}
