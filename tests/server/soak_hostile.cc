#include "soak_hostile.h"

#include <stdexcept>

#include "clinicdb/base/bytes.h"
#include "clinicdb/clinic/schema/feed.pb.h"
#include "clinicdb/clinic/schema/patient.pb.h"
#include "clinicdb/clinic/schema/transfer.pb.h"
#include "clinicdb/wire/messages.h"

namespace clinicdb::server {

namespace {

constexpr std::size_t kLeftOpenMax = 64;
constexpr int kPatienceMs = 2000;  // of one who says hello
constexpr std::uint32_t kCallsUnread = 200;
constexpr std::size_t kBombBytes = 100'000;

clinic::SearchPatientsRequest some_search() {
  clinic::SearchPatientsRequest search;
  search.set_text("maria");
  search.set_limit(20);
  return search;
}

void begin_stream(Peer& peer, clinic::MethodId method, const google::protobuf::MessageLite& first) {
  wire::FrameHeader header;
  header.type = wire::FrameType::kRequest;
  header.id = 1;
  header.code = static_cast<std::uint16_t>(method);
  header.flags = wire::kFlagStream;
  wire::add_message(peer.writer(), header, first);
}

}  // namespace

bool HostileLoad::act() {
  try {
    auto peer = std::make_unique<Peer>(port_);
    if (random_.below(2) == 0) {
      before_login(*peer);
    } else {
      peer->hello(nobody(), tenant_);
      peer->flush();
      if (peer->receive(kPatienceMs)) after_login(*peer);
    }
    if (random_.below(4) == 0) left_open_.push_back(std::move(peer));
    if (left_open_.size() > kLeftOpenMax) left_open_.pop_front();
    return true;
  } catch (const std::runtime_error&) {
    return false;
  }
}

void HostileLoad::before_login(Peer& peer) {
  switch (random_.below(4)) {
    case 0:
      return;  // says nothing
    case 1:
      return peer.send(random_bytes(4096));
    case 2:
      peer.request(1, clinic::METHOD_PATIENTS_SEARCH, some_search());
      return peer.flush();
    default:
      peer.hello(nobody(), tenant_);
      return send_spoilt(peer);
  }
}

void HostileLoad::after_login(Peer& peer) {
  switch (random_.below(6)) {
    case 0:
      peer.request(1, clinic::METHOD_PATIENTS_SEARCH, some_search());
      return send_spoilt(peer);
    case 1:  // asks much, and does not read
      for (std::uint32_t id = 1; id <= kCallsUnread; ++id)
        peer.request(id, clinic::METHOD_PATIENTS_SEARCH, some_search());
      return peer.flush();
    case 2:
      begin_stream(peer, clinic::METHOD_TRANSFER_EXPORT, clinic::ExportRequest());
      return peer.flush();
    case 3:
      begin_stream(peer, clinic::METHOD_FEED_FOLLOW, clinic::ReadEventsRequest());
      return peer.flush();
    case 4: {  // a plain length that its bytes do not have
      wire::FrameHeader header;
      header.type = wire::FrameType::kRequest;
      header.id = 1;
      header.code = clinic::METHOD_PATIENTS_SEARCH;
      peer.writer().compress_from(1);
      peer.writer().add(header, std::string(kBombBytes, 'a'));
      std::string bomb(peer.writer().pending());
      store_le32(bomb.data() + wire::kFrameHeaderBytes, 0x40000000);
      return peer.send(bomb);
    }
    default:
      for (int i = 0; i < 8; ++i) wrong_frame(peer);
      return peer.flush();
  }
}

/// Well formed, and of any kind.
void HostileLoad::wrong_frame(Peer& peer) {
  wire::FrameHeader header;
  header.type = static_cast<wire::FrameType>(1 + random_.below(wire::kFrameTypeMax));
  header.id = static_cast<std::uint32_t>(random_.below(4));
  header.code = static_cast<std::uint16_t>(random_.below(450));
  header.deadline_ms = static_cast<std::uint32_t>(random_.below(1000));
  if (header.type == wire::FrameType::kRequest && random_.below(2) == 0)
    header.flags = wire::kFlagStream;
  peer.writer().add(header, random_bytes(200));
}

void HostileLoad::send_spoilt(Peer& peer) {
  std::string bytes(peer.writer().pending());
  peer.writer().clear();
  if (random_.below(2) == 0) {
    bytes.resize(random_.below(bytes.size()));
  } else {
    char& byte = bytes[random_.below(bytes.size())];
    byte = static_cast<char>(byte ^ (1 << random_.below(8)));
  }
  peer.send(bytes);
}

std::string HostileLoad::random_bytes(std::size_t bytes_max) {
  std::string bytes(1 + random_.below(bytes_max), '\0');
  for (char& byte : bytes) byte = static_cast<char>(random_.below(256));
  return bytes;
}

}  // namespace clinicdb::server
