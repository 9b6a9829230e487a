#include "clinicdb/clinic/waitlist.h"

#include <catch2/catch.hpp>

#include "scheduling_fixture.h"

namespace clinicdb::clinic {
namespace {

class WaitingDesk : public Desk {
 public:
  std::string wait(const std::string& patient, std::uint32_t priority,
                   FunctionRef<void(WaitlistEntry&)> describe) {
    AddWaitlistEntryRequest request;
    WaitlistEntry& entry = *request.mutable_entry();
    entry.set_clinic_id(site);
    entry.set_patient_id(patient);
    entry.set_duration_minutes(30);
    entry.set_priority(priority);
    describe(entry);
    clinic.clock().advance_us(1000);
    return must(clinic->waitlist().add(clinic.context(), request)).result().id();
  }
  std::string wait(const std::string& patient, std::uint32_t priority) {
    return wait(patient, priority, [](WaitlistEntry&) {});
  }
  WaitlistEntry entry(const std::string& id) {
    GetWaitlistEntryRequest request;
    request.set_id(id);
    return must(clinic->waitlist().get(clinic.context(), request))->entry();
  }
  Result<AnswerWaitlistOfferResponse> answer(const std::string& id, bool accept) {
    AnswerWaitlistOfferRequest request;
    request.set_id(id);
    request.set_accept(accept);
    return clinic->waitlist().answer(clinic.context(), request);
  }
};

TEST_CASE_METHOD(WaitingDesk,
                 "waitlist: freed time goes to the highest priority, then the longest wait") {
  const std::string id = booked(booking(lia, room1, ana, nine));
  const std::string late = wait(bia, 5);
  const std::string urgent = wait(clinic.patient("Eva"), 9);
  wait(clinic.patient("Ivo"), 5);
  const CancelAppointmentResponse done = must(cancel(id));
  CHECK(done.offered_to() == urgent);
  CHECK(entry(urgent).status() == WAITLIST_STATUS_OFFERED);
  // What is offered is held.
  CHECK_FALSE(book(booking(lia, room2, ana, nine)));
  // Declined, it goes on to the next.
  CHECK(must(answer(urgent, false)).offered_to() == late);
  CHECK(entry(urgent).status() == WAITLIST_STATUS_WAITING);
  CHECK(entry(urgent).declined() == 1);
  const AnswerWaitlistOfferResponse accepted = must(answer(late, true));
  CHECK(appointment(accepted.appointment_id()).status() == APPOINTMENT_STATUS_BOOKED);
  CHECK(appointment(accepted.appointment_id()).patient_id() == bia);
  CHECK(entry(late).status() == WAITLIST_STATUS_BOOKED);
  CHECK(answer(late, true).status().code() == StatusCode::kFailedPrecondition);
  ListWaitlistRequest list;
  list.set_clinic_id(site);
  const ListWaitlistResponse waiting = must(clinic->waitlist().list(clinic.context(), list));
  REQUIRE(waiting.entries_size() == 2);
  CHECK(waiting.entries(0).id() == urgent);
  CHECK(problems() == 0);
}

TEST_CASE_METHOD(WaitingDesk, "waitlist: only what suits is offered") {
  const auto offered = [&](FunctionRef<void(WaitlistEntry&)> describe) {
    const std::string id = booked(booking(lia, room1, ana, nine));
    const std::string waiting = wait(bia, 0, describe);
    const bool suits = must(cancel(id)).offered_to() == waiting;
    WithdrawWaitlistEntryRequest withdraw;
    withdraw.set_id(waiting);
    must(clinic->waitlist().withdraw(clinic.context(), withdraw));
    return suits;
  };
  CHECK(offered([](WaitlistEntry&) {}));
  CHECK_FALSE(offered([](WaitlistEntry& e) { e.set_duration_minutes(45); }));
  CHECK_FALSE(offered([&](WaitlistEntry& e) { e.add_professional_ids(rui); }));
  CHECK(offered([&](WaitlistEntry& e) { e.add_professional_ids(lia); }));
  CHECK_FALSE(offered([](WaitlistEntry& e) { e.set_weekdays(1 << 4); }));
  CHECK(offered([](WaitlistEntry& e) { e.set_weekdays(1); }));
  CHECK_FALSE(offered([](WaitlistEntry& e) { e.set_from_minute(10 * 60); }));
  CHECK_FALSE(offered([&](WaitlistEntry& e) { e.set_from_us(nine + kDay); }));
  CHECK_FALSE(offered([&](WaitlistEntry& e) { e.set_until_us(nine); }));
  // Who is elsewhere then is passed over.
  const std::string elsewhere = booked(booking(rui, room2, bia, nine));
  CHECK_FALSE(offered([](WaitlistEntry&) {}));
  must(cancel(elsewhere));
  CHECK(problems() == 0);
}

TEST_CASE_METHOD(WaitingDesk, "waitlist: an offer that expires goes to the next, over a restart") {
  const std::string id = booked(booking(lia, room1, ana, nine));
  const std::string first = wait(bia, 1);
  const std::string second = wait(clinic.patient("Eva"), 0);
  must(cancel(id));
  CHECK(entry(first).status() == WAITLIST_STATUS_OFFERED);
  clinic.reopen();
  clinic.clock().advance_us(2 * kHour + kMinute);
  CHECK(answer(first, true).status().code() == StatusCode::kFailedPrecondition);
  CHECK(must(clinic->scheduling().expire_holds(clinic.context(), {})).expired() == 1);
  CHECK(entry(first).status() == WAITLIST_STATUS_WAITING);
  CHECK(entry(second).status() == WAITLIST_STATUS_OFFERED);
  CHECK(problems() == 0);
}

TEST_CASE_METHOD(WaitingDesk, "waitlist: nobody is offered two, and no time is offered to two") {
  std::vector<std::string> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(booked(booking(lia, room1, ana, nine + i * kHour)));
  const std::string first = wait(bia, 0);
  const std::string second = wait(clinic.patient("Eva"), 0);
  CHECK(must(cancel(ids[0])).offered_to() == first);
  CHECK(must(cancel(ids[1])).offered_to() == second);
  CHECK(must(cancel(ids[2])).offered_to().empty());
  OfferWaitlistRequest offer;
  offer.set_clinic_id(site);
  offer.set_professional_id(lia);
  offer.set_start_us(nine + 2 * kHour);
  offer.set_end_us(nine + 3 * kHour);
  CHECK(must(clinic->waitlist().offer(clinic.context(), offer)).hold_id().empty());
  must(answer(first, true));
  const std::string third = wait(clinic.patient("Ivo"), 0);
  CHECK(must(clinic->waitlist().offer(clinic.context(), offer)).result().id() == third);
  CHECK(problems() == 0);
}

}  // namespace
}  // namespace clinicdb::clinic
