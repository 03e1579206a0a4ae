// TLS, client certificates, passwords and reloads, seen by real clients.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "agent/config_web.h"
#include "agent/http/http_server.h"
#include "agent/log.h"
#include "tests/http/raw_client.h"
#include "tests/http/tls_client.h"
#include "tests/http/web_files.h"

namespace heapfloor {
namespace {

using ::testing::HasSubstr;
using testing::KeyPair;
using testing::make_certificate;
using testing::TlsConnection;

constexpr const char* kTls =
    "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n";
constexpr const char* kPromSecret = "Authorization: Basic cHJvbTpzZWNyZXQ=\r\n";  // prom:secret
constexpr const char* kPromWrong = "Authorization: Basic cHJvbTp3cm9uZw==\r\n";   // prom:wrong
constexpr const char* kNobodySecret = "Authorization: Basic bm9ib2R5OnNlY3JldA==\r\n";  // nobody:…

// Asks until the condition holds; a reload takes up to a second and the machine its time.
template <class Condition>
bool comes_true(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (std::chrono::steady_clock::now() < deadline) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}

// A refused reload is told in the log.
std::uint64_t errors_told() { return log_counts().at(static_cast<std::size_t>(LogLevel::error)); }

class GateSecurityTest : public ::testing::Test {
 protected:
  GateSecurityTest() { files_.write_server(make_certificate({})); }

  std::uint16_t start(const std::string& web_config, const std::string& address = "127.0.0.1:0") {
    HttpOptions options;
    options.listen_address = address;
    options.worker_threads = 4;
    options.max_requests = 3;
    options.web_config_file = files_.write("web.yml", web_config);
    options.web_config_parser = parse_web_config;
    const auto show = [](const Request& request) {
      return text_response(200, request.is_authenticated ? "authenticated" : "anonymous");
    };
    server_ = std::make_unique<HttpServer>(
        options, std::vector<Route>{{"/show", RouteMatch::exact, {"GET", "POST"}, "show", show}});
    return server_->listening_port();
  }
  static std::string users(const std::string& name, const std::string& hash) {
    return "basic_auth_users:\n  " + name + ": \"" + hash + "\"\n";
  }

  testing::WebFiles files_;
  const std::string tls_ = kTls;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(GateSecurityTest, RequestsAreAnsweredOverTls) {
  const std::uint16_t port = start(tls_);
  EXPECT_TRUE(server_->has_tls());
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsConnection connection(port, {.maximum = version});
    ASSERT_TRUE(connection.is_connected());
    EXPECT_EQ(connection.version(), version);
    EXPECT_EQ(connection.get("/show").body, "anonymous");
  }
}

TEST_F(GateSecurityTest, OldVersionsWeakCiphersAndPlainHttpAreNotSpoken) {
  const std::uint16_t port = start(tls_);
  EXPECT_FALSE(TlsConnection(port, {.maximum = TLS1_1_VERSION}).is_connected());
  for (const char* const ciphers : {"AES128-SHA", "ECDHE-ECDSA-AES128-SHA", "aNULL", "eNULL"}) {
    EXPECT_FALSE(
        TlsConnection(port, {.maximum = TLS1_2_VERSION, .ciphers = ciphers}).is_connected())
        << ciphers;
  }
  EXPECT_EQ(get(port, "/show").status, 0);
}

TEST_F(GateSecurityTest, TheChosenCipherAndVersionAreUsed) {
  const std::uint16_t port = start(
      tls_ + "  max_version: TLS12\n  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n");
  const TlsConnection connection(port);
  ASSERT_TRUE(connection.is_connected());
  EXPECT_EQ(connection.version(), TLS1_2_VERSION);
  EXPECT_EQ(connection.cipher(), "ECDHE-ECDSA-AES256-GCM-SHA384");
}

TEST_F(GateSecurityTest, ASilentHandshakeDoesNotKeepOthersWaiting) {
  const std::uint16_t port = start(tls_);
  std::vector<std::unique_ptr<RawConnection>> silent;
  for (int i = 0; i < 50; ++i) {
    silent.push_back(std::make_unique<RawConnection>(port));
    if (i % 2 == 0) silent.back()->send("\x16\x03\x01");
  }
  EXPECT_EQ(TlsConnection(port).get("/show").status, 200);
}

TEST_F(GateSecurityTest, ClientCertificatesAreVerifiedWithTheirNames) {
  const KeyPair authority =
      make_certificate({.name = "authority", .sans = "", .is_authority = true});
  const KeyPair allowed =
      make_certificate({.name = "scraper", .sans = "DNS:prometheus.example"}, &authority);
  const KeyPair by_address = make_certificate({.name = "b", .sans = "IP:10.1.2.3"}, &authority);
  const KeyPair other =
      make_certificate({.name = "other", .sans = "DNS:other.example"}, &authority);
  const KeyPair expired = make_certificate({.name = "old",
                                            .sans = "DNS:prometheus.example",
                                            .valid_from_seconds = -9,
                                            .valid_to_seconds = -5},
                                           &authority);
  const KeyPair forged = make_certificate({.name = "scraper", .sans = "DNS:prometheus.example"});
  files_.write("ca.crt", authority.certificate);
  const std::uint16_t port =
      start(tls_ +
            "  client_ca_file: ca.crt\n  client_auth_type: RequireAndVerifyClientCert\n"
            "  client_allowed_sans: [prometheus.example, 10.1.2.3]\n");
  const auto answer = [port](const KeyPair* certificate) {
    return TlsConnection(port, {.certificate = certificate}).get("/show").body;
  };
  EXPECT_EQ(answer(&allowed), "authenticated");
  EXPECT_EQ(answer(&by_address), "authenticated");
  for (const KeyPair* const bad : {&other, &expired, &forged}) EXPECT_EQ(answer(bad), "");
  EXPECT_EQ(answer(nullptr), "");
}

TEST_F(GateSecurityTest, ACertificateMayBeAskedForWithoutBeingLookedAt) {
  const KeyPair any = make_certificate({});
  const std::uint16_t port = start(tls_ + "  client_auth_type: RequireAnyClientCert\n");
  EXPECT_EQ(TlsConnection(port, {.certificate = &any}).get("/show").body, "anonymous");
  EXPECT_EQ(TlsConnection(port).get("/show").body, "");
  const std::uint16_t asked = start(tls_ + "  client_auth_type: RequestClientCert\n");
  EXPECT_EQ(TlsConnection(asked, {.certificate = &any}).get("/show").body, "anonymous");
  EXPECT_EQ(TlsConnection(asked).get("/show").body, "anonymous");
}

TEST_F(GateSecurityTest, WhereCertificatesAreOptionalOnlyTheirOwnersChangeAnything) {
  const KeyPair authority = make_certificate({.sans = "", .is_authority = true});
  const KeyPair client = make_certificate({.name = "c"}, &authority);
  files_.write("ca.crt", authority.certificate);
  const std::uint16_t port =
      start(tls_ + "  client_ca_file: ca.crt\n  client_auth_type: VerifyClientCertIfGiven\n");
  constexpr const char* kHeader = "X-Heapfloor: 1\r\n";
  EXPECT_EQ(TlsConnection(port).get("/show").body, "anonymous");
  EXPECT_EQ(TlsConnection(port).get("/show", kHeader, "POST").status, 403);
  EXPECT_EQ(TlsConnection(port, {.certificate = &client}).get("/show", "", "POST").status, 403);
  EXPECT_EQ(TlsConnection(port, {.certificate = &client}).get("/show", kHeader, "POST").status,
            200);
}

TEST_F(GateSecurityTest, OnlyUsersWithTheirPasswordComeIn) {
  const std::uint16_t port = start(users("prom", testing::make_bcrypt("secret")));
  const RawResponse anonymous = get(port, "/show");
  EXPECT_EQ(anonymous.status, 401);
  EXPECT_THAT(anonymous.header("WWW-Authenticate"), HasSubstr("Basic"));
  EXPECT_EQ(get(port, "/no/such/path").status, 401);
  EXPECT_EQ(get(port, "/show", kPromWrong).status, 401);
  EXPECT_EQ(get(port, "/show", kNobodySecret).status, 401);
  EXPECT_EQ(get(port, "/show", "Authorization: Bearer secret\r\n").status, 401);
  EXPECT_EQ(get(port, "/show", kPromSecret).body, "authenticated");
  EXPECT_EQ(get(port, "/show", kPromSecret, "POST").status, 403) << "X-Heapfloor is missing";
  EXPECT_EQ(get(port, "/show", std::string(kPromSecret) + "X-Heapfloor: 1\r\n", "POST").status,
            200);
}

TEST_F(GateSecurityTest, TheThreeSpellingsOfBcryptAreKnown) {
  for (const char* const prefix : {"$2a$", "$2b$", "$2y$"}) {
    const std::uint16_t port = start(users("prom", testing::make_bcrypt("secret", prefix)));
    EXPECT_EQ(get(port, "/show", kPromSecret).status, 200) << prefix;
  }
}

TEST_F(GateSecurityTest, GuessesAreSlowedDownAndWhoIsKnownIsNot) {
  const std::uint16_t port = start(users("prom", testing::make_bcrypt("secret")));
  ASSERT_EQ(get(port, "/show", kPromSecret).status, 200);
  constexpr int kGuesses = 40;
  std::vector<std::unique_ptr<RawConnection>> guessing;
  for (int i = 0; i < kGuesses; ++i) {
    guessing.push_back(std::make_unique<RawConnection>(port));
    guessing.back()->send("GET /show HTTP/1.1\r\nHost: localhost\r\n" + std::string(kPromWrong) +
                          "\r\n");
  }
  EXPECT_EQ(get(port, "/show", kPromSecret).status, 200) << "remembered, so not hashed";
  int hashed = 0;
  int refused = 0;
  for (const auto& guess : guessing) {
    const RawResponse response = parse_raw_response(guess->receive());
    if (response.status == 401) ++hashed;
    if (response.status != 429) continue;
    ++refused;
    EXPECT_EQ(response.header("Retry-After"), "1");
  }
  EXPECT_EQ(hashed + refused, kGuesses);
  EXPECT_GE(hashed, 4) << "five, one of which the right password may have taken";
  EXPECT_GT(refused, 0);
}

TEST_F(GateSecurityTest, RequestsAreLimitedInAll) {
  const std::uint16_t port = start("rate_limit:\n  interval: 1h\n  burst: 3\n");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get(port, "/show").status, 200);
  EXPECT_EQ(get(port, "/show").status, 429);
}

TEST_F(GateSecurityTest, EveryAnswerHasTheOperatorsHeaders) {
  const std::uint16_t port = start(
      "http_server_config:\n  headers:\n    X-Frame-Options: deny\n"
      "    Content-Security-Policy: sandbox\n");
  for (const RawResponse& response :
       {get(port, "/show"), get(port, "/none"), send_raw(port, "nonsense\r\n\r\n")}) {
    EXPECT_EQ(response.header("X-Frame-Options"), "deny");
    EXPECT_EQ(response.header("Content-Security-Policy"), "sandbox");
    EXPECT_EQ(response.head.find("default-src"), std::string::npos);
    EXPECT_EQ(response.header("X-Content-Type-Options"), "nosniff");
  }
}

TEST_F(GateSecurityTest, ARenewedCertificateIsServedAndABadOneIsNot) {
  const std::uint16_t port = start(tls_);
  const long first = TlsConnection(port).server_serial();
  ASSERT_NE(first, 0);
  const std::uint64_t before = errors_told();
  files_.write("server.crt", "not a certificate");
  const KeyPair renewed = make_certificate({});
  files_.write("server.key", renewed.key);
  EXPECT_TRUE(comes_true([&] { return errors_told() > before; }));
  EXPECT_EQ(TlsConnection(port).server_serial(), first);
  files_.write("server.crt", renewed.certificate);
  EXPECT_TRUE(comes_true([&] {
    const long serial = TlsConnection(port).server_serial();
    return serial != 0 && serial != first;
  }));
}

TEST_F(GateSecurityTest, AChangedPasswordIsTakenOverAndTheOldOneForgotten) {
  const std::uint16_t port = start(users("prom", testing::make_bcrypt("wrong")));
  ASSERT_EQ(get(port, "/show", kPromWrong).status, 200);
  files_.write("web.yml", users("prom", testing::make_bcrypt("secret")));
  EXPECT_TRUE(comes_true([&] { return get(port, "/show", kPromSecret).status == 200; }));
  EXPECT_TRUE(comes_true([&] { return get(port, "/show", kPromWrong).status == 401; }));
}

TEST_F(GateSecurityTest, AReloadNeverOpensWhatWasProtected) {
  const std::string users_text = users("prom", testing::make_bcrypt("secret"));
  const std::uint16_t port = start(tls_ + users_text, "0.0.0.0:0");
  ASSERT_EQ(TlsConnection(port).get("/show").status, 401);
  const std::uint64_t before = errors_told();
  files_.write("web.yml", tls_);  // no users any more
  EXPECT_TRUE(comes_true([&] { return errors_told() > before; }));
  EXPECT_EQ(TlsConnection(port).get("/show").status, 401);
  files_.write("web.yml",
               tls_ + users_text + "http_server_config:\n  headers:\n    X-Frame-Options: deny\n");
  EXPECT_TRUE(comes_true(
      [&] { return TlsConnection(port).get("/show").header("X-Frame-Options") == "deny"; }));
  EXPECT_EQ(TlsConnection(port).get("/show").status, 401);
}

}  // namespace
}  // namespace heapfloor
