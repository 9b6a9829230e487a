#include "clinicdb/base/check.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace clinicdb {
namespace {
// The one mutable global of the library: a crash has no other way to reach the host.
std::atomic<CheckHandler> g_handler{nullptr};
}  // namespace

CheckHandler set_check_handler(CheckHandler handler) noexcept {
  return g_handler.exchange(handler);
}

namespace internal {
void check_failed(const char* condition, const char* file, int line) noexcept {
  if (CheckHandler handler = g_handler.load()) handler(condition, file, line);
  std::fprintf(stderr, "clinicdb: invariant failed: %s at %s:%d\n", condition, file, line);
  std::abort();
}
}  // namespace internal
}  // namespace clinicdb
