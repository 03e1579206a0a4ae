#include "agent/top/top_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace heapfloor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string success(const std::string& data) {
  return R"({"status":"success","data":)" + data + "}";
}

constexpr const char* kSuspect = R"({
  "id": "process:7:700/rss_anon", "scope": "process", "signal": "rss_anon", "state": "leaking", "unit": "bytes",
  "subject": {"pid": 7, "comm": "payments", "group": "shop", "cgroup": "/a", "part": null},
  "value": 3e9, "floor": 2.5e9, "confidence": 0.99, "severity": "critical", "since": 1700000000, "ended_at": null,
  "growth_per_second": {"estimate": 1048576, "low": 1e6, "high": 1.1e6},
  "predicted_exhaustion": {"limit": 4e9, "limit_source": "cgroup", "at": 1700001000, "earliest": 1700000900, "latest": null},
  "reason": "The floor rises.", "cause_summary": "It holds more.",
  "gates": [{"gate": "trend", "passed": true, "detail": "Z 7"}, {"gate": "patience", "passed": false, "detail": "too soon"}],
  "sites": [{"site": "ab", "function": "add_user", "file": "cache.cpp", "line": 88, "container": "map", "share": 0.5,
             "growth_bytes_per_second": {"estimate": 1048576, "low": null, "high": null}}],
  "structures": [{"name": "user_cache", "phase": "grow", "growth_bytes_per_second": 1048576, "share": null}],
  "evidence": [{"kind": "builds", "text": "since build v1"}, {"kind": "signal", "id": "x"}]})";

TEST(TopSuspects, HaveWhatTheAgentSays) {
  const auto rows = parse_top_suspects(success(std::string(R"({"suspects":[)") + kSuspect + "]}"));
  ASSERT_TRUE(rows) << rows.error().reason;
  ASSERT_THAT(*rows, SizeIs(1));
  const TopRow& row = rows->front();
  EXPECT_EQ(row.id, "process:7:700/rss_anon");
  EXPECT_EQ(row.name, "payments");
  EXPECT_EQ(row.pid, 7);
  EXPECT_EQ(row.counted, "") << "bytes";
  EXPECT_EQ(row.growth->estimate, 1048576);
  EXPECT_EQ(row.exhaustion->at_seconds, 1700001000);
  EXPECT_FALSE(row.exhaustion->latest_seconds);
  EXPECT_EQ(row.limit, 4e9);
  EXPECT_FALSE(row.ended_seconds);
  EXPECT_THAT(row.sites, ElementsAre("3.52 GiB/h (50 % of it) in add_user at cache.cpp:88, map"));
  EXPECT_THAT(row.structures, ElementsAre("3.52 GiB/h in user_cache, phase grow"));
  EXPECT_THAT(row.held_by, ElementsAre("patience: too soon"));
  EXPECT_THAT(row.builds, ElementsAre("since build v1"));
}

TEST(TopSubjects, WhatIsNotKnownIsAbsentAndNotZero) {
  const auto subjects = parse_top_subjects(success(
      R"({"total":5230,"offset":0,"subjects":[{"id":"process:8:1/threads","scope":"process","signal":"threads",
          "unit":"threads","state":null,"value":null,"subject":{"pid":null,"comm":"x","part":"y"}}]})"));
  ASSERT_TRUE(subjects) << subjects.error().reason;
  EXPECT_EQ(subjects->total, 5230U);
  ASSERT_THAT(subjects->rows, SizeIs(1));
  const TopRow& row = subjects->rows.front();
  EXPECT_EQ(row.name, "x: y");
  EXPECT_EQ(row.counted, "threads");
  EXPECT_EQ(row.state, "");
  EXPECT_FALSE(row.value);
  EXPECT_FALSE(row.pid);
  EXPECT_FALSE(row.growth);
}

TEST(TopStatus, CountsWhatThereIs) {
  const auto status = parse_top_status(success(
      R"({"version":"0.1.0","now":1700000000,"first_verdict_seconds":540,
          "counts":{"processes":300,"watched":29,"leaking":1,"suspected":2,"recovering":3}})"));
  ASSERT_TRUE(status);
  EXPECT_EQ(status->processes, 300U);
  EXPECT_EQ(status->recovering, 3U);
}

TEST(TopAnswers, AnErrorOfTheAgentIsToldInItsOwnWords) {
  const auto status = parse_top_status(
      R"({"status":"error","errorType":"unavailable","error":"nothing was collected yet"})");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().reason, "nothing was collected yet");
}

TEST(TopAnswers, OfAnyShapeGiveAnErrorOrNothing) {
  for (const std::string& body :
       {std::string(), std::string("null"), std::string("[1]"), std::string("<html>"), success("7"),
        success("[]"), std::string("\xff")}) {
    EXPECT_FALSE(parse_top_status(body)) << body;
    EXPECT_FALSE(parse_top_suspects(body)) << body;
    EXPECT_FALSE(parse_top_subjects(body)) << body;
  }
  EXPECT_FALSE(parse_top_suspects(success(R"({"suspects":{}})")));
  const auto rows = parse_top_suspects(success(
      R"({"suspects":[1,null,{},{"id":7},{"id":"a","subject":[],"value":"x","growth_per_second":7,"sites":"s",
          "structures":[7],"gates":[[]],"predicted_exhaustion":{"at":"soon"}}]})"));
  ASSERT_TRUE(rows);
  ASSERT_THAT(*rows, SizeIs(1));
  EXPECT_FALSE(rows->front().value);
  EXPECT_THAT(rows->front().sites, IsEmpty());
}

TEST(TopAnswers, NoControlCharacterIsLeft) {
  const auto rows = parse_top_suspects(success(
      R"({"suspects":[{"id":"a","subject":{"comm":"\u001b[2J\n\u202egpj\u0007\u009b31m"}}]})"));
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->front().name, R"(\x1B[2J \xE2\x80\xAEgpj\x07\xC2\x9B31m)");
}

}  // namespace
}  // namespace heapfloor
