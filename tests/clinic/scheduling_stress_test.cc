// Goal: with 64 callers on the same professionals' days nothing overlaps, and nothing that was
// acknowledged is lost. Method: each caller books, cancels, moves, joins groups, waits and answers
// at random and keeps what it was told; then the records alone are swept over (schedule_sweep.h)
// and compared with what was told.
#include <atomic>
#include <catch2/catch.hpp>
#include <mutex>
#include <thread>

#include "clinicdb/base/random.h"
#include "schedule_sweep.h"
#include "scheduling_fixture.h"

namespace clinicdb::clinic {
namespace {

class Stress : public Desk {
 public:
  Stress() {
    professionals_ = {lia, rui};
    for (int i = 0; i < 40; ++i) patients_.push_back(clinic.patient("P " + std::to_string(i)));
    device_ = equipment("Laser", 1);
    laser_ = service("Laser", [&](Service& s) {
      s.add_equipment_ids(device_);
      s.set_buffer_after_minutes(5);
    });
    yoga_ = service("Yoga", [](Service& s) { s.set_capacity(4); });
    for (int i = 0; i < 10; ++i) {
      AddWaitlistEntryRequest request;
      request.mutable_entry()->set_clinic_id(site);
      request.mutable_entry()->set_patient_id(clinic.patient("W " + std::to_string(i)));
      request.mutable_entry()->set_duration_minutes(20);
      waiting_.push_back(must(clinic->waitlist().add(clinic.context(), request)).result().id());
    }
  }

  void run_caller(std::uint64_t seed, int commands) {
    SeededRandom random(seed);
    std::vector<std::string> mine;
    for (int i = 0; i < commands; ++i) {
      switch (random.below(8)) {
        case 0:
        case 1:
        case 2:
          book_one(random, mine);
          break;
        case 3:
        case 4:
          cancel_one(random, mine);
          break;
        case 5:
          move_one(random, mine);
          break;
        case 6:
          join(random, mine);
          break;
        default:
          answer(random);
      }
    }
  }

  void check() {
    const ScheduleSweep sweep = sweep_schedule(clinic->store(), clinic.context().tenant);
    CHECK(sweep.problems == std::vector<std::string>{});
    for (const auto& [id, status] : told_) {
      const auto found = sweep.appointments.find(id);
      REQUIRE(found != sweep.appointments.end());
      CHECK(found->second.status() == status);
    }
    CHECK(told_.size() > 50);
    CHECK(answered_ > 0);
    CHECK(problems() == 0);
  }

 private:
  std::int64_t any_start(Random& random) const {
    return nine + static_cast<std::int64_t>(random.below(2)) * kDay +
           static_cast<std::int64_t>(random.below(36)) * 10 * kMinute;
  }
  void tell(const std::string& id, AppointmentStatus status) {
    const std::lock_guard lock(mutex_);
    told_[id] = status;
  }
  void book_one(Random& random, std::vector<std::string>& mine) {
    BookAppointmentRequest request =
        booking(professionals_[random.below(2)], random.below(2) == 0 ? room1 : "",
                patients_[random.below(patients_.size())], any_start(random), 20);
    if (random.below(3) == 0) request.mutable_appointment()->set_service_id(laser_);
    const auto done = book(request);
    if (!done) return;
    mine.push_back(done->result().id());
    tell(mine.back(), APPOINTMENT_STATUS_BOOKED);
  }
  void cancel_one(Random& random, std::vector<std::string>& mine) {
    if (mine.empty()) return;
    const std::size_t at = random.below(mine.size());
    if (cancel(mine[at])) tell(mine[at], APPOINTMENT_STATUS_CANCELLED);
    mine.erase(mine.begin() + static_cast<std::ptrdiff_t>(at));
  }
  void move_one(Random& random, std::vector<std::string>& mine) {
    if (!mine.empty())
      move(mine[random.below(mine.size())], any_start(random)).status().ignore("may be taken");
  }
  void join(Random& random, std::vector<std::string>& mine) {
    BookAppointmentRequest request =
        booking(lia, "", patients_[random.below(patients_.size())],
                nine + 3 * kDay + static_cast<std::int64_t>(random.below(3)) * kHour, 30);
    request.mutable_appointment()->set_service_id(yoga_);
    const auto done = book(request);
    if (!done) return;
    mine.push_back(done->result().id());
    tell(mine.back(), APPOINTMENT_STATUS_BOOKED);
  }
  void answer(Random& random) {
    AnswerWaitlistOfferRequest request;
    request.set_id(waiting_[random.below(waiting_.size())]);
    request.set_accept(random.below(2) == 0);
    const auto done = clinic->waitlist().answer(clinic.context(), request);
    if (!done) return;
    ++answered_;
    if (!done->appointment_id().empty()) tell(done->appointment_id(), APPOINTMENT_STATUS_BOOKED);
  }

  std::vector<std::string> professionals_;
  std::vector<std::string> patients_;
  std::vector<std::string> waiting_;
  std::string device_, laser_, yoga_;
  std::mutex mutex_;
  std::map<std::string, AppointmentStatus> told_;  // guarded by mutex_
  std::atomic<int> answered_{0};
};

void run_stress(int commands) {
  Stress stress;
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 64; ++t)
    threads.emplace_back([&stress, t, commands] { stress.run_caller(t + 1, commands); });
  for (std::thread& thread : threads) thread.join();
  stress.check();
}

TEST_CASE("scheduling stress: 64 callers on the same days, nothing overlaps, nothing is lost") {
  run_stress(20);
}

TEST_CASE("scheduling stress: the same for longer", "[.long]") { run_stress(5000); }

}  // namespace
}  // namespace clinicdb::clinic
