#include "cli/record_view.h"

#include <google/protobuf/descriptor.h>

#include <nlohmann/json.hpp>

#include "cli/time_text.h"
#include "clinicdb/base/check.h"
#include "clinicdb/clinic/schema/common.pb.h"

namespace clinicdb::server {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

/// The field of that name, which is a message.
const Message& part_of(const Message& message, const FieldDescriptor* field) {
  CLINICDB_CHECK(field != nullptr && field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE);
  return message.GetReflection()->GetMessage(message, field);
}

const clinic::RecordMeta& meta_of(const Message& found) {
  return dynamic_cast<const clinic::RecordMeta&>(
      part_of(found, found.GetDescriptor()->FindFieldByName("meta")));
}

std::string value_text(const Json& value) {
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  return value.is_string() ? value.get<std::string>() : value.dump();
}

/// `json` is what to_json made of `record`: it has the names, `record` says which are times.
void add_fields(const Message& record, const Json& json, const std::string& lead,
                const std::string& zone, TextTable& table) {
  const google::protobuf::Reflection& reflection = *record.GetReflection();
  for (const auto& [name, value] : json.items()) {
    const FieldDescriptor* time = record.GetDescriptor()->FindFieldByName(name + "_us");
    const FieldDescriptor* field = record.GetDescriptor()->FindFieldByName(name);
    const std::string shown = lead + name;
    if (field == nullptr && time != nullptr && !time->is_repeated()) {
      table.add({shown, format_local(Time{reflection.GetInt64(record, time)}, zone)});
    } else if (value.is_object()) {
      add_fields(part_of(record, field), value, shown + ".", zone, table);
    } else if (value.is_array()) {
      for (std::size_t i = 0; i < value.size(); ++i) {
        if (value[i].is_object()) {
          add_fields(reflection.GetRepeatedMessage(record, field, static_cast<int>(i)), value[i],
                     shown + ".", zone, table);
        } else {
          table.add({shown, value_text(value[i])});
        }
      }
    } else {
      table.add({shown, value_text(value)});
    }
  }
}

}  // namespace

TextTable fields_table(const Message& record, const std::string& zone) {
  TextTable table({{""}, {""}});
  add_fields(record, to_json(record), "", zone, table);
  return table;
}

Result<ExitCode> show_record_view(Session& session, Target& target,
                                  const clinic::CallContext& context, clinic::MethodId method,
                                  const Message& request) {
  ASSIGN_OR_RETURN(const AnyAnswer found, target.call(method, context, request));
  if (found == nullptr) return not_found("there is no such record");
  if (session.json()) {
    session.show(to_json(*found));
    return ExitCode::kDone;
  }
  TextTable table = fields_table(part_of(*found, found->GetDescriptor()->field(0)), session.zone());
  const clinic::RecordMeta& meta = meta_of(*found);
  table.add({"version", std::to_string(meta.version()) + ", of " +
                            format_local(Time{meta.updated_us()}, session.zone())});
  session.show(table);
  return ExitCode::kDone;
}

Result<ExitCode> show_versions(Session& session, clinic::MethodId method, const Message& request) {
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kRead));
  ASSIGN_OR_RETURN(const clinic::CallContext context, session.tenant_context());
  ASSIGN_OR_RETURN(const AnyAnswer answer, target->call(method, context, request));
  const FieldDescriptor* field =
      answer == nullptr ? nullptr : answer->GetDescriptor()->FindFieldByName("versions");
  CLINICDB_CHECK(field != nullptr && field->is_repeated());
  const google::protobuf::Reflection& reflection = *answer->GetReflection();
  const int count = reflection.FieldSize(*answer, field);
  if (count == 0) return not_found("there was never such a record");
  if (session.json()) {
    session.show(to_json(*answer));
    return ExitCode::kDone;
  }
  TextTable table({{"VERSION", Align::kRight}, {"TIME"}, {"USER"}, {"LSN", Align::kRight}, {""}});
  for (int i = 0; i < count; ++i) {
    const clinic::RecordMeta& meta = meta_of(reflection.GetRepeatedMessage(*answer, field, i));
    table.add({std::to_string(meta.version()),
               format_local(Time{meta.updated_us()}, session.zone()), id_text(meta.updated_by()),
               std::to_string(meta.updated_lsn()), meta.deleted() ? "removed" : ""});
  }
  session.show(table);
  session.say("What changed: clinicdb history; each version in full: --json.");
  return ExitCode::kDone;
}

}  // namespace clinicdb::server
