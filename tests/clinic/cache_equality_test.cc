// Goal: a kept answer is what an uncached read would say. Method: random writes of every kind that
// touches what is cached; after each, every cached method is asked twice with and once without the
// cache, and the answers are compared as bytes.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "clinic_fixture.h"
#include "clinicdb/base/random.h"
#include "clinicdb/clinic/identifiers.h"

namespace clinicdb::clinic {
namespace {

template <class Answer>
std::string bytes_of(const Result<std::shared_ptr<const Answer>>& answer) {
  if (!answer) return answer.error().to_string();
  return *answer ? (*answer)->SerializeAsString() : "none";
}

class CachedWorld {
 public:
  explicit CachedWorld(std::uint64_t seed) : random_(seed) {
    site_ = clinic_.clinic_site("centro");
    for (const char* name : {"Dra. Lia", "Dr. Rui"})
      professionals_.push_back(clinic_.professional(name));
    for (int i = 0; i < 6; ++i) cpfs_.push_back(generate_cpf(random_));
    for (int i = 0; i < 4; ++i) patients_.push_back(clinic_.patient("Ana " + std::to_string(i)));
  }

  void write() {
    // What is refused is as welcome as what is done: a conflict must leave kept answers alone.
    switch (random_.below(6)) {
      case 0:
        return update_patient();
      case 1:
        return register_patient();
      case 2:
        return put_record();
      case 3:
        return book();
      case 4:
        return cancel();
      default:
        return remove_patient();
    }
  }

  void compare() {
    for (const std::string& id : patients_) {
      same([&](const CallContext& c) {
        return bytes_of(clinic_->patients().get(c, Uuid::from_bytes(id)));
      });
      PatientTimelineRequest timeline;
      timeline.set_patient_id(id);
      timeline.set_limit(3);
      same([&](const CallContext& c) {
        return bytes_of(clinic_->patients().timeline(c, timeline));
      });
      same([&](const CallContext& c) { return bytes_of(list(c, RESOURCE_KIND_PATIENT, id)); });
    }
    for (const std::string& cpf : cpfs_) {
      same([&](const CallContext& c) { return bytes_of(clinic_->patients().find_by_cpf(c, cpf)); });
    }
    for (const char* text : {"ana", "ana 1", "bia", "an"}) {
      SearchPatientsRequest search;
      search.set_text(text);
      same([&](const CallContext& c) { return bytes_of(clinic_->patients().search(c, search)); });
    }
    for (const std::string& id : professionals_) {
      same([&](const CallContext& c) { return bytes_of(list(c, RESOURCE_KIND_PROFESSIONAL, id)); });
    }
    same([&](const CallContext& c) { return bytes_of(list(c, RESOURCE_KIND_CLINIC, site_)); });
  }

  std::uint64_t hits() { return clinic_->store().stats().cache.hits; }
  std::uint64_t problems() { return must(clinic_->store().verify({})).problem_count; }

 private:
  template <class Ask>
  void same(Ask ask) {
    CallContext uncached = clinic_.context();
    uncached.use_cache = false;
    const std::string kept = ask(clinic_.context());
    CHECK(kept == ask(uncached));
    CHECK(kept == ask(clinic_.context()));
  }

  const std::string& any(const std::vector<std::string>& list) {
    return list[random_.below(list.size())];
  }

  Patient random_patient() {
    const char* names[] = {"Ana", "Bia", "Anabela", "Rosa"};
    Patient patient =
        make_patient(names[random_.below(4)] + std::string(" ") + std::to_string(random_.below(3)));
    if (random_.below(2) == 0) patient.set_cpf(any(cpfs_));
    return patient;
  }

  void update_patient() {
    UpdatePatientRequest request;
    *request.mutable_patient() = random_patient();
    request.mutable_patient()->set_id(any(patients_));
    clinic_->patients().update(clinic_.context(), request).status().ignore("may conflict");
  }
  void register_patient() {
    RegisterPatientRequest request;
    *request.mutable_patient() = random_patient();
    if (patients_.size() >= 8) request.mutable_patient()->set_id(any(patients_));
    const Result<RegisterPatientResponse> done =
        clinic_->patients().register_patient(clinic_.context(), request);
    if (done && patients_.size() < 8) patients_.push_back(done->result().id());
  }
  void remove_patient() {
    RemovePatientRequest request;
    request.set_id(any(patients_));
    clinic_->patients().remove(clinic_.context(), request).status().ignore("may have records");
  }
  void put_record() {
    PutRecordRequest request;
    request.mutable_record()->set_type(random_.below(2) == 0 ? RESOURCE_TYPE_ENCOUNTER
                                                             : RESOURCE_TYPE_CONDITION);
    request.mutable_record()->set_patient_id(any(patients_));
    request.mutable_record()->set_time_us(static_cast<std::int64_t>(random_.below(1000)));
    clinic_->records().put(clinic_.context(), request).status().ignore("the patient may be gone");
  }
  void book() {
    BookAppointmentRequest request;
    Appointment& appointment = *request.mutable_appointment();
    appointment.set_clinic_id(site_);
    appointment.set_professional_id(any(professionals_));
    appointment.set_patient_id(any(patients_));
    appointment.set_start_us(utc_us(2026, 3, 2, 12, static_cast<int>(random_.below(10)) * 15));
    appointment.set_end_us(appointment.start_us() + 30 * 60'000'000LL);
    const Result<BookAppointmentResponse> done =
        clinic_->scheduling().book(clinic_.context(), request);
    if (done) appointments_.push_back(done->result().id());
  }
  void cancel() {
    if (appointments_.empty()) return;
    CancelAppointmentRequest request;
    request.set_id(any(appointments_));
    clinic_->scheduling()
        .cancel(clinic_.context(), request)
        .status()
        .ignore("may be cancelled already");
  }
  Result<std::shared_ptr<const ListDayResponse>> list(const CallContext& context, ResourceKind kind,
                                                      const std::string& id) {
    ListDayRequest request;
    request.set_kind(kind);
    request.set_id(id);
    *request.mutable_day() = make_date(2026, 3, 2);
    return clinic_->scheduling().list_day(context, request);
  }

  ClinicFixture clinic_;
  SeededRandom random_;
  std::string site_;
  std::vector<std::string> professionals_;
  std::vector<std::string> patients_;
  std::vector<std::string> cpfs_;
  std::vector<std::string> appointments_;
};

TEST_CASE("cache: kept answers equal uncached ones after random writes") {
  const std::uint64_t seed = GENERATE(1u, 2u, 3u);
  INFO("seed " << seed);
  CachedWorld world(seed);
  for (int step = 0; step < 60; ++step) {
    world.write();
    world.compare();
  }
  CHECK(world.hits() > 1000);
  CHECK(world.problems() == 0);
}

}  // namespace
}  // namespace clinicdb::clinic
