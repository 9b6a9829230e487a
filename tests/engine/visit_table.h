// A record type with an index of every kind, for the engine's tests: a visit of a patient to a
// professional.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "clinicdb/engine/key.h"
#include "clinicdb/engine/table.h"

namespace clinicdb::engine::testing {

struct Visit {
  Uuid id;
  std::string code;   // unique; empty: none
  std::string name;   // found by words
  std::string phone;  // found by its end
  std::string room;   // claimed from start to end; empty: none
  std::int64_t start = 0;
  std::int64_t end = 0;
  std::int64_t rank = 0;  // ordered
  bool operator==(const Visit&) const = default;
};

inline void encode_visit(const Visit& visit, std::string& body) {
  body = Key()
             .uuid(visit.id)
             .text(visit.code)
             .text(visit.name)
             .text(visit.phone)
             .text(visit.room)
             .time(Time{visit.start})
             .time(Time{visit.end})
             .time(Time{visit.rank})
             .str();
}

inline Result<Visit> decode_visit(std::string_view body) {
  Visit visit;
  Time start;
  Time end;
  Time rank;
  if (!Key::take_uuid(body, visit.id) || !Key::take_text(body, visit.code) ||
      !Key::take_text(body, visit.name) || !Key::take_text(body, visit.phone) ||
      !Key::take_text(body, visit.room) || !Key::take_time(body, start) ||
      !Key::take_time(body, end) || !Key::take_time(body, rank) || !body.empty()) {
    return data_loss("not a visit");
  }
  visit.start = start.us;
  visit.end = end.us;
  visit.rank = rank.us;
  return visit;
}

constexpr IndexNumber kByCode = 1;
constexpr IndexNumber kByName = 2;
constexpr IndexNumber kByPhone = 3;
constexpr IndexNumber kByRoom = 4;
constexpr IndexNumber kByRank = 5;

/// Version 2 of the rank index turns its order around.
inline Table<Visit> make_visits(std::uint32_t rank_version = 1, TableId id = TableId{0x1000}) {
  const auto rank = [](const Visit& visit, IndexEntries& out) {
    out.add(Key().time(Time{visit.rank}), visit.name);
  };
  const auto turned = [](const Visit& visit, IndexEntries& out) {
    out.add(Key().time(Time{-visit.rank}), visit.name);
  };
  return Table<Visit>(id, "visit", &encode_visit, &decode_visit,
                      [](const Visit& visit) { return std::string(visit.id.view()); })
      .unique(kByCode, "code",
              [](const Visit& visit, IndexEntries& out) {
                if (!visit.code.empty()) out.add(Key().text(visit.code));
              })
      .tokens(kByName, "name", [](const Visit& visit, IndexEntries& out) { out.add(visit.name); })
      .same_when([](const Visit& a, const Visit& b) { return a.name == b.name; })
      .suffix(kByPhone, "phone",
              [](const Visit& visit, IndexEntries& out) {
                if (!visit.phone.empty()) out.add(visit.phone);
              })
      .claims(kByRoom, "room",
              [](const Visit& visit, IndexEntries& out) {
                if (!visit.room.empty()) {
                  out.add_claim(Key().text(visit.room), Time{visit.start}, Time{visit.end},
                                visit.name);
                }
              })
      .ordered(kByRank, "rank", rank_version == 1 ? +rank : +turned, 8)
      .version(rank_version)
      .personal({"name", "phone"});
}

inline Uuid visit_id(std::uint64_t number) {
  Uuid id;
  for (int i = 0; i < 8; ++i) id.bytes[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  return id;
}

}  // namespace clinicdb::engine::testing
