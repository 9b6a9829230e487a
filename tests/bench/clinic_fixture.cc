#include "bench/clinic_fixture.h"

#include <poll.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <functional>
#include <mutex>
#include <thread>

#include "bench/measure.h"
#include "bench/population.h"
#include "clinicdb/clinic/identifiers.h"
#include "store/layout.h"
#include "store/rocks.h"
#include "store/store_impl.h"

namespace clinicdb::bench {

namespace {

engine::StoreImpl& inside(clinic::Clinic& clinic) {
  return static_cast<engine::StoreImpl&>(clinic.store());
}

}  // namespace

ClinicFixture::ClinicFixture(std::unique_ptr<clinic::Clinic> clinic, TenantId tenant)
    : clinic_(std::move(clinic)),
      context_(clinic::CallContext::system(tenant)),
      uncached_(clinic::CallContext::system(tenant)) {
  uncached_.use_cache = false;
}

Result<std::unique_ptr<ClinicFixture>> ClinicFixture::open(const std::string& directory,
                                                           const engine::StoreOptions& options) {
  clinic::ClinicOptions opened;
  opened.store = options;
  ASSIGN_OR_RETURN(std::unique_ptr<clinic::Clinic> clinic,
                   clinic::Clinic::open(directory, std::move(opened)));
  ASSIGN_OR_RETURN(const engine::TenantInfo tenant, clinic->store().create_tenant("bench"));
  return std::unique_ptr<ClinicFixture>(new ClinicFixture(std::move(clinic), tenant.id));
}

Status ClinicFixture::add_patients(std::size_t count, std::uint64_t seed) {
  SeededRandom random(seed);
  const std::size_t first = patients_.size();
  patients_.reserve(first + count);
  for (std::size_t i = 0; i < count; ++i) {
    patients_.push_back(make_patient(random, first + i));
    // Made-up numbers are few enough to meet each other.
    while (!cpfs_.insert(patients_.back().cpf()).second)
      patients_.back().set_cpf(clinic::generate_cpf(random));
    while (!cnss_.insert(patients_.back().cns()).second)
      patients_.back().set_cns(clinic::generate_cns(random));
    Uuid id;
    for (std::uint8_t& byte : id.bytes) byte = static_cast<std::uint8_t>(random.next());
    patients_.back().set_id(std::string(id.view()));
  }
  std::atomic<std::size_t> next{first};
  constexpr std::size_t kCallers = 64;
  return run_on_threads(
             kCallers,
             [&](std::size_t) -> Status {
               for (std::size_t i = next++; i < patients_.size(); i = next++) {
                 clinic::RegisterPatientRequest request;
                 *request.mutable_patient() = patients_[i];
                 RETURN_IF_ERROR(
                     clinic_->patients().register_patient(context_, std::move(request)).status());
               }
               return {};
             })
      .status;
}

rocksdb::DB& ClinicFixture::rocksdb() { return engine::rocks_db(inside(*clinic_).kv()); }

std::string ClinicFixture::row_key(const engine::TableDef& table,
                                   std::string_view record_key) const {
  return engine::layout::row_key(tenant(), table.id, record_key);
}

std::string ClinicFixture::index_prefix(const engine::TableDef& table, engine::IndexNumber index) {
  const auto catalog = inside(*clinic_).pipeline().published()->catalog;
  const Result<engine::IndexPlace> place = engine::find_index(*catalog, table, index);
  return engine::layout::index_prefix(tenant(), table.id, index, (*place).state->generation);
}

Status ClinicFixture::settle() {
  RETURN_IF_ERROR(clinic_->store().flush());
  std::uint64_t compactions = 1;
  std::uint64_t pending = 1;
  while (compactions != 0 || pending != 0) {
    ::poll(nullptr, 0, 20);
    rocksdb().GetIntProperty("rocksdb.num-running-compactions", &compactions);
    rocksdb().GetIntProperty("rocksdb.compaction-pending", &pending);
  }
  return {};
}

TimedRun run_on_threads(std::size_t count, const std::function<Status(std::size_t)>& body) {
  TimedRun run;
  std::mutex mutex;
  std::int64_t start_ns = 0;
  std::int64_t start_cpu_ns = 0;
  std::barrier start(static_cast<std::ptrdiff_t>(count), [&]() noexcept {
    start_ns = now_ns();
    start_cpu_ns = process_cpu_ns();
  });
  std::vector<std::thread> threads;
  threads.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      start.arrive_and_wait();
      Status status = body(i);
      const std::lock_guard lock(mutex);
      if (run.status.ok()) run.status = std::move(status);
    });
  }
  for (std::thread& thread : threads) thread.join();
  run.seconds = static_cast<double>(now_ns() - start_ns) / 1e9;
  run.cpu_seconds = static_cast<double>(process_cpu_ns() - start_cpu_ns) / 1e9;
  return run;
}

}  // namespace clinicdb::bench
