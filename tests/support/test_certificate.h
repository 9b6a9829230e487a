// TestCertificate: a certificate for localhost that signs itself, with its key, as files of one
// test's own.
#pragma once

#include <string>

#include "support/temporary_directory.h"

namespace clinicdb::test {

class TestCertificate {
 public:
  /// Ends the process with a message when it cannot be made.
  TestCertificate();

  std::string certificate_file() const { return directory_.path("certificate.pem"); }
  std::string key_file() const { return directory_.path("key.pem"); }

 private:
  TemporaryDirectory directory_;
};

}  // namespace clinicdb::test
