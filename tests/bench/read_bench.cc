#include <rocksdb/iterator.h>

#include <cmath>

#include "bench/clinic_fixture.h"
#include "bench/measure.h"
#include "bench/options.h"
#include "bench/population.h"
#include "bench/sqlite_peer.h"
#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/key.h"

namespace clinicdb::bench {

namespace {

constexpr std::size_t kDayRows = 20;
constexpr std::size_t kHotSet = 1000;
constexpr std::int64_t kHourUs = std::int64_t{3600} * 1'000'000;
constexpr std::int64_t kDayUs = 24 * kHourUs;
constexpr std::string_view kZone = "America/Sao_Paulo";

rocksdb::Slice slice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }

/// Nanoseconds a call of one contestant, round by round.
struct Series {
  std::vector<double> rounds;
  double per_second() const { return 1e9 / median(rounds); }
  /// How many times as fast as `other`: the median of the rounds' ratios.
  double times(const Series& other) const {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < rounds.size(); ++i) ratios.push_back(other.rounds[i] / rounds[i]);
    return median(ratios);
  }
};

class ReadBench {
 public:
  ReadBench(const ReadOptions& options, Report& report) : options_(options), report_(report) {}

  Status run() {
    RETURN_IF_ERROR(set_up());
    // The first round warms every cache and is not counted.
    for (std::size_t round = 0; round <= options_.rounds; ++round) {
      RETURN_IF_ERROR(this->round());
      if (round == 0) forget();
    }
    tell();
    return {};
  }

 private:
  struct Day {
    std::size_t professional;
    std::size_t day;
  };

  Status set_up() {
    engine::StoreOptions store;
    ASSIGN_OR_RETURN(clinic_, ClinicFixture::open(options_.directory + "/clinicdb", store));
    RETURN_IF_ERROR(clinic_->add_patients(options_.patients, 1));
    RETURN_IF_ERROR(book_days());
    RETURN_IF_ERROR(clinic_->settle());
    ASSIGN_OR_RETURN(sqlite_,
                     SqlitePeer::open(options_.directory + "/sqlite", 1, store.block_cache_bytes));
    RETURN_IF_ERROR(sqlite_->begin());
    for (const clinic::Patient& patient : clinic_->patients())
      RETURN_IF_ERROR(sqlite_->insert_patient(patient));
    for (const clinic::Appointment& appointment : appointments_)
      RETURN_IF_ERROR(sqlite_->insert_appointment(appointment));
    RETURN_IF_ERROR(sqlite_->commit());
    RETURN_IF_ERROR(sqlite_->checkpoint());
    report_.setting("patients", options_.patients);
    report_.setting("appointments", appointments_.size());
    report_.setting("rounds", options_.rounds);
    report_.setting("calls_a_round", options_.calls);
    report_.setting("clock", options_.cpu_time ? "processor" : "wall");
    return {};
  }

  /// Every professional has twenty appointments of half an hour on every day.
  Status book_days() {
    clinic::PutClinicRequest site;
    site.mutable_clinic()->set_slug("centro");
    site.mutable_clinic()->set_name("Centro");
    ASSIGN_OR_RETURN(const clinic::PutClinicResponse put,
                     clinic_->clinic().people().put_clinic(clinic_->context(), site));
    const std::string clinic_id = put.result().id();
    for (std::size_t i = 0; i < options_.professionals; ++i) {
      clinic::PutProfessionalRequest professional;
      professional.mutable_professional()->add_names()->set_text("Dra. Número " +
                                                                 std::to_string(i));
      ASSIGN_OR_RETURN(
          const clinic::PutProfessionalResponse made,
          clinic_->clinic().people().put_professional(clinic_->context(), professional));
      professionals_.push_back(made.result().id());
    }
    // 2026-03-02 at midnight in São Paulo, which has not changed its clocks since 2019.
    first_day_us_ = std::int64_t{1'772'420'400} * 1'000'000;
    for (std::size_t i = 0; i < options_.professionals * options_.days * kDayRows; ++i) {
      const std::size_t slot = i % kDayRows;
      const std::size_t day = i / kDayRows % options_.days;
      clinic::Appointment& appointment = appointments_.emplace_back();
      Uuid id;
      for (std::uint8_t& byte : id.bytes) byte = static_cast<std::uint8_t>(random_.next());
      appointment.set_id(std::string(id.view()));
      appointment.set_clinic_id(clinic_id);
      appointment.set_professional_id(professionals_[i / kDayRows / options_.days]);
      // Others at each time: no patient is at two places.
      appointment.set_patient_id(clinic_->patients()[i % options_.patients].id());
      appointment.set_start_us(first_day_us_ + static_cast<std::int64_t>(day) * kDayUs +
                               8 * kHourUs + static_cast<std::int64_t>(slot) * kHourUs / 2);
      appointment.set_end_us(appointment.start_us() + kHourUs / 2);
      appointment.set_status(clinic::APPOINTMENT_STATUS_BOOKED);
      appointment.set_title("Consulta de retorno");
    }
    std::atomic<std::size_t> next{0};
    return run_on_threads(64,
                          [&](std::size_t) -> Status {
                            for (std::size_t i = next++; i < appointments_.size(); i = next++) {
                              clinic::BookAppointmentRequest request;
                              *request.mutable_appointment() = appointments_[i];
                              RETURN_IF_ERROR(clinic_->clinic()
                                                  .scheduling()
                                                  .book(clinic_->context(), std::move(request))
                                                  .status());
                            }
                            return {};
                          })
        .status;
  }

  /// Runs `call(i)` for each i of `count`, and adds the time of one call to the series. Whatever
  /// `call` returns counts what was found; it must be `expected` in all.
  template <class Call>
  Status time(Series& series, std::size_t count, std::size_t expected, Call&& call) {
    std::size_t found = 0;
    const auto clock = options_.cpu_time ? &thread_cpu_ns : &now_ns;
    const std::int64_t start = clock();
    for (std::size_t i = 0; i < count; ++i) found += call(i);
    const auto ns = static_cast<double>(clock() - start);
    if (found != expected)
      return internal_error("a benchmark found " + std::to_string(found) + ", not " +
                            std::to_string(expected));
    series.rounds.push_back(ns / static_cast<double>(count));
    return {};
  }

  Status round() {
    RETURN_IF_ERROR(by_id());
    RETURN_IF_ERROR(by_cpf());
    RETURN_IF_ERROR(day_list());
    return hot_set();
  }

  /// Which patients a round reads: chosen, and their keys made, outside of the measured time.
  void choose() {
    chosen_.clear();
    ids_.clear();
    keys_.clear();
    for (std::size_t i = 0; i < options_.calls; ++i) {
      chosen_.push_back(random_.below(clinic_->patients().size()));
      const std::string& id = clinic_->patients()[chosen_.back()].id();
      ids_.push_back(Uuid::from_bytes(id));
      keys_.push_back(clinic_->row_key(clinic::patients_table().def(), id));
    }
  }

  const clinic::Patient& patient(std::size_t i) const { return clinic_->patients()[chosen_[i]]; }

  Status by_id() {
    choose();
    RETURN_IF_ERROR(time(raw_get_, options_.calls, options_.calls, [&](std::size_t i) {
      rocksdb::PinnableSlice value;
      return clinic_->rocksdb()
          .Get(rocksdb::ReadOptions(), clinic_->rocksdb().DefaultColumnFamily(), slice(keys_[i]),
               &value)
          .ok();
    }));
    choose();
    RETURN_IF_ERROR(time(by_id_, options_.calls, options_.calls, [&](std::size_t i) {
      const auto answer = clinic_->clinic().patients().get(clinic_->uncached(), ids_[i]);
      return answer && *answer && (*answer)->patient().names_size() == 1;
    }));
    choose();
    return time(sqlite_by_id_, options_.calls, options_.calls, [&](std::size_t i) {
      return sqlite_->patient(patient(i).id(), [](const clinic::GetPatientResponse&) {});
    });
  }

  Status by_cpf() {
    choose();
    RETURN_IF_ERROR(time(raw_get_for_cpf_, options_.calls, options_.calls, [&](std::size_t i) {
      rocksdb::PinnableSlice value;
      return clinic_->rocksdb()
          .Get(rocksdb::ReadOptions(), clinic_->rocksdb().DefaultColumnFamily(), slice(keys_[i]),
               &value)
          .ok();
    }));
    choose();
    RETURN_IF_ERROR(time(by_cpf_, options_.calls, options_.calls, [&](std::size_t i) {
      const auto answer =
          clinic_->clinic().patients().find_by_cpf(clinic_->uncached(), patient(i).cpf());
      return answer && *answer && (*answer)->patient().names_size() == 1;
    }));
    choose();
    return time(sqlite_by_cpf_, options_.calls, options_.calls, [&](std::size_t i) {
      return sqlite_->patient_by_cpf(patient(i).cpf(), [](const clinic::GetPatientResponse&) {});
    });
  }

  void choose_days() {
    days_.clear();
    for (std::size_t i = 0; i < options_.calls / 4; ++i)
      days_.push_back({random_.below(options_.professionals), random_.below(options_.days)});
  }
  std::int64_t day_start_us(const Day& day) const {
    return first_day_us_ + static_cast<std::int64_t>(day.day) * kDayUs;
  }

  Status day_list() {
    const engine::TableDef& table = clinic::appointments_table().def();
    const std::string prefix = clinic_->index_prefix(table, clinic::AppointmentIndex::kClaims);
    choose_days();
    const std::size_t calls = days_.size();
    RETURN_IF_ERROR(time(raw_scan_, calls, calls * kDayRows, [&](std::size_t i) {
      const std::string resource =
          prefix + clinic::resource_key(clinic::RESOURCE_KIND_PROFESSIONAL,
                                        professionals_[days_[i].professional]);
      const std::int64_t start = day_start_us(days_[i]);
      const std::string lower = resource + engine::Key().time(Time{start}).str();
      const std::string upper = resource + engine::Key().time(Time{start + kDayUs}).str();
      const rocksdb::Slice upper_slice(upper);
      rocksdb::ReadOptions read;
      read.total_order_seek = true;
      read.iterate_upper_bound = &upper_slice;
      const std::unique_ptr<rocksdb::Iterator> at(clinic_->rocksdb().NewIterator(read));
      std::size_t rows = 0;
      for (at->Seek(lower); at->Valid(); at->Next())
        rows += at->key().size() > 0 && at->value().size() > 0;
      return rows;
    }));
    choose_days();
    RETURN_IF_ERROR(time(day_, calls, calls * kDayRows,
                         [&](std::size_t i) { return day_rows(clinic_->uncached(), i); }));
    choose_days();
    return time(sqlite_day_, calls, calls * kDayRows,
                [&](std::size_t i) { return sqlite_day_rows(i); });
  }

  std::size_t day_rows(const clinic::CallContext& context, std::size_t i) const {
    const auto answer = clinic_->clinic().scheduling().list_day(context, day_request(days_[i]));
    return answer ? static_cast<std::size_t>((*answer)->entries_size()) : 0;
  }

  std::size_t sqlite_day_rows(std::size_t i) {
    const std::int64_t start = day_start_us(days_[i]);
    std::size_t rows = 0;
    sqlite_->day(professionals_[days_[i].professional], start, start + kDayUs,
                 [&](const clinic::ListDayResponse& answer) {
                   rows = static_cast<std::size_t>(answer.entries_size());
                 });
    return rows;
  }

  clinic::ListDayRequest day_request(const Day& day) const {
    clinic::ListDayRequest request;
    request.set_kind(clinic::RESOURCE_KIND_PROFESSIONAL);
    request.set_id(professionals_[day.professional]);
    const std::size_t number = 1 + day.day;  // of March 2026, beginning with the 2nd
    request.mutable_day()->set_year(2026);
    request.mutable_day()->set_month(3);
    request.mutable_day()->set_day(static_cast<int>(1 + number));
    request.set_zone(std::string(kZone));
    return request;
  }

  void choose_hot() {
    choose();
    for (std::size_t i = 0; i < options_.calls; ++i) {
      chosen_[i] = random_.below(std::min(kHotSet, clinic_->patients().size()));
      ids_[i] = Uuid::from_bytes(clinic_->patients()[chosen_[i]].id());
    }
  }

  /// Whatever is not kept yet is filled before the clock runs.
  template <class Call>
  Status time_cached(Series& series, std::size_t count, std::size_t expected, Call&& call) {
    for (std::size_t i = 0; i < count; ++i) {
      if (call(i) == 0) return internal_error("a read of the hot set found nothing");
    }
    return time(series, count, expected, call);
  }

  Status hot_set() {
    choose_hot();
    RETURN_IF_ERROR(time_cached(cached_, options_.calls, options_.calls, [&](std::size_t i) {
      const auto answer = clinic_->clinic().patients().get(clinic_->context(), ids_[i]);
      return static_cast<std::size_t>(answer && *answer);
    }));
    choose_hot();
    RETURN_IF_ERROR(time(sqlite_hot_, options_.calls, options_.calls, [&](std::size_t i) {
      return sqlite_->patient(patient(i).id(), [](const clinic::GetPatientResponse&) {});
    }));
    choose_hot();
    RETURN_IF_ERROR(time_cached(cached_cpf_, options_.calls, options_.calls, [&](std::size_t i) {
      const auto answer =
          clinic_->clinic().patients().find_by_cpf(clinic_->context(), patient(i).cpf());
      return static_cast<std::size_t>(answer && *answer);
    }));
    choose_hot();
    RETURN_IF_ERROR(time(sqlite_hot_cpf_, options_.calls, options_.calls, [&](std::size_t i) {
      return sqlite_->patient_by_cpf(patient(i).cpf(), [](const clinic::GetPatientResponse&) {});
    }));
    return hot_days();
  }

  Status hot_days() {
    choose_days();
    const std::size_t calls = days_.size();
    RETURN_IF_ERROR(time_cached(cached_day_, calls, calls * kDayRows,
                                [&](std::size_t i) { return day_rows(clinic_->context(), i); }));
    choose_days();
    return time(sqlite_hot_day_, calls, calls * kDayRows,
                [&](std::size_t i) { return sqlite_day_rows(i); });
  }

  void forget() {
    for (Series* series : all_) series->rounds.clear();
  }

  void tell() {
    report_.heading("patient by id, uncached");
    report_.figure("RocksDB Get", raw_get_.per_second(), "/s");
    report_.figure("ClinicDB", by_id_.per_second(), "/s");
    report_.figure("SQLite", sqlite_by_id_.per_second(), "/s");
    report_.at_least("ClinicDB / RocksDB Get", by_id_.times(raw_get_), 0.6, "x");
    report_.at_least("ClinicDB / SQLite", by_id_.times(sqlite_by_id_), 2, "x");
    report_.heading("patient by CPF, uncached");
    report_.figure("RocksDB Get", raw_get_for_cpf_.per_second(), "/s");
    report_.figure("ClinicDB", by_cpf_.per_second(), "/s");
    report_.figure("SQLite", sqlite_by_cpf_.per_second(), "/s");
    report_.at_least("ClinicDB / RocksDB Get", by_cpf_.times(raw_get_for_cpf_), 0.35, "x");
    report_.at_least("ClinicDB / SQLite", by_cpf_.times(sqlite_by_cpf_), 2, "x");
    report_.heading("a professional's day of 20 appointments, uncached");
    report_.figure("RocksDB seek and 20 rows", raw_scan_.per_second(), "/s");
    report_.figure("ClinicDB", day_.per_second(), "/s");
    report_.figure("SQLite", sqlite_day_.per_second(), "/s");
    report_.at_least("ClinicDB / RocksDB scan", day_.times(raw_scan_), 0.6, "x");
    report_.at_least("ClinicDB / SQLite", day_.times(sqlite_day_), 2, "x");
    report_.heading("patient by id from the result cache, hot set of 1,000");
    report_.at_least("ClinicDB", cached_.per_second(), 2'000'000, "/s");
    report_.figure("SQLite", sqlite_hot_.per_second(), "/s");
    report_.at_least("ClinicDB / SQLite", cached_.times(sqlite_hot_), 2, "x");
    report_.heading("patient by CPF from the result cache, hot set of 1,000");
    report_.figure("ClinicDB", cached_cpf_.per_second(), "/s");
    report_.figure("SQLite", sqlite_hot_cpf_.per_second(), "/s");
    report_.at_least("ClinicDB / SQLite", cached_cpf_.times(sqlite_hot_cpf_), 2, "x");
    report_.heading("a professional's day of 20 appointments from the result cache");
    report_.figure("ClinicDB", cached_day_.per_second(), "/s");
    report_.figure("SQLite", sqlite_hot_day_.per_second(), "/s");
    report_.at_least("ClinicDB / SQLite", cached_day_.times(sqlite_hot_day_), 2, "x");
  }

  const ReadOptions& options_;
  Report& report_;
  SeededRandom random_{3};
  std::unique_ptr<ClinicFixture> clinic_;
  std::unique_ptr<SqlitePeer> sqlite_;
  std::vector<std::string> professionals_;
  std::vector<clinic::Appointment> appointments_;
  std::int64_t first_day_us_ = 0;

  std::vector<std::size_t> chosen_;
  std::vector<Uuid> ids_;
  std::vector<std::string> keys_;
  std::vector<Day> days_;

  Series raw_get_, by_id_, sqlite_by_id_;
  Series raw_get_for_cpf_, by_cpf_, sqlite_by_cpf_;
  Series raw_scan_, day_, sqlite_day_;
  Series cached_, sqlite_hot_;
  Series cached_cpf_, sqlite_hot_cpf_;
  Series cached_day_, sqlite_hot_day_;
  std::vector<Series*> all_{&raw_get_,        &by_id_,         &sqlite_by_id_,  &raw_get_for_cpf_,
                            &by_cpf_,         &sqlite_by_cpf_, &raw_scan_,      &day_,
                            &sqlite_day_,     &cached_,        &sqlite_hot_,    &cached_cpf_,
                            &sqlite_hot_cpf_, &cached_day_,    &sqlite_hot_day_};
};

}  // namespace

Status bench_read(const ReadOptions& options, Report& report) {
  return ReadBench(options, report).run();
}

}  // namespace clinicdb::bench
