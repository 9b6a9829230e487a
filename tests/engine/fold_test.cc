#include "clinicdb/engine/fold.h"

#include <catch2/catch.hpp>

#include "clinicdb/base/bytes.h"
#include "clinicdb/base/random.h"

namespace clinicdb::engine {

using Words = std::vector<std::string>;

TEST_CASE("fold: case and accents do not count", "[engine]") {
  CHECK(fold_text("JOSÉ DA CONCEIÇÃO") == "jose da conceicao");
  CHECK(fold_text("Straße") == "strasse");
  CHECK(fold_text("STRASSE") == "strasse");
  CHECK(fold_text("Müller Łukasz Ødegård Đorđević Þór Æsa") ==
        "muller lukasz odegard dordevic thor aesa");
  CHECK(fold_text("Σίσυφος") == "σισυφοσ");
  CHECK(fold_text("Йорданов Ёлкина") == "иорданов елкина");
  CHECK(fold_text("İstanbul ısı") == "istanbul isi");
  CHECK(fold_text("ﬁlho ＡＢＣ１２ 1º") == "filho abc12 1o");
}

TEST_CASE("fold: composed and combining spellings are one", "[engine]") {
  CHECK(fold_text("Joa\xcc\x83o") == "joao");
  CHECK(fold_text("João") == "joao");
  CHECK(fold_text("Na\xc3\xadr") == fold_text("Nai\xcc\x81r"));
}

TEST_CASE("fold: bytes that are not UTF-8 are replaced, never an error", "[engine]") {
  CHECK(fold_text("Jos\xe9 A") == "jos\xef\xbf\xbd a");
  CHECK(fold_text("\xff\xfe") == "\xef\xbf\xbd\xef\xbf\xbd");
  CHECK(fold_text("a\xc3") == "a\xef\xbf\xbd");
  CHECK(fold_words("Jos\xe9 Silva") == Words{"jos", "silva"});
  CHECK(fold_text(std::string_view("a\0B", 3)) == std::string("a\0b", 3));
}

TEST_CASE("fold: folding what is folded changes nothing", "[engine]") {
  int changed = 0;
  for (std::uint32_t c = 1; c < 0x110000; ++c) {
    if (c >= 0xd800 && c < 0xe000) continue;
    std::string text;
    if (c < 0x80) {
      text.push_back(static_cast<char>(c));
    } else if (c < 0x800) {
      text.push_back(static_cast<char>(0xc0 | (c >> 6)));
      text.push_back(static_cast<char>(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
      text.push_back(static_cast<char>(0xe0 | (c >> 12)));
      text.push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3f)));
      text.push_back(static_cast<char>(0x80 | (c & 0x3f)));
    } else {
      text.push_back(static_cast<char>(0xf0 | (c >> 18)));
      text.push_back(static_cast<char>(0x80 | ((c >> 12) & 0x3f)));
      text.push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3f)));
      text.push_back(static_cast<char>(0x80 | (c & 0x3f)));
    }
    const std::string once = fold_text(text);
    if (fold_text(once) != once) {
      ++changed;
      UNSCOPED_INFO("code point " << c << " folds to " << to_hex(once));
    }
  }
  CHECK(changed == 0);
}

TEST_CASE("fold: any bytes fold to UTF-8 that folds to itself", "[engine]") {
  SeededRandom random(5);
  for (int i = 0; i < 5000; ++i) {
    std::string text(random.below(24), '\0');
    for (char& c : text) c = static_cast<char>(random.next());
    const std::string once = fold_text(text);
    if (fold_text(once) != once) FAIL(to_hex(text));
    for (const std::string& word : fold_words(text)) {
      if (word.empty() || fold_text(word) != word) FAIL(to_hex(text));
    }
  }
  SUCCEED();
}

TEST_CASE("fold_words: a name is found by its parts and by the parts joined", "[engine]") {
  CHECK(fold_words("Ana d'Ávila") == Words{"ana", "avila", "d", "davila"});
  CHECK(fold_words("Ana d’Ávila") == fold_words("Ana d'Ávila"));
  CHECK(fold_words("Ana d´Ávila") == fold_words("Ana d'Ávila"));
  CHECK(fold_words("Ana d`Ávila") == fold_words("Ana d'Ávila"));
  CHECK(fold_words("Souza-Lima") == Words{"lima", "souza", "souzalima"});
  CHECK(fold_words("Souza‐Lima") == fold_words("Souza-Lima"));
  CHECK(fold_words("Jean-Luc-Marie Zé") == Words{"jean", "jeanlucmarie", "luc", "marie", "ze"});
  CHECK(fold_words("'Ana' - Bia--Caio") == Words{"ana", "bia", "caio"});
}

TEST_CASE("fold_words: words are distinct, sorted, and hold no separators", "[engine]") {
  CHECK(fold_words("Maria maria MARIA, Silva & Silva (Dra.)") == Words{"dra", "maria", "silva"});
  CHECK(fold_words("😀Ana😀 ❤️ Zoé").size() == 2);
  CHECK(fold_words("😀Ana😀 ❤️ Zoé") == Words{"ana", "zoe"});
  CHECK(fold_words("Άννα Ёлкина") == Words{"αννα", "елкина"});
  CHECK(fold_words("").empty());
  CHECK(fold_words(" .,;-'\" \t\n").empty());
  CHECK(fold_words("A1 2B") == Words{"2b", "a1"});
}

TEST_CASE("fold_words: a long word is cut between characters, in records and searches alike",
          "[engine]") {
  std::string word(63, 'x');
  word += "яяя";
  REQUIRE(fold_words(word).size() == 1);
  CHECK(fold_words(word)[0] == std::string(63, 'x'));
  CHECK(fold_query(word) == fold_words(word));
  CHECK(fold_words(std::string(1 << 20, 'a')) == Words{std::string(64, 'a')});
}

TEST_CASE("fold_query: each searched word begins a word of the record", "[engine]") {
  auto finds = [](std::string_view query, std::string_view text) {
    const Words words = fold_words(text);
    for (const std::string& wanted : fold_query(query)) {
      bool found = false;
      for (const std::string& word : words) found = found || word.starts_with(wanted);
      if (!found) return false;
    }
    return true;
  };
  CHECK(finds("d'avila", "Ana d'Ávila"));
  CHECK(finds("d'avila", "Ana Davila"));
  CHECK(finds("davila", "Ana D’Ávila"));
  CHECK(finds("avila an", "Ana d'Ávila"));
  CHECK(finds("souza-lima", "Bia Souza Lima"));
  CHECK(finds("souza-lima", "Bia Souza-Lima"));
  CHECK(finds("souza lima", "Bia Souza-Lima"));
  CHECK(finds("SOUZALIMA", "Bia Souza-Lima"));
  CHECK(finds("sant'a", "Rua Sant'Anna"));
  CHECK_FALSE(finds("vila", "Ana d'Ávila"));
  CHECK(fold_query("Lima, ana LIMA") == Words{"lima", "ana"});
}

TEST_CASE("fold_digits: only digits stay", "[engine]") {
  CHECK(fold_digits("+55 (27) 99988-7766") == "5527999887766");
  CHECK(fold_digits("１２３ a\xff 4²") == "1234");
  CHECK(fold_digits("").empty());
}

TEST_CASE("fold: Latin letters fold alike alone and beside what the table does not hold",
          "[engine]") {
  // U+4E00 takes the text off the ASCII path; the table must give what utf8proc gives.
  for (int code_point = 1; code_point < 0x0260; ++code_point) {
    std::string letter;
    if (code_point < 0x80) {
      letter.push_back(static_cast<char>(code_point));
    } else {
      letter.push_back(static_cast<char>(0xc0 | (code_point >> 6)));
      letter.push_back(static_cast<char>(0x80 | (code_point & 0x3f)));
    }
    CAPTURE(code_point);
    CHECK(fold_text(letter) + "\u4e00" == fold_text(letter + "\u4e00"));
    CHECK(fold_text(fold_text(letter)) == fold_text(letter));
  }
  CHECK(fold_text("ÁÉÍÓÚÂÊÔÃÕÇ àü ñ") == "aeiouaeoaoc au n");
}

}  // namespace clinicdb::engine
