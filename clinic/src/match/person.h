// Person: what of a patient is compared when duplicates are looked for, and the keys of the blocks
// that a patient stands in. Only patients of one block are ever compared.
//
//   birth date, CPF, CNS, other identifiers, phone   blocks that other indexes have already
//   match_keys                                       the sounds of the name, alone and with the
//   year
//
// Pure.
#pragma once

#include <string>
#include <vector>

#include "clinicdb/clinic/schema/patient.pb.h"

namespace clinicdb::clinic::match {

/// Everything folded; empty where it is not known.
struct Person {
  std::string given;   ///< the first given name
  std::string family;  ///< the last family name, less "filho", "neto" and the like
  std::string born;    ///< YYYYMMDD; shorter where only a part is known
  std::string cpf;
  std::string cns;
  std::vector<std::string> identifiers;  ///< identifier_key of each, record numbers left out
  std::vector<std::string> phones;       ///< last eight digits
  std::string postal_code;
  std::string street;
  std::string city;
  Gender gender = GENDER_UNSPECIFIED;
};

Person person_of(const Patient& patient);

/// What PatientIndex::kMatch has of a patient: the two sounds of the name, in order of the letters,
/// and the sound of one of them with the year of birth.
std::vector<std::string> match_keys(const Patient& patient);

/// Digits of a phone number that are compared: the country and area may be missing.
constexpr std::size_t kComparedPhoneDigits = 8;

}  // namespace clinicdb::clinic::match
