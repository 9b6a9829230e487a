#include "match/score.h"

#include <algorithm>
#include <array>
#include <optional>

#include "match/similarity.h"

namespace clinicdb::clinic::match {

namespace {

constexpr std::size_t kLevels = 4;

/// Bits that a field adds when it differs, is a little alike, is nearly the same, is the same.
using Weights = std::array<double, kLevels>;
constexpr Weights kGivenName{-5, 1, 4.5, 5.5};
constexpr Weights kFamilyName{-4, 1.5, 5.5, 7};
// Two edits apart are two days, not a slip: many share a common name, and some of them a few
// digits.
constexpr Weights kBirthDate{-7, -6, 5.5, 10};
// Two valid CPFs are two persons, but for a number that was given to the wrong one.
constexpr Weights kCpf{-12, -12, -6, 20};
constexpr Weights kCns{-2, -2, 3, 14};  // one person may have several
constexpr Weights kIdentifier{-5, 3, 8, 14};
constexpr Weights kPhone{-0.5, -0.5, -0.5, 5};
constexpr Weights kGender{-3, -3, -3, 1};
// Parts of one field: together from -1.5 to 5.
constexpr Weights kPostalCode{-0.5, -0.5, 1.5, 3};
constexpr Weights kStreet{-0.5, -0.5, 2.8, 4};
constexpr Weights kCity{-0.5, -0.5, 1.4, 2};
constexpr double kAddressMin = -1.5;
constexpr double kAddressMax = 5;
/// Given and family name the other way round: seldom, but it happens.
constexpr double kSwappedNames = -1.5;

enum Level : std::uint8_t { kDiffers, kAlike, kNear, kSame };

using Known = std::optional<Level>;

double weight(const Weights& weights, Known level) { return level ? weights[*level] : 0; }

Known names(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty()) return {};
  if (a == b) return kSame;
  const double alike = jaro_winkler(a, b);
  return alike >= 0.92 ? kNear : alike >= 0.83 ? kAlike : kDiffers;
}

Known digits(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty()) return {};
  if (a == b) return kSame;
  const std::size_t edits = edit_distance(a, b);
  return edits == 1 ? kNear : edits == 2 ? kAlike : kDiffers;
}

Known places(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty()) return {};
  return a == b ? kSame : jaro_winkler(a, b) >= 0.9 ? kNear : kDiffers;
}

/// A day and a month may have been swapped; a part that is known agrees as far as it goes.
Known birth_dates(const std::string& a, const std::string& b) {
  constexpr std::size_t kWhole = 8;
  if (a.empty() || b.empty()) return {};
  if (a.size() < kWhole || b.size() < kWhole) {
    const std::size_t known = std::min(a.size(), b.size());
    if (a.compare(0, known, b, 0, known) != 0) return kDiffers;
    return known > 4 ? kNear : kAlike;
  }
  const bool swapped = a.compare(0, 4, b, 0, 4) == 0 && a.compare(4, 2, b, 6, 2) == 0 &&
                       a.compare(6, 2, b, 4, 2) == 0;
  return swapped && a != b ? Known(kNear) : digits(a, b);
}

/// The best of all pairs.
template <class Compare>
Known best(const std::vector<std::string>& a, const std::vector<std::string>& b, Compare compare) {
  Known found;
  for (const std::string& x : a) {
    for (const std::string& y : b) {
      const Known level = compare(x, y);
      if (level && (!found || *level > *found)) found = level;
    }
  }
  return found;
}

/// Identifiers are compared with those of their own system, which their key begins with.
Known identifiers(const std::string& a, const std::string& b) {
  const std::size_t end = a.find(std::string_view("\0\1", 2));
  if (end == std::string::npos || a.compare(0, end + 2, b, 0, end + 2) != 0) return {};
  return digits(a.substr(end + 2), b.substr(end + 2));
}

Known same_or_not(bool known, bool same) {
  return known ? Known(same ? kSame : kDiffers) : Known();
}

class Sum {
 public:
  void add(const char* field, Known level, double bits) {
    if (!level) return;
    FieldMatch& match = score_.fields.emplace_back();
    match.set_field(field);
    match.set_agreement(
        static_cast<Agreement>(static_cast<int>(AGREEMENT_DIFFERENT) + static_cast<int>(*level)));
    match.set_weight(bits);
    score_.total += bits;
  }
  Score take() { return std::move(score_); }

 private:
  Score score_;
};

}  // namespace

Certainty Score::certainty() const {
  return total >= kProbableScore   ? CERTAINTY_PROBABLE
         : total >= kPossibleScore ? CERTAINTY_POSSIBLE
                                   : CERTAINTY_UNSPECIFIED;
}

Score compare(const Person& a, const Person& b) {
  Known given = names(a.given, b.given);
  Known family = names(a.family, b.family);
  double given_bits = weight(kGivenName, given);
  double family_bits = weight(kFamilyName, family);
  const Known crossed_given = names(a.given, b.family);
  const Known crossed_family = names(a.family, b.given);
  if (crossed_given && crossed_family) {
    const double crossed = weight(kGivenName, crossed_given) + kSwappedNames;
    if (crossed + weight(kFamilyName, crossed_family) > given_bits + family_bits) {
      given = crossed_given;
      family = crossed_family;
      given_bits = crossed;
      family_bits = weight(kFamilyName, crossed_family);
    }
  }
  // What relatives share.
  const bool relative = given && *given == kDiffers;
  const auto shared = [&](double bits) { return relative ? std::min(bits, 0.0) : bits; };

  Sum sum;
  sum.add("given name", given, given_bits);
  sum.add("family name", family, shared(family_bits));
  const Known born = birth_dates(a.born, b.born);
  sum.add("birth date", born, weight(kBirthDate, born));
  const Known cpf = digits(a.cpf, b.cpf);
  sum.add("CPF", cpf, weight(kCpf, cpf));
  const Known cns = digits(a.cns, b.cns);
  sum.add("CNS", cns, weight(kCns, cns));
  const Known identifier = best(a.identifiers, b.identifiers, &identifiers);
  sum.add("identifier", identifier, weight(kIdentifier, identifier));
  const Known phone = best(a.phones, b.phones, [](const std::string& x, const std::string& y) {
    return Known(x == y ? kSame : kDiffers);
  });
  sum.add("phone", phone, shared(weight(kPhone, phone)));
  const Known gender = same_or_not(a.gender != GENDER_UNSPECIFIED && b.gender != GENDER_UNSPECIFIED,
                                   a.gender == b.gender);
  sum.add("gender", gender, weight(kGender, gender));

  const Known postal_code = digits(a.postal_code, b.postal_code);
  const Known street = places(a.street, b.street);
  const Known city = places(a.city, b.city);
  if (postal_code || street || city) {
    const double bits =
        std::clamp(weight(kPostalCode, postal_code) + weight(kStreet, street) + weight(kCity, city),
                   kAddressMin, kAddressMax);
    const Level level = bits >= kAddressMax - 0.5 ? kSame
                        : bits >= 2.5             ? kNear
                        : bits > 0                ? kAlike
                                                  : kDiffers;
    sum.add("address", level, shared(bits));
  }
  return sum.take();
}

}  // namespace clinicdb::clinic::match
