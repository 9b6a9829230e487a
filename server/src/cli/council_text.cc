#include "cli/council_text.h"

namespace clinicdb::server {

Result<clinic::Council> parse_council(const std::string& text, std::string_view option) {
  clinic::Council council;
  std::string word;
  const auto take = [&] {
    const bool number = word.find_first_of("0123456789") != std::string::npos;
    if (number) {
      council.set_number(word);
    } else if (!word.empty() && council.type().empty()) {
      council.set_type(word);
    } else if (!word.empty()) {
      council.set_state(word);
    }
    word.clear();
  };
  for (const char letter : text) {
    if (letter == ' ' || letter == '/' || letter == '-') {
      take();
    } else {
      word += letter;
    }
  }
  take();
  if (council.type().empty() || council.number().empty() || council.state().empty()) {
    return invalid_argument(std::string(option) + ": \"" + text +
                            "\" is no entry such as \"CRM 12345/SP\"")
        .with_field(option);
  }
  return council;
}

std::string council_text(const clinic::Council& council) {
  if (council.number().empty()) return "";
  return council.type() + " " + council.number() + "/" + council.state();
}

}  // namespace clinicdb::server
