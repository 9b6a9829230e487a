#include "care/tables.h"

#include "clinicdb/base/bytes.h"
#include "clinicdb/clinic/digest.h"
#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/fold.h"
#include "clinicdb/engine/key.h"
#include "table_codec.h"

namespace clinicdb::clinic {

namespace {

using engine::IndexEntries;
using engine::Key;
using engine::Table;

void add_lots(const TreatmentSession& session, IndexEntries& out) {
  for (const LotUse& use : session.lots()) {
    std::string covered;
    append_le64(covered, static_cast<std::uint64_t>(use.quantity()));
    out.add(Key()
                .raw(lot_key(use.product(), use.lot()))
                .raw(session.patient_id())
                .time(Time{session.time_us()}),
            covered);
  }
}

std::string chunk_key(const Chunk& chunk) { return sha256(chunk.data()); }

}  // namespace

std::string lot_key(std::string_view product, std::string_view lot) {
  return Key().text(engine::fold_text(product)).text(engine::fold_text(lot)).str();
}

const Table<Lot>& lots_table() {
  static const Table<Lot> definition =
      table<Lot>(0x0160, "lot")
          .unique(LotIndex::kLot, "lot",
                  [](const Lot& l, IndexEntries& out) { out.add(lot_key(l.product(), l.lot())); })
          .ordered(LotIndex::kProduct, "product",
                   [](const Lot& l, IndexEntries& out) {
                     out.add(Key().text(engine::fold_text(l.product())).raw(date_key(l.expiry())));
                   })
          .ordered(LotIndex::kExpiry, "expiry", [](const Lot& l, IndexEntries& out) {
            if (l.has_expiry()) out.add(date_key(l.expiry()));
          });
  return definition;
}

const Table<TreatmentPlan>& treatment_plans_table() {
  static const Table<TreatmentPlan> definition =
      table<TreatmentPlan>(0x0161, "treatment_plan")
          .ordered(
              PlanIndex::kPatient, "patient",
              [](const TreatmentPlan& p, IndexEntries& out) {
                out.add(Key().raw(p.patient_id()).time_descending(Time{p.start_us()}));
              },
              16);
  return definition;
}

const Table<TreatmentSession>& treatment_sessions_table() {
  static const Table<TreatmentSession> definition =
      table<TreatmentSession>(0x0162, "treatment_session")
          .ordered(
              SessionIndex::kPatient, "patient",
              [](const TreatmentSession& s, IndexEntries& out) {
                out.add(Key().raw(s.patient_id()).time_descending(Time{s.time_us()}));
              },
              16)
          .ordered(SessionIndex::kPlan, "plan",
                   [](const TreatmentSession& s, IndexEntries& out) {
                     if (!s.plan_id().empty()) out.add(Key().raw(s.plan_id()).u32(s.number()));
                   })
          .ordered(SessionIndex::kLot, "lot", &add_lots);
  return definition;
}

const Table<Attachment>& attachments_table() {
  static const Table<Attachment> definition =
      table<Attachment>(0x0163, "attachment")
          .ordered(
              AttachmentIndex::kPatient, "patient",
              [](const Attachment& a, IndexEntries& out) {
                out.add(Key().raw(a.patient_id()).time_descending(Time{a.created_us()}));
              },
              16)
          .ordered(AttachmentIndex::kChunk, "chunk",
                   [](const Attachment& a, IndexEntries& out) {
                     for (const std::string& chunk : a.chunks()) {
                       if (!chunk.empty()) out.add(chunk);
                     }
                   })
          .ordered(AttachmentIndex::kRecord, "record", [](const Attachment& a, IndexEntries& out) {
            if (!a.record_id().empty()) out.add(record_key(a.record_type(), a.record_id()));
          });
  return definition;
}

const Table<Chunk>& chunks_table() {
  static const Table<Chunk> definition =
      Table<Chunk>(engine::TableId{0x0164}, "chunk", &encode<Chunk>, &decode<Chunk>, &chunk_key)
          .personal(personal_fields<Chunk>())
          .without_history();
  return definition;
}

}  // namespace clinicdb::clinic
