#include "clinicdb/engine/fold.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "store/limits.h"

namespace clinicdb::engine {

namespace {

constexpr std::int32_t kReplacement = 0xfffd;
// First code point behind Basic Latin, Latin-1 and Latin Extended-A and -B.
constexpr std::int32_t kLatinEnd = 0x0250;

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<std::uint8_t>(c) < 0x80; });
}

char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

/// Takes one code point off the front. A byte that begins none is replaced alone, so that what
/// follows it is still read.
std::int32_t take_code_point(std::string_view& text) {
  std::int32_t code_point = 0;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  const auto taken =
      utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(text.size()), &code_point);
  text.remove_prefix(taken > 0 ? static_cast<std::size_t>(taken) : 1);
  return taken > 0 ? code_point : kReplacement;
}

void append_code_point(std::string& out, std::int32_t code_point) {
  std::array<std::uint8_t, 4> bytes{};
  const auto size = utf8proc_encode_char(code_point, bytes.data());
  out.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(size));
}

/// What Unicode leaves whole but people type plainly; empty for everything else. Only lower case:
/// it is asked after case folding. The acute accent standing alone is how many Brazilian forms
/// spell an apostrophe, and would otherwise decompose to a space.
std::string_view plain_form(std::int32_t code_point) {
  switch (code_point) {
    case 0x00e6:
      return "ae";
    case 0x00f0:
    case 0x0111:
      return "d";
    case 0x00f8:
      return "o";
    case 0x00fe:
      return "th";
    case 0x0127:
      return "h";
    case 0x0131:
      return "i";
    case 0x0142:
      return "l";
    case 0x0153:
      return "oe";
    case 0x0167:
      return "t";
    case 0x0060:
    case 0x00b4:
    case 0x02b9:
    case 0x02bb:
    case 0x02bc:
    case 0x02bd:
    case 0x2018:
    case 0x2019:
    case 0x201b:
    case 0x2032:
    case 0x2035:
    case 0xff07:
      return "'";
    case 0x2010:
    case 0x2011:
      return "-";
    default:
      return {};
  }
}

void append_folded(std::string& out, std::int32_t code_point) {
  if (const std::string_view plain = plain_form(code_point); !plain.empty()) {
    out.append(plain);
    return;
  }
  // The longest decomposition in Unicode (U+FDFA) has 18 code points.
  std::array<std::int32_t, 32> parts{};
  int boundary_class = 0;
  constexpr auto kOptions =
      static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD |
                                     UTF8PROC_STRIPMARK | UTF8PROC_IGNORE);
  const auto count =
      utf8proc_decompose_char(code_point, parts.data(), parts.size(), kOptions, &boundary_class);
  if (count < 0 || count > static_cast<utf8proc_ssize_t>(parts.size())) {
    append_code_point(out, kReplacement);
    return;
  }
  for (utf8proc_ssize_t i = 0; i < count; ++i) {
    const std::int32_t part = parts[static_cast<std::size_t>(i)];
    const std::string_view plain = plain_form(part);
    if (plain.empty())
      append_code_point(out, part);
    else
      out.append(plain);
  }
}

/// What the letters of Latin script fold to, looked up once: names are written in little else, and
/// utf8proc spends more on one letter than the rest of folding on a whole name.
const std::string& folded_latin(std::int32_t code_point) {
  static const std::vector<std::string> kFolded = [] {
    std::vector<std::string> folded(kLatinEnd);
    for (std::size_t i = 0; i < kLatinEnd; ++i) {
      append_folded(folded[i], static_cast<std::int32_t>(i));
    }
    return folded;
  }();
  return kFolded[static_cast<std::size_t>(code_point)];
}

bool is_word_code_point(std::int32_t code_point) {
  if (code_point < 0x80) {
    return (code_point >= 'a' && code_point <= 'z') || (code_point >= '0' && code_point <= '9');
  }
  switch (utf8proc_category(code_point)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return true;
    default:
      return false;
  }
}

/// The word without the bytes beyond the limit, and without half a character.
std::string_view cut_word(std::string_view word) {
  if (word.size() <= kFoldedWordBytesMax) return word;
  std::size_t size = kFoldedWordBytesMax;
  while (size > 0 && (static_cast<std::uint8_t>(word[size]) & 0xc0) == 0x80) --size;
  return word.substr(0, size);
}

/// A run of letters and digits, and the apostrophe or hyphen that ties it to the run before it, or
/// 0.
struct Run {
  std::string_view word;
  char joint = 0;
};

/// The runs of `folded`, as views into it.
std::vector<Run> runs_of(std::string_view folded) {
  std::vector<Run> runs;
  std::string_view rest = folded;
  const char* run_begin = nullptr;
  std::string_view between;
  auto end_run = [&](const char* end) {
    if (run_begin == nullptr) return;
    const bool joined = between == "'" || between == "-";
    runs.push_back({{run_begin, static_cast<std::size_t>(end - run_begin)},
                    joined && !runs.empty() ? between[0] : '\0'});
    run_begin = nullptr;
    between = {end, 0};
  };
  between = folded.substr(0, 0);
  while (!rest.empty()) {
    const char* at = rest.data();
    std::int32_t code_point = static_cast<std::uint8_t>(*at);
    if (code_point < 0x80) {
      rest.remove_prefix(1);
    } else {
      code_point = take_code_point(rest);
    }
    const bool in_word = is_word_code_point(code_point);
    if (in_word && run_begin == nullptr) {
      run_begin = at;
      between = {between.data(), static_cast<std::size_t>(at - between.data())};
    } else if (!in_word) {
      end_run(at);
    }
  }
  end_run(folded.data() + folded.size());
  return runs;
}

}  // namespace

std::string fold_text(std::string_view utf8) {
  std::string out;
  out.reserve(utf8.size());
  if (is_ascii(utf8)) {
    for (const char c : utf8) out.push_back(c == '`' ? '\'' : ascii_lower(c));
    return out;
  }
  while (!utf8.empty()) {
    const std::int32_t code_point = take_code_point(utf8);
    if (code_point < kLatinEnd) {
      out.append(folded_latin(code_point));
    } else {
      append_folded(out, code_point);
    }
  }
  return out;
}

std::vector<std::string> fold_words(std::string_view utf8) {
  const std::string folded = fold_text(utf8);
  const std::vector<Run> runs = runs_of(folded);
  std::vector<std::string> words;
  words.reserve(runs.size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    words.emplace_back(cut_word(runs[i].word));
    if (runs[i].joint != 0 || i + 1 == runs.size() || runs[i + 1].joint == 0) continue;
    std::string whole(runs[i].word);
    for (std::size_t j = i + 1; j < runs.size() && runs[j].joint != 0; ++j) whole += runs[j].word;
    words.emplace_back(cut_word(whole));
  }
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  return words;
}

std::vector<std::string> fold_query(std::string_view utf8) {
  const std::string folded = fold_text(utf8);
  std::vector<std::string> words;
  for (const Run& run : runs_of(folded)) {
    if (run.joint == '\'')
      words.back().append(run.word);
    else
      words.emplace_back(run.word);
  }
  std::vector<std::string> distinct;
  for (const std::string& word : words) {
    const std::string_view cut = cut_word(word);
    if (std::find(distinct.begin(), distinct.end(), cut) == distinct.end())
      distinct.emplace_back(cut);
  }
  return distinct;
}

std::string fold_digits(std::string_view utf8) {
  std::string digits;
  while (!utf8.empty()) {
    std::int32_t code_point = take_code_point(utf8);
    constexpr std::int32_t kFullWidthZero = 0xff10;
    if (code_point >= kFullWidthZero && code_point <= kFullWidthZero + 9) {
      code_point = code_point - kFullWidthZero + '0';
    }
    if (code_point >= '0' && code_point <= '9') digits.push_back(static_cast<char>(code_point));
  }
  return digits;
}

}  // namespace clinicdb::engine
