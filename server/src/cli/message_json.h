// A message of clinic/schema as JSON, for --json: by reflection, so that a new field is shown
// without a word here.
//
// Names are those of the schema, but for times: "start_us" becomes "start", with RFC 3339 in UTC.
// 16-byte ids are UUID texts, days are "1980-05-02", enumerations their names in small letters
// without the prefix, cursors hexadecimal. Fields that are not set are left out, and so is `fhir`,
// the body that a record was born with: export writes that.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "clinicdb/base/result.h"

namespace google::protobuf {
class EnumValueDescriptor;
class Message;
}  // namespace google::protobuf

namespace clinicdb::server {

using Json = nlohmann::ordered_json;

Json to_json(const google::protobuf::Message& message);

/// "APPOINTMENT_STATUS_BOOKED" as "booked".
std::string enum_text(const google::protobuf::EnumValueDescriptor& value);

/// 16 bytes as a UUID text; "" for none.
std::string id_text(std::string_view bytes);

/// Cursors as text that can be passed on. kInvalidArgument for what is none.
std::string cursor_text(std::string_view bytes);
Result<std::string> parse_cursor(std::string_view text);

}  // namespace clinicdb::server
