#include "billing/draft.h"

#include <algorithm>
#include <string>

#include "billing/sums.h"
#include "billing/tables.h"
#include "check_parts.h"
#include "clinic_limits.h"
#include "clinicdb/clinic/identifiers.h"
#include "clinicdb/clinic/tables.h"
#include "command_tools.h"

namespace clinicdb::clinic::billing {

namespace {

constexpr std::size_t kSeriesBytesMax = 20;
constexpr std::uint32_t kPacketSessionsMax = 1000;
constexpr std::uint32_t kPacketDaysMax = 3660;

Status set_currency(std::string& currency, const std::string& field) {
  if (currency.empty()) currency = "BRL";
  const bool letters =
      std::all_of(currency.begin(), currency.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  if (currency.size() == 3 && letters) return {};
  return refuse(field, "three capital letters of ISO 4217, such as BRL");
}

Status check_text(const std::string& text, std::size_t bytes_max, const std::string& field) {
  if (text.size() <= bytes_max) return {};
  return refuse(field, "at most " + std::to_string(bytes_max) + " bytes are possible");
}

Status complete_item(engine::Reader& reader, const Invoice& invoice, const std::string& field,
                     InvoiceItem& item) {
  RETURN_IF_ERROR(check_text(item.description(), kNameBytesMax, field + "description"));
  RETURN_IF_ERROR(check_there(reader, professionals_table(), item.professional_id(),
                              field + "professional_id"));
  if (item.price_id().empty()) {
    if (!item.has_unit_cents()) return refuse(field + "unit_cents", "is needed, or a price");
    if (item.description().empty()) return refuse(field + "description", "is needed, or a price");
    return {};
  }
  ASSIGN_OR_RETURN(const auto price,
                   must_get(reader, prices_table(), item.price_id(), field + "price_id"));
  if (price.record.currency() != invoice.currency())
    return refuse(field + "price_id",
                  "is in " + price.record.currency() + ", the invoice in " + invoice.currency());
  if (item.description().empty()) item.set_description(price.record.name());
  if (!item.has_unit_cents()) item.set_unit_cents(price.record.cents());
  if (!item.has_commission_basis_points())
    item.set_commission_basis_points(price.record.commission_basis_points());
  return {};
}

bool before(const Date& a, const Date& b) { return date_key(a) < date_key(b); }

/// The same day `months` later, or the last of a month that is shorter.
Date months_later(const Date& day, int months) {
  const int index = day.year() * 12 + day.month() - 1 + months;
  Date later = day;
  later.set_year(index / 12);
  later.set_month(index % 12 + 1);
  while (!check_date(later, false, "due").ok()) later.set_day(later.day() - 1);
  return later;
}

}  // namespace

Status check(Price& price) {
  RETURN_IF_ERROR(id_from_bytes(price.id(), "price.id").status());
  if (price.name().empty()) return refuse("price.name", "is needed");
  RETURN_IF_ERROR(check_text(price.name(), kNameBytesMax, "price.name"));
  RETURN_IF_ERROR(check_text(price.code(), kIdentifierBytesMax, "price.code"));
  if (price.cents() < 0 || price.cents() > kUnitCentsMax)
    return refuse("price.cents", "from 0 to 1,000 million of the currency");
  RETURN_IF_ERROR(set_currency(*price.mutable_currency(), "price.currency"));
  if (price.commission_basis_points() > kBasisPoints)
    return refuse("price.commission_basis_points", "at most 10,000, which is all of it");
  if (price.packet_sessions() > kPacketSessionsMax)
    return refuse("price.packet_sessions", "at most 1,000");
  if (price.packet_days() > kPacketDaysMax) return refuse("price.packet_days", "at most ten years");
  return {};
}

Status complete_draft(engine::Reader& reader, Invoice& invoice) {
  invoice.set_status(INVOICE_STATUS_DRAFT);
  invoice.clear_series();
  invoice.clear_number();
  invoice.clear_issued_us();
  invoice.clear_instalments();
  invoice.clear_paid_cents();
  invoice.clear_cancel_reason();
  invoice.clear_cancelled_us();
  RETURN_IF_ERROR(set_currency(*invoice.mutable_currency(), "invoice.currency"));
  RETURN_IF_ERROR(check_text(invoice.note(), kNoteBytesMax, "invoice.note"));
  RETURN_IF_ERROR(id_from_bytes(invoice.patient_id(), "invoice.patient_id").status());
  RETURN_IF_ERROR(check_there(reader, clinics_table(), invoice.clinic_id(), "invoice.clinic_id"));
  RETURN_IF_ERROR(check_there(reader, appointments_table(), invoice.appointment_id(),
                              "invoice.appointment_id"));
  if (invoice.items().empty()) return refuse("invoice.items", "at least one is needed");
  if (static_cast<std::size_t>(invoice.items_size()) > kListItemsMax)
    return refuse("invoice.items", "at most " + std::to_string(kListItemsMax) + " are possible");
  for (int i = 0; i < invoice.items_size(); ++i) {
    RETURN_IF_ERROR(complete_item(reader, invoice, "invoice.items[" + std::to_string(i) + "].",
                                  *invoice.mutable_items(i)));
  }
  return reckon(invoice);
}

Status set_instalments(const IssueInvoiceRequest& request, const Date& today, Invoice& invoice) {
  auto& instalments = *invoice.mutable_instalments();
  instalments.Clear();
  if (request.instalments().empty()) {
    const std::uint32_t count = std::max<std::uint32_t>(1, request.instalment_count());
    if (count > kInstalmentsMax) return refuse("instalment_count", "at most 120");
    const Date first = request.has_first_due() ? request.first_due() : today;
    RETURN_IF_ERROR(check_date(first, false, "first_due"));
    const std::vector<std::int64_t> parts = split_evenly(invoice.total_cents(), count);
    for (std::uint32_t i = 0; i < count; ++i) {
      Instalment& instalment = *instalments.Add();
      *instalment.mutable_due() = months_later(first, static_cast<int>(i));
      instalment.set_cents(parts[i]);
    }
    return {};
  }
  if (static_cast<std::uint32_t>(request.instalments_size()) > kInstalmentsMax)
    return refuse("instalments", "at most 120");
  std::int64_t left = invoice.total_cents();
  for (int i = 0; i < request.instalments_size(); ++i) {
    const std::string field = "instalments[" + std::to_string(i) + "].";
    const Instalment& given = request.instalments(i);
    RETURN_IF_ERROR(check_date(given.due(), false, field + "due"));
    if (given.cents() < 0 || given.cents() > left)
      return refuse(field + "cents", "together they are more than the total");
    left -= given.cents();
    Instalment& instalment = *instalments.Add();
    *instalment.mutable_due() = given.due();
    instalment.set_cents(given.cents());
  }
  if (left != 0)
    return refuse("instalments", "they lack " + std::to_string(left) + " cents of the total");
  std::stable_sort(
      instalments.begin(), instalments.end(),
      [](const Instalment& a, const Instalment& b) { return before(a.due(), b.due()); });
  return {};
}

Result<std::string> parse_series(std::string_view text, std::string_view field) {
  if (text.empty()) return std::string("1");
  const bool good = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
  if (good && text.size() <= kSeriesBytesMax) return std::string(text);
  return refuse(std::string(field), "1 to 20 of A-Z, 0-9 and -");
}

}  // namespace clinicdb::clinic::billing
