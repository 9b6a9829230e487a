// FieldReader: reads R4's data types out of a tree into messages, strictly. What has another form
// than R4 gives it makes the whole resource refused: the first such place is kept, with its path,
// and reading goes on without it, so that callers check once, at the end.
//
// Confined to one thread; short-lived.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "clinicdb/base/result.h"
#include "clinicdb/clinic/schema/common.pb.h"
#include "fhir/fhir_time.h"
#include "fhir/json_tree.h"
#include "fhir/reference.h"

namespace clinicdb::clinic::fhir {

class FieldReader {
 public:
  /// `references` outlives the reader.
  explicit FieldReader(const ReferenceMap& references) : references_(references) {}

  /// OK, or what was wrong first.
  const Status& status() const { return status_; }
  /// Keeps the first refusal: `reason`, at `where`.
  void refuse(JsonValue where, std::string reason);

  // A member of `object`; empty, false or nothing when it is absent. Views live as long as the
  // tree.
  std::string_view string(JsonValue object, std::string_view name);
  bool boolean(JsonValue object, std::string_view name, bool absent);
  JsonValue object(JsonValue object, std::string_view name);
  /// An array's items are objects.
  JsonValue objects(JsonValue object, std::string_view name);
  std::optional<PartialDate> date(JsonValue object, std::string_view name);
  std::optional<Time> date_time(JsonValue object, std::string_view name);
  std::optional<Time> instant(JsonValue object, std::string_view name);
  int positive_integer(JsonValue object, std::string_view name);

  /// Refuses `object` unless it has the member, or its twin "_name" that says why not.
  void require(JsonValue object, std::string_view name);

  void human_name(JsonValue value, HumanName& out);
  void contact_point(JsonValue value, ContactPoint& out);
  void address(JsonValue value, Address& out);
  void identifier(JsonValue value, Identifier& out);
  void coding(JsonValue value, Coding& out);
  /// The first coding of a CodeableConcept, and its text.
  void concept_coding(JsonValue value, Coding& out, std::string& text);
  /// The record of `type` that a Reference names, as 16 bytes; empty when it names none of them.
  std::string reference(JsonValue value, ResourceType type);

 private:
  JsonValue typed(JsonValue object, std::string_view name, JsonKind kind);

  const ReferenceMap& references_;
  Status status_;
};

Date to_date(const PartialDate& date);
Gender parse_gender(std::string_view code);
std::string_view gender_code(Gender gender);
ContactPoint::System parse_contact_system(std::string_view code);
std::string_view contact_system_code(ContactPoint::System system);

}  // namespace clinicdb::clinic::fhir
