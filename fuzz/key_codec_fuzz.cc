// The key codec: parts read back from any bytes encode to the same bytes, and order follows the
// values.
#include <algorithm>
#include <string>

#include "clinicdb/base/check.h"
#include "clinicdb/engine/key.h"
#include "fuzz_target.h"

namespace clinicdb::fuzz {
namespace {

using engine::Key;

/// Reads parts as the first bytes of `in` say which; a part that reads must encode to the bytes it
/// was read from.
void parts_read_back(std::string_view kinds, std::string_view in) {
  std::string whole;
  const std::string_view start = in;
  for (const char kind : kinds) {
    const std::string_view before = in;
    Key again;
    bool taken = false;
    std::uint16_t u16 = 0;
    std::uint64_t u64 = 0;
    Time time;
    Uuid uuid;
    std::string text;
    switch (static_cast<unsigned char>(kind) % 6) {
      case 0:
        if ((taken = Key::take_u16(in, u16))) again.u16(u16);
        break;
      case 1:
        if ((taken = Key::take_u64(in, u64))) again.u64(u64);
        break;
      case 2:
        if ((taken = Key::take_time(in, time))) again.time(time);
        break;
      case 3:
        if ((taken = Key::take_time_descending(in, time))) again.time_descending(time);
        break;
      case 4:
        if ((taken = Key::take_uuid(in, uuid))) again.uuid(uuid);
        break;
      default:
        if ((taken = Key::take_text(in, text))) again.text(text);
    }
    if (!taken) {
      CLINICDB_CHECK(in == before);
      return;
    }
    whole += again.str();
    CLINICDB_CHECK(whole == start.substr(0, start.size() - in.size()));
  }
}

void order_follows_values(std::string_view a, std::string_view b) {
  const std::string key_a = Key().text(a).str();
  const std::string key_b = Key().text(b).str();
  CLINICDB_CHECK((key_a < key_b) == (a < b));
  // Whatever follows a text does not disturb its order.
  CLINICDB_CHECK((Key().text(a).raw("\xff").str() < Key().text(b).str()) == (a < b));
  // A prefix range holds exactly the texts that begin so.
  const std::string from = Key().text_prefix(a).str();
  const std::string to = engine::prefix_end(from);
  const bool inside = key_b >= from && (to.empty() || key_b < to);
  CLINICDB_CHECK(inside == (b.substr(0, a.size()) == a));
}

}  // namespace

void run_one(std::string_view bytes) {
  const std::size_t half = bytes.size() / 2;
  parts_read_back(bytes.substr(0, std::min<std::size_t>(8, half)), bytes.substr(half));
  order_follows_values(bytes.substr(0, half), bytes.substr(half));
}

}  // namespace clinicdb::fuzz
