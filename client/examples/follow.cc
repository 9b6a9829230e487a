// Follows what happens to a tenant, from a position that it prints, so that the next run goes on
// there.
//
//   follow localhost:7878 sorriso [AFTER_LSN]
#include <clinicdb/client/client.h>
#include <clinicdb/client/pages.h>

#include <cstdio>
#include <cstdlib>

using namespace clinicdb;          // NOLINT
using namespace clinicdb::clinic;  // NOLINT

namespace {

Status follow(const std::string& endpoint, const std::string& tenant, std::uint64_t after_lsn) {
  client::ClientOptions options;
  options.endpoints = {endpoint};
  options.tenant = tenant;
  if (const char* key = std::getenv("CLINICDB_API_KEY")) options.api_key = key;
  ASSIGN_OR_RETURN(const auto client, client::Client::connect(options));

  ReadEventsRequest from;
  from.set_after_lsn(after_lsn);
  client::ChangeFeed feed(*client, from);
  for (;;) {
    ASSIGN_OR_RETURN(const auto page, feed.next(std::chrono::seconds(1)));
    if (page->events_size() == 0) return {};
    for (const DomainEvent& event : page->events()) {
      std::printf("%llu %s\n", static_cast<unsigned long long>(event.lsn()),
                  EventType_Name(event.type()).c_str());
    }
    std::printf("# go on after %llu\n",
                static_cast<unsigned long long>(feed.request().after_lsn()));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::printf("usage: %s HOST:PORT TENANT [AFTER_LSN]\n", argv[0]);
    return 2;
  }
  const Status status =
      follow(argv[1], argv[2], argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 0);
  std::printf("%s\n", status.to_string().c_str());
  return status.ok() ? 0 : 1;
}
