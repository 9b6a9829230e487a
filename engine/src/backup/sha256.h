// SHA-256, fed piece by piece. Over OpenSSL's EVP interface.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

namespace clinicdb::engine {

/// Thread-compatible.
class Sha256 {
 public:
  static constexpr std::size_t kBytes = 32;

  Sha256();
  void add(std::string_view bytes);
  /// The 32 bytes of the sum of everything added. REQUIRES: called once.
  std::string finish();

 private:
  struct Free {
    void operator()(void* context) const;
  };
  std::unique_ptr<void, Free> context_;
};

}  // namespace clinicdb::engine
