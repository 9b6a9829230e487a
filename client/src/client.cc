#include "clinicdb/client/client.h"

#include <algorithm>
#include <semaphore>
#include <utility>

#include "client_core.h"
#include "clinicdb/wire/limits.h"
#include "tls.h"

namespace clinicdb::client {

namespace {

Result<Address> parse_endpoint(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == text.size()) {
    return invalid_argument("\"" + text + "\" is not HOST:PORT").with_field("endpoints");
  }
  std::string host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);  // IPv6
  }
  return Address{std::move(host), text.substr(colon + 1)};
}

Status check_options(const ClientOptions& options) {
  if (options.endpoints.empty()) {
    return invalid_argument("no endpoint is given").with_field("endpoints");
  }
  if (!options.token.empty() && !options.api_key.empty()) {
    return invalid_argument("a token or an API key, not both").with_field("token");
  }
  if (options.threads < 1 || options.threads > 64) {
    return invalid_argument("1 to 64 threads").with_field("threads");
  }
  if (options.timeout_ms == 0) {
    return invalid_argument("calls need a time to wait").with_field("timeout_ms");
  }
  if (options.program.size() > wire::kNameBytesMax) {
    return invalid_argument("the program's name is too long").with_field("program");
  }
  if (options.near_cache.bytes_max > 0 && options.near_cache.staleness_ms < 20) {
    return invalid_argument("at least 20 ms").with_field("near_cache.staleness_ms");
  }
  if (options.answer_bytes_max < 16384 || options.answer_bytes_max > wire::kBodyBytesMaxEver) {
    return invalid_argument("16 KiB to 64 MiB").with_field("answer_bytes_max");
  }
  return {};
}

/// The caller's thread waits in it. The semaphore outlives the operation, for release() may still
/// touch it when the waiter has gone on.
class WaitingOperation final : public ParsingOperation {
 public:
  void finished(Result<Answer> answer) override {
    outcome = std::move(answer);
    done_.release();
  }
  void wait() { done_.acquire(); }

  Result<Answer> outcome = Answer();

 private:
  static std::binary_semaphore& of_this_thread() {
    static thread_local std::binary_semaphore semaphore(0);
    return semaphore;
  }
  std::binary_semaphore& done_ = of_this_thread();
};

}  // namespace

Client::Client(std::unique_ptr<Core> core)
    : Services(static_cast<Caller&>(*this)), core_(std::move(core)) {}

Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::connect(const ClientOptions& options) {
  RETURN_IF_ERROR(check_options(options));
  std::vector<Address> endpoints;
  for (const std::string& text : options.endpoints) {
    ASSIGN_OR_RETURN(Address address, parse_endpoint(text));
    endpoints.push_back(std::move(address));
  }
  ASSIGN_OR_RETURN(std::shared_ptr<asio::ssl::context> tls, make_tls(options.tls));
  auto core = std::make_unique<Core>(options, std::move(endpoints), std::move(tls));
  RETURN_IF_ERROR(core->first_hello());
  return std::unique_ptr<Client>(new Client(std::move(core)));
}

Result<Answer> Client::call(const Method& method, const google::protobuf::MessageLite& request,
                            const google::protobuf::MessageLite& response,
                            const CallOptions& options) {
  const std::size_t lane = core_->lane_index();
  if (std::optional<Answer> kept = core_->find_kept(lane, method, request, options)) {
    return *std::move(kept);
  }
  if (Lane::current() != nullptr) {
    return failed_precondition(std::string(method.name) +
                               ": a thread of the client must not wait; see async.h");
  }
  WaitingOperation operation;
  core_->fill(operation, lane, method, request, response, options);
  core_->calls.fetch_add(1, std::memory_order_relaxed);
  core_->lane(lane).submit(operation);
  operation.wait();
  if (!operation.outcome) core_->failures.fetch_add(1, std::memory_order_relaxed);
  return std::move(operation.outcome);
}

const Uuid& Client::session() const { return core_->session(); }

ClientStats Client::stats() const { return core_->stats(); }

}  // namespace clinicdb::client
