// Compressed payloads: u32 length of the plain bytes, then one LZ4 block. Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "clinicdb/base/status.h"

namespace clinicdb::wire {

/// Puts `plain`, compressed, into `out`; false, with `out` unspecified, when that would save less
/// than an eighth.
bool compress_payload(std::string_view plain, std::string& out);

/// Puts what `payload` holds into `out`, at most `plain_bytes_max`. The declared length is not
/// believed: it must be what the block really gives, and no more than LZ4 can make of its bytes.
/// kDataLoss or kResourceExhausted otherwise; `out` is then unspecified.
Status decompress_payload(std::string_view payload, std::size_t plain_bytes_max, std::string& out);

}  // namespace clinicdb::wire
