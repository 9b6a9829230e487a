#include "load/csv.h"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace clinicdb::clinic::load {

namespace {

constexpr std::size_t kFileBytesMax = std::size_t{1} << 30;

std::string trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return std::string(text);
}

}  // namespace

Result<std::string> read_file(const std::string& path) {
  errno = 0;
  // Reads plain files as they are.
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), &gzclose);
  if (file == nullptr) return status_from_errno(errno == 0 ? ENOMEM : errno, "open", path);
  std::string text;
  std::string piece(std::size_t{1} << 18, '\0');
  for (;;) {
    const int got = gzread(file.get(), piece.data(), static_cast<unsigned>(piece.size()));
    if (got < 0) return data_loss(path + ": is damaged, or no gzip file after all");
    if (got == 0) break;
    text.append(piece, 0, static_cast<std::size_t>(got));
    if (text.size() > kFileBytesMax) return resource_exhausted(path + ": is larger than 1 GiB");
  }
  int error = Z_OK;
  gzerror(file.get(), &error);
  if (error != Z_OK) return data_loss(path + ": ends before its end");
  return text;
}

Result<Csv> Csv::open(std::string_view text, const std::vector<std::string>& columns) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Csv csv(text);
  std::vector<std::string> headings;
  csv.take_row(headings);
  csv.width_ = headings.size();
  for (const std::string& column : columns) {
    const auto found = std::find(headings.begin(), headings.end(), column);
    if (found == headings.end())
      return invalid_argument("line 1: there is no column \"" + column + "\"").with_field(column);
    csv.places_.push_back(static_cast<std::size_t>(found - headings.begin()));
  }
  return csv;
}

bool Csv::take_row(std::vector<std::string>& fields) {
  fields.clear();
  if (rest_.empty()) return false;
  line_ = next_line_++;
  std::string field;
  bool quoted = false;
  std::size_t at = 0;
  for (; at < rest_.size(); ++at) {
    const char c = rest_[at];
    if (quoted) {
      if (c == '\n') ++next_line_;
      if (c != '"') {
        field.push_back(c);
      } else if (at + 1 < rest_.size() && rest_[at + 1] == '"') {
        field.push_back('"');
        ++at;
      } else {
        quoted = false;
      }
    } else if (c == '"' && trimmed(field).empty()) {
      field.clear();
      quoted = true;
    } else if (c == ',') {
      fields.push_back(trimmed(field));
      field.clear();
    } else if (c == '\n') {
      break;
    } else if (c != '\r') {
      field.push_back(c);
    }
  }
  fields.push_back(trimmed(field));
  rest_.remove_prefix(std::min(at + 1, rest_.size()));
  return true;
}

bool Csv::next(std::vector<std::string>& fields, bool& complete) {
  std::vector<std::string> row;
  do {
    if (!take_row(row)) return false;
  } while (row.size() == 1 && row.front().empty());  // an empty line is no row
  complete = row.size() == width_;
  fields.clear();
  for (const std::size_t place : places_)
    fields.push_back(place < row.size() ? row[place] : std::string());
  return true;
}

}  // namespace clinicdb::clinic::load
