#include "test_server.h"

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/write.hpp>
#include <atomic>
#include <map>
#include <thread>
#include <vector>

#include "clinicdb/wire/messages.h"

namespace clinicdb::client {

using asio::ip::tcp;

namespace {

struct Shared {
  asio::io_context io{1};
  TestServer::Handler handler;
  wire::Offer offer;
  std::string api_key;
  std::map<Uuid, Result<std::string>> kept;
  std::atomic<std::uint64_t> done{0};
  std::atomic<std::uint64_t> connections{0};
};

class TestSession : public std::enable_shared_from_this<TestSession> {
 public:
  TestSession(Shared& shared, tcp::socket socket) : shared_(shared), socket_(std::move(socket)) {}

  void read() {
    const std::span<char> room = reader_.prepare();
    socket_.async_read_some(
        asio::buffer(room.data(), room.size()),
        [self = shared_from_this()](const asio::error_code& error, std::size_t count) {
          if (error) return;
          self->reader_.commit(count);
          if (self->take_frames()) self->read();
        });
  }

  void go_away() {
    wire::FrameHeader header;
    header.type = wire::FrameType::kGoAway;
    add_message(writer_, header, wire::GoAway());
    write();
  }

  void close() {
    asio::error_code ignored;
    socket_.close(ignored);
  }

 private:
  bool take_frames() {
    for (;;) {
      Result<std::optional<wire::Frame>> frame = reader_.next();
      if (!frame) return false;
      if (!*frame) break;
      if (!greeted_) {
        if (!greet(**frame)) break;
      } else {
        handle(**frame);
      }
    }
    write();
    return true;
  }

  bool greet(const wire::Frame& frame) {
    Result<wire::ReceivedHello> hello = wire::read_hello(frame, shared_.offer);
    Status refused = hello.status();
    if (refused.ok() && hello->hello.credential().api_key() != shared_.api_key) {
      refused = Status(StatusCode::kUnauthenticated, "another key");
    }
    if (!refused.ok()) {
      wire::add_error(writer_, 0, 0, refused);
      return false;
    }
    greeted_ = true;
    reader_.set_limits(hello->agreement.frame_limits());
    wire::add_hello_reply(writer_, hello->agreement, {});
    return true;
  }

  void handle(const wire::Frame& frame) {
    wire::FrameHeader header;
    header.id = frame.id;
    if (frame.type == wire::FrameType::kPing) {
      header.type = wire::FrameType::kPong;
      writer_.add(header, frame.payload);
    } else if (frame.type == wire::FrameType::kRequest) {
      const Result<std::string> answer = answer_to(frame);
      if (answer) {
        header.type = wire::FrameType::kResponse;
        writer_.add(header, *answer);
      } else {
        wire::add_error(writer_, frame.id, 0, answer.error(), 1);
      }
    }
  }

  Result<std::string> answer_to(const wire::Frame& frame) {
    if (!frame.request_id) {
      shared_.done.fetch_add(1);
      return shared_.handler(frame);
    }
    const auto kept = shared_.kept.find(*frame.request_id);
    if (kept != shared_.kept.end()) return kept->second;
    shared_.done.fetch_add(1);
    Result<std::string> answer = shared_.handler(frame);
    shared_.kept.emplace(*frame.request_id, answer);
    return answer;
  }

  void write() {
    if (writing_ || writer_.pending().empty()) return;
    writing_ = true;
    writer_.take(sending_);
    asio::async_write(socket_, asio::buffer(sending_),
                      [self = shared_from_this()](const asio::error_code& error, std::size_t) {
                        self->writing_ = false;
                        if (!error) self->write();
                      });
  }

  Shared& shared_;
  tcp::socket socket_;
  wire::FrameReader reader_;
  wire::FrameWriter writer_;
  std::string sending_;
  bool greeted_ = false;
  bool writing_ = false;
};

}  // namespace

struct TestServer::Parts {
  explicit Parts(std::uint16_t port)
      : acceptor(shared.io, {asio::ip::address_v4::loopback(), port}) {}

  void accept() {
    acceptor.async_accept([this](const asio::error_code& error, tcp::socket socket) {
      if (error) return;
      shared.connections.fetch_add(1);
      auto session = std::make_shared<TestSession>(shared, std::move(socket));
      sessions.push_back(session);
      session->read();
      accept();
    });
  }

  template <class Deed>
  void each(Deed deed) {
    asio::post(shared.io, [this, deed] {
      for (const auto& weak : sessions) {
        if (const auto session = weak.lock()) deed(*session);
      }
    });
  }

  Shared shared;
  tcp::acceptor acceptor;
  std::vector<std::weak_ptr<TestSession>> sessions;
  std::thread thread;
};

TestServer::TestServer(Handler handler, std::uint16_t port, wire::Offer offer)
    : parts_(std::make_unique<Parts>(port)) {
  parts_->shared.handler = std::move(handler);
  parts_->shared.offer = offer;
  parts_->accept();
  parts_->thread = std::thread([this] { parts_->shared.io.run(); });
}

TestServer::~TestServer() {
  parts_->each([](TestSession& session) { session.close(); });
  asio::post(parts_->shared.io, [this] {
    asio::error_code ignored;
    parts_->acceptor.close(ignored);
  });
  parts_->thread.join();
}

std::uint16_t TestServer::port() const { return parts_->acceptor.local_endpoint().port(); }
std::uint64_t TestServer::done() const { return parts_->shared.done.load(); }
std::uint64_t TestServer::connections() const { return parts_->shared.connections.load(); }

void TestServer::let_in_only(const std::string& api_key) {
  asio::post(parts_->shared.io, [this, api_key] { parts_->shared.api_key = api_key; });
}

void TestServer::go_away() {
  parts_->each([](TestSession& session) { session.go_away(); });
}

}  // namespace clinicdb::client
