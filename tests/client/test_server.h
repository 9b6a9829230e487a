// TestServer: a server on loopback whose answers the test decides. It keeps what it answered by
// request id, as ClinicDB does, so that a call that is sent twice is done once.
//
// Thread-safe; it has one thread of its own, on which handlers run.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "clinicdb/base/result.h"
#include "clinicdb/wire/frame.h"
#include "clinicdb/wire/handshake.h"

namespace clinicdb::client {

class TestServer {
 public:
  /// The body of the answer to a request.
  using Handler = std::function<Result<std::string>(const wire::Frame& request)>;

  /// port 0: any that is free.
  explicit TestServer(Handler handler, std::uint16_t port = 0, wire::Offer offer = {});
  ~TestServer();
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  std::uint16_t port() const;
  /// The handler ran so often: repetitions are not counted.
  std::uint64_t done() const;
  std::uint64_t connections() const;
  /// Hellos whose API key is another are refused; empty: none.
  void let_in_only(const std::string& api_key);
  /// Says go-away on every connection.
  void go_away();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace clinicdb::client
