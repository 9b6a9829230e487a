// Bringing prices and drafts in order: what is missing is filled in from the price list, what is
// wrong is refused with the field's name. Pure but for the reader.
#pragma once

#include "clinicdb/base/status.h"
#include "clinicdb/clinic/schema/billing.pb.h"
#include "clinicdb/engine/transaction.h"

namespace clinicdb::clinic::billing {

Status check(Price& price);

/// An invoice as a draft: what the store keeps is cleared, items get their prices, sums are
/// reckoned.
Status complete_draft(engine::Reader& reader, Invoice& invoice);

/// Fixes what is due when, as IssueInvoiceRequest says. The instalments stand in order of their
/// days. `today` is the first due where the request names none.
Status set_instalments(const IssueInvoiceRequest& request, const Date& today, Invoice& invoice);

/// A-Z, 0-9 and -, at most 20; "1" for an empty one.
Result<std::string> parse_series(std::string_view text, std::string_view field);

}  // namespace clinicdb::clinic::billing
