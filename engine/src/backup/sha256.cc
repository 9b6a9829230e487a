#include "backup/sha256.h"

#include <openssl/evp.h>

#include "clinicdb/base/check.h"

namespace clinicdb::engine {

namespace {
EVP_MD_CTX* as_context(void* context) { return static_cast<EVP_MD_CTX*>(context); }
}  // namespace

void Sha256::Free::operator()(void* context) const { EVP_MD_CTX_free(as_context(context)); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  CLINICDB_CHECK(context_ != nullptr);
  CLINICDB_CHECK(EVP_DigestInit_ex(as_context(context_.get()), EVP_sha256(), nullptr) == 1);
}

void Sha256::add(std::string_view bytes) {
  CLINICDB_CHECK(EVP_DigestUpdate(as_context(context_.get()), bytes.data(), bytes.size()) == 1);
}

std::string Sha256::finish() {
  std::string sum(kBytes, '\0');
  unsigned size = 0;
  CLINICDB_CHECK(EVP_DigestFinal_ex(as_context(context_.get()),
                                    reinterpret_cast<unsigned char*>(sum.data()), &size) == 1);
  CLINICDB_CHECK(size == kBytes);
  return sum;
}

}  // namespace clinicdb::engine
