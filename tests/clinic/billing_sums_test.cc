#include "billing/sums.h"

#include <catch2/catch.hpp>
#include <numeric>

#include "clinicdb/base/random.h"

namespace clinicdb::clinic::billing {
namespace {

Invoice invoice_of(const std::vector<std::array<std::int64_t, 3>>& items, std::int64_t discount) {
  Invoice invoice;
  for (const auto& [quantity, unit, item_discount] : items) {
    InvoiceItem& item = *invoice.add_items();
    item.set_quantity(static_cast<std::uint32_t>(quantity));
    item.set_unit_cents(unit);
    item.set_discount_cents(item_discount);
    item.set_professional_id(std::string(16, 'p'));
    item.set_commission_basis_points(3333);
  }
  invoice.set_discount_cents(discount);
  return invoice;
}

TEST_CASE("billing sums: a split adds up to the whole, whatever the weights") {
  CHECK(split(100, {1, 1, 98}) == std::vector<std::int64_t>{1, 1, 98});
  CHECK(split(1, {1, 1, 1}) == std::vector<std::int64_t>{0, 0, 1});
  CHECK(split(0, {0, 0}) == std::vector<std::int64_t>{0, 0});
  const std::uint64_t seed = GENERATE(1u, 2u, 3u);
  SeededRandom random(seed);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::int64_t> weights(1 + random.below(20));
    std::int64_t all = 0;
    for (std::int64_t& weight : weights) {
      weight =
          static_cast<std::int64_t>(random.below(3) == 0 ? 0 : random.below(100'000'000'000'000));
      all += weight;
    }
    const auto whole = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(all) + 1));
    const std::vector<std::int64_t> parts = split(whole, weights);
    REQUIRE(std::accumulate(parts.begin(), parts.end(), std::int64_t{0}) == whole);
    for (std::size_t i = 0; i < parts.size(); ++i)
      REQUIRE((parts[i] >= 0 && parts[i] <= weights[i]));
  }
}

TEST_CASE("billing sums: instalments differ by a cent at most, the larger first") {
  CHECK(split_evenly(1000, 3) == std::vector<std::int64_t>{334, 333, 333});
  CHECK(split_evenly(2, 3) == std::vector<std::int64_t>{1, 1, 0});
}

TEST_CASE("billing sums: a commission is rounded to the nearest cent") {
  CHECK(part_of(1000, 3000) == 300);
  CHECK(part_of(1, 5000) == 1);
  CHECK(part_of(1, 4999) == 0);
  CHECK(part_of(0, 10000) == 0);
}

TEST_CASE("billing sums: items, discounts and the total") {
  Invoice invoice = invoice_of({{2, 10'000, 500}, {1, 3'333, 0}}, 2'283);
  REQUIRE(reckon(invoice).ok());
  CHECK(invoice.items(0).total_cents() == 19'500);
  CHECK(invoice.items(1).total_cents() == 3'333);
  CHECK(invoice.total_cents() == 20'550);
  CHECK(invoice.items(0).net_cents() + invoice.items(1).net_cents() == 20'550);
  CHECK(invoice.items(0).commission_cents() == part_of(invoice.items(0).net_cents(), 3333));
}

TEST_CASE("billing sums: what would not add up is refused, and names the field") {
  const auto refused = [](Invoice invoice) { return std::string(reckon(invoice).field()); };
  CHECK(refused(invoice_of({{1, 100, 101}}, 0)) == "invoice.items[0].discount_cents");
  CHECK(refused(invoice_of({{1, -1, 0}}, 0)) == "invoice.items[0].unit_cents");
  CHECK(refused(invoice_of({{20'000, 1, 0}}, 0)) == "invoice.items[0].quantity");
  CHECK(refused(invoice_of({{1, 100, 0}}, 101)) == "invoice.discount_cents");
  CHECK(refused(invoice_of({{1, 100, 0}}, -1)) == "invoice.discount_cents");
  Invoice largest = invoice_of(
      std::vector<std::array<std::int64_t, 3>>(256, {kQuantityMax, kUnitCentsMax, 0}), 0);
  CHECK(reckon(largest).ok());
  CHECK(largest.total_cents() == 256 * std::int64_t{kQuantityMax} * kUnitCentsMax);
}

TEST_CASE("billing sums: payments and refunds in any order keep every sum (property)") {
  const std::uint64_t seed = GENERATE(11u, 12u, 13u);
  SeededRandom random(seed);
  for (int round = 0; round < 200; ++round) {
    Invoice invoice = invoice_of({{1 + static_cast<std::int64_t>(random.below(5)),
                                   static_cast<std::int64_t>(random.below(100'000)), 0},
                                  {1, static_cast<std::int64_t>(random.below(100'000)), 0}},
                                 0);
    REQUIRE(reckon(invoice).ok());
    const auto count = static_cast<std::uint32_t>(1 + random.below(12));
    for (const std::int64_t cents : split_evenly(invoice.total_cents(), count))
      invoice.add_instalments()->set_cents(cents);
    invoice.set_status(INVOICE_STATUS_ISSUED);
    check_sums(invoice);
    std::vector<Payment> payments;
    std::int64_t received = 0;
    for (int step = 0; step < 30; ++step) {
      if (random.below(2) == 0 && open_cents(invoice) > 0) {
        Payment payment;
        payment.set_cents(1 + static_cast<std::int64_t>(
                                  random.below(static_cast<std::uint64_t>(open_cents(invoice)))));
        for (const Payment::Part& part : pay(invoice, payment.cents())) *payment.add_parts() = part;
        received += payment.cents();
        payments.push_back(payment);
      } else if (!payments.empty()) {
        Payment& payment = payments[random.below(payments.size())];
        const std::int64_t left = payment.cents() - payment.refunded_cents();
        if (left == 0) continue;
        const std::int64_t cents =
            1 + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(left)));
        std::int64_t parts = 0;
        for (const Payment::Part& part : refund(invoice, payment, cents)) parts += part.cents();
        REQUIRE(parts == cents);
        payment.set_refunded_cents(payment.refunded_cents() + cents);
        received -= cents;
      }
      check_sums(invoice);
      REQUIRE(invoice.paid_cents() == received);
    }
  }
}

}  // namespace
}  // namespace clinicdb::clinic::billing
