// What a web-config file puts into force, and the insecure ones that are refused.
#include "agent/http/security.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/rsa.h>

#include "agent/config_web.h"
#include "agent/http/http_server.h"
#include "tests/http/web_files.h"

namespace heapfloor {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::KeyPair;
using testing::make_certificate;

constexpr std::string_view kTls =
    "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n";

class SecurityTest : public ::testing::Test {
 protected:
  SecurityTest() { files_.write_server(make_certificate({})); }

  Result<std::shared_ptr<const Security>> load(const std::string& text, mode_t mode = 0600) {
    return load_security(files_.write("web.yml", text, mode), parse_web_config);
  }
  // Path and reason of the refusal.
  std::string refusal(const std::string& text, mode_t mode = 0600) {
    const auto loaded = load(text, mode);
    return loaded ? "accepted" : loaded.error().path + ": " + loaded.error().reason;
  }
  std::string start_refusal(const std::string& address, const std::string& text,
                            bool allow_insecure = false) {
    HttpOptions options;
    options.listen_address = address;
    if (!text.empty()) options.web_config_file = files_.write("web.yml", text);
    options.web_config_parser = parse_web_config;
    options.allow_insecure = allow_insecure;
    return web_problem(options).value_or("accepted");
  }
  static std::string users(const std::string& name, const std::string& hash) {
    return "basic_auth_users:\n  \"" + name + "\": \"" + hash + "\"\n";
  }

  testing::WebFiles files_;
  const std::string tls_{kTls};
  const std::string hash_ = testing::make_bcrypt("secret");
};

TEST_F(SecurityTest, AWholeFileComesIntoForce) {
  files_.write("ca.crt", make_certificate({.is_authority = true}).certificate);
  const auto loaded = load(tls_ +
                           "  client_ca_file: ca.crt\n"
                           "  client_auth_type: RequireAndVerifyClientCert\n"
                           "  client_allowed_sans: [prometheus.example]\n"
                           "  min_version: TLS13\n  max_version: TLS13\n"
                           "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]\n"
                           "  curve_preferences: [CurveP256, X25519]\n"
                           "  prefer_server_cipher_suites: false\n"
                           "http_server_config:\n  http2: true\n  headers:\n"
                           "    Strict-Transport-Security: max-age=31536000\n" +
                           users("prom", hash_) + "rate_limit:\n  interval: 100ms\n  burst: 5\n");
  ASSERT_TRUE(loaded) << loaded.error().path << ": " << loaded.error().reason;
  const Security& security = **loaded;
  EXPECT_TRUE(security.tls);
  EXPECT_TRUE(security.needs_authentication());
  EXPECT_EQ(security.headers.size(), 1U);
  EXPECT_EQ(security.rate->burst, 5U);
  EXPECT_EQ(security.notes.size(), 1U) << "HTTP/2";
  EXPECT_EQ(security.stamps.size(), 4U);
  EXPECT_FALSE(security.is_outdated());
  files_.write("ca.crt", "anything");
  EXPECT_TRUE(security.is_outdated());
}

TEST_F(SecurityTest, AnEmptyFileAsksForNothing) {
  for (const char* const text : {"", "{}\n", "tls_server_config:\nhttp_server_config:\n"}) {
    const auto loaded = load(text);
    ASSERT_TRUE(loaded) << text;
    EXPECT_FALSE((*loaded)->tls);
    EXPECT_FALSE((*loaded)->offers_authentication());
  }
}

TEST_F(SecurityTest, KeysMayStandInTheFileItself) {
  const KeyPair pair = make_certificate({});
  const auto indented = [](const std::string& pem) {
    std::string out;
    for (std::size_t at = 0; at < pem.size();) {
      const std::size_t end = pem.find('\n', at) + 1;
      out += "    " + pem.substr(at, end - at);
      at = end;
    }
    return out;
  };
  const std::string text = "tls_server_config:\n  cert: |\n" + indented(pair.certificate) +
                           "  key: |\n" + indented(pair.key);
  EXPECT_EQ(refusal(text), "accepted");
  EXPECT_THAT(refusal(text, 0644), HasSubstr("open to everyone"));
}

struct Insecure {
  const char* what;
  std::string text;
  std::vector<std::string> sentence;  // parts of it
};

TEST_F(SecurityTest, InsecureConfigurationsAreRefusedWithOneSentence) {
  const KeyPair stranger = make_certificate({});
  files_.write("stranger.key", stranger.key);
  files_.write("open.key", stranger.key, 0644);
  files_.write("open.crt", stranger.certificate);
  files_.write(
      "old.crt",
      make_certificate({.valid_from_seconds = -7200, .valid_to_seconds = -3600}).certificate);
  const KeyPair old = make_certificate({.valid_from_seconds = -7200, .valid_to_seconds = -3600});
  files_.write("old.crt", old.certificate);
  files_.write("old.key", old.key);
  const KeyPair early = make_certificate({.valid_from_seconds = 3600, .valid_to_seconds = 7200});
  files_.write("early.crt", early.certificate);
  files_.write("early.key", early.key);
  files_.write("ca.crt", make_certificate({.is_authority = true}).certificate);
  const auto pair = [](const std::string& certificate, const std::string& key) {
    return "tls_server_config:\n  cert_file: " + certificate + "\n  key_file: " + key + "\n";
  };
  const std::vector<Insecure> table = {
      {"a plain password", users("prom", "secret"), {"\"prom\"", "not a bcrypt hash"}},
      {"another kind of hash", users("prom", "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="), {"bcrypt"}},
      {"a cheap hash", users("prom", testing::make_bcrypt("secret", "$2y$", 5)), {"cost 5"}},
      {"a cut hash", users("prom", hash_.substr(0, 59)), {"not a bcrypt hash"}},
      {"a user without name", users("", hash_), {"without a name"}},
      {"a user without hash", users("prom", ""), {"not a bcrypt hash"}},
      {"no users at all", "basic_auth_users: {}\n", {"expects users"}},
      {"a key that everybody can read",
       pair("open.crt", "open.key"),
       {"open.key", "open to everyone"}},
      {"a broken version", tls_ + "  min_version: TLS11\n", {"web.yml:4", "TLS11", "TLS12"}},
      {"versions that exclude each other",
       tls_ + "  min_version: TLS13\n  max_version: TLS12\n",
       {"min_version"}},
      {"an unsafe cipher",
       tls_ + "  cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]\n",
       {"TLS_RSA_WITH_RC4_128_SHA", "not safe"}},
      {"an unknown curve", tls_ + "  curve_preferences: [CurveP224]\n", {"CurveP224"}},
      {"no key", "tls_server_config:\n  cert_file: server.crt\n", {"no key_file"}},
      {"no certificate", "tls_server_config:\n  key_file: server.key\n", {"no cert_file"}},
      {"a key file that is not there", pair("server.crt", "none.key"), {"none.key", "opened"}},
      {"a certificate that is none", pair("server.key", "server.key"), {"no PEM certificate"}},
      {"another certificate's key", pair("server.crt", "stranger.key"), {"not the key"}},
      {"an expired certificate", pair("old.crt", "old.key"), {"old.crt", "expired"}},
      {"a certificate of tomorrow", pair("early.crt", "early.key"), {"not valid yet"}},
      {"client certificates nobody asks for",
       tls_ + "  client_ca_file: ca.crt\n",
       {"every client in"}},
      {"nobody to verify clients by",
       tls_ + "  client_auth_type: RequireAndVerifyClientCert\n",
       {"no client_ca_file"}},
      {"names in certificates that are not verified",
       tls_ + "  client_auth_type: RequireAnyClientCert\n  client_allowed_sans: [a]\n",
       {"client_allowed_sans"}},
      {"an unknown way to ask for certificates",
       tls_ + "  client_auth_type: Maybe\n",
       {"web.yml:4", "Maybe"}},
      {"an unknown key", tls_ + "basic_auth_user:\n  a: b\n", {"web.yml:4", "basic_auth_user"}},
  };
  for (const Insecure& row : table) {
    const std::string sentence = refusal(row.text);
    for (const std::string& part : row.sentence) {
      EXPECT_THAT(sentence, HasSubstr(part)) << row.what;
    }
    EXPECT_EQ(sentence.find('\n'), std::string::npos) << row.what;
  }
  EXPECT_THAT(refusal(users("prom", hash_), 0666), HasSubstr("written by everyone"));
  EXPECT_EQ(refusal(users("prom", hash_)), "accepted");
}

TEST_F(SecurityTest, AddressesThatOthersReachNeedTlsAndAuthentication) {
  const std::string hashed = users("prom", hash_);
  files_.write("ca.crt", make_certificate({.is_authority = true}).certificate);
  const std::string verified =
      tls_ + "  client_ca_file: ca.crt\n  client_auth_type: RequireAndVerifyClientCert\n";
  const std::string optional =
      tls_ + "  client_ca_file: ca.crt\n  client_auth_type: VerifyClientCertIfGiven\n";
  for (const char* const address :
       {"0.0.0.0:0", ":0", "[::]:0", "10.0.0.1:0", "127.0.0.1:0,10.0.0.1:0"}) {
    EXPECT_THAT(start_refusal(address, ""),
                AllOf(HasSubstr("without TLS and authentication"),
                      HasSubstr("--web.config.file=FILE"), HasSubstr("--web.allow-insecure=true")))
        << address;
    EXPECT_THAT(start_refusal(address, tls_), HasSubstr("without authentication"));
    EXPECT_THAT(start_refusal(address, optional), HasSubstr("without authentication"));
    EXPECT_THAT(start_refusal(address, hashed), HasSubstr("without TLS"));
    EXPECT_EQ(start_refusal(address, tls_ + hashed), "accepted");
    EXPECT_EQ(start_refusal(address, verified), "accepted");
    EXPECT_EQ(start_refusal(address, "", true), "accepted");
  }
  EXPECT_THAT(start_refusal("0.0.0.0:4327", ""), HasSubstr("0.0.0.0:4327"));
  for (const char* const address : {"127.0.0.1:0", "localhost:0", "[::1]:0"}) {
    EXPECT_EQ(start_refusal(address, ""), "accepted") << address;
    EXPECT_EQ(start_refusal(address, hashed), "accepted") << address;
  }
}

TEST_F(SecurityTest, WhatIsNoFileIsNotReadForEver) {
  EXPECT_THAT(load_security(files_.path("none.yml"), parse_web_config).error().reason,
              HasSubstr("cannot be opened"));
  EXPECT_THAT(load_security(files_.path(""), parse_web_config).error().reason,
              HasSubstr("not a regular file"));
  ASSERT_EQ(mkfifo(files_.path("fifo").c_str(), 0600), 0);
  EXPECT_THAT(load_security(files_.path("fifo"), parse_web_config).error().reason,
              HasSubstr("not a regular file"));
  EXPECT_THAT(refusal(std::string(2'000'000, '#')), HasSubstr("larger than 1 MiB"));
}

}  // namespace
}  // namespace heapfloor
