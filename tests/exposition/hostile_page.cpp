// hostile_page SEED: pages of a snapshot whose names are random bytes and whose values are random
// numbers, and what was put in, as one JSON document:
// {"text":…,"openmetrics":…,"expected":[{"name":…,"labels":{NAME:HEX BYTES},"value":…}]}.
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <string>
#include <string_view>

#include "agent/exposition/metrics_page.h"
#include "tests/exposition/rich_snapshot.h"

namespace heapfloor {
namespace {

using Json = nlohmann::json;
using Random = std::mt19937_64;

// What breaks readers of lines, quotes, escapes and encodings, and any byte besides.
std::string hostile_name(Random& random) {
  constexpr auto kPieces = std::to_array<std::string_view>(
      {"\\", "\"", "\n", "\r", "}", "{", "\"} 1\n", ",", "=", " ", "\\n", "#", "# EOF\n", "\t",
       "\\x", "\\x41", "\xC3\xA9", "\xC3", "\0", "\xE2\x80\xA8", "a", "\xED\xA0\x80",
       "\xF0\x9F\x98\x80",
       // NOLINTNEXTLINE(misc-misleading-bidirectional): it shall mislead
       "\xE2\x80\xAE", "le", "\xC2\x85"});
  std::string name;
  const std::size_t pieces = 1 + random() % 8;
  for (std::size_t i = 0; i < pieces; ++i) {
    if (random() % 4 == 0) {
      name += static_cast<char>(random() % 256);
    } else {
      name += kPieces[random() % kPieces.size()];
    }
  }
  return name;
}

// Any finite number at least 0, whole ones and powers of two among them.
double number(Random& random) {
  switch (random() % 4) {
    case 0:
      return static_cast<double>(random() % 1000);
    case 1:
      return std::ldexp(1.0, static_cast<int>(random() % 2000) - 1000);
    case 2:
      return static_cast<double>(random());
    default:
      break;
  }
  const double value = std::abs(std::bit_cast<double>(random()));
  return std::isfinite(value) ? value : 0;
}

std::string hex(std::string_view bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kHex[byte >> 4U];
    text += kHex[byte & 0xFU];
  }
  return text;
}

class HostileSnapshot {
 public:
  explicit HostileSnapshot(std::uint64_t seed) : random_(seed) {
    constexpr std::size_t kEntities = 40;
    std::set<std::string> names;
    while (names.size() < kEntities) names.insert(hostile_name(random_));
    snapshot.time_seconds = 100;
    for (const std::string& name : names) {
      add_group(name);
      add_watch(name);
    }
    // Python's client takes the first closing brace for the end of an exemplar's labels.
    std::string subject = *names.begin();
    std::erase(subject, '}');
    snapshot.leaks_detected_by_scope["process"] = {1, DetectedLeaks::Leak{subject, 7, 50.5}};
  }

  Snapshot snapshot;
  Json expected = Json::array();

 private:
  void expect(std::string_view name, Json labels, double value) {
    expected.push_back({{"name", name}, {"labels", std::move(labels)}, {"value", value}});
  }

  void add_group(const std::string& name) {
    GroupRow& group = snapshot.groups.emplace_back();
    group.name = name;
    group.starts = random_() % 1'000'000;
    const double anon = number(random_);
    const double faults = number(random_);
    group.values = {{&rich::kProcessMetrics[1], anon}, {&rich::kProcessMetrics[3], faults}};
    expect("heapfloor_group_process_starts_total", {{"group", hex(name)}},
           static_cast<double>(group.starts));
    expect("heapfloor_group_resident_memory_bytes", {{"group", hex(name)}, {"kind", hex("anon")}},
           anon);
    expect("heapfloor_group_major_page_faults_total", {{"group", hex(name)}}, faults);
  }

  void add_watch(const std::string& name) {
    WatchRow& watch = snapshot.watches.emplace_back();
    watch.subject = watch.group = name;
    watch.scope = "process";
    watch.signal = "rss_anon";
    watch.verdict.floors = 3;
    watch.verdict.floor = number(random_) * (random_() % 2 == 0 ? 1 : -1);
    expect("heapfloor_trend_floor_bytes",
           {{"scope", hex("process")},
            {"subject", hex(name)},
            {"group", hex(name)},
            {"signal", hex("rss_anon")}},
           watch.verdict.floor);
  }

  Random random_;
};

void write_pages(std::uint64_t seed) {
  const HostileSnapshot hostile(seed);
  const MetricFamilies families(rich::kCollectors);
  SelfMetrics self(rich::kBuild);
  self.request_started();
  self.request_finished("metrics", 200);
  MetricsPage page(families, {&self.collectable()});
  Json document;
  document["text"] = page.render(hostile.snapshot, ExpositionFormat::text);
  document["openmetrics"] = page.render(hostile.snapshot, ExpositionFormat::openmetrics);
  document["expected"] = hostile.expected;
  std::puts(document.dump().c_str());  // throws on anything that is not UTF-8
}

}  // namespace
}  // namespace heapfloor

int main(int argc, char** argv) {
  try {
    heapfloor::write_pages(argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1);
  } catch (const std::exception& error) {
    std::fputs(error.what(), stderr);
    return 1;
  }
  return 0;
}
