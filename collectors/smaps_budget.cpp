#include "collectors/smaps_budget.h"

#include <algorithm>
#include <cmath>

namespace heapfloor {
namespace {

// Smaller reads say more about the kernel's entry and exit than about pages.
constexpr double kLearnFromBytes = 4.0 * 1024 * 1024;
// A read of this size moves the host's price half as much as it ever could.
constexpr double kHalfWeightBytes = 256.0 * 1024 * 1024;
constexpr double kMostWeight = 0.5;
// One read in which the reader was put to sleep does not overturn the host's price.
constexpr double kMostRise = 4;
constexpr std::uint8_t kMostOverruns = 6;

double walked_bytes(const SmapsTarget& target) {
  return static_cast<double>(target.resident_bytes) + static_cast<double>(target.swapped_bytes);
}

double changed_bytes(const SmapsTarget& target) {
  const std::uint64_t before = target.is_sampled ? target.sampled_resident_bytes : 0;
  const std::uint64_t now = target.resident_bytes;
  return static_cast<double>(now > before ? now - before : before - now);
}

}  // namespace

SmapsBudget::SmapsBudget(SmapsLimits limits) : limits_(limits) {
  growth_.seconds = age_.seconds = others_seconds_ = most_saved(0);
}

// What one purse can hold: never less than a tick brings, or a long interval would earn in vain.
double SmapsBudget::most_saved(double elapsed_seconds) const {
  return std::max(limits_.max_read_seconds,
                  limits_.duty * std::max(kSavedSeconds, elapsed_seconds) / 2);
}

double SmapsBudget::predicted_seconds(const SmapsTarget& target) const {
  const double trust_seconds =
      std::ldexp(kTrustSeconds, std::max(0, static_cast<int>(target.overruns) - 1));
  const bool is_trusted = now_seconds_ - target.waiting_since_seconds < trust_seconds;
  const bool is_taught = is_trusted && target.seconds_per_byte > 0;
  const double price = is_taught ? target.seconds_per_byte : seconds_per_byte_;
  return std::max(kBaseSeconds + price * walked_bytes(target),
                  is_trusted ? target.slow_seconds : 0.0);
}

void SmapsBudget::begin_tick(double now_seconds, std::span<SmapsTarget> targets) {
  elapsed_seconds_.reset();
  if (!first_tick_) elapsed_seconds_ = std::max(0.0, now_seconds - now_seconds_);
  first_tick_ = false;
  now_seconds_ = now_seconds;
  targets_ = targets;
  is_read_.assign(targets.size(), false);
  spent_seconds_ = 0;
  due_ = read_ = too_large_ = disabled_ = 0;
  for (Purse* const purse : {&growth_, &age_}) {
    purse->queue.clear();
    purse->is_saving = false;
  }
  for (std::size_t target = 0; target < targets.size(); ++target) enqueue(target);
  std::make_heap(growth_.queue.begin(), growth_.queue.end());
  std::make_heap(age_.queue.begin(), age_.queue.end());
  earn(std::min(elapsed_seconds_.value_or(0), kMostEarnedSeconds));
}

void SmapsBudget::enqueue(std::size_t position) {
  const SmapsTarget& target = targets_[position];
  if (now_seconds_ < target.not_before_seconds) return;
  const double changed = changed_bytes(target);
  const double waited = now_seconds_ - target.waiting_since_seconds;
  const bool has_changed = changed >= static_cast<double>(kGrowthBytes);
  const bool has_rested = !target.is_sampled || waited >= kRestSeconds;
  if (!has_changed && !has_rested) return;
  if (limits_.duty <= 0) {
    ++disabled_;
    return;
  }
  const double predicted = predicted_seconds(target);
  if (predicted > limits_.max_read_seconds) {
    ++too_large_;
    return;
  }
  ++due_;
  if (now_seconds_ < busy_until_seconds_ && predicted > kShortSeconds) return;
  if (has_changed) growth_.queue.push_back({changed, position});
  if (has_rested) age_.queue.push_back({waited, position});
}

// What one purse cannot hold, or has no use for, goes to the other.
void SmapsBudget::earn(double elapsed_seconds) {
  const double whole_income = elapsed_seconds * limits_.duty;
  const double to_others = others_wait_ ? kOthersShare * whole_income : 0;
  others_seconds_ = std::min(most_saved(elapsed_seconds), others_seconds_ + to_others);
  const double income = whole_income - to_others;
  double to_growth = growth_.queue.empty() ? 0 : income / 2;
  if (age_.queue.empty()) to_growth = income;
  if (growth_.queue.empty() && age_.queue.empty()) to_growth = income / 2;
  growth_.seconds += to_growth;
  age_.seconds += income - to_growth;
  const double most = most_saved(elapsed_seconds);
  const auto spill = [most](Purse& from, Purse& to) {
    const double over = from.seconds - most;
    if (over <= 0) return;
    from.seconds = most;
    to.seconds = std::min(most, to.seconds + over);
  };
  spill(growth_, age_);
  spill(age_, growth_);
}

std::optional<std::size_t> SmapsBudget::first_of(Purse& purse) {
  while (!purse.is_saving && !purse.queue.empty()) {
    const std::size_t target = purse.queue.front().target;
    const double predicted = predicted_seconds(targets_[target]);
    const bool is_busy = now_seconds_ < busy_until_seconds_ && predicted > kShortSeconds;
    if (!is_read_[target] && (is_busy || predicted > purse.seconds)) {
      purse.is_saving = true;
      return std::nullopt;
    }
    std::pop_heap(purse.queue.begin(), purse.queue.end());
    purse.queue.pop_back();
    if (!is_read_[target]) return target;
  }
  return std::nullopt;
}

std::optional<std::size_t> SmapsBudget::next() {
  for (int attempt = 0; attempt < 2; ++attempt) {
    Purse& purse = is_growths_turn_ ? growth_ : age_;
    is_growths_turn_ = !is_growths_turn_;
    if (const auto target = first_of(purse)) {
      is_read_[*target] = true;
      ++read_;
      payer_ = &purse;
      return target;
    }
  }
  return std::nullopt;
}

void SmapsBudget::spend(double seconds) {
  if (seconds > limits_.max_read_seconds) busy_until_seconds_ = now_seconds_ + kBusySeconds;
  spent_seconds_ += seconds;
  payer_->seconds -= seconds;
}

bool SmapsBudget::affords(double seconds) const {
  return limits_.duty > 0 && seconds <= others_seconds_;
}

void SmapsBudget::charge(double seconds) {
  spent_seconds_ += seconds;
  others_seconds_ -= seconds;
}

void SmapsBudget::took(std::size_t position, double seconds) {
  spend(seconds);
  SmapsTarget& target = targets_[position];
  learn(target, seconds);
  const bool has_overrun = seconds > limits_.max_read_seconds;
  target.overruns =
      has_overrun ? static_cast<std::uint8_t>(std::min(target.overruns + 1, int{kMostOverruns}))
                  : std::uint8_t{0};
  target.is_sampled = true;
  target.sampled_resident_bytes = target.resident_bytes;
  target.waiting_since_seconds = now_seconds_;
  target.not_before_seconds = now_seconds_ + seconds / kTargetDuty;
}

void SmapsBudget::failed(std::size_t position, double seconds, double retry_after_seconds) {
  spend(seconds);
  targets_[position].not_before_seconds =
      now_seconds_ + std::max(retry_after_seconds, seconds / kTargetDuty);
}

void SmapsBudget::learn(SmapsTarget& target, double seconds) {
  const double bytes = walked_bytes(target);
  target.slow_seconds = bytes < kLearnFromBytes && seconds > kShortSeconds ? seconds : 0;
  if (bytes < kLearnFromBytes) return;
  // Never 0, which means that nothing was learned.
  const double price = std::max(seconds - kBaseSeconds, 1e-9) / bytes;
  target.seconds_per_byte =
      target.seconds_per_byte > 0 ? (target.seconds_per_byte + price) / 2 : price;
  const double weight = kMostWeight * bytes / (bytes + kHalfWeightBytes);
  const double bounded = std::min(price, kMostRise * seconds_per_byte_);
  seconds_per_byte_ =
      std::max(kLeastSecondsPerByte, seconds_per_byte_ + weight * (bounded - seconds_per_byte_));
}

std::optional<double> SmapsBudget::duty_ratio() const {
  if (!elapsed_seconds_ || *elapsed_seconds_ <= 0) return std::nullopt;
  return spent_seconds_ / *elapsed_seconds_;
}

}  // namespace heapfloor
