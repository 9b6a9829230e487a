// Waitlist: who would come if there were time, and what they are offered. See clinic.h for what
// holds for all services; methods are those of WaitlistService in clinic/schema/waitlist.proto.
// Thread-safe.
#pragma once

#include <memory>

#include "clinicdb/base/result.h"
#include "clinicdb/clinic/context.h"
#include "clinicdb/clinic/schema/waitlist.pb.h"

namespace clinicdb::clinic {

class Core;

class Waitlist {
 public:
  explicit Waitlist(const Core& core) : core_(core) {}

  /// Puts a patient on the list. With a service, the duration is the service's where none is given.
  Result<AddWaitlistEntryResponse> add(const CallContext& context,
                                       AddWaitlistEntryRequest request) const;
  Result<std::shared_ptr<const GetWaitlistEntryResponse>> get(
      const CallContext& context, const GetWaitlistEntryRequest& request) const;
  /// Those of a clinic that wait or have an offer, in the order in which they would be asked.
  Result<ListWaitlistResponse> list(const CallContext& context,
                                    const ListWaitlistRequest& request) const;
  /// Takes an entry off the list, and its offer back.
  Result<WithdrawWaitlistEntryResponse> withdraw(const CallContext& context,
                                                 const WithdrawWaitlistEntryRequest& request) const;
  /// Accepts an offer, which becomes a booking, or declines it, and the next one is asked.
  /// kFailedPrecondition when there is none, or it has expired.
  Result<AnswerWaitlistOfferResponse> answer(const CallContext& context,
                                             const AnswerWaitlistOfferRequest& request) const;
  /// Offers free time to the first that it suits.
  Result<OfferWaitlistResponse> offer(const CallContext& context,
                                      const OfferWaitlistRequest& request) const;

 private:
  const Core& core_;
};

}  // namespace clinicdb::clinic
