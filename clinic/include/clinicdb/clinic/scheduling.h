// Scheduling: appointments, booked without conflict. See clinic.h for what holds for all services;
// methods are those of SchedulingService in clinic/schema/appointment.proto, where the states of an
// appointment are drawn. Thread-safe.
#pragma once

#include <memory>

#include "clinicdb/base/result.h"
#include "clinicdb/clinic/context.h"
#include "clinicdb/clinic/schema/appointment.pb.h"

namespace clinicdb::clinic {

class Core;

class Scheduling {
 public:
  explicit Scheduling(const Core& core) : core_(core) {}

  /// Books. Appointments that touch do not overlap. kFailedPrecondition when the professional, the
  /// room, the equipment, the group or the patient is taken: field() is
  /// "appointment.professional_id" and its like, and the message names the appointment that is in
  /// the way, with its times, to who may read the schedule. A hold that has expired is not in the
  /// way.
  Result<BookAppointmentResponse> book(const CallContext& context,
                                       BookAppointmentRequest request) const;
  /// Frees the appointment's time, and offers it to who waits for it (waitlist.proto).
  /// kFailedPrecondition when it is cancelled, completed or missed already. A group is cancelled
  /// with its participants.
  Result<CancelAppointmentResponse> cancel(const CallContext& context,
                                           const CancelAppointmentRequest& request) const;
  /// Moves it to another time, professional or room, in one commit: at no moment does it hold both
  /// places, or none. Refused as a booking is. A group is moved with its participants.
  Result<RescheduleAppointmentResponse> reschedule(
      const CallContext& context, const RescheduleAppointmentRequest& request) const;
  /// Confirms, checks in, starts, completes, notes a no-show, or takes one of these back.
  Result<ChangeAppointmentStatusResponse> change_status(
      const CallContext& context, const ChangeAppointmentStatusRequest& request) const;

  /// Keeps time free for a while. It claims as a booking does, over restarts, until it is booked,
  /// released or expired.
  Result<HoldAppointmentResponse> hold(const CallContext& context,
                                       HoldAppointmentRequest request) const;
  Result<ReleaseHoldResponse> release_hold(const CallContext& context,
                                           const ReleaseHoldRequest& request) const;
  /// Removes up to `limit` holds that have expired.
  Result<ExpireHoldsResponse> expire_holds(const CallContext& context,
                                           const ExpireHoldsRequest& request) const;

  Result<std::shared_ptr<const GetAppointmentResponse>> get(const CallContext& context,
                                                            const Uuid& id) const;
  Result<std::shared_ptr<const GetAppointmentResponse>> get(
      const CallContext& context, const GetAppointmentRequest& request) const;
  /// The day of a clinic, professional, room or patient, from midnight to midnight of the zone,
  /// which on days when clocks change is 23 or 25 hours.
  Result<std::shared_ptr<const ListDayResponse>> list_day(const CallContext& context,
                                                          const ListDayRequest& request) const;
  Result<AppointmentHistoryResponse> history(const CallContext& context,
                                             const AppointmentHistoryRequest& request) const;

 private:
  Result<BookAppointmentResponse> book_hold(const CallContext& context,
                                            const BookAppointmentRequest& request,
                                            std::uint64_t hash) const;
  Result<BookAppointmentResponse> join_group(const CallContext& context, Appointment appointment,
                                             std::uint64_t hash) const;

  const Core& core_;
};

}  // namespace clinicdb::clinic
