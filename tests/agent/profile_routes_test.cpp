#include "agent/profile_routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/fake_clock.h"
#include "tests/support/fake_proc.h"
#include "tests/support/segment_writer.h"

namespace heapfloor {
namespace {

using testing::FakeProc;
using ::testing::HasSubstr;
using testing::SegmentWriter;

class WrittenSource final : public ProbeSource {
 public:
  explicit WrittenSource(ProbeSegmentBytes bytes) : bytes_(std::move(bytes)) {}
  [[nodiscard]] Result<ProbeSegmentBytes> read() const override { return bytes_; }

 private:
  ProbeSegmentBytes bytes_;
};

class ProfileRoutesTest : public ::testing::Test {
 protected:
  ProfileRoutesTest() : root_(HostPaths{proc_.path(), proc_.path(), proc_.path()}) {
    proc_.set(4712, 1, "without", 4096);
    SegmentWriter segment;
    segment.add_site(1, {0x401010}, 50'000'000);
    board_.put({{4711, 77}, "app", "", 4711, std::nullopt},
               std::make_shared<WrittenSource>(segment.copy()));
    add_profile_routes(routes_, {service_,
                                 [this](std::string_view name) -> Result<Profile> {
                                   if (name == "kept") return kept_;
                                   return failure(ErrorKind::unavailable, {}, "no such evidence");
                                 },
                                 [](const ProcessId& process) -> std::optional<std::string> {
                                   if (process == ProcessId{99, 5} || process == ProcessId{99, 0})
                                     return "captured";
                                   return std::nullopt;
                                 }});
  }

  Response get(const std::string& path, QueryParameters query = {}) {
    for (const Route& route : routes_) {
      const bool is_prefix = route.match == RouteMatch::prefix;
      if (is_prefix ? !path.starts_with(route.path) : path != route.path) continue;
      Request request;
      request.method = "GET";
      request.path = path;
      if (is_prefix) request.rest = path.substr(route.path.size());
      request.query = std::move(query);
      return route.handler(request);
    }
    ADD_FAILURE() << "no route for " << path;
    return {};
  }

  FakeProc proc_;
  DirectoryHostRoot root_;
  ProbeBoard board_;
  FakeClock clock_;
  ProfileService service_{root_, board_, clock_};
  Profile kept_;
  std::vector<Route> routes_;
};

TEST_F(ProfileRoutesTest, AProfileIsServedUnderEachOfItsPaths) {
  for (const Response& response :
       {get("/debug/pprof/heap", {{"pid", "4711"}}),
        get("/debug/pprof/allocs", {{"subject", "process:4711:77"}}),
        get("/debug/pprof/heap", {{"subject", "process:4711:77/rss_anon"}}),
        get("/processes/4711/debug/pprof/heap"), get("/processes/4711/debug/pprof/allocs"),
        get("/debug/pprof/heap", {{"pid", "4711"}, {"base", "kept"}})}) {
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.content_type, "application/octet-stream");
    ASSERT_TRUE(response.body);
    EXPECT_TRUE(response.body->starts_with("\x1f\x8b"));
    EXPECT_TRUE(decode_profile(*response.body));
  }
}

TEST_F(ProfileRoutesTest, TheTwoViewsDifferInWhatIsShownFirst) {
  const auto shown = [this](const char* path) {
    return decode_profile(*get(path).body).value().default_type;
  };
  EXPECT_EQ(shown("/processes/4711/debug/pprof/heap"), "inuse_space");
  EXPECT_EQ(shown("/processes/4711/debug/pprof/allocs"), "alloc_space");
}

TEST_F(ProfileRoutesTest, WhatIsAskedWrongIsABadRequest) {
  for (const QueryParameters& query : std::vector<QueryParameters>{
           {},
           {{"pid", "4711"}, {"subject", "process:4711:77"}},
           {{"pid", "0"}},
           {{"pid", "47x"}},
           {{"subject", "process:4711"}},
           {{"subject", "4711"}},
           {{"pid", "4711"}, {"seconds", "0"}},
           {{"pid", "4711"}, {"seconds", "301"}},
           {{"pid", "4711"}, {"seconds", "1.5"}},
       }) {
    const Response response = get("/debug/pprof/heap", query);
    EXPECT_EQ(response.status, 400);
    EXPECT_THAT(*response.body, HasSubstr("\"errorType\":\"bad_data\""));
  }
}

TEST_F(ProfileRoutesTest, WhatIsNotThereIsNotFound) {
  EXPECT_EQ(get("/debug/pprof/heap", {{"pid", "4712"}}).status, 404);
  EXPECT_EQ(get("/debug/pprof/heap", {{"subject", "process:4711:78"}}).status, 404);
  EXPECT_EQ(get("/debug/pprof/heap", {{"pid", "4711"}, {"base", "none"}}).status, 404);
  for (const char* path :
       {"/processes/4711", "/processes/4711/debug/pprof/profile", "/processes//debug/pprof/heap",
        "/processes/-1/debug/pprof/heap", "/processes/4711/debug/pprof/heap/"})
    EXPECT_EQ(get(path).status, 404) << path;
  EXPECT_THAT(*get("/processes/4712/debug/pprof/heap").body,
              HasSubstr("no probe in process 4712: start it with"));
}

TEST_F(ProfileRoutesTest, OfAProcessThatIsGoneTheLastThatWasCapturedIsServed) {
  EXPECT_EQ(*get("/debug/pprof/heap", {{"subject", "process:99:5"}}).body, "captured");
  EXPECT_EQ(*get("/debug/pprof/heap", {{"pid", "99"}}).body, "captured");
  EXPECT_EQ(get("/debug/pprof/heap", {{"subject", "process:99:6"}}).status, 404);
  EXPECT_EQ(get("/debug/pprof/allocs", {{"pid", "99"}}).status, 404) << "that is another view";
  EXPECT_EQ(get("/debug/pprof/heap", {{"pid", "99"}, {"seconds", "5"}}).status, 404);
}

TEST_F(ProfileRoutesTest, WhatIsNotThereYetSaysWhenToAskAgain) {
  const Response response = get("/debug/pprof/heap", {{"pid", "4711"}, {"seconds", "5"}});
  EXPECT_EQ(response.status, 503);
  EXPECT_THAT(*response.body, HasSubstr("\"errorType\":\"unavailable\""));
  EXPECT_TRUE(std::ranges::any_of(
      response.headers, [](const auto& header) { return header.first == "Retry-After"; }));
}

}  // namespace
}  // namespace heapfloor
