// The clinic's limits. What a user may run into is said in the error that refuses it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace clinicdb::clinic {

/// Items on a page when the request does not say.
constexpr std::uint32_t kPageDefault = 20;
constexpr std::uint32_t kPageMax = 1000;
constexpr std::uint32_t kSearchPageMax = 200;
constexpr std::uint32_t kHistoryDefault = 100;

/// Index entries that one search looks at; then the page ends, with a cursor.
constexpr std::size_t kSearchVisitsMax = 20'000;
constexpr std::size_t kSearchWordsMax = 8;
constexpr std::size_t kPhoneSearchDigitsMin = 4;

/// How often a change is made anew on a newer version of its record, when the caller expected none.
constexpr int kSaveAttemptsMax = 32;

/// Of an answer's arena, to begin with: a patient with a name, two phones and an address fits.
constexpr std::size_t kAnswerArenaBytes = 2048;
/// Places of answers that a thread keeps for the next ones of their kind, and how large.
constexpr std::size_t kFreeAnswersMax = 4;
constexpr std::size_t kFreeAnswerBytesMax = std::size_t{256} << 10;

/// Patients of one block that are compared, and patients that one call keeps in memory.
constexpr std::size_t kMatchBlockMax = 500;
constexpr std::size_t kMatchKnownMax = 20'000;
/// Records and appointments that one merge gives to another patient.
constexpr std::size_t kMergeRecordsMax = 5'000;

constexpr std::size_t kNameBytesMax = 512;
constexpr std::size_t kIdentifierBytesMax = 512;
constexpr std::size_t kTitleBytesMax = 120;
constexpr std::size_t kNoteBytesMax = std::size_t{64} << 10;
constexpr std::size_t kListItemsMax = 256;
constexpr std::int64_t kAppointmentUsMax = std::int64_t{24} * 3600 * 1'000'000;

constexpr std::uint32_t kServiceMinutesMax = 24 * 60;
constexpr std::uint32_t kBufferMinutesMax = 240;
/// Patients of a group.
constexpr std::uint32_t kCapacityMax = 200;
/// Pieces of equipment that one appointment takes, and units that one of them has.
constexpr std::size_t kEquipmentMax = 8;
constexpr std::uint32_t kEquipmentUnitsMax = 64;

}  // namespace clinicdb::clinic
