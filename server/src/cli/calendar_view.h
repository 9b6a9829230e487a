// CalendarView: what of a calendar is looked at, what a key does to that, and how it is drawn. No
// terminal is touched: see calendar_browser.h.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "clinicdb/clinic/schema/calendar.pb.h"

namespace clinicdb::server {

/// Whose calendar it may be: the clinic's, or that of one of its professionals.
struct CalendarOwner {
  clinic::ResourceKind kind = clinic::RESOURCE_KIND_CLINIC;
  std::string id;
  std::string name;
};

enum class CalendarKey {
  kNone,
  kBack,
  kOn,
  kUp,
  kDown,
  kDay,
  kWeek,
  kToday,
  kNext,
  kPrevious,
  kQuit
};

/// The key at the front of `input`, which is taken off. kNone for what is no key of ours.
CalendarKey take_calendar_key(std::string_view& input);

struct ScreenSize {
  int columns = 80;
  int lines = 24;
};

/// Thread-compatible.
class CalendarView {
 public:
  /// From the week of `today`, or of `from`. REQUIRES: owners is not empty.
  CalendarView(std::vector<CalendarOwner> owners, const clinic::Date& today,
               const clinic::Date& from);

  /// What has to be shown.
  clinic::ListCalendarRequest request() const;
  /// Whether another calendar has to be read. REQUIRES: not kQuit.
  bool press(CalendarKey key);
  /// Lines for a screen of that size, without line feeds, at most as many as it has. `calendar` is
  /// the answer to request().
  std::vector<std::string> draw(const clinic::ListCalendarResponse& calendar, ScreenSize size,
                                bool colour) const;

 private:
  std::vector<std::string> week_lines(const clinic::ListCalendarResponse& calendar,
                                      int columns) const;
  std::vector<std::string> day_lines(const clinic::ListCalendarResponse& calendar,
                                     int columns) const;
  std::string heading(const std::string& zone) const;

  std::vector<CalendarOwner> owners_;
  std::map<std::string, std::string> names_;  // of professionals, by id
  std::size_t owner_ = 0;
  std::int32_t today_;  // days since 1970, as the next
  std::int32_t day_;
  bool week_ = true;
  int scrolled_ = 0;
};

}  // namespace clinicdb::server
