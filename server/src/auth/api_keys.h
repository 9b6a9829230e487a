// ApiKeys: keys for programs, kept hashed in a file that an operator edits by `clinicdb key`.
//
// A key is "cdb_<id>_<secret>": the id is public, the secret 32 random bytes in base64url. The file
// has the secret's SHA-256; nothing slower is needed against guessing 256 random bits. One JSON
// object a line, so that a line can be taken out by hand:
//
//   {"id":"reception1","sha256":"…","tenants":["sorriso"],"roles":["reception"],"until":"…"}
//
// Immutable once read; thread-safe.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "auth/principal.h"
#include "clinicdb/base/random.h"
#include "clinicdb/base/result.h"

namespace clinicdb::server {

struct ApiKey {
  std::string id;           ///< 1 to 32 of a-z, 0-9 and -
  std::string secret_hash;  ///< 32 bytes
  std::vector<std::string> tenants;
  std::vector<std::string> roles;
  std::int64_t until_us = 0;  ///< 0: without end
};

class ApiKeys {
 public:
  /// kInvalidArgument names the line that is wrong.
  static Result<ApiKeys> parse(std::string_view text);

  /// Who the key is for. kUnauthenticated for a key that is not known, wrong or has ended; which of
  /// it is not told.
  Result<Principal> verify(std::string_view key, Time now) const;
  std::size_t size() const { return keys_.size(); }

 private:
  struct Entry {
    ApiKey key;
    Principal principal;
  };
  std::map<std::string, Entry, std::less<>> keys_;
};

struct NewApiKey {
  std::string text;  ///< shown once, to who asked for it
  std::string line;  ///< for the file, without the line's end
};
/// kInvalidArgument for an id or role that is none.
Result<NewApiKey> make_api_key(ApiKey key, Random& random);

}  // namespace clinicdb::server
