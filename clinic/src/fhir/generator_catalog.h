// What made-up clinics choose from: names, places, codes. Immutable.
#pragma once

#include <span>
#include <string_view>

namespace clinicdb::clinic::fhir {

struct Place {
  std::string_view city;
  std::string_view state;
  std::string_view postal_prefix;  // five digits
  std::string_view area;           // telephone area code
  double latitude;
  double longitude;
};

struct Concept {
  std::string_view code;
  std::string_view display;
};

struct Measure {
  std::string_view code;
  std::string_view display;
  std::string_view category;
  std::string_view unit;
  double low;
  double high;
};

std::span<const std::string_view> women_names();
std::span<const std::string_view> men_names();
std::span<const std::string_view> family_names();
std::span<const std::string_view> street_names();
std::span<const std::string_view> district_names();
std::span<const std::string_view> clinic_names();
std::span<const Place> places();
std::span<const Measure> measures();         // LOINC, UCUM
std::span<const Concept> conditions();       // SNOMED CT
std::span<const Concept> procedures();       // SNOMED CT
std::span<const Concept> visits();           // SNOMED CT
std::span<const Concept> medications();      // RxNorm
std::span<const Concept> vaccines();         // CVX
std::span<const Concept> allergies();        // SNOMED CT
std::span<const Concept> panels();           // LOINC
std::span<const Concept> plan_activities();  // SNOMED CT

}  // namespace clinicdb::clinic::fhir
