#include "clinicdb/client/pages.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace clinicdb::client {

namespace {

using clinic::SearchPatientsRequest;
using clinic::SearchPatientsResponse;
using Page = Result<std::shared_ptr<const SearchPatientsResponse>>;

/// Three pages, the second of them empty.
Page page_of(const SearchPatientsRequest& request) {
  auto page = std::make_shared<SearchPatientsResponse>();
  if (request.cursor().empty()) {
    page->add_patients()->set_name("Ana");
    page->set_cursor("2");
  } else if (request.cursor() == "2") {
    page->set_cursor("3");
  } else {
    page->add_patients()->set_name("Bia");
  }
  return std::shared_ptr<const SearchPatientsResponse>(std::move(page));
}

/// Events 1 to 5, two a page; the rest comes when they were read.
class EventServer final : public Caller {
 public:
  Result<Answer> call(const Method& method, const google::protobuf::MessageLite& request,
                      const google::protobuf::MessageLite&, const CallOptions&) override {
    CHECK(method.id == clinic::METHOD_FEED_READ_EVENTS);
    const auto& asked = static_cast<const clinic::ReadEventsRequest&>(request);
    if (++calls == failing_call) return unavailable("later");
    auto page = std::make_shared<clinic::ReadEventsResponse>();
    for (std::uint64_t lsn = asked.after_lsn() + 1; lsn <= last && page->events_size() < 2; ++lsn) {
      page->add_events()->set_lsn(lsn);
    }
    page->set_next_after_lsn(asked.after_lsn() + static_cast<std::uint64_t>(page->events_size()));
    return Answer(std::move(page));
  }
  std::uint64_t last = 5;
  int calls = 0;
  int failing_call = 0;
};

}  // namespace

TEST_CASE("pages: all pages come, empty ones too, and then none", "[client]") {
  auto pages = pages_of(SearchPatientsRequest(), page_of);
  std::vector<std::string> names;
  int count = 0;
  for (;;) {
    const Page page = pages.next();
    REQUIRE(page.has_value());
    if (*page == nullptr) break;
    ++count;
    for (const auto& patient : (*page)->patients()) names.push_back(patient.name());
  }
  CHECK(count == 3);
  CHECK(names == std::vector<std::string>{"Ana", "Bia"});
  CHECK(*pages.next() == nullptr);
}

TEST_CASE("pages: a page that failed is asked for again", "[client]") {
  bool fails = true;
  auto pages = pages_of(SearchPatientsRequest(), [&](const SearchPatientsRequest& request) -> Page {
    if (fails && request.cursor() == "2") return unavailable("later");
    return page_of(request);
  });
  REQUIRE(pages.next().has_value());
  CHECK_FALSE(pages.next().has_value());
  CHECK(pages.cursor() == "2");
  fails = false;
  REQUIRE(pages.next().has_value());
  CHECK(pages.cursor() == "3");
}

TEST_CASE("change_feed: events come in order without a gap, also over an error and a restart",
          "[client]") {
  EventServer server;
  server.failing_call = 2;
  std::vector<std::uint64_t> seen;
  clinic::ReadEventsRequest from;
  from.set_after_lsn(1);
  for (int round = 0; round < 4; ++round) {
    ChangeFeed feed(server, from);  // as a program that was started again
    const auto page = feed.next(std::chrono::milliseconds(0));
    if (!page) continue;
    for (const clinic::DomainEvent& event : (*page)->events()) seen.push_back(event.lsn());
    from = feed.request();
  }
  CHECK(seen == std::vector<std::uint64_t>{2, 3, 4, 5});
  CHECK(from.after_lsn() == 5);
}

}  // namespace clinicdb::client
