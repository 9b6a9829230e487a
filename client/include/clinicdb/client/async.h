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

}  // namespace clinicdb::client

#include "clinicdb/client/async_services.h"  // NOLINT: derived from what stands above

#endif
