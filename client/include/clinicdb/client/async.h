// The clinic's services for asio's coroutines.
//
//   asio::awaitable<void> show(Client& client, Uuid id) {
//     GetPatientRequest request;
//     request.set_id(id.view());
//     const auto patient = co_await AsyncServices(client).patients().get(request);
//     ...
//   }
//   asio::co_spawn(executor(client, 0), show(*client, id), handler);
//
// A coroutine may run on any executor; on one of the client's own no call changes threads.
// Thread-safe. A call that is cancelled through asio gives kCancelled; a change that was sent may
// be made all the same. Absent where the compiler has no coroutines that asio knows.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <cstddef>

#include "clinicdb/client/client.h"
#include "clinicdb/client/stream.h"
#include "clinicdb/client/subscription.h"

#if defined(ASIO_HAS_CO_AWAIT)

namespace clinicdb::client {

/// Of the client's I/O thread `index`, modulo their number. The client outlives its use.
asio::any_io_executor executor(Client& client, std::size_t index);

/// Client::call without waiting on a thread. `request` is read before the first suspension;
/// `response` is a default instance, and lives for ever. The client outlives the call.
asio::awaitable<Result<Answer>> async_call(Client& client, const Method& method,
                                           const google::protobuf::MessageLite& request,
                                           const google::protobuf::MessageLite& response,
                                           CallOptions options);

/// Stream::read without waiting on a thread. `message` and `stream` live until it is done.
asio::awaitable<Result<bool>> async_read(Stream& stream, google::protobuf::MessageLite& message);

/// Subscription::next without waiting on a thread, for as long as it takes. `subscription` lives
/// until it is done.
asio::awaitable<Result<std::shared_ptr<const clinic::ReadEventsResponse>>> async_next(
    Subscription& subscription);

}  // namespace clinicdb::client

#include "clinicdb/client/async_services.h"  // NOLINT: derived from what stands above

#endif
