#include "match/similarity.h"

#include <algorithm>
#include <array>
#include <utility>

namespace clinicdb::clinic::match {

namespace {

constexpr std::size_t kSoundBytesMax = 4;

std::string_view cut(std::string_view word) { return word.substr(0, kComparedBytesMax); }

/// Pairs of letters that sound as one; the longer come first.
constexpr std::array<std::pair<std::string_view, char>, 10> kDigraphs{{{"sch", 'x'},
                                                                       {"ph", 'f'},
                                                                       {"ck", 'k'},
                                                                       {"ch", 'x'},
                                                                       {"sh", 'x'},
                                                                       {"th", 't'},
                                                                       {"lh", 'l'},
                                                                       {"nh", 'n'},
                                                                       {"wh", 'v'},
                                                                       {"rh", 'r'}}};

char sound_of_letter(char letter) {
  switch (letter) {
    case 'c':
    case 'q':
      return 'k';
    case 'z':
      return 's';
    case 'y':
      return 'i';
    case 'w':
      return 'v';
    case 'j':
      return 'g';
    default:
      return letter;
  }
}

bool is_vowel(char letter) { return std::string_view("aeiou").find(letter) != std::string::npos; }

}  // namespace

double jaro_winkler(std::string_view a, std::string_view b) {
  a = cut(a);
  b = cut(b);
  if (a == b) return 1;
  if (a.empty() || b.empty()) return 0;
  const std::size_t half = std::max(a.size(), b.size()) / 2;
  const std::size_t window = half > 0 ? half - 1 : 0;
  std::array<bool, kComparedBytesMax> in_a{};
  std::array<bool, kComparedBytesMax> in_b{};
  std::size_t common = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const std::size_t end = std::min(b.size(), i + window + 1);
    for (std::size_t j = i > window ? i - window : 0; j < end; ++j) {
      if (in_b[j] || a[i] != b[j]) continue;
      in_a[i] = in_b[j] = true;
      ++common;
      break;
    }
  }
  if (common == 0) return 0;
  std::size_t out_of_order = 0;
  for (std::size_t i = 0, j = 0; i < a.size(); ++i) {
    if (!in_a[i]) continue;
    while (!in_b[j]) ++j;
    if (a[i] != b[j]) ++out_of_order;
    ++j;
  }
  const auto m = static_cast<double>(common);
  const double jaro = (m / static_cast<double>(a.size()) + m / static_cast<double>(b.size()) +
                       (m - static_cast<double>(out_of_order) / 2) / m) /
                      3;
  constexpr std::size_t kPrefixMax = 4;
  constexpr double kPrefixWeight = 0.1;
  const auto [end, ignored] = std::mismatch(
      a.begin(), a.begin() + static_cast<std::ptrdiff_t>(std::min(kPrefixMax, a.size())), b.begin(),
      b.begin() + static_cast<std::ptrdiff_t>(std::min(kPrefixMax, b.size())));
  return jaro + static_cast<double>(end - a.begin()) * kPrefixWeight * (1 - jaro);
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  a = cut(a);
  b = cut(b);
  // Three rows of the table are enough: a swap looks two back.
  std::array<std::array<std::uint8_t, kComparedBytesMax + 1>, 3> rows{};
  for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = static_cast<std::uint8_t>(j);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto& row = rows[i % 3];
    const auto& above = rows[(i - 1) % 3];
    row[0] = static_cast<std::uint8_t>(i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const int replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      int least = std::min({above[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        least = std::min(least, rows[(i - 2) % 3][j - 2] + 1);
      }
      row[j] = static_cast<std::uint8_t>(least);
    }
  }
  return rows[a.size() % 3][b.size()];
}

std::string sound_of(std::string_view word) {
  std::string sound;
  bool first = true;
  while (!word.empty() && sound.size() < kSoundBytesMax) {
    const auto* const pair =
        std::find_if(kDigraphs.begin(), kDigraphs.end(),
                     [&](const auto& digraph) { return word.starts_with(digraph.first); });
    const char letter = pair == kDigraphs.end() ? sound_of_letter(word.front()) : pair->second;
    word.remove_prefix(pair == kDigraphs.end() ? 1 : pair->first.size());
    if (letter == 'h') continue;
    if (is_vowel(letter)) {
      if (first) sound.push_back('a');
    } else if (sound.empty() || sound.back() != letter) {
      sound.push_back(letter);
    }
    first = false;
  }
  return sound;
}

}  // namespace clinicdb::clinic::match
