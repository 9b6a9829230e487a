// base64url (RFC 4648, without padding) and hexadecimal, as tokens and keys are written. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace clinicdb::server {

/// nullopt for a character that is not of the alphabet, or a length that no bytes have.
std::optional<std::string> from_base64url(std::string_view text);
std::string to_base64url(std::string_view bytes);

/// nullopt unless it is hexadecimal, in either case.
std::optional<std::string> from_hex(std::string_view text);
std::string to_hex(std::string_view bytes);

/// Takes the same time wherever they differ. False for different lengths.
bool equal_in_constant_time(std::string_view a, std::string_view b);

/// The 32 bytes of SHA-256.
std::string sha256(std::string_view bytes);

}  // namespace clinicdb::server
