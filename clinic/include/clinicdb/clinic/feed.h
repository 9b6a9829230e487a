// Feed: what happened to a tenant's records, as domain events in the order of their commits, and
// record by record. See clinic.h for what holds for all services; methods are those of FeedService
// in clinic/schema/feed.proto. Thread-safe.
#pragma once

#include "clinicdb/base/result.h"
#include "clinicdb/clinic/context.h"
#include "clinicdb/clinic/schema/feed.pb.h"

namespace clinicdb::clinic {

class Core;

class Feed {
 public:
  explicit Feed(const Core& core) : core_(core) {}

  /// How many events one call looks at is bounded, so a page may come short of its limit, even
  /// empty, and still have a cursor.
  Result<ReadEventsResponse> read_events(const CallContext& context,
                                         const ReadEventsRequest& request) const;
  /// A page of a feed that is followed: read_events for who may follow, with longer pages.
  Result<ReadEventsResponse> follow(const CallContext& context,
                                    const ReadEventsRequest& request) const;
  /// Empty for a record that never was. kInvalidArgument for a table that there is not.
  Result<ListChangesResponse> list_changes(const CallContext& context,
                                           const ListChangesRequest& request) const;

 private:
  Result<ReadEventsResponse> page(const CallContext& context, const ReadEventsRequest& request,
                                  std::uint32_t limit) const;
  const Core& core_;
};

}  // namespace clinicdb::clinic
