#include "match/person.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/fold.h"
#include "clinicdb/engine/key.h"
#include "match/similarity.h"

namespace clinicdb::clinic::match {

namespace {

/// Letters and digits alone: "d'Ávila" and "davila" are one name.
std::string joined(std::string_view text) {
  std::string word;
  for (const char c : engine::fold_text(text)) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || byte >= 0x80)
      word.push_back(c);
  }
  return word;
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

/// What says of whom somebody is the son, or what they have studied, and does not tell families
/// apart.
bool is_suffix(std::string_view word) {
  constexpr std::array<std::string_view, 15> kSuffixes{
      "filho", "filha", "neto", "neta", "sobrinho", "junior", "jr", "sr",
      "ii",    "iii",   "iv",   "md",   "phd",      "dds",    "dvm"};
  return std::find(kSuffixes.begin(), kSuffixes.end(), joined(word)) != kSuffixes.end();
}

std::string_view last_family(std::vector<std::string_view> words) {
  while (words.size() > 1 && is_suffix(words.back())) words.pop_back();
  return words.empty() ? std::string_view() : words.back();
}

void set_names(const Patient& patient, Person& person) {
  if (patient.names().empty()) return;
  const HumanName& name = patient.names(0);
  if (name.family().empty() && name.given().empty()) {
    const std::vector<std::string_view> words = words_of(name.text());
    if (words.empty()) return;
    person.given = joined(words.front());
    if (words.size() > 1) person.family = joined(last_family(words));
    return;
  }
  if (!name.given().empty()) {
    const std::vector<std::string_view> given = words_of(name.given(0));
    if (!given.empty()) person.given = joined(given.front());
  }
  // A family name that comes as a field is taken whole where it is short, as "de Souza" is.
  const std::vector<std::string_view> family = words_of(name.family());
  person.family = joined(family.size() > 2 ? last_family(family) : name.family());
}

std::string two_digits(int number) {
  return std::string(1, static_cast<char>('0' + number / 10)) +
         static_cast<char>('0' + number % 10);
}

std::string born_digits(const Date& date) {
  std::string digits = std::to_string(date.year());
  digits.insert(0, 4 - std::min<std::size_t>(4, digits.size()), '0');
  if (date.month() == 0) return digits;
  digits += two_digits(date.month());
  return date.day() == 0 ? digits : digits + two_digits(date.day());
}

}  // namespace

Person person_of(const Patient& patient) {
  Person person;
  set_names(patient, person);
  if (patient.has_birth_date()) person.born = born_digits(patient.birth_date());
  person.cpf = patient.cpf();
  person.cns = patient.cns();
  for (const Identifier& identifier : patient.identifiers()) {
    if (!identifier.value().empty())
      person.identifiers.push_back(identifier_key(identifier.system(), identifier.value()));
  }
  for (const ContactPoint& contact : patient.telecom()) {
    if (contact.system() != ContactPoint::SYSTEM_PHONE &&
        contact.system() != ContactPoint::SYSTEM_SMS)
      continue;
    const std::string digits = engine::fold_digits(contact.value());
    if (digits.size() >= kComparedPhoneDigits)
      person.phones.push_back(digits.substr(digits.size() - kComparedPhoneDigits));
  }
  if (!patient.addresses().empty()) {
    const Address& address = patient.addresses(0);
    person.postal_code = joined(address.postal_code());
    person.street = joined(address.lines().empty() ? address.text() : address.lines(0));
    person.city = joined(address.city());
  }
  person.gender = patient.gender();
  return person;
}

std::vector<std::string> match_keys(const Patient& patient) {
  Person person;
  set_names(patient, person);
  std::string given = sound_of(person.given);
  std::string family = sound_of(person.family);
  std::vector<std::string> keys;
  if (!given.empty() && !family.empty()) {
    keys.push_back(
        engine::Key().u8('n').text(std::min(given, family)).text(std::max(given, family)).str());
  }
  const std::string& either = family.empty() ? given : family;
  if (patient.has_birth_date() && !either.empty()) {
    keys.push_back(engine::Key()
                       .u8('y')
                       .u16(static_cast<std::uint16_t>(patient.birth_date().year()))
                       .text(either)
                       .str());
  }
  return keys;
}

}  // namespace clinicdb::clinic::match
