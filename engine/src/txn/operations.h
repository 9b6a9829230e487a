// Operations: the changes of a commit group as bytes, the payload of a log entry.
//
//   put    = 01 | varint key length | key | varint value length | value
//   delete = 00 | varint key length | key
//   erase  = 0F | varint length | begin | varint length | end          every key in [begin, end)
//
// These are also RocksDB's write batch records, so that applying a group needs no conversion: a
// twelve-byte batch header goes before them. docs/format.md, "Operations".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "clinicdb/base/bytes.h"
#include "clinicdb/base/function_ref.h"
#include "clinicdb/base/result.h"

namespace clinicdb::engine {

enum class OperationKind : std::uint8_t { kDelete = 0x00, kPut = 0x01, kErase = 0x0f };

struct Operation {
  OperationKind kind = OperationKind::kPut;
  std::string_view key;    ///< kErase: the first key
  std::string_view value;  ///< kPut: the value; kErase: the first key behind
};

void append_operation(std::string& out, const Operation& operation);

/// Visits each operation in order. kDataLoss at the first that is malformed; what `visit` returns,
/// when it is not OK. Returns how many there were.
Result<std::uint32_t> for_each_operation(std::string_view operations,
                                         FunctionRef<Status(const Operation&)> visit);

}  // namespace clinicdb::engine
