#include "clinicdb/clinic/billing.h"

#include <catch2/catch.hpp>
#include <set>
#include <thread>

#include "billing/tables.h"
#include "clinic_fixture.h"
#include "clinicdb/clinic/duplicates.h"
#include "clinicdb/clinic/schema/event.pb.h"

namespace clinicdb::clinic {
namespace {

struct Desk {
  Desk() {
    patient = clinic.patient("Ana");
    professional = clinic.professional("Dra. Bia");
    PutPriceRequest put;
    put.mutable_price()->set_code("LIMP");
    put.mutable_price()->set_name("Limpeza de pele");
    put.mutable_price()->set_cents(15'000);
    put.mutable_price()->set_commission_basis_points(4000);
    price = must(clinic->billing().put_price(clinic.context(), put)).result().id();
  }
  std::string draft(std::int64_t discount = 0, std::uint32_t quantity = 2) {
    DraftInvoiceRequest request;
    Invoice& invoice = *request.mutable_invoice();
    invoice.set_patient_id(patient);
    invoice.set_discount_cents(discount);
    InvoiceItem& item = *invoice.add_items();
    item.set_price_id(price);
    item.set_quantity(quantity);
    item.set_professional_id(professional);
    return must(clinic->billing().draft_invoice(clinic.context(), request)).result().id();
  }
  Result<IssueInvoiceResponse> issue(const std::string& id, std::uint32_t instalments = 1) {
    IssueInvoiceRequest request;
    request.set_id(id);
    request.set_instalment_count(instalments);
    *request.mutable_first_due() = make_date(2026, 1, 31);
    return clinic->billing().issue_invoice(clinic.context(), request);
  }
  Result<PayInvoiceResponse> pay(const std::string& id, std::int64_t cents,
                                 const std::string& provider = {}) {
    PayInvoiceRequest request;
    request.set_invoice_id(id);
    request.set_cents(cents);
    request.set_method(PAYMENT_METHOD_PIX);
    request.set_provider_id(provider);
    return clinic->billing().pay_invoice(clinic.context(), request);
  }
  Result<RefundPaymentResponse> refund(const std::string& payment, std::int64_t cents) {
    RefundPaymentRequest request;
    request.set_payment_id(payment);
    request.set_cents(cents);
    return clinic->billing().refund_payment(clinic.context(), request);
  }
  Result<CancelInvoiceResponse> cancel(const std::string& id) {
    CancelInvoiceRequest request;
    request.set_id(id);
    return clinic->billing().cancel_invoice(clinic.context(), request);
  }
  Invoice get(const std::string& id) {
    GetInvoiceRequest request;
    request.set_id(id);
    return must(clinic->billing().get_invoice(clinic.context(), request))->invoice();
  }
  ClinicFixture clinic;
  std::string patient, professional, price;
};

TEST_CASE("billing: from a draft to all paid, and every number in between") {
  Desk desk;
  const std::string id = desk.draft(1'000);
  CHECK(desk.get(id).status() == INVOICE_STATUS_DRAFT);
  CHECK(desk.get(id).total_cents() == 29'000);
  const IssueInvoiceResponse issued = must(desk.issue(id, 3));
  CHECK(issued.series() == "1");
  CHECK(issued.number() == 1);
  Invoice invoice = desk.get(id);
  REQUIRE(invoice.instalments_size() == 3);
  CHECK(invoice.instalments(0).cents() == 9'667);
  CHECK(invoice.instalments(2).cents() == 9'666);
  // The last day of a month that has no 31st.
  CHECK(invoice.instalments(1).due().day() == 28);
  CHECK(invoice.instalments(2).due().day() == 31);

  const PayInvoiceResponse first = must(desk.pay(id, 10'000, "pix-1"));
  CHECK(first.open_cents() == 19'000);
  invoice = desk.get(id);
  CHECK(invoice.instalments(0).paid_cents() == 9'667);
  CHECK(invoice.instalments(1).paid_cents() == 333);
  CHECK(desk.pay(id, 1, "pix-1").status().code() == StatusCode::kAlreadyExists);
  CHECK(desk.pay(id, 19'001).status().code() == StatusCode::kOutOfRange);
  CHECK(desk.cancel(id).status().code() == StatusCode::kFailedPrecondition);

  CHECK(must(desk.refund(first.result().id(), 400)).open_cents() == 19'400);
  CHECK(desk.get(id).instalments(1).paid_cents() == 0);
  CHECK(must(desk.refund(first.result().id(), 0)).open_cents() == 29'000);
  CHECK(desk.refund(first.result().id(), 0).status().code() == StatusCode::kOutOfRange);
  CHECK(must(desk.pay(id, 29'000)).open_cents() == 0);
  ListPaymentsRequest payments;
  payments.set_invoice_id(id);
  CHECK(
      must(desk.clinic->billing().list_payments(desk.clinic.context(), payments)).payments_size() ==
      4);
}

TEST_CASE("billing: an issued invoice is edited no more, and a cancelled one keeps its number") {
  Desk desk;
  const std::string id = desk.draft();
  must(desk.issue(id));
  DraftInvoiceRequest edit;
  *edit.mutable_invoice() = desk.get(id);
  CHECK(desk.clinic->billing().draft_invoice(desk.clinic.context(), edit).status().code() ==
        StatusCode::kFailedPrecondition);
  CHECK(desk.issue(id).status().code() == StatusCode::kFailedPrecondition);
  must(desk.cancel(id));
  CHECK(desk.pay(id, 1).status().code() == StatusCode::kFailedPrecondition);
  FindInvoiceRequest find;
  find.set_number(1);
  CHECK(
      must(desk.clinic->billing().find_invoice(desk.clinic.context(), find))->invoice().status() ==
      INVOICE_STATUS_CANCELLED);
  CHECK(must(desk.issue(desk.draft())).number() == 2);
}

TEST_CASE("billing: numbers of a series have no gap and no twin, also under many callers at once") {
  Desk desk;
  constexpr int kThreads = 8;
  constexpr int kEach = 12;
  std::vector<std::string> drafts;
  for (int i = 0; i < kThreads * kEach; ++i) drafts.push_back(desk.draft());
  std::vector<std::vector<std::uint64_t>> numbers(kThreads);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < kEach; ++i) {
        IssueInvoiceRequest request;
        request.set_id(drafts[t * kEach + i]);
        request.set_series(i % 2 == 0 ? "A" : "B");
        // Every third is refused: an instalment that is not the total.
        if (i % 3 == 2) request.add_instalments()->set_cents(1);
        const auto issued = desk.clinic->billing().issue_invoice(desk.clinic.context(), request);
        if (issued) numbers[t].push_back(issued->number() * 2 + (issued->series() == "A" ? 0 : 1));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<std::uint64_t> seen;
  for (const auto& list : numbers) {
    for (const std::uint64_t number : list) CHECK(seen.insert(number).second);
  }
  CHECK(seen.size() == kThreads * kEach * 2 / 3);
  for (std::uint64_t n = 1; n <= seen.size() / 2; ++n) {
    CHECK(seen.count(n * 2) == 1);
    CHECK(seen.count(n * 2 + 1) == 1);
  }
  const ListSeriesResponse series =
      must(desk.clinic->billing().list_series(desk.clinic.context(), {}));
  REQUIRE(series.series_size() == 2);
  CHECK(series.series(0).last_number() == seen.size() / 2);
}

TEST_CASE("billing: what is open by age, from its own index") {
  Desk desk;
  const std::string late = desk.draft();
  must(desk.issue(late, 3));  // due 31 January, 28 February, 31 March, 10,000 each
  must(desk.pay(late, 4'000));
  const std::string cancelled = desk.draft();
  must(desk.issue(cancelled));
  must(desk.cancel(cancelled));
  AgeingRequest request;
  *request.mutable_day() = make_date(2026, 3, 10);
  const AgeingResponse report = must(desk.clinic->billing().ageing(desk.clinic.context(), request));
  CHECK(report.open_cents() == 26'000);
  CHECK(report.not_due().cents() == 10'000);
  CHECK(report.overdue(0).cents() == 10'000);
  CHECK(report.overdue(1).cents() == 6'000);
  CHECK(report.overdue(3).cents() == 0);
  REQUIRE(report.oldest_size() == 2);
  CHECK(report.oldest(0).open_cents() == 6'000);
  CHECK(report.oldest(0).patient_id() == desk.patient);
  CHECK(report.oldest(0).invoice_id() == late);
}

TEST_CASE("billing: a commission is of what the item costs after its part of the discount") {
  Desk desk;
  const std::string id = desk.draft(1'000);
  must(desk.issue(id));
  must(desk.pay(id, 14'500));
  CommissionsRequest request;
  request.mutable_period()->set_start_us(0);
  request.mutable_period()->set_end_us(INT64_MAX);
  const CommissionsResponse report =
      must(desk.clinic->billing().commissions(desk.clinic.context(), request));
  REQUIRE(report.professionals_size() == 1);
  CHECK(report.professionals(0).professional_id() == desk.professional);
  CHECK(report.professionals(0).net_cents() == 29'000);
  CHECK(report.professionals(0).commission_cents() == 11'600);
  CHECK(report.professionals(0).earned_cents() == 5'800);
  must(desk.pay(id, 14'500));
  CHECK(must(desk.clinic->billing().commissions(desk.clinic.context(), request))
            .professionals(0)
            .earned_cents() == 11'600);
}

TEST_CASE("billing: a packet is sold by its invoice, used up, and cancelled with it") {
  Desk desk;
  PutPriceRequest put;
  put.mutable_price()->set_name("Depilação, 3 sessões");
  put.mutable_price()->set_cents(10'000);
  put.mutable_price()->set_packet_sessions(3);
  put.mutable_price()->set_packet_days(30);
  desk.price = must(desk.clinic->billing().put_price(desk.clinic.context(), put)).result().id();
  const std::string id = desk.draft(1, 2);
  const IssueInvoiceResponse issued = must(desk.issue(id));
  REQUIRE(issued.packet_ids_size() == 2);
  ListPacketsRequest list;
  list.set_patient_id(desk.patient);
  list.set_only_open(true);
  const ListPacketsResponse packets =
      must(desk.clinic->billing().list_packets(desk.clinic.context(), list));
  REQUIRE(packets.packets_size() == 2);
  CHECK(packets.packets(0).cents() + packets.packets(1).cents() == 19'999);

  UsePacketRequest use;
  use.set_packet_id(issued.packet_ids(0));
  std::string last;
  for (std::uint32_t session = 1; session <= 3; ++session) {
    const UsePacketResponse used =
        must(desk.clinic->billing().use_packet(desk.clinic.context(), use));
    CHECK(used.session() == session);
    CHECK(used.left() == 3 - session);
    last = used.result().id();
  }
  CHECK(desk.clinic->billing().use_packet(desk.clinic.context(), use).status().code() ==
        StatusCode::kFailedPrecondition);
  CHECK(desk.cancel(id).status().code() == StatusCode::kFailedPrecondition);
  ReturnSessionRequest back;
  back.set_use_id(last);
  CHECK(must(desk.clinic->billing().return_session(desk.clinic.context(), back)).left() == 1);
  CHECK(desk.clinic->billing().return_session(desk.clinic.context(), back).status().code() ==
        StatusCode::kFailedPrecondition);
  use.set_packet_id(issued.packet_ids(1));
  desk.clinic.clock().advance_us(std::int64_t{31} * 24 * 3600 * 1'000'000);
  CHECK(desk.clinic->billing()
            .use_packet(desk.clinic.context(), use)
            .status()
            .message()
            .find("expired") != std::string_view::npos);
  CHECK(must(desk.clinic->billing().list_packets(desk.clinic.context(), list)).packets_size() == 0);
  ListPacketUsesRequest uses;
  uses.set_packet_id(issued.packet_ids(0));
  CHECK(must(desk.clinic->billing().list_packet_uses(desk.clinic.context(), uses)).uses_size() ==
        3);
}

TEST_CASE("billing: one appointment uses one session, and only of its own patient") {
  Desk desk;
  PutPriceRequest put;
  put.mutable_price()->set_name("Sessões");
  put.mutable_price()->set_cents(100);
  put.mutable_price()->set_packet_sessions(5);
  desk.price = must(desk.clinic->billing().put_price(desk.clinic.context(), put)).result().id();
  const IssueInvoiceResponse issued = must(desk.issue(desk.draft(0, 1)));
  const auto book = [&](const std::string& patient, int hour) {
    BookAppointmentRequest request;
    Appointment& appointment = *request.mutable_appointment();
    appointment.set_clinic_id(desk.clinic.clinic_site("c" + std::to_string(hour)));
    appointment.set_professional_id(desk.professional);
    appointment.set_patient_id(patient);
    appointment.set_start_us(utc_us(2026, 3, 2, hour));
    appointment.set_end_us(utc_us(2026, 3, 2, hour, 30));
    return must(desk.clinic->scheduling().book(desk.clinic.context(), request)).result().id();
  };
  UsePacketRequest use;
  use.set_packet_id(issued.packet_ids(0));
  use.set_appointment_id(book(desk.patient, 9));
  must(desk.clinic->billing().use_packet(desk.clinic.context(), use));
  CHECK(desk.clinic->billing().use_packet(desk.clinic.context(), use).status().field() ==
        "appointment_id");
  use.set_appointment_id(book(desk.clinic.patient("Bia"), 10));
  CHECK(desk.clinic->billing().use_packet(desk.clinic.context(), use).status().field() ==
        "appointment_id");
}

TEST_CASE("billing: what names nothing, or nobody, is refused with the field's name") {
  Desk desk;
  DraftInvoiceRequest request;
  Invoice& invoice = *request.mutable_invoice();
  const auto refused = [&] {
    return std::string(
        desk.clinic->billing().draft_invoice(desk.clinic.context(), request).status().field());
  };
  CHECK(refused() == "invoice.patient_id");
  invoice.set_patient_id(desk.patient);
  CHECK(refused() == "invoice.items");
  InvoiceItem& item = *invoice.add_items();
  CHECK(refused() == "invoice.items[0].unit_cents");
  item.set_unit_cents(1);
  CHECK(refused() == "invoice.items[0].description");
  item.set_description("x");
  item.set_professional_id(std::string(16, 'x'));
  CHECK(refused() == "invoice.items[0].professional_id");
  item.clear_professional_id();
  invoice.set_currency("reais");
  CHECK(refused() == "invoice.currency");
  invoice.set_currency("USD");
  item.set_price_id(desk.price);
  CHECK(refused() == "invoice.items[0].price_id");
  invoice.clear_currency();
  invoice.set_patient_id(std::string(16, 'x'));
  CHECK(refused() == "invoice.patient_id");
}

TEST_CASE("billing: a payment that is repeated with its request id is taken once (R1)") {
  Desk desk;
  const std::string id = desk.draft();
  must(desk.issue(id));
  CallContext context = desk.clinic.context();
  context.session = Uuid::from_bytes(std::string(16, 's'));
  context.request_id = Uuid::v7(desk.clinic.clock(), system_random());
  PayInvoiceRequest request;
  request.set_invoice_id(id);
  request.set_cents(10'000);
  request.set_method(PAYMENT_METHOD_CASH);
  const PayInvoiceResponse first = must(desk.clinic->billing().pay_invoice(context, request));
  const PayInvoiceResponse again = must(desk.clinic->billing().pay_invoice(context, request));
  CHECK(again.result().id() == first.result().id());
  CHECK(again.result().repeated());
  CHECK(desk.get(id).paid_cents() == 10'000);
}

TEST_CASE("billing: invoices, payments and packets go along when their patient is merged") {
  Desk desk;
  const std::string id = desk.draft();
  must(desk.issue(id));
  must(desk.pay(id, 100));
  const std::string kept = desk.clinic.patient("Ana Maria");
  MergePatientsRequest merge;
  merge.set_keep_id(kept);
  merge.set_merge_id(desk.patient);
  CHECK(must(desk.clinic->duplicates().merge(desk.clinic.context(), merge)).moved() == 2);
  ListInvoicesRequest list;
  list.set_patient_id(kept);
  CHECK(must(desk.clinic->billing().list_invoices(desk.clinic.context(), list)).invoices_size() ==
        1);
  CHECK(must(desk.clinic->store().verify({})).problem_count == 0);
}

TEST_CASE("billing: rights to read and to write are two") {
  Desk desk;
  const CallContext reader(desk.clinic.context().tenant, Rights().with(ACCESS_RIGHT_BILLING_READ));
  GetInvoiceRequest get;
  get.set_id(desk.draft());
  CHECK(must(desk.clinic->billing().get_invoice(reader, get)) != nullptr);
  PutPriceRequest put;
  CHECK(desk.clinic->billing().put_price(reader, put).status().code() ==
        StatusCode::kPermissionDenied);
}

}  // namespace
}  // namespace clinicdb::clinic
