#include "peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <utility>

#include "clinicdb/wire/handshake.h"
#include "clinicdb/wire/messages.h"

namespace clinicdb::server {

int connect_loopback(std::uint16_t port) {
  const int made = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(made, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return made;
  if (made >= 0) ::close(made);
  throw std::runtime_error("cannot connect");
}

Peer::Peer(std::uint16_t port) : socket_(connect_loopback(port)) {}

Peer::~Peer() { close(); }

void Peer::close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

void Peer::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put <= 0) return;  // the server has ended it, which receive() will tell
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
}

void Peer::flush() {
  send(writer_.pending());
  writer_.clear();
}

std::optional<OwnedFrame> Peer::receive(int timeout_ms) {
  while (true) {
    Result<std::optional<wire::Frame>> frame = reader_.next();
    if (!frame) throw std::runtime_error(frame.error().to_string());
    if (*frame) {
      OwnedFrame owned;
      static_cast<wire::FrameHeader&>(owned) = **frame;
      owned.tags.reset();
      owned.payload = std::string((*frame)->payload);
      return owned;
    }
    pollfd wait{socket_, POLLIN, 0};
    if (poll(&wait, 1, timeout_ms) <= 0) return std::nullopt;
    const std::span<char> room = reader_.prepare();
    const ssize_t got = recv(socket_, room.data(), room.size(), 0);
    if (got <= 0) return std::nullopt;
    reader_.commit(static_cast<std::size_t>(got));
  }
}

bool Peer::ended(int timeout_ms) {
  if (receive(timeout_ms)) return false;
  pollfd wait{socket_, POLLIN, 0};
  if (poll(&wait, 1, 0) <= 0) return false;
  char byte = 0;
  return recv(socket_, &byte, 1, MSG_PEEK) <= 0;
}

void Peer::hello(const wire::Credential& credential, std::string_view tenant,
                 std::string_view session) {
  wire::Hello hello;
  *hello.mutable_credential() = credential;
  hello.set_tenant(std::string(tenant));
  hello.set_session_id(std::string(session));
  wire::add_hello(writer_, wire::Offer{}, hello);
}

void Peer::request(std::uint32_t id, clinic::MethodId method,
                   const google::protobuf::MessageLite& message,
                   const std::optional<Uuid>& request_id) {
  wire::FrameHeader header;
  header.type = wire::FrameType::kRequest;
  header.id = id;
  header.code = static_cast<std::uint16_t>(method);
  header.request_id = request_id;
  wire::add_message(writer_, header, message);
}

std::optional<OwnedFrame> Peer::call(clinic::MethodId method,
                                     const google::protobuf::MessageLite& message,
                                     const std::optional<Uuid>& request_id) {
  request(next_id_++, method, message, request_id);
  flush();
  return receive();
}

wire::Credential nobody() {
  wire::Credential credential;
  credential.set_none(true);
  return credential;
}

wire::Credential with_token(std::string token) {
  wire::Credential credential;
  credential.set_token(std::move(token));
  return credential;
}

wire::Credential with_key(std::string key) {
  wire::Credential credential;
  credential.set_api_key(std::move(key));
  return credential;
}

StatusCode code_of(const std::optional<OwnedFrame>& frame) {
  if (!frame || frame->type != wire::FrameType::kError) return StatusCode::kOk;
  return static_cast<StatusCode>(frame->code);
}

}  // namespace clinicdb::server
