#include "agent/trend/high_quantile.h"

#include <algorithm>
#include <cstddef>

namespace heapfloor {
namespace {

constexpr double kQuantile = 0.95;
// Where the five markers want to be, as a share of the stream.
constexpr std::array<double, 5> kShares = {0, kQuantile / 2, kQuantile, (1 + kQuantile) / 2, 1};
// Here the counts are halved, so that the estimate follows a stream whose spread changes.
constexpr std::uint16_t kMostValues = 4096;

double parabolic(double q0, double q1, double q2, double n0, double n1, double n2, double d) {
  return q1 + d / (n2 - n0) *
                  ((n1 - n0 + d) * (q2 - q1) / (n2 - n1) + (n2 - n1 - d) * (q1 - q0) / (n1 - n0));
}

}  // namespace

void HighQuantile::push(double value) {
  const auto height = static_cast<float>(value);
  if (count_ < 5) {
    heights_[count_++] = height;
    std::sort(heights_.begin(), heights_.begin() + count_);
    return;
  }
  if (count_ >= kMostValues) {
    halve();
  }
  ++count_;
  heights_[0] = std::min(heights_[0], height);
  heights_[4] = std::max(heights_[4], height);
  std::size_t cell = 0;
  while (cell < 3 && height >= heights_[cell + 1]) {
    ++cell;
  }
  for (std::size_t i = cell + 1; i < 5; ++i) {
    ++positions_[i];
  }
  for (std::size_t i = 1; i < 4; ++i) {
    const double wanted = 1 + static_cast<double>(count_ - 1) * kShares[i];
    const double here = positions_[i];
    const double before = positions_[i - 1];
    const double after = positions_[i + 1];
    const double off = wanted - here;
    if (!((off >= 1 && after - here > 1) || (off <= -1 && before - here < -1))) {
      continue;
    }
    const double step = off > 0 ? 1 : -1;
    const auto q = [&](std::size_t k) { return static_cast<double>(heights_[k]); };
    double moved = parabolic(q(i - 1), q(i), q(i + 1), before, here, after, step);
    if (moved <= q(i - 1) || moved >= q(i + 1)) {
      const std::size_t towards = step > 0 ? i + 1 : i - 1;
      const double distance = static_cast<double>(positions_[towards]) - here;
      moved = q(i) + step * (q(towards) - q(i)) / distance;
    }
    heights_[i] = static_cast<float>(moved);
    positions_[i] = static_cast<std::uint16_t>(positions_[i] + (step > 0 ? 1 : -1));
  }
}

void HighQuantile::halve() {
  count_ = static_cast<std::uint16_t>(count_ / 2);
  for (std::size_t i = 1; i < 5; ++i) {
    positions_[i] = static_cast<std::uint16_t>(std::max(positions_[i] / 2, positions_[i - 1] + 1));
  }
  count_ = std::max(count_, positions_[4]);
}

double HighQuantile::value() const {
  if (count_ == 0) {
    return 0;
  }
  return static_cast<double>(count_ < 5 ? heights_[count_ - 1] : heights_[2]);
}

double HighQuantile::middle() const {
  return static_cast<double>(count_ < 5 ? heights_[count_ / 2] : heights_[1]);
}

void HighQuantile::save(ByteWriter& out) const {
  out.put(count_);
  for (const float height : heights_) out.put(height);
  for (const std::uint16_t position : positions_) out.put(position);
}

bool HighQuantile::restore(ByteReader& in) {
  count_ = in.take_at_most<std::uint16_t>(kMostValues + 1);
  for (float& height : heights_) height = in.take_number<float>(0, kMostValue);
  for (std::uint16_t& position : positions_) {
    position = in.take_at_most<std::uint16_t>(kMostValues + 8);
  }
  const std::size_t used = std::min<std::size_t>(count_, heights_.size());
  in.require(
      std::is_sorted(heights_.begin(), heights_.begin() + static_cast<std::ptrdiff_t>(used)));
  in.require(positions_[0] == 1 && positions_[4] <= std::max<unsigned>(count_, 5));
  for (std::size_t i = 1; i < positions_.size(); ++i) {
    in.require(positions_[i] > positions_[i - 1]);
  }
  if (in.failed()) clear();
  return !in.failed();
}

}  // namespace heapfloor
