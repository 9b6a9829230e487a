#include "client_core.h"

#include <functional>
#include <future>
#include <thread>
#include <utility>

#include "client_limits.h"
#include "clinicdb/base/clock.h"
#include "clinicdb/base/random.h"
#include "clinicdb/wire/messages.h"

namespace clinicdb::client {

namespace {

wire::Hello hello_of(const ClientOptions& options, const Uuid& session) {
  wire::Hello hello;
  hello.set_tenant(options.tenant);
  hello.set_client(options.program);
  hello.set_session_id(std::string(session.view()));
  wire::Credential& credential = *hello.mutable_credential();
  if (!options.token.empty()) {
    credential.set_token(options.token);
  } else if (!options.api_key.empty()) {
    credential.set_api_key(options.api_key);
  } else if (!options.tls.certificate_file.empty()) {
    credential.set_certificate(true);
  } else {
    credential.set_none(true);
  }
  return hello;
}

LaneSettings lane_settings(const ClientOptions& options, std::vector<Address> endpoints,
                           asio::ssl::context* tls, const Uuid& session) {
  LaneSettings settings;
  settings.endpoints = std::move(endpoints);
  settings.connection.tls = tls;
  settings.connection.tls_name = options.tls.server_name;
  settings.connection.connect_timeout_ns = options.connect_timeout_ms * kNsPerMs;
  settings.connection.multiplexer.hello = hello_of(options, session);
  wire::Offer& offer = settings.connection.multiplexer.offer;
  offer.features = wire::FEATURE_COMPRESSION | wire::FEATURE_STREAMS;
  offer.body_bytes_max = options.answer_bytes_max;
  if (options.near_cache.bytes_max > 0) {
    offer.features |= wire::FEATURE_INVALIDATION;
    settings.ping_every_ns = options.near_cache.staleness_ms * kNsPerMs / 4;
    for (std::size_t i = 0; i < settings.endpoints.size(); ++i) {
      settings.marks.push_back(std::make_shared<Marks>());
    }
  }
  return settings;
}

}  // namespace

void ParsingOperation::on_answer(const wire::Frame& frame) {
  Answer answer;
  if (!frame.has(wire::kFlagAbsent)) {
    // One that is kept near gets memory of its own size, as it is counted.
    const bool kept = near_cache != nullptr && frame.tags;
    std::shared_ptr<google::protobuf::MessageLite> message =
        kept ? std::shared_ptr<google::protobuf::MessageLite>(response->New())
             : messages->take(*response, frame.payload.size());
    if (Status status = wire::parse_message(frame.payload, "an answer", *message); !status.ok()) {
      return finished(internal_error("the server's answer: " + std::string(status.message())));
    }
    answer = std::move(message);
  }
  if (near_cache != nullptr && source() && frame.tags && frame.position) {
    std::vector<std::uint64_t> tags(frame.tags->size() / 8);
    for (std::size_t i = 0; i < tags.size(); ++i) tags[i] = wire::tag_at(*frame.tags, i);
    // Parsed, a message takes some three times its bytes.
    near_cache->keep(method, body, answer, 3 * frame.payload.size(), source(),
                     frame.position->position.lsn.value, std::move(tags));
  }
  finished(std::move(answer));
}

Client::Core::Core(const ClientOptions& options, std::vector<Address> endpoints,
                   std::shared_ptr<asio::ssl::context> tls)
    : timeout_ms_(options.timeout_ms),
      session_(options.session.is_nil() ? Uuid::v7(system_clock(), system_random())
                                        : options.session),
      tls_(std::move(tls)) {
  const LaneSettings settings = lane_settings(options, std::move(endpoints), tls_.get(), session_);
  for (std::uint32_t i = 0; i < options.threads; ++i) {
    messages_.push_back(MessagePool::create());
    if (options.near_cache.bytes_max > 0) {
      near_caches_.push_back(
          std::make_unique<NearCache>(options.near_cache.bytes_max / options.threads,
                                      options.near_cache.staleness_ms * kNsPerMs));
    }
    lanes_.push_back(std::make_unique<Lane>(settings));
  }
}

std::optional<Answer> Client::Core::find_kept(std::size_t lane, const Method& method,
                                              const google::protobuf::MessageLite& request,
                                              const CallOptions& options) {
  if (near_caches_.empty() || method.cache == clinic::CACHE_POLICY_NONE || options.fresh) {
    return std::nullopt;
  }
  static thread_local std::string bytes;
  bytes.resize(request.ByteSizeLong());
  request.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(bytes.data()));
  return near_caches_[lane]->find(static_cast<std::uint16_t>(method.id), bytes,
                                  system_clock().monotonic_ns());
}

ClientStats Client::Core::stats() const {
  ClientStats stats{calls.load(), failures.load(), {}};
  for (const auto& cache : near_caches_) {
    const NearCacheStats one = cache->stats();
    stats.near_cache.hits += one.hits;
    stats.near_cache.misses += one.misses;
    stats.near_cache.stale += one.stale;
    stats.near_cache.evicted += one.evicted;
    stats.near_cache.entries += one.entries;
    stats.near_cache.bytes += one.bytes;
  }
  return stats;
}

void Client::Core::fill(ParsingOperation& operation, std::size_t lane, const Method& method,
                        const google::protobuf::MessageLite& request,
                        const google::protobuf::MessageLite& response, const CallOptions& options) {
  operation.method = static_cast<std::uint16_t>(method.id);
  operation.reads = method.reads;
  operation.response = &response;
  operation.messages = messages_[lane].get();
  operation.trace = options.trace;
  if (options.fresh) operation.flags = wire::kFlagFresh;
  if (!near_caches_.empty() && method.cache != clinic::CACHE_POLICY_NONE && !options.fresh) {
    operation.flags |= wire::kFlagKeep;
    operation.near_cache = near_caches_[lane].get();
  }
  if (!method.reads) {
    operation.request_id =
        options.request_id ? *options.request_id : Uuid::v7(system_clock(), system_random());
  }
  operation.body.resize(request.ByteSizeLong());
  request.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(operation.body.data()));
  const std::int64_t timeout_ms =
      options.timeout.count() > 0 ? options.timeout.count() : timeout_ms_;
  operation.deadline_ns = system_clock().monotonic_ns() + timeout_ms * kNsPerMs;
}

std::size_t Client::Core::lane_index() const {
  if (lanes_.size() == 1) return 0;
  const Lane* const own = Lane::current();
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    if (lanes_[i].get() == own) return i;
  }
  return std::hash<std::thread::id>()(std::this_thread::get_id()) % lanes_.size();
}

Status Client::Core::first_hello() { return lanes_.front()->first_hello(); }

}  // namespace clinicdb::client
