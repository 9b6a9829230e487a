// CalendarCovered: what a calendar's index entry carries, looked at where it lies.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "clinicdb/clinic/tables.h"

namespace clinicdb::clinic {

/// Views live as long as the bytes they were read from. An id that is left out is empty.
struct CalendarCovered {
  AppointmentStatus status = APPOINTMENT_STATUS_UNSPECIFIED;
  std::optional<std::int64_t> end_us;
  CalendarBuffers buffers;
  bool overbooked = false;
  bool group = false;
  bool participant = false;
  std::string_view clinic_id;
  std::string_view professional_id;
  std::string_view room_id;
  std::string_view patient_id;
  std::string_view service_id;
  std::string_view title;

  /// False when the bytes are not in the form of encode_calendar_covered.
  [[nodiscard]] bool decode(std::string_view bytes);
  /// Sets what the bytes carry, of an entry in which none of it is set.
  void fill(CalendarEntry& entry) const;
};

}  // namespace clinicdb::clinic
