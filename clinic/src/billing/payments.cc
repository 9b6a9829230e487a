// Payments and refunds. A payment is spread over the instalments of its invoice, the earliest due
// first, and keeps which; a refund comes from those of its payment, the last first. The invoice and
// the payment change in one commit, and everything adds up in each version of both.
#include <utility>

#include "billing/sums.h"
#include "billing/tables.h"
#include "clinicdb/clinic/billing.h"
#include "clinicdb/engine/key.h"
#include "command_tools.h"
#include "fhir/merge.h"

namespace clinicdb::clinic {

namespace {

using engine::Key;
using engine::Reader;
using engine::Transaction;

Status check_note(const std::string& note, const std::string& provider_id) {
  if (note.size() > kNoteBytesMax)
    return invalid_argument("note: at most 64 KiB are possible").with_field("note");
  if (provider_id.size() > kIdentifierBytesMax)
    return invalid_argument("provider_id: at most 512 bytes are possible")
        .with_field("provider_id");
  return {};
}

Status emit_payment(Transaction& tx, EventType type, const Payment& payment) {
  EventPayload payload;
  payload.set_id(payment.id());
  payload.set_version(1);
  payload.set_patient_id(payment.patient_id());
  payload.set_cents(payment.cents());
  return emit(tx, type, payload);
}

/// A provider's number that was here before: in the words of the caller.
template <class Response>
Result<Response> name_provider(Result<Response> done) {
  if (done || done.error().code() != StatusCode::kAlreadyExists) return done;
  return already_exists("provider_id: another payment of this tenant has it")
      .with_field("provider_id");
}

}  // namespace

Result<PayInvoiceResponse> Billing::pay_invoice(const CallContext& context,
                                                const PayInvoiceRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_BILLING_PAY_INVOICE, context, request.invoice_id()));
  RETURN_IF_ERROR(check_note(request.note(), request.provider_id()));
  if (request.cents() <= 0)
    return invalid_argument("cents: more than 0 is needed").with_field("cents");
  if (!PaymentMethod_IsValid(request.method()) || request.method() == PAYMENT_METHOD_UNSPECIFIED) {
    return invalid_argument("method: how it was paid is needed").with_field("method");
  }
  const std::uint64_t hash = request_hash(context, METHOD_BILLING_PAY_INVOICE, request);
  const std::string id(core_.new_id().view());
  return name_provider(core_.execute<PayInvoiceResponse>(
      context, hash, [&](Transaction& tx, PayInvoiceResponse& response) -> Status {
        ASSIGN_OR_RETURN(const auto stored,
                         must_get(tx, invoices_table(), request.invoice_id(), "invoice_id"));
        Invoice invoice = stored.record;
        if (invoice.status() != INVOICE_STATUS_ISSUED) {
          return failed_precondition("invoice_id: only an issued invoice is paid")
              .with_field("invoice_id");
        }
        if (request.cents() > billing::open_cents(invoice)) {
          return out_of_range("cents: only " + std::to_string(billing::open_cents(invoice)) +
                              " are open")
              .with_field("cents");
        }
        Payment payment;
        payment.set_id(id);
        payment.set_invoice_id(invoice.id());
        payment.set_patient_id(invoice.patient_id());
        payment.set_kind(PAYMENT_KIND_PAYMENT);
        payment.set_cents(request.cents());
        payment.set_method(request.method());
        payment.set_provider_id(request.provider_id());
        payment.set_note(request.note());
        payment.set_time_us(tx.now().us);
        for (Payment::Part& part : billing::pay(invoice, request.cents()))
          *payment.add_parts() = std::move(part);
        RETURN_IF_ERROR(put_new(tx, payments_table(), payment, *response.mutable_result()));
        RETURN_IF_ERROR(fhir::merge(invoice));
        WriteResult of_invoice;
        RETURN_IF_ERROR(put_changed(tx, invoices_table(), invoice, stored, of_invoice));
        response.set_open_cents(billing::open_cents(invoice));
        return emit_payment(tx, EVENT_PAYMENT_RECEIVED, payment);
      }));
}

Result<RefundPaymentResponse> Billing::refund_payment(const CallContext& context,
                                                      const RefundPaymentRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_BILLING_REFUND_PAYMENT, context, request.payment_id()));
  RETURN_IF_ERROR(check_note(request.note(), request.provider_id()));
  if (request.cents() < 0)
    return invalid_argument("cents: more than 0 is needed").with_field("cents");
  const std::uint64_t hash = request_hash(context, METHOD_BILLING_REFUND_PAYMENT, request);
  const std::string id(core_.new_id().view());
  return name_provider(core_.execute<RefundPaymentResponse>(
      context, hash, [&](Transaction& tx, RefundPaymentResponse& response) -> Status {
        ASSIGN_OR_RETURN(const auto paid,
                         must_get(tx, payments_table(), request.payment_id(), "payment_id"));
        if (paid.record.kind() != PAYMENT_KIND_PAYMENT) {
          return failed_precondition("payment_id: is a refund").with_field("payment_id");
        }
        const std::int64_t left = paid.record.cents() - paid.record.refunded_cents();
        const std::int64_t cents = request.cents() == 0 ? left : request.cents();
        if (cents > left || left == 0) {
          return out_of_range("cents: only " + std::to_string(left) +
                              " of the payment were not refunded")
              .with_field("cents");
        }
        ASSIGN_OR_RETURN(const auto stored,
                         must_get(tx, invoices_table(), paid.record.invoice_id(), "invoice_id"));
        Invoice invoice = stored.record;
        Payment refund;
        refund.set_id(id);
        refund.set_invoice_id(invoice.id());
        refund.set_patient_id(invoice.patient_id());
        refund.set_kind(PAYMENT_KIND_REFUND);
        refund.set_cents(cents);
        refund.set_method(paid.record.method());
        refund.set_refunds_id(paid.record.id());
        refund.set_provider_id(request.provider_id());
        refund.set_note(request.note());
        refund.set_time_us(tx.now().us);
        for (Payment::Part& part : billing::refund(invoice, paid.record, cents))
          *refund.add_parts() = std::move(part);
        Payment payment = paid.record;
        payment.set_refunded_cents(payment.refunded_cents() + cents);
        RETURN_IF_ERROR(fhir::merge(invoice));
        WriteResult of_others;
        RETURN_IF_ERROR(put_new(tx, payments_table(), refund, *response.mutable_result()));
        RETURN_IF_ERROR(put_changed(tx, payments_table(), payment, paid, of_others));
        RETURN_IF_ERROR(put_changed(tx, invoices_table(), invoice, stored, of_others));
        response.set_open_cents(billing::open_cents(invoice));
        return emit_payment(tx, EVENT_PAYMENT_REFUNDED, refund);
      }));
}

Result<ListPaymentsResponse> Billing::list_payments(const CallContext& context,
                                                    const ListPaymentsRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_BILLING_LIST_PAYMENTS, context, request.invoice_id()));
  const bool by_invoice = !request.invoice_id().empty();
  engine::KeyRange range;
  if (by_invoice) {
    RETURN_IF_ERROR(id_from_bytes(request.invoice_id(), "invoice_id").status());
    range = engine::KeyRange::prefix(request.invoice_id());
  } else if (request.period().has_start_us() && request.period().has_end_us()) {
    range = {Key().time(Time{request.period().start_us()}).str(),
             Key().time(Time{request.period().end_us()}).str()};
  } else {
    return invalid_argument("period: an invoice or a period with both ends is needed")
        .with_field("period");
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<Reader> reader, core_.store().view(context.tenant));
  ListPaymentsResponse response;
  ASSIGN_OR_RETURN(*response.mutable_cursor(),
                   read_named(*reader, payments_table(),
                              by_invoice ? PaymentIndex::kInvoice : PaymentIndex::kTime, range,
                              {false, page_limit(request.limit()), request.cursor()},
                              *response.mutable_payments()));
  return response;
}

}  // namespace clinicdb::clinic
