// What names a patient: every table whose records belong to one, and how such a record is given to
// another. A merge goes through this list; a table that is missing from it would leave records with
// a patient who was replaced.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "clinicdb/base/result.h"
#include "clinicdb/clinic/schema/patient.pb.h"
#include "clinicdb/engine/transaction.h"

namespace clinicdb::clinic {

/// One end of a move: a patient's id, and what FHIR bodies call them ("Patient/0190…").
struct PatientEnd {
  std::string id;
  std::string reference;
};
PatientEnd patient_end(const Patient& patient);

/// A record that names a patient.
struct LinkedRecord {
  engine::TableId table;
  std::string key;
  bool operator==(const LinkedRecord&) const = default;
};

/// All that name the patient, in order of table, from indexes alone. kResourceExhausted when there
/// are more than `most`.
Result<std::vector<LinkedRecord>> linked_records(engine::Reader& reader,
                                                 std::string_view patient_id, std::size_t most);

/// Whether there is any.
Result<bool> is_linked(engine::Reader& reader, std::string_view patient_id);

/// The record, naming `to` in the place of `from`, ready to be put at `version`. Nothing when it is
/// not there or names somebody else.
struct Repointed {
  engine::PreparedRecord prepared;
  std::uint64_t version = 0;  ///< that it replaces
};
Result<std::optional<Repointed>> repoint(engine::Reader& reader, const LinkedRecord& record,
                                         const PatientEnd& from, const PatientEnd& to);

/// The patient's replaced-by link, read from a stored body without decoding it: empty for none.
/// What writes that name a patient are checked by, in the commit.
std::string_view replaced_by(std::string_view patient_body);

/// kNotFound where the patient is not there, kFailedPrecondition, naming the other, where they were
/// merged into another. `field` is what names the patient.
Status check_patient(engine::Reader& reader, std::string_view patient_id, std::string_view field);

}  // namespace clinicdb::clinic
