// Brazil's identifiers and what else has a syntax: normalised, checked, formatted, and made up for
// test data.
//
// A `parse_*` takes what people type and returns the one form that is stored, or kInvalidArgument
// with a message that begins with the field's name ("patient.cpf: check digit is wrong") and
// `field()` set to it. All functions are pure.
#pragma once

#include <string>
#include <string_view>

#include "clinicdb/base/random.h"
#include "clinicdb/base/result.h"
#include "clinicdb/clinic/schema/common.pb.h"

namespace clinicdb::clinic {

/// CPF: 11 digits with two check digits. Takes 52998224725, 529.982.247-25; yields digits. A number
/// of one digit repeated passes the sums and is refused all the same: nobody has one.
Result<std::string> parse_cpf(std::string_view text, std::string_view field);
std::string format_cpf(std::string_view digits);

/// CNPJ: 14 places, two of them check digits. From July 2026 the first twelve may be letters
/// (Instrução Normativa RFB 2.229/2024); a place is worth its ASCII code less 48, which leaves the
/// numbers of before as they were.
Result<std::string> parse_cnpj(std::string_view text, std::string_view field);
std::string format_cnpj(std::string_view text);

/// CNS: 15 digits. Definitive ones begin with 1 or 2 and hold a PIS number, provisional ones begin
/// with 7, 8 or 9; both have a weighted sum divisible by 11.
Result<std::string> parse_cns(std::string_view text, std::string_view field);
std::string format_cns(std::string_view digits);

/// E.164: "+" and 8 to 15 digits. A Brazilian national number, area code and 8 or 9 digits, with or
/// without trunk zero, becomes +55...; a number with "+" or "00" stays in its country.
Result<std::string> parse_phone(std::string_view text, std::string_view field);

/// One of the 27 federative units, in capitals.
Result<std::string> parse_uf(std::string_view text, std::string_view field);

/// Type, number and state of a professional's council, in the form that is unique.
Result<std::string> parse_council_number(std::string_view text, std::string_view field);

/// A CNES: 7 digits.
Result<std::string> parse_cnes(std::string_view text, std::string_view field);

/// 1 to 63 of a-z, 0-9 and -, not at the ends.
Status check_slug(std::string_view text, std::string_view field);

/// A day that is; month, or month and day, may be 0 where `partial`. Years 1 to 9999.
Status check_date(const Date& date, bool partial, std::string_view field);

/// Valid numbers that nobody was given on purpose: for tests and generated data. Reproducible from
/// the Random.
std::string generate_cpf(Random& random);
std::string generate_cnpj(Random& random);
std::string generate_cns(Random& random);
/// A mobile number of a Brazilian area code, in E.164.
std::string generate_phone(Random& random);

}  // namespace clinicdb::clinic
