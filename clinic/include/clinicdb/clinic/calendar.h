// Calendar: what is when, over several days; a patient's appointments; and how many there were. See
// clinic.h for what holds for all services; methods are those of CalendarService in
// clinic/schema/calendar.proto. Thread-safe.
#pragma once

#include <memory>

#include "clinicdb/base/result.h"
#include "clinicdb/clinic/context.h"
#include "clinicdb/clinic/schema/calendar.pb.h"

namespace clinicdb::clinic {

class Core;

class Calendar {
 public:
  explicit Calendar(const Core& core) : core_(core) {}

  /// Up to 42 days of a clinic, professional, room or patient, in one range of an index.
  Result<std::shared_ptr<const ListCalendarResponse>> list(
      const CallContext& context, const ListCalendarRequest& request) const;
  /// A page of a patient's appointments, past or to come, whatever became of them.
  Result<ListPatientAppointmentsResponse> list_patient(
      const CallContext& context, const ListPatientAppointmentsRequest& request) const;
  /// Counts by professional, service and weekday. They are made of kept parts of some 12.7 days
  /// each, which a change within them alone makes anew: no counter is a record, so that bookings
  /// do not meet in one.
  Result<std::shared_ptr<const CountAppointmentsResponse>> count(
      const CallContext& context, const CountAppointmentsRequest& request) const;

 private:
  const Core& core_;
};

}  // namespace clinicdb::clinic
