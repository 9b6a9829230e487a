// SHA-256, at once and in pieces: what chunks are found by and signatures are made over. Pure.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace clinicdb::clinic {

constexpr std::size_t kSha256Bytes = 32;

std::string sha256(std::string_view bytes);

/// Of bytes that come in pieces. Confined to one thread.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  void add(std::string_view bytes);
  /// At most once.
  std::string take();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace clinicdb::clinic
