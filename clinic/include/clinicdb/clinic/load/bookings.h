// Loads bookings from real exports that are not FHIR: rows of a CSV file, plain or gzip, with all
// their dirt. Which kinds there are, and what is made of each, is docs/clinic-rules.md.
//
//   Result<BookingsReport> report = load_noshow(clinic->store(), "appointments.csv.gz", {});
//
// Loading the same file again changes nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "clinicdb/base/result.h"
#include "clinicdb/engine/store.h"

namespace clinicdb::clinic {

/// A row that was not taken as it is.
struct BookingProblem {
  std::uint64_t line = 0;  ///< from 1; the headings are line 1
  std::string kind;        ///< "age below 0": those of the report's counts
  bool refused = false;    ///< otherwise it was repaired, and loaded
};

struct BookingsReport {
  std::uint64_t rows = 0;  ///< less the headings: loaded, unchanged and refused together
  std::uint64_t loaded = 0;
  std::uint64_t unchanged = 0;
  std::uint64_t refused = 0;
  std::uint64_t patients = 0;
  std::uint64_t free = 0;  ///< of slots: those that nobody has
  /// Rows by kind of dirt. One row may have several.
  std::map<std::string, std::uint64_t> repaired;
  std::map<std::string, std::uint64_t> refusals;
  /// What the store has afterwards, read from its index: appointments by tenant and month
  /// ("2016-05").
  std::map<std::string, std::map<std::string, std::uint64_t>> months;
  double seconds = 0;
};

struct BookingsOptions {
  /// Called in the order of the file. May be empty.
  std::function<void(const BookingProblem&)> on_problem;
};

/// "Medical Appointment No Shows" (Kaggle, J. Hoppen): a year of bookings in Vitória, Brazil. Each
/// place becomes a tenant, made where it is not there. The file has days only: times are assigned,
/// of 15 minutes from 7 to 19 o'clock, with as many professionals as it takes.
/// kNotFound for a file that is not there, kInvalidArgument for one without the columns.
Result<BookingsReport> load_noshow(engine::Store& store, const std::string& path,
                                   const BookingsOptions& options);

/// "outpatient-scheduling-dataset" (C. Galtier): a folder with patients.csv and slots.csv, plain or
/// gzip. One tenant, "outpatient"; slots that are taken become time that is blocked, for the file
/// does not say by whom. Errors as for load_noshow.
Result<BookingsReport> load_outpatient(engine::Store& store, const std::string& directory,
                                       const BookingsOptions& options);

}  // namespace clinicdb::clinic
