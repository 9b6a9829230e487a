#include "clinicdb/engine/caller.h"

namespace clinicdb::engine {

namespace {

thread_local Caller* current = nullptr;

}  // namespace

CallerScope::CallerScope(Caller* caller) : before_(current) { current = caller; }
CallerScope::~CallerScope() { current = before_; }

Caller* current_caller() { return current; }

}  // namespace clinicdb::engine
