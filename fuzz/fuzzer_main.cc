// libFuzzer's entry; its own main comes with -fsanitize=fuzzer.
#include <cstddef>
#include <cstdint>

#include "fuzz_target.h"

// The name is libFuzzer's.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {  // NOLINT
  clinicdb::fuzz::run_one({reinterpret_cast<const char*>(data), size});
  return 0;
}
