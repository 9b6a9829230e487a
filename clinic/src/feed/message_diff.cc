#include "feed/message_diff.h"

#include <google/protobuf/descriptor.h>

#include <cstdio>
#include <string>
#include <utility>

#include "clinicdb/base/check.h"
#include "clinicdb/base/ids.h"

namespace clinicdb::clinic::feed {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

/// Longer values are told by their size: a FHIR body is said by its fields already.
constexpr std::size_t kValueBytesMax = 1024;

std::string bytes_text(const std::string& bytes) {
  if (bytes.size() == 16) return Uuid::from_bytes(bytes).to_string();
  return std::to_string(bytes.size()) + " bytes";
}

std::string number_text(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", number);
  return text;
}

/// `at` < 0: of a field that has one value.
std::string value_text(const Message& message, const FieldDescriptor& field, int at) {
  const Reflection& r = *message.GetReflection();
  const bool one = at < 0;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return std::to_string(one ? r.GetInt32(message, &field)
                                : r.GetRepeatedInt32(message, &field, at));
    case FieldDescriptor::CPPTYPE_INT64:
      return std::to_string(one ? r.GetInt64(message, &field)
                                : r.GetRepeatedInt64(message, &field, at));
    case FieldDescriptor::CPPTYPE_UINT32:
      return std::to_string(one ? r.GetUInt32(message, &field)
                                : r.GetRepeatedUInt32(message, &field, at));
    case FieldDescriptor::CPPTYPE_UINT64:
      return std::to_string(one ? r.GetUInt64(message, &field)
                                : r.GetRepeatedUInt64(message, &field, at));
    case FieldDescriptor::CPPTYPE_BOOL:
      return (one ? r.GetBool(message, &field) : r.GetRepeatedBool(message, &field, at)) ? "true"
                                                                                         : "false";
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return number_text(one ? r.GetDouble(message, &field)
                             : r.GetRepeatedDouble(message, &field, at));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return number_text(static_cast<double>(one ? r.GetFloat(message, &field)
                                                 : r.GetRepeatedFloat(message, &field, at)));
    case FieldDescriptor::CPPTYPE_ENUM:
      return (one ? r.GetEnum(message, &field) : r.GetRepeatedEnum(message, &field, at))->name();
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string value =
          one ? r.GetString(message, &field) : r.GetRepeatedString(message, &field, at);
      if (field.type() == FieldDescriptor::TYPE_BYTES) return bytes_text(value);
      return value.size() > kValueBytesMax ? std::to_string(value.size()) + " bytes" : value;
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      break;
  }
  return {};
}

class Diff {
 public:
  void compare(const std::string& path, const Message* before, const Message* after) {
    const Message& any = before != nullptr ? *before : *after;
    for (int i = 0; i < any.GetDescriptor()->field_count(); ++i) {
      const FieldDescriptor& field = *any.GetDescriptor()->field(i);
      compare_field(path.empty() ? field.name() : path + "." + field.name(), before, after, field);
    }
  }
  std::vector<FieldChange> take() { return std::move(changes_); }

 private:
  static int count(const Message* message, const FieldDescriptor& field) {
    if (message == nullptr) return 0;
    const Reflection& r = *message->GetReflection();
    return field.is_repeated() ? r.FieldSize(*message, &field)
                               : (r.HasField(*message, &field) ? 1 : 0);
  }

  void compare_field(const std::string& path, const Message* before, const Message* after,
                     const FieldDescriptor& field) {
    const int had = count(before, field);
    const int has = count(after, field);
    for (int at = 0; at < std::max(had, has); ++at) {
      const std::string name = field.is_repeated() ? path + "[" + std::to_string(at) + "]" : path;
      const Message* was = at < had ? before : nullptr;
      const Message* is = at < has ? after : nullptr;
      const int index = field.is_repeated() ? at : -1;
      if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        compare(name, part(was, field, index), part(is, field, index));
      } else {
        add(name, was != nullptr ? value_text(*was, field, index) : std::string(),
            is != nullptr ? value_text(*is, field, index) : std::string(),
            raw(was, field, index) != raw(is, field, index));
      }
    }
  }

  static const Message* part(const Message* message, const FieldDescriptor& field, int at) {
    if (message == nullptr) return nullptr;
    const Reflection& r = *message->GetReflection();
    return at < 0 ? &r.GetMessage(*message, &field) : &r.GetRepeatedMessage(*message, &field, at);
  }
  /// What long values are told apart by, which look alike when they are as long.
  static std::string raw(const Message* message, const FieldDescriptor& field, int at) {
    if (message == nullptr || field.cpp_type() != FieldDescriptor::CPPTYPE_STRING) return {};
    const Reflection& r = *message->GetReflection();
    return at < 0 ? r.GetString(*message, &field) : r.GetRepeatedString(*message, &field, at);
  }

  void add(const std::string& name, std::string before, std::string after, bool differs) {
    if (before == after && !differs) return;
    FieldChange& change = changes_.emplace_back();
    change.set_field(name);
    change.set_before(std::move(before));
    change.set_after(std::move(after));
  }

  std::vector<FieldChange> changes_;
};

}  // namespace

std::vector<FieldChange> differences(const Message& before, const Message& after) {
  CLINICDB_CHECK(before.GetDescriptor() == after.GetDescriptor());
  Diff diff;
  diff.compare({}, &before, &after);
  return diff.take();
}

}  // namespace clinicdb::clinic::feed
