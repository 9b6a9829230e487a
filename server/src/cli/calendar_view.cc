#include "cli/calendar_view.h"

#include <algorithm>
#include <chrono>

#include "cli/message_json.h"
#include "cli/terminal.h"
#include "cli/time_text.h"

namespace clinicdb::server {

namespace {

using std::chrono::sys_days;

constexpr std::int32_t kWeekDays = 7;
constexpr std::string_view kWeekdays[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr int kHourColumns = 6;
constexpr std::size_t kEntriesAnHour = 3;
constexpr std::string_view kHelp =
    "left/right: back, on   d/w: day, week   tab/p: whose   up/down: scroll   t: today   q: quit";

std::int32_t number_of(const clinic::Date& date) {
  const std::chrono::year_month_day day{std::chrono::year(date.year()),
                                        std::chrono::month(static_cast<unsigned>(date.month())),
                                        std::chrono::day(static_cast<unsigned>(date.day()))};
  return static_cast<std::int32_t>(sys_days(day).time_since_epoch().count());
}

clinic::Date date_of(std::int32_t number) {
  const std::chrono::year_month_day day{sys_days(std::chrono::days(number))};
  clinic::Date date;
  date.set_year(static_cast<int>(day.year()));
  date.set_month(static_cast<int>(static_cast<unsigned>(day.month())));
  date.set_day(static_cast<int>(static_cast<unsigned>(day.day())));
  return date;
}

/// 0 is Monday; 1970 began with a Thursday.
std::int32_t weekday_of(std::int32_t number) {
  return ((number + 3) % kWeekDays + kWeekDays) % kWeekDays;
}

/// Cut or filled up to so many columns.
std::string fit(std::string_view text, int columns) {
  std::string out = printable(text);
  while (display_columns(out) > columns) {
    while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xc0) == 0x80) out.pop_back();
    if (!out.empty()) out.pop_back();
  }
  out.append(static_cast<std::size_t>(std::max(0, columns - display_columns(out))), ' ');
  return out;
}

std::string title_of(const clinic::CalendarEntry& entry) {
  std::string title = entry.title().empty() ? "-" : entry.title();
  if (entry.group()) title = "[group] " + title;
  if (entry.overbooked()) title = "! " + title;
  return title;
}

}  // namespace

CalendarKey take_calendar_key(std::string_view& input) {
  const auto take = [&](std::size_t bytes, CalendarKey key) {
    input.remove_prefix(bytes);
    return key;
  };
  if (input.size() >= 3 && input[0] == '\x1b' && (input[1] == '[' || input[1] == 'O')) {
    switch (input[2]) {
      case 'A':
        return take(3, CalendarKey::kUp);
      case 'B':
        return take(3, CalendarKey::kDown);
      case 'C':
        return take(3, CalendarKey::kOn);
      case 'D':
        return take(3, CalendarKey::kBack);
      case 'Z':
        return take(3, CalendarKey::kPrevious);
      default:
        return take(3, CalendarKey::kNone);
    }
  }
  switch (input.empty() ? '\0' : input[0]) {
    case 'h':
      return take(1, CalendarKey::kBack);
    case 'l':
      return take(1, CalendarKey::kOn);
    case 'k':
      return take(1, CalendarKey::kUp);
    case 'j':
      return take(1, CalendarKey::kDown);
    case 'd':
      return take(1, CalendarKey::kDay);
    case 'w':
      return take(1, CalendarKey::kWeek);
    case 't':
      return take(1, CalendarKey::kToday);
    case '\t':
    case 'p':
      return take(1, CalendarKey::kNext);
    case 'P':
      return take(1, CalendarKey::kPrevious);
    case 'q':
    case 'Q':
      return take(1, CalendarKey::kQuit);
    default:
      return take(std::min<std::size_t>(1, input.size()), CalendarKey::kNone);
  }
}

CalendarView::CalendarView(std::vector<CalendarOwner> owners, const clinic::Date& today,
                           const clinic::Date& from)
    : owners_(std::move(owners)), today_(number_of(today)), day_(number_of(from)) {
  for (const CalendarOwner& owner : owners_) names_[owner.id] = owner.name;
}

clinic::ListCalendarRequest CalendarView::request() const {
  clinic::ListCalendarRequest request;
  request.set_kind(owners_[owner_].kind);
  request.set_id(owners_[owner_].id);
  *request.mutable_from() = date_of(week_ ? day_ - weekday_of(day_) : day_);
  request.set_days(week_ ? kWeekDays : 1);
  return request;
}

bool CalendarView::press(CalendarKey key) {
  const std::int32_t step = week_ ? kWeekDays : 1;
  switch (key) {
    case CalendarKey::kUp:
      scrolled_ = std::max(0, scrolled_ - 1);
      return false;
    case CalendarKey::kDown:
      ++scrolled_;
      return false;
    case CalendarKey::kBack:
      day_ -= step;
      break;
    case CalendarKey::kOn:
      day_ += step;
      break;
    case CalendarKey::kDay:
      week_ = false;
      break;
    case CalendarKey::kWeek:
      week_ = true;
      break;
    case CalendarKey::kToday:
      day_ = today_;
      break;
    case CalendarKey::kNext:
      owner_ = (owner_ + 1) % owners_.size();
      break;
    case CalendarKey::kPrevious:
      owner_ = (owner_ + owners_.size() - 1) % owners_.size();
      break;
    case CalendarKey::kNone:
    case CalendarKey::kQuit:
      return false;
  }
  scrolled_ = 0;
  return true;
}

std::string CalendarView::heading(const std::string& zone) const {
  const std::int32_t first = week_ ? day_ - weekday_of(day_) : day_;
  const std::string when =
      week_ ? "Week of " + format_day(date_of(first))
            : std::string(kWeekdays[weekday_of(day_)]) + " " + format_day(date_of(day_));
  return when + "  " + owners_[owner_].name + "  (" + zone + ")";
}

std::vector<std::string> CalendarView::week_lines(const clinic::ListCalendarResponse& calendar,
                                                  int columns) const {
  const int width = std::max(4, (columns - kHourColumns) / kWeekDays - 1);
  // Of each hour, of each day: what starts in it.
  std::map<std::string, std::vector<std::vector<std::string>>> hours;
  std::string days(kHourColumns, ' ');
  for (int d = 0; d < calendar.days_size(); ++d) {
    const clinic::CalendarDay& day = calendar.days(d);
    const std::int32_t number = number_of(day.day());
    days += fit(std::string(kWeekdays[weekday_of(number)]) + " " + format_day(day.day()).substr(5) +
                    (number == today_ ? "*" : ""),
                width) +
            " ";
    for (const clinic::CalendarEntry& entry : day.entries()) {
      const std::string time = format_local_hour(Time{entry.start_us()}, calendar.zone());
      auto& hour = hours[time.substr(0, 2) + ":00"];
      hour.resize(static_cast<std::size_t>(calendar.days_size()));
      hour[static_cast<std::size_t>(d)].push_back(time + " " + title_of(entry));
    }
  }
  std::vector<std::string> lines{days};
  for (const auto& [hour, of_days] : hours) {
    std::size_t most = 0;
    for (const auto& entries : of_days) most = std::max(most, entries.size());
    most = std::min(most, kEntriesAnHour);
    for (std::size_t i = 0; i < most; ++i) {
      std::string line = fit(i == 0 ? hour : "", kHourColumns);
      for (const auto& entries : of_days) {
        std::string cell = i < entries.size() ? entries[i] : "";
        if (i + 1 == most && entries.size() > most)
          cell = "+" + std::to_string(entries.size() - i) + " more";
        line += fit(cell, width) + " ";
      }
      lines.push_back(std::move(line));
    }
  }
  if (hours.empty()) lines.emplace_back("No appointment.");
  return lines;
}

std::vector<std::string> CalendarView::day_lines(const clinic::ListCalendarResponse& calendar,
                                                 int columns) const {
  std::vector<std::string> lines{fit("TIME         STATUS     APPOINTMENT", columns)};
  for (const clinic::CalendarDay& day : calendar.days()) {
    for (const clinic::CalendarEntry& entry : day.entries()) {
      std::string line = format_local_hour(Time{entry.start_us()}, calendar.zone()) + "-" +
                         format_local_hour(Time{entry.end_us()}, calendar.zone()) + "  ";
      line +=
          fit(enum_text(*clinic::AppointmentStatus_descriptor()->FindValueByNumber(entry.status())),
              10) +
          " " + title_of(entry);
      const auto who = names_.find(entry.professional_id());
      if (owners_[owner_].kind == clinic::RESOURCE_KIND_CLINIC && who != names_.end())
        line += "  " + who->second;
      lines.push_back(fit(line, columns));
    }
  }
  if (lines.size() == 1) lines.emplace_back("No appointment.");
  return lines;
}

std::vector<std::string> CalendarView::draw(const clinic::ListCalendarResponse& calendar,
                                            ScreenSize size, bool colour) const {
  const auto strong = [&](const std::string& text) {
    return colour ? "\x1b[1m" + text + "\x1b[0m" : text;
  };
  const std::vector<std::string> body =
      week_ ? week_lines(calendar, size.columns) : day_lines(calendar, size.columns);
  std::vector<std::string> lines{strong(fit(heading(calendar.zone()), size.columns))};
  lines.push_back(strong(fit(body.front(), size.columns)));
  // Below the headings and above the help; scrolled no further than to the last line.
  const int room = std::max(1, size.lines - 3);
  const int rows = static_cast<int>(body.size()) - 1;
  const int first = std::clamp(scrolled_, 0, std::max(0, rows - room));
  for (int i = 0; i < room; ++i) {
    const int row = first + i;
    lines.push_back(row < rows ? fit(body[static_cast<std::size_t>(row) + 1], size.columns) : "");
  }
  const int below = rows - first - room;
  lines.push_back(fit(below > 0 ? std::to_string(below) + " more below   " + std::string(kHelp)
                                : std::string(kHelp),
                      size.columns));
  lines.resize(std::min(lines.size(), static_cast<std::size_t>(std::max(1, size.lines))));
  return lines;
}

}  // namespace clinicdb::server
