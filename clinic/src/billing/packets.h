// What issuing and cancelling an invoice does to packets of sessions. Pure but for the transaction.
#pragma once

#include <string>
#include <vector>

#include "clinicdb/base/result.h"
#include "clinicdb/clinic/schema/billing.pb.h"
#include "clinicdb/engine/transaction.h"

namespace clinicdb::clinic::billing {

constexpr std::size_t kPacketsPerInvoiceMax = 32;

/// The packets that an invoice's items sell, one a unit, each with its part of what the item costs.
/// `ids` are taken in order. kInvalidArgument when they are more than kPacketsPerInvoiceMax.
Result<std::vector<Packet>> packets_sold(engine::Transaction& tx, const Invoice& invoice,
                                         const std::vector<std::string>& ids);

/// Cancels the packets that the invoice sold. kFailedPrecondition where a session was used.
Status cancel_packets(engine::Transaction& tx, const std::string& invoice_id);

}  // namespace clinicdb::clinic::billing
