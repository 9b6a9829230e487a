#include "scheduling/appointment_states.h"

#include <algorithm>
#include <string>
#include <utility>

namespace clinicdb::clinic {

namespace {

using Step = std::pair<AppointmentStatus, AppointmentStatus>;

constexpr Step kSteps[] = {
    {APPOINTMENT_STATUS_BOOKED, APPOINTMENT_STATUS_CONFIRMED},
    {APPOINTMENT_STATUS_BOOKED, APPOINTMENT_STATUS_ARRIVED},
    {APPOINTMENT_STATUS_BOOKED, APPOINTMENT_STATUS_NO_SHOW},
    {APPOINTMENT_STATUS_CONFIRMED, APPOINTMENT_STATUS_ARRIVED},
    {APPOINTMENT_STATUS_CONFIRMED, APPOINTMENT_STATUS_NO_SHOW},
    {APPOINTMENT_STATUS_CONFIRMED, APPOINTMENT_STATUS_BOOKED},
    {APPOINTMENT_STATUS_ARRIVED, APPOINTMENT_STATUS_STARTED},
    {APPOINTMENT_STATUS_ARRIVED, APPOINTMENT_STATUS_CONFIRMED},
    {APPOINTMENT_STATUS_ARRIVED, APPOINTMENT_STATUS_BOOKED},
    {APPOINTMENT_STATUS_STARTED, APPOINTMENT_STATUS_COMPLETED},
    {APPOINTMENT_STATUS_CANCELLED, APPOINTMENT_STATUS_BOOKED},
    {APPOINTMENT_STATUS_NO_SHOW, APPOINTMENT_STATUS_BOOKED},
};

/// "BOOKED"
std::string short_name(AppointmentStatus status) {
  return AppointmentStatus_Name(status).substr(std::string("APPOINTMENT_STATUS_").size());
}

}  // namespace

Status check_transition(const Appointment& appointment, AppointmentStatus to, Time now) {
  if (to == APPOINTMENT_STATUS_CANCELLED || to == APPOINTMENT_STATUS_HELD ||
      to == APPOINTMENT_STATUS_UNSPECIFIED || !AppointmentStatus_IsValid(to)) {
    return invalid_argument(
               "status: BOOKED, CONFIRMED, ARRIVED, STARTED, COMPLETED or NO_SHOW can be asked "
               "for; "
               "cancelling and holding are methods of their own")
        .with_field("status");
  }
  const Step step{appointment.status(), to};
  if (std::find(std::begin(kSteps), std::end(kSteps), step) == std::end(kSteps)) {
    return failed_precondition("an appointment that is " + short_name(appointment.status()) +
                               " does not become " + short_name(to))
        .with_field("appointment.status");
  }
  if (to == APPOINTMENT_STATUS_NO_SHOW && now.us < appointment.start_us()) {
    return failed_precondition("nobody has missed an appointment before it starts")
        .with_field("appointment.status");
  }
  return {};
}

void set_state(Appointment& appointment, AppointmentStatus to, Time now) {
  appointment.set_status(to);
  switch (to) {
    case APPOINTMENT_STATUS_ARRIVED:
      appointment.set_arrived_us(now.us);
      break;
    case APPOINTMENT_STATUS_STARTED:
      appointment.set_started_us(now.us);
      break;
    case APPOINTMENT_STATUS_COMPLETED:
      appointment.set_completed_us(now.us);
      break;
    case APPOINTMENT_STATUS_BOOKED:
    case APPOINTMENT_STATUS_CONFIRMED:
      appointment.clear_arrived_us();
      appointment.clear_cancellation();
      break;
    default:
      break;
  }
}

EventType transition_event(AppointmentStatus to) {
  switch (to) {
    case APPOINTMENT_STATUS_CONFIRMED:
      return EVENT_APPOINTMENT_CONFIRMED;
    case APPOINTMENT_STATUS_ARRIVED:
      return EVENT_APPOINTMENT_ARRIVED;
    case APPOINTMENT_STATUS_STARTED:
      return EVENT_APPOINTMENT_STARTED;
    case APPOINTMENT_STATUS_COMPLETED:
      return EVENT_APPOINTMENT_COMPLETED;
    case APPOINTMENT_STATUS_NO_SHOW:
      return EVENT_APPOINTMENT_MISSED;
    default:
      return EVENT_APPOINTMENT_REINSTATED;
  }
}

Status check_cancellable(AppointmentStatus status) {
  switch (status) {
    case APPOINTMENT_STATUS_BOOKED:
    case APPOINTMENT_STATUS_CONFIRMED:
    case APPOINTMENT_STATUS_ARRIVED:
      return {};
    default:
      return failed_precondition("an appointment that is " + short_name(status) +
                                 " cannot be cancelled")
          .with_field("appointment.status");
  }
}

bool can_move(AppointmentStatus status) {
  return status == APPOINTMENT_STATUS_BOOKED || status == APPOINTMENT_STATUS_CONFIRMED;
}

}  // namespace clinicdb::clinic
