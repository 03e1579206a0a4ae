#include "agent/trend/state_bytes.h"

#include <cmath>
#include <optional>

namespace heapfloor {
namespace {

constexpr double kMostNumber = 1e300;  // times and rates of a forecast reach far

bool is_number(double value) { return std::abs(value) <= kMostNumber; }

std::optional<double> known(const std::optional<double>& value) {
  return value && is_number(*value) ? value : std::nullopt;
}

}  // namespace

void save_observation(ByteWriter& out, const Observation& observation) {
  const double time = observation.time_seconds;
  out.put(std::abs(time) <= kMostSeconds ? time : 0.0);
  out.put(is_number(observation.value) ? observation.value : 0.0);
  out.put(observation.epoch);
  out.put(known(observation.limit));
  out.put(known(observation.load));
}

Observation take_observation(ByteReader& in) {
  Observation observation;
  observation.time_seconds = in.take_number<double>(-kMostSeconds, kMostSeconds);
  observation.value = in.take_number<double>(-kMostNumber, kMostNumber);
  if (in.take_flag()) observation.epoch = in.take<std::uint64_t>();
  observation.limit = in.take_optional<double>(-kMostNumber, kMostNumber);
  observation.load = in.take_optional<double>(-kMostNumber, kMostNumber);
  return in.failed() ? Observation() : observation;
}

void save_verdict(ByteWriter& out, const Verdict& verdict) {
  out.put(verdict.evidence);
  out.put(verdict.deciding_gate);
  for (const GateResult& gate : verdict.gates) {
    out.put(gate.outcome);
    out.put(gate.measured);
    out.put(gate.required);
  }
  out.put(verdict.level);
  out.put(verdict.floors);
  out.put(verdict.rising_floors);
  out.put(verdict.follows_load);
  out.put(verdict.earlier_lives);
  out.put(verdict.earlier_seconds);
  for (const double number :
       {verdict.bucket_seconds, verdict.window_start_seconds, verdict.window_end_seconds, verdict.z,
        verdict.confidence, verdict.growth.estimate, verdict.growth.low, verdict.growth.high,
        verdict.floor, verdict.level_median, verdict.line_time_seconds, verdict.line_value,
        verdict.amplitude, verdict.evidence_seconds, verdict.evidence_needed_seconds}) {
    out.put(number);
  }
  out.put(verdict.limit);
  out.put(verdict.asymptote);
  out.put(verdict.exhaustion.has_value());
  if (!verdict.exhaustion) return;
  out.put(verdict.exhaustion->at_seconds);
  out.put(verdict.exhaustion->earliest_seconds);
  out.put(verdict.exhaustion->latest_seconds);
}

bool restore_verdict(ByteReader& in, Verdict& verdict) {
  verdict = Verdict();
  verdict.evidence = in.take_enum<Evidence>(kEvidences);
  if (in.take_flag()) verdict.deciding_gate = in.take_enum<Gate>(kGates);
  for (GateResult& gate : verdict.gates) {
    gate.outcome = in.take_enum<GateOutcome>(kGateOutcomes);
    gate.measured = in.take_any<float>();  // shown, never computed with
    gate.required = in.take_any<float>();
  }
  verdict.level = in.take<std::int32_t>();
  in.require(verdict.level >= kSeasonLevel);
  verdict.floors = in.take<std::uint32_t>();
  verdict.rising_floors = in.take<std::uint32_t>();
  verdict.follows_load = in.take_flag();
  verdict.earlier_lives = in.take<std::uint8_t>();
  verdict.earlier_seconds = in.take_number<float>(0, kMostNumber);
  for (double* const number :
       {&verdict.bucket_seconds, &verdict.window_start_seconds, &verdict.window_end_seconds,
        &verdict.z, &verdict.confidence, &verdict.growth.estimate, &verdict.growth.low,
        &verdict.growth.high, &verdict.floor, &verdict.level_median, &verdict.line_time_seconds,
        &verdict.line_value, &verdict.amplitude, &verdict.evidence_seconds,
        &verdict.evidence_needed_seconds}) {
    *number = in.take_number<double>(-kMostNumber, kMostNumber);
  }
  verdict.limit = in.take_optional<double>(0, kMostLimit);
  verdict.asymptote = in.take_optional<double>(-kMostAsymptote, kMostAsymptote);
  if (in.take_flag()) {
    Exhaustion& end = verdict.exhaustion.emplace();
    end.at_seconds = in.take_number<double>(-kMostNumber, kMostNumber);
    end.earliest_seconds = in.take_number<double>(-kMostNumber, kMostNumber);
    end.latest_seconds = in.take_optional<double>(-kMostNumber, kMostNumber);
  }
  return !in.failed();
}

}  // namespace heapfloor
