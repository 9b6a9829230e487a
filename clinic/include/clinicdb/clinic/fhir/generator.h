// Made-up clinics as FHIR R4 NDJSON: for trials, tests and measurements of any size. Nobody in it
// exists.
//
//   GeneratorOptions options;
//   options.resources = 1'000'000;
//   Result<GeneratorReport> made = generate_fhir("/tmp/clinics", options);   // Patient.ndjson, ...
//
// The mix of types and the size of each follow Synthea's (measured over 18,518 resources: 1,349
// bytes in the mean, half of them observations of 829); names, places and identifiers are
// Brazilian, with valid check digits and with accents. Appointments and encounters of one
// professional never overlap. The same options give the same bytes, on every machine.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "clinicdb/base/result.h"

namespace clinicdb::clinic::fhir {

struct GeneratorOptions {
  std::uint64_t seed = 1;
  /// Go on with patients until there are this many resources. 0: make exactly `patients`.
  std::uint64_t resources = 0;
  std::uint64_t patients = 100;
  /// Years of visits, up to the end of 2025. REQUIRES: 1 to 50.
  int years = 10;
  /// Organisations. REQUIRES: 1 to 1000.
  int clinics = 3;
  /// Weekdays, up to the end of 2025, of a calendar as full as real ones, with Schedule and Slot:
  /// some 54 appointments a clinic and day, clinics of very different size (see
  /// fhir/generator_bookings.h), with patients to match. 0: no such calendar. At most 1000.
  std::uint64_t booking_days = 0;
  /// Set to true to stop, with kCancelled. Not owned; may be nullptr.
  const std::atomic<bool>* stop = nullptr;
  /// Lets a progress bar move; may be empty. `total` is a guess when patients are counted.
  std::function<void(std::uint64_t resources, std::uint64_t total)> progress;
};

struct GeneratorReport {
  std::uint64_t files = 0;
  std::uint64_t resources = 0;
  std::uint64_t bytes = 0;
  double seconds = 0;
  std::map<std::string, std::uint64_t> by_type;
};

/// Writes one file a type, "Patient.ndjson" and so on, into `directory`, which is made if it is not
/// there. kAlreadyExists when one of the files is. kInvalidArgument for options out of range.
Result<GeneratorReport> generate_fhir(const std::string& directory,
                                      const GeneratorOptions& options);

}  // namespace clinicdb::clinic::fhir
