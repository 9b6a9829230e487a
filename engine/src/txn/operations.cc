#include "txn/operations.h"

namespace clinicdb::engine {

namespace {

void append_bytes(std::string& out, std::string_view bytes) {
  append_varint(out, bytes.size());
  out.append(bytes);
}

bool take_operand(std::string_view& in, std::string_view& bytes) {
  std::string_view rest = in;
  std::uint64_t size = 0;
  if (!take_varint(rest, size) || size > rest.size()) return false;
  bytes = rest.substr(0, size);
  rest.remove_prefix(size);
  in = rest;
  return true;
}

}  // namespace

void append_operation(std::string& out, const Operation& operation) {
  out.push_back(static_cast<char>(operation.kind));
  append_bytes(out, operation.key);
  if (operation.kind != OperationKind::kDelete) append_bytes(out, operation.value);
}

Result<std::uint32_t> for_each_operation(std::string_view operations,
                                         FunctionRef<Status(const Operation&)> visit) {
  std::uint32_t count = 0;
  std::string_view rest = operations;
  while (!rest.empty()) {
    const std::size_t offset = operations.size() - rest.size();
    Operation operation;
    operation.kind = static_cast<OperationKind>(rest.front());
    rest.remove_prefix(1);
    bool good = false;
    switch (operation.kind) {
      case OperationKind::kDelete:
        good = take_operand(rest, operation.key);
        break;
      case OperationKind::kPut:
      case OperationKind::kErase:
        good = take_operand(rest, operation.key) && take_operand(rest, operation.value);
        break;
    }
    if (!good) return data_loss("malformed operation at payload offset " + std::to_string(offset));
    RETURN_IF_ERROR(visit(operation));
    ++count;
  }
  return count;
}

}  // namespace clinicdb::engine
