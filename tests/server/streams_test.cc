// Streams end to end: import, export and the feed over sockets, against the same done at hand, over
// lines that are cut, and by callers who do it wrong.
#include <asio/co_spawn.hpp>
#include <asio/use_future.hpp>
#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include "cli/remote_transfer.h"
#include "clinicdb/base/random.h"
#include "clinicdb/client/async.h"
#include "clinicdb/clinic/fhir/generator.h"
#include "clinicdb/clinic/schema/transfer.pb.h"
#include "served_clinic.h"
#include "support/line_proxy.h"

namespace clinicdb::server {
namespace {

namespace fs = std::filesystem;
using clinic::CallContext;
using clinic::fhir::ExportOptions;
using clinic::fhir::ImportOptions;
using clinic::fhir::ImportReport;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::unique_ptr<client::Client> connect(const ServedClinic& served, std::uint16_t port,
                                        const std::string& roles = "[\"owner\"]") {
  client::ClientOptions options;
  options.endpoints = {"127.0.0.1:" + std::to_string(port)};
  options.token = served.token(roles);
  return must(client::Client::connect(options));
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  REQUIRE(out.good());
}

/// Name and content of each file.
std::map<std::string, std::string> files_of(const std::string& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    std::ifstream in(entry.path(), std::ios::binary);
    std::stringstream content;
    content << in.rdbuf();
    files[entry.path().filename().string()] = content.str();
  }
  return files;
}

std::string transaction(int number) {
  const std::string n = std::to_string(number);
  std::string entries;
  for (const char* who : {"a", "b"}) {
    if (!entries.empty()) entries += ",";
    entries += R"({"resource":{"resourceType":"Patient","id":")" + n + who +
               R"(","name":[{"text":"Ana )" + n +
               R"("}]},"request":{"method":"PUT","url":"Patient/)" + n + who + R"("}})";
  }
  return R"({"resourceType":"Bundle","type":"transaction","entry":[)" + entries + "]}\n";
}

/// A bundle whose patient is in a file behind it, so that it has to be read once more.
std::string needs_what_comes_later() {
  return R"({"resourceType":"Bundle","type":"transaction","entry":[{"resource":)"
         R"({"resourceType":"Observation","id":"o1","status":"final","code":{"text":"x"},)"
         R"("subject":{"reference":"Patient?identifier=urn:mrn|77"}},)"
         R"("request":{"method":"PUT","url":"Observation/o1"}}]})";
}

void make_input(const std::string& folder) {
  clinic::fhir::GeneratorOptions options;
  options.patients = 30;
  options.years = 2;
  REQUIRE(clinic::fhir::generate_fhir(folder, options));
  write_file(folder + "/00-later.json", needs_what_comes_later());
  write_file(
      folder + "/zz-patient.json",
      R"({"resourceType":"Patient","id":"p77","identifier":[{"system":"urn:mrn","value":"77"}]})");
  write_file(
      folder + "/zz-lines.ndjson",
      transaction(1) + "{\"resourceType\":\"Patient\",\"gender\":5}\n{no json\n" + transaction(2));
  write_file(folder + "/zz-broken.json.gz", std::string("\x1f\x8b and no gzip", 15));
}

struct Told {
  std::vector<std::string> problems;
  ImportReport report;
};

ImportOptions telling(Told& told) {
  ImportOptions options;
  options.on_problem = [&told](const clinic::fhir::ImportProblem& problem) {
    told.problems.push_back(problem.file + ":" + std::to_string(problem.line) + ":" + problem.path +
                            ":" + problem.reason + ":" + std::to_string(problem.resources));
  };
  return options;
}

void check_same(const ImportReport& a, const ImportReport& b) {
  CHECK(a.files == b.files);
  CHECK(a.resources == b.resources);
  CHECK(a.imported == b.imported);
  CHECK(a.unchanged == b.unchanged);
  CHECK(a.failed == b.failed);
  CHECK(a.ignored == b.ignored);
  CHECK(a.problems == b.problems);
  REQUIRE(a.by_type.size() == b.by_type.size());
  for (const auto& [type, counts] : a.by_type) {
    INFO(type);
    const auto other = b.by_type.find(type);
    REQUIRE(other != b.by_type.end());
    CHECK(counts.imported == other->second.imported);
    CHECK(counts.failed == other->second.failed);
  }
}

TEST_CASE("streams: import and export over a connection are those at hand", "[server]") {
  ServedClinic served;
  const test::TemporaryDirectory directory;
  const std::string input = directory.path("in");
  make_input(input);
  const auto client = connect(served, served.port());

  Told here;
  here.report = must(clinic::fhir::import_fhir(served.clinic().store(), served.other_tenant(),
                                               {input}, telling(here)));
  Told there;
  ImportOptions options = telling(there);
  clinic::fhir::ImportProgress last;
  options.on_progress = [&](const clinic::fhir::ImportProgress& now) { last = now; };
  there.report = must(import_over(*client, {input}, options));
  check_same(here.report, there.report);
  CHECK(here.problems == there.problems);
  CHECK(here.problems.size() >= 3);
  CHECK(there.report.imported > 100);
  CHECK(last.files_done == last.files);
  CHECK(last.resources == there.report.resources);
  CHECK(last.bytes > 0);

  const bool bundles = GENERATE(false, true);
  ExportOptions format;
  format.gzip = bundles;
  format.bundle_resources = 100;
  if (bundles) format.format = clinic::fhir::ExportFormat::kBundle;
  const auto out_here = must(clinic::fhir::export_fhir(
      served.clinic().store(), served.other_tenant(), directory.path("here"), format));
  const auto out_there = must(export_over(*client, directory.path("there"), format));
  CHECK(out_here.files == out_there.files);
  CHECK(out_here.resources == out_there.resources);
  CHECK(out_here.bytes == out_there.bytes);
  CHECK(out_here.by_type == out_there.by_type);
  const auto files = files_of(directory.path("here"));
  CHECK(files.size() > 3);
  CHECK(files == files_of(directory.path("there")));

  // The same once more changes nothing.
  const ImportReport again = must(import_over(*client, {input}, {}));
  CHECK(again.imported == 0);
  CHECK(again.unchanged == there.report.imported + there.report.unchanged);
}

TEST_CASE("streams: who lacks the right gets nothing in or out", "[server]") {
  ServedClinic served;
  const test::TemporaryDirectory directory;
  write_file(directory.path("a.json"), transaction(1));
  served.patient(served.tenant(), "Zoe");
  const auto before = served.clinic().store().stats().last_committed;
  for (const char* roles : {"[\"reception\"]", "[\"administrator\"]", "[\"auditor\"]", "[]"}) {
    const auto client = connect(served, served.port(), roles);
    CHECK(import_over(*client, {directory.path("a.json")}, {}).status().code() ==
          StatusCode::kPermissionDenied);
    CHECK(export_over(*client, directory.path("out"), {}).status().code() ==
          StatusCode::kPermissionDenied);
  }
  const auto nobody = connect(served, served.port(), "[\"reception\"]");
  client::Subscription events(*nobody, {});
  CHECK(events.next(seconds(5)).status().code() == StatusCode::kPermissionDenied);
  CHECK(served.clinic().store().stats().last_committed == before);
  CHECK(files_of(directory.path("out")).empty());
}

TEST_CASE("streams: a cut leaves whole bundles, and the same import completes it", "[server]") {
  ServedClinic served;
  const test::TemporaryDirectory directory;
  constexpr int kBundles = 300;
  std::string lines;
  for (int i = 0; i < kBundles; ++i) lines += transaction(i);
  // So that it comes in several pieces, each a commit of its own, and does not pack well.
  SeededRandom random(1);
  for (int i = 0; i < 40; ++i) {
    std::string noise(100'000, 'x');
    for (char& c : noise) c = static_cast<char>('0' + random.below(75));
    std::erase(noise, '\\');
    lines += "{\"resourceType\":\"Basic\",\"id\":\"pad-" + std::to_string(i) +
             "\",\"code\":{\"text\":\"" + noise + "\"}}\n" + transaction(kBundles + i);
  }
  write_file(directory.path("a.ndjson"), lines);
  test::LineFaults faults;
  faults.piece_bytes_max = 5'000;
  test::LineProxy proxy(served.port(), faults);
  const auto client = connect(served, proxy.port());
  faults.cut_once_in = 60;
  proxy.set_faults(faults);
  const Result<ImportReport> cut = import_over(*client, {directory.path("a.ndjson")}, {});
  REQUIRE_FALSE(cut);
  CHECK(cut.error().code() == StatusCode::kUnavailable);
  CHECK(proxy.cuts() > 0);

  // The server has seen the cut when nothing is in flight any more.
  while (served.server().stats().calls_in_flight > 0) std::this_thread::yield();
  must(clinic::fhir::export_fhir(served.clinic().store(), served.tenant(), directory.path("out"),
                                 {}));
  const std::string patients = files_of(directory.path("out"))["Patient.ndjson"];
  int whole = 0;
  for (int i = 0; i < kBundles + 40; ++i) {
    const std::string n = std::to_string(i);
    const bool a = patients.find("\"id\":\"" + n + "a\"") != std::string::npos;
    const bool b = patients.find("\"id\":\"" + n + "b\"") != std::string::npos;
    CHECK(a == b);
    whole += a && b ? 1 : 0;
  }
  CHECK(whole < kBundles + 40);

  faults.cut_once_in = 0;
  proxy.set_faults(faults);
  const ImportReport rest = must(import_over(*client, {directory.path("a.ndjson")}, {}));
  CHECK(rest.failed == 0);
  CHECK(rest.imported + rest.unchanged == rest.resources);
  CHECK(rest.unchanged >= 2 * static_cast<std::uint64_t>(whole));
  CHECK(must(import_over(*client, {directory.path("a.ndjson")}, {})).imported == 0);
}

TEST_CASE("streams: a caller who stops an import or an export is told so at once", "[server]") {
  ServedClinic served;
  const test::TemporaryDirectory directory;
  write_file(directory.path("a.json"), transaction(1));
  const auto client = connect(served, served.port());
  const std::atomic<bool> stop{true};
  ImportOptions in;
  in.stop = &stop;
  CHECK(import_over(*client, {directory.path("a.json")}, in).status().code() ==
        StatusCode::kCancelled);
  ExportOptions out;
  out.stop = &stop;
  CHECK(export_over(*client, directory.path("out"), out).status().code() == StatusCode::kCancelled);
  while (served.server().stats().calls_in_flight > 0) std::this_thread::yield();
  CHECK(files_of(directory.path("out")).empty());
}

TEST_CASE("streams: what is said wrongly is refused, and other calls go on", "[server]") {
  ServedClinic served;
  const auto client = connect(served, served.port());
  const auto outcome = [&](const client::Method& method, const google::protobuf::MessageLite& first,
                           const google::protobuf::MessageLite* then) {
    const auto stream = must(client::Stream::open(*client, method, first, {}));
    if (then != nullptr) stream->write(*then).ignore("the reader tells");
    stream->end_sending();
    clinic::ImportNews news;
    return stream->read(news).status();
  };
  clinic::ImportPart no_names;
  CHECK(outcome(client::kTransferServiceImport, no_names, nullptr).code() ==
        StatusCode::kInvalidArgument);
  clinic::ImportPart begin;
  begin.mutable_begin()->add_names("a.json");
  clinic::ImportPart other_file;
  other_file.mutable_file()->set_file(7);
  CHECK(outcome(client::kTransferServiceImport, begin, &other_file).code() ==
        StatusCode::kInvalidArgument);
  // The stream ends where the file does not.
  CHECK(outcome(client::kTransferServiceImport, begin, nullptr).code() ==
        StatusCode::kInvalidArgument);
  CHECK(outcome(client::kTransferServiceImport, begin, &begin).code() ==
        StatusCode::kInvalidArgument);
  // A call that is none, and a stream that is none.
  CHECK(outcome(client::kPatientServiceGet, clinic::GetPatientRequest(), nullptr).code() ==
        StatusCode::kInvalidArgument);
  CHECK(client
            ->call(client::kTransferServiceExport, clinic::ExportRequest(),
                   clinic::ExportPart::default_instance(), {})
            .status()
            .code() == StatusCode::kInvalidArgument);
  CHECK(client->tenants().get({}).has_value());
  while (served.server().stats().calls_in_flight > 0) std::this_thread::yield();
}

TEST_CASE("streams: one whose time is over ends on both sides", "[server]") {
  ServedClinic served;
  const auto client = connect(served, served.port());
  clinic::ImportPart begin;
  begin.mutable_begin()->add_names("a.json");
  client::CallOptions options;
  options.timeout = milliseconds(50);
  const auto stream =
      must(client::Stream::open(*client, client::kTransferServiceImport, begin, options));
  clinic::ImportNews news;
  CHECK(stream->read(news).status().code() == StatusCode::kDeadlineExceeded);
  while (served.server().stats().calls_in_flight > 0) std::this_thread::yield();
  CHECK(client->tenants().get({}).has_value());
}

// --- the feed

using Position = std::pair<std::uint64_t, std::uint32_t>;

std::vector<Position> all_events(ServedClinic& served, std::uint64_t after = 0) {
  std::vector<Position> events;
  clinic::ReadEventsRequest request;
  request.set_after_lsn(after);
  request.set_limit(1000);
  while (true) {
    const auto page =
        must(served.clinic().feed().read_events(CallContext::system(served.tenant()), request));
    for (const auto& event : page.events()) events.emplace_back(event.lsn(), event.ordinal());
    if (page.cursor().empty()) return events;
    request.set_after_lsn(page.next_after_lsn());
    request.set_cursor(page.cursor());
  }
}

void add(std::vector<Position>& to, const clinic::ReadEventsResponse& page) {
  for (const auto& event : page.events()) to.emplace_back(event.lsn(), event.ordinal());
}

TEST_CASE("feed: events are pushed as they happen, from any position on, of the types asked for",
          "[server]") {
  ServedClinic served;
  served.patient(served.tenant(), "Ana");
  const auto client = connect(served, served.port());
  client::Subscription events(*client, {});
  std::vector<Position> seen;
  add(seen, *must(events.next(seconds(10))));
  CHECK(seen == all_events(served));
  // Nothing happens, and nothing of another tenant's comes.
  served.patient(served.other_tenant(), "Zoe Outra");
  CHECK(must(events.next(milliseconds(50)))->events_size() == 0);
  std::thread later([&] { served.patient(served.tenant(), "Bia"); });
  add(seen, *must(events.next(seconds(10))));
  later.join();
  CHECK(seen == all_events(served));

  clinic::ReadEventsRequest from;
  from.set_after_lsn(seen.front().first);
  client::Subscription behind(*client, from);
  std::vector<Position> rest;
  add(rest, *must(behind.next(seconds(10))));
  CHECK(rest == all_events(served, seen.front().first));

  clinic::ReadEventsRequest others;
  others.add_types(clinic::EVENT_RESOURCES_IMPORTED);
  client::Subscription imports(*client, others);
  CHECK(must(imports.next(milliseconds(50)))->events_size() == 0);
  const test::TemporaryDirectory directory;
  write_file(directory.path("a.json"), transaction(1));
  must(import_over(*client, {directory.path("a.json")}, {}));
  const auto imported = must(imports.next(seconds(10)));
  REQUIRE(imported->events_size() == 1);
  CHECK(imported->events(0).type() == clinic::EVENT_RESOURCES_IMPORTED);
}

TEST_CASE("feed: over lines that are split, delayed and cut no event is missed or comes twice",
          "[server]") {
  ServedClinic served;
  test::LineFaults faults;
  faults.piece_bytes_max = 400;
  faults.delay_us_max = 100;
  test::LineProxy proxy(served.port(), faults);
  const auto client = connect(served, proxy.port());
  faults.cut_once_in = 40;
  proxy.set_faults(faults);
  constexpr int kPatients = 300;
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int i = 0; i < kPatients; ++i) served.patient(served.tenant(), "Ana " + std::to_string(i));
    done = true;
  });
  clinic::ReadEventsRequest from;
  from.set_limit(7);
  client::Subscription events(*client, from);
  std::vector<Position> seen;
  const auto until = std::chrono::steady_clock::now() + seconds(60);
  while (std::chrono::steady_clock::now() < until) {
    const auto page = events.next(milliseconds(500));
    if (page) add(seen, **page);
    if (done && seen.size() >= kPatients) break;
  }
  writer.join();
  CHECK(seen == all_events(served));
  CHECK(seen.size() == kPatients);
  CHECK(proxy.cuts() > 0);
}

TEST_CASE("feed: who does not read is not sent to, holds up nobody, and gets it all later",
          "[server]") {
  ServedClinic served;
  const auto client = connect(served, served.port());
  client::Subscription idle(*client, {});
  must(idle.next(milliseconds(0)));
  const test::TemporaryDirectory directory;
  // Some 60 bytes an event are no load; long names of changes are.
  constexpr int kEvents = 4000;
  for (int i = 0; i < kEvents; ++i) served.patient(served.tenant(), "Ana");
  CHECK(client->tenants().get({}).has_value());
  std::uint64_t sent = 0;
  served.server().for_each_tenant([&](TenantId tenant, const Load& load) {
    if (tenant == served.tenant()) sent = load.bytes_out;
  });
  // The window, and the answer of the one call.
  CHECK(sent < wire::kStreamWindowBytes + 4096u);
  std::vector<Position> seen;
  std::size_t all_bytes = 0;
  while (seen.size() < kEvents) {
    const auto page = must(idle.next(seconds(10)));
    REQUIRE(page->events_size() > 0);
    all_bytes += page->ByteSizeLong();
    add(seen, *page);
  }
  CHECK(all_bytes > wire::kStreamWindowBytes + 4096u);
  CHECK(seen == all_events(served));
}

TEST_CASE("feed: a server that stops ends it at once, and the position stays", "[server]") {
  ServedClinic served;
  served.patient(served.tenant(), "Ana");
  const auto client = connect(served, served.port());
  client::Subscription events(*client, {});
  CHECK(must(events.next(seconds(10)))->events_size() > 0);
  const std::uint64_t after = events.position().after_lsn();
  const auto before = std::chrono::steady_clock::now();
  served.server().stop();
  CHECK(std::chrono::steady_clock::now() - before < seconds(10));
  CHECK(events.next(milliseconds(50)).status().code() == StatusCode::kUnavailable);
  CHECK(events.position().after_lsn() == after);
}

#if defined(ASIO_HAS_CO_AWAIT)
asio::awaitable<std::vector<Position>> follow(client::Client& client, std::size_t count) {
  client::Subscription events(client, {});
  std::vector<Position> seen;
  while (seen.size() < count) {
    const auto page = co_await client::async_next(events);
    if (!page) break;
    add(seen, **page);
  }
  co_return seen;
}

TEST_CASE("feed: coroutines follow it without a thread", "[server]") {
  ServedClinic served;
  const auto client = connect(served, served.port());
  std::vector<std::future<std::vector<Position>>> followers;
  for (int i = 0; i < 8; ++i) {
    followers.push_back(
        asio::co_spawn(client::executor(*client, 0), follow(*client, 100), asio::use_future));
  }
  for (int i = 0; i < 100; ++i) served.patient(served.tenant(), "Ana " + std::to_string(i));
  const std::vector<Position> all = all_events(served);
  for (auto& follower : followers) CHECK(follower.get() == all);
}
#endif

}  // namespace
}  // namespace clinicdb::server
