// CSV as RFC 4180 has it: fields between commas, quoted where they hold one, quotes doubled. Plain
// or gzip. Fields come without the spaces around them. Confined to one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "clinicdb/base/result.h"

namespace clinicdb::clinic::load {

/// A whole file, unpacked. kNotFound, kDataLoss for a damaged one, kResourceExhausted for one that
/// is larger than 1 GiB.
Result<std::string> read_file(const std::string& path);

class Csv {
 public:
  /// Of a text that outlives it. kInvalidArgument when the first line lacks one of `columns`.
  static Result<Csv> open(std::string_view text, const std::vector<std::string>& columns);

  /// The next row: the fields of `columns`, in that order. False at the end. A row that has fewer
  /// fields than the headings has them empty at its end, and `complete` is false.
  bool next(std::vector<std::string>& fields, bool& complete);
  /// Of the row that was read last, from 1.
  std::uint64_t line() const { return line_; }

 private:
  explicit Csv(std::string_view text) : rest_(text) {}
  bool take_row(std::vector<std::string>& fields);

  std::string_view rest_;
  std::uint64_t line_ = 0;
  std::uint64_t next_line_ = 1;
  std::vector<std::size_t> places_;  // of each column, in a row
  std::size_t width_ = 0;
};

}  // namespace clinicdb::clinic::load
