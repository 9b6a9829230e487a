// soak_server PROGRAM [SECONDS [CALLERS [tls]]]: a server under callers who come and go, and
// clients that it has to bear (soak_callers.h, soak_hostile.h), while it is told to read its
// settings again and asked what operators see. In the end nothing is left of those who are gone,
// memory has not grown, a SIGTERM under load ends it with 0, and each acknowledged booking is
// there. Exits with 0 when that holds. What it is for is a PROGRAM with the address sanitizer,
// whose reports, leaks included, end it with another code.
#include <signal.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "bench/peers/clinics.h"
#include "clinicdb/clinic/clinic.h"
#include "server_process.h"
#include "soak_callers.h"
#include "soak_page.h"
#include "support/temporary_directory.h"
#include "support/test_certificate.h"

namespace {

using namespace clinicdb;  // NOLINT: a program of one file

using SteadyClock = std::chrono::steady_clock;

constexpr bench::Clinics kClinics{
    .tenants = 3, .patients = 50, .appointments = 100, .professionals = 4};
constexpr int kHostile = 2;
constexpr auto kWatchEvery = std::chrono::milliseconds(500);
constexpr auto kLeaveMax = std::chrono::seconds(60);
constexpr auto kLoadBeforeStop = std::chrono::seconds(1);

/// Caches are small, so that they are soon full and what grows on is seen.
constexpr std::string_view kSettings =
    "[store]\nblock_cache = \"16 MiB\"\nwrite_buffer = \"4 MiB\"\nresult_cache = \"8 MiB\"\n"
    "[limits]\nfailed_logins_per_minute = 0\n"
    "[log]\nlevel = \"error\"\n";
/// What memory may grow by between the first half and the second, beside a quarter.
constexpr std::uint64_t kGrowthMax = std::uint64_t{64} << 20;
/// Freed memory that the address sanitizer holds back, in the server, to see who still uses it.
constexpr const char* kSanitizer = "quarantine_size_mb=32";

class Soak {
 public:
  Soak(const char* program, bool tls) : tls_(tls) {
    const std::string filling = settings("filling.toml", "");
    const std::string soaking = settings(
        "soaking.toml", tls ? "[server]\ntls_certificate = \"" + certificate_.certificate_file() +
                                  "\"\ntls_key = \"" + certificate_.key_file() + "\"\n"
                            : "");
    const char* given = std::getenv("ASAN_OPTIONS");
    setenv("ASAN_OPTIONS", (given ? std::string(given) + ":" + kSanitizer : kSanitizer).c_str(), 1);
    said_ = directory_.path("said");
    filling_ = std::make_unique<server::ServerProcess>(
        program, data(), std::vector<std::string>{"--config", filling}, said_);
    server_ = std::make_unique<server::ServerProcess>(
        program, data(), std::vector<std::string>{"--config", soaking}, said_);
  }

  void run(std::chrono::seconds length, int callers);

 private:
  std::string data() const { return directory_.path("data"); }
  /// A file of kSettings and `more`; its path.
  std::string settings(const char* name, const std::string& more) {
    const std::string path = directory_.path(name);
    std::ofstream(path) << kSettings << more;
    return path;
  }
  [[noreturn]] void fail(const std::string& why);
  void must(const Status& status) {
    if (!status.ok()) fail(status.to_string());
  }
  void fill();
  void watch(std::chrono::seconds length, const server::SoakLoad& load);
  void wait_until_all_left();
  void check_bookings(const server::SoakLoad& load);

  const bool tls_;
  const test::TemporaryDirectory directory_;
  const test::TestCertificate certificate_;
  std::string said_;  // what the server says on standard error
  std::unique_ptr<server::ServerProcess> filling_;
  std::unique_ptr<server::ServerProcess> server_;
  std::uint64_t peaks_[2] = {0, 0};  // memory in the first half and in the second
};

void Soak::fail(const std::string& why) {
  std::ifstream said(said_);
  std::ostringstream text;
  text << said.rdbuf();
  std::fprintf(stderr, "soak_server: %s\n%s", why.c_str(), text.str().c_str());
  server_.reset();
  filling_.reset();
  std::_Exit(1);
}

void Soak::fill() {
  {
    const auto clinic = clinic::Clinic::open(data(), {});
    if (!clinic) fail(clinic.error().to_string());
  }
  must(filling_->start());
  must(bench::fill_server(kClinics, filling_->port()));
  must(filling_->stop());
}

void Soak::watch(std::chrono::seconds length, const server::SoakLoad& load) {
  const auto begin = SteadyClock::now();
  for (auto now = begin; now < begin + length; now = SteadyClock::now()) {
    std::this_thread::sleep_for(kWatchEvery);
    must(server_->check_alive());
    if (const std::string wrong = load.wrong(); !wrong.empty()) fail(wrong);
    for (const char* page : {"/status", "/metrics", "/"}) {
      if (const auto got = server::get_page(server_->admin_port(), page); !got) must(got.status());
    }
    const auto bytes = server_->resident_bytes();
    if (!bytes) fail(bytes.error().to_string());
    std::uint64_t& peak = peaks_[now < begin + length / 2 ? 0 : 1];
    peak = std::max(peak, *bytes);
    server_->tell(SIGHUP);
  }
}

/// Of those who are gone nothing is left: no connection, no call, no byte of one.
void Soak::wait_until_all_left() {
  const auto until = SteadyClock::now() + kLeaveMax;
  while (true) {
    const auto page = server::get_page(server_->admin_port(), "/status");
    if (!page) fail(page.error().to_string());
    const nlohmann::json status = nlohmann::json::parse(*page).at("server");
    std::uint64_t left = 0;
    for (const char* what : {"connections", "before_login", "calls_in_flight", "bytes_in_flight",
                             "pool_running", "pool_queued"})
      left += status.at(what).get<std::uint64_t>();
    if (left == 0) return;
    if (SteadyClock::now() > until) fail("of clients that are gone this is left: " + status.dump());
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

void Soak::check_bookings(const server::SoakLoad& load) {
  const auto clinic = clinic::Clinic::open(data(), {});
  if (!clinic) fail(clinic.error().to_string());
  std::vector<TenantId> tenants;
  for (std::uint32_t i = 0; i < kClinics.tenants; ++i) {
    const auto tenant = (*clinic)->store().find_tenant(bench::tenant_slug(i));
    if (!tenant) fail(tenant.error().to_string());
    tenants.push_back(tenant->id);
  }
  for (const auto& [tenant, id] : load.booked()) {
    clinic::GetAppointmentRequest request;
    request.set_id(id);
    const auto found =
        (*clinic)->scheduling().get(clinic::CallContext::system(tenants[tenant]), request);
    if (!found) fail(found.error().to_string());
    if (*found == nullptr) fail("an acknowledged booking is lost");
  }
  const auto report = (*clinic)->store().verify({});
  if (!report) fail(report.error().to_string());
  if (report->problem_count != 0) fail("the store does not verify");
}

void Soak::run(std::chrono::seconds length, int callers) {
  fill();
  must(server_->start());
  server::SoakLoad load(kClinics, server_->port(),
                        tls_ ? certificate_.certificate_file() : std::string());
  load.begin(callers, kHostile);
  watch(length, load);
  load.end();
  wait_until_all_left();
  const auto& counts = load.counts();
  std::printf(
      "%llu clients, %llu calls, %llu cut, %llu cuts, %llu events, %llu parts of exports, "
      "%llu hostile; memory %llu MiB in the first half, %llu MiB in the second\n",
      static_cast<unsigned long long>(counts.clients),
      static_cast<unsigned long long>(counts.calls), static_cast<unsigned long long>(counts.cut),
      static_cast<unsigned long long>(load.cuts()), static_cast<unsigned long long>(counts.events),
      static_cast<unsigned long long>(counts.export_parts),
      static_cast<unsigned long long>(counts.hostile),
      static_cast<unsigned long long>(peaks_[0] >> 20),
      static_cast<unsigned long long>(peaks_[1] >> 20));
  if (counts.calls == 0 || counts.hostile == 0 || counts.events == 0 || counts.export_parts == 0)
    fail("a part of the load did nothing");
  if (peaks_[1] > peaks_[0] + peaks_[0] / 4 + kGrowthMax) fail("memory grows and grows");

  load.begin(callers, kHostile);
  std::this_thread::sleep_for(kLoadBeforeStop);
  load.server_stops();
  must(server_->stop());
  load.end();
  if (const std::string wrong = load.wrong(); !wrong.empty()) fail(wrong);
  check_bookings(load);
  std::printf("%zu bookings are there\n", load.booked().size());
}

}  // namespace

int main(int count, char** words) {
  if (count < 2) {
    std::fprintf(stderr, "usage: soak_server PROGRAM [SECONDS [CALLERS [tls]]]\n");
    return 2;
  }
  const int seconds = count > 2 ? std::atoi(words[2]) : 10;
  const int callers = count > 3 ? std::atoi(words[3]) : 6;
  Soak soak(words[1], count > 4 && std::string_view(words[4]) == "tls");
  soak.run(std::chrono::seconds(seconds), callers);
  return 0;
}
