#include "tests/corpus/digest.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <string_view>

#include "agent/trend/state_bytes.h"
#include "tests/corpus/parallel.h"

namespace heapfloor {
namespace {

constexpr std::uint64_t kOffset = 14695981039346656037U;  // of 64 bit FNV-1a
constexpr std::uint64_t kPrime = 1099511628211U;

struct Digest {
  std::uint64_t hash = kOffset;
  std::uint64_t verdicts = 0;

  void add(std::string_view bytes) {
    for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * kPrime;
  }
};

Digest digest_of(const LabelledSeries& series, const TrendPolicy& policy) {
  Digest digest;
  std::string latest;
  const auto note = [&](const Observation& observation, LeakState state, const Detector& detector) {
    std::string bytes;
    ByteWriter out(bytes);
    save_verdict(out, detector.verdict());
    out.put(state);
    if (bytes == latest) return true;
    latest = bytes;
    out.put(observation.time_seconds);
    digest.add(bytes);
    ++digest.verdicts;
    return true;
  };
  follow(series, policy, note);
  return digest;
}

std::string line(std::string_view name, const Digest& digest) {
  std::array<char, 128> text = {};
  std::snprintf(text.data(), text.size(), "%-22.40s %9llu %016llx\n", std::string(name).c_str(),
                static_cast<unsigned long long>(digest.verdicts),
                static_cast<unsigned long long>(digest.hash));
  return text.data();
}

}  // namespace

std::string verdict_digest(const std::vector<Scenario>& scenarios, const ScoreOptions& options) {
  std::vector<Digest> single(scenarios.size() * options.seeds);
  run_jobs(single.size(), options.threads, [&](std::size_t job) {
    const Scenario& scenario = scenarios[job / options.seeds];
    const LabelledSeries series =
        make_series(scenario, options.first_seed + job % options.seeds, options);
    single[job] = digest_of(series, policy_for(series, options));
  });
  std::string text;
  for (std::size_t i = 0; i < scenarios.size(); ++i) {
    Digest all;
    for (std::uint64_t k = 0; k < options.seeds; ++k) {
      const Digest& one = single[i * options.seeds + k];
      all.hash = (all.hash ^ one.hash) * kPrime;
      all.verdicts += one.verdicts;
    }
    text += line(scenarios[i].name, all);
  }
  return text;
}

}  // namespace heapfloor
