#include "clinicdb/wire/stream_table.h"

#include <algorithm>
#include <string>

#include "clinicdb/base/check.h"

namespace clinicdb::wire {

StreamTable::StreamTable(const Agreement& agreement)
    : send_window_bytes_(agreement.send_stream_window_bytes),
      receive_window_bytes_(agreement.take_stream_window_bytes),
      connection_send_(agreement.send_connection_window_bytes),
      connection_receive_(agreement.take_connection_window_bytes) {}

Status StreamTable::open(std::uint32_t id, bool sending, bool receiving) {
  if (id == 0) return invalid_argument("a stream with the id of the connection");
  if (is_open(id)) return invalid_argument("stream " + std::to_string(id) + " is open");
  if (streams_.size() >= kStreamsMax) {
    return resource_exhausted(std::to_string(kStreamsMax) + " streams are open on this connection");
  }
  streams_.emplace(id, Stream{SendWindow(send_window_bytes_), ReceiveWindow(receive_window_bytes_),
                              sending, receiving});
  return {};
}

std::uint32_t StreamTable::may_send(std::uint32_t id) const {
  const auto at = streams_.find(id);
  if (at == streams_.end() || !at->second.sending) return 0;
  return std::min({at->second.send.available(), connection_send_.available(),
                   static_cast<std::uint32_t>(kStreamChunkBytesMax)});
}

void StreamTable::sent(std::uint32_t id, std::uint32_t bytes) {
  CLINICDB_CHECK(bytes <= may_send(id));
  streams_.at(id).send.spend(bytes);
  connection_send_.spend(bytes);
}

Status StreamTable::granted(std::uint32_t id, std::uint32_t bytes) {
  if (id == 0) return connection_send_.grant(bytes);
  const auto at = streams_.find(id);
  return at == streams_.end() ? Status() : at->second.send.grant(bytes);
}

StreamTable::Received StreamTable::received(std::uint32_t id, std::uint32_t bytes) {
  if (Status status = connection_receive_.receive(bytes); !status.ok()) {
    return {std::move(status), false};
  }
  const auto at = streams_.find(id);
  if (at == streams_.end() || !at->second.receiving) return {Status(), false};
  if (Status status = at->second.receive.receive(bytes); !status.ok()) {
    return {std::move(status), true};
  }
  return {Status(), true};
}

StreamTable::Grants StreamTable::consumed(std::uint32_t id, std::uint32_t bytes) {
  Grants grants;
  const auto at = streams_.find(id);
  if (at != streams_.end()) grants.stream_bytes = at->second.receive.consume(bytes);
  grants.connection_bytes = connection_receive_.consume(bytes);
  return grants;
}

void StreamTable::end_sending(std::uint32_t id) {
  const auto at = streams_.find(id);
  if (at == streams_.end()) return;
  at->second.sending = false;
  forget_if_ended(at);
}

void StreamTable::end_receiving(std::uint32_t id) {
  const auto at = streams_.find(id);
  if (at == streams_.end()) return;
  at->second.receiving = false;
  forget_if_ended(at);
}

std::uint32_t StreamTable::drop(std::uint32_t id) {
  const auto at = streams_.find(id);
  if (at == streams_.end()) return 0;
  const std::uint32_t held = at->second.receive.held();
  streams_.erase(at);
  return connection_receive_.consume(held);
}

void StreamTable::forget_if_ended(std::unordered_map<std::uint32_t, Stream>::iterator at) {
  if (!at->second.sending && !at->second.receiving) streams_.erase(at);
}

}  // namespace clinicdb::wire
