// clinicdb-schedule-kills: a clinic whose process is killed while many callers book, cancel and
// move the same professionals' days. After each kill the store is opened again and its records are
// swept over: nothing overlaps, and all that was acknowledged is there.
//
//   clinicdb-schedule-kills --cycles 1000 --seed 7
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "clinic/schedule_sweep.h"
#include "clinicdb/base/random.h"
#include "support/temporary_directory.h"

namespace clinicdb::crash {
namespace {

constexpr std::size_t kCallers = 16;
constexpr std::size_t kPlaces = 64;  // of each caller, used again and again
constexpr std::int64_t kMinuteUs = 60'000'000;
constexpr std::int64_t kFirstUs = std::int64_t{1'900'000'000} * 1'000'000;

/// What a caller knows of one of its appointments. `asked` is written before a call and `told`
/// after it: where they differ, the call was under way when the process died.
struct Place {
  std::array<char, 16> id;
  std::atomic<int> asked;
  std::atomic<int> told;
};

/// Shared with the child, and survives it.
struct Ledger {
  Place places[kCallers][kPlaces];
  std::atomic<std::uint64_t> calls;
  std::atomic<int> working;
  std::uint64_t tenant;
  char staff[4][17];
};

constexpr int kNothing = 0;

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "schedule_kills: %s\n", why.c_str());
  _exit(1);
}

template <class T>
T must(Result<T> result) {
  if (!result) fail(result.error().to_string());
  return std::move(result).value();
}

std::unique_ptr<clinic::Clinic> open_store(const std::string& directory) {
  clinic::ClinicOptions options;
  options.store.log_segment_bytes = std::size_t{1} << 20;
  options.store.disk_reserve_bytes = std::size_t{1} << 20;
  options.store.write_buffer_bytes = std::size_t{1} << 20;
  return must(clinic::Clinic::open(directory, options));
}

clinic::CallContext context_of(const Ledger& ledger) {
  return clinic::CallContext::system(TenantId{ledger.tenant});
}

/// The tenant, its clinic, two professionals and a room.
void make_clinic(clinic::Clinic& clinic, Ledger& ledger) {
  ledger.tenant = must(clinic.store().create_tenant("sorriso")).id.value;
  const clinic::CallContext context = context_of(ledger);
  clinic::PutClinicRequest site;
  site.mutable_clinic()->set_slug("centro");
  site.mutable_clinic()->set_name("Centro");
  const auto keep = [&](int at, const std::string& id) {
    std::memcpy(ledger.staff[at], id.data(), id.size());
  };
  keep(0, must(clinic.people().put_clinic(context, site)).result().id());
  for (int i = 1; i <= 2; ++i) {
    clinic::PutProfessionalRequest professional;
    professional.mutable_professional()->add_names()->set_text("Dra. Lia");
    keep(i, must(clinic.people().put_professional(context, professional)).result().id());
  }
  clinic::PutLocationRequest room;
  room.mutable_location()->set_name("Sala");
  keep(3, must(clinic.people().put_location(context, room)).result().id());
}

std::string staff(const Ledger& ledger, std::size_t at) { return {ledger.staff[at], 16}; }

void call_one(clinic::Clinic& clinic, Ledger& ledger, std::size_t caller, Random& random) {
  Place& place = ledger.places[caller][random.below(kPlaces)];
  const clinic::CallContext context = context_of(ledger);
  const std::int64_t start =
      kFirstUs + static_cast<std::int64_t>(random.below(200)) * 10 * kMinuteUs;
  if (place.told == clinic::APPOINTMENT_STATUS_BOOKED) {
    const std::string id(place.id.data(), place.id.size());
    if (random.below(3) == 0) {
      clinic::RescheduleAppointmentRequest move;
      move.set_id(id);
      move.set_start_us(start);
      clinic.scheduling().reschedule(context, move).status().ignore("the time may be taken");
      return;
    }
    place.asked = clinic::APPOINTMENT_STATUS_CANCELLED;
    clinic::CancelAppointmentRequest cancel;
    cancel.set_id(id);
    if (!clinic.scheduling().cancel(context, cancel)) fail("a cancellation was refused");
    place.told = clinic::APPOINTMENT_STATUS_CANCELLED;
    return;
  }
  clinic::BookAppointmentRequest book;
  clinic::Appointment& appointment = *book.mutable_appointment();
  std::string id(16, '\0');
  for (char& byte : id) byte = static_cast<char>(random.next());
  place.told = kNothing;
  std::memcpy(place.id.data(), id.data(), id.size());
  appointment.set_id(id);
  appointment.set_clinic_id(staff(ledger, 0));
  appointment.set_professional_id(staff(ledger, 1 + random.below(2)));
  if (random.below(2) == 0) appointment.set_room_id(staff(ledger, 3));
  appointment.set_start_us(start);
  appointment.set_end_us(start + 30 * kMinuteUs);
  place.asked = clinic::APPOINTMENT_STATUS_BOOKED;
  const bool booked = clinic.scheduling().book(context, book).has_value();
  place.told = booked ? clinic::APPOINTMENT_STATUS_BOOKED : kNothing;
  if (!booked) place.asked = kNothing;
}

void check_store(clinic::Clinic& clinic, const Ledger& ledger) {
  const clinic::ScheduleSweep sweep =
      clinic::sweep_schedule(clinic.store(), TenantId{ledger.tenant});
  for (const std::string& problem : sweep.problems) fail(problem);
  for (const auto& places : ledger.places) {
    for (const Place& place : places) {
      if (place.told == kNothing) continue;
      const auto found = sweep.appointments.find(std::string(place.id.data(), place.id.size()));
      if (found == sweep.appointments.end()) fail("an acknowledged booking is lost");
      const int status = found->second.status();
      // A call that was under way may have been done or not.
      if (status != place.told && status != place.asked)
        fail("an acknowledged change is lost: status " + std::to_string(status));
    }
  }
}

/// After a check, what was under way is known.
void settle(clinic::Clinic& clinic, Ledger& ledger) {
  for (auto& places : ledger.places) {
    for (Place& place : places) {
      if (place.asked == place.told) continue;
      const auto found = must(
          clinic.scheduling().get(context_of(ledger), Uuid::from_bytes({place.id.data(), 16})));
      place.told = found == nullptr ? kNothing : static_cast<int>(found->appointment().status());
      place.asked = place.told.load();
    }
  }
}

/// The child's life: never returns.
[[noreturn]] void live(Ledger& ledger, const std::string& directory, std::uint64_t seed,
                       bool last) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const std::unique_ptr<clinic::Clinic> clinic = open_store(directory);
  if (ledger.tenant == 0) make_clinic(*clinic, ledger);
  check_store(*clinic, ledger);
  settle(*clinic, ledger);
  if (last) {
    const engine::VerifyReport report = must(clinic->store().verify({}));
    for (const std::string& problem : report.problems) fail(problem);
    if (!clinic->close().ok()) fail("the store does not close");
    _exit(0);
  }
  std::vector<std::thread> callers;
  for (std::size_t caller = 0; caller < kCallers; ++caller) {
    callers.emplace_back([&, caller] {
      SeededRandom random(seed * kCallers + caller);
      for (;;) {
        call_one(*clinic, ledger, caller, random);
        ++ledger.calls;
        ledger.working = 1;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  _exit(0);
}

bool run_child(Ledger& ledger, const std::string& directory, std::uint64_t seed, bool last) {
  ledger.working = 0;
  const pid_t child = fork();
  if (child < 0) fail("fork");
  if (child == 0) live(ledger, directory, seed, last);
  int state = 0;
  if (!last) {
    // It is killed at work, or dies of what it found.
    while (ledger.working == 0 && waitpid(child, &state, WNOHANG) == 0) ::poll(nullptr, 0, 1);
    if (ledger.working == 0) return false;
    ::poll(nullptr, 0, static_cast<int>(SeededRandom(seed).below(40)));
    kill(child, SIGKILL);
  }
  waitpid(child, &state, 0);
  if (last) return WIFEXITED(state) && WEXITSTATUS(state) == 0;
  return WIFSIGNALED(state) && WTERMSIG(state) == SIGKILL;
}

}  // namespace
}  // namespace clinicdb::crash

int main(int argc, char** argv) {
  using namespace clinicdb::crash;  // NOLINT
  std::uint64_t cycles = 10;
  std::uint64_t seed = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--cycles") == 0) cycles = std::strtoull(argv[i + 1], nullptr, 10);
    if (std::strcmp(argv[i], "--seed") == 0) seed = std::strtoull(argv[i + 1], nullptr, 10);
  }
  void* memory =
      mmap(nullptr, sizeof(Ledger), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) fail("cannot map the ledger");
  Ledger& ledger = *new (memory) Ledger();
  const clinicdb::test::TemporaryDirectory directory;
  for (std::uint64_t cycle = 0; cycle < cycles; ++cycle) {
    const bool last = cycle + 1 == cycles;
    if (!run_child(ledger, directory.path("store"), seed + cycle, last)) {
      std::fprintf(stderr, "schedule_kills: failed with --cycles %llu --seed %llu\n",
                   static_cast<unsigned long long>(cycle + 1),
                   static_cast<unsigned long long>(seed));
      return 1;
    }
  }
  std::printf("%llu kills, %llu calls: nothing overlaps, nothing is lost\n",
              static_cast<unsigned long long>(cycles - 1),
              static_cast<unsigned long long>(ledger.calls.load()));
  return 0;
}
