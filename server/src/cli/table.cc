#include "cli/table.h"

#include <algorithm>

#include "cli/terminal.h"
#include "clinicdb/base/check.h"

namespace clinicdb::server {

void TextTable::add(std::vector<std::string> cells) {
  CLINICDB_CHECK(cells.size() == columns_.size());
  for (std::string& cell : cells) cell = printable(cell);
  rows_.push_back(std::move(cells));
}

std::string TextTable::text(bool colour) const {
  std::vector<int> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    int width = display_columns(columns_[i].heading);
    for (const auto& row : rows_) width = std::max(width, display_columns(row[i]));
    widths.push_back(width);
  }

  const auto line = [&](const auto& cell_of) {
    std::string text;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::string& cell = cell_of(i);
      const auto gap = static_cast<std::size_t>(widths[i] - display_columns(cell));
      if (i != 0) text += "  ";
      text += columns_[i].align == Align::kRight ? std::string(gap, ' ') + cell
                                                 : cell + std::string(gap, ' ');
    }
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
  };

  std::string text;
  const bool headed = std::any_of(columns_.begin(), columns_.end(),
                                  [](const Column& column) { return !column.heading.empty(); });
  if (headed) {
    const std::string headings =
        line([&](std::size_t i) -> const std::string& { return columns_[i].heading; });
    text += colour ? "\x1b[1m" + headings + "\x1b[0m\n" : headings + "\n";
  }
  for (const auto& row : rows_) {
    text += line([&](std::size_t i) -> const std::string& { return row[i]; }) + "\n";
  }
  return text;
}

}  // namespace clinicdb::server
