// The record types by the name of their table, for what works on all of them alike.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "clinicdb/engine/table.h"

namespace google::protobuf {
class Message;
}

namespace clinicdb::clinic::feed {

struct RecordType {
  const engine::TableDef* table = nullptr;
  std::unique_ptr<google::protobuf::Message> (*make)() = nullptr;
};

/// Of every table of clinic_schema().
const std::vector<RecordType>& record_types();
/// nullptr when there is none of that name.
const RecordType* find_record_type(std::string_view table);
/// The name of a table; empty for one that is not the clinic's.
std::string_view table_name(engine::TableId id);

}  // namespace clinicdb::clinic::feed
