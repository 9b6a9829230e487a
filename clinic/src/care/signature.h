// Signatures of clinical records: SHA-256 over everything that was signed, and for each addendum
// over what stood before it as well, so that none can be changed, left out or put elsewhere unseen.
//
//   content    the record as encoded, less signature and addenda, with the patient as of signing:
//              a merge of patients moves a signed record, and does not break it
//   addendum   what the one before it has (the first: the signature) | author | time (u64 BE) |
//   text
//
// Pure.
#pragma once

#include <string>
#include <string_view>

#include "clinicdb/clinic/schema/record.pb.h"

namespace clinicdb::clinic::care {

/// Of the record's content. `patient_reference` is what its FHIR body calls the patient now.
std::string content_hash(const ClinicalRecord& record, const Signature& signature,
                         std::string_view patient_reference);

std::string addendum_hash(std::string_view before, const Addendum& addendum);

/// What the next addendum's hash goes on from. REQUIRES: the record is signed.
const std::string& last_hash(const ClinicalRecord& record);

}  // namespace clinicdb::clinic::care
