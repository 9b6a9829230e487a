// TextTable: rows under headings, in aligned columns, for people to read.
//
//   TextTable table({{"NAME"}, {"RECORDS", Align::kRight}});
//   table.add({"sorriso", with_commas(12'345)});
//   out << table.text(terminal.colour);
//
// Thread-compatible.
#pragma once

#include <string>
#include <vector>

namespace clinicdb::server {

enum class Align { kLeft, kRight };

class TextTable {
 public:
  struct Column {
    std::string heading;
    Align align = Align::kLeft;
  };

  /// With headings. All empty: no line of headings, as for a record's fields.
  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// Cells are made printable. REQUIRES: as many as there are columns.
  void add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }

  /// Lines, each ended; without trailing spaces. `colour`: headings stand out.
  std::string text(bool colour) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace clinicdb::server
