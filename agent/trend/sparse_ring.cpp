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
  std::copy_n(gaps_seconds_.begin(), count_ - 1U, gaps.begin());
  return median({gaps.data(), count_ - 1U});
}

bool SparseRing::push(double time_seconds, double value) {
  const auto floor = static_cast<float>(value);
  if (count_ >= 1) {
    const double since = time_seconds - newest_seconds_;
    if (!(static_cast<float>(since) > 0) ||
        (count_ >= 2 && since < kMergeRatio * usual_gap_seconds())) {
      values_[count_ - 1] = std::min(values_[count_ - 1], floor);
      return false;
    }
  }
  if (count_ == kPoints) {
    evicted_maximum_ = evicted_ ? std::max(evicted_maximum_, values_[0]) : values_[0];
    evicted_ = true;
    std::move(gaps_seconds_.begin() + 1, gaps_seconds_.end(), gaps_seconds_.begin());
    std::move(values_.begin() + 1, values_.end(), values_.begin());
    --count_;
  }
  if (count_ > 0) gaps_seconds_[count_ - 1U] = static_cast<float>(time_seconds - newest_seconds_);
  newest_seconds_ = time_seconds;
  values_[count_] = floor;
  ++count_;
  return true;
}

void SparseRing::read(FloorWindow& window) const {
  window.size = count_ > 0 ? count_ - 1U : 0U;
  window.bucket_seconds = usual_gap_seconds();
  window.prior_maximum =
      evicted_ ? static_cast<double>(evicted_maximum_) : -std::numeric_limits<double>::infinity();
  double time_seconds = newest_seconds_;
  for (std::size_t i = window.size; i > 0; --i) {
    time_seconds -= static_cast<double>(gaps_seconds_[i - 1]);
    window.times[i - 1] = time_seconds;
    window.values[i - 1] = static_cast<double>(values_[i - 1]);
  }
}

void SparseRing::save(ByteWriter& out) const {
  out.put(evicted_maximum_);
  out.put(evicted_);
  out.put(count_);
  out.put(newest_seconds_);
  for (std::size_t i = 0; i < count_; ++i) {
    if (i > 0) out.put(gaps_seconds_[i - 1]);
    out.put(values_[i]);
  }
}

bool SparseRing::restore(ByteReader& in) {
  clear();
  evicted_maximum_ = in.take_number<float>(0, kMostValue);
  evicted_ = in.take_flag();
  count_ = in.take_at_most<std::uint8_t>(kPoints);
  newest_seconds_ = in.take_number<double>(-kMostSeconds, kMostSeconds);
  for (std::size_t i = 0; i < count_; ++i) {
    if (i > 0) {
      gaps_seconds_[i - 1] = in.take_number<float>(0, 2 * kMostSeconds);
      in.require(gaps_seconds_[i - 1] > 0);
    }
    values_[i] = in.take_number<float>(0, kMostValue);
  }
  if (in.failed()) clear();
  return !in.failed();
}

}  // namespace heapfloor
