// From typed records to FHIR: whole resources for records that were not born as FHIR, and the
// pieces that an edit puts into a body. Pure.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "clinicdb/clinic/schema/common.pb.h"
#include "fhir/fhir_time.h"
#include "fhir/json_tree.h"
#include "fhir/resource.h"

namespace clinicdb::clinic::fhir {

/// Writes an object member by member; what is empty is left out, as R4 wants it.
class ObjectWriter {
 public:
  ObjectWriter& raw(std::string_view name, std::string_view json);
  ObjectWriter& string(std::string_view name, std::string_view text);
  template <class Strings>
  ObjectWriter& strings(std::string_view name, const Strings& texts) {
    std::string json;
    for (const auto& text : texts) {
      if (text.empty()) continue;
      json.push_back(json.empty() ? '[' : ',');
      append_json_string(json, text);
    }
    return json.empty() ? *this : raw(name, json + "]");
  }
  bool empty() const { return members_.empty(); }
  /// "a":1,"b":2
  const std::string& members() const { return members_; }
  /// {"a":1,"b":2}; empty when there are no members.
  std::string object() const;

 private:
  std::string members_;
};

// Each is JSON, or empty when there is nothing to say.
std::string write(const HumanName& name);
std::string write(const ContactPoint& contact);
std::string write(const Address& address);
std::string write(const Identifier& identifier);
std::string write(const Coding& coding);
std::string write_cpf(std::string_view digits);
std::string write_cns(std::string_view digits);
/// {"coding":[{"system":...,"code":...}]}
std::string write_identifier_type(std::string_view code);
std::string write_date(const Date& date);

template <class Messages>
std::string write_list(const Messages& messages) {
  std::string json;
  for (const auto& message : messages) {
    const std::string item = write(message);
    if (item.empty()) continue;
    json.push_back(json.empty() ? '[' : ',');
    json.append(item);
  }
  return json.empty() ? json : json + "]";
}

/// "Patient/23" of the record of a type with these 16 bytes.
using ReferenceOf = std::function<std::string(ResourceType, std::string_view id_bytes)>;

/// The resource of a record without a body.
std::string write_resource(const AnyRecord& record, const ReferenceOf& reference_of);

}  // namespace clinicdb::clinic::fhir
