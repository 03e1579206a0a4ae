#include "agent/http/security.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace heapfloor {
namespace {

constexpr std::size_t kLargestFileBytes = std::size_t{1024} * 1024;

template <auto kFree>
struct Freer {
  template <class T>
  void operator()(T* pointer) const {
    kFree(pointer);
  }
};
using Bio = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Freer<GENERAL_NAMES_free>>;

Failure wrong(const std::string& file, std::string reason) {
  ERR_clear_error();
  return failure(ErrorKind::malformed, file, std::move(reason));
}

// --- files

FileStamp stamp_of(const std::string& file, const struct stat& state) {
  constexpr std::int64_t kNanoseconds = 1'000'000'000;
  return {file, static_cast<std::uint64_t>(state.st_dev), static_cast<std::uint64_t>(state.st_ino),
          static_cast<std::int64_t>(state.st_size),
          static_cast<std::int64_t>(state.st_mtim.tv_sec) * kNanoseconds + state.st_mtim.tv_nsec};
}

FileStamp stamp_now(const std::string& file) {
  struct stat state {};
  if (stat(file.c_str(), &state) != 0) return {.file = file};
  return stamp_of(file, state);
}

class Descriptor {
 public:
  explicit Descriptor(const std::string& file)
      : number_(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

struct FileText {
  std::string text;
  FileStamp stamp;
  mode_t mode = 0;
};

Result<FileText> read_file(const std::string& file) {
  const Descriptor descriptor(file);
  struct stat state {};
  if (descriptor.number() < 0 || fstat(descriptor.number(), &state) != 0) {
    return failure(ErrorKind::io, file, std::string("cannot be opened: ") + std::strerror(errno));
  }
  if (!S_ISREG(state.st_mode)) return wrong(file, "is not a regular file");
  FileText out{.text = {}, .stamp = stamp_of(file, state), .mode = state.st_mode};
  std::array<char, 16384> part{};
  for (;;) {
    const ssize_t got = read(descriptor.number(), part.data(), part.size());
    if (got < 0) return failure(ErrorKind::io, file, "cannot be read");
    if (got == 0) return out;
    out.text.append(part.data(), static_cast<std::size_t>(got));
    if (out.text.size() > kLargestFileBytes) return wrong(file, "is larger than 1 MiB");
  }
}

// --- PEM

struct Pem {
  std::string name;  // of the file, for messages
  std::string text;
};

Bio bio_of(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::vector<Certificate> certificates_of(const Pem& pem) {
  std::vector<Certificate> certificates;
  const Bio bio = bio_of(pem.text);
  while (X509* const one = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    certificates.emplace_back(one);
  }
  ERR_clear_error();
  return certificates;
}

// A key under a passphrase is not read: there is nobody to ask for it.
PrivateKey key_of(const Pem& pem) {
  const auto no_passphrase = [](char*, int, int, void*) { return -1; };
  const Bio bio = bio_of(pem.text);
  return PrivateKey(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
}

// --- client certificates

std::string_view text_of(const ASN1_STRING* string) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): OpenSSL gives bytes
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

// DNS name, address, e-mail or URI as text; empty for other kinds.
std::string san_text(const GENERAL_NAME& name) {
  if (name.type == GEN_DNS || name.type == GEN_EMAIL || name.type == GEN_URI) {
    return std::string(text_of(name.d.ia5));
  }
  if (name.type != GEN_IPADD) return {};
  const std::string_view bytes = text_of(name.d.iPAddress);
  if (bytes.size() != 4 && bytes.size() != 16) return {};
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), text.data(), text.size());
  return text.data();
}

bool has_allowed_san(const X509* certificate, const std::vector<std::string>& allowed) {
  const Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (!names) return false;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const std::string san = san_text(*sk_GENERAL_NAME_value(names.get(), i));
    if (!san.empty() && std::ranges::find(allowed, san) != allowed.end()) return true;
  }
  return false;
}

int verify_client(X509_STORE_CTX* store, void* argument) {
  const auto& rule = *static_cast<const ClientCertificateRule*>(argument);
  if (!rule.verify) return 1;
  if (X509_verify_cert(store) != 1) return 0;
  if (rule.allowed_sans.empty() ||
      has_allowed_san(X509_STORE_CTX_get0_cert(store), rule.allowed_sans)) {
    return 1;
  }
  X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
  return 0;
}

// --- names of Go

struct CipherName {
  std::string_view go;
  const char* openssl;
};

// The suites that Go itself calls safe and that keep past traffic secret when the key is lost. TLS
// 1.3 has no choice to make: its names are accepted and change nothing.
constexpr std::array kCiphers = {
    CipherName{"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"},
    CipherName{"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"},
    CipherName{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"},
    CipherName{"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"},
    CipherName{"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"},
    CipherName{"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"},
    CipherName{"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305", "ECDHE-ECDSA-CHACHA20-POLY1305"},
    CipherName{"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305", "ECDHE-RSA-CHACHA20-POLY1305"},
    CipherName{"TLS_AES_128_GCM_SHA256", ""},
    CipherName{"TLS_AES_256_GCM_SHA384", ""},
    CipherName{"TLS_CHACHA20_POLY1305_SHA256", ""},
};
constexpr const char* kDefaultCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

constexpr std::array kCurves = {
    CipherName{"X25519", "X25519"},
    CipherName{"CurveP256", "P-256"},
    CipherName{"CurveP384", "P-384"},
    CipherName{"CurveP521", "P-521"},
};

// The names joined by ':' as OpenSSL wants them; nothing and `unknown` for one that is not listed.
template <class Table>
std::optional<std::string> translated(const std::vector<std::string>& names, const Table& table,
                                      std::string& unknown) {
  std::string joined;
  for (const std::string& name : names) {
    const auto found = std::ranges::find(table, std::string_view(name), &CipherName::go);
    if (found == table.end()) {
      unknown = name;
      return std::nullopt;
    }
    if (*found->openssl == '\0') continue;
    if (!joined.empty()) joined += ':';
    joined += found->openssl;
  }
  return joined;
}

// --- putting it together

bool verifies(ClientAuth auth) {
  return auth == ClientAuth::verify_if_given || auth == ClientAuth::require_and_verify;
}

// What the file contradicts itself in, before any key is read.
std::optional<std::string> contradiction(const TlsConfig& tls) {
  if (!tls.certificate.is_set()) return "tls_server_config has no cert_file";
  if (!tls.key.is_set()) return "tls_server_config has no key_file";
  if (tls.minimum > tls.maximum) return "min_version is above max_version";
  if (tls.client_auth == ClientAuth::none && tls.client_ca.is_set()) {
    return "client_ca_file without a client_auth_type would let every client in; use "
           "RequireAndVerifyClientCert";
  }
  if (verifies(tls.client_auth) && !tls.client_ca.is_set()) {
    return "client_auth_type verifies client certificates, but there is no client_ca_file";
  }
  if (!tls.client_allowed_sans.empty() && !verifies(tls.client_auth)) {
    return "client_allowed_sans needs client_auth_type RequireAndVerifyClientCert";
  }
  return std::nullopt;
}

class Loader {
 public:
  Loader(std::string file, Security& security) : file_(std::move(file)), security_(security) {}

  Result<void> load(const WebConfigParser& parse) {
    const Result<FileText> main = read_file(file_);
    if (!main) return Failure(main.error());
    security_.stamps.push_back(main->stamp);
    if ((main->mode & S_IWOTH) != 0) {
      return wrong(file_, "can be written by everyone; chmod o-w it");
    }
    mode_ = main->mode;
    Result<WebConfig> config = parse(main->text, file_);
    if (!config) return Failure(config.error());
    for (const auto& [name, hash] : config->users) {
      if (const auto problem = user_problem(name, hash)) return wrong(file_, *problem);
    }
    security_.users = UserTable(std::move(config->users));
    security_.headers = std::move(config->headers);
    security_.rate = config->rate;
    security_.notes = std::move(config->notes);
    return config->tls ? load_tls(*config->tls) : Result<void>{};
  }

 private:
  static std::optional<std::string> user_problem(const std::string& name, const std::string& hash) {
    if (name.empty()) return "basic_auth_users has a user without a name";
    if (name.find(':') != std::string::npos) {
      return "basic_auth_users: a user's name cannot have a colon";
    }
    const auto problem = bcrypt_problem(hash);
    if (!problem) return std::nullopt;
    return "basic_auth_users: the password of \"" + name.substr(0, 40) + "\" " + *problem;
  }

  Result<Pem> read_pem(const PemSource& source, bool is_secret) {
    Pem pem{file_, source.text};
    mode_t mode = mode_;
    if (!source.file.empty()) {
      Result<FileText> read = read_file(source.file);
      if (!read) return Failure(read.error());
      security_.stamps.push_back(read->stamp);
      pem = {source.file, std::move(read->text)};
      mode = read->mode;
    }
    if (is_secret && (mode & (S_IROTH | S_IWOTH)) != 0) {
      return wrong(pem.name, "holds the private key and is open to everyone; chmod 0640 it");
    }
    return pem;
  }

  Result<void> load_tls(const TlsConfig& tls) {
    if (const auto problem = contradiction(tls)) return wrong(file_, *problem);
    Security::Context context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
    if (!context) return wrong(file_, "the TLS library gives no context");
    SSL_CTX* const raw = context.get();
    if (Result<void> done = choose_protocol(raw, tls); !done) return done;
    if (Result<void> done = use_certificate(raw, tls); !done) return done;
    if (Result<void> done = use_client_rule(raw, tls); !done) return done;
    security_.tls = std::move(context);
    security_.client_auth = tls.client_auth;
    return {};
  }

  Result<void> choose_protocol(SSL_CTX* context, const TlsConfig& tls) const {
    const auto number = [](TlsVersion version) {
      return version == TlsVersion::tls12 ? TLS1_2_VERSION : TLS1_3_VERSION;
    };
    SSL_CTX_set_min_proto_version(context, number(tls.minimum));
    SSL_CTX_set_max_proto_version(context, number(tls.maximum));
    // Without sessions to resume, a client's certificate is looked at on every connection, and what
    // a reload took back is gone.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    if (tls.prefer_server_cipher_suites) {
      SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
    }
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    std::string unknown;
    const auto ciphers = translated(tls.cipher_suites, kCiphers, unknown);
    if (!ciphers) return wrong(file_, "cipher_suites: \"" + unknown + "\" is unknown or not safe");
    const char* const list = ciphers->empty() ? kDefaultCiphers : ciphers->c_str();
    if (SSL_CTX_set_cipher_list(context, list) != 1) {
      return wrong(file_, "cipher_suites: the TLS library has none of them");
    }
    const auto curves = translated(tls.curve_preferences, kCurves, unknown);
    if (!curves) return wrong(file_, "curve_preferences: \"" + unknown + "\" is unknown");
    if (!curves->empty() && SSL_CTX_set1_groups_list(context, curves->c_str()) != 1) {
      return wrong(file_, "curve_preferences: the TLS library does not have all of them");
    }
    return {};
  }

  Result<void> use_certificate(SSL_CTX* context, const TlsConfig& tls) {
    const Result<Pem> certificate_pem = read_pem(tls.certificate, false);
    if (!certificate_pem) return Failure(certificate_pem.error());
    const Result<Pem> key_pem = read_pem(tls.key, true);
    if (!key_pem) return Failure(key_pem.error());
    std::vector<Certificate> chain = certificates_of(*certificate_pem);
    if (chain.empty()) return wrong(certificate_pem->name, "has no PEM certificate");
    const PrivateKey key = key_of(*key_pem);
    if (!key) return wrong(key_pem->name, "has no PEM private key that can be read");
    X509* const leaf = chain.front().get();
    if (X509_check_private_key(leaf, key.get()) != 1) {
      return wrong(key_pem->name, "is not the key of the certificate");
    }
    if (X509_cmp_current_time(X509_get0_notAfter(leaf)) < 0) {
      return wrong(certificate_pem->name, "has expired");
    }
    if (X509_cmp_current_time(X509_get0_notBefore(leaf)) > 0) {
      return wrong(certificate_pem->name, "is not valid yet");
    }
    if (SSL_CTX_use_certificate(context, leaf) != 1 ||
        SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
      return wrong(certificate_pem->name, "is refused by the TLS library: its key is too weak");
    }
    for (std::size_t i = 1; i < chain.size(); ++i) {
      SSL_CTX_add1_chain_cert(context, chain[i].get());
    }
    return {};
  }

  Result<void> use_client_rule(SSL_CTX* context, const TlsConfig& tls) {
    auto rule = std::make_unique<ClientCertificateRule>();
    rule->verify = verifies(tls.client_auth);
    rule->allowed_sans = tls.client_allowed_sans;
    if (rule->verify) {
      const Result<Pem> pem = read_pem(tls.client_ca, false);
      if (!pem) return Failure(pem.error());
      const std::vector<Certificate> authorities = certificates_of(*pem);
      if (authorities.empty()) return wrong(pem->name, "has no PEM certificate");
      for (const Certificate& authority : authorities) {
        X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get());
        SSL_CTX_add_client_CA(context, authority.get());
      }
    }
    int mode = tls.client_auth == ClientAuth::none ? SSL_VERIFY_NONE : SSL_VERIFY_PEER;
    if (tls.client_auth == ClientAuth::require_any ||
        tls.client_auth == ClientAuth::require_and_verify) {
      mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    }
    SSL_CTX_set_verify(context, mode, nullptr);
    // The library takes a plain pointer; verify_client() only reads.
    SSL_CTX_set_cert_verify_callback(context, verify_client, rule.get());
    security_.client_rule = std::move(rule);
    return {};
  }

  std::string file_;
  Security& security_;
  mode_t mode_ = 0;
};

}  // namespace

bool Security::is_verified(const ssl_st* connection) const {
  return verifies(client_auth) && SSL_get0_peer_certificate(connection) != nullptr &&
         SSL_get_verify_result(connection) == X509_V_OK;
}

bool Security::is_outdated() const {
  return std::ranges::any_of(stamps,
                             [](const FileStamp& stamp) { return stamp_now(stamp.file) != stamp; });
}

Result<std::shared_ptr<const Security>> load_security(const std::string& file,
                                                      const WebConfigParser& parse) {
  auto security = std::make_shared<Security>();
  if (Result<void> done = Loader(file, *security).load(parse); !done) {
    return Failure(done.error());
  }
  return std::shared_ptr<const Security>(std::move(security));
}

std::optional<std::string> exposure_problem(std::span<const ListenAddress> addresses,
                                            const Security* security) {
  const auto open = std::ranges::find_if_not(addresses, &ListenAddress::is_loopback);
  if (open == addresses.end()) return std::nullopt;
  const bool tls = security != nullptr && security->tls;
  const bool authentication = security != nullptr && security->needs_authentication();
  if (tls && authentication) return std::nullopt;
  std::string missing = "without TLS and authentication";
  if (tls) missing = "without authentication";
  if (authentication) missing = "without TLS";
  return "web.listen-address: refused to serve on " +
         std::string(open->host.empty() ? "0.0.0.0" : "") + open->text() +
         ", open to the network, " + missing +
         "; set up tls_server_config and basic_auth_users (or client certificates) in "
         "--web.config.file=FILE, or listen on 127.0.0.1 behind a proxy, or allow it with "
         "--web.allow-insecure=true";
}

}  // namespace heapfloor
