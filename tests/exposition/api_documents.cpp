// api_documents: every document of the API over snapshots that have what a machine at rest never
// has, one JSON object a line: {"path":…,"status":…,"document":…}.
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/exposition/api_json.h"
#include "collectors/cgroup_metrics.h"
#include "tests/exposition/rich_snapshot.h"

namespace heapfloor {
namespace {

using Json = nlohmann::json;

// Bytes that break readers of names.
// NOLINTNEXTLINE(misc-misleading-bidirectional): it shall mislead
constexpr const char* kHostile = "a\"\\<b>\x1b[31m\n\xFF\xE2\x80\xAE";

class OneSeries final : public SeriesReader {
 public:
  explicit OneSeries(SharedBuild build) : build_(std::move(build)) {}
  [[nodiscard]] std::optional<SeriesDetail> read(std::string_view /*id*/) const override {
    Incarnation life;
    life.start_unix_seconds = 1'699'900'000;
    life.end_unix_seconds = 1'700'000'000.5;
    life.reason = EndReason::exec;
    life.state = LeakState::leaking;
    life.growth = {200, 100, 300};
    life.floor_bytes = 5e8;
    life.last_bytes = 6e8;
    life.build = build_;
    Incarnation level;
    return SeriesDetail{
        {{8000, 1, 2}, {8500, 3, 4.5}, {9000, 5, 5}}, {{8000, 1}, {9000, 5}}, {life, level}};
  }

 private:
  SharedBuild build_;
};

void print(const std::string& path, const ApiDocument& document) {
  const Json line = {
      {"path", path}, {"status", document.status}, {"document", Json::parse(document.json)}};
  std::puts(line.dump().c_str());
}

void print_all(const Snapshot& snapshot) {
  const OneSeries series(snapshot.watches.size() > 1 ? snapshot.watches[1].build : nullptr);
  print("/api/v1/status", status_document(snapshot, rich::kBuild));
  print("/api/v1/subjects", subjects_document(snapshot, {}));
  print("/api/v1/subjects", subjects_document(snapshot, {{"sort", kHostile}}));
  print("/api/v1/suspects", suspects_document(snapshot));
  print("/api/v1/cgroups", cgroups_document(snapshot, {}));
  print("/api/v1/cgroups", cgroups_document(snapshot, {{"limit", "0"}}));
  print("/api/v1/ooms", ooms_document(snapshot));
  print("/api/v1/alerts", alerts_document(snapshot));
  print("/api/v1/rules", rules_document(snapshot));
  for (const WatchRow& watch : snapshot.watches) {
    const std::string id = watch.subject + "/" + watch.signal;
    print("/api/v1/suspects/x", suspect_document(snapshot, id));
    print("/api/v1/series/x", series_document(snapshot, id, series, {}));
    print("/api/v1/series/x", series_document(snapshot, id, series, {{"start", "x"}}));
  }
}

void print_silences() {
  Silence named;
  named.id = "1";
  named.matchers = {{"group", kHostile}};
  named.comment = named.created_by = kHostile;
  named.ends_at_seconds = 1'700'000'000.25;
  named.until_next_build = true;
  named.rebuilt = {kHostile};
  Silence configured;
  configured.id = "2";
  configured.is_configured = true;
  const std::vector<Silence> silences = {named, configured};
  print("/api/v1/silences", silences_document(silences, 1.8e9));
  print("/api/v1/silences", silences_document({}, 1.8e9));
}

// What a machine has that has everything.
Snapshot full() {
  Snapshot snapshot = rich::snapshot();
  WatchRow& leaking = snapshot.watches[2];
  leaking.verdict.earlier_lives = 3;
  leaking.verdict.earlier_seconds = 7200;
  leaking.collector = "g1";
  leaking.goroutines = GoroutineGrowth{};
  leaking.goroutines->waits = GoroutineWaits{
      "memory", 9800, 12412, 4096, {{{kHostile, kHostile, 3}, {}, "chan receive", 12400}}};
  leaking.ended_seconds = 9900;
  WatchRow threads = leaking;
  threads.signal = "threads";
  threads.basis = "count";
  threads.ended_seconds.reset();
  WatchRow descriptors = threads;
  descriptors.signal = "file_descriptors";
  WatchRow hostile = rich::cgroup_watch();
  hostile.subject = std::string("cgroup:/") + kHostile;
  hostile.name = hostile.group = hostile.part = kHostile;
  hostile.cgroup = snapshot.cgroups[0].path;
  hostile.limit_source.clear();
  const ProcessId process = leaking.process;
  const std::string subject = leaking.subject;
  snapshot.watches.insert(snapshot.watches.end(), {threads, descriptors, hostile});
  KnownSite site;
  site.stack_hash = 0xef;
  site.function = site.file = kHostile;
  site.line = 88;
  site.growth = KnownGrowth{3600, 500, 400, 600, std::nullopt};
  KnownSites sites;
  sites[process] = {site};
  snapshot.known_sites = std::make_shared<const KnownSites>(sites);
  EvidenceList captured;
  captured.records.push_back({"20261129T061905Z-103-leaking",
                              EvidenceOccasion::leaking,
                              subject,
                              "payments",
                              process,
                              1.7e9,
                              {{"heap.pb.gz", 12}}});
  snapshot.evidence = std::make_shared<const EvidenceList>(captured);
  snapshot.alerts.front().silenced_by = "1";
  snapshot.cgroups[0].values = {
      {cgroup_metric("heapfloor_cgroup_memory_effective_limit_bytes"), 8e9},
      {cgroup_metric("heapfloor_cgroup_memory_pressure_stalled_seconds_total"), 1.5}};
  return snapshot;
}

void print_config() {
  print("/api/v1/config",
        config_document({{{"collection.interval", "1s", "15s", "between two looks"}},
                         {{"groups", 2, "rules that put processes into groups"}}}));
}

void print_evidence(const Snapshot& snapshot) {
  for (const EvidenceRecord& record : snapshot.evidence->records)
    print("/api/v1/evidence/x", evidence_record_document(record));
  print("/api/v1/evidence", evidence_document(snapshot.evidence->records));
  print("/api/v1/evidence", evidence_document({}));
}

void print_everything() {
  print_all(Snapshot{});
  print_all(rich::snapshot());
  const Snapshot everything = full();
  print_all(everything);
  print_evidence(everything);
  print_config();
  print_silences();
}

}  // namespace
}  // namespace heapfloor

int main() try {
  heapfloor::print_everything();
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
