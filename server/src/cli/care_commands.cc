// lot add, get, list, recall, patients; plan and treatment: add, get, list.
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/record_view.h"
#include "cli/tenant_call.h"
#include "cli/time_text.h"
#include "clinicdb/clinic/schema/care.pb.h"

namespace clinicdb::server {

namespace {

/// Quantities are kept in thousandths: "1.5" is 1500.
Result<std::int64_t> parse_quantity(const std::string& text, std::string_view option) {
  const std::size_t point = std::min(text.find('.'), text.size());
  std::string digits = text.substr(0, point);
  std::string decimals = text.substr(std::min(point + 1, text.size()));
  if (digits.empty() || digits.size() > 12 || decimals.size() > 3 ||
      (digits + decimals).find_first_not_of("0123456789") != std::string::npos) {
    return invalid_argument(std::string(option) + ": \"" + text + "\" is no quantity such as 1.5")
        .with_field(option);
  }
  decimals.resize(3, '0');
  return static_cast<std::int64_t>(std::stoll(digits + decimals));
}

std::string quantity_text(std::int64_t thousandths) {
  std::string text = with_commas(static_cast<unsigned long long>(thousandths / 1000));
  std::string decimals = std::to_string(1000 + thousandths % 1000).substr(1);
  while (!decimals.empty() && decimals.back() == '0') decimals.pop_back();
  return decimals.empty() ? text : text + "." + decimals;
}

struct LotOptions {
  std::string product;
  std::string lot;
  std::string expiry;
  std::string quantity = "0";
  std::string unit;
  std::string anvisa;
  std::string reason;
};

Result<ExitCode> add_lot(Session& session, const LotOptions& options) {
  clinic::PutLotRequest request;
  clinic::Lot& lot = *request.mutable_lot();
  lot.set_product(options.product);
  lot.set_lot(options.lot);
  lot.set_unit(options.unit);
  lot.set_anvisa_registration(options.anvisa);
  if (!options.expiry.empty()) {
    ASSIGN_OR_RETURN(*lot.mutable_expiry(), parse_day(options.expiry, false, "--expiry"));
  }
  ASSIGN_OR_RETURN(const std::int64_t quantity, parse_quantity(options.quantity, "--quantity"));
  lot.set_quantity(quantity);
  return call_tenant<clinic::PutLotResponse>(
      session, Access::kChange, clinic::METHOD_CARE_PUT_LOT, request,
      [&](const auto& done) { session.say("Added lot " + id_text(done.result().id()) + "."); });
}

Result<ExitCode> list_lots(Session& session, const LotOptions& options) {
  clinic::ListLotsRequest request;
  request.set_product(options.product);
  if (!options.expiry.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_expires_before(),
                     parse_day(options.expiry, false, "--expires-before"));
  }
  request.set_limit(1000);
  return call_tenant<clinic::ListLotsResponse>(
      session, Access::kRead, clinic::METHOD_CARE_LIST_LOTS, request, [&](const auto& found) {
        TextTable table(
            {{"PRODUCT"}, {"LOT"}, {"EXPIRY"}, {"STOCK", Align::kRight}, {"UNIT"}, {"RECALLED"}});
        for (const clinic::Lot& lot : found.lots()) {
          table.add({lot.product(), lot.lot(), format_day(lot.expiry()),
                     quantity_text(lot.quantity()), lot.unit(),
                     lot.recalled_us() == 0
                         ? ""
                         : format_local(Time{lot.recalled_us()}, session.zone())});
        }
        show_or_say(session, table, "There are no lots.");
      });
}

/// By product and number, or, where there is no number, by its id.
Result<ExitCode> get_lot(Session& session, const LotOptions& options) {
  clinic::GetLotRequest get;
  clinic::FindLotRequest find;
  find.set_product(options.product);
  find.set_lot(options.lot);
  if (options.lot.empty()) {
    ASSIGN_OR_RETURN(*get.mutable_id(), parse_id(options.product, "PRODUCT"));
  }
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kRead));
  ASSIGN_OR_RETURN(const clinic::CallContext context, session.tenant_context());
  const auto show = [&](const clinic::GetLotResponse& found) {
    const clinic::Lot& lot = found.lot();
    TextTable table({{""}, {""}});
    const auto add = [&](const char* name, const std::string& value) {
      if (!value.empty()) table.add({name, value});
    };
    add("id", id_text(lot.id()));
    add("product", lot.product());
    add("lot", lot.lot());
    add("expiry", format_day(lot.expiry()));
    add("stock", quantity_text(lot.quantity()) + (lot.unit().empty() ? "" : " " + lot.unit()));
    add("ANVISA", lot.anvisa_registration());
    if (lot.recalled_us() != 0)
      add("recalled", format_local(Time{lot.recalled_us()}, session.zone()));
    add("reason", lot.recall_reason());
    session.show(table);
  };
  if (options.lot.empty()) {
    return call_opened<clinic::GetLotResponse>(session, *target, context,
                                               clinic::METHOD_CARE_GET_LOT, get, show);
  }
  return call_opened<clinic::GetLotResponse>(session, *target, context,
                                             clinic::METHOD_CARE_FIND_LOT, find, show);
}

Result<ExitCode> recall(Session& session, const LotOptions& options) {
  clinic::RecallLotRequest request;
  request.set_product(options.product);
  request.set_lot(options.lot);
  request.set_reason(options.reason);
  return call_tenant<clinic::RecallLotResponse>(
      session, Access::kChange, clinic::METHOD_CARE_RECALL_LOT, request, [&](const auto& done) {
        session.say("Recalled; it was used on " + with_commas(done.patients()) +
                    " patients: clinicdb lot patients");
      });
}

Result<ExitCode> lot_patients(Session& session, const LotOptions& options) {
  clinic::FindLotPatientsRequest request;
  request.set_product(options.product);
  request.set_lot(options.lot);
  return call_tenant<clinic::FindLotPatientsResponse>(
      session, Access::kRead, clinic::METHOD_CARE_FIND_LOT_PATIENTS, request,
      [&](const auto& found) {
        TextTable table({{"PATIENT"}, {"TIME"}, {"QUANTITY", Align::kRight}, {"TREATMENT"}});
        for (const clinic::LotPatient& patient : found.patients()) {
          for (const auto& use : patient.sessions()) {
            table.add({id_text(patient.patient_id()),
                       format_local(Time{use.time_us()}, session.zone()),
                       quantity_text(use.quantity()), id_text(use.session_id())});
          }
        }
        show_or_say(session, table, "The lot was used on nobody.");
      });
}

struct PlanOptions {
  std::string patient;
  std::string name;
  std::uint64_t sessions = 1;
  std::vector<std::string> areas;
};

Result<ExitCode> add_plan(Session& session, const PlanOptions& options) {
  clinic::PutPlanRequest request;
  clinic::TreatmentPlan& plan = *request.mutable_plan();
  ASSIGN_OR_RETURN(*plan.mutable_patient_id(), parse_patient_id(options.patient, "--patient"));
  plan.set_name(options.name);
  plan.set_sessions(static_cast<std::uint32_t>(options.sessions));
  for (const std::string& area : options.areas) plan.add_areas(area);
  return call_tenant<clinic::PutPlanResponse>(
      session, Access::kChange, clinic::METHOD_CARE_PUT_PLAN, request,
      [&](const auto& done) { session.say("Added plan " + id_text(done.result().id()) + "."); });
}

Result<ExitCode> list_plans(Session& session, const std::string& patient) {
  clinic::ListPlansRequest request;
  ASSIGN_OR_RETURN(*request.mutable_patient_id(), parse_patient_id(patient, "PATIENT"));
  request.set_limit(1000);
  return call_tenant<clinic::ListPlansResponse>(
      session, Access::kRead, clinic::METHOD_CARE_LIST_PLANS, request, [&](const auto& found) {
        TextTable table(
            {{"ID"}, {"NAME"}, {"DONE", Align::kRight}, {"OF", Align::kRight}, {"STATUS"}});
        for (const clinic::TreatmentPlan& plan : found.plans()) {
          table.add(
              {id_text(plan.id()), plan.name(), std::to_string(plan.done()),
               std::to_string(plan.sessions()),
               enum_text(*clinic::PlanStatus_descriptor()->FindValueByNumber(plan.status()))});
        }
        show_or_say(session, table, "This patient has no plans.");
      });
}

struct TreatmentOptions {
  std::string patient;
  std::string plan;
  std::vector<std::string> lots;
  std::vector<std::string> areas;
  std::string note;
};

/// "PRODUCT|LOT" or "PRODUCT|LOT|QUANTITY".
Status parse_lot(const std::string& text, clinic::LotUse& use) {
  const std::size_t first = text.find('|');
  if (first == std::string::npos) {
    return invalid_argument("--lot: \"" + text + "\" is no PRODUCT|LOT or PRODUCT|LOT|QUANTITY")
        .with_field("--lot");
  }
  const std::size_t second = std::min(text.find('|', first + 1), text.size());
  use.set_product(text.substr(0, first));
  use.set_lot(text.substr(first + 1, second - first - 1));
  if (second == text.size()) return {};
  ASSIGN_OR_RETURN(const std::int64_t quantity, parse_quantity(text.substr(second + 1), "--lot"));
  use.set_quantity(quantity);
  return {};
}

Result<ExitCode> add_treatment(Session& session, const TreatmentOptions& options) {
  clinic::AddSessionRequest request;
  clinic::TreatmentSession& treatment = *request.mutable_session();
  if (!options.patient.empty()) {
    ASSIGN_OR_RETURN(*treatment.mutable_patient_id(),
                     parse_patient_id(options.patient, "--patient"));
  }
  if (!options.plan.empty()) {
    ASSIGN_OR_RETURN(*treatment.mutable_plan_id(), parse_id(options.plan, "--plan"));
  }
  for (const std::string& text : options.lots)
    RETURN_IF_ERROR(parse_lot(text, *treatment.add_lots()));
  for (const std::string& area : options.areas) treatment.add_areas(area);
  treatment.set_note(options.note);
  return call_tenant<clinic::AddSessionResponse>(
      session, Access::kChange, clinic::METHOD_CARE_ADD_SESSION, request, [&](const auto& done) {
        session.say("Session " + std::to_string(done.number()) + ", " +
                    std::to_string(done.left()) + " left: " + id_text(done.result().id()) + ".");
      });
}

Result<ExitCode> list_treatments(Session& session, const std::string& patient) {
  clinic::ListSessionsRequest request;
  ASSIGN_OR_RETURN(*request.mutable_patient_id(), parse_patient_id(patient, "PATIENT"));
  request.set_limit(1000);
  return call_tenant<clinic::ListSessionsResponse>(
      session, Access::kRead, clinic::METHOD_CARE_LIST_SESSIONS, request, [&](const auto& found) {
        TextTable table({{"ID"}, {"TIME"}, {"NUMBER", Align::kRight}, {"AREAS"}, {"LOTS"}});
        for (const clinic::TreatmentSession& treatment : found.sessions()) {
          std::string areas;
          for (const std::string& area : treatment.areas())
            areas += (areas.empty() ? "" : ", ") + area;
          std::string lots;
          for (const clinic::LotUse& use : treatment.lots())
            lots += (lots.empty() ? "" : ", ") + use.product() + " " + use.lot();
          table.add({id_text(treatment.id()),
                     format_local(Time{treatment.time_us()}, session.zone()),
                     std::to_string(treatment.number()), areas, lots});
        }
        show_or_say(session, table, "This patient has had no treatment.");
      });
}

Result<ExitCode> get_treatment(Session& session, const std::string& id) {
  clinic::GetSessionRequest request;
  ASSIGN_OR_RETURN(*request.mutable_id(), parse_id(id, "ID"));
  return call_tenant<clinic::GetSessionResponse>(
      session, Access::kRead, clinic::METHOD_CARE_GET_SESSION, request, [&](const auto& found) {
        const clinic::TreatmentSession& treatment = found.session();
        TextTable table({{""}, {""}});
        const auto add = [&](const char* name, const std::string& value) {
          if (!value.empty()) table.add({name, value});
        };
        add("id", id_text(treatment.id()));
        add("patient", id_text(treatment.patient_id()));
        add("time", format_local(Time{treatment.time_us()}, session.zone()));
        add("plan", id_text(treatment.plan_id()));
        add("number", std::to_string(treatment.number()));
        add("professional", id_text(treatment.professional_id()));
        add("appointment", id_text(treatment.appointment_id()));
        for (const std::string& area : treatment.areas()) add("area", area);
        for (const clinic::LotUse& use : treatment.lots())
          add("lot", use.product() + " " + use.lot() + ": " + quantity_text(use.quantity()));
        for (const std::string& attachment : treatment.attachment_ids())
          add("attachment", id_text(attachment));
        add("note", treatment.note());
        session.show(table);
      });
}

void add_lots(Commands& commands) {
  commands.group("lot", "Lots of products: add, get, list, recall, patients");
  auto added = std::make_shared<LotOptions>();
  Command add =
      commands.add("lot add", "Put a lot in stock", Needs::kTenant,
                   {example("lot add", "Botox C1234 --expiry 2027-05-01 --quantity 100 --unit U")},
                   [added](Session& session) { return add_lot(session, *added); });
  add.text("PRODUCT", added->product, "Its name").required();
  add.text("LOT", added->lot, "The lot's number").required();
  add.text("--expiry", added->expiry, "Last day of use").type("DAY");
  add.text("--quantity", added->quantity, "In stock; up to three decimals");
  add.text("--unit", added->unit, "Of the quantity: ml, U, ...");
  add.text("--anvisa", added->anvisa, "Registration with ANVISA");

  auto got = std::make_shared<LotOptions>();
  Command get = commands.add("lot get", "Show a lot", Needs::kTenant,
                             {example("lot get", "Botox C1234"), example("lot get", kExampleId)},
                             [got](Session& session) { return get_lot(session, *got); });
  get.text("PRODUCT", got->product, "Its name; without LOT the id of the lot").required();
  get.text("LOT", got->lot, "The lot's number");

  auto listed = std::make_shared<LotOptions>();
  Command list = commands.add(
      "lot list", "Show lots in stock, what expires first", Needs::kTenant,
      {example("lot list", "Botox"), example("lot list", "--expires-before 2027-01-01")},
      [listed](Session& session) { return list_lots(session, *listed); });
  list.text("PRODUCT", listed->product, "Of this one; else of all");
  list.text("--expires-before", listed->expiry, "What is good no longer than this").type("DAY");

  auto recalled = std::make_shared<LotOptions>();
  Command recall_command =
      commands.add("lot recall", "Recall a lot: nobody can use it any more", Needs::kTenant,
                   {example("lot recall", "Botox C1234 --reason \"ANVISA RE 123/2026\"")},
                   [recalled](Session& session) { return recall(session, *recalled); });
  recall_command.text("PRODUCT", recalled->product, "Its name").required();
  recall_command.text("LOT", recalled->lot, "The lot's number").required();
  recall_command.text("--reason", recalled->reason, "Why; kept with it");

  auto used = std::make_shared<LotOptions>();
  Command patients =
      commands.add("lot patients", "Whom a lot was used on", Needs::kTenant,
                   {example("lot patients", "Botox C1234")},
                   [used](Session& session) { return lot_patients(session, *used); });
  patients.text("PRODUCT", used->product, "Its name").required();
  patients.text("LOT", used->lot, "The lot's number").required();
}

void add_plans(Commands& commands) {
  commands.group("plan", "Treatment plans: add, get, list");
  auto planned = std::make_shared<PlanOptions>();
  Command add = commands.add("plan add", "Plan a treatment", Needs::kTenant,
                             {example("plan add", std::string("--patient ") + kExampleId +
                                                      " --name Laser --sessions 6 --area axillae")},
                             [planned](Session& session) { return add_plan(session, *planned); });
  add.text("--patient", planned->patient, "A patient's id").type("ID").required();
  add.text("--name", planned->name, "What is done").required();
  add.number("--sessions", planned->sessions, 1, 1000, "How many are planned");
  add.texts("--area", planned->areas, "Where; may be given again");
  auto patient = std::make_shared<std::string>();
  commands
      .add("plan list", "Show a patient's plans", Needs::kTenant,
           {example("plan list", kExampleId)},
           [patient](Session& session) { return list_plans(session, *patient); })
      .text("PATIENT", *patient, "A patient's id")
      .required();
  add_get<clinic::GetPlanRequest>(commands, "plan get", "Show a plan", clinic::METHOD_CARE_GET_PLAN,
                                  clinic::RESOURCE_TYPE_UNSPECIFIED, "As `plan list` shows it");
}

void add_treatments(Commands& commands) {
  commands.group("treatment", "Sessions of treatment: add, get, list");
  auto done = std::make_shared<TreatmentOptions>();
  Command add =
      commands.add("treatment add", "Enter a session: the next of its plan", Needs::kTenant,
                   {example("treatment add", std::string("--plan ") + kExampleId +
                                                 " --lot \"Botox|C1234|20\" --area glabella")},
                   [done](Session& session) { return add_treatment(session, *done); });
  add.text("--patient", done->patient, "A patient's id; else the plan's").type("ID");
  add.text("--plan", done->plan, "A plan's id").type("ID");
  add.texts("--lot", done->lots, "What was used, as PRODUCT|LOT|QUANTITY; may be given again");
  add.texts("--area", done->areas, "Where; may be given again");
  add.text("--note", done->note, "What is to be remembered");
  auto patient = std::make_shared<std::string>();
  commands
      .add("treatment list", "Show a patient's sessions", Needs::kTenant,
           {example("treatment list", kExampleId)},
           [patient](Session& session) { return list_treatments(session, *patient); })
      .text("PATIENT", *patient, "A patient's id")
      .required();
  auto id = std::make_shared<std::string>();
  commands
      .add("treatment get", "Show a session", Needs::kTenant,
           {example("treatment get", kExampleId)},
           [id](Session& session) { return get_treatment(session, *id); })
      .text("ID", *id, "As `treatment list` shows it")
      .required();
}

}  // namespace

void add_care_commands(Commands& commands) {
  add_lots(commands);
  add_plans(commands);
  add_treatments(commands);
}

}  // namespace clinicdb::server
