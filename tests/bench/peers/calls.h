// What callers ask: one stream of calls for whoever answers them, so that all get the same work.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/peers/clinics.h"
#include "clinicdb/base/random.h"
#include "clinicdb/base/result.h"

namespace clinicdb::bench {

enum class Operation : std::uint8_t { kGet, kCpf, kSearch, kDay, kSlots, kUpdate, kBook };
constexpr std::size_t kOperations = 7;

struct Call {
  Operation operation = Operation::kGet;
  std::uint32_t tenant = 0;
  std::uint32_t patient = 0;
  std::uint32_t professional = 0;
  std::int64_t day_us = 0;   ///< of day and slots: its midnight, UTC
  std::uint32_t number = 0;  ///< of an update: what it changes to; of a search: whom it looks for
  Place place;               ///< of a booking
};

/// What is measured, by name: get, cpf, search, day, slots, update, book, or mix: 40 get, 15 cpf,
/// 15 day, 10 slots, 10 update, 10 book. nullopt: mix. An error for any other name.
Result<std::optional<Operation>> parse_operation(std::string_view name);

/// Which bookings were taken, by tenant; shared by all callers.
class Bookings {
 public:
  Bookings(const Clinics& clinics, std::uint64_t first);
  Place take(std::uint32_t tenant);
  /// The first number that no tenant has taken.
  std::uint64_t next() const;

 private:
  const Clinics& clinics_;
  std::vector<std::atomic<std::uint64_t>> next_;
};

/// One caller's calls. Confined to its thread.
class CallStream {
 public:
  /// `tenant`: all calls are of this one; nullopt: of any. `clinics` and `bookings` outlive it.
  CallStream(const Clinics& clinics, Bookings& bookings, std::optional<Operation> operation,
             std::optional<std::uint32_t> tenant, std::uint64_t seed)
      : clinics_(clinics),
        bookings_(bookings),
        operation_(operation),
        tenant_(tenant),
        random_(seed) {}
  Call next();

 private:
  std::uint32_t below(std::uint32_t bound) {
    return static_cast<std::uint32_t>(random_.below(bound));
  }

  const Clinics& clinics_;
  Bookings& bookings_;
  const std::optional<Operation> operation_;
  const std::optional<std::uint32_t> tenant_;
  SeededRandom random_;
};

}  // namespace clinicdb::bench
