#include "support/test_certificate.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>

#include "clinicdb/base/check.h"

namespace clinicdb::test {

namespace {

template <auto kFree>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>>;
using File = std::unique_ptr<std::FILE, Freed<std::fclose>>;

constexpr long kDaySeconds = 24L * 3600;

Certificate sign(EVP_PKEY* key) {
  Certificate made(X509_new());
  CLINICDB_CHECK(made != nullptr);
  X509_set_version(made.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -kDaySeconds);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), kDaySeconds);
  X509_set_pubkey(made.get(), key);
  X509_NAME* name = X509_get_subject_name(made.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
  X509_set_issuer_name(made.get(), name);
  const Extension names(
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1"));
  CLINICDB_CHECK(names != nullptr);
  X509_add_ext(made.get(), names.get(), -1);
  CLINICDB_CHECK(X509_sign(made.get(), key, EVP_sha256()) > 0);
  return made;
}

}  // namespace

TestCertificate::TestCertificate() {
  const Key key(EVP_EC_gen("P-256"));
  CLINICDB_CHECK(key != nullptr);
  const Certificate made = sign(key.get());
  const File certificate(std::fopen(certificate_file().c_str(), "w"));
  CLINICDB_CHECK(certificate != nullptr);
  CLINICDB_CHECK(PEM_write_X509(certificate.get(), made.get()) == 1);
  const File private_key(std::fopen(key_file().c_str(), "w"));
  CLINICDB_CHECK(private_key != nullptr);
  CLINICDB_CHECK(PEM_write_PrivateKey(private_key.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                      nullptr) == 1);
}

}  // namespace clinicdb::test
