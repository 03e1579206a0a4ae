// Any sequence of readings into a detector: each byte of a step says what is odd about it, the next
// eight are the bits of its number.
#include <cmath>
#include <cstring>
#include <string>

#include "agent/alerts/leak_state.h"
#include "agent/trend/detector.h"
#include "agent/trend/explain.h"
#include "tests/fuzz/property.h"

namespace heapfloor::testing {
namespace {

constexpr std::size_t kStepBytes = 9;

std::string saved(const Detector& detector) {
  std::string bytes;
  ByteWriter out(bytes);
  detector.save(out);
  return bytes;
}

struct Step {
  unsigned kind = 0;
  double number = 0;
  std::uint64_t bits = 0;
};

Step step_of(std::string_view bytes) {
  Step step;
  step.kind = static_cast<unsigned char>(bytes[0]);
  std::memcpy(&step.bits, bytes.data() + 1, sizeof step.bits);
  std::memcpy(&step.number, bytes.data() + 1, sizeof step.number);
  return step;
}

// The lowest bits of the kind say what the number is; the others how far time goes on.
Observation reading_of(const Step& step, double& time_seconds) {
  constexpr double kMiB = 1024.0 * 1024;
  time_seconds += std::ldexp(1.0, static_cast<int>(step.kind >> 3) - 10);
  Observation reading;
  reading.time_seconds = time_seconds;
  reading.value = 100 * kMiB + 1e4 * time_seconds;
  reading.epoch = step.bits % 16;
  switch (step.kind % 8) {
    case 0:
      reading.value = step.number;
      break;
    case 1:
      reading.limit = step.number;
      break;
    case 2:
      reading.epoch = step.bits;
      break;
    case 3:
      reading.time_seconds = step.number;
      break;
    case 4:
      reading.load = step.number;
      break;
    case 5:
      reading.value = static_cast<double>(step.bits % (1U << 30));
      break;
    default:
      break;
  }
  return reading;
}

void require_sound(const Detector& detector, const TrendPolicy& policy, double now_seconds) {
  const Verdict& verdict = detector.verdict();
  require(std::isfinite(verdict.z) && std::isfinite(verdict.growth.estimate) &&
              std::isfinite(verdict.amplitude) && verdict.floor >= 0,
          "a verdict is made of numbers");
  require(verdict.confidence >= 0 && verdict.confidence <= 1, "a confidence is a probability");
  require(explain(verdict, now_seconds).size() < 512, "a reason is one sentence");
  const std::string bytes = saved(detector);
  require(bytes.size() <= 4096, "a state is bounded");
  Detector successor(policy, detector.traits());
  ByteReader in(bytes);
  require(successor.restore(in) && in.finished(), "whatever was lived through is restored");
  require(saved(successor) == bytes, "a state has one way to be written");
}

}  // namespace
}  // namespace heapfloor::testing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  using heapfloor::SignalTraits;
  if (size == 0) return 0;
  const heapfloor::TrendPolicy policy;
  heapfloor::Detector detector(policy,
                               static_cast<SignalTraits>(data[0] % heapfloor::kSignalTraits));
  heapfloor::LeakJudge judge(policy);
  const std::size_t memory = detector.memory_bytes();
  double time = 0;
  for (std::string_view rest = text_of(data, size).substr(1); rest.size() >= kStepBytes;
       rest.remove_prefix(kStepBytes)) {
    const heapfloor::Observation reading = reading_of(step_of(rest), time);
    if (!detector.observe(reading)) continue;
    judge.step(detector.verdict(), reading.time_seconds, detector.verdict().floor);
    require_sound(detector, policy, reading.time_seconds);
  }
  require_sound(detector, policy, 0);
  const std::size_t loads = heapfloor::Pyramid::kLoadLevels * policy.ring;
  require(detector.memory_bytes() == memory || detector.memory_bytes() == memory + loads,
          "readings allocate nothing but the room for loads, once");
  return 0;
}
