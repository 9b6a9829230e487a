#include "soak_callers.h"

#include <chrono>

#include "bench/peers/requests.h"
#include "clinicdb/client/stream.h"
#include "clinicdb/client/subscription.h"
#include "clinicdb/clinic/schema/transfer.pb.h"
#include "soak_hostile.h"

namespace clinicdb::server {

namespace {

constexpr std::uint64_t kCallsOfAClientMax = 200;
constexpr std::uint64_t kNearCacheBytes = 1 << 20;
constexpr std::uint32_t kTimeoutMs = 10'000;  // a sanitizer's server is slow
constexpr auto kPause = std::chrono::milliseconds(20);
constexpr test::LineFaults kFaults{
    .seed = 7, .piece_bytes_max = 1000, .delay_us_max = 2000, .cut_once_in = 300};

/// What a lost line explains, or a server that stops.
bool is_of_the_line(StatusCode code) {
  return code == StatusCode::kUnavailable || code == StatusCode::kUnknownOutcome ||
         code == StatusCode::kDeadlineExceeded || code == StatusCode::kCancelled;
}

}  // namespace

void SoakLoad::begin(int callers, int hostile) {
  ends_ = false;
  proxy_ = std::make_unique<test::LineProxy>(port_, kFaults);
  for (int i = 0; i < callers; ++i) {
    Caller caller{port_, i % 2 == 1, 0, ++begun_};
    caller.tenant = static_cast<std::uint32_t>(i / 2) % hostile_tenant();
    if (caller.is_cut) caller.port = proxy_->port();
    threads_.emplace_back([this, caller] { keep_calling(caller); });
  }
  for (int i = 0; i < hostile; ++i) {
    threads_.emplace_back([this, seed = ++begun_] {
      HostileLoad load(port_, bench::tenant_slug(hostile_tenant()), seed);
      while (!ends_) {
        if (load.act()) ++counts_.hostile;
      }
    });
  }
}

void SoakLoad::end() {
  ends_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  if (proxy_) cuts_ += proxy_->cuts();
  proxy_.reset();
}

std::string SoakLoad::wrong() const {
  const std::lock_guard lock(mutex_);
  return wrong_;
}

bool SoakLoad::told(const Status& status, const Caller& caller) {
  if (status.ok()) return true;
  // Who is not cut loses nothing to a stop but calls that the server did not take.
  const bool explained = caller.is_cut ? is_of_the_line(status.code())
                                       : stopping_ && status.code() == StatusCode::kUnavailable;
  if (explained) {
    ++counts_.cut;
    return !stopping_;
  }
  const std::lock_guard lock(mutex_);
  if (wrong_.empty()) wrong_ = "a call that nothing cut failed: " + status.to_string();
  return false;
}

void SoakLoad::keep_calling(Caller caller) {
  SeededRandom random(caller.seed);
  bench::CallStream calls(clinics_, bookings_, std::nullopt, caller.tenant, caller.seed);
  while (!ends_) {
    client::ClientOptions options;
    options.endpoints = {"localhost:" + std::to_string(caller.port)};
    options.tenant = bench::tenant_slug(caller.tenant);
    options.timeout_ms = kTimeoutMs;
    options.connect_timeout_ms = kTimeoutMs;
    options.threads = 1 + static_cast<std::uint32_t>(random.below(2));
    if (random.below(2) == 0) options.near_cache.bytes_max = kNearCacheBytes;
    options.tls.enabled = !authority_.empty();
    options.tls.authority_file = authority_;
    const auto client = client::Client::connect(options);
    if (!client) {
      if (!told(client.error(), caller)) return;
      std::this_thread::sleep_for(kPause);
      continue;
    }
    ++counts_.clients;
    call_a_while(**client, caller, random, calls);
    if (stopping_) return;
  }
}

void SoakLoad::call_a_while(client::Client& client, const Caller& caller, SeededRandom& random,
                            bench::CallStream& calls) {
  for (std::uint64_t left = 1 + random.below(kCallsOfAClientMax); left > 0 && !ends_; --left) {
    ++counts_.calls;
    if (!told(make_call(client, calls.next()), caller)) return;
  }
  if (random.below(4) == 0) leave_streams(client, caller, random);
}

/// Reads a while what an export and the feed bring, and goes.
void SoakLoad::leave_streams(client::Client& client, const Caller& caller, SeededRandom& random) {
  auto exported =
      client::Stream::open(client, client::kTransferServiceExport, clinic::ExportRequest(), {});
  if (!exported) {
    told(exported.error(), caller);
    return;
  }
  client::Subscription events(client, clinic::ReadEventsRequest());
  clinic::ExportPart part;
  for (std::uint64_t left = random.below(20); left > 0; --left) {
    const Result<bool> more = (*exported)->read(part);
    if (!more) told(more.error(), caller);
    if (!more || !*more) break;
    ++counts_.export_parts;
    const auto page = events.next(kPause);
    if (!page) told(page.error(), caller);
    if (!page) break;
    counts_.events += static_cast<std::uint64_t>((*page)->events_size());
  }
}

Status SoakLoad::make_call(client::Client& client, const bench::Call& call) {
  using bench::Operation;
  switch (call.operation) {
    case Operation::kGet:
      return client.patients().get(bench::get_request(call)).status();
    case Operation::kCpf:
      return client.patients().find_by_cpf(bench::cpf_request(call)).status();
    case Operation::kSearch:
      return client.patients().search(bench::search_request(call)).status();
    case Operation::kDay:
      return client.scheduling().list_day(bench::day_request(call)).status();
    case Operation::kSlots:
      return client.availability().find_slots(bench::slots_request(call)).status();
    case Operation::kUpdate:
      return client.patients().update(bench::update_request(call)).status();
    case Operation::kBook: {
      const auto answer = client.scheduling().book(bench::book_request(call));
      if (!answer) return answer.error();
      const std::lock_guard lock(mutex_);
      booked_.emplace_back(call.tenant, answer->result().id());
      return Status();
    }
  }
  return Status();
}

}  // namespace clinicdb::server
