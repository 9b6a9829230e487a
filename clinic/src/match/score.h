// How likely two patients are one person, as Fellegi and Sunter (1969) reckon it: each field that
// both have adds the logarithm, to base 2, of how much more often it agrees so among the records of
// one person than among those of two. What agrees adds, what differs takes away, what is missing
// says nothing. The sum says how likely; the parts say why.
//
// Relatives share a family name, a home and a telephone, and twins the day of birth: where the
// given names are clearly different, none of the first three adds anything. Pure.
#pragma once

#include "clinicdb/clinic/schema/duplicate.pb.h"
#include "match/person.h"

namespace clinicdb::clinic::match {

/// At and above this, two are taken to be one person (CERTAINTY_PROBABLE).
constexpr double kProbableScore = 8;
/// At and above this, somebody should look (CERTAINTY_POSSIBLE).
constexpr double kPossibleScore = 5;

struct Score {
  double total = 0;
  std::vector<FieldMatch> fields;  ///< those that both have
  Certainty certainty() const;
};

Score compare(const Person& a, const Person& b);

}  // namespace clinicdb::clinic::match
