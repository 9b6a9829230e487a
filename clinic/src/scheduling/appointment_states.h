// The states of an appointment, and what may follow what: the diagram is in
// clinic/schema/appointment.proto. Pure.
#pragma once

#include "clinicdb/base/clock.h"
#include "clinicdb/base/status.h"
#include "clinicdb/clinic/schema/appointment.pb.h"
#include "clinicdb/clinic/schema/event.pb.h"

namespace clinicdb::clinic {

/// kFailedPrecondition, with field "appointment.status", where `to` may not follow the
/// appointment's status at `now`; kInvalidArgument where `to` is none that can be asked for.
Status check_transition(const Appointment& appointment, AppointmentStatus to, Time now);
/// Sets the status, and notes when it was so. REQUIRES: check_transition said yes.
void set_state(Appointment& appointment, AppointmentStatus to, Time now);
/// What a change to `to` is called.
EventType transition_event(AppointmentStatus to);

/// Whether it can be cancelled; the refusal as check_transition's.
Status check_cancellable(AppointmentStatus status);
/// Whether it can be moved: it has not begun, and is not over.
bool can_move(AppointmentStatus status);

}  // namespace clinicdb::clinic
