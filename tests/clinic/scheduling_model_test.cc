// Goal: whatever is booked, moved, held, cancelled and overbooked in whatever order, the store says
// what a plain model says. Method: random commands for few resources over ten days, among them one
// on which New York's clocks jump, in spring by odd seeds and in autumn by even ones, against a
// list that is looked through from end to end for each command; after some of them calendars and
// free slots are compared too.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <vector>

#include "clinicdb/base/random.h"
#include "scheduling_fixture.h"

namespace clinicdb::clinic {
namespace {

constexpr std::size_t kProfessionals = 3;
constexpr std::size_t kRooms = 2;
constexpr std::size_t kPatients = 8;
constexpr std::uint32_t kGroupSeats = 3;
constexpr std::uint32_t kLasers = 2;
constexpr int kDays = 10;

/// Ten days of New York's, by rules of their own: from a local midnight on, with a jump.
struct Days {
  int month, first_day, jump_day;
  std::int64_t jump;
  int behind_before, behind_after;  ///< hours behind UTC, before the jump and after it

  /// Of the day with this number in the month; the jump is in its day's morning.
  std::int64_t midnight(int day) const {
    return utc_us(2026, month, 1, day > jump_day ? behind_after : behind_before) + (day - 1) * kDay;
  }
  std::int64_t local_minute(std::int64_t us) const {
    const std::int64_t behind = us < jump ? behind_before : behind_after;
    return (us - behind * kHour) / kMinute % (24 * 60);
  }
};
/// On 8 March the hour from two on is left out; on 1 November the hour from one on comes twice.
const Days kSpring{3, 4, 8, utc_us(2026, 3, 8, 7), 5, 4};
const Days kAutumn{10, 28, 32, utc_us(2026, 11, 1, 6), 4, 5};

enum class Kind { kPlain, kBuffered, kLaser, kGroup };

struct Modelled {
  std::string id;
  Kind kind = Kind::kPlain;
  std::string professional, room, patient, group;
  std::int64_t start = 0, end = 0, before = 0, after = 0;
  std::uint32_t unit = 0;
  AppointmentStatus status = APPOINTMENT_STATUS_BOOKED;
  std::int64_t hold_until = 0;
  bool is_group = false;

  bool claims() const {
    return status != APPOINTMENT_STATUS_CANCELLED && status != APPOINTMENT_STATUS_NO_SHOW;
  }
};

/// What an appointment needs, one line each.
struct Need {
  std::string what;
  std::int64_t start, end;
  bool operator==(const Need&) const = default;
};

std::vector<Need> needs_of(const Modelled& m) {
  std::vector<Need> needs;
  if (m.group.empty()) {
    if (!m.professional.empty())
      needs.push_back({"professional " + m.professional, m.start - m.before, m.end + m.after});
    if (!m.room.empty()) needs.push_back({"room " + m.room, m.start - m.before, m.end + m.after});
    if (m.unit != 0)
      needs.push_back({"unit " + std::to_string(m.unit), m.start - m.before, m.end + m.after});
  }
  if (!m.patient.empty()) needs.push_back({"patient " + m.patient, m.start, m.end});
  return needs;
}

class Model {
 public:
  std::vector<Modelled> all;

  bool is_expired(const Modelled& m, std::int64_t now) const {
    return m.status == APPOINTMENT_STATUS_HELD && m.hold_until <= now;
  }
  /// Kinds of what is in the way of `wanted`: "professional", "room", ... What it needs as `before`
  /// did is its own already, whoever was booked over it.
  std::vector<std::string> conflicts(const Modelled& wanted, std::int64_t now,
                                     const Modelled* before = nullptr) const {
    std::vector<std::string> kinds;
    std::vector<Need> needs = needs_of(wanted);
    if (before != nullptr) {
      const std::vector<Need> had = needs_of(*before);
      std::erase_if(needs, [&](const Need& need) {
        return std::find(had.begin(), had.end(), need) != had.end();
      });
    }
    for (const Modelled& other : all) {
      if (other.id == wanted.id || !other.claims() || is_expired(other, now)) continue;
      for (const Need& mine : needs) {
        for (const Need& theirs : needs_of(other)) {
          if (mine.what == theirs.what && mine.start < theirs.end && theirs.start < mine.end)
            kinds.push_back(mine.what.substr(0, mine.what.find(' ')));
        }
      }
    }
    return kinds;
  }
  void choose_unit(Modelled& wanted, std::int64_t now) const {
    for (std::uint32_t unit = 1; unit <= kLasers; ++unit) {
      wanted.unit = unit;
      const auto found = conflicts(wanted, now);
      if (std::find(found.begin(), found.end(), "unit") == found.end()) return;
    }
    wanted.unit = 1;
  }
  /// A booking that took place has removed the expired holds in its way.
  void remove_expired(const Modelled& taken, std::int64_t now) {
    std::erase_if(all, [&](const Modelled& other) {
      if (!is_expired(other, now) || other.id == taken.id) return false;
      for (const Need& mine : needs_of(taken)) {
        for (const Need& theirs : needs_of(other)) {
          if (mine.what == theirs.what && mine.start < theirs.end && theirs.start < mine.end)
            return true;
        }
      }
      return false;
    });
  }
  Modelled* find(const std::string& id) {
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Modelled& m) { return m.id == id; });
    return found == all.end() ? nullptr : &*found;
  }
};

class World : public Desk {
 public:
  explicit World(std::uint64_t seed) : random_(seed), days_(seed % 2 == 1 ? kSpring : kAutumn) {
    site = clinic.clinic_site("ny", "America/New_York");
    for (std::size_t i = 0; i < kProfessionals; ++i) {
      professionals_.push_back(clinic.professional("Dr. " + std::to_string(i)));
      put_hours(professionals_.back());
    }
    for (std::size_t i = 0; i < kRooms; ++i) rooms_.push_back(clinic.room(std::to_string(i)));
    for (std::size_t i = 0; i < kPatients; ++i)
      patients_.push_back(clinic.patient("P " + std::to_string(i)));
    const std::string device = equipment("Laser", kLasers);
    services_[Kind::kBuffered] = service("Peeling", [](Service& s) {
      s.set_buffer_before_minutes(10);
      s.set_buffer_after_minutes(20);
    });
    services_[Kind::kLaser] = service("Laser", [&](Service& s) { s.add_equipment_ids(device); });
    services_[Kind::kGroup] = service("Yoga", [](Service& s) { s.set_capacity(kGroupSeats); });
    clinic.clock().set_wall(Time{midnight_ - kDay});
  }

  void command() {
    switch (random_.below(16)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return book_one(false);
      case 4:
        return book_one(true);
      case 5:
        return join_group();
      case 6:
        return hold();
      case 7:
        return use_hold();
      case 8:
        return release();
      case 9:
      case 10:
        return cancel_one();
      case 11:
      case 12:
        return reschedule();
      case 13:
        return change_state();
      case 14:
        clinic.clock().advance_us(static_cast<std::int64_t>(random_.below(4)) * kMinute);
        return;
      default:
        return expire();
    }
  }

  void compare() {
    const int day = days_.first_day + static_cast<int>(random_.below(kDays));
    const std::string& who = professionals_[random_.below(kProfessionals)];
    const std::string& where = rooms_[random_.below(kRooms)];
    compare_day(RESOURCE_KIND_PROFESSIONAL, who, day);
    compare_day(RESOURCE_KIND_ROOM, where, day);
    compare_slots(who);
  }
  std::uint64_t refused() const { return refused_; }
  std::uint64_t done() const { return done_; }

 private:
  void put_hours(const std::string& professional) {
    PutHoursRequest request;
    request.mutable_hours()->set_kind(RESOURCE_KIND_PROFESSIONAL);
    request.mutable_hours()->set_resource_id(professional);
    for (std::uint32_t weekday = 1; weekday <= 7; ++weekday) {
      WeeklyHours& stretch = *request.mutable_hours()->add_weekly();
      stretch.set_weekday(weekday);
      stretch.set_from_minute(60);
      stretch.set_until_minute(6 * 60);
    }
    must(clinic->availability().put_hours(clinic.context(), request));
  }
  bool in_hours(std::int64_t us) const {
    const std::int64_t minute = days_.local_minute(us);
    return minute >= 60 && minute < 6 * 60;
  }

  std::int64_t now() { return clinic.clock().now().us; }
  /// Mostly within the hours, on a grid, so that times meet.
  std::int64_t any_start() {
    return midnight_ + static_cast<std::int64_t>(random_.below(kDays)) * kDay +
           static_cast<std::int64_t>(2 + random_.below(10)) * 30 * kMinute;
  }
  Modelled* any(FunctionRef<bool(const Modelled&)> suits) {
    std::vector<Modelled*> found;
    for (Modelled& m : model_.all) {
      if (suits(m)) found.push_back(&m);
    }
    return found.empty() ? nullptr : found[random_.below(found.size())];
  }
  const std::string& pick(const std::vector<std::string>& from) {
    return from[random_.below(from.size())];
  }

  /// The store's answer has to be the model's.
  void agree(bool expected, const Status& status) {
    INFO(status.to_string());
    REQUIRE(status.ok() == expected);
    ++(expected ? done_ : refused_);
    if (!expected) REQUIRE(status.code() == StatusCode::kFailedPrecondition);
  }

  Modelled random_booking(BookAppointmentRequest& request) {
    Modelled m;
    m.kind = static_cast<Kind>(random_.below(3));
    m.professional = pick(professionals_);
    if (random_.below(2) == 0) m.room = pick(rooms_);
    m.patient = pick(patients_);
    m.start = any_start();
    m.end = m.start + 30 * kMinute;
    if (m.kind == Kind::kBuffered) {
      m.before = 10 * kMinute;
      m.after = 20 * kMinute;
    }
    request = booking(m.professional, m.room, m.patient, m.start, 30);
    if (m.kind != Kind::kPlain) request.mutable_appointment()->set_service_id(services_.at(m.kind));
    if (m.kind == Kind::kLaser) model_.choose_unit(m, now());
    return m;
  }

  void book_one(bool overbook) {
    BookAppointmentRequest request;
    Modelled m = random_booking(request);
    request.set_overbook(overbook);
    const auto found = model_.conflicts(m, now());
    const bool expected = std::all_of(found.begin(), found.end(), [&](const std::string& kind) {
      return overbook && (kind == "professional" || kind == "room");
    });
    const auto done = book(request);
    agree(expected, done.status());
    if (!done) return;
    m.id = done->result().id();
    model_.remove_expired(m, now());
    model_.all.push_back(m);
  }

  void join_group() {
    Modelled group;
    group.kind = Kind::kGroup;
    group.is_group = true;
    group.professional = pick(professionals_);
    group.start = any_start();
    group.end = group.start + 30 * kMinute;
    Modelled m = group;
    m.is_group = false;
    m.patient = pick(patients_);
    BookAppointmentRequest request = booking(m.professional, "", m.patient, m.start, 30);
    request.mutable_appointment()->set_service_id(services_.at(Kind::kGroup));
    const Modelled* there = any([&](const Modelled& other) {
      return other.is_group && other.claims() && other.professional == group.professional &&
             other.start == group.start;
    });
    bool expected = false;
    m.group = there != nullptr ? there->id : "new";
    const bool patient_free = model_.conflicts(m, now()).empty();
    if (there != nullptr) {
      const auto seats = std::count_if(
          model_.all.begin(), model_.all.end(),
          [&](const Modelled& other) { return other.group == there->id && other.claims(); });
      expected = patient_free && seats < static_cast<std::int64_t>(kGroupSeats);
    } else {
      expected = patient_free && model_.conflicts(group, now()).empty();
    }
    const auto done = book(request);
    agree(expected, done.status());
    if (!done) return;
    m.id = done->result().id();
    if (there == nullptr) {
      group.id = appointment(m.id).session_id();
      model_.remove_expired(group, now());
      model_.all.push_back(group);
      m.group = group.id;
    }
    model_.remove_expired(m, now());
    model_.all.push_back(m);
  }

  void hold() {
    BookAppointmentRequest booked;
    Modelled m = random_booking(booked);
    if (m.kind == Kind::kLaser) return;
    HoldAppointmentRequest request;
    *request.mutable_appointment() = booked.appointment();
    request.set_minutes(static_cast<std::uint32_t>(1 + random_.below(20)));
    const bool expected = model_.conflicts(m, now()).empty();
    const auto done = clinic->scheduling().hold(clinic.context(), request);
    agree(expected, done.status());
    if (!done) return;
    m.id = done->result().id();
    m.status = APPOINTMENT_STATUS_HELD;
    m.hold_until = done->hold_until_us();
    model_.remove_expired(m, now());
    model_.all.push_back(m);
  }

  Modelled* any_hold() {
    return any([](const Modelled& m) { return m.status == APPOINTMENT_STATUS_HELD; });
  }
  void use_hold() {
    Modelled* m = any_hold();
    if (m == nullptr) return;
    BookAppointmentRequest request;
    request.set_hold_id(m->id);
    const bool expected = !model_.is_expired(*m, now());
    agree(expected, book(request).status());
    if (expected) m->status = APPOINTMENT_STATUS_BOOKED;
  }
  void release() {
    Modelled* m = any_hold();
    if (m == nullptr) return;
    ReleaseHoldRequest request;
    request.set_id(m->id);
    agree(true, clinic->scheduling().release_hold(clinic.context(), request).status());
    const std::string id = m->id;
    std::erase_if(model_.all, [&](const Modelled& other) { return other.id == id; });
  }
  void expire() {
    const auto done = must(clinic->scheduling().expire_holds(clinic.context(), {}));
    std::uint32_t expected = 0;
    std::erase_if(model_.all, [&](const Modelled& m) {
      if (!model_.is_expired(m, now())) return false;
      ++expected;
      return true;
    });
    REQUIRE(done.expired() == expected);
  }

  void cancel_one() {
    Modelled* m = any([](const Modelled&) { return true; });
    if (m == nullptr) return;
    const bool expected = m->status == APPOINTMENT_STATUS_BOOKED ||
                          m->status == APPOINTMENT_STATUS_CONFIRMED ||
                          m->status == APPOINTMENT_STATUS_ARRIVED;
    agree(expected, cancel(m->id).status());
    if (!expected) return;
    if (m->is_group) {
      for (Modelled& other : model_.all) {
        if (other.group == m->id && other.claims()) other.status = APPOINTMENT_STATUS_CANCELLED;
      }
    }
    m->status = APPOINTMENT_STATUS_CANCELLED;
    forget_old();
  }
  /// What is cancelled stays to be reinstated, but not for ever: the list is looked through.
  void forget_old() {
    constexpr std::size_t kKept = 300;
    if (model_.all.size() <= kKept) return;
    std::size_t over = model_.all.size() - kKept;
    std::erase_if(model_.all, [&](const Modelled& m) {
      if (over == 0 || m.claims()) return false;
      --over;
      return true;
    });
  }

  void reschedule() {
    Modelled* m = any([](const Modelled& other) { return other.claims() && other.group.empty(); });
    if (m == nullptr) return;
    RescheduleAppointmentRequest request;
    request.set_id(m->id);
    Modelled moved = *m;
    moved.start = any_start();
    if (random_.below(4) == 0) moved.start = m->start + 30 * kMinute;
    if (random_.below(8) == 0) moved.start = m->start;
    moved.end = moved.start + (m->end - m->start);
    request.set_start_us(moved.start);
    if (random_.below(2) == 0) moved.professional = pick(professionals_);
    request.set_professional_id(moved.professional);
    if (random_.below(4) == 0 && !moved.is_group) moved.room = pick(rooms_);
    request.set_room_id(moved.room);
    const bool overbook = random_.below(8) == 0 && !moved.is_group;
    request.set_overbook(overbook);
    const bool can_move =
        m->status == APPOINTMENT_STATUS_BOOKED || m->status == APPOINTMENT_STATUS_CONFIRMED;
    if (moved.kind == Kind::kLaser) model_.choose_unit(moved, now());
    const auto found = model_.conflicts(moved, now(), m);
    bool expected =
        can_move && std::all_of(found.begin(), found.end(), [&](const std::string& kind) {
          return overbook && (kind == "professional" || kind == "room");
        });
    std::vector<Modelled*> participants;
    for (Modelled& other : model_.all) {
      if (!moved.is_group || other.group != moved.id || !other.claims()) continue;
      participants.push_back(&other);
      Modelled with = other;
      with.start = moved.start;
      with.end = moved.end;
      expected = expected && model_.conflicts(with, now()).empty();
    }
    agree(expected, clinic->scheduling().reschedule(clinic.context(), request).status());
    if (!expected) return;
    *m = moved;
    for (Modelled* other : participants) {
      other->start = moved.start;
      other->end = moved.end;
      other->professional = moved.professional;
    }
    const Modelled taken = *m;
    std::vector<Modelled> with;
    for (Modelled* other : participants) with.push_back(*other);
    model_.remove_expired(taken, now());
    for (const Modelled& other : with) model_.remove_expired(other, now());
  }
  void change_state() {
    Modelled* m = any([](const Modelled& other) { return !other.is_group && other.group.empty(); });
    if (m == nullptr) return;
    constexpr AppointmentStatus kTo[] = {APPOINTMENT_STATUS_CONFIRMED, APPOINTMENT_STATUS_ARRIVED,
                                         APPOINTMENT_STATUS_BOOKED};
    const AppointmentStatus to = kTo[random_.below(3)];
    bool expected = false;
    if (to == APPOINTMENT_STATUS_CONFIRMED)
      expected = m->status == APPOINTMENT_STATUS_BOOKED || m->status == APPOINTMENT_STATUS_ARRIVED;
    if (to == APPOINTMENT_STATUS_ARRIVED)
      expected =
          m->status == APPOINTMENT_STATUS_BOOKED || m->status == APPOINTMENT_STATUS_CONFIRMED;
    if (to == APPOINTMENT_STATUS_BOOKED)
      expected = m->status == APPOINTMENT_STATUS_CONFIRMED ||
                 m->status == APPOINTMENT_STATUS_ARRIVED ||
                 m->status == APPOINTMENT_STATUS_CANCELLED;
    Modelled again = *m;
    again.status = to;
    if (expected && !m->claims()) {
      if (again.kind == Kind::kLaser) model_.choose_unit(again, now());
      expected = model_.conflicts(again, now()).empty();
    }
    agree(expected, change(m->id, to).status());
    if (!expected) return;
    const bool took = !m->claims();
    *m = again;
    const Modelled taken = *m;
    if (took) model_.remove_expired(taken, now());
  }

  void compare_day(ResourceKind kind, const std::string& id, int day) {
    const std::int64_t from = days_.midnight(day);
    const std::int64_t until = days_.midnight(day + 1);
    const bool next_month = days_.month == 10 && day > 31;
    const Date date =
        make_date(2026, days_.month + (next_month ? 1 : 0), next_month ? day - 31 : day);
    std::vector<std::string> expected;
    for (const Modelled& m : model_.all) {
      const std::string& of = kind == RESOURCE_KIND_ROOM ? m.room : m.professional;
      if (m.claims() && m.group.empty() && of == id && m.start >= from && m.start < until)
        expected.push_back(m.id + std::to_string(m.start) + std::to_string(m.end));
    }
    ListDayRequest request = day_of(kind, id, date);
    request.set_zone("America/New_York");
    std::vector<std::string> found;
    const auto answer = list(request);
    for (const CalendarEntry& entry : answer->entries())
      found.push_back(entry.appointment_id() + std::to_string(entry.start_us()) +
                      std::to_string(entry.end_us()));
    std::sort(expected.begin(), expected.end());
    std::sort(found.begin(), found.end());
    REQUIRE(found == expected);
  }

  void compare_slots(const std::string& professional) {
    const std::int64_t from = midnight_ + static_cast<std::int64_t>(random_.below(kDays)) * kDay;
    std::vector<std::int64_t> expected;
    for (std::int64_t start = from; start < from + kDay; start += 30 * kMinute) {
      bool free = true;
      for (std::int64_t at = start; at < start + 30 * kMinute; at += kMinute)
        free = free && in_hours(at);
      for (const Modelled& m : model_.all) {
        if (!m.claims() || !m.group.empty() || m.professional != professional) continue;
        free = free && (m.end + m.after <= start || m.start - m.before >= start + 30 * kMinute);
      }
      if (free) expected.push_back(start);
    }
    FindSlotsRequest request;
    request.set_clinic_id(site);
    request.add_professional_ids(professional);
    request.set_duration_minutes(30);
    request.set_step_minutes(30);
    request.set_from_us(from);
    request.set_until_us(from + kDay + 30 * kMinute);
    std::vector<std::int64_t> found;
    const auto slots = must(clinic->availability().find_slots(clinic.context(), request));
    for (const Slot& slot : slots->slots()) {
      if (slot.start_us() < from + kDay) found.push_back(slot.start_us());
    }
    REQUIRE(found == expected);
  }

  SeededRandom random_;
  const Days days_;
  const std::int64_t midnight_ = days_.midnight(days_.first_day);
  Model model_;
  std::map<Kind, std::string> services_;
  std::vector<std::string> professionals_;
  std::vector<std::string> rooms_;
  std::vector<std::string> patients_;
  std::uint64_t refused_ = 0;
  std::uint64_t done_ = 0;
};

void run_model(std::uint64_t seed, std::uint64_t commands) {
  World world(seed);
  for (std::uint64_t i = 0; i < commands; ++i) {
    INFO("seed " << seed << ", command " << i);
    world.command();
    if (i % 20 == 0) world.compare();
  }
  CHECK(world.done() > commands / 10);
  CHECK(world.refused() > commands / 20);
  CHECK(world.problems() == 0);
}

TEST_CASE("scheduling model: random commands agree with a plain list") {
  run_model(GENERATE(1u, 2u), 1500);
}

// A million commands in three parts, which can run side by side and be run again alone.
void run_seeds(std::uint64_t first, std::uint64_t last) {
  for (std::uint64_t seed = first; seed <= last; ++seed) run_model(seed, 50'000);
}
TEST_CASE("scheduling model: a million random commands (part 1)", "[.long]") {
  run_seeds(1001, 1007);
}
TEST_CASE("scheduling model: a million random commands (part 2)", "[.long]") {
  run_seeds(1008, 1014);
}
TEST_CASE("scheduling model: a million random commands (part 3)", "[.long]") {
  run_seeds(1015, 1020);
}

}  // namespace
}  // namespace clinicdb::clinic
