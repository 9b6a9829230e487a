#include "support/fault_plan.h"

#include <algorithm>
#include <utility>

namespace clinicdb::test {

namespace {
constexpr std::size_t kFailedNamesMax = 1000;
}  // namespace

std::string_view fault_operation_name(FaultOperation operation) {
  switch (operation) {
    case FaultOperation::kOpen:
      return "open";
    case FaultOperation::kRead:
      return "read";
    case FaultOperation::kWrite:
      return "write";
    case FaultOperation::kSync:
      return "sync";
    case FaultOperation::kSyncDirectory:
      return "sync directory";
    case FaultOperation::kTruncate:
      return "truncate";
    case FaultOperation::kRename:
      return "rename";
    case FaultOperation::kRemove:
      return "remove";
    case FaultOperation::kMakeDirectory:
      return "make directory";
    case FaultOperation::kList:
      return "list";
    case FaultOperation::kLock:
      return "lock";
  }
  return "unknown operation";
}

void FaultPlan::arm(Fault fault) {
  std::lock_guard lock(mutex_);
  fault_ = std::move(fault);
  armed_ = true;
  matched_ = 0;
  first_failure_.clear();
  failed_names_.clear();
}

void FaultPlan::disarm() {
  std::lock_guard lock(mutex_);
  armed_ = false;
}

std::uint64_t FaultPlan::injected() const {
  std::lock_guard lock(mutex_);
  return injected_;
}

std::uint64_t FaultPlan::operations(FaultKinds kinds) const {
  std::lock_guard lock(mutex_);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kFaultOperationCount; ++i) {
    if ((kinds >> i & 1) != 0) sum += counts_[i];
  }
  return sum;
}

std::string FaultPlan::first_failure() const {
  std::lock_guard lock(mutex_);
  return first_failure_;
}

bool FaultPlan::named_in(std::string_view message) const {
  std::lock_guard lock(mutex_);
  return std::any_of(failed_names_.begin(), failed_names_.end(), [&](const std::string& name) {
    return message.find(name) != std::string_view::npos;
  });
}

FaultPlan::Verdict FaultPlan::next(FaultOperation operation, std::string_view path) {
  std::lock_guard lock(mutex_);
  ++counts_[static_cast<std::size_t>(operation)];
  if (!armed_ || (fault_.kinds & fault_kind(operation)) == 0) return {};
  if (!fault_.path_contains.empty() && path.find(fault_.path_contains) == std::string_view::npos) {
    return {};
  }
  ++matched_;
  if (matched_ != fault_.nth && !(fault_.for_good && matched_ > fault_.nth)) return {};
  ++injected_;
  if (first_failure_.empty()) {
    first_failure_ = std::string(fault_operation_name(operation)) + " " + std::string(path);
  }
  if (failed_names_.size() < kFailedNamesMax) {
    failed_names_.emplace(path.substr(path.rfind('/') + 1));
  }
  return {fault_.errno_value, fault_.written_fraction};
}

}  // namespace clinicdb::test
