// How alike two words are: what names, dates and numbers are compared by when patients are matched.
//
// Words are folded before (engine::fold_text); all functions are pure, and take a few hundred
// nanoseconds for words of usual length. Words are cut to kComparedBytesMax.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace clinicdb::clinic::match {

constexpr std::size_t kComparedBytesMax = 64;

/// Jaro's similarity, raised for a common beginning as Winkler proposed: 1 for equal words, 0 for
/// words without a common letter. Two empty words are equal.
double jaro_winkler(std::string_view a, std::string_view b);

/// How many insertions, deletions, replacements and swaps of neighbours make `b` of `a` (optimal
/// string alignment).
std::size_t edit_distance(std::string_view a, std::string_view b);

/// How a name sounds, roughly, in Portuguese and English alike: "Sousa", "Souza" and "Soza" are
/// one. At most four letters; empty for a word without letters. What blocks are made by, so it
/// joins too many names rather than too few. Stored in an index: another result is a new index
/// version.
std::string sound_of(std::string_view folded_word);

}  // namespace clinicdb::clinic::match
