#include "clinicdb/clinic/digest.h"

#include <openssl/evp.h>

#include "clinicdb/base/check.h"

namespace clinicdb::clinic {

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  CLINICDB_CHECK(state_->context != nullptr);
  CLINICDB_CHECK(EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) == 1);
}

Sha256::~Sha256() = default;

void Sha256::add(std::string_view bytes) {
  CLINICDB_CHECK(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
}

std::string Sha256::take() {
  std::string digest(kSha256Bytes, '\0');
  unsigned size = 0;
  CLINICDB_CHECK(EVP_DigestFinal_ex(state_->context,
                                    reinterpret_cast<unsigned char*>(digest.data()), &size) == 1);
  CLINICDB_CHECK(size == kSha256Bytes);
  return digest;
}

std::string sha256(std::string_view bytes) {
  Sha256 digest;
  digest.add(bytes);
  return digest.take();
}

}  // namespace clinicdb::clinic
