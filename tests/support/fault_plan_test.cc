#include "support/fault_plan.h"

#include <catch2/catch.hpp>

namespace clinicdb::test {
namespace {

TEST_CASE("fault_plan: the nth matching operation fails, once", "[support]") {
  FaultPlan plan;
  plan.arm({.kinds = fault_kind(FaultOperation::kSync), .nth = 2, .errno_value = ENOSPC});
  CHECK(plan.next(FaultOperation::kSync, "/a").errno_value == 0);
  CHECK(plan.next(FaultOperation::kWrite, "/a").errno_value == 0);
  CHECK(plan.next(FaultOperation::kSync, "/b").errno_value == ENOSPC);
  CHECK(plan.next(FaultOperation::kSync, "/b").errno_value == 0);
  CHECK(plan.injected() == 1);
  CHECK(plan.first_failure() == "sync /b");
  CHECK(plan.named_in("sync of /b: no space"));
  CHECK_FALSE(plan.named_in("sync of /a: no space"));
  CHECK(plan.operations() == 4);
  CHECK(plan.operations(fault_kind(FaultOperation::kWrite)) == 1);
}

TEST_CASE("fault_plan: for good means every later one as well, until disarmed", "[support]") {
  FaultPlan plan;
  plan.arm({.nth = 2, .for_good = true, .written_fraction = 0.5});
  CHECK(plan.next(FaultOperation::kOpen, "/a").errno_value == 0);
  CHECK(plan.next(FaultOperation::kRead, "/a").errno_value == EIO);
  CHECK(plan.next(FaultOperation::kWrite, "/a").written_fraction == 0.5);
  plan.disarm();
  CHECK(plan.next(FaultOperation::kWrite, "/a").errno_value == 0);
  CHECK(plan.injected() == 2);
}

TEST_CASE("fault_plan: a path filter leaves other paths alone and uncounted", "[support]") {
  FaultPlan plan;
  plan.arm({.nth = 1, .path_contains = "/log/"});
  CHECK(plan.next(FaultOperation::kWrite, "/db/rocks/1.sst").errno_value == 0);
  CHECK(plan.next(FaultOperation::kWrite, "/db/log/1").errno_value == EIO);
}

}  // namespace
}  // namespace clinicdb::test
