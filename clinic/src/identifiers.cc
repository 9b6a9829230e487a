#include "clinicdb/clinic/identifiers.h"

#include <algorithm>
#include <array>
#include <utility>

#include "check_parts.h"

namespace clinicdb::clinic {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
char to_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

bool one_of(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }

/// `text` without the punctuation that people put between digits, or nothing where another
/// character stands.
Result<std::string> digits_only(std::string_view text, std::string_view punctuation,
                                std::string_view field) {
  std::string digits;
  for (const char c : text) {
    if (is_digit(c)) {
      digits.push_back(c);
    } else if (!one_of(c, punctuation)) {
      return refuse(field, "only digits and punctuation are possible");
    }
  }
  return digits;
}

bool all_equal(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [&](char c) { return c == text.front(); });
}

/// What a place of a CNPJ is worth: its ASCII code less 48.
int worth(char c) { return c - '0'; }

/// The check digit of CPF and CNPJ: 11 less the rest of the weighted sum by 11, and 0 above 9.
/// Weights rise from 2 at the right end to `weight_max`, and begin anew.
char mod11_digit(std::string_view places, int weight_max) {
  int sum = 0;
  int weight = 2;
  for (auto place = places.rbegin(); place != places.rend(); ++place) {
    sum += worth(*place) * weight;
    weight = weight == weight_max ? 2 : weight + 1;
  }
  const int rest = sum % 11;
  return static_cast<char>('0' + (rest < 2 ? 0 : 11 - rest));
}

constexpr int kCpfWeightMax = 11;
constexpr int kCnpjWeightMax = 9;
constexpr std::size_t kCpfDigits = 11;
constexpr std::size_t kCnpjPlaces = 14;
constexpr std::size_t kCnsDigits = 15;
constexpr std::size_t kPisDigits = 11;

/// CNS: weights 15 down to 1.
int cns_sum(std::string_view digits) {
  int sum = 0;
  int weight = 15;
  for (const char digit : digits) sum += worth(digit) * weight--;
  return sum;
}

/// A definitive CNS is a PIS number, 000 and a check digit; where that digit would be 10, it is 001
/// and what makes the sum divisible again.
std::string cns_of_pis(std::string_view pis) {
  std::string digits(pis);
  int rest = cns_sum(digits) % 11;
  if (rest == 1) {
    digits += "001";
    rest = cns_sum(digits) % 11;
  } else {
    digits += "000";
  }
  digits.push_back(static_cast<char>('0' + (rest == 0 ? 0 : 11 - rest)));
  return digits;
}

// Agência Nacional de Telecomunicações, Plano Geral de Códigos Nacionais: the area codes in use.
constexpr std::string_view kAreaCodes =
    "11 12 13 14 15 16 17 18 19 21 22 24 27 28 31 32 33 34 35 37 38 41 42 43 44 45 46 47 48 49 51 "
    "53 54 55 61 62 63 "
    "64 65 66 67 68 69 71 73 74 75 77 79 81 82 83 84 85 86 87 88 89 91 92 93 94 95 96 97 98 99";
constexpr std::size_t kAreaCodeCount = (kAreaCodes.size() + 1) / 3;

std::string_view area_code(std::size_t i) { return kAreaCodes.substr(i * 3, 2); }

bool is_area_code(std::string_view code) {
  for (std::size_t i = 0; i < kAreaCodeCount; ++i) {
    if (area_code(i) == code) return true;
  }
  return false;
}

constexpr std::string_view kFreeCall = "800";

/// Area code and subscriber: 11 digits with a 9 in front for mobiles, 10 for fixed lines; or a
/// free-call number.
Status check_brazilian(std::string_view national, std::string_view field) {
  if (national.substr(0, 3) == kFreeCall && national.size() == 10) return {};
  if (national.size() != 10 && national.size() != 11) {
    return refuse(field, "a Brazilian number has an area code and 8 or 9 digits");
  }
  if (!is_area_code(national.substr(0, 2))) return refuse(field, "no such area code");
  const char first = national[2];
  if (national.size() == 11 ? first != '9' : (first < '2' || first > '8')) {
    return refuse(
        field,
        "mobile numbers have nine digits and begin with 9, others eight and begin with 2 to 8");
  }
  return {};
}

constexpr std::string_view kBrazil = "55";

constexpr std::array<std::string_view, 27> kUfs = {
    "AC", "AL", "AM", "AP", "BA", "CE", "DF", "ES", "GO", "MA", "MG", "MS", "MT", "PA",
    "PB", "PE", "PI", "PR", "RJ", "RN", "RO", "RR", "RS", "SC", "SE", "SP", "TO"};

std::string random_digits(Random& random, std::size_t count) {
  std::string digits;
  for (std::size_t i = 0; i < count; ++i)
    digits.push_back(static_cast<char>('0' + random.below(10)));
  return digits;
}

}  // namespace

Result<std::string> parse_cpf(std::string_view text, std::string_view field) {
  ASSIGN_OR_RETURN(std::string digits, digits_only(text, " .-/", field));
  if (digits.size() != kCpfDigits) return refuse(field, "a CPF has 11 digits");
  if (all_equal(digits)) return refuse(field, "one digit repeated is nobody's CPF");
  const std::string_view view = digits;
  if (mod11_digit(view.substr(0, 9), kCpfWeightMax) != digits[9] ||
      mod11_digit(view.substr(0, 10), kCpfWeightMax) != digits[10]) {
    return refuse(field, "check digit is wrong");
  }
  return digits;
}

std::string format_cpf(std::string_view digits) {
  if (digits.size() != kCpfDigits) return std::string(digits);
  std::string text;
  text.append(digits.substr(0, 3)).append(".").append(digits.substr(3, 3)).append(".");
  return text.append(digits.substr(6, 3)).append("-").append(digits.substr(9));
}

Result<std::string> parse_cnpj(std::string_view text, std::string_view field) {
  std::string places;
  for (const char c : text) {
    const char upper = to_upper(c);
    if (is_digit(upper) || is_upper(upper)) {
      places.push_back(upper);
    } else if (!one_of(c, " ./-")) {
      return refuse(field, "only digits, letters and punctuation are possible");
    }
  }
  if (places.size() != kCnpjPlaces) return refuse(field, "a CNPJ has 14 places");
  if (!is_digit(places[12]) || !is_digit(places[13]))
    return refuse(field, "the last two places are digits");
  if (all_equal(places)) return refuse(field, "one digit repeated is nobody's CNPJ");
  const std::string_view view = places;
  if (mod11_digit(view.substr(0, 12), kCnpjWeightMax) != places[12] ||
      mod11_digit(view.substr(0, 13), kCnpjWeightMax) != places[13]) {
    return refuse(field, "check digit is wrong");
  }
  return places;
}

std::string format_cnpj(std::string_view text) {
  if (text.size() != kCnpjPlaces) return std::string(text);
  std::string out;
  out.append(text.substr(0, 2))
      .append(".")
      .append(text.substr(2, 3))
      .append(".")
      .append(text.substr(5, 3));
  return out.append("/").append(text.substr(8, 4)).append("-").append(text.substr(12));
}

Result<std::string> parse_cns(std::string_view text, std::string_view field) {
  ASSIGN_OR_RETURN(std::string digits, digits_only(text, " .-", field));
  if (digits.size() != kCnsDigits) return refuse(field, "a CNS has 15 digits");
  if (!one_of(digits[0], "12789")) return refuse(field, "a CNS begins with 1, 2, 7, 8 or 9");
  if (cns_sum(digits) % 11 != 0) return refuse(field, "check digit is wrong");
  const bool definitive = digits[0] == '1' || digits[0] == '2';
  if (definitive && cns_of_pis(std::string_view(digits).substr(0, kPisDigits)) != digits) {
    return refuse(field, "the digits after the PIS number are wrong");
  }
  return digits;
}

std::string format_cns(std::string_view digits) {
  if (digits.size() != kCnsDigits) return std::string(digits);
  std::string text;
  text.append(digits.substr(0, 3)).append(" ").append(digits.substr(3, 4)).append(" ");
  return text.append(digits.substr(7, 4)).append(" ").append(digits.substr(11));
}

Result<std::string> parse_phone(std::string_view text, std::string_view field) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  const bool plus = !text.empty() && text.front() == '+';
  if (plus) text.remove_prefix(1);
  ASSIGN_OR_RETURN(std::string digits, digits_only(text, " ().-/", field));
  bool international = plus;
  if (!plus && digits.starts_with("00")) {
    digits.erase(0, 2);
    international = true;
  }
  // Twelve or thirteen digits that begin with 55 can be nothing else in Brazil than a number with
  // its country.
  if (!international && digits.starts_with(kBrazil) &&
      (digits.size() == 12 || digits.size() == 13)) {
    international = true;
  }
  if (!international) {
    if (digits.starts_with("0")) digits.erase(0, 1);
    RETURN_IF_ERROR(check_brazilian(digits, field));
    return "+" + std::string(kBrazil) + digits;
  }
  if (digits.size() < 8 || digits.size() > 15 || digits.front() == '0') {
    return refuse(field, "a number with its country has 8 to 15 digits and does not begin with 0");
  }
  if (digits.starts_with(kBrazil))
    RETURN_IF_ERROR(check_brazilian(std::string_view(digits).substr(2), field));
  return "+" + digits;
}

Result<std::string> parse_uf(std::string_view text, std::string_view field) {
  std::string code;
  for (const char c : text) code.push_back(to_upper(c));
  if (std::find(kUfs.begin(), kUfs.end(), code) == kUfs.end()) {
    return refuse(field, "not one of Brazil's 27 federative units, such as SP");
  }
  return code;
}

Result<std::string> parse_council_number(std::string_view text, std::string_view field) {
  std::string number;
  for (const char c : text) {
    const char upper = to_upper(c);
    if (is_digit(upper) || is_upper(upper)) {
      number.push_back(upper);
    } else if (!one_of(c, " .-/")) {
      return refuse(field, "only letters, digits and punctuation are possible");
    }
  }
  constexpr std::size_t kPlacesMax = 20;
  if (number.empty() || number.size() > kPlacesMax)
    return refuse(field, "1 to 20 letters and digits are possible");
  return number;
}

Result<std::string> parse_cnes(std::string_view text, std::string_view field) {
  ASSIGN_OR_RETURN(std::string digits, digits_only(text, " .-", field));
  if (digits.size() != 7) return refuse(field, "a CNES has 7 digits");
  return digits;
}

Status check_slug(std::string_view text, std::string_view field) {
  const bool fits = !text.empty() && text.size() <= 63 && text.front() != '-' &&
                    text.back() != '-' && std::all_of(text.begin(), text.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-';
                    });
  return fits ? Status()
              : refuse(field, "1 to 63 of a-z, 0-9 and - are possible, and no - at the ends");
}

Status check_date(const Date& date, bool partial, std::string_view field) {
  if (date.year() < 1 || date.year() > 9999) return refuse(field, "the year is not from 1 to 9999");
  if (partial && date.month() == 0 && date.day() == 0) return {};
  if (date.month() < 1 || date.month() > 12) return refuse(field, "the month is not from 1 to 12");
  if (partial && date.day() == 0) return {};
  const bool leap = date.year() % 4 == 0 && (date.year() % 100 != 0 || date.year() % 400 == 0);
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const int days =
      date.month() == 2 && leap ? 29 : kDays[static_cast<std::size_t>(date.month() - 1)];
  if (date.day() < 1 || date.day() > days) return refuse(field, "the month has no such day");
  return {};
}

std::string generate_cpf(Random& random) {
  std::string digits = random_digits(random, 9);
  // A run of one digit would continue into the check digits.
  if (all_equal(digits)) digits[0] = digits[0] == '9' ? '0' : static_cast<char>(digits[0] + 1);
  digits.push_back(mod11_digit(digits, kCpfWeightMax));
  digits.push_back(mod11_digit(digits, kCpfWeightMax));
  return digits;
}

std::string generate_cnpj(Random& random) {
  // Head office: branch 0001.
  std::string places = random_digits(random, 8) + "0001";
  places.push_back(mod11_digit(places, kCnpjWeightMax));
  places.push_back(mod11_digit(places, kCnpjWeightMax));
  return places;
}

std::string generate_cns(Random& random) {
  std::string pis = random_digits(random, kPisDigits);
  pis[0] = random.below(2) == 0 ? '1' : '2';
  return cns_of_pis(pis);
}

std::string generate_phone(Random& random) {
  std::string phone = "+55";
  phone += area_code(random.below(kAreaCodeCount));
  phone += '9';
  phone += static_cast<char>('6' + random.below(4));
  return phone + random_digits(random, 7);
}

}  // namespace clinicdb::clinic
