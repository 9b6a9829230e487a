#include "clinicdb/base/clock.h"

#include <chrono>

#include "clinicdb/base/check.h"

namespace clinicdb {
namespace {

class SystemClock final : public Clock {
 public:
  Time now() const override {
    using namespace std::chrono;
    return Time{
        duration_cast<microseconds>(std::chrono::system_clock::now().time_since_epoch()).count()};
  }
  std::int64_t monotonic_ns() const override {
    using namespace std::chrono;
    return duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count();
  }
};

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

void FakeClock::advance_us(std::int64_t us) {
  CLINICDB_CHECK(us >= 0);
  wall_us_ += us;
  monotonic_ns_ += us * 1000;
}

}  // namespace clinicdb
