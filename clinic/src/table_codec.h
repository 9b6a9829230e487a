// What the definitions of the clinic's tables share: records are protobuf, keyed by their id, and
// the schema says which fields are personal data. For the files alone that define tables. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "clinicdb/clinic/schema/options.pb.h"
#include "clinicdb/engine/table.h"

namespace clinicdb::clinic {

template <class Message>
void encode(const Message& message, std::string& body) {
  // There is no map in the schema, so that the encoding is deterministic: fields in order of
  // number.
  message.AppendToString(&body);
}

template <class Message>
Result<Message> decode(std::string_view body) {
  Message message;
  if (!message.ParseFromArray(body.data(), static_cast<int>(body.size()))) {
    return data_loss("a stored " + Message::descriptor()->name() + " of " +
                     std::to_string(body.size()) + " bytes cannot be decoded");
  }
  return message;
}

template <class Message>
std::string id_key(const Message& message) {
  return message.id();
}

template <class Message>
std::vector<std::string> personal_fields() {
  std::vector<std::string> names;
  const google::protobuf::Descriptor& type = *Message::descriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->options().GetExtension(personal_data))
      names.push_back(type.field(i)->name());
  }
  return names;
}

template <class Message>
engine::Table<Message> table(std::uint16_t id, std::string name) {
  return engine::Table<Message>(engine::TableId{id}, std::move(name), &encode<Message>,
                                &decode<Message>, &id_key<Message>)
      .personal(personal_fields<Message>());
}

}  // namespace clinicdb::clinic
