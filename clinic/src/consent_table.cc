#include "consent_table.h"

#include "clinicdb/engine/key.h"
#include "fhir/body_identifiers.h"
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
              16)
          .ordered(ConsentIndex::kIdentifier, "identifier",
                   [](const Consent& c, engine::IndexEntries& out) {
                     fhir::add_body_identifiers(c.fhir(), out);
                   })
          .same_when([](const Consent& a, const Consent& b) { return a.fhir() == b.fhir(); });
  return definition;
}

}  // namespace clinicdb::clinic
