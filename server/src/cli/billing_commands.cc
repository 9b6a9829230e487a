// price add, get, list; billing ageing, commissions, series; packet list, use, uses, return.
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/money_text.h"
#include "cli/record_view.h"
#include "cli/tenant_call.h"
#include "cli/time_text.h"
#include "clinicdb/clinic/schema/billing.pb.h"

namespace clinicdb::server {

namespace {

struct PriceOptions {
  std::string name;
  std::string code;
  std::string amount;
  std::uint64_t sessions = 0;
  std::uint64_t days = 0;
  std::uint64_t commission = 0;
};

Result<ExitCode> add_price(Session& session, const PriceOptions& options) {
  clinic::PutPriceRequest request;
  clinic::Price& price = *request.mutable_price();
  price.set_name(options.name);
  price.set_code(options.code);
  ASSIGN_OR_RETURN(const std::int64_t cents, parse_cents(options.amount, "--amount"));
  price.set_cents(cents);
  price.set_packet_sessions(static_cast<std::uint32_t>(options.sessions));
  price.set_packet_days(static_cast<std::uint32_t>(options.days));
  price.set_commission_basis_points(static_cast<std::uint32_t>(options.commission));
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kChange));
  ASSIGN_OR_RETURN(const clinic::CallContext context, session.tenant_context());
  ASSIGN_OR_RETURN(
      const auto done,
      ask<clinic::PutPriceResponse>(*target, clinic::METHOD_BILLING_PUT_PRICE, context, request));
  session.show_written("Added price", done->result());
  return ExitCode::kDone;
}

Result<ExitCode> list_prices(Session& session, const std::string& word) {
  clinic::ListPricesRequest request;
  request.set_name(word);
  request.set_limit(1000);
  return call_tenant<clinic::ListPricesResponse>(
      session, Access::kRead, clinic::METHOD_BILLING_LIST_PRICES, request, [&](const auto& found) {
        TextTable table(
            {{"ID"}, {"CODE"}, {"NAME"}, {"PRICE", Align::kRight}, {"SESSIONS", Align::kRight}});
        for (const clinic::Price& price : found.prices()) {
          table.add({id_text(price.id()), price.code(), price.name(), format_cents(price.cents()),
                     price.packet_sessions() == 0 ? "" : std::to_string(price.packet_sessions())});
        }
        show_or_say(session, table, "There are no prices.");
      });
}

Result<ExitCode> ageing(Session& session, const std::string& day) {
  clinic::AgeingRequest request;
  if (!day.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_day(), parse_day(day, false, "--day"));
  }
  return call_tenant<clinic::AgeingResponse>(
      session, Access::kRead, clinic::METHOD_BILLING_AGEING, request, [&](const auto& report) {
        TextTable table({{"OVERDUE"}, {"INSTALMENTS", Align::kRight}, {"OPEN", Align::kRight}});
        const auto add = [&](const std::string& name, const clinic::AgeingBucket& bucket) {
          table.add({name, with_commas(bucket.instalments()), format_cents(bucket.cents())});
        };
        add("not due", report.not_due());
        for (const clinic::AgeingBucket& bucket : report.overdue()) {
          add(bucket.to_days() == 0
                  ? "more than " + std::to_string(bucket.from_days() - 1) + " days"
                  : std::to_string(bucket.from_days()) + " to " + std::to_string(bucket.to_days()) +
                        " days",
              bucket);
        }
        session.show(table);
        session.say("Open on " + format_day(report.day()) + ": " +
                    format_cents(report.open_cents()) + ".");
      });
}

struct PeriodOptions {
  std::string from;
  std::string to;
};

Result<ExitCode> commissions(Session& session, const PeriodOptions& options) {
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kRead));
  ASSIGN_OR_RETURN(const clinic::CallContext context, session.tenant_context());
  clinic::CommissionsRequest request;
  ASSIGN_OR_RETURN(const Time from, parse_time(options.from + "T00:00", session.zone(), "--from"));
  ASSIGN_OR_RETURN(const Time to, parse_time(options.to + "T00:00", session.zone(), "--to"));
  request.mutable_period()->set_start_us(from.us);
  request.mutable_period()->set_end_us(to.us);
  ASSIGN_OR_RETURN(const auto report,
                   ask<clinic::CommissionsResponse>(*target, clinic::METHOD_BILLING_COMMISSIONS,
                                                    context, request));
  if (session.json()) {
    session.show(to_json(*report));
    return ExitCode::kDone;
  }
  TextTable table({{"PROFESSIONAL"},
                   {"INVOICES", Align::kRight},
                   {"NET", Align::kRight},
                   {"COMMISSION", Align::kRight},
                   {"EARNED", Align::kRight}});
  for (const clinic::ProfessionalCommission& each : report->professionals()) {
    table.add({id_text(each.professional_id()), with_commas(each.invoices()),
               format_cents(each.net_cents()), format_cents(each.commission_cents()),
               format_cents(each.earned_cents())});
  }
  show_or_say(session, table, "There are no commissions in this period.");
  return ExitCode::kDone;
}

Result<ExitCode> list_series(Session& session) {
  return call_tenant<clinic::ListSeriesResponse>(
      session, Access::kRead, clinic::METHOD_BILLING_LIST_SERIES, clinic::ListSeriesRequest(),
      [&](const auto& found) {
        TextTable table({{"SERIES"}, {"LAST NUMBER", Align::kRight}});
        for (const clinic::FiscalSeries& each : found.series())
          table.add({each.series(), std::to_string(each.last_number())});
        show_or_say(session, table, "No invoice was issued yet.");
      });
}

Result<ExitCode> list_packets(Session& session, const std::string& patient) {
  clinic::ListPacketsRequest request;
  ASSIGN_OR_RETURN(*request.mutable_patient_id(), parse_patient_id(patient, "PATIENT"));
  return call_tenant<clinic::ListPacketsResponse>(
      session, Access::kRead, clinic::METHOD_BILLING_LIST_PACKETS, request, [&](const auto& found) {
        TextTable table(
            {{"ID"}, {"NAME"}, {"USED", Align::kRight}, {"OF", Align::kRight}, {"UNTIL"}});
        for (const clinic::Packet& packet : found.packets()) {
          table.add(
              {id_text(packet.id()), packet.name() + (packet.cancelled() ? " (cancelled)" : ""),
               std::to_string(packet.used()), std::to_string(packet.sessions()),
               packet.expires_us() == 0 ? ""
                                        : format_local(Time{packet.expires_us()}, session.zone())});
        }
        show_or_say(session, table, "This patient has no packets.");
      });
}

struct UseOptions {
  std::string packet;
  std::string appointment;
};

Result<ExitCode> use_packet(Session& session, const UseOptions& options) {
  clinic::UsePacketRequest request;
  ASSIGN_OR_RETURN(*request.mutable_packet_id(), parse_id(options.packet, "PACKET"));
  if (!options.appointment.empty()) {
    ASSIGN_OR_RETURN(
        *request.mutable_appointment_id(),
        parse_record_id(clinic::RESOURCE_TYPE_APPOINTMENT, options.appointment, "--appointment"));
  }
  return call_tenant<clinic::UsePacketResponse>(
      session, Access::kChange, clinic::METHOD_BILLING_USE_PACKET, request, [&](const auto& done) {
        session.say(
            "Session " + std::to_string(done.session()) + ", " + std::to_string(done.left()) +
            " left. To take it back: clinicdb packet return " + id_text(done.result().id()));
      });
}

Result<ExitCode> list_uses(Session& session, const std::string& packet) {
  clinic::ListPacketUsesRequest request;
  ASSIGN_OR_RETURN(*request.mutable_packet_id(), parse_id(packet, "PACKET"));
  return call_tenant<clinic::ListPacketUsesResponse>(
      session, Access::kRead, clinic::METHOD_BILLING_LIST_PACKET_USES, request,
      [&](const auto& found) {
        TextTable table(
            {{"SESSION", Align::kRight}, {"TIME"}, {"RETURNED"}, {"APPOINTMENT"}, {"USE"}});
        for (const clinic::PacketUse& use : found.uses()) {
          table.add(
              {std::to_string(use.session()), format_local(Time{use.time_us()}, session.zone()),
               use.returned_us() == 0 ? "" : format_local(Time{use.returned_us()}, session.zone()),
               id_text(use.appointment_id()), id_text(use.id())});
        }
        show_or_say(session, table, "No session was used.");
      });
}

Result<ExitCode> return_session(Session& session, const std::string& use) {
  clinic::ReturnSessionRequest request;
  ASSIGN_OR_RETURN(*request.mutable_use_id(), parse_id(use, "USE"));
  return call_tenant<clinic::ReturnSessionResponse>(
      session, Access::kChange, clinic::METHOD_BILLING_RETURN_SESSION, request,
      [&](const auto& done) { session.say(std::to_string(done.left()) + " sessions left."); });
}

void add_prices(Commands& commands) {
  commands.group("price", "The price list: add, get, list");
  auto options = std::make_shared<PriceOptions>();
  Command add = commands.add(
      "price add", "Put something on the price list", Needs::kTenant,
      {example("price add", "--name \"Limpeza de pele\" --amount 150.00 --code LIMP"),
       example("price add",
               "--name \"Laser, 10 sessions\" --amount 1800 --sessions 10 --days 365")},
      [options](Session& session) { return add_price(session, *options); });
  add.text("--name", options->name, "What it is").required();
  add.text("--amount", options->amount, "What it costs").type("AMOUNT").required();
  add.text("--code", options->code, "The clinic's own code of it, or TUSS");
  add.number("--sessions", options->sessions, 0, 1000, "Sell a packet of so many sessions");
  add.number("--days", options->days, 0, 3660, "For which the packet is good; 0: no end");
  add.number("--commission", options->commission, 0, 10000, "To the professional, of 10,000");
  auto word = std::make_shared<std::string>();
  commands
      .add("price list", "Show the price list", Needs::kTenant, {example("price list", "limp")},
           [word](Session& session) { return list_prices(session, *word); })
      .text("WORD", *word, "That a word of the name begins with");
  add_get<clinic::GetPriceRequest>(commands, "price get", "Show a price",
                                   clinic::METHOD_BILLING_GET_PRICE,
                                   clinic::RESOURCE_TYPE_UNSPECIFIED, "As `price list` shows it");
}

void add_reports(Commands& commands) {
  commands.group("billing", "Reports: ageing, commissions, series");
  auto day = std::make_shared<std::string>();
  commands
      .add("billing ageing", "What is open, by how long it has been due", Needs::kTenant,
           {example("billing ageing", "--day 2026-12-31")},
           [day](Session& session) { return ageing(session, *day); })
      .text("--day", *day, "As of; else today")
      .type("DAY");
  auto period = std::make_shared<PeriodOptions>();
  Command command = commands.add(
      "billing commissions", "What professionals get of the invoices issued in a period",
      Needs::kTenant, {example("billing commissions", "--from 2026-12-01 --to 2027-01-01")},
      [period](Session& session) { return commissions(session, *period); });
  command.text("--from", period->from, "First day").type("DAY").required();
  command.text("--to", period->to, "The day after the last").type("DAY").required();
  commands.add("billing series", "The series of fiscal numbers, and the last number of each",
               Needs::kTenant, {example("billing series", "")}, &list_series);
}

void add_packets(Commands& commands) {
  commands.group("packet", "Packets of sessions: list, use, uses, return");
  auto patient = std::make_shared<std::string>();
  commands
      .add("packet list", "Show a patient's packets", Needs::kTenant,
           {example("packet list", kExampleId)},
           [patient](Session& session) { return list_packets(session, *patient); })
      .text("PATIENT", *patient, "A patient's id")
      .required();
  auto options = std::make_shared<UseOptions>();
  Command use = commands.add("packet use", "Use a session of a packet", Needs::kTenant,
                             {example("packet use", kExampleId)},
                             [options](Session& session) { return use_packet(session, *options); });
  use.text("PACKET", options->packet, "The packet's id").required();
  use.text("--appointment", options->appointment, "At which; one uses one session").type("ID");
  auto packet = std::make_shared<std::string>();
  commands
      .add("packet uses", "Show when the sessions of a packet were used", Needs::kTenant,
           {example("packet uses", kExampleId)},
           [packet](Session& session) { return list_uses(session, *packet); })
      .text("PACKET", *packet, "The packet's id")
      .required();
  auto returned = std::make_shared<std::string>();
  commands
      .add("packet return", "Take a used session back", Needs::kTenant,
           {example("packet return", kExampleId)},
           [returned](Session& session) { return return_session(session, *returned); })
      .text("USE", *returned, "As `packet use` says it, or `packet uses`")
      .required();
}

}  // namespace

void add_billing_commands(Commands& commands) {
  add_prices(commands);
  add_reports(commands);
  add_packets(commands);
}

}  // namespace clinicdb::server
