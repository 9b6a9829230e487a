// Folding: text as it is searched, so that "joao" finds "João" and "STRASSE" finds "Straße".
//
//   for (const std::string& word : fold_words("Ana d'Ávila")) ...   // "ana", "avila", "d",
//   "davila"
//
// Case is folded, accents and other marks are stripped, compatibility forms (full width, ligatures)
// become plain. Letters that Unicode does not take apart but people type plainly become what they
// type: ø o, ł l, đ d, æ ae, œ oe, þ th. Scripts that write vowels as marks lose them, so a search
// there finds more, never less. Bytes that are not UTF-8 become U+FFFD; no input is an error. All
// functions are pure: what is stored in indexes depends on them, so a change of their results is a
// new version of every kTokens index.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace clinicdb::engine {

/// The folded text; folding it again changes nothing. Typographic apostrophes become ', hyphens -.
std::string fold_text(std::string_view utf8);

/// The distinct words that a record with this text is found by, sorted. Words are runs of letters
/// and digits, cut to 64 bytes. Runs joined by a single apostrophe or hyphen yield their parts and
/// also the whole without the joints: "d'Ávila" is found as "avila" and "davila", "Souza-Lima" as
/// "souza", "lima" and "souzalima".
std::vector<std::string> fold_words(std::string_view utf8);

/// The distinct words to search for, in the order typed. Unlike fold_words it decides for one
/// spelling: an apostrophe joins ("d'avila" searches "davila") and a hyphen separates ("souza-lima"
/// searches "souza" and "lima"). A record matches when each of these is the beginning of one of its
/// words.
std::vector<std::string> fold_query(std::string_view utf8);

/// The digits 0-9 of the text, full-width ones included, and nothing else: "+55 (27) 9…" as
/// "55279…".
std::string fold_digits(std::string_view utf8);

}  // namespace clinicdb::engine
