#include "support/line_proxy.h"

#include <algorithm>
#include <array>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>
#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "clinicdb/base/random.h"

namespace clinicdb::test {

using asio::ip::tcp;

namespace {

struct Shared {
  asio::io_context io{1};
  LineFaults faults;
  SeededRandom random{1};
  std::atomic<std::uint64_t> cuts{0};
};

/// Both directions of one line.
class Line : public std::enable_shared_from_this<Line> {
 public:
  Line(Shared& shared, tcp::socket client) : shared_(shared), client_(std::move(client)) {}

  void begin(std::uint16_t port) {
    server_.async_connect({asio::ip::address_v4::loopback(), port},
                          [self = shared_from_this()](const asio::error_code& error) {
                            if (error) return self->close();
                            asio::error_code ignored;
                            self->client_.set_option(tcp::no_delay(true), ignored);
                            self->server_.set_option(tcp::no_delay(true), ignored);
                            self->read(self->client_, self->server_, self->up_);
                            self->read(self->server_, self->client_, self->down_);
                          });
  }

  void close() {
    asio::error_code ignored;
    up_.timer.cancel();
    down_.timer.cancel();
    client_.close(ignored);
    server_.close(ignored);
  }

 private:
  struct Direction {
    explicit Direction(asio::io_context& io) : timer(io) {}
    std::array<char, 16384> buffer{};
    asio::steady_timer timer;
  };

  void read(tcp::socket& from, tcp::socket& to, Direction& direction) {
    const std::size_t room =
        shared_.faults.piece_bytes_max == 0
            ? direction.buffer.size()
            : std::min(direction.buffer.size(),
                       1 + shared_.random.below(shared_.faults.piece_bytes_max));
    from.async_read_some(asio::buffer(direction.buffer.data(), room),
                         [self = shared_from_this(), &from, &to, &direction](
                             const asio::error_code& error, std::size_t count) {
                           if (error) return self->close();
                           self->pass(from, to, direction, count);
                         });
  }

  void pass(tcp::socket& from, tcp::socket& to, Direction& direction, std::size_t count) {
    if (shared_.faults.delay_us_max == 0) return write(from, to, direction, count);
    direction.timer.expires_after(
        std::chrono::microseconds(shared_.random.below(shared_.faults.delay_us_max)));
    direction.timer.async_wait(
        [self = shared_from_this(), &from, &to, &direction, count](const asio::error_code& error) {
          if (!error) self->write(from, to, direction, count);
        });
  }

  void write(tcp::socket& from, tcp::socket& to, Direction& direction, std::size_t count) {
    asio::async_write(to, asio::buffer(direction.buffer.data(), count),
                      [self = shared_from_this(), &from, &to, &direction](
                          const asio::error_code& error, std::size_t) {
                        if (error || self->cuts()) return self->close();
                        self->read(from, to, direction);
                      });
  }

  bool cuts() {
    if (shared_.faults.cut_once_in == 0 || shared_.random.below(shared_.faults.cut_once_in) != 0) {
      return false;
    }
    shared_.cuts.fetch_add(1);
    return true;
  }

  Shared& shared_;
  tcp::socket client_;
  tcp::socket server_{shared_.io};
  Direction up_{shared_.io};
  Direction down_{shared_.io};
};

}  // namespace

struct LineProxy::Parts {
  explicit Parts(std::uint16_t port) : to(port) {}

  void accept() {
    acceptor.async_accept([this](const asio::error_code& error, tcp::socket socket) {
      if (error) return;
      auto line = std::make_shared<Line>(shared, std::move(socket));
      std::erase_if(lines, [](const auto& old) { return old.expired(); });
      lines.push_back(line);
      line->begin(to);
      accept();
    });
  }

  const std::uint16_t to;
  Shared shared;
  tcp::acceptor acceptor{shared.io, {asio::ip::address_v4::loopback(), 0}};
  std::vector<std::weak_ptr<Line>> lines;
  std::thread thread;
};

LineProxy::LineProxy(std::uint16_t port, LineFaults faults)
    : parts_(std::make_unique<Parts>(port)) {
  parts_->shared.random = SeededRandom(faults.seed);
  parts_->shared.faults = faults;
  parts_->accept();
  parts_->thread = std::thread([this] { parts_->shared.io.run(); });
}

LineProxy::~LineProxy() {
  cut_all();
  asio::post(parts_->shared.io, [this] {
    asio::error_code ignored;
    parts_->acceptor.close(ignored);
  });
  parts_->thread.join();
}

std::uint16_t LineProxy::port() const { return parts_->acceptor.local_endpoint().port(); }

void LineProxy::set_faults(LineFaults faults) {
  asio::post(parts_->shared.io, [this, faults] { parts_->shared.faults = faults; });
}

void LineProxy::cut_all() {
  asio::post(parts_->shared.io, [this] {
    for (const auto& weak : parts_->lines) {
      if (const auto line = weak.lock()) line->close();
    }
  });
}

std::uint64_t LineProxy::cuts() const { return parts_->shared.cuts.load(); }

}  // namespace clinicdb::test
