// A TLS client that believes any server, over a raw connection.
#pragma once

#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "tests/http/raw_client.h"
#include "tests/http/web_files.h"

namespace heapfloor::testing {

struct TlsWish {
  const KeyPair* certificate = nullptr;  // the client's
  int maximum = TLS1_3_VERSION;
  const char* ciphers = nullptr;  // of TLS 1.2; nothing: the library's
};

class TlsConnection {
 public:
  explicit TlsConnection(std::uint16_t port, const TlsWish& wish = {})
      : raw_(port),
        context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free),
        ssl_(nullptr, SSL_free) {
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context_.get(), wish.maximum);
    SSL_CTX_set_security_level(context_.get(), 0);
    if (wish.ciphers != nullptr) SSL_CTX_set_cipher_list(context_.get(), wish.ciphers);
    if (wish.certificate != nullptr) use(*wish.certificate);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), raw_.descriptor());
    is_connected_ = SSL_connect(ssl_.get()) == 1;
  }

  // In TLS 1.3 a server refuses a client's certificate only after this.
  [[nodiscard]] bool is_connected() const { return is_connected_; }
  [[nodiscard]] int version() const { return SSL_version(ssl_.get()); }
  [[nodiscard]] std::string cipher() const { return SSL_get_cipher_name(ssl_.get()); }
  [[nodiscard]] long server_serial() const {
    X509* const server = SSL_get0_peer_certificate(ssl_.get());
    return server == nullptr ? 0 : ASN1_INTEGER_get(X509_get0_serialNumber(server));
  }

  RawResponse request(std::string_view text) {
    if (!is_connected_) return {};
    SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size()));
    std::string all;
    std::array<char, 4096> part{};
    for (;;) {
      const int got = SSL_read(ssl_.get(), part.data(), static_cast<int>(part.size()));
      if (got <= 0) return parse_raw_response(all);
      all.append(part.data(), static_cast<std::size_t>(got));
    }
  }
  RawResponse get(std::string_view path, std::string_view headers = "",
                  std::string_view method = "GET") {
    return request(std::string(method) + ' ' + std::string(path) +
                   " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + std::string(headers) +
                   "\r\n");
  }

 private:
  void use(const KeyPair& pair) {
    const std::unique_ptr<BIO, decltype(&BIO_free_all)> in(
        BIO_new_mem_buf(pair.certificate.data(), -1), BIO_free_all);
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(
        PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr), X509_free);
    SSL_CTX_use_certificate(context_.get(), certificate.get());
    const std::unique_ptr<BIO, decltype(&BIO_free_all)> key_in(BIO_new_mem_buf(pair.key.data(), -1),
                                                               BIO_free_all);
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
        PEM_read_bio_PrivateKey(key_in.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
    SSL_CTX_use_PrivateKey(context_.get(), key.get());
  }

  RawConnection raw_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
  bool is_connected_ = false;
};

}  // namespace heapfloor::testing
