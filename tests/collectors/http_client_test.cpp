#include "collectors/http_client.h"

#include <gmock/gmock.h>

#include <fstream>
#include <string>

#include "tests/support/scripted_server.h"

namespace heapfloor {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

HttpRequest post_to(const std::string& url) { return {"POST", url, "application/json", "[1]"}; }

// What a client says that is refused or not answered.
Error error_of(HttpClientOptions options, const HttpRequest& request) {
  HttpClient client(std::move(options));
  const HttpExchange exchange = client.send(request);
  if (exchange.answer) {
    ADD_FAILURE() << "it was answered " << exchange.answer->status;
    return {};
  }
  return exchange.answer.error();
}

class HttpClientTest : public ::testing::Test {
 protected:
  // A file that goes with the test.
  std::string file_with(const std::string& text) {
    std::string path = ::testing::TempDir() + "http_client_test_" +
                       ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::ofstream(path) << text;
    return path;
  }
  void answer_with(const std::string& bytes) { bytes_ = bytes; }

  std::string bytes_ = ScriptedServer::answer(200, "fine");
  ScriptedServer server_{[this](const ScriptedServer::Seen&) { return bytes_; }};
};

TEST_F(HttpClientTest, SendsABodyAndReadsTheAnswer) {
  HttpClient client({});
  const HttpExchange exchange = client.send(post_to(server_.url() + "/hook?a=b"));
  ASSERT_TRUE(exchange.answer) << exchange.answer.error().reason;
  EXPECT_EQ(exchange.answer->status, 200);
  EXPECT_EQ(exchange.answer->body, "fine");
  EXPECT_GT(exchange.duration_seconds, 0);
  ASSERT_THAT(server_.seen(), SizeIs(1));
  const ScriptedServer::Seen seen = server_.seen()[0];
  EXPECT_THAT(seen.head, HasSubstr("POST /hook?a=b HTTP/1.1\r\n"));
  EXPECT_THAT(seen.head, HasSubstr("\r\nContent-Type: application/json\r\n"));
  EXPECT_THAT(seen.head, Not(HasSubstr("Authorization")));
  EXPECT_THAT(seen.head, Not(HasSubstr("Expect")));
  EXPECT_EQ(seen.body, "[1]");
}

TEST_F(HttpClientTest, SendsFurtherHeaderFields) {
  HttpClientOptions options;
  options.headers = {{"X-Scope-OrgID", "team-a"}, {"X-Empty", ""}};
  HttpClient client(std::move(options));
  ASSERT_TRUE(client.send(post_to(server_.url())).answer);
  EXPECT_THAT(server_.seen().at(0).head, HasSubstr("\r\nX-Scope-OrgID: team-a\r\n"));
  EXPECT_THAT(server_.seen().at(0).head, HasSubstr("\r\nX-Empty:\r\n"));
}

TEST(HttpHeader, OfOnesOwnHasATokenForANameAndNothingThatEndsItsLine) {
  EXPECT_FALSE(header_problem("X-Scope-OrgID", "a|b c"));
  for (const char* const name : {"", "a b", "a:", "a\r\nb", "Host", "content-length"})
    EXPECT_TRUE(header_problem(name, "x")) << name;
  for (const char* const value : {"a\r\nb: c", "a\nb", "\x7f"})
    EXPECT_TRUE(header_problem("X-A", value));
  EXPECT_TRUE(header_problem("X-A", std::string(1, '\0')));
}

TEST_F(HttpClientTest, AnErrorStatusIsAnAnswer) {
  answer_with(ScriptedServer::answer(503, "later"));
  HttpClient client({});
  const HttpExchange exchange = client.send(post_to(server_.url()));
  ASSERT_TRUE(exchange.answer);
  EXPECT_EQ(exchange.answer->status, 503);
}

TEST_F(HttpClientTest, FollowsNoRedirect) {
  ScriptedServer elsewhere([](const ScriptedServer::Seen&) { return ScriptedServer::answer(200); });
  answer_with(ScriptedServer::answer(307, "", "Location: " + elsewhere.url() + "/\r\n"));
  HttpClient client({});
  const HttpExchange exchange = client.send(post_to(server_.url()));
  ASSERT_TRUE(exchange.answer);
  EXPECT_EQ(exchange.answer->status, 307);
  EXPECT_THAT(elsewhere.seen(), SizeIs(0));
}

TEST_F(HttpClientTest, GivesUpOnASilentServerAtItsDeadline) {
  answer_with("");
  HttpClientOptions options;
  options.deadline_seconds = 0.2;
  EXPECT_EQ(error_of(options, post_to(server_.url())).kind, ErrorKind::timeout);
}

TEST_F(HttpClientTest, RefusesAnAnswerThatIsTooLarge) {
  answer_with(ScriptedServer::answer(200, std::string(5000, 'x')));
  HttpClientOptions options;
  options.largest_body_bytes = 4999;
  EXPECT_THAT(error_of(options, post_to(server_.url())).reason, HasSubstr("too large"));
  options.largest_body_bytes = 5000;
  HttpClient client(options);
  EXPECT_TRUE(client.send(post_to(server_.url())).answer);
}

TEST_F(HttpClientTest, EndsWhenAStopIsRequested) {
  answer_with("");
  HttpClientOptions options;
  options.deadline_seconds = 100;
  HttpClient client(options);
  std::stop_source source;
  std::jthread stopper([&] {
    EXPECT_TRUE(server_.wait_for([](const auto& seen) { return !seen.empty(); }));
    source.request_stop();
  });
  const HttpExchange exchange = client.send(post_to(server_.url()), source.get_token());
  ASSERT_FALSE(exchange.answer);
  EXPECT_EQ(exchange.answer.error().reason, "stopped");
}

TEST_F(HttpClientTest, SendsBasicAuthenticationWithThePasswordOfAFile) {
  HttpClientOptions options;
  options.username = "heap";
  options.password_file = file_with("floor\nsecond line");
  HttpClient client(options);
  ASSERT_TRUE(client.send(post_to(server_.url())).answer);
  // base64 of heap:floor
  EXPECT_THAT(server_.seen()[0].head, HasSubstr("\r\nAuthorization: Basic aGVhcDpmbG9vcg==\r\n"));
}

TEST_F(HttpClientTest, ReadsATokenAnewForEachRequest) {
  HttpClientOptions options;
  options.bearer_token_file = file_with("one\n");
  HttpClient client(options);
  ASSERT_TRUE(client.send(post_to(server_.url())).answer);
  file_with("two\n");
  ASSERT_TRUE(client.send(post_to(server_.url())).answer);
  EXPECT_THAT(server_.seen()[0].head, HasSubstr("\r\nAuthorization: Bearer one\r\n"));
  EXPECT_THAT(server_.seen()[1].head, HasSubstr("\r\nAuthorization: Bearer two\r\n"));
}

TEST_F(HttpClientTest, SendsNothingWithoutTheSecretItShouldSend) {
  HttpClientOptions options;
  options.bearer_token_file = file_with("");
  EXPECT_EQ(error_of(options, post_to(server_.url())).kind, ErrorKind::denied);
  options.bearer_token_file = "/nonexistent/token";
  EXPECT_EQ(error_of(options, post_to(server_.url())).kind, ErrorKind::denied);
  EXPECT_THAT(server_.seen(), SizeIs(0));
}

TEST_F(HttpClientTest, AServerWithoutTlsIsNoHttpsServer) {
  const std::string url = "https://127.0.0.1:" + std::to_string(server_.port());
  const Error error = error_of({}, post_to(url));
  EXPECT_EQ(error.kind, ErrorKind::io);
  EXPECT_EQ(error.path, url);
  EXPECT_FALSE(error.reason.empty());
}

TEST_F(HttpClientTest, NothingListens) {
  HttpClientOptions options;
  options.deadline_seconds = 5;
  EXPECT_EQ(error_of(options, post_to("http://127.0.0.1:1/")).kind, ErrorKind::io);
}

TEST_F(HttpClientTest, UsesNoProxyOfTheEnvironment) {
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  HttpClient client({});
  EXPECT_TRUE(client.send(post_to(server_.url())).answer);
  ::unsetenv("http_proxy");
}

TEST(ParseUrlTest, ReadsThePartsOfAnUrl) {
  const Result<UrlParts> url = parse_url("https://alerts.example:9093/am?x=1");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->host, "alerts.example");
  EXPECT_EQ(url->port, "9093");
  EXPECT_EQ(url->path, "/am?x=1");
  EXPECT_EQ(parse_url("http://h")->port, "80");
  EXPECT_EQ(parse_url("https://h?q")->path, "/?q");
  EXPECT_EQ(parse_url("http://[::1]:9093/")->host, "[::1]");
  EXPECT_EQ(parse_url("http://[::1]")->port, "80");
}

TEST(ParseUrlTest, RefusesWhatItCannotVouchFor) {
  for (const char* const url : {"",
                                "alerts:9093",
                                "ftp://h/",
                                "file:///etc/passwd",
                                "http://",
                                "http:///x",
                                "http://h:0/",
                                "http://h:99999/",
                                "http://h:/",
                                "http://h:9x/",
                                "http://u:p@h/",
                                "http://u@h/",
                                "http://h/a b",
                                "http://h/\n",
                                "http://h/#f",
                                "http://[::1",
                                "http://[::1]x",
                                "http://h\"/",
                                "HTTP://h/",
                                "http://[]/",
                                "http://h:80:80/"}) {
    EXPECT_FALSE(parse_url(url)) << url;
  }
}

}  // namespace
}  // namespace heapfloor
