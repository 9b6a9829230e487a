// Every request of every method: the input is read as calls, each a method and what its request's
// fields hold, so that nothing is spent on bytes that are no message. Any request has an answer of
// the method's type, or a Status that is about the request; and its bytes mean what the message
// does.
//
// The store is kept between inputs, but each input has a tenant of its own: it sees no other.
#include <google/protobuf/message.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "clinicdb/base/check.h"
#include "clinicdb/clinic/clinic.h"
#include "clinicdb/engine/store.h"
#include "dispatch.h"
#include "fuzz_target.h"
#include "served_method.h"
#include "support/temporary_directory.h"

namespace clinicdb::fuzz {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr int kCallsMax = 12;
constexpr int kDepthMax = 6;
constexpr std::int64_t kMorningUs = 1'798'880'400'000'000;  // 2027-01-02T09:00:00Z

struct World {
  World() : clinic(std::move(clinic::Clinic::open(directory.path("data"), {})).value()) {}

  test::TemporaryDirectory directory;
  std::unique_ptr<clinic::Clinic> clinic;
  std::uint64_t tenants = 0;
};

/// Reads the input as choices; behind its end all are 0, which is what ends it.
class Choices {
 public:
  explicit Choices(std::string_view bytes) : rest_(bytes) {}

  bool done() const { return rest_.empty(); }
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(rest_[0]);
    rest_.remove_prefix(1);
    return value;
  }
  std::string text() {
    std::string text(rest_.substr(0, byte()));
    rest_.remove_prefix(std::min(text.size(), rest_.size()));
    return text;
  }
  std::int64_t number() {
    static constexpr std::array<std::int64_t, 12> kTelling = {
        0,  1,     2,         15,        60,       kMorningUs, kMorningUs + 3'600'000'000,
        -1, 86400, INT32_MAX, INT64_MAX, INT64_MIN};
    const std::uint8_t which = byte();
    if (which < 128) return kTelling[which % kTelling.size()];
    return static_cast<std::int64_t>((which - 128) << 8 | byte());
  }

 private:
  std::string_view rest_;
};

/// One input's calls. The ids that answers carry are what later requests ask for.
class Caller {
 public:
  Caller(Choices& choices, std::vector<std::string>& ids) : choices_(choices), ids_(ids) {}

  void fill(Message& message, int depth) {
    const auto& type = *message.GetDescriptor();
    for (int i = 0; i < type.field_count(); ++i) {
      const std::uint8_t how = choices_.byte();
      if (how % 4 == 0) continue;
      const int times = type.field(i)->is_repeated() ? how % 4 : 1;
      for (int n = 0; n < times; ++n) set(message, *type.field(i), depth);
    }
  }

 private:
  std::string string_value(const FieldDescriptor& field) {
    const std::uint8_t how = choices_.byte();
    if (field.type() == FieldDescriptor::TYPE_BYTES && how < 192) {
      return ids_.empty() ? std::string(16, '\1') : ids_[how % ids_.size()];
    }
    static const std::array<std::string, 8> kWords = {
        "Ana Souza", "52998224725", "America/Sao_Paulo",   "sorriso",
        "BRL",       "2027-01-02",  "FREQ=WEEKLY;COUNT=3", "{\"resourceType\":\"Condition\"}"};
    return how < 192 ? kWords[how % kWords.size()] : choices_.text();
  }

  void set(Message& message, const FieldDescriptor& field, int depth) {
    const auto& reflection = *message.GetReflection();
    const bool many = field.is_repeated();
    const auto put = [&](auto add, auto one, auto value) {
      many ? (reflection.*add)(&message, &field, value)
           : (reflection.*one)(&message, &field, value);
    };
    using R = google::protobuf::Reflection;
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        if (depth < kDepthMax)
          fill(*(many ? reflection.AddMessage(&message, &field)
                      : reflection.MutableMessage(&message, &field)),
               depth + 1);
        return;
      case FieldDescriptor::CPPTYPE_STRING:
        return put(&R::AddString, &R::SetString, string_value(field));
      case FieldDescriptor::CPPTYPE_ENUM: {
        const auto& values = *field.enum_type();
        const int at = choices_.byte() % values.value_count();
        return put(&R::AddEnumValue, &R::SetEnumValue, values.value(at)->number());
      }
      case FieldDescriptor::CPPTYPE_BOOL:
        return put(&R::AddBool, &R::SetBool, choices_.byte() % 2 == 1);
      case FieldDescriptor::CPPTYPE_INT32:
        return put(&R::AddInt32, &R::SetInt32, static_cast<std::int32_t>(choices_.number()));
      case FieldDescriptor::CPPTYPE_UINT32:
        return put(&R::AddUInt32, &R::SetUInt32, static_cast<std::uint32_t>(choices_.number()));
      case FieldDescriptor::CPPTYPE_INT64:
        return put(&R::AddInt64, &R::SetInt64, choices_.number());
      case FieldDescriptor::CPPTYPE_UINT64:
        return put(&R::AddUInt64, &R::SetUInt64, static_cast<std::uint64_t>(choices_.number()));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return put(&R::AddDouble, &R::SetDouble, static_cast<double>(choices_.number()));
      case FieldDescriptor::CPPTYPE_FLOAT:
        return put(&R::AddFloat, &R::SetFloat, static_cast<float>(choices_.number()));
    }
  }

  Choices& choices_;
  std::vector<std::string>& ids_;
};

/// The ids anywhere in an answer.
void gather_ids(const Message& message, std::vector<std::string>& ids) {
  std::vector<const FieldDescriptor*> fields;
  const auto& reflection = *message.GetReflection();
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->type() == FieldDescriptor::TYPE_BYTES && !field->is_repeated()) {
      std::string id = reflection.GetString(message, field);
      if (id.size() == 16 && ids.size() < 64) ids.push_back(std::move(id));
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      const int size = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
      for (int i = 0; i < size; ++i) {
        gather_ids(field->is_repeated() ? reflection.GetRepeatedMessage(message, field, i)
                                        : reflection.GetMessage(message, field),
                   ids);
      }
    }
  }
}

bool about_the_request(StatusCode code) {
  return code != StatusCode::kInternal && code != StatusCode::kDataLoss &&
         code != StatusCode::kUnknownOutcome && code != StatusCode::kUnavailable;
}

}  // namespace

void run_one(std::string_view bytes) {
  static World world;
  if (bytes.empty()) return;
  const auto made = world.clinic->store().create_tenant("fuzz-" + std::to_string(++world.tenants));
  CLINICDB_CHECK(made.has_value());
  const auto context = clinic::CallContext::system(made->id);

  Choices choices(bytes);
  std::vector<std::string> ids;
  for (int call = 0; call < kCallsMax && !choices.done(); ++call) {
    const auto methods = server::served_methods();
    const server::ServedMethod& method =
        methods[(choices.byte() | choices.byte() << 8) % methods.size()];
    const std::unique_ptr<Message> request(google::protobuf::MessageFactory::generated_factory()
                                               ->GetPrototype(method.request())
                                               ->New());
    Caller(choices, ids).fill(*request, 0);
    const Result<server::AnyAnswer> answer =
        call % 2 == 0 ? server::dispatch(*world.clinic, method.id, context, *request)
                      : server::dispatch_bytes(*world.clinic, method.id, context,
                                               request->SerializeAsString());
    if (!answer) {
      if (!about_the_request(answer.error().code())) {
        std::fprintf(stderr, "%s: %s\n", clinic::MethodId_Name(method.id).c_str(),
                     answer.error().to_string().c_str());
      }
      CLINICDB_CHECK(about_the_request(answer.error().code()));
      continue;
    }
    if (*answer == nullptr) continue;
    CLINICDB_CHECK((*answer)->GetDescriptor() == method.response());
    gather_ids(**answer, ids);
  }
  world.clinic->store().delete_tenant(made->id).ignore("a call may have deleted it");
}

}  // namespace clinicdb::fuzz
