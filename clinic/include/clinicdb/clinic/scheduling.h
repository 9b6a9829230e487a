// Scheduling: appointments, booked without conflict. See clinic.h for what holds for all services;
// methods are those of SchedulingService in clinic/schema/appointment.proto. Thread-safe.
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
  /// room or the patient is taken: field() is "appointment.professional_id", "appointment.room_id"
  /// or "appointment.patient_id", and the message names the appointment that is in the way, with
  /// its times.
  Result<BookAppointmentResponse> book(const CallContext& context,
                                       BookAppointmentRequest request) const;
  /// Frees the appointment's time. kFailedPrecondition when it is cancelled, completed or missed
  /// already.
  Result<CancelAppointmentResponse> cancel(const CallContext& context,
                                           const CancelAppointmentRequest& request) const;

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
  const Core& core_;
};

}  // namespace clinicdb::clinic
