// What commands that call one method on a tenant have in common.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "cli/command.h"
#include "cli/session.h"
#include "clinicdb/clinic/identity.h"
#include "clinicdb/clinic/schema/common.pb.h"
#include "clinicdb/clinic/schema/resource_type.pb.h"

namespace clinicdb::server {

/// Runs one method where the session has been opened, and shows its answer: as JSON, or by
/// `show(answer)`.
template <class Response, class Request, class Show>
Result<ExitCode> call_opened(Session& session, Target& target, const clinic::CallContext& context,
                             clinic::MethodId method, const Request& request, Show show) {
  ASSIGN_OR_RETURN(const auto answer, ask<Response>(target, method, context, request));
  if (answer == nullptr) return not_found("there is no such record");
  if (session.json()) {
    session.show(to_json(*answer));
  } else {
    show(*answer);
  }
  return ExitCode::kDone;
}

/// Opens the session first; of --tenant.
template <class Response, class Request, class Show>
Result<ExitCode> call_tenant(Session& session, Access access, clinic::MethodId method,
                             const Request& request, Show show) {
  ASSIGN_OR_RETURN(Target * target, session.open(access));
  ASSIGN_OR_RETURN(const clinic::CallContext context, session.tenant_context());
  return call_opened<Response>(session, *target, context, method, request, show);
}

/// The table, or that there is nothing to show.
inline void show_or_say(Session& session, const TextTable& table, std::string_view nothing) {
  if (table.empty()) {
    session.say(nothing);
  } else {
    session.show(table);
  }
}

/// The id of a record that no FHIR resource is.
inline Result<std::string> parse_id(const std::string& text, std::string_view option) {
  return parse_record_id(clinic::RESOURCE_TYPE_UNSPECIFIED, text, option);
}
inline Result<std::string> parse_patient_id(const std::string& text, std::string_view option) {
  return parse_record_id(clinic::RESOURCE_TYPE_PATIENT, text, option);
}

/// "Condition/ID": what record commands name a record by.
struct RecordName {
  clinic::ResourceType type = clinic::RESOURCE_TYPE_UNSPECIFIED;
  std::string id;
};
inline Result<RecordName> parse_record(const std::string& text, std::string_view option) {
  const std::size_t slash = std::min(text.find('/'), text.size());
  RecordName name;
  name.type = clinic::parse_resource_type(text.substr(0, slash));
  if (name.type == clinic::RESOURCE_TYPE_UNSPECIFIED) {
    return invalid_argument(std::string(option) + ": \"" + text + "\" is no TYPE/ID")
        .with_field(option);
  }
  ASSIGN_OR_RETURN(name.id, parse_record_id(name.type, text, option));
  return name;
}

template <class Request>
Status set_record(const std::string& text, Request& request) {
  ASSIGN_OR_RETURN(const RecordName name, parse_record(text, "RECORD"));
  request.set_type(name.type);
  request.set_id(name.id);
  return {};
}

/// "system|value" or a value alone.
inline clinic::Identifier parse_identifier(const std::string& text) {
  clinic::Identifier identifier;
  const std::size_t bar = text.find('|');
  if (bar != std::string::npos) identifier.set_system(text.substr(0, bar));
  identifier.set_value(bar == std::string::npos ? text : text.substr(bar + 1));
  return identifier;
}

/// An id for examples, and an example of a command on a tenant.
inline constexpr const char* kExampleId = "0190b3c1-7b1c-7d0e-8a51-2f7d1f0c9a11";
inline std::string example(const std::string& words, const std::string& rest) {
  return "clinicdb " + words + " --data demo --tenant sorriso " + rest;
}

}  // namespace clinicdb::server
