// consent give, withdraw, get, list, check.
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/record_view.h"
#include "cli/tenant_call.h"
#include "cli/time_text.h"
#include "clinicdb/clinic/schema/consent.pb.h"

namespace clinicdb::server {

namespace {

struct GiveOptions {
  std::string patient;
  std::string purpose;
  std::string text;
  std::string channel;
  std::string until;
};

Result<ExitCode> give(Session& session, const GiveOptions& options) {
  clinic::GiveConsentRequest request;
  clinic::Consent& consent = *request.mutable_consent();
  ASSIGN_OR_RETURN(*consent.mutable_patient_id(), parse_patient_id(options.patient, "PATIENT"));
  consent.set_purpose(options.purpose);
  consent.set_text(options.text);
  consent.set_channel(options.channel);
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kChange));
  ASSIGN_OR_RETURN(const clinic::CallContext context, session.tenant_context());
  if (!options.until.empty()) {
    ASSIGN_OR_RETURN(const Time until,
                     parse_time(options.until + "T00:00", session.zone(), "--until"));
    consent.set_expires_us(until.us);
  }
  ASSIGN_OR_RETURN(const auto done, ask<clinic::GiveConsentResponse>(
                                        *target, clinic::METHOD_CONSENTS_GIVE, context, request));
  session.show_written("Noted consent", done->result());
  return ExitCode::kDone;
}

struct WithdrawOptions {
  std::string id;
  std::string reason;
};

Result<ExitCode> withdraw(Session& session, const WithdrawOptions& options) {
  clinic::WithdrawConsentRequest request;
  ASSIGN_OR_RETURN(*request.mutable_id(),
                   parse_record_id(clinic::RESOURCE_TYPE_CONSENT, options.id, "ID"));
  request.set_reason(options.reason);
  return call_tenant<clinic::WithdrawConsentResponse>(
      session, Access::kChange, clinic::METHOD_CONSENTS_WITHDRAW, request,
      [&](const auto&) { session.say("Withdrawn; that it was given stays."); });
}

Result<ExitCode> list(Session& session, const std::string& patient) {
  clinic::ListConsentsRequest request;
  ASSIGN_OR_RETURN(*request.mutable_patient_id(), parse_patient_id(patient, "PATIENT"));
  return call_tenant<clinic::ListConsentsResponse>(
      session, Access::kRead, clinic::METHOD_CONSENTS_LIST, request, [&](const auto& found) {
        TextTable table({{"ID"}, {"PURPOSE"}, {"GIVEN"}, {"UNTIL"}, {"WITHDRAWN"}});
        const auto time = [&](std::int64_t us) {
          return us == 0 ? std::string() : format_local(Time{us}, session.zone());
        };
        for (const clinic::Consent& consent : found.consents()) {
          table.add({id_text(consent.id()), consent.purpose(), time(consent.given_us()),
                     time(consent.expires_us()), time(consent.withdrawn_us())});
        }
        show_or_say(session, table, "This patient has given no consent.");
      });
}

struct CheckOptions {
  std::string patient;
  std::string purpose;
};

Result<ExitCode> check(Session& session, const CheckOptions& options) {
  clinic::CheckConsentRequest request;
  ASSIGN_OR_RETURN(*request.mutable_patient_id(), parse_patient_id(options.patient, "PATIENT"));
  request.set_purpose(options.purpose);
  return call_tenant<clinic::CheckConsentResponse>(
      session, Access::kRead, clinic::METHOD_CONSENTS_CHECK, request, [&](const auto& found) {
        session.say(found.allowed() ? "It stands." : "It does not stand: " + found.reason() + ".");
      });
}

}  // namespace

void add_consent_commands(Commands& commands) {
  commands.group("consent", "What patients agree to: give, withdraw, get, list, check");
  auto given = std::make_shared<GiveOptions>();
  Command give_command = commands.add(
      "consent give", "Note what a patient has agreed to", Needs::kTenant,
      {example("consent give", std::string(kExampleId) +
                                   " photographs --text \"Autorizo fotos.\" --channel paper")},
      [given](Session& session) { return give(session, *given); });
  give_command.text("PATIENT", given->patient, "A patient's id").required();
  give_command.text("PURPOSE", given->purpose, "A code: small letters, digits and -").required();
  give_command.text("--text", given->text, "What was agreed to, word for word");
  give_command.text("--channel", given->channel, "How: paper, app, telephone, ...");
  give_command.text("--until", given->until, "The day from which it no longer stands").type("DAY");

  auto withdrawn = std::make_shared<WithdrawOptions>();
  Command withdraw_command = commands.add(
      "consent withdraw", "Note that a consent was taken back", Needs::kTenant,
      {example("consent withdraw", std::string(kExampleId) + " --reason \"changed her mind\"")},
      [withdrawn](Session& session) { return withdraw(session, *withdrawn); });
  withdraw_command.text("ID", withdrawn->id, "Of the consent").required();
  withdraw_command.text("--reason", withdrawn->reason, "Why; kept with it");

  auto patient = std::make_shared<std::string>();
  commands
      .add("consent list", "Show a patient's consents", Needs::kTenant,
           {example("consent list", kExampleId)},
           [patient](Session& session) { return list(session, *patient); })
      .text("PATIENT", *patient, "A patient's id")
      .required();

  add_get<clinic::GetConsentRequest>(
      commands, "consent get", "Show a consent, with what was agreed to",
      clinic::METHOD_CONSENTS_GET, clinic::RESOURCE_TYPE_CONSENT, "As `consent list` shows it");
  auto checked = std::make_shared<CheckOptions>();
  Command check_command = commands.add(
      "consent check", "Whether a patient's consent for a purpose stands", Needs::kTenant,
      {example("consent check", std::string(kExampleId) + " photographs")},
      [checked](Session& session) { return check(session, *checked); });
  check_command.text("PATIENT", checked->patient, "A patient's id").required();
  check_command.text("PURPOSE", checked->purpose, "A code").required();
}

}  // namespace clinicdb::server
