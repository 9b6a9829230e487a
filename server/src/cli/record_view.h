// Records as people look at them where no command has a view of its own: their fields, named as
// --json names them, and their versions.
#pragma once

#include <google/protobuf/message.h>

#include <memory>
#include <string>

#include "cli/command.h"
#include "cli/session.h"
#include "cli/table.h"
#include "cli/tenant_call.h"

namespace clinicdb::server {

/// The fields that are set, one a line: "price.cents  15000". Times are in `zone`.
TextTable fields_table(const google::protobuf::Message& record, const std::string& zone);

/// Shows what a method answers that gets one record: its fields and its version, or all as JSON.
/// kNotFound where there is none. REQUIRES: tenant_context; the answer has the record as its first
/// field, and `meta`.
Result<ExitCode> show_record_view(Session& session, Target& target,
                                  const clinic::CallContext& context, clinic::MethodId method,
                                  const google::protobuf::Message& request);

/// Shows what a method answers that gives a record's versions, the newest first: when each was
/// made, and by whom. REQUIRES: the answer has `versions`, each as above.
Result<ExitCode> show_versions(Session& session, clinic::MethodId method,
                               const google::protobuf::Message& request);

/// Adds "WORDS ID", which shows the record that `method` gets by its `id`.
template <class Request>
void add_get(Commands& commands, const std::string& words, const std::string& description,
             clinic::MethodId method, clinic::ResourceType type, const std::string& help) {
  auto id = std::make_shared<std::string>();
  commands
      .add(words, description, Needs::kTenant, {example(words, kExampleId)},
           [id, method, type](Session& session) -> Result<ExitCode> {
             Request request;
             ASSIGN_OR_RETURN(*request.mutable_id(), parse_record_id(type, *id, "ID"));
             ASSIGN_OR_RETURN(Target * target, session.open(Access::kRead));
             ASSIGN_OR_RETURN(const clinic::CallContext context, session.tenant_context());
             return show_record_view(session, *target, context, method, request);
           })
      .text("ID", *id, help)
      .required();
}

}  // namespace clinicdb::server
