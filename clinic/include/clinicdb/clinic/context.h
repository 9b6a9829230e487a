// CallContext: on whose behalf a call is made. Every call of the clinic's services takes one first.
//
//   CallContext context(tenant, Rights().with(ACCESS_RIGHT_PATIENTS_READ));
//   context.user = user_id;
//
// Values; thread-compatible.
#pragma once

#include <cstdint>
#include <optional>

#include "clinicdb/base/ids.h"
#include "clinicdb/clinic/schema/options.pb.h"

namespace clinicdb::clinic {

/// A set of access rights. Sixteen at most, so that the set itself is the rights class of a cached
/// answer's key (K1).
class Rights {
 public:
  /// None.
  constexpr Rights() = default;
  /// Those of a process that owns its store.
  static constexpr Rights all() { return Rights(0xffff); }

  constexpr Rights with(AccessRight right) const {
    return Rights(static_cast<std::uint16_t>(bits_ | (1u << right)));
  }
  constexpr bool allows(AccessRight right) const { return ((bits_ >> right) & 1u) != 0; }
  constexpr std::uint16_t bits() const { return bits_; }

 private:
  explicit constexpr Rights(std::uint16_t bits) : bits_(bits) {}
  std::uint16_t bits_ = 0;
};
static_assert(AccessRight_MAX < 16);

struct CallContext {
  CallContext(TenantId its_tenant, Rights its_rights) : tenant(its_tenant), rights(its_rights) {}
  /// All rights, no user: for programs that embed the store and decide themselves who may do what.
  static CallContext system(TenantId tenant) { return CallContext(tenant, Rights::all()); }

  TenantId tenant;
  Rights rights;
  Uuid user;     ///< nil: the system
  Uuid session;  ///< in which request ids are unique; nil: none
  /// A UUIDv7. A write that is repeated with the same id is done once, and answers as it did the
  /// first time (R1).
  std::optional<Uuid> request_id;
  /// False: make the answer anew from the store even where a kept one would do, and keep none. For
  /// measurements. What a clinic has set up, its hours and zone, may still be kept from before.
  bool use_cache = true;
};

}  // namespace clinicdb::clinic
