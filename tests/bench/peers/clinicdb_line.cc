#include "bench/peers/clinicdb_line.h"

#include <sys/socket.h>
#include <unistd.h>

#include "bench/peers/requests.h"
#include "bench/peers/sockets.h"

namespace clinicdb::bench {

ClinicdbLine::ClinicdbLine(std::uint16_t port, bool fresh)
    : socket_(connect_loopback(port)), fresh_(fresh), connected_(socket_ >= 0) {}

ClinicdbLine::~ClinicdbLine() {
  if (socket_ >= 0) ::close(socket_);
}

Status ClinicdbLine::hello(const std::string& tenant) {
  if (!connected_) return unavailable("no server on the port");
  wire::Hello hello;
  hello.mutable_credential()->set_none(true);
  hello.set_tenant(tenant);
  wire::Offer offer;
  offer.features = 0;
  wire::add_hello(writer_, offer, hello);
  RETURN_IF_ERROR(flush());
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<wire::Frame> frame, reader_.next());
    if (!frame) {
      RETURN_IF_ERROR(fill());
      continue;
    }
    if (frame->type == wire::FrameType::kError) return wire::read_error(*frame).status;
    return Status();
  }
}

void ClinicdbLine::add_request(std::uint32_t id, clinic::MethodId method,
                               const google::protobuf::MessageLite& request) {
  wire::FrameHeader header;
  header.type = wire::FrameType::kRequest;
  header.id = id;
  header.code = static_cast<std::uint16_t>(method);
  if (fresh_) header.flags |= wire::kFlagFresh;
  wire::add_message(writer_, header, request);
}

Status ClinicdbLine::add(std::uint32_t slot, const Call& call) {
  const std::uint32_t id = slot + 1;
  switch (call.operation) {
    case Operation::kGet:
      add_request(id, clinic::METHOD_PATIENTS_GET, get_request(call));
      break;
    case Operation::kCpf:
      add_request(id, clinic::METHOD_PATIENTS_FIND_BY_CPF, cpf_request(call));
      break;
    case Operation::kSearch:
      add_request(id, clinic::METHOD_PATIENTS_SEARCH, search_request(call));
      break;
    case Operation::kDay:
      add_request(id, clinic::METHOD_SCHEDULING_LIST_DAY, day_request(call));
      break;
    case Operation::kSlots:
      add_request(id, clinic::METHOD_AVAILABILITY_FIND_SLOTS, slots_request(call));
      break;
    case Operation::kUpdate:
      add_request(id, clinic::METHOD_PATIENTS_UPDATE, update_request(call));
      break;
    case Operation::kBook:
      add_request(id, clinic::METHOD_SCHEDULING_BOOK, book_request(call));
      break;
  }
  return Status();
}

Status ClinicdbLine::flush() {
  RETURN_IF_ERROR(send_all(socket_, writer_.pending()));
  writer_.clear();
  return Status();
}

Status ClinicdbLine::fill() {
  const std::span<char> room = reader_.prepare();
  const ssize_t got = ::recv(socket_, room.data(), room.size(), 0);
  if (got <= 0) return unavailable("the server ended the connection");
  reader_.commit(static_cast<std::size_t>(got));
  return Status();
}

Status ClinicdbLine::receive(Answered answered) {
  RETURN_IF_ERROR(fill());
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<wire::Frame> frame, reader_.next());
    if (!frame) return Status();
    if (frame->type == wire::FrameType::kError) {
      if (frame->id == 0) return wire::read_error(*frame).status;
      answered(frame->id - 1, wire::read_error(*frame).status);
    } else if (frame->type == wire::FrameType::kResponse) {
      answered(frame->id - 1, frame->has(wire::kFlagAbsent)
                                  ? not_found("a record that was loaded is not there")
                                  : Status());
    }
  }
}

Result<std::unique_ptr<Line>> open_clinicdb_line(std::uint16_t port, std::uint32_t tenant,
                                                 bool fresh) {
  auto line = std::make_unique<ClinicdbLine>(port, fresh);
  RETURN_IF_ERROR(line->hello(tenant_slug(tenant)));
  return std::unique_ptr<Line>(std::move(line));
}

}  // namespace clinicdb::bench
