#include "agent/http/request_head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace heapfloor {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

int refusal_of(const std::string& head) {
  const auto parsed = parse_request_head(head);
  return parsed ? 200 : parsed.error().status;
}

TEST(HeadProgress, WaitsForTheEmptyLine) {
  EXPECT_EQ(head_progress("").size, 0U);
  EXPECT_EQ(head_progress("GET / HTTP/1.1\r\nHost: a\r\n").size, 0U);
  EXPECT_EQ(head_progress("GET / HTTP/1.1\r\n\r").size, 0U);
  EXPECT_EQ(head_progress("GET / HTTP/1.1\r\n\r\nbody\n").size, 18U);
  EXPECT_FALSE(head_progress("GET / HTTP/1.1\r\n\r\nbody\n").refusal);
}

TEST(HeadProgress, DoesNotWaitForWhatIsRefusedAnyway) {
  EXPECT_EQ(head_progress("GET / HTTP/1.1\nHost").refusal->status, 400);
  EXPECT_EQ(head_progress("\n").refusal->status, 400);
  EXPECT_EQ(head_progress(std::string(kMostHeadBytes + 1, 'a')).refusal->status, 431);
  EXPECT_FALSE(head_progress(std::string(kMostHeadBytes, 'a')).refusal);
  EXPECT_EQ(head_progress(std::string(kMostHeadBytes, 'a') + "\r\n\r\n").refusal->status, 431);
}

TEST(RequestHead, KeepsTargetAndFieldsAsSent) {
  const auto head = parse_request_head(
      "POST /a%20b?c=d&e HTTP/1.1\r\nhOst: x:1\r\nX-Empty:\r\nX-Spaces: \t a  b \r\n\r\n");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->method, "POST");
  EXPECT_EQ(head->target, "/a%20b?c=d&e");
  EXPECT_TRUE(head->keep_alive);
  EXPECT_THAT(head->headers,
              ElementsAre(Pair("hOst", "x:1"), Pair("X-Empty", ""), Pair("X-Spaces", "a  b")));
}

TEST(RequestHead, HandsOnNeitherHopByHopFieldsNorPasswords) {
  const auto head = parse_request_head(
      "GET / HTTP/1.1\r\nHost: x\r\nConnection: close, x-private\r\nX-Private: 1\r\n"
      "Keep-Alive: 5\r\nTE: trailers\r\nUpgrade: h2c\r\nAuthorization: Basic YTpi\r\n"
      "X-HEAPFLOOR-GATE: forged\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(head);
  EXPECT_THAT(head->headers, ElementsAre(Pair("Host", "x")));
  EXPECT_EQ(head->authorization, "Basic YTpi");
  EXPECT_FALSE(head->keep_alive);
  const std::string text = render_request_head(*head, "secret 000 ::1");
  EXPECT_EQ(text,
            "GET / HTTP/1.1\r\nX-Heapfloor-Gate: secret 000 ::1\r\nHost: x\r\n"
            "Connection: close\r\n\r\n");
}

TEST(RequestHead, OldClientsNeedNoHostAndAreClosed) {
  const auto head = parse_request_head("GET / HTTP/1.0\r\n\r\n");
  ASSERT_TRUE(head);
  EXPECT_FALSE(head->keep_alive);
}

TEST(RequestHead, ManyFieldsAreRefused) {
  std::string head = "GET / HTTP/1.1\r\nHost: x\r\n";
  for (std::size_t i = 1; i < kMostHeaderFields; ++i) head += "X: 1\r\n";
  EXPECT_EQ(refusal_of(head + "\r\n"), 200);
  EXPECT_EQ(refusal_of(head + "X: 1\r\n\r\n"), 431);
}

TEST(RequestHead, RefusalsHaveTheirStatus) {
  const std::string get = "GET / HTTP/1.1\r\nHost: x\r\n";
  EXPECT_EQ(refusal_of(get + "Content-Length: 5\r\n\r\n"), 413);
  EXPECT_EQ(refusal_of(get + "Content-Length: 000\r\n\r\n"), 200);
  EXPECT_EQ(refusal_of(get + "Transfer-Encoding: chunked\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of(get + "X: " + std::string(kMostHeadBytes, 'a') + "\r\n\r\n"), 431);
  EXPECT_EQ(refusal_of("BREW / HTTP/1.1\r\nHost: x\r\n\r\n"), 501);
  EXPECT_EQ(refusal_of("get / HTTP/1.1\r\nHost: x\r\n\r\n"), 501);
  EXPECT_EQ(refusal_of("GET * HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("GET /\\ HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of(""), 400);
  EXPECT_EQ(refusal_of(get), 400);
}

TEST(PathOf, IsWhatComesBeforeTheQuery) {
  EXPECT_EQ(path_of("/a/b?c?d"), "/a/b");
  EXPECT_EQ(path_of("/a"), "/a");
}

}  // namespace
}  // namespace heapfloor
