#include "scheduling/appointment_states.h"

#include <catch2/catch.hpp>

#include "clinicdb/clinic/schema/event.pb.h"
#include "scheduling_fixture.h"

namespace clinicdb::clinic {
namespace {

TEST_CASE_METHOD(Desk, "states: from booked to completed, with the times of each step") {
  const std::string id = booked(booking(lia, room1, ana, nine));
  must(change(id, APPOINTMENT_STATUS_CONFIRMED));
  clinic.clock().set_wall(Time{nine - 5 * kMinute});
  must(change(id, APPOINTMENT_STATUS_ARRIVED));
  clinic.clock().set_wall(Time{nine});
  must(change(id, APPOINTMENT_STATUS_STARTED));
  clinic.clock().set_wall(Time{nine + 25 * kMinute});
  CHECK(must(change(id, APPOINTMENT_STATUS_COMPLETED)).result().version() == 5);
  const Appointment done = appointment(id);
  CHECK(done.arrived_us() == nine - 5 * kMinute);
  CHECK(done.started_us() == nine);
  CHECK(done.completed_us() == nine + 25 * kMinute);
  CHECK_FALSE(book(booking(lia, room2, bia, nine)));  // what was done still has its time
  CHECK(problems() == 0);
}

TEST_CASE("states: what may follow what, and nothing else") {
  const auto allowed = [](AppointmentStatus from, AppointmentStatus to) {
    Appointment appointment;
    appointment.set_status(from);
    return check_transition(appointment, to, Time{1}).ok();
  };
  int count = 0;
  for (int from = AppointmentStatus_MIN; from <= AppointmentStatus_MAX; ++from) {
    for (int to = AppointmentStatus_MIN; to <= AppointmentStatus_MAX; ++to)
      count += allowed(static_cast<AppointmentStatus>(from), static_cast<AppointmentStatus>(to));
  }
  CHECK(count == 12);
  CHECK(allowed(APPOINTMENT_STATUS_BOOKED, APPOINTMENT_STATUS_ARRIVED));
  CHECK_FALSE(allowed(APPOINTMENT_STATUS_BOOKED, APPOINTMENT_STATUS_COMPLETED));
  CHECK_FALSE(allowed(APPOINTMENT_STATUS_COMPLETED, APPOINTMENT_STATUS_BOOKED));
  CHECK_FALSE(allowed(APPOINTMENT_STATUS_HELD, APPOINTMENT_STATUS_BOOKED));
}

TEST_CASE_METHOD(Desk, "states: nobody has missed an appointment before it starts") {
  const std::string id = booked(booking(lia, room1, ana, nine));
  CHECK(change(id, APPOINTMENT_STATUS_NO_SHOW).status().code() == StatusCode::kFailedPrecondition);
  clinic.clock().set_wall(Time{nine + kMinute});
  must(change(id, APPOINTMENT_STATUS_NO_SHOW));
  CHECK(book(booking(lia, room1, bia, nine)));  // its time is free
}

TEST_CASE_METHOD(Desk, "states: what was cancelled comes back where its time is still free") {
  const std::string id = booked(booking(lia, room1, ana, nine));
  must(cancel(id));
  const std::string other = booked(booking(lia, room2, bia, nine));
  const Status taken = change(id, APPOINTMENT_STATUS_BOOKED).status();
  CHECK(taken.code() == StatusCode::kFailedPrecondition);
  CHECK(taken.field() == "appointment.professional_id");
  must(cancel(other));
  must(change(id, APPOINTMENT_STATUS_BOOKED));
  CHECK_FALSE(appointment(id).has_cancellation());
  CHECK_FALSE(book(booking(lia, room2, bia, nine)));
  CHECK(problems() == 0);
}

TEST_CASE_METHOD(Desk, "states: a change against another version, or of nothing, is refused") {
  const std::string id = booked(booking(lia, room1, ana, nine));
  ChangeAppointmentStatusRequest request;
  request.set_id(id);
  request.set_status(APPOINTMENT_STATUS_CONFIRMED);
  request.set_expected_version(3);
  const Status refused = clinic->scheduling().change_status(clinic.context(), request).status();
  CHECK(refused.code() == StatusCode::kAborted);
  CHECK(refused.current_version() == 1);
  CHECK(change(std::string(16, 'x'), APPOINTMENT_STATUS_CONFIRMED).status().code() ==
        StatusCode::kNotFound);
  CHECK(change(id, APPOINTMENT_STATUS_CANCELLED).status().field() == "status");
}

TEST_CASE_METHOD(Desk, "reschedule: moves in one commit, over its own time too, or not at all") {
  const std::string id = booked(booking(lia, room1, ana, nine));
  booked(booking(rui, room2, bia, nine + kHour));
  must(move(id, nine + 15 * kMinute));
  CHECK(appointment(id).end_us() == nine + 45 * kMinute);
  CHECK(book(booking(lia, room1, bia, nine - 15 * kMinute)));
  RescheduleAppointmentRequest request;
  request.set_id(id);
  request.set_start_us(nine + kHour);
  request.set_professional_id(rui);
  const Status taken = clinic->scheduling().reschedule(clinic.context(), request).status();
  CHECK(taken.field() == "appointment.professional_id");
  CHECK(appointment(id).start_us() == nine + 15 * kMinute);
  CHECK_FALSE(book(booking(lia, "", "", nine + 20 * kMinute)));
  must(cancel(id));
  CHECK(move(id, nine).status().field() == "appointment.status");
  CHECK(problems() == 0);
}

}  // namespace
}  // namespace clinicdb::clinic
