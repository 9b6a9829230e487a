// Many calls at once from coroutines: all of them share one connection, and what they send at the
// same time is written together.
//
//   concurrent localhost:7878 sorriso NAME...
#include <clinicdb/client/async.h>

#include <asio/co_spawn.hpp>
#include <asio/use_future.hpp>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <string>
#include <vector>

using namespace clinicdb;          // NOLINT
using namespace clinicdb::clinic;  // NOLINT

namespace {

/// How many patients have a name that begins so, or why that is not known.
asio::awaitable<std::string> count_named(client::Client& client, std::string name) {
  SearchPatientsRequest request;
  request.set_text(name);
  request.set_limit(200);
  const auto found = co_await client::AsyncServices(client).patients().search(request);
  if (!found) co_return found.error().to_string();
  co_return std::to_string((*found)->patients_size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::printf("usage: %s HOST:PORT TENANT NAME...\n", argv[0]);
    return 2;
  }
  client::ClientOptions options;
  options.endpoints = {argv[1]};
  options.tenant = argv[2];
  if (const char* key = std::getenv("CLINICDB_API_KEY")) options.api_key = key;
  const auto client = client::Client::connect(options);
  if (!client) {
    std::printf("%s\n", client.status().to_string().c_str());
    return 1;
  }
  std::vector<std::future<std::string>> counts;
  for (int i = 3; i < argc; ++i) {
    counts.push_back(
        asio::co_spawn(executor(**client, 0), count_named(**client, argv[i]), asio::use_future));
  }
  for (std::size_t i = 0; i < counts.size(); ++i)
    std::printf("%s: %s\n", argv[3 + i], counts[i].get().c_str());
  return 0;
}
