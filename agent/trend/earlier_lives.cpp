#include "agent/trend/earlier_lives.h"

#include <algorithm>
#include <limits>

namespace heapfloor {
namespace {

// Neither of two like paces is more than this many times the other. Their intervals are not asked:
// those of exact readings are narrower than what one run differs from the next.
constexpr double kLikePaceRatio = 2;

bool is_alike(double a, double b) {
  return a > 0 && b > 0 && a <= kLikePaceRatio * b && b <= kLikePaceRatio * a;
}

}  // namespace

Life life_of(const Verdict& verdict) {
  Life life;
  life.was_rising = verdict.evidence == Evidence::confirmed ||
                    (verdict.evidence == Evidence::held && verdict.deciding_gate != Gate::shape);
  if (life.was_rising) {
    life.growth_per_second = verdict.growth.estimate;
    life.evidence_seconds =
        std::max(0.0, verdict.evidence_seconds - static_cast<double>(verdict.earlier_seconds));
  }
  return life;
}

void EarlierLives::add(const Life& life) {
  if (!life.was_rising) {
    *this = EarlierLives();
    return;
  }
  const double before = evidence_seconds(life.growth_per_second);
  constexpr std::uint8_t kMostLives = std::numeric_limits<std::uint8_t>::max();
  if (before <= 0) lives_ = 0;
  if (lives_ < kMostLives) ++lives_;
  evidence_seconds_ =
      static_cast<float>(before + std::clamp(life.evidence_seconds, 0.0, kMostSeconds));
  growth_per_second_ = static_cast<float>(life.growth_per_second);
}

double EarlierLives::evidence_seconds(double growth_per_second) const {
  const bool alike = is_alike(static_cast<double>(growth_per_second_), growth_per_second);
  return lives_ > 0 && alike ? static_cast<double>(evidence_seconds_) : 0;
}

void EarlierLives::save(ByteWriter& out) const {
  out.put(growth_per_second_);
  out.put(evidence_seconds_);
  out.put(lives_);
}

bool EarlierLives::restore(ByteReader& in) {
  growth_per_second_ = in.take_number<float>(-kMostValue, kMostValue);
  evidence_seconds_ = in.take_number<float>(0, 2 * kMostSeconds);
  lives_ = in.take<std::uint8_t>();
  if (in.failed()) *this = EarlierLives();
  return !in.failed();
}

}  // namespace heapfloor
