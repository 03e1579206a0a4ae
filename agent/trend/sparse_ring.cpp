#include "agent/trend/sparse_ring.h"

#include <algorithm>
#include <limits>

namespace heapfloor {
namespace {

constexpr double kMergeRatio = 0.1;  // of the usual gap

}  // namespace

double SparseRing::usual_gap_seconds() const {
  std::array<double, kPoints> gaps = {};
  if (count_ < 2) {
    return 0;
  }
  for (std::size_t i = 1; i < count_; ++i) {
    gaps[i - 1] = times_[i] - times_[i - 1];
  }
  return median({gaps.data(), count_ - 1U});
}

bool SparseRing::push(double time_seconds, double value) {
  const auto floor = static_cast<float>(value);
  if (count_ >= 1) {
    const double since = time_seconds - times_[count_ - 1];
    if (since <= 0 || (count_ >= 2 && since < kMergeRatio * usual_gap_seconds())) {
      values_[count_ - 1] = std::min(values_[count_ - 1], floor);
      return false;
    }
  }
  if (count_ == kPoints) {
    evicted_maximum_ = evicted_ ? std::max(evicted_maximum_, values_[0]) : values_[0];
    evicted_ = true;
    std::move(times_.begin() + 1, times_.end(), times_.begin());
    std::move(values_.begin() + 1, values_.end(), values_.begin());
    --count_;
  }
  times_[count_] = time_seconds;
  values_[count_] = floor;
  ++count_;
  return true;
}

void SparseRing::read(FloorWindow& window) const {
  window.size = count_ > 0 ? count_ - 1U : 0U;
  window.bucket_seconds = usual_gap_seconds();
  window.prior_maximum =
      evicted_ ? static_cast<double>(evicted_maximum_) : -std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < window.size; ++i) {
    window.times[i] = times_[i];
    window.values[i] = static_cast<double>(values_[i]);
  }
}

void SparseRing::save(ByteWriter& out) const {
  out.put(evicted_maximum_);
  out.put(evicted_);
  out.put(count_);
  for (std::size_t i = 0; i < count_; ++i) {
    out.put(times_[i]);
    out.put(values_[i]);
  }
}

bool SparseRing::restore(ByteReader& in) {
  clear();
  evicted_maximum_ = in.take_number<float>(0, kMostValue);
  evicted_ = in.take_flag();
  count_ = in.take_at_most<std::uint8_t>(kPoints);
  for (std::size_t i = 0; i < count_; ++i) {
    times_[i] = in.take_number<double>(-kMostSeconds, kMostSeconds);
    values_[i] = in.take_number<float>(0, kMostValue);
    in.require(i == 0 || times_[i] > times_[i - 1]);
  }
  if (in.failed()) clear();
  return !in.failed();
}

}  // namespace heapfloor
