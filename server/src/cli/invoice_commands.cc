// invoice draft, issue, show, list, pay, payments, refund, cancel.
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/money_text.h"
#include "cli/page_list.h"
#include "cli/tenant_call.h"
#include "cli/time_text.h"
#include "clinicdb/clinic/schema/billing.pb.h"

namespace clinicdb::server {

namespace {

std::string number_text(const clinic::Invoice& invoice) {
  return invoice.number() == 0 ? "" : invoice.series() + "/" + std::to_string(invoice.number());
}

std::string status_text(const clinic::Invoice& invoice) {
  const bool paid = invoice.status() == clinic::INVOICE_STATUS_ISSUED &&
                    invoice.paid_cents() == invoice.total_cents();
  return paid ? "paid"
              : enum_text(*clinic::InvoiceStatus_descriptor()->FindValueByNumber(invoice.status()));
}

struct DraftOptions {
  std::string patient;
  std::vector<std::string> items;
  std::string professional;
  std::string discount;
};

/// "PRICE", "PRICE*3": a price's id, and how many.
Status parse_item(const std::string& text, clinic::InvoiceItem& item) {
  const std::size_t times = text.find('*');
  ASSIGN_OR_RETURN(*item.mutable_price_id(), parse_id(text.substr(0, times), "--item"));
  if (times == std::string::npos) return {};
  const std::string quantity = text.substr(times + 1);
  if (quantity.empty() || quantity.size() > 5 ||
      quantity.find_first_not_of("0123456789") != std::string::npos) {
    return invalid_argument("--item: \"" + text + "\" is no PRICE or PRICE*QUANTITY")
        .with_field("--item");
  }
  item.set_quantity(static_cast<std::uint32_t>(std::stoul(quantity)));
  return {};
}

Result<ExitCode> draft(Session& session, const DraftOptions& options) {
  clinic::DraftInvoiceRequest request;
  clinic::Invoice& invoice = *request.mutable_invoice();
  ASSIGN_OR_RETURN(*invoice.mutable_patient_id(), parse_patient_id(options.patient, "--patient"));
  std::string professional;
  if (!options.professional.empty()) {
    ASSIGN_OR_RETURN(professional, parse_record_id(clinic::RESOURCE_TYPE_PRACTITIONER,
                                                   options.professional, "--professional"));
  }
  for (const std::string& text : options.items) {
    clinic::InvoiceItem& item = *invoice.add_items();
    RETURN_IF_ERROR(parse_item(text, item));
    item.set_professional_id(professional);
  }
  if (!options.discount.empty()) {
    ASSIGN_OR_RETURN(const std::int64_t cents, parse_cents(options.discount, "--discount"));
    invoice.set_discount_cents(cents);
  }
  return call_tenant<clinic::DraftInvoiceResponse>(
      session, Access::kChange, clinic::METHOD_BILLING_DRAFT_INVOICE, request,
      [&](const auto& done) {
        session.say("Drafted invoice " + id_text(done.result().id()) + " of " +
                    format_cents(done.total_cents()) + ".");
      });
}

struct IssueOptions {
  std::string id;
  std::string series;
  std::uint64_t instalments = 1;
  std::string first_due;
};

Result<ExitCode> issue(Session& session, const IssueOptions& options) {
  clinic::IssueInvoiceRequest request;
  ASSIGN_OR_RETURN(*request.mutable_id(), parse_id(options.id, "ID"));
  request.set_series(options.series);
  request.set_instalment_count(static_cast<std::uint32_t>(options.instalments));
  if (!options.first_due.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_first_due(),
                     parse_day(options.first_due, false, "--first-due"));
  }
  return call_tenant<clinic::IssueInvoiceResponse>(
      session, Access::kChange, clinic::METHOD_BILLING_ISSUE_INVOICE, request,
      [&](const auto& done) {
        session.say("Issued invoice " + done.series() + "/" + std::to_string(done.number()) + ".");
        for (const std::string& packet : done.packet_ids())
          session.say("Sold packet " + id_text(packet) + ".");
      });
}

void show_invoice(Session& session, const clinic::Invoice& invoice) {
  TextTable head({{""}, {""}});
  head.add({"id", id_text(invoice.id())});
  if (invoice.number() != 0) head.add({"number", number_text(invoice)});
  head.add({"status", status_text(invoice)});
  head.add({"patient", id_text(invoice.patient_id())});
  head.add({"total", format_cents(invoice.total_cents()) + " " + invoice.currency()});
  if (invoice.discount_cents() != 0) head.add({"discount", format_cents(invoice.discount_cents())});
  head.add({"paid", format_cents(invoice.paid_cents())});
  session.show(head);
  TextTable items(
      {{"ITEM"}, {"QUANTITY", Align::kRight}, {"UNIT", Align::kRight}, {"TOTAL", Align::kRight}});
  for (const clinic::InvoiceItem& item : invoice.items()) {
    items.add({item.description(), with_commas(item.quantity()), format_cents(item.unit_cents()),
               format_cents(item.total_cents())});
  }
  session.show(items);
  TextTable instalments({{"DUE"}, {"AMOUNT", Align::kRight}, {"PAID", Align::kRight}});
  for (const clinic::Instalment& instalment : invoice.instalments()) {
    instalments.add({format_day(instalment.due()), format_cents(instalment.cents()),
                     format_cents(instalment.paid_cents())});
  }
  if (!instalments.empty()) session.show(instalments);
}

/// "1/42", or an id.
Result<ExitCode> show(Session& session, const std::string& which) {
  const std::size_t slash = which.find('/');
  const auto show = [&](const auto& found) { show_invoice(session, found.invoice()); };
  if (slash == std::string::npos) {
    clinic::GetInvoiceRequest request;
    ASSIGN_OR_RETURN(*request.mutable_id(), parse_id(which, "ID"));
    return call_tenant<clinic::GetInvoiceResponse>(
        session, Access::kRead, clinic::METHOD_BILLING_GET_INVOICE, request, show);
  }
  clinic::FindInvoiceRequest request;
  request.set_series(which.substr(0, slash));
  const std::string number = which.substr(slash + 1);
  if (number.empty() || number.size() > 18 ||
      number.find_first_not_of("0123456789") != std::string::npos) {
    return invalid_argument("ID: \"" + which + "\" is no id and no SERIES/NUMBER").with_field("ID");
  }
  request.set_number(std::stoull(number));
  return call_tenant<clinic::GetInvoiceResponse>(
      session, Access::kRead, clinic::METHOD_BILLING_FIND_INVOICE, request, show);
}

struct ListOptions {
  std::string patient;
  std::string status;
  std::uint64_t limit = 20;
  std::string cursor;
};

Result<ExitCode> list(Session& session, const ListOptions& options) {
  clinic::ListInvoicesRequest request;
  if (!options.patient.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_patient_id(), parse_patient_id(options.patient, "--patient"));
  }
  const auto& statuses = *clinic::InvoiceStatus_descriptor();
  for (int i = 0; i < statuses.value_count(); ++i) {
    if (enum_text(*statuses.value(i)) == options.status)
      request.set_status(static_cast<clinic::InvoiceStatus>(statuses.value(i)->number()));
  }
  request.set_limit(static_cast<std::uint32_t>(options.limit));
  ASSIGN_OR_RETURN(*request.mutable_cursor(), parse_cursor(options.cursor));
  return call_tenant<clinic::ListInvoicesResponse>(
      session, Access::kRead, clinic::METHOD_BILLING_LIST_INVOICES, request,
      [&](const auto& found) {
        TextTable table({{"ID"},
                         {"NUMBER"},
                         {"STATUS"},
                         {"PATIENT"},
                         {"TOTAL", Align::kRight},
                         {"PAID", Align::kRight}});
        for (const clinic::Invoice& invoice : found.invoices()) {
          table.add({id_text(invoice.id()), number_text(invoice), status_text(invoice),
                     id_text(invoice.patient_id()), format_cents(invoice.total_cents()),
                     format_cents(invoice.paid_cents())});
        }
        show_or_say(session, table, "There are no invoices.");
        if (!found.cursor().empty())
          session.say("There are more: --cursor " + cursor_text(found.cursor()));
      });
}

struct PayOptions {
  std::string id;
  std::string amount;
  std::string method = "pix";
  std::string provider;
};

Result<ExitCode> pay(Session& session, const PayOptions& options) {
  clinic::PayInvoiceRequest request;
  ASSIGN_OR_RETURN(*request.mutable_invoice_id(), parse_id(options.id, "ID"));
  ASSIGN_OR_RETURN(const std::int64_t cents, parse_cents(options.amount, "--amount"));
  request.set_cents(cents);
  request.set_provider_id(options.provider);
  const auto& methods = *clinic::PaymentMethod_descriptor();
  for (int i = 0; i < methods.value_count(); ++i) {
    if (enum_text(*methods.value(i)) == options.method)
      request.set_method(static_cast<clinic::PaymentMethod>(methods.value(i)->number()));
  }
  return call_tenant<clinic::PayInvoiceResponse>(
      session, Access::kChange, clinic::METHOD_BILLING_PAY_INVOICE, request, [&](const auto& done) {
        session.say("Payment " + id_text(done.result().id()) +
                    "; open: " + format_cents(done.open_cents()) + ".");
      });
}

struct PaymentsOptions {
  std::string invoice;
  std::string from;
  std::string to;
  PageOptions page;
};

Result<ExitCode> payments(Session& session, const PaymentsOptions& options) {
  clinic::ListPaymentsRequest request;
  const bool in_period = !options.from.empty() && !options.to.empty();
  if (options.invoice.empty() != in_period || options.from.empty() != options.to.empty()) {
    return invalid_argument("ID: give an invoice, or --from and --to").with_field("ID");
  }
  ASSIGN_OR_RETURN(*request.mutable_cursor(), parse_cursor(options.page.cursor));
  if (!options.invoice.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_invoice_id(),
                     parse_record_id(clinic::RESOURCE_TYPE_INVOICE, options.invoice, "ID"));
  }
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kRead));
  ASSIGN_OR_RETURN(const clinic::CallContext context, session.tenant_context());
  if (in_period) {
    ASSIGN_OR_RETURN(const Time from,
                     parse_time(options.from + "T00:00", session.zone(), "--from"));
    ASSIGN_OR_RETURN(const Time to, parse_time(options.to + "T00:00", session.zone(), "--to"));
    request.mutable_period()->set_start_us(from.us);
    request.mutable_period()->set_end_us(to.us);
  }
  Json records = Json::array();
  TextTable table(
      {{"TIME"}, {"KIND"}, {"METHOD"}, {"AMOUNT", Align::kRight}, {"INVOICE"}, {"PAYMENT"}});
  const auto take = [&](const clinic::ListPaymentsResponse& page) {
    for (const clinic::Payment& payment : page.payments()) {
      records.push_back(to_json(payment));
      table.add(
          {format_local(Time{payment.time_us()}, session.zone()),
           enum_text(*clinic::PaymentKind_descriptor()->FindValueByNumber(payment.kind())),
           enum_text(*clinic::PaymentMethod_descriptor()->FindValueByNumber(payment.method())),
           format_cents(payment.cents()), id_text(payment.invoice_id()), id_text(payment.id())});
    }
    return static_cast<std::uint64_t>(page.payments_size());
  };
  ASSIGN_OR_RETURN(const std::string cursor,
                   each_page<clinic::ListPaymentsResponse>(*target, context,
                                                           clinic::METHOD_BILLING_LIST_PAYMENTS,
                                                           request, options.page.limit, take));
  show_list(session, "payments", std::move(records), table, cursor);
  return ExitCode::kDone;
}

struct RefundOptions {
  std::string id;
  std::string amount;
};

Result<ExitCode> refund(Session& session, const RefundOptions& options) {
  clinic::RefundPaymentRequest request;
  ASSIGN_OR_RETURN(*request.mutable_payment_id(), parse_id(options.id, "PAYMENT"));
  if (!options.amount.empty()) {
    ASSIGN_OR_RETURN(const std::int64_t cents, parse_cents(options.amount, "--amount"));
    request.set_cents(cents);
  }
  return call_tenant<clinic::RefundPaymentResponse>(
      session, Access::kChange, clinic::METHOD_BILLING_REFUND_PAYMENT, request,
      [&](const auto& done) {
        session.say("Refund " + id_text(done.result().id()) +
                    "; open: " + format_cents(done.open_cents()) + ".");
      });
}

struct CancelOptions {
  std::string id;
  std::string reason;
};

Result<ExitCode> cancel(Session& session, const CancelOptions& options) {
  clinic::CancelInvoiceRequest request;
  ASSIGN_OR_RETURN(*request.mutable_id(), parse_id(options.id, "ID"));
  request.set_reason(options.reason);
  return call_tenant<clinic::CancelInvoiceResponse>(
      session, Access::kChange, clinic::METHOD_BILLING_CANCEL_INVOICE, request,
      [&](const auto&) { session.say("Cancelled; the number is not used again."); });
}

void add_invoice_making(Commands& commands) {
  commands.group("invoice", "Invoices: draft, issue, show, list, pay, payments, refund, cancel");
  auto drafted = std::make_shared<DraftOptions>();
  Command draft_command =
      commands.add("invoice draft", "Draft an invoice", Needs::kTenant,
                   {example("invoice draft", std::string("--patient ") + kExampleId + " --item " +
                                                 kExampleId + "*2 --discount 10.00")},
                   [drafted](Session& session) { return draft(session, *drafted); });
  draft_command.text("--patient", drafted->patient, "A patient's id").type("ID").required();
  draft_command.texts("--item", drafted->items, "A price's id, or ID*QUANTITY; may be given again")
      .type("ITEM")
      .required();
  draft_command.text("--professional", drafted->professional, "Who did it, for the commission")
      .type("ID");
  draft_command.text("--discount", drafted->discount, "On the whole").type("AMOUNT");

  auto issued = std::make_shared<IssueOptions>();
  Command issue_command = commands.add(
      "invoice issue", "Give a draft its number, and fix what is due when", Needs::kTenant,
      {example("invoice issue",
               std::string(kExampleId) + " --instalments 3 --first-due 2026-12-10")},
      [issued](Session& session) { return issue(session, *issued); });
  issue_command.text("ID", issued->id, "Of the draft").required();
  issue_command.text("--series", issued->series, "Of the number; else 1");
  issue_command.number("--instalments", issued->instalments, 1, 120, "Equal ones, a month apart");
  issue_command.text("--first-due", issued->first_due, "Of the first; else today").type("DAY");

  auto cancelled = std::make_shared<CancelOptions>();
  Command cancel_command = commands.add(
      "invoice cancel", "Cancel an invoice of which nothing is paid", Needs::kTenant,
      {example("invoice cancel", std::string(kExampleId) + " --reason \"wrong item\"")},
      [cancelled](Session& session) { return cancel(session, *cancelled); });
  cancel_command.text("ID", cancelled->id, "Of the invoice").required();
  cancel_command.text("--reason", cancelled->reason, "Why; kept with it");
}

void add_invoice_money(Commands& commands) {
  auto paid = std::make_shared<PayOptions>();
  Command pay_command = commands.add(
      "invoice pay", "Take a payment: of the instalment due first, and on", Needs::kTenant,
      {example("invoice pay", std::string(kExampleId) + " --amount 50.00 --method pix")},
      [paid](Session& session) { return pay(session, *paid); });
  pay_command.text("ID", paid->id, "Of the invoice").required();
  pay_command.text("--amount", paid->amount, "At most what is open").type("AMOUNT").required();
  pay_command.text("--method", paid->method, "How; pix when not given")
      .choices({"cash", "pix", "debit-card", "credit-card", "bank-slip", "transfer", "insurance",
                "other"});
  pay_command.text("--provider", paid->provider, "The provider's own number of it; taken once");

  auto refunded = std::make_shared<RefundOptions>();
  Command refund_command =
      commands.add("invoice refund", "Give a payment back, or a part of it", Needs::kTenant,
                   {example("invoice refund", std::string(kExampleId) + " --amount 20.00")},
                   [refunded](Session& session) { return refund(session, *refunded); });
  refund_command.text("PAYMENT", refunded->id, "The payment's id").required();
  refund_command.text("--amount", refunded->amount, "Else all that is left of it").type("AMOUNT");
}

void add_invoice_views(Commands& commands) {
  auto paid = std::make_shared<PaymentsOptions>();
  Command payments_command =
      commands.add("invoice payments",
                   "Show the payments and refunds of an invoice, or of a period", Needs::kTenant,
                   {example("invoice payments", kExampleId),
                    example("invoice payments", "--from 2026-12-01 --to 2027-01-01")},
                   [paid](Session& session) { return payments(session, *paid); });
  payments_command.text("ID", paid->invoice, "Of this invoice");
  payments_command.text("--from", paid->from, "First day").type("DAY");
  payments_command.text("--to", paid->to, "The day after the last").type("DAY");
  add_page_options(payments_command, paid->page, false);
  auto which = std::make_shared<std::string>();
  commands
      .add("invoice show", "Show an invoice", Needs::kTenant,
           {example("invoice show", kExampleId), example("invoice show", "1/42")},
           [which](Session& session) { return show(session, *which); })
      .text("ID", *which, "Its id, or SERIES/NUMBER")
      .required();
  auto options = std::make_shared<ListOptions>();
  Command list_command =
      commands.add("invoice list", "Show the invoices of a patient, or of a status", Needs::kTenant,
                   {example("invoice list", std::string("--patient ") + kExampleId),
                    example("invoice list", "--status draft")},
                   [options](Session& session) { return list(session, *options); });
  CommandOption patient = list_command.text("--patient", options->patient, "A patient's id");
  CommandOption status =
      list_command.text("--status", options->status, "draft, issued or cancelled");
  patient.type("ID").excludes(status.choices({"draft", "issued", "cancelled"}));
  list_command.number("--limit", options->limit, 1, 1000, "How many at most");
  list_command.text("--cursor", options->cursor, "Go on where an earlier page ended");
}

}  // namespace

void add_invoice_commands(Commands& commands) {
  add_invoice_making(commands);
  add_invoice_money(commands);
  add_invoice_views(commands);
}

}  // namespace clinicdb::server
