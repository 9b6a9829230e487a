// CHECK states an invariant of this library's own code. It is on in every build and never returns.
//
// Bytes from disk, from a peer or from a user never reach a CHECK: they give a Status. The host
// process may install a handler to log before the process ends; the default writes one line to
// stderr. Thread-safe.
#pragma once

namespace clinicdb {

/// Called with the failed condition; if it returns, the process aborts all the same.
using CheckHandler = void (*)(const char* condition, const char* file, int line);

/// Installs `handler` for this process and returns the one before it. nullptr restores the default.
CheckHandler set_check_handler(CheckHandler handler) noexcept;

namespace internal {
[[noreturn]] void check_failed(const char* condition, const char* file, int line) noexcept;
}  // namespace internal
}  // namespace clinicdb

#define CLINICDB_CHECK(condition) \
  (static_cast<bool>(condition)   \
       ? static_cast<void>(0)     \
       : ::clinicdb::internal::check_failed(#condition, __FILE__, __LINE__))
#ifdef NDEBUG
#define CLINICDB_DCHECK(condition) static_cast<void>(sizeof(static_cast<bool>(condition)))
#else
#define CLINICDB_DCHECK(condition) CLINICDB_CHECK(condition)
#endif
