// Certificates, keys and web-config files made for one test, in a folder of its own.
#pragma once

#include <crypt.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

namespace heapfloor::testing {

struct KeyPair {
  std::string certificate;  // PEM
  std::string key;          // PEM
};

struct CertificateWish {
  std::string name = "localhost";
  std::string sans = "DNS:localhost,IP:127.0.0.1";  // empty: none
  long valid_from_seconds = -3600;                  // counted from now
  long valid_to_seconds = 86400;
  bool is_authority = false;
};

inline std::string pem_text(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

// Signed by the issuer, or by itself. ECDSA on P-256: RSA keys take long to make.
inline KeyPair make_certificate(const CertificateWish& wish, const KeyPair* issuer = nullptr) {
  static long serial = 1000;
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), wish.valid_from_seconds);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), wish.valid_to_seconds);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* const name = X509_get_subject_name(certificate.get());
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): OpenSSL takes bytes
  const auto* const bytes = reinterpret_cast<const unsigned char*>(wish.name.c_str());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, bytes, -1, -1, 0);
  std::unique_ptr<X509, decltype(&X509_free)> issuer_certificate(nullptr, X509_free);
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> issuer_key(nullptr, EVP_PKEY_free);
  if (issuer != nullptr) {
    const std::unique_ptr<BIO, decltype(&BIO_free_all)> in(
        BIO_new_mem_buf(issuer->certificate.data(), -1), BIO_free_all);
    issuer_certificate.reset(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
    const std::unique_ptr<BIO, decltype(&BIO_free_all)> key_in(
        BIO_new_mem_buf(issuer->key.data(), -1), BIO_free_all);
    issuer_key.reset(PEM_read_bio_PrivateKey(key_in.get(), nullptr, nullptr, nullptr));
  }
  X509* const signer = issuer_certificate ? issuer_certificate.get() : certificate.get();
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer));
  X509V3_CTX context;
  X509V3_set_ctx(&context, signer, certificate.get(), nullptr, nullptr, 0);
  const auto extend = [&](int id, const std::string& value) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str());
    if (extension == nullptr) throw std::runtime_error("bad extension " + value);
    X509_add_ext(certificate.get(), extension, -1);
    X509_EXTENSION_free(extension);
  };
  if (wish.is_authority) extend(NID_basic_constraints, "critical,CA:TRUE");
  if (!wish.sans.empty()) extend(NID_subject_alt_name, wish.sans);
  X509_sign(certificate.get(), issuer_key ? issuer_key.get() : key.get(), EVP_sha256());
  KeyPair pair;
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> out(BIO_new(BIO_s_mem()), BIO_free_all);
  PEM_write_bio_X509(out.get(), certificate.get());
  pair.certificate = pem_text(out.get());
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> key_out(BIO_new(BIO_s_mem()), BIO_free_all);
  PEM_write_bio_PrivateKey(key_out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  pair.key = pem_text(key_out.get());
  return pair;
}

// What htpasswd -nB would write.
inline std::string make_bcrypt(const std::string& password, const char* prefix = "$2y$",
                               unsigned long cost = 10) {
  std::array<char, CRYPT_GENSALT_OUTPUT_SIZE> salt{};
  const std::array<char, 16> random = {'n', 'o', 't', ' ', 'r', 'a', 'n', 'd',
                                       'o', 'm', '.', '.', '.', '.', '.', '.'};
  crypt_gensalt_rn(prefix, cost, random.data(), static_cast<int>(random.size()), salt.data(),
                   static_cast<int>(salt.size()));
  const auto memory = std::make_unique<crypt_data>();
  return crypt_r(password.c_str(), salt.data(), memory.get());
}

class WebFiles {
 public:
  WebFiles() {
    std::string name = (std::filesystem::temp_directory_path() / "heapfloor-web-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = name;
  }
  WebFiles(const WebFiles&) = delete;
  WebFiles& operator=(const WebFiles&) = delete;
  ~WebFiles() { std::filesystem::remove_all(folder_); }

  // Replaces the file as a careful administrator does: whole, by a rename.
  std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) {
    std::string path = this->path(name);
    {
      std::ofstream stream(path + ".new", std::ios::binary);
      stream << text;
    }
    chmod((path + ".new").c_str(), mode);
    std::filesystem::rename(path + ".new", path);
    return path;
  }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_ + "/" + name; }

  // server.crt and server.key.
  void write_server(const KeyPair& pair) {
    write("server.key", pair.key);
    write("server.crt", pair.certificate, 0644);
  }

 private:
  std::string folder_;
};

}  // namespace heapfloor::testing
