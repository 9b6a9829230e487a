#include "cli/money_text.h"

#include <charconv>

#include "cli/terminal.h"

namespace clinicdb::server {

Result<std::int64_t> parse_cents(std::string_view text, std::string_view option) {
  const auto refuse = [&] {
    return invalid_argument(std::string(option) + ": \"" + std::string(text) +
                            "\" is no amount such as 150.50")
        .with_field(option);
  };
  constexpr std::size_t kDigitsMax = 13;
  const std::size_t point = std::min(text.find_first_of(".,"), text.size());
  std::string digits(text.substr(0, point));
  std::string decimals(text.substr(std::min(point + 1, text.size())));
  if (digits.empty() || (point < text.size() && decimals.empty()) || decimals.size() > 2 ||
      digits.size() > kDigitsMax)
    return refuse();
  decimals.resize(2, '0');
  digits += decimals;
  std::int64_t cents = 0;
  if (digits.find_first_not_of("0123456789") != std::string::npos) return refuse();
  std::from_chars(digits.data(), digits.data() + digits.size(), cents);
  return cents;
}

std::string format_cents(std::int64_t cents) {
  const auto size =
      cents < 0 ? 0 - static_cast<std::uint64_t>(cents) : static_cast<std::uint64_t>(cents);
  const std::string decimals = std::to_string(100 + size % 100).substr(1);
  return (cents < 0 ? "-" : "") + with_commas(size / 100) + "." + decimals;
}

}  // namespace clinicdb::server
