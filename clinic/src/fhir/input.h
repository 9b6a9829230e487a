// Input: FHIR JSON from the files of a source, plain or gzip, cut into pieces to work on.
//
//   Result<std::unique_ptr<ImportSource>> files = open_import_files({"export/", "-"});
//   Result<std::unique_ptr<Input>> input = Input::open(**files, 0);
//   while (true) {
//     Result<std::optional<InputPiece>> piece = (*input)->next();
//     if (!piece || !*piece) break;
//     ...
//   }
//
// What a file is shows in its content, not in its name: gzip by its first two bytes, NDJSON by a
// first line that is a whole object with more behind it; anything else is one document. Confined to
// one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "clinicdb/base/result.h"
#include "clinicdb/clinic/fhir/import_source.h"
#include "fhir/json_tree.h"

namespace clinicdb::clinic::fhir {

/// Bytes of input followed by kJsonPadding readable ones, so that they can be parsed in place.
class InputPiece {
 public:
  InputPiece() = default;
  InputPiece(std::string padded, std::size_t size, std::uint64_t first_line, bool document)
      : padded_(std::move(padded)), size_(size), first_line_(first_line), document_(document) {}

  std::string_view text() const { return {padded_.data(), size_}; }
  /// The line of the file that this piece begins with, from 1.
  std::uint64_t first_line() const { return first_line_; }
  /// One JSON document; otherwise whole lines of NDJSON.
  bool document() const { return document_; }

 private:
  std::string padded_;
  std::size_t size_ = 0;
  std::uint64_t first_line_ = 1;
  bool document_ = false;
};

/// The files to read, in the order to read them: a folder gives its .json, .ndjson and .jsonl
/// files, with or without .gz, those of its folders too, sorted by path; hidden ones are left out.
/// "-" stays "-". kNotFound names a path that is not there.
Result<std::vector<std::string>> find_inputs(const std::vector<std::string>& paths);

class Input {
 public:
  /// Of the file of `source`, which outlives it and reads nothing else meanwhile.
  static Result<std::unique_ptr<Input>> open(ImportSource& source, std::size_t file);
  /// Reads from `text`, for tests.
  static std::unique_ptr<Input> from_text(std::string text);
  virtual ~Input() = default;

  /// The next piece; nothing at the end. After an error there is no more.
  virtual Result<std::optional<InputPiece>> next() = 0;
  /// Bytes read so far, as stored (before unpacking).
  virtual std::uint64_t bytes_read() const = 0;
  /// Line that the last error was at, or 0.
  virtual std::uint64_t error_line() const = 0;
};

}  // namespace clinicdb::clinic::fhir
