// The payload of a log entry: any bytes are operations or kDataLoss, and operations that were read
// are written and read back as they were.
#include <cstdint>
#include <string>
#include <vector>

#include "clinicdb/base/check.h"
#include "fuzz_target.h"
#include "txn/operations.h"

namespace clinicdb::fuzz {
namespace {

struct Read {
  std::vector<engine::Operation> operations;
  bool whole = false;
};

Read read(std::string_view bytes) {
  Read read;
  const Result<std::uint32_t> count =
      engine::for_each_operation(bytes, [&](const engine::Operation& operation) {
        read.operations.push_back(operation);
        return Status();
      });
  read.whole = count.has_value();
  if (read.whole) CLINICDB_CHECK(*count == read.operations.size());
  if (!read.whole) CLINICDB_CHECK(count.error().code() == StatusCode::kDataLoss);
  return read;
}

}  // namespace

void run_one(std::string_view bytes) {
  const Read first = read(bytes);
  std::string written;
  for (const engine::Operation& operation : first.operations) {
    engine::append_operation(written, operation);
  }
  const Read second = read(written);
  CLINICDB_CHECK(second.whole);
  CLINICDB_CHECK(second.operations.size() == first.operations.size());
  for (std::size_t i = 0; i < first.operations.size(); ++i) {
    CLINICDB_CHECK(second.operations[i].kind == first.operations[i].kind);
    CLINICDB_CHECK(second.operations[i].key == first.operations[i].key);
    CLINICDB_CHECK(second.operations[i].value == first.operations[i].value);
  }
}

}  // namespace clinicdb::fuzz
