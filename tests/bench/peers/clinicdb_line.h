// A connection to a ClinicDB server that speaks the protocol and nothing else: what it costs beside
// the server is little, and the same for every call.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "bench/peers/line.h"
#include "clinicdb/clinic/methods.h"
#include "clinicdb/wire/frame_reader.h"
#include "clinicdb/wire/handshake.h"
#include "clinicdb/wire/messages.h"

namespace clinicdb::bench {

class ClinicdbLine final : public Line {
 public:
  ClinicdbLine(std::uint16_t port, bool fresh);
  ~ClinicdbLine() override;
  ClinicdbLine(const ClinicdbLine&) = delete;
  ClinicdbLine& operator=(const ClinicdbLine&) = delete;

  /// Works on this tenant from now on; empty: on the store.
  Status hello(const std::string& tenant);
  void add_request(std::uint32_t id, clinic::MethodId method,
                   const google::protobuf::MessageLite& request);

  int descriptor() const override { return socket_; }
  Status add(std::uint32_t slot, const Call& call) override;
  Status flush() override;
  Status receive(Answered answered) override;

 private:
  Status fill();

  const int socket_;
  const bool fresh_;
  bool connected_ = false;
  wire::FrameReader reader_{wire::FrameLimits{wire::kBodyBytesMaxDefault, false}};
  wire::FrameWriter writer_;
};

}  // namespace clinicdb::bench
