// Made-up patients of a Brazilian clinic, and how they change. Reproducible from the Random.
#pragma once

#include "clinicdb/base/random.h"
#include "clinicdb/clinic/schema/patient.pb.h"

namespace clinicdb::bench {

/// With name, birth date, CPF, CNS, record number, phone, e-mail and address; `number` makes the
/// record number unique.
clinic::Patient make_patient(Random& random, std::uint64_t number);

enum class ChangeKind {
  kContact,    ///< another phone number and address: what a reception desk does all day
  kEverything  ///< name and birth date too: all that the indexes hold, but for the identifiers
};
void change_patient(clinic::Patient& patient, ChangeKind kind, Random& random);

}  // namespace clinicdb::bench
