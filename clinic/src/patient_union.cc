#include "patient_union.h"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/fold.h"

namespace clinicdb::clinic {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

template <class Items, class Same>
void add_missing(Items& to, const Items& from, Same same) {
  for (const auto& item : from) {
    if (std::none_of(to.begin(), to.end(), [&](const auto& has) { return same(has, item); }))
      *to.Add() = item;
  }
}

bool same_identifier(const Identifier& a, const Identifier& b) {
  return a.system() == b.system() && a.value() == b.value();
}
template <class Item>
bool same_message(const Item& a, const Item& b) {
  return google::protobuf::util::MessageDifferencer::Equals(a, b);
}

void take_if_empty(std::string& to, std::string& from) {
  if (!to.empty() || from.empty()) return;
  to.swap(from);
}

/// The values of a repeated field, each as bytes that are equal where the values are.
std::vector<std::string> items_of(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<std::string> items;
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    items.push_back(field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE
                        ? reflection.GetRepeatedMessage(message, &field, i).SerializeAsString()
                        : reflection.GetRepeatedString(message, &field, i));
  }
  return items;
}

void set_items(Message& message, const FieldDescriptor& field,
               const std::vector<std::string>& items) {
  const Reflection& reflection = *message.GetReflection();
  reflection.ClearField(&message, &field);
  for (const std::string& item : items) {
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      // Bytes of a message of this very type.
      static_cast<void>(reflection.AddMessage(&message, &field)->ParseFromString(item));
    } else {
      reflection.AddString(&message, &field, item);
    }
  }
}

void undo_repeated(const Message& before, const Message& after, Message& now,
                   const FieldDescriptor& field) {
  std::vector<std::string> items = items_of(now, field);
  const std::vector<std::string> had = items_of(before, field);
  const std::vector<std::string> got = items_of(after, field);
  const auto in = [](const std::vector<std::string>& list, const std::string& item) {
    return std::find(list.begin(), list.end(), item) != list.end();
  };
  items.erase(
      std::remove_if(items.begin(), items.end(),
                     [&](const std::string& item) { return in(got, item) && !in(had, item); }),
      items.end());
  for (const std::string& item : had) {
    if (!in(got, item) && !in(items, item)) items.push_back(item);
  }
  set_items(now, field, items);
}

/// The message with this one field only, as bytes.
std::string only(const Message& message, const FieldDescriptor& field) {
  const std::unique_ptr<Message> copy(message.New());
  copy->CopyFrom(message);
  std::vector<const FieldDescriptor*> fields;
  copy->GetReflection()->ListFields(*copy, &fields);
  for (const FieldDescriptor* other : fields) {
    if (other != &field) copy->GetReflection()->ClearField(copy.get(), other);
  }
  return copy->SerializeAsString();
}

}  // namespace

void unite(Patient& kept, Patient& merged) {
  take_if_empty(*kept.mutable_cpf(), *merged.mutable_cpf());
  take_if_empty(*kept.mutable_cns(), *merged.mutable_cns());
  if (kept.cpf() == merged.cpf()) merged.clear_cpf();
  if (kept.cns() == merged.cns()) merged.clear_cns();
  add_missing(*kept.mutable_mrn(), merged.mrn(), &same_identifier);
  merged.clear_mrn();
  add_missing(*kept.mutable_identifiers(), merged.identifiers(), &same_identifier);
  add_missing(*kept.mutable_telecom(), merged.telecom(),
              [](const ContactPoint& a, const ContactPoint& b) {
                return a.system() == b.system() && a.value() == b.value();
              });
  add_missing(*kept.mutable_addresses(), merged.addresses(), &same_message<Address>);
  add_missing(*kept.mutable_insurance(), merged.insurance(), &same_message<Patient::Insurance>);
  add_missing(*kept.mutable_flags(), merged.flags(),
              [](const std::string& a, const std::string& b) { return a == b; });
  const int names = kept.names_size();
  add_missing(*kept.mutable_names(), merged.names(), [](const HumanName& a, const HumanName& b) {
    const auto text = [](const HumanName& name) {
      google::protobuf::RepeatedPtrField<HumanName> one;
      *one.Add() = name;
      return engine::fold_text(display_name(one));
    };
    return text(a) == text(b);
  });
  for (int i = names; i < kept.names_size(); ++i) kept.mutable_names(i)->set_use("old");
  if (!kept.has_birth_date() && merged.has_birth_date())
    *kept.mutable_birth_date() = merged.birth_date();
  if (kept.gender() == GENDER_UNSPECIFIED) kept.set_gender(merged.gender());
  if (!merged.note().empty() && kept.note() != merged.note()) {
    if (!kept.note().empty()) kept.mutable_note()->append("\n");
    kept.mutable_note()->append(merged.note());
  }
  kept.set_deceased(kept.deceased() || merged.deceased());
  if (!kept.has_deceased_date() && merged.has_deceased_date())
    *kept.mutable_deceased_date() = merged.deceased_date();
  if (!merged.inactive()) kept.set_inactive(false);
  merged.set_inactive(true);
  merged.set_replaced_by_id(kept.id());
}

Patient without_change(const Patient& before, const Patient& after, const Patient& now) {
  Patient result = now;
  const google::protobuf::Descriptor& type = *Patient::descriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (field.number() == Patient::kFhirFieldNumber) continue;
    if (field.is_repeated()) {
      undo_repeated(before, after, result, field);
      continue;
    }
    // Of a single value that was changed again, the later change stands.
    if (only(before, field) == only(after, field) || only(now, field) != only(after, field))
      continue;
    result.GetReflection()->ClearField(&result, &field);
    // Bytes of a message of this very type.
    static_cast<void>(result.MergeFromString(only(before, field)));
  }
  return result;
}

}  // namespace clinicdb::clinic
