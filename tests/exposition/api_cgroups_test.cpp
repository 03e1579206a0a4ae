#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "agent/exposition/api_json.h"
#include "collectors/cgroup_metrics.h"
#include "tests/exposition/rich_snapshot.h"

namespace heapfloor {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;

constexpr const char* kLimit = "heapfloor_cgroup_memory_limit_bytes";
constexpr const char* kEffective = "heapfloor_cgroup_memory_effective_limit_bytes";
constexpr const char* kUnreclaimable = "heapfloor_cgroup_unreclaimable_memory_bytes";

json data_of(const ApiDocument& document) {
  EXPECT_EQ(document.status, 200) << document.json;
  return json::parse(document.json)["data"];
}

struct Value {
  const char* metric;
  double value;
  const char* label = "";
};

CgroupRow cgroup(std::string path, const std::vector<Value>& values) {
  CgroupRow row;
  row.name = path.substr(path.rfind('/') + 1);
  row.path = std::move(path);
  for (const Value& value : values)
    row.values.push_back({cgroup_metric(value.metric, value.label), value.value});
  return row;
}

Snapshot snapshot_of(std::vector<CgroupRow> cgroups) {
  Snapshot snapshot = rich::snapshot();
  snapshot.cgroups = std::move(cgroups);
  return snapshot;
}

json cgroups(const Snapshot& snapshot, const ApiParameters& parameters = {}) {
  return data_of(cgroups_document(snapshot, parameters))["cgroups"];
}

std::vector<std::string> paths(const json& rows) {
  std::vector<std::string> out;
  for (const json& row : rows) out.push_back(row["cgroup"]);
  return out;
}

TEST(CgroupsDocument, SaysWhatACgroupHoldsAndWhatItIs) {
  CgroupRow row =
      cgroup("/kubepods/pod1", {{"heapfloor_cgroup_memory_current_bytes", 900},
                                {kUnreclaimable, 500},
                                {"heapfloor_cgroup_working_set_bytes", 700},
                                {"heapfloor_cgroup_memory_component_bytes", 450, "anon"},
                                {"heapfloor_cgroup_processes", 3},
                                {kLimit, 1000},
                                {kEffective, 1000},
                                {"heapfloor_cgroup_memory_events_total", 2, "oom_kill"},
                                {"heapfloor_cgroup_memory_events_local_total", 1, "oom_kill"},
                                {"heapfloor_cgroup_memory_pressure_stalled_seconds_total", 1.5},
                                {"heapfloor_cgroup_memory_pressure_waiting_seconds_total", 4}});
  row.words = {{"runtime", "containerd"}, {"pod_uid", "12-34"}};
  const json shown = cgroups(snapshot_of({row}))[0];
  EXPECT_EQ(shown["cgroup"], "/kubepods/pod1");
  EXPECT_EQ(shown["name"], "pod1");
  EXPECT_EQ(shown["identity"]["runtime"], "containerd");
  EXPECT_EQ(shown["identity"]["pod_uid"], "12-34");
  EXPECT_TRUE(shown["identity"]["unit"].is_null());
  EXPECT_EQ(shown["processes"], 3);
  EXPECT_EQ(shown["current_bytes"], 900);
  EXPECT_EQ(shown["unreclaimable_bytes"], 500);
  EXPECT_EQ(shown["working_set_bytes"], 700);
  EXPECT_EQ(shown["anon_bytes"], 450);
  EXPECT_EQ(shown["limit_share"], 0.5);
  EXPECT_EQ(shown["oom_kills"], 2) << "those below it as well";
  EXPECT_EQ(shown["pressure"], json({{"waiting_seconds", 4}, {"stalled_seconds", 1.5}}));
  EXPECT_EQ(shown["effective_limit"],
            json({{"bytes", 1000}, {"source", "cgroup"}, {"cgroup", "/kubepods/pod1"}}));
}

TEST(CgroupsDocument, WhatTheKernelDoesNotSayIsNullAndNotZero) {
  const json shown = cgroups(snapshot_of({cgroup("/bare", {})}))[0];
  for (const char* const name :
       {"processes", "current_bytes", "unreclaimable_bytes", "working_set_bytes", "swap_bytes",
        "limit_bytes", "high_bytes", "limit_share", "oom_kills", "effective_limit"}) {
    EXPECT_TRUE(shown.at(name).is_null()) << name;
  }
  EXPECT_TRUE(shown["pressure"]["stalled_seconds"].is_null());
  EXPECT_EQ(shown["watches"], json::array());
}

TEST(CgroupsDocument, SaysWhoseTheEffectiveLimitIs) {
  const Snapshot snapshot = snapshot_of({
      cgroup("/a", {{kLimit, 100}, {kEffective, 100}}),
      cgroup("/a/b", {{kLimit, 500}, {kEffective, 100}}),
      cgroup("/a/b/c", {{kEffective, 100}}),
      cgroup("/free", {{kEffective, 8e9}}),
      cgroup("/hidden", {{kEffective, 70}}),
  });
  const json rows = cgroups(snapshot, {{"sort", "path"}});
  const auto limit = [&rows](std::size_t row) { return rows[row]["effective_limit"]; };
  for (const std::size_t row : {0U, 1U, 2U}) EXPECT_EQ(limit(row)["cgroup"], "/a") << row;
  EXPECT_EQ(limit(3), json({{"bytes", 8'000'000'000}, {"source", "host"}, {"cgroup", nullptr}}));
  EXPECT_EQ(limit(4), json({{"bytes", 70}, {"source", "cgroup"}, {"cgroup", nullptr}}))
      << "a limit above what the agent can see";
}

TEST(CgroupsDocument, SortsByAmountsWithTheUnknownLast) {
  const Snapshot snapshot = snapshot_of({
      cgroup("/a", {{kUnreclaimable, 10}, {kEffective, 100}}),
      cgroup("/b", {{"heapfloor_cgroup_memory_current_bytes", 7}}),
      cgroup("/c", {{kUnreclaimable, 50}, {kEffective, 1000}}),
  });
  EXPECT_THAT(paths(cgroups(snapshot)), ElementsAre("/c", "/a", "/b"));
  EXPECT_THAT(paths(cgroups(snapshot, {{"order", "asc"}})), ElementsAre("/a", "/c", "/b"));
  EXPECT_THAT(paths(cgroups(snapshot, {{"sort", "limit_share"}})), ElementsAre("/a", "/c", "/b"));
  EXPECT_THAT(paths(cgroups(snapshot, {{"sort", "path"}})), ElementsAre("/a", "/b", "/c"));
  EXPECT_THAT(paths(cgroups(snapshot, {{"sort", "path"}, {"order", "desc"}})),
              ElementsAre("/c", "/b", "/a"));
}

TEST(CgroupsDocument, SearchesPathsAndIdentitiesAndPages) {
  const Snapshot snapshot = rich::snapshot();
  EXPECT_THAT(paths(cgroups(snapshot, {{"search", "CONTAINERD"}})), ElementsAre("/kubepods/podx"));
  EXPECT_THAT(paths(cgroups(snapshot, {{"search", "podx"}})), ElementsAre("/kubepods/podx"));
  const json page = data_of(cgroups_document(snapshot, {{"limit", "1"}, {"offset", "1"}}));
  EXPECT_EQ(page["total"], 3);
  EXPECT_EQ(page["now"], 1'700'010'000);
  EXPECT_THAT(paths(page["cgroups"]), ElementsAre("/kubepods/podx"));
}

TEST(CgroupsDocument, ShowsHostilePathsAsText) {
  EXPECT_THAT(paths(cgroups(rich::snapshot(), {{"sort", "path"}, {"limit", "1"}})),
              ElementsAre("/a\"b\n\\xFF"));
}

TEST(CgroupsDocument, HasTheStatesOfItsWatches) {
  Snapshot snapshot = snapshot_of({cgroup("/system.slice/nginx.service", {})});
  snapshot.watches.push_back(rich::cgroup_watch());
  const json expected = {{"id", "cgroup:/system.slice/nginx.service/cgroup_shmem"},
                         {"signal", "cgroup_shmem"},
                         {"state", "leaking"}};
  EXPECT_EQ(cgroups(snapshot)[0]["watches"], json::array({expected}));
}

TEST(CgroupsDocument, RefusesParametersThatMeanNothing) {
  const std::vector<ApiParameters> wrong = {{{"sort", "size"}},
                                            {{"order", "up"}},
                                            {{"limit", "0"}},
                                            {{"limit", "1001"}},
                                            {{"offset", "-1"}}};
  for (const ApiParameters& parameters : wrong)
    EXPECT_EQ(cgroups_document(rich::snapshot(), parameters).status, 400)
        << parameters.front().second;
}

TEST(OomsDocument, ListsVictimsTheLastFirstAndWorkloadsThatLostSomething) {
  Snapshot snapshot = rich::snapshot();
  snapshot.oom_victims.push_back({103, "bad\xFF", "", "", std::nullopt, 9999});
  snapshot.watches[2].ended_seconds = 9999;
  const json data = data_of(ooms_document(snapshot));
  const json last = {{"at", 1'700'009'999},
                     {"pid", 103},
                     {"comm", "bad\\xFF"},
                     {"group", "bad\\xFF"},
                     {"cgroup", nullptr},
                     {"workload", nullptr},
                     {"resident_anon_bytes", nullptr},
                     {"id", "process:103:30000/rss_anon"}};
  const json first = {{"at", 1'700'009'000.5},
                      {"pid", 42},
                      {"comm", "leaky"},
                      {"group", nullptr},
                      {"cgroup", "/kubepods/podx"},
                      {"workload", "pod/12-34"},
                      {"resident_anon_bytes", 65536},
                      {"id", nullptr}};
  EXPECT_EQ(data["victims"], json::array({last, first}));
  const json workload = {{"workload", "pod/12-34"}, {"oom_kills", 3}, {"last_at", 1'700'009'000.5}};
  EXPECT_EQ(data["workloads"], json::array({workload}));
  EXPECT_TRUE(data["kernel_log_readable"].is_null()) << "no collector that asks";
}

TEST(OomsDocument, DoesNotTakeAProcessThatReusesThePidForTheVictim) {
  Snapshot snapshot = rich::snapshot();
  snapshot.oom_victims = {{103, "other", "", "", std::nullopt, 9000}};
  EXPECT_TRUE(data_of(ooms_document(snapshot))["victims"][0]["id"].is_null())
      << "it lived on for long";
  snapshot.oom_victims[0].time_seconds = 200;
  EXPECT_TRUE(data_of(ooms_document(snapshot))["victims"][0]["id"].is_null())
      << "it was not yet there";
}

TEST(OomsDocument, SaysWhetherTheKernelsLogCanBeRead) {
  Snapshot snapshot = rich::snapshot();
  CollectorHealth kmsg;
  kmsg.name = "kmsg";
  kmsg.sources = {{"kmsg", false, "CAP_SYSLOG"}};
  snapshot.collectors.push_back(kmsg);
  EXPECT_EQ(data_of(ooms_document(snapshot))["kernel_log_readable"], false);
}

TEST(OomsDocument, WithoutKillsIsEmpty) {
  const Snapshot snapshot;
  const json data = data_of(ooms_document(snapshot));
  EXPECT_EQ(data["victims"], json::array());
  EXPECT_EQ(data["workloads"], json::array());
}

}  // namespace
}  // namespace heapfloor
