// ImportSource: the files of an import, wherever they are: on this machine, or at the other end of
// a connection.
//
//   Result<std::unique_ptr<ImportSource>> files = open_import_files({"export/", "-"});
//   Result<ImportReport> report = import_fhir(clinic->store(), tenant, **files, options);
//
// Confined to one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "clinicdb/base/result.h"

namespace clinicdb::clinic::fhir {

class ImportSource {
 public:
  virtual ~ImportSource() = default;

  /// Names, as problems tell them; files are meant by their index in it. Constant.
  virtual const std::vector<std::string>& files() const = 0;
  /// Goes on with this file, from its beginning. They are opened in order, and after all of them
  /// some once more, of those that can be read again.
  virtual Status open(std::size_t file) = 0;
  /// Fills some of `room` with what is next of the file that was opened last; 0: its end. Bytes are
  /// as they are stored, gzip or not. After an error the next file can be opened.
  virtual Result<std::size_t> read(std::span<char> room) = 0;
  /// Whether the file can be opened once more.
  virtual bool can_read_again(std::size_t file) const = 0;
  /// Of all files; 0: not known.
  virtual std::uint64_t bytes_total() const = 0;
};

/// What `paths` name: files, folders (their .json, .ndjson and .jsonl files, .gz too, sorted by
/// path) and "-", which is standard input. kNotFound names a path that is not there.
Result<std::unique_ptr<ImportSource>> open_import_files(const std::vector<std::string>& paths);

}  // namespace clinicdb::clinic::fhir
