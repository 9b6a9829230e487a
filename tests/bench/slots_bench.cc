#include "bench/calendar_population.h"
#include "bench/clinic_fixture.h"
#include "bench/measure.h"
#include "bench/options.h"
#include "clinicdb/base/random.h"

namespace clinicdb::bench {

namespace {

class SlotsBench {
 public:
  SlotsBench(const SlotsOptions& options, Report& report) : options_(options), report_(report) {}

  Status run() {
    RETURN_IF_ERROR(set_up());
    for (std::size_t round = 0; round < options_.rounds; ++round) {
      RETURN_IF_ERROR(measure(week_uncached_, options_.calls, [&] { return week(false); }));
      RETURN_IF_ERROR(measure(week_kept_, options_.calls * 50, [&] { return week(true); }));
      RETURN_IF_ERROR(measure(day_, options_.calls, [&] { return clinic_day(); }));
      RETURN_IF_ERROR(first_free());
    }
    write_report();
    return {};
  }

 private:
  Status set_up() {
    ASSIGN_OR_RETURN(clinic_, ClinicFixture::open(options_.directory + "/clinicdb", {}));
    ASSIGN_OR_RETURN(practice_,
                     fill_practice(clinic_->clinic(), clinic_->context(), options_.professionals));
    // The first third of the days is full, then two thirds are, so that the first free time of
    // twenty professionals is a long way off.
    std::vector<std::pair<std::size_t, std::size_t>> bookings;
    for (std::size_t p = 0; p < options_.professionals; ++p) {
      for (std::size_t slot = 0; slot < options_.days * kSlotsADay; ++slot) {
        const bool full = slot < options_.days / 3 * kSlotsADay;
        if (full || random_.below(3) != 0) bookings.emplace_back(p, slot);
      }
    }
    std::atomic<std::size_t> next{0};
    constexpr std::size_t kCallers = 64;
    RETURN_IF_ERROR(run_on_threads(kCallers, [&](std::size_t) -> Status {
                      for (std::size_t i = next++; i < bookings.size(); i = next++) {
                        RETURN_IF_ERROR(clinic_->clinic()
                                            .scheduling()
                                            .book(practice_->context,
                                                  make_booking(*practice_, bookings[i].first,
                                                               kFirstUs, bookings[i].second, {}))
                                            .status());
                      }
                      return {};
                    }).status);
    // And one more clinic whose day has 300 appointments.
    ASSIGN_OR_RETURN(busy_, fill_busy_day());
    report_.setting("professionals", options_.professionals);
    report_.setting("days", options_.days);
    report_.setting("appointments", bookings.size());
    return clinic_->settle();
  }

  Result<Practice> fill_busy_day() {
    constexpr std::size_t kProfessionals = 15;
    ASSIGN_OR_RETURN(Practice busy, make_practice(clinic_->clinic(), "busy", kProfessionals));
    for (std::size_t i = 0; i < kProfessionals * kSlotsADay; ++i) {
      RETURN_IF_ERROR(clinic_->clinic()
                          .scheduling()
                          .book(busy.context, make_booking(busy, i % kProfessionals, kFirstUs,
                                                           i / kProfessionals, {}))
                          .status());
    }
    return busy;
  }

  Status measure(std::vector<double>& rates, std::size_t calls,
                 const std::function<Status()>& call) {
    const std::int64_t start = now_ns();
    for (std::size_t i = 0; i < calls; ++i) RETURN_IF_ERROR(call());
    rates.push_back(static_cast<double>(calls) * 1e9 / static_cast<double>(now_ns() - start));
    return {};
  }

  Status week(bool kept) {
    clinic::FindSlotsRequest request;
    request.set_clinic_id(practice_->site);
    request.add_professional_ids(
        practice_->professionals[random_.below(practice_->professionals.size())]);
    request.set_duration_minutes(30);
    request.set_step_minutes(30);
    const auto weeks = static_cast<std::uint64_t>(options_.days / 7);
    request.set_from_us(kFirstUs + static_cast<std::int64_t>(random_.below(weeks)) * 7 * kDayUs);
    request.set_until_us(request.from_us() + 7 * kDayUs);
    return clinic_->clinic()
        .availability()
        .find_slots(kept ? practice_->context : practice_->uncached, request)
        .status();
  }

  Status clinic_day() {
    clinic::ListDayRequest request;
    request.set_kind(clinic::RESOURCE_KIND_CLINIC);
    request.set_id(busy_->site);
    request.mutable_day()->set_year(2026);
    request.mutable_day()->set_month(1);
    request.mutable_day()->set_day(5);
    ASSIGN_OR_RETURN(const auto day,
                     clinic_->clinic().scheduling().list_day(busy_->uncached, request));
    return day->entries_size() == 300 ? Status() : internal_error("the day is not complete");
  }

  /// Over all professionals and days, while bookings and cancellations go on.
  Status first_free() {
    for (std::size_t i = 0; i < options_.calls; ++i) {
      if (i % 4 == 0) RETURN_IF_ERROR(change_something());
      clinic::FindSlotsRequest request;
      request.set_clinic_id(practice_->site);
      for (const std::string& id : practice_->professionals) request.add_professional_ids(id);
      request.set_duration_minutes(30);
      request.set_step_minutes(30);
      request.set_from_us(kFirstUs + static_cast<std::int64_t>(random_.below(20)) * kDayUs / 4);
      request.set_until_us(request.from_us() + 90 * kDayUs);
      request.set_limit(1);
      const std::int64_t start = now_ns();
      ASSIGN_OR_RETURN(const auto found,
                       clinic_->clinic().availability().find_slots(practice_->context, request));
      first_free_.add(now_ns() - start);
      if (found->slots().empty()) return internal_error("no free time was found");
    }
    return {};
  }

  Status change_something() {
    const std::size_t professional = random_.below(practice_->professionals.size());
    const std::size_t slot = options_.days * kSlotsADay + random_.below(200);
    const auto booked = clinic_->clinic().scheduling().book(
        practice_->context, make_booking(*practice_, professional, kFirstUs, slot, {}));
    const std::size_t early = random_.below(options_.days / 3 * kSlotsADay);
    // Taken: what was tried changes nothing, and what is cancelled is booked again.
    clinic_->clinic()
        .scheduling()
        .book(practice_->context, make_booking(*practice_, professional, kFirstUs, early, {}))
        .status()
        .ignore("it is taken");
    if (!booked) return {};
    clinic::CancelAppointmentRequest cancel;
    cancel.set_id(booked->result().id());
    return clinic_->clinic().scheduling().cancel(practice_->context, cancel).status();
  }

  void write_report() {
    report_.heading("one thread");
    report_.at_least("a week's slots of a professional, uncached", median(week_uncached_), 20'000,
                     "/s");
    report_.at_least("a week's slots of a professional, kept", median(week_kept_), 1'000'000, "/s");
    report_.at_least("a clinic's day of 300 appointments, uncached", median(day_), 5'000, "/s");
    report_.heading("first free time of " + std::to_string(options_.professionals) +
                    " professionals over 90 days, beside bookings");
    report_.figure("p50", first_free_.percentile_us(0.5), "us");
    report_.figure("p95", first_free_.percentile_us(0.95), "us");
    report_.at_most("p99", first_free_.percentile_us(0.99), 2'000, "us");
  }

  const SlotsOptions& options_;
  Report& report_;
  SeededRandom random_{3};
  std::unique_ptr<ClinicFixture> clinic_;
  std::optional<Practice> practice_;
  std::optional<Practice> busy_;
  std::vector<double> week_uncached_;
  std::vector<double> week_kept_;
  std::vector<double> day_;
  Latencies first_free_;
};

}  // namespace

Status bench_slots(const SlotsOptions& options, Report& report) {
  return SlotsBench(options, report).run();
}

}  // namespace clinicdb::bench
