#include "check_parts.h"

#include <string>

#include "clinicdb/base/ids.h"

namespace clinicdb::clinic {

namespace {

std::string explain(std::string_view field, std::string_view why) {
  std::string message(field);
  message += ": ";
  message += why;
  return message;
}

}  // namespace

Status refuse(std::string_view field, std::string_view why) {
  return invalid_argument(explain(field, why)).with_field(field);
}

Status refuse_state(std::string_view field, std::string_view why) {
  return failed_precondition(explain(field, why)).with_field(field);
}

Status check_id(std::string_view id, std::string_view field, bool required) {
  if (id.empty()) return required ? refuse(field, "is needed") : Status();
  if (id.size() != 16)
    return refuse(field, "an id has 16 bytes, this one " + std::to_string(id.size()));
  if (Uuid::from_bytes(id).is_nil()) return refuse(field, "the nil id is nobody's");
  return {};
}

Status check_size(std::string_view text, std::size_t bytes_max, std::string_view field) {
  if (text.size() <= bytes_max) return {};
  return refuse(field, "at most " + std::to_string(bytes_max) + " bytes are possible, not " +
                           std::to_string(text.size()));
}

}  // namespace clinicdb::clinic
