// Status: the outcome of an operation. OK is a null pointer, so success costs one compare.
//
//   Status status = tenants.remove(tenant);
//   if (!status.ok()) return status;          // or RETURN_IF_ERROR(tenants.remove(tenant));
//
// Which code to use says how to go on:
//   (a) kUnavailable         the same call may be tried again, after a pause;
//   (b) kAborted             the whole transaction may be tried again, from its reads on;
//   (c) kFailedPrecondition  trying again is no use until somebody changed the state.
// kUnknownOutcome is neither done nor failed (rule R2): ask again with the same request id.
//
// Messages carry ids, names and sizes, never the contents of records.
// Thread-compatible: const calls may run concurrently.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace clinicdb {

/// Pinned numbers: they travel on the wire and in exit codes.
enum class StatusCode : std::uint8_t {
  kOk = 0,
  kCancelled = 1,
  kUnknownOutcome = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

/// "INVALID_ARGUMENT" and so on; "UNKNOWN_CODE" for a number that is not ours.
std::string_view status_code_name(StatusCode code) noexcept;

class [[nodiscard]] Status {
 public:
  /// OK.
  Status() noexcept = default;
  /// REQUIRES: code != kOk.
  Status(StatusCode code, std::string message);

  Status(const Status& other);
  Status& operator=(const Status& other);
  Status(Status&&) noexcept = default;
  Status& operator=(Status&&) noexcept = default;
  ~Status() = default;

  bool ok() const noexcept { return detail_ == nullptr; }
  StatusCode code() const noexcept { return detail_ ? detail_->code : StatusCode::kOk; }
  /// Empty for OK. Lives as long as this Status.
  std::string_view message() const noexcept;
  /// Path of the input field that was wrong, such as "patient.cpf"; empty when none was.
  std::string_view field() const noexcept;
  /// For kAborted by an expected version: the version that the record has. Otherwise 0.
  std::uint64_t current_version() const noexcept { return detail_ ? detail_->current_version : 0; }

  /// This status, naming the field. No effect on OK.
  Status with_field(std::string_view field) &&;
  /// This status, carrying the record's current version. No effect on OK.
  Status with_current_version(std::uint64_t version) &&;
  /// This status, its message preceded by "context: ". No effect on OK.
  Status with_context(std::string_view context) &&;

  /// "ABORTED: message (field patient.cpf)" or "OK".
  std::string to_string() const;

  /// Says that the outcome does not matter here, and why. Greppable.
  void ignore(std::string_view why) const noexcept { static_cast<void>(why); }

 private:
  struct Detail {
    StatusCode code;
    std::uint64_t current_version = 0;
    std::string message;
    std::string field;
  };
  std::unique_ptr<Detail> detail_;
};

Status invalid_argument(std::string message);
Status not_found(std::string message);
Status already_exists(std::string message);
Status permission_denied(std::string message);
Status resource_exhausted(std::string message);
Status failed_precondition(std::string message);
Status aborted(std::string message);
Status out_of_range(std::string message);
Status internal_error(std::string message);
Status unavailable(std::string message);
Status data_loss(std::string message);
Status deadline_exceeded(std::string message);
Status unknown_outcome(std::string message);
Status cancelled(std::string message);
Status unimplemented(std::string message);
Status unauthenticated(std::string message);

/// The Status for a failed system call: `errno_value` chosen by meaning (ENOSPC ->
/// kResourceExhausted, ENOENT -> kNotFound, EACCES/EPERM/EROFS -> kPermissionDenied, else
/// kUnavailable), the message "operation path: reason".
Status status_from_errno(int errno_value, std::string_view operation, std::string_view path);

}  // namespace clinicdb

#define CLINICDB_CONCAT_INNER(a, b) a##b
#define CLINICDB_CONCAT(a, b) CLINICDB_CONCAT_INNER(a, b)

/// Returns the status of `expression` from this function unless it is OK.
#define RETURN_IF_ERROR(expression)                                                              \
  do {                                                                                           \
    if (::clinicdb::Status status_or_ok = (expression); !status_or_ok.ok()) return status_or_ok; \
  } while (false)

/// Declares or assigns `target` from a Result, or returns its error from this function.
#define ASSIGN_OR_RETURN(target, expression) \
  CLINICDB_ASSIGN_OR_RETURN(CLINICDB_CONCAT(result_, __LINE__), target, expression)
#define CLINICDB_ASSIGN_OR_RETURN(result, target, expression) \
  auto result = (expression);                                 \
  if (!result.has_value()) return std::move(result).error();  \
  target = std::move(result).value()
