#include "consent_table.h"

#include "clinicdb/engine/key.h"
#include "table_codec.h"

namespace clinicdb::clinic {

const engine::Table<Consent>& consents_table() {
  static const engine::Table<Consent> definition =
      table<Consent>(0x0170, "consent")
          .ordered(
              ConsentIndex::kPatient, "patient",
              [](const Consent& c, engine::IndexEntries& out) {
                out.add(engine::Key()
                            .raw(c.patient_id())
                            .text(c.purpose())
                            .time_descending(Time{c.given_us()}));
              },
              16);
  return definition;
}

}  // namespace clinicdb::clinic
