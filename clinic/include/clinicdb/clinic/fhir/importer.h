// FHIR R4 into a store: bundles, single resources and NDJSON, plain or gzip, from files, folders
// and standard input.
//
//   ImportOptions options;
//   options.on_problem = [](const ImportProblem& p) { report(p.file, p.line, p.path, p.reason); };
//   Result<ImportReport> report = import_fhir(clinic->store(), tenant, {"export/"}, options);
//   if (report && report->failed == 0) ...
//
// What is accepted, refused and how ids, references and bundles are treated is docs/fhir.md. Each
// resource that cannot be imported is a problem with its file, line, path and reason; the others
// are imported. A transaction bundle is one commit, all or nothing. Importing the same again
// changes nothing.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "clinicdb/base/ids.h"
#include "clinicdb/base/result.h"
#include "clinicdb/clinic/fhir/import_source.h"
#include "clinicdb/engine/store.h"

namespace clinicdb::clinic::fhir {

/// Why a resource, a bundle or the rest of a file was not imported.
struct ImportProblem {
  std::string file;        ///< as given or found; "-" is standard input
  std::uint64_t line = 0;  ///< from 1; 0 when it cannot be told
  std::string
      path;  ///< in the document or line, such as "entry[3].resource.birthDate"; may be empty
  std::string reason;           ///< never holds the contents of a record
  std::uint64_t resources = 1;  ///< how many were not imported for this: a transaction's all
};

struct ImportProgress {
  std::uint64_t files_done = 0;
  std::uint64_t files = 0;
  std::uint64_t bytes_done = 0;  ///< as stored, before unpacking
  std::uint64_t bytes = 0;       ///< 0 when unknown
  std::uint64_t resources = 0;
};

struct ImportOptions {
  /// Threads to use, the calling one included. 0: one a core.
  std::size_t threads = 0;
  /// On whose behalf the records are written; nil: the system.
  Uuid user;
  /// Import the entries of searchset bundles, as a client has saved them, instead of keeping such a
  /// bundle as the one resource it is.
  bool unpack_searchsets = false;
  /// Of a Schedule that comes after its Slots, how many of these one commit changes. Where there
  /// are more, they are gone through in steps of so many, before the commit that has the Schedule,
  /// which looks at all of them once more and changes few. At least 1.
  std::size_t slots_per_commit = 4096;
  /// Set to true to stop: what was committed stays, and the import returns kCancelled. Not owned;
  /// may be nullptr.
  const std::atomic<bool>* stop = nullptr;
  /// Called on the calling thread, in the order of the input. May be empty.
  std::function<void(const ImportProblem&)> on_problem;
  /// Called on the calling thread, some times a second. May be empty.
  std::function<void(const ImportProgress&)> on_progress;
};

/// Of one resource type.
struct ImportCounts {
  std::uint64_t imported = 0;
  std::uint64_t unchanged = 0;
  std::uint64_t failed = 0;
};

struct ImportReport {
  std::uint64_t files = 0;
  std::uint64_t resources = 0;  ///< met in the input: imported, unchanged and failed together
  std::uint64_t imported = 0;   ///< new, or a new version
  std::uint64_t unchanged = 0;  ///< there already, now or as an earlier version
  std::uint64_t failed = 0;
  std::uint64_t deleted = 0;  ///< by DELETE entries
  std::uint64_t ignored = 0;  ///< entries that store nothing: reads, searches, operations
  std::uint64_t problems = 0;
  double seconds = 0;
  double resources_per_second = 0;
  std::map<std::string, ImportCounts> by_type;  ///< of those whose type is known
};

/// Imports what `paths` name: files, folders (their .json, .ndjson and .jsonl files, .gz too) and
/// "-". Every resource that the report counts as imported is durable. An error return means that
/// importing itself could not go on (a path that is not there, a store that failed, an unknown
/// tenant); what was committed before stays.
Result<ImportReport> import_fhir(engine::Store& store, TenantId tenant,
                                 const std::vector<std::string>& paths,
                                 const ImportOptions& options);
/// The same from a source, which is read by one thread at a time. A source whose files have come to
/// an end for good sets `options.stop`, so that they are not taken for damaged ones.
Result<ImportReport> import_fhir(engine::Store& store, TenantId tenant, ImportSource& source,
                                 const ImportOptions& options);

}  // namespace clinicdb::clinic::fhir
