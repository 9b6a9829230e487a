// The consents' table, like clinicdb/clinic/tables.h. Immutable: thread-safe.
#pragma once

#include "clinicdb/clinic/schema/consent.pb.h"
#include "clinicdb/engine/table.h"

namespace clinicdb::clinic {

const engine::Table<Consent>& consents_table();  // 0x0170

struct ConsentIndex {
  /// ordered: patient (16), text purpose, given descending. The newest of a purpose comes first.
  static constexpr engine::IndexNumber kPatient = 1;
  /// ordered: identifier_key, of those that came as FHIR with an identifier.
  static constexpr engine::IndexNumber kIdentifier = 2;
};

}  // namespace clinicdb::clinic
