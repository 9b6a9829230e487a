// Prices and invoices. An invoice is a draft, then issued, then perhaps cancelled; what was issued
// changes by payments and refunds alone. A number is the series' last one and one more, read and
// put in the commit that issues: commands run one after another, so that two never get the same,
// and one that fails gets none.
#include <algorithm>
#include <utility>

#include "billing/draft.h"
#include "billing/packets.h"
#include "billing/sums.h"
#include "billing/tables.h"
#include "clinicdb/clinic/billing.h"
#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/key.h"
#include "command_tools.h"
#include "fhir/merge.h"
#include "patient_links.h"
#include "record_calls.h"
#include "zones.h"

namespace clinicdb::clinic {

namespace {

using engine::Key;
using engine::Reader;
using engine::Transaction;

EventPayload payload_of(const Invoice& invoice, std::uint64_t version) {
  EventPayload payload;
  payload.set_id(invoice.id());
  payload.set_version(version);
  payload.set_patient_id(invoice.patient_id());
  payload.set_cents(invoice.total_cents());
  return payload;
}

Status price_in_order(Price& price, const Price*) { return billing::check(price); }

Status refuse_status(const Invoice& invoice, std::string_view what) {
  return failed_precondition("an invoice that is " + InvoiceStatus_Name(invoice.status()) +
                             " cannot be " + std::string(what))
      .with_field("invoice.status");
}

/// The clinic's day, or the tenant's.
Result<Date> today(Reader& reader, const std::string& clinic_id, Time now) {
  if (!clinic_id.empty()) {
    ASSIGN_OR_RETURN(const auto clinic, reader.get(clinics_table(), clinic_id));
    if (clinic && !clinic->record.zone().empty()) return local_day(clinic->record.zone(), now);
  }
  ASSIGN_OR_RETURN(const auto profile, reader.get(tenant_profiles_table(), kTenantProfileKey));
  const std::string zone = profile ? profile->record.zone() : std::string();
  return local_day(zone.empty() ? kDefaultZone : std::string_view(zone), now);
}

Result<std::uint64_t> next_number(Transaction& tx, const std::string& name) {
  ASSIGN_OR_RETURN(const auto stored, tx.get(fiscal_series_table(), name));
  FiscalSeries series;
  series.set_series(name);
  series.set_last_number(stored ? stored->record.last_number() + 1 : 1);
  RETURN_IF_ERROR(
      tx.put(fiscal_series_table(), series, {stored ? stored->meta.version : 0, false, false})
          .status());
  return series.last_number();
}

}  // namespace

Result<PutPriceResponse> Billing::put_price(const CallContext& context,
                                            PutPriceRequest request) const {
  {
    ASSIGN_OR_RETURN(const std::unique_ptr<Reader> reader, core_.store().view(context.tenant));
    RETURN_IF_ERROR(
        check_there(*reader, services_table(), request.price().service_id(), "price.service_id"));
  }
  return put_record<PutPriceResponse>(
      core_, context, {METHOD_BILLING_PUT_PRICE, "price", EVENT_PRICE_CHANGED}, prices_table(),
      request, *request.mutable_price(), &price_in_order);
}

Result<std::shared_ptr<const GetPriceResponse>> Billing::get_price(
    const CallContext& context, const GetPriceRequest& request) const {
  return get_record(core_, context, METHOD_BILLING_GET_PRICE, prices_table(), request.id(),
                    &GetPriceResponse::mutable_price);
}

Result<ListPricesResponse> Billing::list_prices(const CallContext& context,
                                                const ListPricesRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_BILLING_LIST_PRICES, context));
  ASSIGN_OR_RETURN(const std::unique_ptr<Reader> reader, core_.store().view(context.tenant));
  return list_named(*reader, prices_table(), PriceIndex::kName, request,
                    &ListPricesResponse::add_prices);
}

Result<DraftInvoiceResponse> Billing::draft_invoice(const CallContext& context,
                                                    DraftInvoiceRequest request) const {
  Invoice& given = *request.mutable_invoice();
  RETURN_IF_ERROR(core_.authorise(METHOD_BILLING_DRAFT_INVOICE, context, given.id()));
  const std::uint64_t hash = request_hash(context, METHOD_BILLING_DRAFT_INVOICE, request);
  if (given.id().empty()) given.set_id(std::string(core_.new_id().view()));
  RETURN_IF_ERROR(id_from_bytes(given.id(), "invoice.id").status());
  const auto expected = expected_version(request);
  return core_.execute<DraftInvoiceResponse>(
      context, hash, [&](Transaction& tx, DraftInvoiceResponse& response) -> Status {
        ASSIGN_OR_RETURN(const auto stored, tx.get(invoices_table(), given.id()));
        if (stored) {
          RETURN_IF_ERROR(check_version(expected, stored->meta));
          if (stored->record.status() != INVOICE_STATUS_DRAFT)
            return refuse_status(stored->record, "edited");
          if (!stored->record.fhir().empty()) {
            return failed_precondition(
                       "an invoice that came as FHIR is issued or cancelled, not edited")
                .with_field("invoice.fhir");
          }
        } else if (expected.value_or(0) != 0) {
          return not_found("invoice.id: there is no such invoice").with_field("invoice.id");
        }
        Invoice invoice = given;
        invoice.clear_fhir();
        RETURN_IF_ERROR(billing::complete_draft(tx, invoice));
        RETURN_IF_ERROR(check_patient(tx, invoice.patient_id(), "invoice.patient_id"));
        invoice.set_created_us(stored ? stored->record.created_us() : tx.now().us);
        WriteResult& result = *response.mutable_result();
        RETURN_IF_ERROR(stored ? put_changed(tx, invoices_table(), invoice, *stored, result)
                               : put_new(tx, invoices_table(), invoice, result));
        response.set_total_cents(invoice.total_cents());
        return emit(tx, EVENT_INVOICE_DRAFTED, payload_of(invoice, result.version()));
      });
}

Result<std::shared_ptr<const GetInvoiceResponse>> Billing::get_invoice(
    const CallContext& context, const GetInvoiceRequest& request) const {
  return get_record(core_, context, METHOD_BILLING_GET_INVOICE, invoices_table(), request.id(),
                    &GetInvoiceResponse::mutable_invoice);
}

Result<std::shared_ptr<const GetInvoiceResponse>> Billing::find_invoice(
    const CallContext& context, const FindInvoiceRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_BILLING_FIND_INVOICE, context));
  ASSIGN_OR_RETURN(const std::string series, billing::parse_series(request.series(), "series"));
  return find_record(core_, context, invoices_table(), InvoiceIndex::kNumber,
                     number_key(series, request.number()), &GetInvoiceResponse::mutable_invoice);
}

Result<ListInvoicesResponse> Billing::list_invoices(const CallContext& context,
                                                    const ListInvoicesRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_BILLING_LIST_INVOICES, context, request.patient_id()));
  const bool by_patient = !request.patient_id().empty();
  if (by_patient == (request.status() != INVOICE_STATUS_UNSPECIFIED)) {
    return invalid_argument("patient_id: a patient or a status is needed, one of both")
        .with_field("patient_id");
  }
  const std::string prefix = by_patient
                                 ? request.patient_id()
                                 : Key().u8(static_cast<std::uint8_t>(request.status())).str();
  ASSIGN_OR_RETURN(const std::unique_ptr<Reader> reader, core_.store().view(context.tenant));
  ListInvoicesResponse response;
  ASSIGN_OR_RETURN(*response.mutable_cursor(),
                   read_named(*reader, invoices_table(),
                              by_patient ? InvoiceIndex::kPatient : InvoiceIndex::kStatus,
                              engine::KeyRange::prefix(prefix),
                              {false, page_limit(request.limit()), request.cursor()},
                              *response.mutable_invoices()));
  return response;
}

Result<InvoiceHistoryResponse> Billing::invoice_history(
    const CallContext& context, const InvoiceHistoryRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_BILLING_INVOICE_HISTORY, context, request.id()));
  RETURN_IF_ERROR(id_from_bytes(request.id(), "id").status());
  ASSIGN_OR_RETURN(const std::unique_ptr<Reader> reader, core_.store().view(context.tenant));
  InvoiceHistoryResponse response;
  RETURN_IF_ERROR(read_history(*reader, invoices_table(), request.id(), request.limit(),
                               &GetInvoiceResponse::mutable_invoice, *response.mutable_versions()));
  return response;
}

Result<IssueInvoiceResponse> Billing::issue_invoice(const CallContext& context,
                                                    const IssueInvoiceRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_BILLING_ISSUE_INVOICE, context, request.id()));
  ASSIGN_OR_RETURN(const std::string series, billing::parse_series(request.series(), "series"));
  const std::uint64_t hash = request_hash(context, METHOD_BILLING_ISSUE_INVOICE, request);
  // Ids come from outside of the commit, where a seeded source may be locked.
  std::vector<std::string> packet_ids(billing::kPacketsPerInvoiceMax);
  for (std::string& id : packet_ids) id = std::string(core_.new_id().view());
  return core_.execute<IssueInvoiceResponse>(
      context, hash, [&](Transaction& tx, IssueInvoiceResponse& response) -> Status {
        ASSIGN_OR_RETURN(const auto stored, must_get(tx, invoices_table(), request.id(), "id"));
        RETURN_IF_ERROR(check_version(expected_version(request), stored.meta));
        if (stored.record.status() != INVOICE_STATUS_DRAFT)
          return refuse_status(stored.record, "issued");
        Invoice invoice = stored.record;
        RETURN_IF_ERROR(check_patient(tx, invoice.patient_id(), "invoice.patient_id"));
        ASSIGN_OR_RETURN(const Date day, today(tx, invoice.clinic_id(), tx.now()));
        RETURN_IF_ERROR(billing::set_instalments(request, day, invoice));
        invoice.set_status(INVOICE_STATUS_ISSUED);
        invoice.set_issued_us(tx.now().us);
        invoice.set_series(series);
        billing::check_sums(invoice);
        ASSIGN_OR_RETURN(const std::vector<Packet> packets,
                         billing::packets_sold(tx, invoice, packet_ids));
        ASSIGN_OR_RETURN(const std::uint64_t number, next_number(tx, series));
        invoice.set_number(number);
        RETURN_IF_ERROR(fhir::merge(invoice));
        RETURN_IF_ERROR(
            put_changed(tx, invoices_table(), invoice, stored, *response.mutable_result()));
        response.set_series(series);
        response.set_number(number);
        for (const Packet& packet : packets) {
          RETURN_IF_ERROR(tx.put(packets_table(), packet).status());
          response.add_packet_ids(packet.id());
        }
        return emit(tx, EVENT_INVOICE_ISSUED, payload_of(invoice, response.result().version()));
      });
}

Result<CancelInvoiceResponse> Billing::cancel_invoice(const CallContext& context,
                                                      const CancelInvoiceRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_BILLING_CANCEL_INVOICE, context, request.id()));
  if (request.reason().size() > kNameBytesMax)
    return invalid_argument("reason: at most 512 bytes are possible").with_field("reason");
  const std::uint64_t hash = request_hash(context, METHOD_BILLING_CANCEL_INVOICE, request);
  return core_.execute<CancelInvoiceResponse>(
      context, hash, [&](Transaction& tx, CancelInvoiceResponse& response) -> Status {
        ASSIGN_OR_RETURN(const auto stored, must_get(tx, invoices_table(), request.id(), "id"));
        RETURN_IF_ERROR(check_version(expected_version(request), stored.meta));
        if (stored.record.status() == INVOICE_STATUS_CANCELLED)
          return refuse_status(stored.record, "cancelled");
        if (stored.record.paid_cents() != 0) {
          return failed_precondition(
                     "invoice.paid_cents: " + std::to_string(stored.record.paid_cents()) +
                     " cents are paid; refund them first")
              .with_field("invoice.paid_cents");
        }
        RETURN_IF_ERROR(billing::cancel_packets(tx, request.id()));
        Invoice invoice = stored.record;
        invoice.set_status(INVOICE_STATUS_CANCELLED);
        invoice.set_cancel_reason(request.reason());
        invoice.set_cancelled_us(tx.now().us);
        RETURN_IF_ERROR(fhir::merge(invoice));
        RETURN_IF_ERROR(
            put_changed(tx, invoices_table(), invoice, stored, *response.mutable_result()));
        return emit(tx, EVENT_INVOICE_CANCELLED, payload_of(invoice, response.result().version()));
      });
}

}  // namespace clinicdb::clinic
