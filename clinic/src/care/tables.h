// The tables of treatment and of files, like clinicdb/clinic/tables.h. Numbers are permanent.
// Immutable: thread-safe.
#pragma once

#include "clinicdb/clinic/schema/care.pb.h"
#include "clinicdb/engine/table.h"

namespace clinicdb::clinic {

const engine::Table<Lot>& lots_table();                             // 0x0160
const engine::Table<TreatmentPlan>& treatment_plans_table();        // 0x0161
const engine::Table<TreatmentSession>& treatment_sessions_table();  // 0x0162
const engine::Table<Attachment>& attachments_table();               // 0x0163
/// Without a message of its own id: the key is the SHA-256 of the data.
const engine::Table<Chunk>& chunks_table();  // 0x0164

struct LotIndex {
  static constexpr engine::IndexNumber kLot = 1;      ///< unique: lot_key
  static constexpr engine::IndexNumber kProduct = 2;  ///< ordered: text folded product, date_key
  static constexpr engine::IndexNumber kExpiry = 3;   ///< ordered: date_key
};
struct PlanIndex {
  static constexpr engine::IndexNumber kPatient = 1;  ///< ordered: patient (16), start descending
};
struct SessionIndex {
  static constexpr engine::IndexNumber kPatient = 1;  ///< ordered: patient (16), time descending
  static constexpr engine::IndexNumber kPlan = 2;     ///< ordered: plan (16), number (u32)
  /// ordered: lot_key, patient (16), time; covered: quantity (i64 LE). What a recall reads.
  static constexpr engine::IndexNumber kLot = 3;
};
struct AttachmentIndex {
  static constexpr engine::IndexNumber kPatient = 1;  ///< ordered: patient (16), created descending
  static constexpr engine::IndexNumber kChunk = 2;    ///< ordered: SHA-256 (32)
  static constexpr engine::IndexNumber kRecord = 3;   ///< ordered: record_key
};

/// product and lot, folded, each self-delimiting.
std::string lot_key(std::string_view product, std::string_view lot);

}  // namespace clinicdb::clinic
