#include "fhir/fields.h"

#include <charconv>
#include <utility>

#include "clinicdb/clinic/identifiers.h"

namespace clinicdb::clinic::fhir {

namespace {

constexpr std::pair<std::string_view, Gender> kGenders[] = {{"female", GENDER_FEMALE},
                                                            {"male", GENDER_MALE},
                                                            {"other", GENDER_OTHER},
                                                            {"unknown", GENDER_UNKNOWN}};
constexpr std::pair<std::string_view, ContactPoint::System> kContactSystems[] = {
    {"phone", ContactPoint::SYSTEM_PHONE}, {"fax", ContactPoint::SYSTEM_FAX},
    {"email", ContactPoint::SYSTEM_EMAIL}, {"pager", ContactPoint::SYSTEM_PAGER},
    {"url", ContactPoint::SYSTEM_URL},     {"sms", ContactPoint::SYSTEM_SMS},
    {"other", ContactPoint::SYSTEM_OTHER}};

template <class Value, std::size_t N>
Value by_code(const std::pair<std::string_view, Value> (&table)[N], std::string_view code) {
  for (const auto& [name, value] : table) {
    if (name == code) return value;
  }
  return Value{};
}

template <class Value, std::size_t N>
std::string_view by_value(const std::pair<std::string_view, Value> (&table)[N], Value wanted) {
  for (const auto& [name, value] : table) {
    if (value == wanted) return name;
  }
  return {};
}

void set(std::string* field, std::string_view text) { field->assign(text); }

}  // namespace

void FieldReader::refuse(JsonValue where, std::string reason) {
  if (status_.ok()) status_ = invalid_argument(std::move(reason)).with_field(where.path());
}

JsonValue FieldReader::typed(JsonValue object, std::string_view name, JsonKind kind) {
  const JsonValue value = object.member(name);
  if (!value || value.kind() == kind) return value;
  refuse(value, "R4 has " + std::string(json_kind_name(kind)) + " here, not " +
                    std::string(json_kind_name(value.kind())));
  return {};
}

std::string_view FieldReader::string(JsonValue object, std::string_view name) {
  const JsonValue value = typed(object, name, JsonKind::kString);
  return value ? value.text() : std::string_view();
}

bool FieldReader::boolean(JsonValue object, std::string_view name, bool absent) {
  const JsonValue value = object.member(name);
  if (!value) return absent;
  if (value.is(JsonKind::kTrue) || value.is(JsonKind::kFalse)) return value.is(JsonKind::kTrue);
  refuse(value, "R4 has a boolean here, not " + std::string(json_kind_name(value.kind())));
  return absent;
}

JsonValue FieldReader::object(JsonValue object, std::string_view name) {
  return typed(object, name, JsonKind::kObject);
}

JsonValue FieldReader::objects(JsonValue object, std::string_view name) {
  const JsonValue array = typed(object, name, JsonKind::kArray);
  for (const JsonValue item : array.children()) {
    if (item.is_object()) continue;
    refuse(item, "R4 has an object here, not " + std::string(json_kind_name(item.kind())));
    return {};
  }
  return array;
}

std::optional<PartialDate> FieldReader::date(JsonValue object, std::string_view name) {
  const JsonValue value = typed(object, name, JsonKind::kString);
  if (!value) return std::nullopt;
  std::optional<PartialDate> date = parse_date(value.text());
  if (!date) refuse(value, "not a date: YYYY, YYYY-MM or YYYY-MM-DD");
  return date;
}

std::optional<Time> FieldReader::date_time(JsonValue object, std::string_view name) {
  const JsonValue value = typed(object, name, JsonKind::kString);
  if (!value) return std::nullopt;
  std::optional<Time> time = parse_date_time(value.text());
  if (!time)
    refuse(value, "not a dateTime: YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with a zone");
  return time;
}

std::optional<Time> FieldReader::instant(JsonValue object, std::string_view name) {
  const JsonValue value = typed(object, name, JsonKind::kString);
  if (!value) return std::nullopt;
  std::optional<Time> time = parse_instant(value.text());
  if (!time) refuse(value, "not an instant: YYYY-MM-DDThh:mm:ss with a zone");
  return time;
}

int FieldReader::positive_integer(JsonValue object, std::string_view name) {
  const JsonValue value = typed(object, name, JsonKind::kNumber);
  if (!value) return 0;
  int number = 0;
  const std::string_view raw = value.raw();
  const auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), number);
  if (error == std::errc() && end == raw.data() + raw.size() && number > 0) return number;
  refuse(value, "not a positive whole number");
  return 0;
}

void FieldReader::require(JsonValue object, std::string_view name) {
  if (object.member(name) || object.member("_" + std::string(name))) return;
  refuse(object, "R4 requires " + std::string(name));
}

void FieldReader::human_name(JsonValue value, HumanName& out) {
  set(out.mutable_use(), string(value, "use"));
  set(out.mutable_text(), string(value, "text"));
  set(out.mutable_family(), string(value, "family"));
  const auto strings = [&](std::string_view name,
                           google::protobuf::RepeatedPtrField<std::string>& into) {
    for (const JsonValue item : typed(value, name, JsonKind::kArray).children()) {
      if (item.is_string()) {
        set(into.Add(), item.text());
      } else if (!item.is(JsonKind::kNull)) {
        refuse(item, "R4 has a string here, not " + std::string(json_kind_name(item.kind())));
      }
    }
  };
  strings("given", *out.mutable_given());
  strings("prefix", *out.mutable_prefix());
  strings("suffix", *out.mutable_suffix());
}

void FieldReader::contact_point(JsonValue value, ContactPoint& out) {
  const std::string_view system = string(value, "system");
  out.set_system(parse_contact_system(system));
  if (!system.empty() && out.system() == ContactPoint::SYSTEM_UNSPECIFIED) {
    refuse(value.member("system"), "not one of R4's contact point systems");
  }
  const std::string_view given = string(value, "value");
  if (out.system() == ContactPoint::SYSTEM_PHONE || out.system() == ContactPoint::SYSTEM_SMS) {
    Result<std::string> phone = parse_phone(given, "value");
    set(out.mutable_value(), phone ? std::string_view(*phone) : given);
  } else {
    set(out.mutable_value(), given);
  }
  set(out.mutable_use(), string(value, "use"));
  out.set_rank(positive_integer(value, "rank"));
}

void FieldReader::address(JsonValue value, Address& out) {
  set(out.mutable_use(), string(value, "use"));
  set(out.mutable_type(), string(value, "type"));
  set(out.mutable_text(), string(value, "text"));
  for (const JsonValue line : typed(value, "line", JsonKind::kArray).children()) {
    if (line.is_string()) {
      set(out.add_lines(), line.text());
    } else if (!line.is(JsonKind::kNull)) {
      refuse(line, "R4 has a string here, not " + std::string(json_kind_name(line.kind())));
    }
  }
  set(out.mutable_district(), string(value, "district"));
  set(out.mutable_city(), string(value, "city"));
  set(out.mutable_state(), string(value, "state"));
  set(out.mutable_postal_code(), string(value, "postalCode"));
  set(out.mutable_country(), string(value, "country"));
}

void FieldReader::identifier(JsonValue value, Identifier& out) {
  set(out.mutable_system(), string(value, "system"));
  set(out.mutable_value(), string(value, "value"));
  set(out.mutable_use(), string(value, "use"));
  const JsonValue codings = objects(object(value, "type"), "coding");
  if (codings) set(out.mutable_type(), string(codings.first(), "code"));
}

void FieldReader::coding(JsonValue value, Coding& out) {
  set(out.mutable_system(), string(value, "system"));
  set(out.mutable_code(), string(value, "code"));
  set(out.mutable_display(), string(value, "display"));
}

void FieldReader::concept_coding(JsonValue value, Coding& out, std::string& text) {
  const JsonValue codings = objects(value, "coding");
  if (codings) coding(codings.first(), out);
  text.assign(string(value, "text"));
}

std::string FieldReader::reference(JsonValue value, ResourceType type) {
  if (!value) return {};
  if (!value.is_object()) {
    refuse(value, "R4 has a reference here, which is an object, not " +
                      std::string(json_kind_name(value.kind())));
    return {};
  }
  const std::string_view text = string(value, kReferenceMember);
  if (text.empty()) return {};
  const std::optional<Uuid> id = referenced_id(text, type, references_);
  return id ? std::string(id->view()) : std::string();
}

Date to_date(const PartialDate& date) {
  Date out;
  out.set_year(date.year);
  out.set_month(date.month);
  out.set_day(date.day);
  return out;
}

Gender parse_gender(std::string_view code) { return by_code(kGenders, code); }
std::string_view gender_code(Gender gender) { return by_value(kGenders, gender); }
ContactPoint::System parse_contact_system(std::string_view code) {
  return by_code(kContactSystems, code);
}
std::string_view contact_system_code(ContactPoint::System system) {
  return by_value(kContactSystems, system);
}

}  // namespace clinicdb::clinic::fhir
