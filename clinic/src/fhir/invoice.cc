#include "fhir/invoice.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <string>

#include "billing/sums.h"
#include "clinicdb/clinic/identity.h"

namespace clinicdb::clinic::fhir {

namespace {

constexpr std::string_view kNumberSystem = "urn:clinicdb:invoice-series:";
constexpr std::string_view kPriceTypes =
    "http://terminology.hl7.org/CodeSystem/invoice-priceComponentType";

/// "12.5" as 1250: exactly, or not at all.
std::optional<std::int64_t> cents_of(std::string_view digits) {
  const bool negative = digits.starts_with('-');
  if (negative) digits.remove_prefix(1);
  const std::size_t point = std::min(digits.find('.'), digits.size());
  std::string whole(digits.substr(0, point));
  std::string decimals(digits.substr(std::min(point + 1, digits.size())));
  while (decimals.size() > 2 && decimals.back() == '0') decimals.pop_back();
  if (decimals.size() > 2 || whole.empty() || whole.size() > 13) return {};
  decimals.resize(2, '0');
  whole += decimals;
  std::int64_t cents = 0;
  const auto [end, error] = std::from_chars(whole.data(), whole.data() + whole.size(), cents);
  if (error != std::errc() || end != whole.data() + whole.size()) return {};
  return negative ? -cents : cents;
}

/// The cents of a Money; its currency must be the invoice's.
std::optional<std::int64_t> money(JsonValue value, std::string& currency) {
  const JsonValue amount = value.member("value");
  if (!amount || amount.is_string()) return {};
  const std::string_view code = value.member("currency").text();
  if (!code.empty() && currency.empty()) currency = code;
  if (!code.empty() && currency != code) return {};
  return cents_of(amount.raw());
}

std::uint32_t quantity_of(JsonValue component, std::int64_t amount) {
  const JsonValue factor = component.member("factor");
  std::uint32_t quantity = 0;
  const std::string_view raw = factor.raw();
  const auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), quantity);
  const bool whole = error == std::errc() && end == raw.data() + raw.size();
  return whole && quantity > 0 && amount % quantity == 0 ? quantity : 1;
}

bool read_item(JsonValue line, FieldReader& reader, std::string& currency, InvoiceItem& item) {
  Coding coding;
  std::string text;
  reader.concept_coding(line.member("chargeItemCodeableConcept"), coding, text);
  if (text.empty()) text = coding.display().empty() ? coding.code() : coding.display();
  if (text.empty()) text = line.member("chargeItemReference").member("display").text();
  item.set_description(text.empty() ? "?" : text);
  std::int64_t base = 0;
  bool has_base = false;
  std::int64_t more = 0;
  for (const JsonValue component : reader.objects(line, "priceComponent").children()) {
    const std::string_view type = reader.string(component, "type");
    if (type == "informational") continue;
    const std::optional<std::int64_t> cents = money(component.member("amount"), currency);
    if (!cents) return false;
    if (type == "base") {
      if (has_base) return false;
      has_base = true;
      base = *cents;
      item.set_quantity(quantity_of(component, base));
    } else if (type == "discount" || type == "deduction") {
      item.set_discount_cents(item.discount_cents() + std::abs(*cents));
    } else {
      more += *cents;
    }
  }
  if (!has_base || base < 0 || more < 0) return false;
  if (more != 0) item.set_quantity(1);
  item.set_unit_cents((base + more) / item.quantity());
  return true;
}

Date utc_day(Time time) {
  const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(
      std::chrono::sys_time<std::chrono::microseconds>(std::chrono::microseconds(time.us))));
  Date day;
  day.set_year(static_cast<int>(date.year()));
  day.set_month(static_cast<int>(static_cast<unsigned>(date.month())));
  day.set_day(static_cast<int>(static_cast<unsigned>(date.day())));
  return day;
}

std::string money_json(std::int64_t cents, const std::string& currency) {
  const std::string decimals = std::to_string(100 + std::abs(cents) % 100).substr(1);
  const std::string value =
      std::string(cents < 0 ? "-" : "") + std::to_string(std::abs(cents) / 100) + "." + decimals;
  return ObjectWriter().raw("value", value).string("currency", currency).object();
}

std::string component(std::string_view type, std::uint32_t factor, std::int64_t cents,
                      const std::string& currency) {
  return ObjectWriter()
      .string("type", type)
      .raw("code",
           ObjectWriter()
               .raw("coding",
                    "[" +
                        ObjectWriter().string("system", kPriceTypes).string("code", type).object() +
                        "]")
               .object())
      .raw("factor", factor == 1 ? std::string() : std::to_string(factor))
      .raw("amount", money_json(cents, currency))
      .object();
}

}  // namespace

std::string_view invoice_status_code(const Invoice& invoice) {
  switch (invoice.status()) {
    case INVOICE_STATUS_ISSUED:
      return invoice.paid_cents() == invoice.total_cents() ? "balanced" : "issued";
    case INVOICE_STATUS_CANCELLED:
      return "cancelled";
    default:
      return "draft";
  }
}

std::optional<Invoice> read_invoice(JsonValue resource, FieldReader& reader) {
  reader.require(resource, "status");
  const std::string_view status = reader.string(resource, "status");
  Invoice invoice;
  invoice.set_patient_id(reader.reference(resource.member("subject"), RESOURCE_TYPE_PATIENT));
  const std::optional<Time> time = reader.date_time(resource, "date");
  if (invoice.patient_id().empty() || !time) return std::nullopt;
  invoice.set_created_us(time->us);
  std::string currency;
  for (const JsonValue line : reader.objects(resource, "lineItem").children()) {
    if (!read_item(line, reader, currency, *invoice.add_items())) return std::nullopt;
  }
  if (invoice.items().empty() || currency.size() != 3 || !billing::reckon(invoice).ok())
    return std::nullopt;
  invoice.set_currency(currency);
  for (const char* const name : {"totalGross", "totalNet"}) {
    const JsonValue total = resource.member(name);
    if (!total) continue;
    if (money(total, currency) != invoice.total_cents()) return std::nullopt;
    break;
  }
  if (status == "draft") {
    invoice.set_status(INVOICE_STATUS_DRAFT);
    return invoice;
  }
  if (status == "cancelled") {
    invoice.set_status(INVOICE_STATUS_CANCELLED);
    invoice.set_cancelled_us(time->us);
    invoice.mutable_cancel_reason()->assign(reader.string(resource, "cancelledReason"));
    return invoice;
  }
  if (status != "issued" && status != "balanced") return std::nullopt;
  invoice.set_status(INVOICE_STATUS_ISSUED);
  invoice.set_issued_us(time->us);
  Instalment& instalment = *invoice.add_instalments();
  *instalment.mutable_due() = utc_day(*time);
  instalment.set_cents(invoice.total_cents());
  if (status == "balanced") {
    instalment.set_paid_cents(invoice.total_cents());
    invoice.set_paid_cents(invoice.total_cents());
  }
  return invoice;
}

std::optional<FiscalNumber> fiscal_number(std::string_view system, std::string_view value) {
  if (!system.starts_with(kNumberSystem)) return std::nullopt;
  FiscalNumber fiscal{std::string(system.substr(kNumberSystem.size())), 0};
  std::from_chars(value.data(), value.data() + value.size(), fiscal.number);
  // Written otherwise ("007") it is not what we wrote.
  if (fiscal.number == 0 || std::to_string(fiscal.number) != value) return std::nullopt;
  return fiscal;
}

std::string write_invoice(const Invoice& invoice, const ReferenceOf& reference_of) {
  ObjectWriter writer;
  writer.string("resourceType", "Invoice")
      .string("id", fhir_id_text(invoice.id(), invoice.fhir_id()));
  if (invoice.number() != 0) {
    writer.raw("identifier",
               "[" +
                   ObjectWriter()
                       .string("system", std::string(kNumberSystem) + invoice.series())
                       .string("value", std::to_string(invoice.number()))
                       .object() +
                   "]");
  }
  writer.string("status", invoice_status_code(invoice))
      .string("cancelledReason", invoice.cancel_reason())
      .raw("subject",
           ObjectWriter()
               .string("reference", reference_of(RESOURCE_TYPE_PATIENT, invoice.patient_id()))
               .object())
      .string("date", format_instant(Time{invoice.issued_us() != 0 ? invoice.issued_us()
                                                                   : invoice.created_us()}));
  std::string lines;
  for (int i = 0; i < invoice.items_size(); ++i) {
    const InvoiceItem& item = invoice.items(i);
    // The item's own discount, and its part of the invoice's.
    const std::int64_t gross = item.unit_cents() * item.quantity();
    std::string components = component("base", item.quantity(), gross, invoice.currency());
    if (item.net_cents() != gross) {
      components += "," + component("discount", 1, item.net_cents() - gross, invoice.currency());
    }
    if (!lines.empty()) lines.push_back(',');
    lines += ObjectWriter()
                 .raw("sequence", std::to_string(i + 1))
                 .raw("chargeItemCodeableConcept",
                      ObjectWriter().string("text", item.description()).object())
                 .raw("priceComponent", "[" + components + "]")
                 .object();
  }
  return writer.raw("lineItem", "[" + lines + "]")
      .raw("totalNet", money_json(invoice.total_cents(), invoice.currency()))
      .raw("totalGross", money_json(invoice.total_cents(), invoice.currency()))
      .object();
}

}  // namespace clinicdb::clinic::fhir
