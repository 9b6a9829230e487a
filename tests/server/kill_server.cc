// kill_server PROGRAM [CYCLES [CALLERS]]: the server is killed by SIGKILL under load, again and
// again, while callers repeat by its request id whatever they got no answer to. Then it is stopped
// by SIGTERM as often, and loses no answer: none of its callers' commands is found done when the
// client repeats it. In the end each acknowledged command is there, and each took effect once.
// Exits with 0 when that holds.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "clinicdb/base/clock.h"
#include "clinicdb/base/random.h"
#include "clinicdb/client/client.h"
#include "clinicdb/clinic/clinic.h"
#include "clinicdb/clinic/tables.h"
#include "one_tenant_store.h"
#include "server_process.h"
#include "support/temporary_directory.h"

namespace {

using namespace clinicdb;  // NOLINT: a program of one file

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "kill_server: %s\n", why.c_str());
  std::_Exit(1);
}

void must(const Status& status) {
  if (!status.ok()) fail(status.to_string());
}

/// What one caller has done: the name it gave, and the id that it was told.
using Ledger = std::map<std::string, std::string>;

struct Load {
  std::atomic<bool> ends{false};
  std::atomic<std::uint64_t> acknowledged{0};
  std::atomic<std::uint64_t> repeated{0};
};

/// Of letters, for a name has no digits; another for each command.
std::string name_of(int caller, int number) {
  const auto letters = [](int value) {
    std::string text;
    do text += static_cast<char>('a' + value % 26);
    while ((value /= 26) > 0);
    return text;
  };
  return "Paciente " + letters(caller) + " " + letters(number);
}

enum class End { kKilled, kStopped };

/// Whether an answer may be this one, so that the command is to be given again.
bool is_to_be_repeated(StatusCode code, End end) {
  // Who is stopped says so before the command begins; of a killed one nobody knows.
  if (end == End::kStopped) return code == StatusCode::kUnavailable;
  return code == StatusCode::kUnavailable || code == StatusCode::kUnknownOutcome ||
         code == StatusCode::kDeadlineExceeded || code == StatusCode::kCancelled;
}

void call_until_told(int caller, int port, End end, Load& load, Ledger& ledger) {
  client::ClientOptions options;
  options.endpoints = {"127.0.0.1:" + std::to_string(port)};
  options.tenant = "sorriso";
  options.timeout_ms = end == End::kKilled ? 500 : 20'000;
  options.connect_timeout_ms = 500;
  options.session = Uuid::v7(system_clock(), system_random());
  std::unique_ptr<client::Client> client;
  for (int number = 0; !load.ends; ++number) {
    const std::string name = name_of(caller, number);
    clinic::RegisterPatientRequest request;
    request.mutable_patient()->add_names()->set_text(name);
    client::CallOptions call;
    // Else the client names it, and repeats what it got no answer to.
    if (end == End::kKilled) call.request_id = Uuid::v7(system_clock(), system_random());
    // Until it is told what became of it: only an answer ends a command.
    while (true) {
      if (client == nullptr) {
        auto connected = client::Client::connect(options);
        if (!connected) {
          std::this_thread::sleep_for(std::chrono::milliseconds(20));
          continue;
        }
        client = std::move(*connected);
      }
      const auto answer = client->patients().register_patient(request, call);
      if (answer) {
        ledger[name] = answer->result().id();
        ++load.acknowledged;
        if (answer->result().repeated()) ++load.repeated;
        break;
      }
      if (!is_to_be_repeated(answer.error().code(), end))
        fail("an answer that nothing explains: " + answer.error().to_string());
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
}

void check(const std::string& data, const std::vector<Ledger>& ledgers) {
  auto clinic = clinic::Clinic::open(data, {});
  if (!clinic) fail(clinic.error().to_string());
  const auto tenant = (*clinic)->store().find_tenant("sorriso");
  if (!tenant) fail(tenant.error().to_string());
  const auto view = (*clinic)->store().view(tenant->id);
  std::map<std::string, std::set<std::string>> there;
  const auto scanned =
      (*view)->scan_records(clinic::patients_table().def(), engine::KeyRange::all(), {},
                            [&](std::string_view key, engine::RawRecord&& record) {
                              const auto patient = clinic::patients_table().decode(record.body);
                              if (patient) there[patient->names(0).text()].insert(std::string(key));
                              return true;
                            });
  if (!scanned) fail(scanned.status().to_string());
  std::size_t acknowledged = 0;
  for (const Ledger& ledger : ledgers) {
    for (const auto& [name, id] : ledger) {
      ++acknowledged;
      const auto found = there.find(name);
      if (found == there.end()) fail("an acknowledged command is lost: " + name);
      if (found->second.size() != 1) fail("a command took effect twice: " + name);
      if (*found->second.begin() != id) fail("an answer named another record: " + name);
    }
  }
  if (there.size() != acknowledged)
    fail(std::to_string(there.size()) + " records are there of " + std::to_string(acknowledged) +
         " commands");
  const auto report = (*clinic)->store().verify({});
  if (!report || report->problem_count != 0) fail("the store does not verify");
}

/// Ends and starts the server so often, under that many callers.
std::vector<Ledger> run_cycles(server::ServerProcess& server, End end, int cycles, int callers,
                               int first_caller, Load& load) {
  std::vector<Ledger> ledgers(static_cast<std::size_t>(callers));
  std::vector<std::thread> threads;
  for (int i = 0; i < callers; ++i) {
    threads.emplace_back([&, i] {
      call_until_told(first_caller + i, server.port(), end, load,
                      ledgers[static_cast<std::size_t>(i)]);
    });
  }
  for (int cycle = 0; cycle < cycles; ++cycle) {
    const std::uint64_t before = load.acknowledged;
    while (load.acknowledged < before + 50)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::this_thread::sleep_for(std::chrono::milliseconds(system_random().below(100)));
    if (end == End::kKilled) {
      server.kill_now();
    } else {
      must(server.stop());
    }
    must(server.start());
  }
  load.ends = true;
  for (std::thread& thread : threads) thread.join();
  return ledgers;
}

void say(const char* what, int cycles, const Load& load) {
  std::printf("%d %s, %llu commands acknowledged, %llu of them by a repeated request\n", cycles,
              what, static_cast<unsigned long long>(load.acknowledged),
              static_cast<unsigned long long>(load.repeated));
}

}  // namespace

int main(int count, char** words) {
  if (count < 2) fail("usage: kill_server PROGRAM [CYCLES [CALLERS]]");
  const int cycles = count > 2 ? std::atoi(words[2]) : 2;
  const int callers = count > 3 ? std::atoi(words[3]) : 8;
  const test::TemporaryDirectory directory;
  must(server::make_one_tenant_store(directory.path("data")));
  server::ServerProcess server(words[1], directory.path("data"));
  must(server.start());
  Load killed;
  std::vector<Ledger> ledgers = run_cycles(server, End::kKilled, cycles, callers, 0, killed);
  Load stopped;
  for (Ledger& ledger : run_cycles(server, End::kStopped, cycles, callers, callers, stopped))
    ledgers.push_back(std::move(ledger));
  must(server.stop());
  if (stopped.repeated > 0) fail("a server that was stopped has lost answers");
  check(directory.path("data"), ledgers);
  say("kills", cycles, killed);
  say("stops", cycles, stopped);
  return 0;
}
