#include "cli/message_json.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "cli/time_text.h"
#include "clinicdb/base/ids.h"
#include "clinicdb/clinic/identity.h"
#include "clinicdb/clinic/schema/resource_type.pb.h"

namespace clinicdb::server {

namespace {

using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

bool ends_with_us(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_INT64 && field.name().ends_with("_us");
}

std::string key_of(const FieldDescriptor& field) {
  return ends_with_us(field) ? field.name().substr(0, field.name().size() - 3) : field.name();
}

std::string hexadecimal(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    text += kDigits[static_cast<unsigned char>(byte) >> 4];
    text += kDigits[static_cast<unsigned char>(byte) & 15];
  }
  return text;
}

Json bytes_json(const std::string& bytes) {
  return bytes.size() == 16 ? Uuid::from_bytes(bytes).to_string() : hexadecimal(bytes);
}

/// One value of a field: the field itself, or one of its repetitions.
Json value_json(const Message& message, const FieldDescriptor& field, int at) {
  const Reflection& reflection = *message.GetReflection();
  const bool one = !field.is_repeated();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return one ? reflection.GetInt32(message, &field)
                 : reflection.GetRepeatedInt32(message, &field, at);
    case FieldDescriptor::CPPTYPE_INT64: {
      const std::int64_t value = one ? reflection.GetInt64(message, &field)
                                     : reflection.GetRepeatedInt64(message, &field, at);
      return ends_with_us(field) ? Json(format_utc(Time{value})) : Json(value);
    }
    case FieldDescriptor::CPPTYPE_UINT32:
      return one ? reflection.GetUInt32(message, &field)
                 : reflection.GetRepeatedUInt32(message, &field, at);
    case FieldDescriptor::CPPTYPE_UINT64:
      return one ? reflection.GetUInt64(message, &field)
                 : reflection.GetRepeatedUInt64(message, &field, at);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return one ? reflection.GetDouble(message, &field)
                 : reflection.GetRepeatedDouble(message, &field, at);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return one ? reflection.GetFloat(message, &field)
                 : reflection.GetRepeatedFloat(message, &field, at);
    case FieldDescriptor::CPPTYPE_BOOL:
      return one ? reflection.GetBool(message, &field)
                 : reflection.GetRepeatedBool(message, &field, at);
    case FieldDescriptor::CPPTYPE_ENUM:
      return enum_text(one ? *reflection.GetEnum(message, &field)
                           : *reflection.GetRepeatedEnum(message, &field, at));
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string value = one ? reflection.GetString(message, &field)
                                    : reflection.GetRepeatedString(message, &field, at);
      return field.type() == FieldDescriptor::TYPE_BYTES ? bytes_json(value) : Json(value);
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return to_json(one ? reflection.GetMessage(message, &field)
                         : reflection.GetRepeatedMessage(message, &field, at));
  }
  return nullptr;
}

}  // namespace

Json to_json(const Message& message) {
  if (message.GetDescriptor() == clinic::Date::descriptor()) {
    return format_day(static_cast<const clinic::Date&>(message));
  }
  Json json = Json::object();
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);  // those that are set, by number
  for (const FieldDescriptor* field : fields) {
    if (field->name() == "fhir") continue;
    if (!field->is_repeated()) {
      json[key_of(*field)] = value_json(message, *field, 0);
      continue;
    }
    Json& values = json[key_of(*field)] = Json::array();
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      values.push_back(value_json(message, *field, i));
    }
  }
  return json;
}

std::string enum_text(const EnumValueDescriptor& value) {
  if (value.type() == clinic::ResourceType_descriptor()) {
    return std::string(
        clinic::resource_type_name(static_cast<clinic::ResourceType>(value.number())));
  }
  // The prefix is what the value for nothing begins with: GENDER_UNSPECIFIED.
  const std::string& none = value.type()->value(0)->name();
  const std::size_t prefix = none.size() - std::string_view("UNSPECIFIED").size();
  std::string text = none.ends_with("UNSPECIFIED") ? value.name().substr(prefix) : value.name();
  for (char& letter : text) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    if (letter == '_') letter = '-';
  }
  return text;
}

std::string id_text(std::string_view bytes) {
  return bytes.size() == 16 ? Uuid::from_bytes(bytes).to_string() : "";
}

std::string cursor_text(std::string_view bytes) { return hexadecimal(bytes); }

Result<std::string> parse_cursor(std::string_view text) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    if (digit(text[i]) < 0 || digit(text[i + 1]) < 0) break;
    bytes.push_back(static_cast<char>(digit(text[i]) * 16 + digit(text[i + 1])));
  }
  if (bytes.size() * 2 != text.size()) {
    return invalid_argument("--cursor: this is not the cursor of an earlier page");
  }
  return bytes;
}

}  // namespace clinicdb::server
