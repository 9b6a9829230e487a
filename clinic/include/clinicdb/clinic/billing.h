// Billing: prices, invoices with fiscal numbers, payments, and packets of sessions. See clinic.h
// for what holds for all services; methods are those of BillingService in
// clinic/schema/billing.proto, the rules are docs/clinic-rules.md. Thread-safe.
#pragma once

#include <memory>

#include "clinicdb/base/result.h"
#include "clinicdb/clinic/context.h"
#include "clinicdb/clinic/schema/billing.pb.h"

namespace clinicdb::clinic {

class Core;

class Billing {
 public:
  explicit Billing(const Core& core) : core_(core) {}

  Result<PutPriceResponse> put_price(const CallContext& context, PutPriceRequest request) const;
  Result<std::shared_ptr<const GetPriceResponse>> get_price(const CallContext& context,
                                                            const GetPriceRequest& request) const;
  Result<ListPricesResponse> list_prices(const CallContext& context,
                                         const ListPricesRequest& request) const;

  /// kFailedPrecondition for an invoice that is no draft any more.
  Result<DraftInvoiceResponse> draft_invoice(const CallContext& context,
                                             DraftInvoiceRequest request) const;
  Result<std::shared_ptr<const GetInvoiceResponse>> get_invoice(
      const CallContext& context, const GetInvoiceRequest& request) const;
  Result<std::shared_ptr<const GetInvoiceResponse>> find_invoice(
      const CallContext& context, const FindInvoiceRequest& request) const;
  Result<ListInvoicesResponse> list_invoices(const CallContext& context,
                                             const ListInvoicesRequest& request) const;
  Result<InvoiceHistoryResponse> invoice_history(const CallContext& context,
                                                 const InvoiceHistoryRequest& request) const;

  /// Number, instalments and packets come in one commit: a number is given to an invoice that is
  /// issued, or to none, so that a series has no gap.
  Result<IssueInvoiceResponse> issue_invoice(const CallContext& context,
                                             const IssueInvoiceRequest& request) const;
  /// kFailedPrecondition where something is paid (refund it first), or a session of a packet that
  /// it sold is used.
  Result<CancelInvoiceResponse> cancel_invoice(const CallContext& context,
                                               const CancelInvoiceRequest& request) const;

  /// kOutOfRange when there is less open. kAlreadyExists for a provider's number that was here
  /// before.
  Result<PayInvoiceResponse> pay_invoice(const CallContext& context,
                                         const PayInvoiceRequest& request) const;
  Result<RefundPaymentResponse> refund_payment(const CallContext& context,
                                               const RefundPaymentRequest& request) const;
  Result<ListPaymentsResponse> list_payments(const CallContext& context,
                                             const ListPaymentsRequest& request) const;

  // Reports, from index entries alone: what they cost grows with what they report.
  Result<AgeingResponse> ageing(const CallContext& context, const AgeingRequest& request) const;
  Result<CommissionsResponse> commissions(const CallContext& context,
                                          const CommissionsRequest& request) const;
  Result<ListSeriesResponse> list_series(const CallContext& context,
                                         const ListSeriesRequest& request) const;

  Result<ListPacketsResponse> list_packets(const CallContext& context,
                                           const ListPacketsRequest& request) const;
  /// kFailedPrecondition where no session is left, or the packet has expired or was cancelled, or
  /// the appointment has used one already.
  Result<UsePacketResponse> use_packet(const CallContext& context,
                                       const UsePacketRequest& request) const;
  Result<ReturnSessionResponse> return_session(const CallContext& context,
                                               const ReturnSessionRequest& request) const;
  Result<ListPacketUsesResponse> list_packet_uses(const CallContext& context,
                                                  const ListPacketUsesRequest& request) const;

 private:
  const Core& core_;
};

}  // namespace clinicdb::clinic
