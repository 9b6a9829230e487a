#include "net/io_thread.h"

#include <asio/post.hpp>
#include <chrono>
#include <future>
#include <utility>

#include "clinicdb/base/check.h"
#include "net/connection.h"
#include "net/service_parts.h"

namespace clinicdb::server {

namespace {

constexpr auto kTick = std::chrono::milliseconds(250);

}  // namespace

IoThread::IoThread(ServiceParts& parts)
    : parts_(parts), inbox_([this] { asio::post(context_, [this] { drain_inbox(); }); }) {}

IoThread::~IoThread() { CLINICDB_CHECK(!thread_.joinable()); }

void IoThread::start() {
  thread_ = std::thread([this] {
    tick();
    context_.run();
  });
}

void IoThread::adopt(const std::shared_ptr<Connection>& connection) {
  connections_.emplace(connection.get(), connection);
  count_.store(connections_.size(), std::memory_order_relaxed);
  if (draining_) return connection->drain();
  connection->advance();
}

void IoThread::forget(Connection& connection) {
  connections_.erase(&connection);
  count_.store(connections_.size(), std::memory_order_relaxed);
}

void IoThread::advance_soon(std::shared_ptr<Connection> connection) {
  to_advance_.push_back(std::move(connection));
  if (advance_posted_) return;
  advance_posted_ = true;
  asio::post(context_, [this] {
    advance_posted_ = false;
    std::vector<std::shared_ptr<Connection>> now;
    now.swap(to_advance_);
    // Those that have several answers come several times; the first time sends them all.
    for (const auto& each : now) each->advance();
  });
}

void IoThread::drain_inbox() { inbox_.drain(); }

void IoThread::tick() {
  const std::int64_t now_ns = parts_.clock->monotonic_ns();
  std::vector<std::shared_ptr<Connection>> all;
  all.reserve(connections_.size());
  for (const auto& [address, connection] : connections_) all.push_back(connection);
  for (const auto& connection : all) connection->tick(now_ns);
  if (!ticking_) return;
  timer_.expires_after(kTick);
  timer_.async_wait([this](const asio::error_code& error) {
    if (!error) tick();
  });
}

void IoThread::drain() {
  asio::post(context_, [this] {
    draining_ = true;
    std::vector<std::shared_ptr<Connection>> all;
    for (const auto& [address, connection] : connections_) all.push_back(connection);
    for (const auto& connection : all) connection->drain();
  });
}

void IoThread::stop() {
  std::promise<void> idle;
  // Fibers wait for commits, which still come; a connection of a job in the pool lives as long.
  std::function<void()> wait_for_fibers = [&] {
    if (fibers_.waiting() == 0) return idle.set_value();
    asio::post(context_, wait_for_fibers);
  };
  asio::post(context_, [&] {
    ticking_ = false;
    timer_.cancel();
    std::vector<std::shared_ptr<Connection>> all;
    for (const auto& [address, connection] : connections_) all.push_back(connection);
    for (const auto& connection : all) connection->close();
    wait_for_fibers();
  });
  idle.get_future().wait();
  work_.reset();
  thread_.join();
}

}  // namespace clinicdb::server
