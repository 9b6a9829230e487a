// A target with a planted fault. CTest demands that its replay fails, and `./dev fuzz` that
// libFuzzer finds it from nothing.
#include "clinicdb/base/check.h"
#include "fuzz_target.h"

namespace clinicdb::fuzz {

void run_one(std::string_view bytes) { CLINICDB_CHECK(bytes.substr(0, 3) != "ill"); }

}  // namespace clinicdb::fuzz
