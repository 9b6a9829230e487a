#include "tls.h"

#include <asio/ssl/context.hpp>
#include <asio/ssl/verify_mode.hpp>

namespace clinicdb::client {

namespace {

Status problem(const char* field, const std::string& file, const asio::error_code& error) {
  return invalid_argument("TLS cannot use " + (file.empty() ? "the system's certificates" : file) +
                          ": " + error.message())
      .with_field(field);
}

}  // namespace

Result<std::shared_ptr<asio::ssl::context>> make_tls(const TlsOptions& options) {
  if (!options.enabled) return std::shared_ptr<asio::ssl::context>();
  if (options.certificate_file.empty() != options.key_file.empty()) {
    return invalid_argument("a certificate needs its key, and a key its certificate")
        .with_field("tls.certificate_file");
  }
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_3_VERSION);
  asio::error_code error;
  context->set_verify_mode(asio::ssl::verify_peer, error);
  if (options.authority_file.empty()) {
    context->set_default_verify_paths(error);
  } else {
    context->load_verify_file(options.authority_file, error);
  }
  if (error) return problem("tls.authority_file", options.authority_file, error);
  if (!options.certificate_file.empty()) {
    context->use_certificate_chain_file(options.certificate_file, error);
    if (error) return problem("tls.certificate_file", options.certificate_file, error);
    context->use_private_key_file(options.key_file, asio::ssl::context::pem, error);
    if (error) return problem("tls.key_file", options.key_file, error);
  }
  return context;
}

}  // namespace clinicdb::client
