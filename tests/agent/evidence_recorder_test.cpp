// From a leak in a watched process to what is captured of it, and how that is served.
#include "agent/evidence_recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "agent/evidence_routes.h"
#include "agent/exposition/api_json.h"
#include "tests/support/agent_fixture.h"
#include "tests/support/segment_writer.h"

namespace heapfloor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::SegmentWriter;

class EvidenceRecorderTest : public testing::AgentFixture {
 protected:
  EvidenceRecorderTest() : root_(HostPaths{proc_.path(), proc_.path(), proc_.path()}) {
    pipeline_ = std::make_unique<Pipeline>(config_, clock_, sink_);
    pipeline_->set_evidence_source([this] { return store_.list(); });
    profiles_ = std::make_unique<ProfileService>(root_, pipeline_->probes(), clock_);
    recorder_ = std::make_unique<EvidenceRecorder>(store_, *profiles_, pipeline_->probes(),
                                                   *pipeline_, clock_, &root_);
    writer_.header().start_ticks = 700;
    writer_.add_site(0xabc, {0x55550000123}, 1000);
    add_evidence_routes(routes_, store_);
  }

  // Seconds in which process 7 leaks, each of them shown to the recorder.
  std::shared_ptr<const Snapshot> leak_on(int seconds, bool has_probe = false) {
    std::shared_ptr<const Snapshot> last;
    for (int second = 0; second < seconds; ++second) {
      if (has_probe) publish_heap();
      last = shown(leak(1));
    }
    return last;
  }
  // What leaks is the program's heap.
  void publish_heap() {
    const std::uint64_t bytes = 80'000'000 + leaked_ * 1024;
    writer_.set_allocator(bytes, 1'000'000, 0,
                          static_cast<std::uint64_t>(clock_.steady_seconds() * 1e9));
    writer_.header().live_bytes = writer_.site(0).live_bytes = bytes;
    proc_.set_segment(7, writer_.bytes());
  }
  std::shared_ptr<const Snapshot> shown(std::shared_ptr<const Snapshot> snapshot) {
    recorder_->note(snapshot);
    while (recorder_->capture_next()) {
    }
    return snapshot;
  }
  // Occasions, the newest first.
  [[nodiscard]] std::vector<std::string> occasions() const {
    std::vector<std::string> occasions;
    const auto list = store_.list();
    for (const EvidenceRecord& record : list->records)
      occasions.emplace_back(occasion_name(record.occasion));
    return occasions;
  }
  [[nodiscard]] std::vector<std::string> files() const {
    std::vector<std::string> files;
    const auto list = store_.list();
    for (const EvidenceRecord::File& file : list->records.front().files) files.push_back(file.name);
    return files;
  }
  Response get(std::string_view rest) {
    Request request;
    request.rest = std::string(rest);
    return routes_.at(rest.empty() ? 0 : 1).handler(request);
  }

  DirectoryHostRoot root_;
  SegmentWriter writer_;
  EvidenceStore store_{{}};
  std::unique_ptr<ProfileService> profiles_;
  std::unique_ptr<EvidenceRecorder> recorder_;
  std::vector<Route> routes_;
};

TEST_F(EvidenceRecorderTest, ASuspectIsCapturedOnceAndOnceMoreWhenItIsCalledLeaking) {
  const auto snapshot = leak_on(260);
  ASSERT_THAT(occasions(), ElementsAre("leaking", "suspected"));
  EXPECT_THAT(files(), ElementsAre("suspect.json", "series.json", "metrics.txt"));
  const EvidenceRecord record = store_.list()->records.front();
  EXPECT_EQ(record.subject, "process:7:700");
  EXPECT_EQ(record.name, "payments");
  EXPECT_EQ(record.process, (ProcessId{7, 700}));
  const std::string suspect = store_.read(record.id, "suspect.json").value();
  EXPECT_THAT(suspect, HasSubstr(R"("state":"leaking")"));
  EXPECT_THAT(suspect, HasSubstr(R"("explanation":"The floor of)"));
  EXPECT_THAT(store_.read(record.id, "series.json").value(), HasSubstr(R"("floors":[)"));
  EXPECT_THAT(store_.read(record.id, "metrics.txt").value(),
              ::testing::StartsWith("# process 7 payments\nheapfloor_process_"));
  EXPECT_THAT(suspect_document(*snapshot, "process:7:700/rss_anon").json,
              HasSubstr(R"("captures":[{"id":")" + record.id + R"(","occasion":"leaking")"));
}

TEST_F(EvidenceRecorderTest, OfAProgramWithAProbeItsHeapProfileIsKeptWhateverSignalIsSuspected) {
  leak_on(260, true);
  EXPECT_EQ(std::ranges::count(occasions(), "leaking"), 1) << "one of all signals";
  EXPECT_THAT(files(), ::testing::Contains("heap.pb.gz"));
  const std::string heap =
      store_.read(store_.list()->records.front().id, EvidenceRecorder::kHeapFile).value();
  EXPECT_TRUE(decode_profile(heap));
}

TEST_F(EvidenceRecorderTest, AWatchedProgramThatHasEndedLeavesItsLastHeap) {
  leak_on(20, true);
  EXPECT_THAT(occasions(), IsEmpty());
  proc_.end(7);
  shown(tick());
  shown(tick());
  ASSERT_THAT(occasions(), ElementsAre("ended"));
  EXPECT_THAT(files(), ::testing::Contains("heap.pb.gz"));
  EXPECT_EQ(store_.list()->records.front().name, "payments");
}

TEST_F(EvidenceRecorderTest, ItsAddressSpaceIsSummedByKindWhereSmapsMayBeRead) {
  proc_.set(7, 700, "payments", 100 * kMiB);
  proc_.set_stacks(7, 3, 8);
  leak_on(260);
  ASSERT_THAT(files(), ::testing::Contains("smaps.txt"));
  const std::string text = store_.read(store_.list()->records.front().id, "smaps.txt").value();
  EXPECT_THAT(text, ::testing::ContainsRegex("\nanonymous +[0-9]+ "));
  EXPECT_THAT(text, ::testing::ContainsRegex("\nall +[0-9]+ "));
}

TEST_F(EvidenceRecorderTest, WhatTheHeapHasGrownBySinceTheFirstCaptureIsKeptWithTheSecond) {
  leak_on(260, true);
  ASSERT_THAT(occasions(), ElementsAre("leaking", "suspected"));
  const auto list = store_.list();
  const auto heap_of = [&](const EvidenceRecord& record, std::string_view file) {
    const Profile profile = decode_profile(store_.read(record.id, file).value()).value();
    return profile.samples.front().values.back();
  };
  const EvidenceRecord& second = list->records.at(0);
  const EvidenceRecord& first = list->records.at(1);
  EXPECT_EQ(std::ranges::count(first.files, EvidenceRecorder::kHeapGrowthFile,
                               &EvidenceRecord::File::name),
            0);
  const std::int64_t grown =
      heap_of(second, EvidenceRecorder::kHeapFile) - heap_of(first, EvidenceRecorder::kHeapFile);
  EXPECT_GT(grown, 0);
  EXPECT_EQ(heap_of(second, EvidenceRecorder::kHeapGrowthFile), grown);
}

TEST_F(EvidenceRecorderTest, OfASuspectThatHasEndedTheLastThatWasKnownIsKept) {
  auto last = leak_on(1);
  while (occasions().empty()) last = leak_on(1);
  ASSERT_THAT(occasions(), ElementsAre("suspected"));
  leak_on(5);
  proc_.end(7);
  shown(tick());
  shown(tick());
  ASSERT_THAT(occasions(), ElementsAre("ended", "suspected"));
  EXPECT_THAT(files(), ElementsAre("suspect.json", "series.json", "metrics.txt"));
  const EvidenceRecord record = store_.list()->records.front();
  EXPECT_EQ(record.subject, "process:7:700");
  EXPECT_THAT(store_.read(record.id, "suspect.json").value(), HasSubstr(R"("state":"suspected")"));
}

TEST_F(EvidenceRecorderTest, OfOneThatTheOomKillerTookTheKernelsAccountIsKept) {
  leak_on(20);
  EXPECT_THAT(occasions(), IsEmpty());
  proc_.end(7);
  auto snapshot = std::make_shared<Snapshot>(*tick());
  snapshot->oom_victims = {{.pid = 7,
                            .comm = "payments",
                            .cgroup = "/system.slice/payments.service",
                            .workload = "payments.service",
                            .anon_bytes = 123'456'789,
                            .time_seconds = snapshot->time_seconds}};
  shown(snapshot);
  ASSERT_THAT(occasions(), ElementsAre("ended"));
  ASSERT_THAT(files(), ElementsAre("oom_kill.json"));
  const EvidenceRecord record = store_.list()->records.front();
  EXPECT_EQ(record.process, (ProcessId{7, 700}));
  EXPECT_THAT(store_.read(record.id, "oom_kill.json").value(),
              HasSubstr(R"("resident_anon_bytes":123456789)"));
  shown(snapshot);
  EXPECT_THAT(occasions(), ElementsAre("ended")) << "each once";
}

TEST_F(EvidenceRecorderTest, AProgramThatWasTooSmallToBeWatchedLeavesNothing) {
  proc_.set(7, 700, "tiny", 100);
  proc_.set_segment(7, writer_.bytes());
  shown(tick());
  proc_.end(7);
  shown(tick());
  EXPECT_THAT(occasions(), IsEmpty());
}

TEST_F(EvidenceRecorderTest, CapturesAreListedAndServedAsFiles) {
  leak_on(260, true);
  const EvidenceRecord record = store_.list()->records.front();
  EXPECT_THAT(*get({}).body,
              HasSubstr(R"({"id":")" + record.id + R"(","occasion":"leaking","at":)"));
  const Response one = get(record.id);
  EXPECT_EQ(one.status, 200);
  EXPECT_THAT(*one.body, HasSubstr(R"("path":"/api/v1/evidence/)" + record.id + R"(/heap.pb.gz")"));
  const Response heap = get(record.id + "/heap.pb.gz");
  EXPECT_EQ(heap.status, 200);
  EXPECT_EQ(heap.content_type, "application/octet-stream");
  EXPECT_TRUE(decode_profile(*heap.body));
  EXPECT_EQ(get(record.id + "/suspect.json").content_type, "application/json");
  EXPECT_THAT(*one.body, HasSubstr(R"("archive":"/api/v1/evidence/)" + record.id + R"(.tar.gz")"));
  const Response archive = get(record.id + ".tar.gz");
  EXPECT_EQ(archive.status, 200);
  EXPECT_EQ(archive.content_type, "application/gzip");
  EXPECT_EQ(get("none.tar.gz").status, 404);
  for (const std::string& path : {std::string("none"), record.id + "/", record.id + "/record.json",
                                  record.id + "/../record.json"})
    EXPECT_EQ(get(path).status, 404) << path;
}

}  // namespace
}  // namespace heapfloor
