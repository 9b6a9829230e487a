#include "admin/admin_http.h"

#include <httplib.h>

#include <chrono>
#include <thread>
#include <utility>

#include "admin/live_page.h"
#include "admin/metrics_text.h"
#include "admin/status_json.h"
#include "clinicdb/clinic/clinic.h"
#include "net/server.h"

namespace clinicdb::server {

namespace {

constexpr std::size_t kThreads = 2;
constexpr time_t kIoSeconds = 5;
constexpr std::size_t kRequestBytesMax = 4096;

class HttplibAdmin final : public AdminHttp {
 public:
  HttplibAdmin(Server& server, clinic::Clinic& clinic, const Clock& clock)
      : server_(server), clinic_(clinic), clock_(clock), started_(clock.now()) {}
  ~HttplibAdmin() override {
    http_.stop();
    if (thread_.joinable()) thread_.join();
  }

  Status begin(const AdminOptions& options) {
    http_.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    http_.set_read_timeout(kIoSeconds);
    http_.set_write_timeout(kIoSeconds);
    http_.set_payload_max_length(kRequestBytesMax);
    http_.set_keep_alive_timeout(1);
    // Nothing is loaded from elsewhere, and nothing but this page may show it.
    http_.set_default_headers({{"Cache-Control", "no-store"},
                               {"X-Content-Type-Options", "nosniff"},
                               {"X-Frame-Options", "DENY"},
                               {"Content-Security-Policy",
                                "default-src 'none'; script-src 'unsafe-inline'; "
                                "style-src 'unsafe-inline'; connect-src 'self'"}});
    http_.Get("/healthz", [](const httplib::Request&, httplib::Response& response) {
      response.set_content("ok\n", "text/plain");
    });
    http_.Get("/readyz", [this](const httplib::Request&, httplib::Response& response) {
      const std::string why_not = not_ready();
      if (!why_not.empty()) response.status = 503;
      response.set_content(why_not.empty() ? "ready\n" : why_not + "\n", "text/plain");
    });
    http_.Get("/status", [this](const httplib::Request&, httplib::Response& response) {
      response.set_content(status_json(observe()), "application/json");
    });
    http_.Get("/metrics", [this](const httplib::Request&, httplib::Response& response) {
      response.set_content(metrics_text(observe()), "text/plain; version=0.0.4");
    });
    http_.Get("/", [](const httplib::Request&, httplib::Response& response) {
      response.set_content(std::string(live_page()), "text/html; charset=utf-8");
    });
    int port = options.port;
    if (port == 0) {
      port = http_.bind_to_any_port(options.address);
    } else if (!http_.bind_to_port(options.address, port)) {
      port = -1;
    }
    if (port < 0) {
      return unavailable("cannot listen on " + options.address + ":" +
                         std::to_string(options.port) + " for operators; see admin.port");
    }
    port_ = static_cast<std::uint16_t>(port);
    thread_ = std::thread([this] { http_.listen_after_bind(); });
    // A stop before it listens would be lost.
    while (!http_.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return Status();
  }

  std::uint16_t port() const override { return port_; }

 private:
  std::string not_ready() const {
    if (server_.stats().draining) return "the server is stopping";
    const engine::StoreStats store = clinic_.store().stats();
    if (store.state == engine::StoreState::kServing) return {};
    return "the store is " + std::string(engine::store_state_name(store.state)) +
           (store.state_reason.empty() ? "" : ": " + store.state_reason);
  }

  Observed observe() {
    Observed observed;
    observed.now = clock_.now();
    observed.started = started_;
    observed.server = server_.stats();
    observed.store = clinic_.store().stats();
    observed.detail = engine::store_detail(clinic_.store());
    observed.not_ready = not_ready();
    server_.for_each_tenant([&](TenantId tenant, const Load& load) {
      observed.tenants.push_back({tenant, load.calls, load.refused, load.bytes_in, load.bytes_out,
                                  load.calls_in_flight, load.bytes_in_flight, load.worked_ns,
                                  load.turns_held, load.held_ns});
    });
    return observed;
  }

  Server& server_;
  clinic::Clinic& clinic_;
  const Clock& clock_;
  const Time started_;
  httplib::Server http_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<AdminHttp>> AdminHttp::start(Server& server, clinic::Clinic& clinic,
                                                    const AdminOptions& options,
                                                    const Clock& clock) {
  auto admin = std::make_unique<HttplibAdmin>(server, clinic, clock);
  RETURN_IF_ERROR(admin->begin(options));
  return std::unique_ptr<AdminHttp>(std::move(admin));
}

}  // namespace clinicdb::server
