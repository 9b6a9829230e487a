// How two versions of a record differ, field by field, for people to read. By reflection, so that a
// new field is told without a word here. Pure.
#pragma once

#include <google/protobuf/message.h>

#include <vector>

#include "clinicdb/clinic/schema/feed.pb.h"

namespace clinicdb::clinic::feed {

/// The fields that differ, in order of the schema. Values are text: enumerations by their names,
/// ids as UUIDs, other bytes that are not text by their number. An absent message has no fields.
/// REQUIRES: both are of one type.
std::vector<FieldChange> differences(const google::protobuf::Message& before,
                                     const google::protobuf::Message& after);

}  // namespace clinicdb::clinic::feed
