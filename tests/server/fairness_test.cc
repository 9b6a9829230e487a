// A tenant that floods the server and a quiet one, on one I/O thread: whose calls are answered
// when. Counted, not timed: the server's clock moves by each look at it and by nothing else, and
// everything is in the sockets before the server looks at the first of them.
#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>
#include <variant>
#include <vector>

#include "limits/fair_turns.h"
#include "served_clinic.h"

namespace clinicdb::server {
namespace {

class SteppingClock final : public Clock {
 public:
  Time now() const override { return system_clock().now(); }
  std::int64_t monotonic_ns() const override { return ns_ += 10'000; }

 private:
  mutable std::atomic<std::int64_t> ns_{1'000'000'000};
};

/// Whose calls were answered, in order, from lines about slow calls; and a refused login, which the
/// I/O thread tells of, makes that thread wait.
class OrderLog final : public Log {
 public:
  void write(LogLevel, std::string_view event, std::initializer_list<LogField> fields) override {
    std::unique_lock lock(mutex_);
    if (event == "login refused") {
      stopped_ = true;
      changed_.notify_all();
      changed_.wait(lock, [&] { return !stopped_; });
      return;
    }
    for (const LogField& field : fields) {
      if (field.name == "tenant")
        tenants_.push_back(TenantId{std::get<std::uint64_t>(field.value)});
    }
  }
  void set_least(LogLevel) override {}

  void wait_stopped() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopped_; });
    tenants_.clear();
  }
  void go_on() {
    const std::lock_guard lock(mutex_);
    stopped_ = false;
    changed_.notify_all();
  }
  /// How many others' calls were answered before the tenant's last one.
  std::size_t before_last_of(TenantId tenant) {
    const std::lock_guard lock(mutex_);
    std::size_t others = 0;
    std::size_t before = 0;
    for (const TenantId each : tenants_) {
      if (each == tenant) before = others;
      if (each != tenant) ++others;
    }
    return before;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
  std::vector<TenantId> tenants_;
};

constexpr int kFloodConnections = 16;
constexpr std::uint32_t kFloodCalls = 150;  // on each
constexpr std::uint32_t kQuietCalls = 12;

/// What `add` adds to a peer's output, from both tenants at once. Returns how many of the flood's
/// calls came before the quiet tenant's last.
template <class Add>
std::size_t flooded(std::uint64_t percent, const Add& add) {
  OrderLog log;
  SteppingClock clock;
  ServedClinic served(
      [&](ServerOptions& options) {
        options.io_threads = 1;
        options.slow_us = 0;
        options.admission.tenant_processor_percent = percent;
      },
      &log, clock);
  const auto quiet = served.owner("sorriso");
  std::vector<std::unique_ptr<Peer>> flood;
  for (int i = 0; i < kFloodConnections; ++i) flood.push_back(served.owner("outra"));
  // It is known that the quiet one is there.
  REQUIRE(quiet->call(clinic::METHOD_TENANTS_GET, clinic::GetTenantRequest()).has_value());
  REQUIRE(quiet->call(clinic::METHOD_PATIENTS_SEARCH, clinic::SearchPatientsRequest()).has_value());

  Peer stranger(served.port());
  stranger.hello(with_key("cdb_nobody_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), "");
  stranger.flush();
  log.wait_stopped();
  for (const auto& peer : flood) {
    for (std::uint32_t call = 1; call <= kFloodCalls; ++call) add(*peer, call);
    peer->flush();
  }
  for (std::uint32_t call = 1; call <= kQuietCalls; ++call) add(*quiet, call);
  quiet->flush();
  log.go_on();

  // Nothing is dropped or refused: whoever waits only waits.
  const auto answered = [](Peer& peer, std::uint32_t calls) {
    std::uint32_t good = 0;
    for (std::uint32_t i = 0; i < calls; ++i) {
      const auto frame = peer.receive();
      good += frame && frame->type == wire::FrameType::kResponse;
    }
    return good == calls;
  };
  CHECK(answered(*quiet, kQuietCalls));
  for (const auto& peer : flood) CHECK(answered(*peer, kFloodCalls));
  return log.before_last_of(served.tenant());
}

void add_read(Peer& peer, std::uint32_t call) {
  clinic::GetPatientRequest get;
  get.set_id(std::string(16, 'x'));
  peer.request(call, clinic::METHOD_PATIENTS_GET, get);
}

void add_write(Peer& peer, std::uint32_t call) {
  clinic::RegisterPatientRequest request;
  request.mutable_patient()->add_names()->set_text("Ana");
  peer.request(call, clinic::METHOD_PATIENTS_REGISTER, request);
}

TEST_CASE("fairness: a quiet tenant's reads get between those of one that floods", "[server]") {
  // A turn is some four calls by this clock, and the other's turn is the next.
  CHECK(flooded(100, add_read) <= 10 * kQuietCalls);
  // Where no turns are taken, it waits for all connections of the flood to be read.
  CHECK(flooded(0, add_read) >= 50 * kQuietCalls);
}

TEST_CASE("fairness: a quiet tenant's writes are not behind a flood's in the commit groups",
          "[server]") {
  CHECK(flooded(100, add_write) <= 4 * FairTurns::kWritesMax);
  CHECK(flooded(0, add_write) >= 16 * FairTurns::kWritesMax);
}

TEST_CASE("fairness: a tenant that is held gets all its answers in the end", "[server]") {
  CHECK(flooded(20, add_read) <= 10 * kQuietCalls);
}

}  // namespace
}  // namespace clinicdb::server
