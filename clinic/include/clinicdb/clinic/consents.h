// Consents: what a patient has agreed to, for which purpose, and whether it still stands. See
// clinic.h for what holds for all services; methods are those of ConsentService in
// clinic/schema/consent.proto. Thread-safe.
#pragma once

#include <memory>

#include "clinicdb/base/result.h"
#include "clinicdb/clinic/context.h"
#include "clinicdb/clinic/schema/consent.pb.h"

namespace clinicdb::clinic {

class Core;

class Consents {
 public:
  explicit Consents(const Core& core) : core_(core) {}

  Result<GiveConsentResponse> give(const CallContext& context, GiveConsentRequest request) const;
  /// kFailedPrecondition where it was withdrawn before.
  Result<WithdrawConsentResponse> withdraw(const CallContext& context,
                                           const WithdrawConsentRequest& request) const;
  Result<std::shared_ptr<const GetConsentResponse>> get(const CallContext& context,
                                                        const GetConsentRequest& request) const;
  Result<ListConsentsResponse> list(const CallContext& context,
                                    const ListConsentsRequest& request) const;
  Result<CheckConsentResponse> check(const CallContext& context,
                                     const CheckConsentRequest& request) const;

 private:
  const Core& core_;
};

}  // namespace clinicdb::clinic
