// R4's Invoice as an invoice of ours, and back. What cannot be one without loss (no patient, no
// lines, sums that do not add up, fractions of a cent) is left to be kept as a clinical record.
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "clinicdb/clinic/schema/billing.pb.h"
#include "fhir/fields.h"
#include "fhir/writer.h"

namespace clinicdb::clinic::fhir {

/// An issued one has no number of ours: it was numbered elsewhere, which its body says. What is
/// balanced is paid; what is issued is due on its day.
std::optional<Invoice> read_invoice(JsonValue resource, FieldReader& reader);

std::string write_invoice(const Invoice& invoice, const ReferenceOf& reference_of);

struct FiscalNumber {
  std::string series;
  std::uint64_t number = 0;
};
/// The number of ours that an identifier is, as write_invoice writes one; nothing for another.
std::optional<FiscalNumber> fiscal_number(std::string_view system, std::string_view value);

/// draft, issued, balanced or cancelled.
std::string_view invoice_status_code(const Invoice& invoice);

}  // namespace clinicdb::clinic::fhir
