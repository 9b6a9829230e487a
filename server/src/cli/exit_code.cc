#include "cli/exit_code.h"

namespace clinicdb::server {

namespace {

/// The engine has no code of its own for it: for a caller inside a process it is a precondition
/// like others.
bool is_in_use(const Status& status) {
  return status.code() == StatusCode::kFailedPrecondition &&
         status.message().find("in use by") != std::string_view::npos;
}

}  // namespace

ExitCode exit_code_of(const Status& status) {
  switch (status.code()) {
    case StatusCode::kOk:
      return ExitCode::kDone;
    case StatusCode::kInvalidArgument:
    case StatusCode::kOutOfRange:
      return ExitCode::kUsage;
    case StatusCode::kNotFound:
      return ExitCode::kNotFound;
    case StatusCode::kFailedPrecondition:
      return is_in_use(status) ? ExitCode::kInUse : ExitCode::kConflict;
    case StatusCode::kAlreadyExists:
    case StatusCode::kAborted:
    case StatusCode::kUnimplemented:
      return ExitCode::kConflict;
    case StatusCode::kDataLoss:
      return ExitCode::kDataLoss;
    case StatusCode::kPermissionDenied:
    case StatusCode::kUnauthenticated:
    case StatusCode::kResourceExhausted:
    case StatusCode::kUnavailable:
    case StatusCode::kDeadlineExceeded:
      return ExitCode::kInputOutput;
    case StatusCode::kUnknownOutcome:
      return ExitCode::kUnknownOutcome;
    case StatusCode::kCancelled:
      return ExitCode::kInterrupted;
    case StatusCode::kInternal:
      return ExitCode::kInternal;
  }
  return ExitCode::kInternal;
}

std::string advice_for(const Status& status) {
  switch (exit_code_of(status)) {
    case ExitCode::kInUse:
      return "End that process, or read beside it: commands that only read take no lock.";
    case ExitCode::kDataLoss:
      return "Nothing was changed. Keep a copy of the directory, then restore a backup: clinicdb "
             "restore --help";
    case ExitCode::kInputOutput:
      return status.code() == StatusCode::kResourceExhausted
                 ? "Free some space and repeat the command; what was acknowledged is kept."
                 : "";
    case ExitCode::kUnknownOutcome:
      return "It is neither done nor refused: look whether it was done before repeating it.";
    case ExitCode::kInternal:
      return "This is a fault of ClinicDB. Please report it with the command.";
    default:
      return "";
  }
}

std::string exit_code_table() {
  return "Exit codes:\n"
         "  0    done\n"
         "  1    some input was refused, or verify found something; the rest is done\n"
         "  2    usage: a word, an option or a value is wrong\n"
         "  3    not found: no such store, tenant, record or file\n"
         "  4    conflict: taken, there already, or not in a state for it\n"
         "  5    data loss: what is on disk is damaged\n"
         "  6    in use: another process has the store\n"
         "  7    input or output: disk full, no permission, an I/O error\n"
         "  8    a fault of the program\n"
         "  9    unknown outcome: neither done nor refused\n"
         "  130  interrupted; what was finished before is kept\n";
}

}  // namespace clinicdb::server
