// The arithmetic of billing: exact, in integer cents. Whatever is divided is divided so that the
// parts add up to the whole again; every function here that returns parts has checked that. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "clinicdb/base/result.h"
#include "clinicdb/clinic/schema/billing.pb.h"

namespace clinicdb::clinic::billing {

// Limits that keep every sum of an invoice far from overflow.
constexpr std::uint32_t kQuantityMax = 10'000;
constexpr std::int64_t kUnitCentsMax = 100'000'000'000;  // a thousand million of the currency
constexpr std::uint32_t kInstalmentsMax = 120;
constexpr std::uint32_t kBasisPoints = 10'000;

/// `whole` in parts that stand to each other as `weights`, none negative, to the cent: the parts'
/// running sums are those of the weights, rounded down, so that together they are the whole.
/// REQUIRES: 0 <= whole <= the weights' sum.
std::vector<std::int64_t> split(std::int64_t whole, const std::vector<std::int64_t>& weights);

/// `whole` in `count` parts that differ by a cent at most, the larger ones first.
std::vector<std::int64_t> split_evenly(std::int64_t whole, std::uint32_t count);

/// That part of `cents`, rounded to the nearest cent, half a cent up.
std::int64_t part_of(std::int64_t cents, std::uint32_t basis_points);

/// `cents` * `part` / `whole`, rounded down. REQUIRES: 0 <= part <= whole, 0 < whole, 0 <= cents.
std::int64_t share(std::int64_t cents, std::int64_t part, std::int64_t whole);

/// Reckons the items and the total of an invoice whose items are complete. kInvalidArgument, naming
/// the field, when a discount is larger than what it is on, or a number out of range.
Status reckon(Invoice& invoice);

/// What is still to be paid.
std::int64_t open_cents(const Invoice& invoice);

/// Spreads a payment over the instalments, the earliest due first; what went where.
/// REQUIRES: 0 < cents <= open_cents.
std::vector<Payment::Part> pay(Invoice& invoice, std::int64_t cents);
/// Takes a refund from the instalments that the payment went to, the last first.
/// REQUIRES: 0 < cents <= what of the payment was not refunded.
std::vector<Payment::Part> refund(Invoice& invoice, const Payment& payment, std::int64_t cents);

/// That everything in an issued invoice adds up; a bug of ours where it does not.
void check_sums(const Invoice& invoice);

}  // namespace clinicdb::clinic::billing
