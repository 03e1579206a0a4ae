#include "agent/config_web.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace heapfloor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

// "LINE: reason", or "accepted".
std::string refusal(const std::string& text) {
  const Result<WebConfig> config = parse_web_config(text, "web.yml");
  if (config) return "accepted";
  return config.error().path.substr(std::string("web.yml:").size()) + ": " + config.error().reason;
}

TEST(WebConfig, ReadsTheWholeVocabularyOfExporterToolkit) {
  const Result<WebConfig> config = parse_web_config(
      R"(tls_server_config:
  cert_file: server.crt
  key_file: /etc/heapfloor/server.key
  client_ca_file: ca.crt
  client_auth_type: VerifyClientCertIfGiven
  client_allowed_sans: [a.example, 10.0.0.1]
  min_version: TLS12
  max_version: TLS13
  cipher_suites:
    - TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
  curve_preferences: [CurveP256]
  prefer_server_cipher_suites: false
http_server_config:
  http2: false
  headers:
    Content-Security-Policy: default-src 'none'
    X-Frame-Options: deny
    X-Content-Type-Options: nosniff
    X-XSS-Protection: ""
    Strict-Transport-Security: max-age=1
basic_auth_users:
  alice: hash-a
  "bob": hash-b
rate_limit:
  interval: 1s
  burst: 20
)",
      "/etc/heapfloor/web.yml");
  ASSERT_TRUE(config) << config.error().path << ": " << config.error().reason;
  const TlsConfig& tls = config->tls.value();
  EXPECT_EQ(tls.certificate.file, "/etc/heapfloor/server.crt") << "beside the web-config file";
  EXPECT_EQ(tls.key.file, "/etc/heapfloor/server.key");
  EXPECT_EQ(tls.client_ca.file, "/etc/heapfloor/ca.crt");
  EXPECT_EQ(tls.client_auth, ClientAuth::verify_if_given);
  EXPECT_THAT(tls.client_allowed_sans, ElementsAre("a.example", "10.0.0.1"));
  EXPECT_THAT(tls.cipher_suites, ElementsAre("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"));
  EXPECT_THAT(tls.curve_preferences, ElementsAre("CurveP256"));
  EXPECT_FALSE(tls.prefer_server_cipher_suites);
  EXPECT_EQ(config->headers.size(), 4U) << "an empty one is not sent";
  EXPECT_THAT(config->users, ElementsAre(Pair("alice", "hash-a"), Pair("bob", "hash-b")));
  EXPECT_EQ(config->rate.value().interval_seconds, 1);
  EXPECT_EQ(config->rate.value().burst, 20U);
  EXPECT_TRUE(config->notes.empty());
}

TEST(WebConfig, KnowsGosFiveWaysToAskForCertificates) {
  const auto auth_of = [](const std::string& name) {
    const auto config =
        parse_web_config("tls_server_config: {client_auth_type: " + name + "}\n", "f");
    return config.value().tls.value().client_auth;
  };
  EXPECT_EQ(auth_of("NoClientCert"), ClientAuth::none);
  EXPECT_EQ(auth_of("RequestClientCert"), ClientAuth::request);
  EXPECT_EQ(auth_of("RequireAnyClientCert"), ClientAuth::require_any);
  EXPECT_EQ(auth_of("VerifyClientCertIfGiven"), ClientAuth::verify_if_given);
  EXPECT_EQ(auth_of("RequireAndVerifyClientCert"), ClientAuth::require_and_verify);
}

TEST(WebConfig, NotesThatHttp2IsNotSpoken) {
  const auto config = parse_web_config("http_server_config:\n  http2: true\n", "f");
  EXPECT_THAT(config.value().notes, ElementsAre(HasSubstr("HTTP/1.1")));
}

TEST(WebConfig, NamesTheLineOfWhatItDoesNotTake) {
  const auto tls = [](const std::string& line) {
    return refusal("tls_server_config:\n  cert_file: a\n  " + line + "\n");
  };
  EXPECT_THAT(refusal("tls_server_config: {}\ntls_config: {}\n"), HasSubstr("2: unknown key"));
  EXPECT_THAT(tls("certfile: a"), HasSubstr("3: unknown key \"certfile\""));
  EXPECT_THAT(tls("cert_file: b"), HasSubstr("3: \"cert_file\" is there twice"));
  EXPECT_THAT(tls("cert: b"), HasSubstr("3: is given as a file and as a text"));
  EXPECT_THAT(tls("min_version: TLS10"), HasSubstr("3: TLS10 is broken"));
  EXPECT_THAT(tls("max_version: SSL30"), HasSubstr("3: \"SSL30\" is neither"));
  EXPECT_THAT(tls("client_auth_type: Sometimes"), HasSubstr("3: \"Sometimes\""));
  EXPECT_THAT(tls("cipher_suites: TLS"), HasSubstr("3: expects a list"));
  EXPECT_THAT(tls("prefer_server_cipher_suites: maybe"), HasSubstr("3: expects true or false"));
  EXPECT_THAT(tls("key_file: [a]"), HasSubstr("3: expects a text"));
  EXPECT_THAT(refusal("tls_server_config: yes\n"), HasSubstr("1: expects keys"));
  EXPECT_THAT(refusal("[a, b]\n"), HasSubstr("1: expects keys"));
  EXPECT_THAT(refusal("basic_auth_users:\n"), HasSubstr("expects users"));
  EXPECT_THAT(refusal("basic_auth_users: {}\n"), HasSubstr("expects users"));
  EXPECT_THAT(refusal("basic_auth_users:\n  a: b\n  a: c\n"), HasSubstr("3: \"a\" is there twice"));
  EXPECT_THAT(refusal("basic_auth_users:\n  a: [b]\n"), HasSubstr("2: expects a text"));
  EXPECT_THAT(refusal("rate_limit:\n  interval: soon\n"), HasSubstr("2: expects a duration"));
  EXPECT_THAT(refusal("rate_limit:\n  burst: 0\n"), HasSubstr("2: expects a whole number"));
  EXPECT_THAT(refusal("rate_limit: 5\n"), HasSubstr("1: rate_limit expects"));
  EXPECT_THAT(refusal("http_server_config:\n  headers:\n    Set-Cookie: a\n"),
              HasSubstr("3: unknown key \"Set-Cookie\""));
  EXPECT_THAT(refusal("http_server_config:\n  headers:\n    X-Frame-Options: \"a\\r\\nb: c\"\n"),
              HasSubstr("3: expects printable"));
  EXPECT_THAT(refusal("a: [\n"), HasSubstr("2: "));
}

TEST(WebConfig, WithoutAnIntervalNothingIsLimited) {
  EXPECT_FALSE(parse_web_config("rate_limit:\n  interval: 0s\n  burst: 5\n", "f").value().rate);
}

}  // namespace
}  // namespace heapfloor
