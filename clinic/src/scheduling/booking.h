// Booking: bringing an appointment in order before it is put. Everything here runs on the caller's
// thread; what has to hold in the commit is checked there once more.
#pragma once

#include "clinicdb/clinic/context.h"
#include "clinicdb/clinic/schema/appointment.pb.h"
#include "core.h"

namespace clinicdb::clinic {

/// Takes out what only the store gives, and gives an id where there is none.
void clear_given(const Core& core, Appointment& appointment);
/// Gives what the service says and the request left out.
Status fill_from_service(const Core& core, const CallContext& context, Appointment& appointment);
/// kNotFound where the clinic, the professional, the room or the service is not there. They are
/// never removed, so that this holds in the commit too; a patient is looked for there.
Status check_references(const Core& core, const CallContext& context,
                        const Appointment& appointment);
/// kFailedPrecondition where the time is outside the hours of the professional or the room.
Status check_within_hours(const Core& core, const CallContext& context,
                          const Appointment& appointment);
/// kPermissionDenied where overbooking is asked for without the right to.
Status check_overbook_right(const CallContext& context, bool overbook);

}  // namespace clinicdb::clinic
