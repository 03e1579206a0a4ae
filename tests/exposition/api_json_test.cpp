#include "agent/exposition/api_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "agent/alerts/cause_words.h"
#include "agent/trend/explain.h"
#include "tests/exposition/rich_snapshot.h"

namespace heapfloor {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

json data_of(const ApiDocument& document) {
  EXPECT_EQ(document.status, 200) << document.json;
  const json parsed = json::parse(document.json);
  EXPECT_EQ(parsed["status"], "success");
  EXPECT_EQ(parsed.size(), 2U);
  return parsed["data"];
}

void expect_error(const ApiDocument& document, int status, const std::string& type) {
  EXPECT_EQ(document.status, status);
  const json parsed = json::parse(document.json);
  EXPECT_EQ(parsed["status"], "error");
  EXPECT_EQ(parsed["errorType"], type);
  EXPECT_FALSE(parsed["error"].get<std::string>().empty());
}

json subjects(const ApiParameters& parameters) {
  return data_of(subjects_document(rich::snapshot(), parameters));
}

std::vector<std::string> ids(const json& list) {
  std::vector<std::string> out;
  for (const json& row : list) out.push_back(row["id"]);
  return out;
}

constexpr const char* kLeaking = "process:103:30000/rss_anon";
constexpr const char* kSuspected = "process:102:20000/rss_anon";
constexpr const char* kRecovering = "process:104:35025/rss_anon";
constexpr const char* kLearning = "process:101:10000/rss_anon";
constexpr const char* kUnwatched = "process:4711:35000/rss_anon";

Incarnation former_life() {
  Incarnation life;
  life.start_unix_seconds = 1'699'900'000;
  life.end_unix_seconds = 1'700'000'000;
  life.reason = EndReason::reboot;
  life.state = LeakState::leaking;
  life.growth = {200, 100, 300};
  life.floor_bytes = 5e8;
  life.last_bytes = 6e8;
  return life;
}

class FakeReader : public SeriesReader {
 public:
  [[nodiscard]] std::optional<SeriesDetail> read(std::string_view id) const override {
    if (id != kLeaking) return std::nullopt;
    return SeriesDetail{
        {{8000, 1, 2}, {8500, 3, 4.5}, {9000, 5, 5}}, {{8000, 1}, {9000, 5}}, {former_life()}};
  }
};

TEST(StatusDocument, SaysWhatTheAgentIsAndWhatItSees) {
  const json data = data_of(status_document(rich::snapshot(), rich::kBuild));
  EXPECT_EQ(data["version"], "0.1.0");
  EXPECT_EQ(data["revision"], "abc123");
  EXPECT_EQ(data["now"], 1'700'010'000);
  EXPECT_EQ(data["started_at"], 1'700'000'400);
  EXPECT_EQ(data["interval_seconds"], 15);
  EXPECT_EQ(data["minimum_size_bytes"], 16'777'216);
  EXPECT_EQ(data["first_verdict_seconds"], 540);
  EXPECT_EQ(data["host"]["memory_capacity_bytes"], 8'000'000'000);
  EXPECT_TRUE(data["host"]["memory_available_bytes"].is_null());
  const json counts = {{"processes", 5},         {"groups", 5},       {"watched", 4},
                       {"watched_processes", 4}, {"learning", 1},     {"stable", 0},
                       {"suspected", 1},         {"leaking", 1},      {"recovering", 1},
                       {"alerts_pending", 1},    {"alerts_firing", 1}};
  EXPECT_EQ(data["counts"], counts);
  EXPECT_EQ(data["collectors"].size(), 4U);
  EXPECT_TRUE(data["collectors"][0]["skipped"].is_null());
  EXPECT_EQ(data["collectors"][0]["sources"], json::object());
  EXPECT_EQ(data["collectors"][3]["skipped"],
            json({{"budget", 7}, {"disabled", 2}, {"too_large", 1}}));
  EXPECT_EQ(data["collectors"][3]["sources"], json({{"smaps_rollup", false}}));
  EXPECT_EQ(data["collectors"][3]["closed_sources"], json({{"smaps_rollup", "CAP_SYS_PTRACE"}}));
  EXPECT_EQ(data["collectors"][1]["errors"]["permission"], 1);
  EXPECT_EQ(data["collectors"][0]["last_success_at"], 1'700'010'000);
  EXPECT_TRUE(data["collectors"][2]["last_success_at"].is_null());
  EXPECT_EQ(data["series"], json({{"series", 4}, {"limit", 4000}, {"dropped", 1}}));
}

TEST(SubjectsDocument, ListsEveryProcessWatchedOrNotTheLargestFirst) {
  const json data = subjects({});
  EXPECT_EQ(data["total"], 5);
  EXPECT_EQ(data["offset"], 0);
  EXPECT_THAT(ids(data["subjects"]),
              ElementsAre(kUnwatched, kRecovering, kLeaking, kSuspected, kLearning));
}

TEST(SubjectsDocument, OfAWatchedProcessHasItsVerdict) {
  const json row = subjects({{"state", "leaking"}})["subjects"][0];
  const json expected = {
      {"id", kLeaking},
      {"scope", "process"},
      {"subject",
       {{"pid", 103},
        {"start_time", 1'700'000'300},
        {"comm", "bad\\xFF"},
        {"group", "bad\\xFF"},
        {"cgroup", nullptr},
        {"part", nullptr}}},
      {"signal", "rss_anon"},
      {"basis", "rss_floor"},
      {"watched", true},
      {"state", "leaking"},
      {"unit", "bytes"},
      {"value", 103'004'096},
      {"floor", 312'000'000},
      {"growth_per_second", {{"estimate", 2912.75}, {"low", 2650.5}, {"high", 3170.25}}},
      {"value_bytes", 103'004'096},
      {"resident_anon_bytes", 103'000'000},
      {"resident_file_bytes", 50'000},
      {"resident_shmem_bytes", 0},
      {"swap_bytes", 4096},
      {"threads", 3},
      {"proportional", nullptr},
      {"floor_bytes", 312'000'000},
      {"growth_bytes_per_second", {{"estimate", 2912.75}, {"low", 2650.5}, {"high", 3170.25}}},
      {"confidence", 0.98},
      {"predicted_exhaustion",
       {{"limit", 1'073'741'824},
        {"limit_bytes", 1'073'741'824},
        {"limit_source", "host"},
        {"at", 1'700'060'000.5},
        {"earliest", 1'700'059'000.5},
        {"latest", nullptr}}}};
  EXPECT_EQ(row, expected);
}

TEST(SubjectsDocument, OfAnUnwatchedProcessHasNulls) {
  const json row = subjects({{"search", "4711"}})["subjects"][0];
  EXPECT_EQ(row["watched"], false);
  for (const char* const name : {"state", "swap_bytes", "floor_bytes", "growth_bytes_per_second",
                                 "confidence", "predicted_exhaustion"}) {
    EXPECT_TRUE(row.at(name).is_null()) << name;
  }
  EXPECT_EQ(row["value_bytes"], 4'711'000'000);
}

TEST(SubjectsDocument, ShowsAForecastOnlyWhileItThreatens) {
  EXPECT_TRUE(subjects({{"state", "recovering"}})["subjects"][0]["predicted_exhaustion"].is_null());
}

TEST(SubjectsDocument, ListsWatchesOfOtherScopes) {
  Snapshot snapshot = rich::snapshot();
  WatchRow host;
  host.subject = "host";
  host.scope = "host";
  host.signal = "threads";
  snapshot.watches.push_back(host);
  const json data = data_of(subjects_document(snapshot, {{"scope", "host"}}));
  EXPECT_THAT(ids(data["subjects"]), ElementsAre("host/threads"));
  EXPECT_TRUE(data["subjects"][0]["subject"]["pid"].is_null());
  EXPECT_TRUE(data["subjects"][0]["resident_anon_bytes"].is_null());
}

TEST(SubjectsDocument, GivesCountsInTheirUnitAndNotAsBytes) {
  Snapshot snapshot = rich::snapshot();
  WatchRow threads = snapshot.watches.back();
  threads.signal = "threads";
  threads.last_value = 310;
  snapshot.watches.push_back(threads);
  const json data = data_of(subjects_document(snapshot, {{"search", threads.subject}}));
  const auto row = std::ranges::find(data["subjects"], "threads",
                                     [](const json& entry) { return entry["signal"]; });
  ASSERT_NE(row, data["subjects"].end());
  EXPECT_EQ((*row)["unit"], "threads");
  EXPECT_EQ((*row)["value"], 310);
  EXPECT_TRUE((*row)["value_bytes"].is_null());
  EXPECT_TRUE((*row)["floor_bytes"].is_null());
  EXPECT_TRUE((*row)["growth_bytes_per_second"].is_null());
}

TEST(SubjectsDocument, SearchesNamesGroupsAndPidsInAnyCase) {
  EXPECT_THAT(ids(subjects({{"search", "SMALL"}})["subjects"]), ElementsAre(kUnwatched));
  EXPECT_THAT(ids(subjects({{"search", "caf\xC3\xA9"}})["subjects"]),
              ElementsAre(kUnwatched, kRecovering));
  EXPECT_THAT(ids(subjects({{"search", "102"}})["subjects"]), ElementsAre(kSuspected));
  EXPECT_THAT(ids(subjects({{"search", "process:102:20000"}})["subjects"]),
              ElementsAre(kSuspected));
  EXPECT_EQ(subjects({{"search", "process"}})["total"], 0) << "only a whole subject is meant";
  EXPECT_EQ(subjects({{"search", "02"}})["total"], 0) << "a pid is known by its beginning";
  EXPECT_THAT(ids(subjects({{"search", "\\xff"}})["subjects"]), ElementsAre(kLeaking));
  EXPECT_EQ(subjects({{"search", "nothing"}})["total"], 0);
}

TEST(SubjectsDocument, FindsAWholeSubjectInAnyCase) {
  Snapshot snapshot = rich::snapshot();
  WatchRow cgroup;
  cgroup.subject = "cgroup:/System.slice";
  cgroup.scope = "cgroup";
  cgroup.signal = "rss_anon";
  snapshot.watches.push_back(cgroup);
  for (const char* const search : {"cgroup:/System.slice", "CGROUP:/system.SLICE"}) {
    const json data = data_of(subjects_document(snapshot, {{"search", search}}));
    EXPECT_THAT(ids(data["subjects"]), ElementsAre("cgroup:/System.slice/rss_anon")) << search;
  }
}

TEST(SubjectsDocument, SortsWhatIsNotKnownLast) {
  const auto order = [](const char* sort, const char* direction) {
    return ids(subjects({{"sort", sort}, {"order", direction}})["subjects"]);
  };
  EXPECT_EQ(order("value", "asc").front(), kLearning);
  EXPECT_EQ(order("pid", "desc").front(), kUnwatched);
  EXPECT_EQ(order("exhaustion", "asc")[0], kLeaking);
  EXPECT_EQ(order("exhaustion", "asc")[1], kSuspected);
  EXPECT_EQ(order("exhaustion", "desc")[0], kSuspected);
  EXPECT_EQ(order("exhaustion", "desc")[1], kLeaking);
  EXPECT_EQ(order("growth", "asc")[0], kSuspected);
  EXPECT_EQ(order("growth", "asc")[1], kLeaking);
  EXPECT_EQ(order("floor", "desc").back(), kUnwatched);
  EXPECT_EQ(order("name", "asc").back(), kUnwatched);
  EXPECT_EQ(ids(subjects({{"sort", "name"}})["subjects"]), order("name", "asc"));
  EXPECT_EQ(ids(subjects({{"sort", "floor"}})["subjects"]), order("floor", "desc"));
}

TEST(SubjectsDocument, Pages) {
  const json data = subjects({{"limit", "2"}, {"offset", "3"}});
  EXPECT_EQ(data["total"], 5);
  EXPECT_EQ(data["offset"], 3);
  EXPECT_THAT(ids(data["subjects"]), ElementsAre(kSuspected, kLearning));
  EXPECT_THAT(subjects({{"offset", "9"}})["subjects"], IsEmpty());
  EXPECT_EQ(subjects({{"limit", "1"}, {"limit", "5"}, {"unknown", "x"}, {"state", ""}})["subjects"]
                .size(),
            1U);
}

TEST(SubjectsDocument, RefusesParametersThatMeanNothing) {
  for (const auto& [name, value] : ApiParameters{{"limit", "0"},
                                                 {"limit", "1001"},
                                                 {"limit", "-1"},
                                                 {"limit", "10x"},
                                                 {"offset", "-1"},
                                                 {"offset", "99999999999999999999999"},
                                                 {"sort", "size"},
                                                 {"order", "up"},
                                                 {"state", "leaky"},
                                                 {"scope", "container"}}) {
    expect_error(subjects_document(rich::snapshot(), {{name, value}}), 400, "bad_data");
  }
}

TEST(SubjectsDocument, IsValidWhateverNamesHold) {
  Snapshot snapshot = rich::snapshot();
  std::string every_byte;
  for (int byte = 1; byte < 256; ++byte) every_byte += static_cast<char>(byte);
  for (ProcessRow& process : snapshot.processes) process.comm = every_byte;
  for (GroupRow& group : snapshot.groups) group.name = every_byte;
  for (WatchRow& watch : snapshot.watches) watch.name = watch.group = watch.subject = every_byte;
  for (AlertRow& alert : snapshot.alerts) {
    alert.description = alert.subject = alert.group = alert.name = alert.signal = every_byte;
  }
  EXPECT_EQ(data_of(subjects_document(snapshot, {}))["total"], 5);
  EXPECT_EQ(data_of(suspects_document(snapshot))["suspects"].size(), 3U);
  EXPECT_EQ(data_of(alerts_document(snapshot))["alerts"].size(), 2U);
}

TEST(StatusDocument, SaysOfEachTargetHowItAnswers) {
  const json targets = data_of(status_document(rich::snapshot(), {}))["external_targets"];
  ASSERT_EQ(targets.size(), 2U);
  EXPECT_EQ(targets[0]["name"], "shop");
  EXPECT_EQ(targets[0]["up"], false);
  EXPECT_EQ(targets[0]["series"], 12);
  EXPECT_EQ(targets[0]["errors"]["timeout"], 3);
  EXPECT_EQ(targets[0]["series_dropped"], (json{{"limit", 7}, {"duplicate", 0}, {"name", 0}}));
  EXPECT_EQ(targets[0]["readings_refused"], 2);
  EXPECT_EQ(targets[0]["last_success_at"], 1'700'009'900);
  EXPECT_EQ(targets[0]["error"], "http://prometheus:9090: timed out");
  EXPECT_TRUE(targets[1]["up"].is_null());
  EXPECT_TRUE(targets[1]["last_success_at"].is_null());
  EXPECT_TRUE(targets[1]["error"].is_null());
}

TEST(SuspectsDocument, IsSortedByStateAndUrgency) {
  Snapshot snapshot = rich::snapshot();
  WatchRow sooner = snapshot.watches[1];
  sooner.signal = "threads";
  sooner.verdict.exhaustion->at_seconds -= 1;
  WatchRow unlimited = snapshot.watches[1];
  unlimited.signal = "external";
  unlimited.verdict.exhaustion.reset();
  snapshot.watches.insert(snapshot.watches.begin(), {unlimited});
  snapshot.watches.push_back(sooner);
  EXPECT_THAT(ids(data_of(suspects_document(snapshot))["suspects"]),
              ElementsAre(kLeaking, "process:102:20000/threads", kSuspected,
                          "process:102:20000/external", kRecovering));
}

TEST(SuspectDocument, HasTheWholeVerdict) {
  const json suspect = data_of(suspect_document(rich::snapshot(), kLeaking))["suspect"];
  EXPECT_EQ(suspect["id"], kLeaking);
  EXPECT_EQ(suspect["state"], "leaking");
  EXPECT_EQ(suspect["since"], 1'700'009'000);
  EXPECT_EQ(suspect["severity"], "critical");
  const Verdict verdict = rich::snapshot().watches[2].verdict;
  EXPECT_EQ(suspect["reason"], explain(verdict, rich::snapshot().time_seconds));
  EXPECT_TRUE(suspect["subject"]["cgroup"].is_null());
  EXPECT_EQ(suspect["cause"], (json{{"live_growth", 0.5},
                                    {"allocator_retention", 0.125},
                                    {"file_cache", 0.125},
                                    {"shared_memory", 0},
                                    {"thread_stacks", 0.25},
                                    {"unattributed", 0}}));
  EXPECT_EQ(suspect["cause_summary"], say_causes(*rich::snapshot().watches[2].causes));
  EXPECT_EQ(suspect["evidence"], json::array());
  ASSERT_EQ(suspect["structures"].size(), 1U);
  EXPECT_EQ(suspect["structures"][0], (json{{"name", "user\"cache\n\\xFF"},
                                            {"phase", nullptr},
                                            {"growth_bytes_per_second", 2000.5},
                                            {"share", 0.5}}));
  ASSERT_EQ(suspect["sites"].size(), 2U);
  EXPECT_EQ(
      suspect["sites"][0],
      (json{{"site", "0000000000000abc"},
            {"function", nullptr},
            {"file", nullptr},
            {"line", nullptr},
            {"location", "/usr/bin/app+0x1f"},
            {"structure", "user\"cache\n\\xFF"},
            {"phase", "grow"},
            {"container", nullptr},
            {"element", nullptr},
            {"growth_bytes_per_second", {{"estimate", 1500}, {"low", nullptr}, {"high", nullptr}}},
            {"share", 0.375}}));
  EXPECT_TRUE(suspect["sites"][1]["location"].is_null());
  EXPECT_TRUE(suspect["sites"][1]["share"].is_null());
}

TEST(SuspectDocument, StacksThatCouldNotBeMeasuredAreNull) {
  Snapshot snapshot = rich::snapshot();
  snapshot.watches[2].causes->thread_stacks.reset();
  const json suspect = data_of(suspect_document(snapshot, kLeaking))["suspect"];
  EXPECT_TRUE(suspect["cause"]["thread_stacks"].is_null());
}

TEST(SuspectDocument, OfAProcessThatWasNotFollowedNoCauseIsKnown) {
  const json suspect = data_of(suspect_document(rich::snapshot(), kSuspected))["suspect"];
  EXPECT_EQ(suspect["cause"], json::object());
  EXPECT_TRUE(suspect["cause_summary"].is_null());
  for (const char* const list : {"sites", "structures"}) EXPECT_EQ(suspect[list], json::array());
}

TEST(SuspectDocument, HasEveryGate) {
  const json suspect = data_of(suspect_document(rich::snapshot(), kLeaking))["suspect"];
  const Verdict verdict = rich::snapshot().watches[2].verdict;
  ASSERT_EQ(suspect["gates"].size(), kGates);
  const auto gate_json = [&verdict](Gate gate, const json& passed) -> json {
    return {{"gate", gate_name(gate)}, {"passed", passed}, {"detail", gate_detail(gate, verdict)}};
  };
  EXPECT_EQ(suspect["gates"][0], gate_json(Gate::trend, true));
  EXPECT_EQ(suspect["gates"][1], gate_json(Gate::size, false));
  EXPECT_EQ(suspect["gates"][2], gate_json(Gate::signal, nullptr)) << "not reached";
}

KnownSite site_that_grows(std::uint64_t hash, double bytes_per_second) {
  KnownSite site;
  site.stack_hash = hash;
  site.function = "shop::register_users(int)";
  site.file = "/src/shop/users.cpp";
  site.line = 88;
  site.container = "unordered_map";
  site.element = "std::pair<const int, User>";
  site.growth = KnownGrowth{3600, bytes_per_second, bytes_per_second - 10, bytes_per_second + 10,
                            std::nullopt};
  return site;
}

TEST(SuspectDocument, ItsSitesAreNamedByTheirSymbolsWithTheErrorOfTheirGrowth) {
  Snapshot snapshot = rich::snapshot();
  WatchRow& watch = snapshot.watches[2];
  watch.sites = {{"00000000000000ab", "", "", "/opt/app+0x1234", 100, 0.5},
                 {"00000000000000cd", "grow", "user_cache", "/opt/app+0x99", 70, std::nullopt}};
  KnownSites known;
  known[watch.process] = {site_that_grows(0xef, 500), site_that_grows(0xab, 120)};
  known[watch.process][0].growth->share = 0.8;
  snapshot.known_sites = std::make_shared<const KnownSites>(known);
  const json sites = data_of(suspect_document(snapshot, kLeaking))["suspect"]["sites"];
  ASSERT_EQ(sites.size(), 3U);
  EXPECT_EQ(sites[0]["site"], "00000000000000ef") << "the detector does not follow it";
  EXPECT_EQ(sites[0]["share"], 0.8);
  EXPECT_EQ(sites[1]["site"], "00000000000000ab");
  EXPECT_EQ(sites[1]["function"], "shop::register_users(int)");
  EXPECT_EQ(sites[1]["file"], "/src/shop/users.cpp");
  EXPECT_EQ(sites[1]["line"], 88);
  EXPECT_EQ(sites[1]["location"], "/opt/app+0x1234");
  EXPECT_EQ(sites[1]["container"], "unordered_map");
  EXPECT_EQ(sites[1]["growth_bytes_per_second"],
            json({{"estimate", 120}, {"low", 110}, {"high", 130}}));
  EXPECT_EQ(sites[1]["share"], 0.5);
  EXPECT_EQ(sites[2]["function"], nullptr);
  EXPECT_EQ(sites[2]["line"], nullptr);
  EXPECT_EQ(sites[2]["structure"], "user_cache");
  EXPECT_EQ(sites[2]["phase"], "grow");
  EXPECT_EQ(sites[2]["growth_bytes_per_second"],
            json({{"estimate", 70}, {"low", nullptr}, {"high", nullptr}}));
}

TEST(SuspectDocument, WhatElseOfTheSameSubjectGrowsIsEvidence) {
  Snapshot snapshot = rich::snapshot();
  WatchRow threads = snapshot.watches[2];
  threads.signal = "threads";
  threads.state = LeakState::suspected;
  threads.verdict.growth = {0.5, 0.25, 0.75};
  WatchRow descriptors = threads;
  descriptors.signal = "file_descriptors";
  descriptors.state = LeakState::stable;
  WatchRow stranger = threads;
  stranger.subject = "process:103:99";
  snapshot.watches.insert(snapshot.watches.end(), {threads, descriptors, stranger});
  const auto evidence = [&snapshot](const std::string& id) {
    return data_of(suspect_document(snapshot, id))["suspect"]["evidence"];
  };
  EXPECT_EQ(evidence(kLeaking),
            json({{{"kind", "signal"},
                   {"id", "process:103:30000/threads"},
                   {"signal", "threads"},
                   {"unit", "threads"},
                   {"state", "suspected"},
                   {"growth_per_second", {{"estimate", 0.5}, {"low", 0.25}, {"high", 0.75}}}}}));
  const json of_threads = evidence("process:103:30000/threads");
  ASSERT_EQ(of_threads.size(), 1U);
  EXPECT_EQ(of_threads[0]["id"], kLeaking);
  EXPECT_EQ(of_threads[0]["unit"], "bytes");
  EXPECT_EQ(of_threads[0]["state"], "leaking");
  snapshot.watches[4].ended_seconds = 9500;
  EXPECT_EQ(evidence(kLeaking), json::array()) << "what has ended does not grow";
}

TEST(SuspectDocument, EarlierRunsThatGrewAlikeAreEvidence) {
  Snapshot snapshot = rich::snapshot();
  snapshot.watches[2].verdict.earlier_lives = 3;
  snapshot.watches[2].verdict.earlier_seconds = 7200;
  EXPECT_EQ(data_of(suspect_document(snapshot, kLeaking))["suspect"]["evidence"],
            json({{{"kind", "earlier_runs"}, {"runs", 3}, {"seconds", 7200}}}));
}

TEST(SuspectDocument, SaysItsBuildAndTheOneBeforeIt) {
  const Snapshot snapshot = rich::snapshot();
  const std::string id = snapshot.watches[1].subject + "/rss_anon";
  const json suspect = data_of(suspect_document(snapshot, id))["suspect"];
  EXPECT_EQ(suspect["build"],
            (json{{"name", "0123456789ab"},
                  {"program", "app"},
                  {"kind", "gnu_build_id"},
                  {"id", "0123456789abcdef0123"},
                  {"version", nullptr},
                  {"image", nullptr},
                  {"image_id", nullptr},
                  {"since", 1'700'000'000},
                  {"runs", 2},
                  {"run_seconds", 3600},
                  {"seen_seconds", 3600},
                  {"move", "rising"},
                  {"growth_per_second", {{"estimate", 58888.5}, {"low", 50000}, {"high", 60000}}},
                  {"is_rollback", true},
                  {"before",
                   {{"name", "v1.4.2"},
                    {"program", "app"},
                    {"kind", "go_build_id"},
                    {"id", "a/b/fedcba9876543210"},
                    {"version", "v1.4.2"},
                    {"image", "registry.example/shop/app:2.4.1"},
                    {"image_id", "sha256:0123456789abcdef"},
                    {"since", 1'690'000'000},
                    {"runs", 1},
                    {"run_seconds", 172800},
                    {"seen_seconds", 172800},
                    {"move", "level"},
                    {"growth_per_second", {{"estimate", 0}, {"low", -1}, {"high", 1}}}}}}));
  ASSERT_EQ(suspect["evidence"].size(), 1U);
  EXPECT_EQ(suspect["evidence"][0]["kind"], "builds");
  EXPECT_NE(suspect["evidence"][0]["text"].get<std::string>().find(
                "; image app:2.4.1 (build v1.4.2) before it: level (seen for 2 d 0 h); build "
                "0123456789ab ran before that too"),
            std::string::npos)
      << suspect["evidence"];
  EXPECT_EQ(data_of(suspect_document(snapshot, kLeaking))["suspect"]["build"], nullptr)
      << "not known";
}

TEST(SuspectDocument, SeverityFollowsTheEarliestExhaustion) {
  constexpr double kDay = 86400;
  const auto severity = [](double seconds_left) {
    Snapshot snapshot = rich::snapshot();
    snapshot.watches[2].verdict.exhaustion->earliest_seconds = snapshot.time_seconds + seconds_left;
    return data_of(suspect_document(snapshot, kLeaking))["suspect"]["severity"];
  };
  EXPECT_EQ(severity(kDay - 1), "critical");
  EXPECT_EQ(severity(kDay), "warning");
  EXPECT_EQ(severity(14 * kDay - 1), "warning");
  EXPECT_EQ(severity(14 * kDay), "info");
}

TEST(SuspectDocument, OfWhatIsNotSuspectedIsNotFound) {
  for (const char* const id : {kLearning, kUnwatched, "", "/", "process:103:30000", "x/rss_anon"}) {
    expect_error(suspect_document(rich::snapshot(), id), 404, "not_found");
  }
}

TEST(SeriesDocument, HasPointsFloorsAndTheFittedLine) {
  const json data = data_of(series_document(rich::snapshot(), kLeaking, FakeReader(), {}));
  EXPECT_EQ(data["id"], kLeaking);
  EXPECT_EQ(data["signal"], "rss_anon");
  EXPECT_EQ(data["unit"], "bytes");
  EXPECT_EQ(data["state"], "leaking");
  EXPECT_EQ(data["points"], json::parse("[[1700008000,1,2],[1700008500,3,4.5],[1700009000,5,5]]"));
  EXPECT_EQ(data["floors"], json::parse("[[1700008000,1],[1700009000,5]]"));
  EXPECT_EQ(data["line"]["start"], json::parse("[1700008000,300000000]"));
  EXPECT_EQ(data["line"]["end"], json::parse("[1700009000,302912750]"));
  EXPECT_EQ(data["line"]["growth_bytes_per_second"]["low"], 2650.5);
  EXPECT_EQ(data["limit_bytes"], 1'073'741'824);
  EXPECT_EQ(data["predicted_exhaustion"]["at"], 1'700'060'000.5);
  EXPECT_EQ(data["changes"], json::parse(R"([{"at":1700007000,"state":"suspected"},)"
                                         R"({"at":1700009000,"state":"leaking"}])"));
}

TEST(SeriesDocument, TellsHowFormerLivesOfTheProgramEnded) {
  const json lives =
      data_of(series_document(rich::snapshot(), kLeaking, FakeReader(), {}))["former_lives"];
  const json expected = {{"start_time", 1'699'900'000},
                         {"ended_at", 1'700'000'000},
                         {"reason", "reboot"},
                         {"state", "leaking"},
                         {"floor", 500'000'000},
                         {"value", 600'000'000},
                         {"growth_per_second", {{"estimate", 200}, {"low", 100}, {"high", 300}}},
                         {"build", nullptr},
                         {"floor_bytes", 500'000'000},
                         {"value_bytes", 600'000'000}};
  EXPECT_EQ(lives, json::array({expected}));
}

TEST(SuspectDocument, TellsWhenItEnteredEachState) {
  const json suspect = data_of(suspect_document(rich::snapshot(), kLeaking))["suspect"];
  EXPECT_EQ(suspect["changes"], json::parse(R"([{"at":1700007000,"state":"suspected"},)"
                                            R"({"at":1700009000,"state":"leaking"}])"));
}

TEST(SubjectsDocument, HasProportionalMemoryWithTheTimeOfItsReading) {
  Snapshot snapshot = rich::snapshot();
  snapshot.processes[1].values = {{&rich::kSmapsMetrics[0], 3000},
                                  {&rich::kSmapsMetrics[1], 2800},
                                  {&rich::kSmapsMetrics[2], 9985.5}};
  const json expected = {{"anon_bytes", 2800},     {"file_bytes", nullptr},
                         {"shmem_bytes", nullptr}, {"estimated_bytes", 3000},
                         {"swap_bytes", nullptr},  {"sampled_at", 1'700'009'985.5}};
  const json rows = data_of(subjects_document(snapshot, {{"sort", "pid"}}))["subjects"];
  EXPECT_TRUE(rows[0]["proportional"].is_null()) << "not sampled is not 0";
  EXPECT_EQ(rows[1]["proportional"], expected);
}

TEST(SeriesDocument, IsCutToTheRangeAsked) {
  const auto points = [](const ApiParameters& range) {
    return data_of(series_document(rich::snapshot(), kLeaking, FakeReader(), range))["points"]
        .size();
  };
  EXPECT_EQ(points({{"start", "1700008500"}}), 2U);
  EXPECT_EQ(points({{"end", "1700008499.5"}}), 1U);
  EXPECT_EQ(points({{"start", "1700008001"}, {"end", "1700008999"}}), 1U);
  for (const ApiParameters& range : {ApiParameters{{"start", "now"}},
                                     {{"start", "nan"}},
                                     {{"end", "1e400"}},
                                     {{"start", "2"}, {"end", "1"}}}) {
    expect_error(series_document(rich::snapshot(), kLeaking, FakeReader(), range), 400, "bad_data");
  }
}

TEST(SeriesDocument, OfWhatIsNotWatchedIsNotFound) {
  for (const char* const id : {kUnwatched, "nothing", kSuspected}) {
    expect_error(series_document(rich::snapshot(), id, FakeReader(), {}), 404, "not_found");
  }
}

TEST(SeriesDocument, WithoutARisingVerdictHasNoLine) {
  Snapshot snapshot = rich::snapshot();
  snapshot.watches[2].verdict = {};
  const json data = data_of(series_document(snapshot, kLeaking, FakeReader(), {}));
  EXPECT_TRUE(data["line"].is_null());
  EXPECT_TRUE(data["limit_bytes"].is_null());
}

TEST(AlertsDocument, IsPrometheussOwnFormat) {
  const json alert = data_of(alerts_document(rich::snapshot()))["alerts"][0];
  const json expected = {
      {"labels",
       {{"alertname", "HeapfloorLeak"},
        {"severity", "warning"},
        {"scope", "process"},
        {"subject", "process:103:30000"},
        {"group", "bad\\xFF"},
        {"signal", "rss_anon"}}},
      {"annotations",
       {{"summary", "The heap floor rises."}, {"description", "The floor of bad\\xFF rises."}}},
      {"state", "firing"},
      {"activeAt", "2023-11-15T00:43:20.125Z"},
      {"value", "1.2e+04"},
      {"links",
       {{"chart", nullptr}, {"flame_graph", nullptr}, {"profile", nullptr}, {"runbook", nullptr}}}};
  EXPECT_EQ(alert, expected);
}

TEST(AlertsDocument, SaysWhereToGoFromAnAlert) {
  Snapshot snapshot = rich::snapshot();
  snapshot.alerts[0].links.chart = "#/suspect/process:103:30000/rss_anon";
  snapshot.alerts[0].links.runbook = "runbooks/HeapfloorLeak.html";
  const json expected = {{"chart", "#/suspect/process:103:30000/rss_anon"},
                         {"flame_graph", nullptr},
                         {"profile", nullptr},
                         {"runbook", "runbooks/HeapfloorLeak.html"}};
  EXPECT_EQ(data_of(alerts_document(snapshot))["alerts"][0]["links"], expected);
}

TEST(AlertsDocument, SaysWhatIsSilencedAndByWhat) {
  Snapshot snapshot = rich::snapshot();
  snapshot.alerts[0].silenced_by = "17-1";
  const json alerts = data_of(alerts_document(snapshot))["alerts"];
  EXPECT_EQ(alerts[0]["silenced"], true);
  EXPECT_EQ(alerts[0]["silencedBy"], "17-1");
  EXPECT_FALSE(alerts[1].contains("silenced"));
}

TEST(RulesDocument, IsPrometheussOwnFormat) {
  const json groups = data_of(rules_document(rich::snapshot()))["groups"];
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0]["name"], "heapfloor");
  EXPECT_EQ(groups[0]["interval"], 15);
  ASSERT_EQ(groups[0]["rules"].size(), 1U);
  const json& leak = groups[0]["rules"][0];
  EXPECT_EQ(leak["type"], "alerting");
  EXPECT_EQ(leak["state"], "firing");
  EXPECT_EQ(leak["name"], "HeapfloorLeak");
  EXPECT_EQ(leak["query"], "heapfloor_leak_state{state=\"leaking\"} == 1");
  EXPECT_EQ(leak["duration"], 60);
  EXPECT_EQ(leak["health"], "ok");
  EXPECT_EQ(leak["labels"], (json{{"severity", "warning"}}));
  EXPECT_EQ(leak["annotations"], (json{{"summary", "It leaks."}}));
  ASSERT_EQ(leak["alerts"].size(), 1U);
  EXPECT_EQ(leak["alerts"][0]["labels"]["alertname"], "HeapfloorLeak");
  const json& own = groups[1]["rules"][0];
  EXPECT_EQ(own["state"], "inactive");
  EXPECT_EQ(own["health"], "err") << "there were more alerts than it may raise";
  EXPECT_FALSE(own["lastError"].get<std::string>().empty());
}

TEST(RulesDocument, TellsRulesOfOneNameApartByTheirScopes) {
  Snapshot snapshot = rich::snapshot();
  const AlertRow& alert = snapshot.alerts[0];
  snapshot.rules = {{alert.name, "a", "warning", "A.", 60, false, 0, "jvm"},
                    {alert.name, "b", "warning", "B.", 60, false, 0, "process"}};
  ASSERT_EQ(alert.scope, "process");
  const json rules = data_of(rules_document(snapshot))["groups"][0]["rules"];
  EXPECT_EQ(rules[0]["state"], "inactive");
  EXPECT_TRUE(rules[0]["alerts"].empty());
  EXPECT_EQ(rules[1]["state"], "firing");
}

TEST(SilencesDocument, ShowsHostileWordsAsTextAndWhatHasEndedAsExpired) {
  Silence silence;
  silence.id = "17-1";
  silence.matchers = {{"group", "pay\xFF*"}};
  silence.comment = "a\nb";
  silence.starts_at_seconds = 1'700'000'000;
  silence.ends_at_seconds = 1'700'003'600;
  const std::array silences = {silence};
  const json shown = data_of(silences_document(silences, 1'700'003'599))["silences"][0];
  EXPECT_EQ(shown["state"], "active");
  EXPECT_EQ(shown["matchers"][0], (json{{"name", "group"}, {"pattern", "pay\\xFF*"}}));
  EXPECT_EQ(shown["endsAt"], "2023-11-14T23:13:20Z");
  EXPECT_TRUE(shown["until"].is_null());
  EXPECT_EQ(data_of(silences_document(silences, 1'700'003'600))["silences"][0]["state"], "expired");
}

TEST(AlertsDocument, WritesWholeSecondsWithoutAFraction) {
  Snapshot snapshot = rich::snapshot();
  snapshot.alerts[0].active_since_seconds = 9000;
  EXPECT_EQ(data_of(alerts_document(snapshot))["alerts"][0]["activeAt"], "2023-11-15T00:43:20Z");
}

TEST(ErrorDocument, EscapesItsMessage) {
  const ApiDocument document = error_document(500, "internal", "a \"b\" \xFF");
  EXPECT_EQ(json::parse(document.json)["error"], "a \"b\" \xEF\xBF\xBD");
}

TEST(HealthTexts, AreThoseOfPrometheus) {
  EXPECT_EQ(healthy_text(), "heapfloor is Healthy.\n");
  EXPECT_EQ(ready_text(true), "heapfloor is Ready.\n");
  EXPECT_EQ(ready_text(false), "Service Unavailable\n");
}

TEST(StatusDocument, SaysWhichSourcesAreClosedAndWhatWouldOpenThem) {
  Snapshot snapshot = rich::snapshot();
  snapshot.collectors[1].sources = {{"exe", false, "CAP_SYS_PTRACE"}, {"status", true, "nothing"}};
  const json data = data_of(status_document(snapshot, rich::kBuild));
  EXPECT_EQ(data["collectors"][1]["sources"], json({{"exe", false}, {"status", true}}));
  EXPECT_EQ(data["collectors"][1]["closed_sources"], json({{"exe", "CAP_SYS_PTRACE"}}));
}

TEST(SuspectsDocument, ACgroupHasItsPathAndNoPid) {
  Snapshot snapshot = rich::snapshot();
  snapshot.watches.insert(snapshot.watches.begin(), rich::cgroup_watch());
  for (ProcessRow& process : snapshot.processes) process.watch.reset();
  constexpr const char* kId = "cgroup:/system.slice/nginx.service/cgroup_shmem";
  const json suspect = data_of(suspect_document(snapshot, kId))["suspect"];
  EXPECT_EQ(suspect["id"], kId);
  EXPECT_EQ(suspect["scope"], "cgroup");
  EXPECT_EQ(suspect["subject"]["cgroup"], "/system.slice/nginx.service");
  EXPECT_EQ(suspect["subject"]["comm"], "nginx.service");
  EXPECT_TRUE(suspect["subject"]["pid"].is_null());
  EXPECT_EQ(suspect["predicted_exhaustion"]["limit_source"], "cgroup");
  const json listed =
      data_of(subjects_document(snapshot, {{"scope", "cgroup"}, {"search", "SYSTEM.slice"}}));
  EXPECT_THAT(ids(listed["subjects"]), ElementsAre(kId));
  snapshot.watches[0].ended_seconds = 9500;
  const json ended = data_of(suspect_document(snapshot, kId))["suspect"];
  EXPECT_THAT(ended["reason"].get<std::string>(), ::testing::StartsWith("the cgroup was removed"));
}

}  // namespace
}  // namespace heapfloor
