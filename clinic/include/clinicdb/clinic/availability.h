// Availability: the hours of professionals and rooms, exceptions from them, holidays, and the free
// time that these and the appointments leave. See clinic.h for what holds for all services; methods
// are those of AvailabilityService in clinic/schema/availability.proto. Thread-safe.
#pragma once

#include <memory>

#include "clinicdb/base/result.h"
#include "clinicdb/clinic/context.h"
#include "clinicdb/clinic/schema/availability.pb.h"

namespace clinicdb::clinic {

class Core;

class Availability {
 public:
  explicit Availability(const Core& core) : core_(core) {}

  // A put makes the record where its id is empty or new, and replaces it otherwise. What is booked
  // stays booked, whatever becomes of the hours.
  Result<PutHoursResponse> put_hours(const CallContext& context, PutHoursRequest request) const;
  Result<PutExceptionResponse> put_exception(const CallContext& context,
                                             PutExceptionRequest request) const;
  Result<PutHolidayResponse> put_holiday(const CallContext& context,
                                         PutHolidayRequest request) const;

  Result<RemoveHoursResponse> remove_hours(const CallContext& context,
                                           const RemoveHoursRequest& request) const;
  Result<RemoveExceptionResponse> remove_exception(const CallContext& context,
                                                   const RemoveExceptionRequest& request) const;
  Result<RemoveHolidayResponse> remove_holiday(const CallContext& context,
                                               const RemoveHolidayRequest& request) const;

  Result<ListHoursResponse> list_hours(const CallContext& context,
                                       const ListHoursRequest& request) const;
  Result<ListExceptionsResponse> list_exceptions(const CallContext& context,
                                                 const ListExceptionsRequest& request) const;
  Result<ListHolidaysResponse> list_holidays(const CallContext& context,
                                             const ListHolidaysRequest& request) const;

  /// Free starts, earliest first. Reads, per professional and stretch of time, the hours and one
  /// range of claims; goes forward only until the limit is reached, and never over the clinic's
  /// appointments. What it offers may be taken a moment later: booking decides.
  Result<std::shared_ptr<const FindSlotsResponse>> find_slots(
      const CallContext& context, const FindSlotsRequest& request) const;

 private:
  const Core& core_;
};

}  // namespace clinicdb::clinic
