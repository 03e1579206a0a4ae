#include "agent/link_maker.h"

#include <gmock/gmock.h>

#include "agent/evidence_recorder.h"

namespace heapfloor {
namespace {

using ::testing::IsEmpty;

AlertCondition condition(std::string scope, std::string subject, std::string signal) {
  AlertCondition made;
  made.name = "HeapfloorLeak";
  made.scope = std::move(scope);
  made.subject = std::move(subject);
  made.signal = std::move(signal);
  return made;
}

EvidenceRecord capture(std::string id, std::string subject, ProcessId process,
                       std::string_view file) {
  EvidenceRecord record;
  record.id = std::move(id);
  record.subject = std::move(subject);
  record.process = process;
  record.files.push_back({std::string(file), 100});
  return record;
}

// The newest first, as the store lists them.
EvidenceList captures() {
  EvidenceList list;
  list.records = {
      capture("4", "process:4711:9", {4711, 9}, "suspect.json"),
      capture("3", "process:4711:9", {4711, 9}, EvidenceRecorder::kHeapFile),
      capture("2", "process:4711:9", {4711, 9}, EvidenceRecorder::kHeapFile),
      capture("1", "process:47:11", {47, 11}, EvidenceRecorder::kHeapFile),
  };
  return list;
}

TEST(AlertLinksTest, LeadToTheSeriesItsProfileAndTheRunbook) {
  const EvidenceList evidence = captures();
  const AlertLinks links = alert_links(condition("process", "process:4711:9", "rss_anon"),
                                       &evidence, "runbooks/HeapfloorLeak.html");
  EXPECT_EQ(links.chart, "#/suspect/process:4711:9/rss_anon");
  EXPECT_EQ(links.flame_graph, "#/suspect/process:4711:9/rss_anon?show=profile");
  EXPECT_EQ(links.profile, "api/v1/evidence/3/heap.pb.gz");
  EXPECT_EQ(links.runbook, "runbooks/HeapfloorLeak.html");
}

TEST(AlertLinksTest, OfAPartOfAProcessLeadToTheProfileOfTheProcess) {
  const EvidenceList evidence = captures();
  const auto links = [&](const char* scope, const char* subject) {
    return alert_links(condition(scope, subject, "structure_bytes"), &evidence, "");
  };
  EXPECT_EQ(links("structure", "structure:4711:9/users").profile, "api/v1/evidence/3/heap.pb.gz");
  EXPECT_EQ(links("site", "site:4711:9:f00d").profile, "api/v1/evidence/3/heap.pb.gz");
  EXPECT_EQ(links("go", "go:4711:9").profile, "api/v1/evidence/3/heap.pb.gz");
  EXPECT_THAT(links("structure", "structure:4711:91/users").profile, IsEmpty());
  EXPECT_THAT(links("structure", "structure:4711").profile, IsEmpty());
}

TEST(AlertLinksTest, OfWhatIsNoProcessNeverLeadToAProcessesProfile) {
  const EvidenceList evidence = captures();
  const AlertLinks links =
      alert_links(condition("cgroup", "cgroup:4711:9", "rss_anon"), &evidence, "");
  EXPECT_EQ(links.chart, "#/suspect/cgroup:4711:9/rss_anon");
  EXPECT_THAT(links.flame_graph, IsEmpty());
  EXPECT_THAT(links.profile, IsEmpty());
}

TEST(AlertLinksTest, WithoutACaptureThereIsNoFlameGraph) {
  const AlertLinks links =
      alert_links(condition("process", "process:4711:9", "rss_anon"), nullptr, "");
  EXPECT_EQ(links.chart, "#/suspect/process:4711:9/rss_anon");
  EXPECT_THAT(links.flame_graph, IsEmpty());
  EXPECT_THAT(links.profile, IsEmpty());
}

TEST(AlertLinksTest, OfAMetricLeadToTheRunbookAlone) {
  const AlertLinks links =
      alert_links(condition("host", "host", "heapfloor_host_memory_available_bytes"), nullptr,
                  "runbooks/Low.html");
  EXPECT_EQ(links, (AlertLinks{"", "", "", "runbooks/Low.html"}));
}

TEST(AlertLinksTest, EncodeWhatHasAMeaningInAnAddress) {
  const AlertLinks links =
      alert_links(condition("cgroup", "cgroup:/a b/c?d#e%\"<x>", "rss_anon"), nullptr, "");
  EXPECT_EQ(links.chart, "#/suspect/cgroup:/a%20b/c%3Fd%23e%25%22%3Cx%3E/rss_anon");
}

}  // namespace
}  // namespace heapfloor
