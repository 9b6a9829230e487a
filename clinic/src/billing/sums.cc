#include "billing/sums.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "check_parts.h"
#include "clinicdb/base/check.h"

namespace clinicdb::clinic::billing {

namespace {

__extension__ using Wide = __int128;

std::int64_t sum(const std::vector<std::int64_t>& parts) {
  return std::accumulate(parts.begin(), parts.end(), std::int64_t{0});
}

std::int64_t sum_of(const std::vector<Payment::Part>& parts) {
  std::int64_t cents = 0;
  for (const Payment::Part& part : parts) cents += part.cents();
  return cents;
}

Payment::Part part(int instalment, std::int64_t cents) {
  Payment::Part part;
  part.set_instalment(static_cast<std::uint32_t>(instalment));
  part.set_cents(cents);
  return part;
}

}  // namespace

std::int64_t share(std::int64_t cents, std::int64_t part, std::int64_t whole) {
  CLINICDB_CHECK(whole > 0);
  CLINICDB_CHECK(part >= 0 && part <= whole);
  return static_cast<std::int64_t>(Wide{cents} * part / whole);
}

std::vector<std::int64_t> split(std::int64_t whole, const std::vector<std::int64_t>& weights) {
  const std::int64_t all = sum(weights);
  CLINICDB_CHECK(whole >= 0 && whole <= all);
  std::vector<std::int64_t> parts(weights.size(), 0);
  if (all == 0) return parts;
  std::int64_t weight = 0;
  std::int64_t given = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    weight += weights[i];
    const std::int64_t until = share(whole, weight, all);
    parts[i] = until - given;
    given = until;
    // Never more than what it is a part of: running sums of the whole grow no faster.
    CLINICDB_CHECK(parts[i] >= 0 && parts[i] <= weights[i]);
  }
  CLINICDB_CHECK(given == whole);
  return parts;
}

std::vector<std::int64_t> split_evenly(std::int64_t whole, std::uint32_t count) {
  CLINICDB_CHECK(count > 0 && whole >= 0);
  std::vector<std::int64_t> parts(count, whole / count);
  for (std::int64_t i = 0; i < whole % count; ++i) ++parts[static_cast<std::size_t>(i)];
  CLINICDB_CHECK(sum(parts) == whole);
  return parts;
}

std::int64_t part_of(std::int64_t cents, std::uint32_t basis_points) {
  return static_cast<std::int64_t>((Wide{cents} * basis_points + kBasisPoints / 2) / kBasisPoints);
}

Status reckon(Invoice& invoice) {
  std::vector<std::int64_t> totals;
  for (int i = 0; i < invoice.items_size(); ++i) {
    InvoiceItem& item = *invoice.mutable_items(i);
    const std::string field = "invoice.items[" + std::to_string(i) + "].";
    if (item.quantity() == 0) item.set_quantity(1);
    if (item.quantity() > kQuantityMax) return refuse(field + "quantity", "at most 10,000");
    if (item.unit_cents() < 0 || item.unit_cents() > kUnitCentsMax)
      return refuse(field + "unit_cents", "from 0 to 1,000 million of the currency");
    if (item.commission_basis_points() > kBasisPoints)
      return refuse(field + "commission_basis_points", "at most 10,000, which is all of it");
    const std::int64_t gross = item.unit_cents() * item.quantity();
    if (item.discount_cents() < 0 || item.discount_cents() > gross)
      return refuse(field + "discount_cents", "from 0 to what the item costs");
    item.set_total_cents(gross - item.discount_cents());
    totals.push_back(item.total_cents());
  }
  const std::int64_t gross = sum(totals);
  if (invoice.discount_cents() < 0 || invoice.discount_cents() > gross)
    return refuse("invoice.discount_cents", "from 0 to what the items cost");
  const std::vector<std::int64_t> discounts = split(invoice.discount_cents(), totals);
  std::int64_t total = 0;
  for (int i = 0; i < invoice.items_size(); ++i) {
    InvoiceItem& item = *invoice.mutable_items(i);
    item.set_net_cents(item.total_cents() - discounts[static_cast<std::size_t>(i)]);
    item.set_commission_cents(item.professional_id().empty()
                                  ? 0
                                  : part_of(item.net_cents(), item.commission_basis_points()));
    total += item.net_cents();
  }
  CLINICDB_CHECK(total == gross - invoice.discount_cents());
  invoice.set_total_cents(total);
  return {};
}

std::int64_t open_cents(const Invoice& invoice) {
  return invoice.status() == INVOICE_STATUS_ISSUED ? invoice.total_cents() - invoice.paid_cents()
                                                   : 0;
}

std::vector<Payment::Part> pay(Invoice& invoice, std::int64_t cents) {
  CLINICDB_CHECK(cents > 0 && cents <= open_cents(invoice));
  std::vector<Payment::Part> parts;
  std::int64_t left = cents;
  // They stand in order of their days.
  for (int i = 0; i < invoice.instalments_size() && left > 0; ++i) {
    Instalment& instalment = *invoice.mutable_instalments(i);
    const std::int64_t paid = std::min(left, instalment.cents() - instalment.paid_cents());
    if (paid == 0) continue;
    instalment.set_paid_cents(instalment.paid_cents() + paid);
    parts.push_back(part(i, paid));
    left -= paid;
  }
  CLINICDB_CHECK(sum_of(parts) == cents);
  invoice.set_paid_cents(invoice.paid_cents() + cents);
  check_sums(invoice);
  return parts;
}

std::vector<Payment::Part> refund(Invoice& invoice, const Payment& payment, std::int64_t cents) {
  CLINICDB_CHECK(cents > 0 && cents <= payment.cents() - payment.refunded_cents());
  std::vector<Payment::Part> parts;
  std::int64_t left = cents;
  // What was refunded of it before came from its last parts.
  std::int64_t skip = payment.refunded_cents();
  for (int i = payment.parts_size() - 1; i >= 0 && left > 0; --i) {
    const std::int64_t skipped = std::min(skip, payment.parts(i).cents());
    skip -= skipped;
    const std::int64_t taken = std::min(left, payment.parts(i).cents() - skipped);
    if (taken == 0) continue;
    Instalment& instalment =
        *invoice.mutable_instalments(static_cast<int>(payment.parts(i).instalment()));
    instalment.set_paid_cents(instalment.paid_cents() - taken);
    parts.push_back(part(static_cast<int>(payment.parts(i).instalment()), taken));
    left -= taken;
  }
  CLINICDB_CHECK(sum_of(parts) == cents);
  invoice.set_paid_cents(invoice.paid_cents() - cents);
  check_sums(invoice);
  return parts;
}

void check_sums(const Invoice& invoice) {
  std::int64_t net = 0;
  std::int64_t due = 0;
  std::int64_t paid = 0;
  for (const InvoiceItem& item : invoice.items()) net += item.net_cents();
  for (const Instalment& instalment : invoice.instalments()) {
    CLINICDB_CHECK(instalment.paid_cents() >= 0 && instalment.paid_cents() <= instalment.cents());
    due += instalment.cents();
    paid += instalment.paid_cents();
  }
  CLINICDB_CHECK(net == invoice.total_cents());
  CLINICDB_CHECK(due == invoice.total_cents());
  CLINICDB_CHECK(paid == invoice.paid_cents());
}

}  // namespace clinicdb::clinic::billing
