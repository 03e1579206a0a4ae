// Go programs that are asked over HTTP: this test stands for one, with a server of its own.
#include "agent/endpoints/go_endpoints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "collectors/process_identity.h"
#include "tests/support/fake_clock.h"
#include "tests/support/scripted_server.h"

namespace heapfloor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::string_view kPage =
    "go_memstats_heap_alloc_bytes 8e+07\ngo_memstats_next_gc_bytes 1.2e+08\n"
    "go_gc_duration_seconds_count 5\n";
constexpr std::string_view kVars =
    R"({"memstats":{"HeapAlloc":80000000,"NextGC":120000000,"NumGC":5}})";
constexpr double kInterval = 15;

bool asks_for(const ScriptedServer::Seen& seen, const std::string& path) {
  return seen.head.starts_with("GET " + path + " ");
}

ScriptedServer::Script page_at(const std::string& path, std::string_view page) {
  return [path, body = std::string(page)](const ScriptedServer::Seen& seen) {
    return asks_for(seen, path) ? ScriptedServer::answer(200, body) : ScriptedServer::answer(404);
  };
}

class GoEndpointsTest : public ::testing::Test {
 protected:
  GoEndpointsTest() { board_.refuse(self_, GoRefusal::no_symbols); }

  void search() { endpoints_.configure({{}, GoDiscovery::listening, kInterval, 60}); }
  // No answer takes that long, however busy the machine is.
  void follow(const std::string& url, double deadline_seconds = 60) {
    GoTargetSettings target;
    target.name = "shop";
    target.url = url;
    target.http.deadline_seconds = deadline_seconds;
    endpoints_.configure({{target}, GoDiscovery::off, kInterval, 60});
  }
  // All that is due, in turn.
  int ask() {
    int asked = 0;
    while (asked < 100 && endpoints_.ask_next()) ++asked;
    return asked;
  }
  GoEndpointStatus only() {
    const auto all = endpoints_.status();
    EXPECT_THAT(all, SizeIs(1));
    return all.empty() ? GoEndpointStatus() : all.front();
  }
  std::uint64_t errors(ErrorKind kind) const {
    return endpoints_.counts().errors.at(static_cast<std::size_t>(kind));
  }
  static ProcessId own_id() {
    const DirectoryHostRoot root;
    std::array<char, 4096> buffer = {};
    const auto process = root.open_process(::getpid());
    return {::getpid(), *read_start_ticks(*process, ::getpid(), buffer)};
  }

  DirectoryHostRoot root_;
  FakeClock clock_;
  GoBoard board_;
  ProcessId self_ = own_id();
  GoEndpoints endpoints_{root_, board_, clock_, static_cast<double>(::sysconf(_SC_CLK_TCK))};
};

TEST_F(GoEndpointsTest, AreFoundByTheSocketOfAProgramThatCannotBeRead) {
  const ScriptedServer server(page_at("/metrics", kPage));
  search();
  endpoints_.look();
  EXPECT_GE(ask(), 1);
  const GoEndpointStatus found = only();
  EXPECT_EQ(found.process, self_);
  EXPECT_EQ(found.url, server.url());
  ASSERT_TRUE(found.reading);
  EXPECT_EQ(found.reading->page, GoPage::metrics);
  EXPECT_EQ(found.reading->live, 6e7);
  EXPECT_EQ(found.reading->figures.cycles, 5);
  endpoints_.look();
  EXPECT_EQ(endpoints_.counts().programs, (std::array<std::uint64_t, kGoSearches>{1, 0, 0, 0, 0}));
}

TEST_F(GoEndpointsTest, AreNeitherLookedForNorAskedUnlessThatIsAllowed) {
  const ScriptedServer server(page_at("/metrics", kPage));
  endpoints_.configure({});
  endpoints_.look();
  EXPECT_EQ(ask(), 0);
  EXPECT_THAT(server.seen(), IsEmpty());
}

TEST_F(GoEndpointsTest, AreForgottenWithTheirProgram) {
  const ScriptedServer server(page_at("/metrics", kPage));
  search();
  endpoints_.look();
  ask();
  EXPECT_TRUE(endpoints_.knows(self_));
  board_.drop(self_);
  endpoints_.look();
  EXPECT_FALSE(endpoints_.knows(self_));
  EXPECT_THAT(endpoints_.status(), IsEmpty());
}

TEST_F(GoEndpointsTest, OfTheConfigurationAreTheProgramThatListensThere) {
  const ScriptedServer server(page_at("/metrics", kPage));
  follow(server.url());
  endpoints_.look();
  EXPECT_EQ(ask(), 1);
  EXPECT_EQ(only().process, self_);
  EXPECT_FALSE(only().stands_alone);
}

TEST_F(GoEndpointsTest, OnThisHostThatBelongToNoKnownProgramStandAloneAfterAWhile) {
  board_.drop(self_);
  const ScriptedServer server(page_at("/metrics", kPage));
  follow(server.url());
  ask();
  for (unsigned round = 1; round < GoEndpoints::kRoundsUntied; ++round) endpoints_.look();
  EXPECT_FALSE(only().stands_alone);
  endpoints_.look();
  EXPECT_TRUE(only().stands_alone);
}

TEST_F(GoEndpointsTest, AreAskedForExpvarWhereThereIsNoOtherPageAndSeldom) {
  const ScriptedServer server(page_at("/debug/vars", kVars));
  follow(server.url());
  endpoints_.look();
  ask();
  EXPECT_EQ(only().reading->page, GoPage::vars);
  EXPECT_THAT(server.seen(), SizeIs(2));
  clock_.advance(kInterval + 1);
  EXPECT_EQ(ask(), 0) << "the program stands still for it";
  clock_.advance(60);
  EXPECT_EQ(ask(), 1);
  EXPECT_THAT(server.seen(), SizeIs(3)) << "what it does not have is not asked for again";
}

TEST_F(GoEndpointsTest, AreNotAskedOnceAnotherHoldsTheirSocket) {
  auto server = std::make_unique<ScriptedServer>(page_at("/metrics", kPage));
  search();
  endpoints_.look();
  ask();
  const std::uint64_t requests = endpoints_.counts().requests;
  server.reset();
  clock_.advance(kInterval + 1);
  EXPECT_EQ(ask(), 1);
  EXPECT_EQ(errors(ErrorKind::gone), 1U);
  EXPECT_EQ(endpoints_.counts().requests, requests);
}

TEST_F(GoEndpointsTest, ThatLeadElsewhereAreNotFollowed) {
  const ScriptedServer other(page_at("/metrics", kPage));
  const ScriptedServer server([&other](const ScriptedServer::Seen&) {
    return ScriptedServer::answer(302, "", "Location: " + other.url() + "/metrics\r\n");
  });
  follow(server.url());
  ask();
  EXPECT_THAT(other.seen(), IsEmpty());
  EXPECT_EQ(only().is_up, false);
  EXPECT_THAT(only().last_error, HasSubstr("status 302"));
  EXPECT_EQ(errors(ErrorKind::unavailable), 1U);
}

TEST_F(GoEndpointsTest, WhosePageHasNoEndOrIsPackedAreRefused) {
  const std::string endless(GoAsker::kMostPageBytes + 1, '#');
  const ScriptedServer server([&endless](const ScriptedServer::Seen& seen) {
    if (asks_for(seen, "/metrics")) return ScriptedServer::answer(200, endless);
    return ScriptedServer::answer(200, std::string("\x1f\x8b\x08\0\0\0", 6),
                                  "Content-Encoding: gzip\r\n");
  });
  follow(server.url());
  ask();
  EXPECT_EQ(only().is_up, false);
  EXPECT_EQ(errors(ErrorKind::malformed), 1U);
}

TEST_F(GoEndpointsTest, ThatKeepSilentAreGivenUpAtTheirDeadlineAndAskedLessAndLess) {
  const ScriptedServer server([](const ScriptedServer::Seen&) { return std::string(); });
  follow(server.url(), 0.3);
  EXPECT_EQ(ask(), 1);
  EXPECT_EQ(errors(ErrorKind::timeout), 1U);
  EXPECT_EQ(endpoints_.counts().requests, 1U) << "its other pages would not answer either";
  clock_.advance(kInterval + 1);
  EXPECT_EQ(ask(), 0);
  clock_.advance(kInterval);
  EXPECT_EQ(ask(), 1);
}

TEST_F(GoEndpointsTest, WhosePageIsOfAnotherProcessSayNothingOfTheOneThatListens) {
  const ScriptedServer server(
      page_at("/metrics", std::string(kPage) + "process_start_time_seconds 12345\n"));
  follow(server.url());
  endpoints_.look();
  ask();
  EXPECT_EQ(only().is_up, false);
  EXPECT_FALSE(only().reading);
  EXPECT_THAT(only().last_error, HasSubstr("began at another time"));
}

TEST_F(GoEndpointsTest, GiveProfilesOfTheirProgram) {
  const ScriptedServer server([](const ScriptedServer::Seen& seen) {
    if (asks_for(seen, "/metrics")) return ScriptedServer::answer(200, std::string(kPage));
    if (asks_for(seen, "/debug/pprof/goroutine")) return ScriptedServer::answer(200, "packed");
    return ScriptedServer::answer(404);
  });
  search();
  endpoints_.look();
  EXPECT_FALSE(endpoints_.profile(self_, "goroutine")) << "nothing has answered yet";
  ask();
  const auto profile = endpoints_.profile(self_, "goroutine");
  ASSERT_TRUE(profile) << profile.error().reason;
  EXPECT_EQ(*profile, "packed");
  EXPECT_FALSE(endpoints_.profile(self_, "heap"));
}

TEST_F(GoEndpointsTest, ThatDidNotChangeGoOnOverAReload) {
  const ScriptedServer server(page_at("/metrics", kPage));
  follow(server.url());
  ask();
  follow(server.url());
  EXPECT_EQ(only().is_up, true);
  EXPECT_EQ(ask(), 0) << "it is not due";
  endpoints_.configure({});
  EXPECT_THAT(endpoints_.status(), IsEmpty());
}

TEST_F(GoEndpointsTest, AreAskedInTheBackground) {
  const ScriptedServer server(page_at("/metrics", kPage));
  follow(server.url());
  endpoints_.start();
  EXPECT_TRUE(server.wait_for([this](const auto&) { return only().is_up.has_value(); }));
  endpoints_.stop();
  EXPECT_EQ(only().is_up, true);
}

TEST(ListeningSockets, OfAProcessInAnotherNetworkAreNotLookedAt) {
  const DirectoryHostRoot root;
  std::array<char, 4096> buffer = {};
  const auto process = root.open_process(::getpid());
  const ProcessId self{::getpid(), *read_start_ticks(*process, ::getpid(), buffer)};
  const ScriptedServer server([](const ScriptedServer::Seen&) { return std::string(); });
  const auto elsewhere = listening_sockets(root, self, "net:[1]");
  ASSERT_FALSE(elsewhere);
  EXPECT_EQ(elsewhere.error().kind, ErrorKind::unavailable);
  const auto here = listening_sockets(root, self, *network_of(*process));
  ASSERT_TRUE(here) << here.error().reason;
  ASSERT_THAT(*here, SizeIs(1));
  EXPECT_EQ(here->front().port, server.port());
  EXPECT_EQ(here->front().place, ListenPlace::loopback4);
  const auto another = listening_sockets(root, {self.pid, self.start_ticks + 1}, "net:[1]");
  EXPECT_FALSE(another);
}

TEST(GoEnvironment, IsWhatTheRuntimeIsStartedWithAndNothingElse) {
  using namespace std::string_view_literals;
  EXPECT_EQ(parse_go_environment("SECRET=GOGC=7\0GOGC=50\0GOMEMLIMIT=256MiB\0"sv),
            (GoEnvironment{50, 256.0 * (1 << 20)}));
  EXPECT_EQ(parse_go_environment("GOGC=off\0GOMEMLIMIT=1000B"sv), (GoEnvironment{-1, 1000}));
  EXPECT_EQ(parse_go_environment("GOGC=much\0GOMEMLIMIT=off\0XGOGC=3\0"sv), GoEnvironment{});
}

}  // namespace
}  // namespace heapfloor
