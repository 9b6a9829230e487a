// The whole client over loopback, against a server whose answers the test decides, and over lines
// that are split, delayed and cut.
#include "clinicdb/client/client.h"

#include <asio/co_spawn.hpp>
#include <asio/use_future.hpp>
#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "clinicdb/client/async.h"
#include "support/line_proxy.h"
#include "test_server.h"

namespace clinicdb::client {

namespace {

/// Gives a patient whose note is the id that was asked for.
Result<std::string> echo(const wire::Frame& request) {
  if (request.code == clinic::METHOD_PATIENTS_REGISTER) {
    clinic::RegisterPatientResponse response;
    response.mutable_result()->set_version(1);
    return response.SerializeAsString();
  }
  clinic::GetPatientRequest get;
  if (!get.ParseFromArray(request.payload.data(), static_cast<int>(request.payload.size()))) {
    return invalid_argument("no request");
  }
  clinic::GetPatientResponse response;
  response.mutable_patient()->set_note(get.id());
  return response.SerializeAsString();
}

ClientOptions to(std::uint16_t port) {
  ClientOptions options;
  options.endpoints = {"127.0.0.1:" + std::to_string(port)};
  return options;
}

std::unique_ptr<Client> must_connect(const ClientOptions& options) {
  Result<std::unique_ptr<Client>> client = Client::connect(options);
  INFO(client.status().to_string());
  REQUIRE(client.has_value());
  return std::move(client).value();
}

clinic::GetPatientRequest get_of(int number) {
  clinic::GetPatientRequest request;
  request.set_id("patient " + std::to_string(number));
  return request;
}

#if defined(ASIO_HAS_CO_AWAIT)
asio::awaitable<int> get_many(Client& client, int count) {
  int right = 0;
  for (int i = 0; i < count; ++i) {
    const auto answer = co_await AsyncServices(client).patients().get(get_of(i));
    if (answer && (*answer)->patient().note() == get_of(i).id()) ++right;
  }
  co_return right;
}
#endif

}  // namespace

TEST_CASE("client: calls from several threads share one connection", "[client]") {
  TestServer server(echo);
  const auto client = must_connect(to(server.port()));
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        const auto answer = client->patients().get(get_of(i));
        if (answer && (*answer)->patient().note() == get_of(i).id()) right.fetch_add(1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(right.load() == 800);
  CHECK(server.connections() == 1);
  CHECK(client->stats().calls == 800);
  CHECK(client->stats().failures == 0);
}

#if defined(ASIO_HAS_CO_AWAIT)
TEST_CASE("client: coroutines call on the client's own threads", "[client]") {
  TestServer server(echo);
  ClientOptions options = to(server.port());
  options.threads = 2;
  const auto client = must_connect(options);
  std::vector<std::future<int>> futures;
  for (std::size_t i = 0; i < 8; ++i) {
    futures.push_back(
        asio::co_spawn(executor(*client, i), get_many(*client, 100), asio::use_future));
  }
  int right = 0;
  for (std::future<int>& future : futures) right += future.get();
  CHECK(right == 800);
  CHECK(server.connections() == 2);
}
#endif

TEST_CASE("client: an option that is wrong is named", "[client]") {
  CHECK(Client::connect({}).error().field() == "endpoints");
  ClientOptions options = to(1);
  options.endpoints = {"nowhere"};
  CHECK(Client::connect(options).error().field() == "endpoints");
  options = to(1);
  options.threads = 0;
  CHECK(Client::connect(options).error().field() == "threads");
  options = to(1);
  options.tls.enabled = true;
  options.tls.authority_file = "/does/not/exist";
  CHECK(Client::connect(options).error().field() == "tls.authority_file");
}

TEST_CASE("client: who is not let in, and who finds nobody, is told at once", "[client]") {
  TestServer server(echo);
  server.let_in_only("key");
  ClientOptions options = to(server.port());
  options.api_key = "wrong";
  CHECK(Client::connect(options).error().code() == StatusCode::kUnauthenticated);
  options.api_key = "key";
  CHECK(Client::connect(options).has_value());

  std::uint16_t unused;
  {
    TestServer gone(echo);
    unused = gone.port();
  }
  const Status nobody = Client::connect(to(unused)).status();
  CHECK(nobody.code() == StatusCode::kUnavailable);
  CHECK(nobody.message().find(std::to_string(unused)) != std::string_view::npos);
  // One of several is enough.
  options.endpoints.insert(options.endpoints.begin(), to(unused).endpoints[0]);
  const auto client = must_connect(options);
  CHECK(client->patients().get(get_of(1)).has_value());
}

TEST_CASE("client: errors keep their field, and an answer may be absent", "[client]") {
  TestServer server([](const wire::Frame&) -> Result<std::string> {
    return invalid_argument("no digits").with_field("patient.cpf");
  });
  const auto client = must_connect(to(server.port()));
  const auto refused = client->patients().register_patient({});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().field() == "patient.cpf");
}

TEST_CASE("client: a server that comes back is found again", "[client]") {
  auto server = std::make_unique<TestServer>(echo);
  const std::uint16_t port = server->port();
  const auto client = must_connect(to(port));
  REQUIRE(client->patients().get(get_of(1)).has_value());
  server.reset();
  CallOptions hurried;
  hurried.timeout = std::chrono::milliseconds(30);
  CHECK_FALSE(client->patients().get(get_of(1), hurried).has_value());
  server = std::make_unique<TestServer>(echo, port);
  CHECK(client->patients().get(get_of(2)).has_value());
}

TEST_CASE("client: after go-away the next call finds a new connection", "[client]") {
  TestServer server(echo);
  const auto client = must_connect(to(server.port()));
  int right = 0;
  for (int i = 0; i < 20; ++i) {
    if (i % 5 == 4) server.go_away();
    right += client->patients().get(get_of(i)).has_value();
  }
  CHECK(right == 20);
  CHECK(server.connections() > 1);
}

TEST_CASE("client: a call that is not answered ends in its time; a change is then unknown",
          "[client]") {
  TestServer server(echo);
  // Nothing passes within the call's time.
  test::LineFaults slow;
  test::LineProxy proxy(server.port(), slow);
  const auto client = must_connect(to(proxy.port()));
  slow.delay_us_max = 60'000'000;
  proxy.set_faults(slow);
  CallOptions options;
  options.timeout = std::chrono::milliseconds(20);
  int late = 0;
  for (int i = 0; i < 3; ++i) {
    late +=
        client->patients().get(get_of(1), options).status().code() == StatusCode::kDeadlineExceeded;
  }
  CHECK(late >= 2);  // the first may have slipped through
  CHECK(client->patients().register_patient({}, options).status().code() ==
        StatusCode::kUnknownOutcome);
}

TEST_CASE("client: over lines that are split, delayed and cut every change is made once",
          "[client]") {
  std::atomic<int> registered{0};
  TestServer server([&](const wire::Frame& request) {
    if (request.code == clinic::METHOD_PATIENTS_REGISTER) registered.fetch_add(1);
    return echo(request);
  });
  test::LineFaults faults;
  faults.piece_bytes_max = 60;
  faults.delay_us_max = 200;
  test::LineProxy proxy(server.port(), faults);
  ClientOptions options = to(proxy.port());
  options.timeout_ms = 30'000;
  const auto client = must_connect(options);
  faults.cut_once_in = 150;
  proxy.set_faults(faults);
  std::atomic<int> done{0};
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 60; ++i) {
        if (i % 2 == 0) {
          if (client->patients().register_patient({}).has_value()) done.fetch_add(1);
        } else {
          const auto answer = client->patients().get(get_of(100 * t + i));
          if (!answer || (*answer)->patient().note() != get_of(100 * t + i).id())
            wrong.fetch_add(1);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(done.load() == 120);
  CHECK(registered.load() == 120);
  CHECK(wrong.load() == 0);
  CHECK(proxy.cuts() > 0);
  CHECK(server.connections() > 1);
}

}  // namespace clinicdb::client
