#include "bench/peers/calls.h"

#include <algorithm>
#include <array>

namespace clinicdb::bench {

namespace {

struct Named {
  std::string_view name;
  Operation operation;
  std::uint32_t share;  // of the mix, in hundredths
};
constexpr std::array<Named, kOperations> kNamed{{{"get", Operation::kGet, 40},
                                                 {"cpf", Operation::kCpf, 15},
                                                 {"search", Operation::kSearch, 0},
                                                 {"day", Operation::kDay, 15},
                                                 {"slots", Operation::kSlots, 10},
                                                 {"update", Operation::kUpdate, 10},
                                                 {"book", Operation::kBook, 10}}};

Operation of_mix(std::uint32_t hundredth) {
  for (const Named& each : kNamed) {
    if (hundredth < each.share) return each.operation;
    hundredth -= each.share;
  }
  return Operation::kBook;
}

}  // namespace

Result<std::optional<Operation>> parse_operation(std::string_view name) {
  if (name == "mix") return std::optional<Operation>();
  for (const Named& each : kNamed) {
    if (each.name == name) return std::optional<Operation>(each.operation);
  }
  return invalid_argument(std::string(name) + " is no operation");
}

Bookings::Bookings(const Clinics& clinics, std::uint64_t first)
    : clinics_(clinics), next_(clinics.tenants) {
  for (auto& each : next_) each = first;
}

Place Bookings::take(std::uint32_t tenant) {
  return booking_place(clinics_, next_[tenant].fetch_add(1, std::memory_order_relaxed));
}

std::uint64_t Bookings::next() const {
  std::uint64_t next = 0;
  for (const auto& each : next_) next = std::max(next, each.load(std::memory_order_relaxed));
  return next;
}

Call CallStream::next() {
  Call call;
  call.operation = operation_ ? *operation_ : of_mix(below(100));
  call.tenant = tenant_ ? *tenant_ : below(clinics_.tenants);
  call.patient = below(clinics_.patients);
  call.professional = below(clinics_.professionals);
  call.day_us = kFirstDayUs + below(clinics_.full_days()) * kPeerDayUs;
  call.number = below(100'000'000);
  if (call.operation == Operation::kBook) call.place = bookings_.take(call.tenant);
  return call;
}

}  // namespace clinicdb::bench
