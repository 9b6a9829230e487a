// How a method is run, as follows from its declaration.
#pragma once

#include "clinicdb/clinic/methods.h"

namespace clinicdb::server {

enum class MethodKind : std::uint8_t {
  kRead,   ///< on the I/O thread, from memory; from the pool when that does not do
  kWrite,  ///< on a fiber of the I/O thread, which waits for the commit
  kSlow,   ///< in the pool: what is rare and long
};

inline MethodKind method_kind(const clinic::MethodInfo& method) {
  // Making and erasing tenants are commits of their own kind, alone in their group.
  if (method.right == clinic::ACCESS_RIGHT_TENANTS_READ ||
      method.right == clinic::ACCESS_RIGHT_TENANTS_WRITE) {
    return MethodKind::kSlow;
  }
  switch (method.audit) {
    case clinic::AUDIT_ACTION_READ:
    case clinic::AUDIT_ACTION_SEARCH:
      return MethodKind::kRead;
    case clinic::AUDIT_ACTION_CREATE:
    case clinic::AUDIT_ACTION_UPDATE:
    case clinic::AUDIT_ACTION_DELETE:
      return MethodKind::kWrite;
    default:
      return MethodKind::kSlow;
  }
}

/// Methods on the store itself, which show or make tenants: for who may work on any of them. A
/// tenant's own people must not learn who else is a customer, whatever rights they have in it.
inline bool is_on_store(clinic::MethodId method) {
  return method == clinic::METHOD_TENANTS_CREATE || method == clinic::METHOD_TENANTS_FIND ||
         method == clinic::METHOD_TENANTS_LIST;
}

}  // namespace clinicdb::server
