// SeriesBookings: appointments that repeat. See clinic.h for what holds for all services; methods
// are those of SeriesService in clinic/schema/series.proto, where the rules are documented.
// Thread-safe.
#pragma once

#include "clinicdb/base/result.h"
#include "clinicdb/clinic/context.h"
#include "clinicdb/clinic/schema/series.pb.h"

namespace clinicdb::clinic {

class Core;

class SeriesBookings {
 public:
  explicit SeriesBookings(const Core& core) : core_(core) {}

  /// Books all appointments of a rule in one commit. Where one cannot be booked, either none is,
  /// and the refusal says which it was, or it is left out and the answer says why. A series of a
  /// year of weeks keeps the shard's writer busy for some milliseconds.
  Result<BookSeriesResponse> book(const CallContext& context, BookSeriesRequest request) const;
  Result<GetSeriesResponse> get(const CallContext& context, const GetSeriesRequest& request) const;
  /// Moves or cancels one appointment of a series, it and those after it, or all, in one commit.
  Result<EditSeriesResponse> edit(const CallContext& context,
                                  const EditSeriesRequest& request) const;

 private:
  const Core& core_;
};

}  // namespace clinicdb::clinic
