#include "model.h"

#include <string_view>

#include "clinicdb/base/bytes.h"
#include "clinicdb/base/random.h"
#include "clinicdb/engine/key.h"

namespace clinicdb::crash {

using engine::IndexEntries;
using engine::Key;
using engine::Table;
using engine::TableId;

namespace {

constexpr std::size_t kOriginBytes = 24;
constexpr std::int64_t kQuarterHourUs = std::int64_t{15} * 60 * 1'000'000;
constexpr std::int64_t kDayStartUs = 1'750'000'000'000'000;

constexpr std::string_view kGivenNames[] = {"Maria",  "José", "Conceição", "João", "Ângela",
                                            "Inácio", "Zoë",  "Müller",    "Ana",  "Tomás"};

SeededRandom chance(const Origin& origin) {
  return SeededRandom((origin.salt << 16) ^ (origin.version << 8) ^ (origin.worker << 6) ^
                      origin.slot);
}

std::string encode_origin(const Origin& origin) {
  std::string out;
  append_le32(out, origin.worker);
  append_le32(out, origin.slot);
  append_le64(out, origin.version);
  append_le64(out, origin.salt);
  return out;
}

Result<Origin> decode_origin(std::string_view body) {
  if (body.size() < kOriginBytes) return data_loss("a crash test record is cut short");
  return Origin{load_le32(body.data()), load_le32(body.data() + 4), load_le64(body.data() + 8),
                load_le64(body.data() + 16)};
}

std::string make_body(const Origin& origin) {
  std::string body = encode_origin(origin);
  SeededRandom random = chance(origin);
  // Most are small; one in sixteen is large enough to be compressed, and half of it compresses.
  const std::size_t bytes = random.below(16) == 0 ? 6000 : random.below(400);
  for (std::size_t i = 0; i < bytes; ++i) {
    body.push_back(i % 2 == 0 ? 'x' : static_cast<char>(random.next()));
  }
  return body;
}

template <class R>
void encode(const R& record, std::string& body) {
  body = record.body;
}
template <class R>
Result<R> decode(std::string_view body) {
  ASSIGN_OR_RETURN(const Origin origin, decode_origin(body));
  return R{origin, std::string(body)};
}
template <class R>
std::string key(const R& record) {
  return slot_key(record.origin.worker, record.origin.slot);
}

std::string name_of(const Person& person) {
  SeededRandom random(person.origin.salt);
  std::string name;
  for (int i = 0; i < 3; ++i) {
    name.append(kGivenNames[random.below(std::size(kGivenNames))]).push_back(' ');
  }
  return name;
}

std::string room_of(const Appointment& appointment) {
  return Key().u64(appointment.origin.salt / 7 % kRooms).str();
}

void encode_counter(const Counter& counter, std::string& body) {
  for (const std::uint64_t count : counter.counts) append_le64(body, count);
}
Result<Counter> decode_counter(std::string_view body) {
  Counter counter;
  if (body.size() != sizeof counter.counts)
    return data_loss("the crash test's counter is cut short");
  for (std::uint64_t& count : counter.counts) {
    count = load_le64(body.data());
    body.remove_prefix(8);
  }
  return counter;
}

}  // namespace

Person make_person(const Origin& origin) { return {origin, make_body(origin)}; }
Appointment make_appointment(const Origin& origin) { return {origin, make_body(origin)}; }

std::string slot_key(std::uint32_t worker, std::uint32_t slot) {
  return Key().u32(worker).u32(slot).str();
}

std::string code_of(const Person& person) {
  const Origin& origin = person.origin;
  return Key().u32(origin.worker).u32(origin.slot).u64(origin.version).str();
}

std::string nickname_of(const Person& person) {
  const std::uint64_t salt = person.origin.salt;
  return salt % 5 == 0 ? "nickname " + std::to_string(salt / 5 % 40) : "";
}

std::string professional_of(const Appointment& appointment) {
  return Key().u64(appointment.origin.salt % kProfessionals).str();
}
Time start_of(const Appointment& appointment) {
  const auto slot = static_cast<std::int64_t>(appointment.origin.salt / 64 % 200);
  return Time{kDayStartUs + slot * kQuarterHourUs};
}
Time end_of(const Appointment& appointment) {
  const auto quarters = static_cast<std::int64_t>(1 + appointment.origin.salt / 16384 % 4);
  return Time{start_of(appointment).us + quarters * kQuarterHourUs};
}

const Table<Person> kPersons =
    Table<Person>(TableId{0x1001}, "person", &encode<Person>, &decode<Person>, &key<Person>)
        .unique(kPersonCode, "code",
                [](const Person& p, IndexEntries& out) { out.add(code_of(p)); })
        .unique(kPersonNickname, "nickname",
                [](const Person& p, IndexEntries& out) {
                  const std::string nickname = nickname_of(p);
                  if (!nickname.empty()) out.add(nickname);
                })
        .ordered(
            3, "birth",
            [](const Person& p, IndexEntries& out) {
              out.add(
                  Key().u32(static_cast<std::uint32_t>(p.origin.salt % 36'500)).text(name_of(p)),
                  name_of(p));
            })
        .tokens(4, "name", [](const Person& p, IndexEntries& out) { out.add(name_of(p)); })
        .suffix(5, "phone", [](const Person& p, IndexEntries& out) {
          out.add("5511" + std::to_string(900'000'000 + p.origin.salt % 99'999'999));
        });

const Table<Appointment> kAppointments =
    Table<Appointment>(TableId{0x1002}, "appointment", &encode<Appointment>, &decode<Appointment>,
                       &key<Appointment>)
        .claims(kAppointmentProfessional, "professional",
                [](const Appointment& a, IndexEntries& out) {
                  out.add_claim(professional_of(a), start_of(a), end_of(a),
                                slot_key(a.origin.worker, a.origin.slot));
                })
        .claims(kAppointmentRoom, "room",
                [](const Appointment& a, IndexEntries& out) {
                  out.add_claim(room_of(a), start_of(a), end_of(a));
                })
        .ordered(3, "start",
                 [](const Appointment& a, IndexEntries& out) { out.add(Key().time(start_of(a))); });

const Table<Counter> kCounters =
    Table<Counter>(TableId{0x1003}, "counter", &encode_counter, &decode_counter,
                   [](const Counter&) { return std::string(kCounterKey); })
        .without_history();

const engine::Schema& schema() {
  static const engine::Schema kSchema{{&kPersons.def(), &kAppointments.def(), &kCounters.def()}};
  return kSchema;
}

}  // namespace clinicdb::crash
