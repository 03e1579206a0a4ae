// Token buckets: how often something may happen, in all and per client address. Times come as
// arguments.
//
// Thread rule: one thread at a time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace heapfloor {

// Holds up to `burst` tokens and gains `per_second`.
class TokenBucket {
 public:
  TokenBucket(double per_second, double burst)
      : per_second_(per_second), burst_(burst), tokens_(burst) {}

  // Takes a token when there is one.
  bool take(double now_seconds) {
    tokens_ = std::min(burst_, tokens_ + std::max(0.0, now_seconds - last_seconds_) * per_second_);
    last_seconds_ = std::max(last_seconds_, now_seconds);
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }
  // Whether it would be full, and therefore the same as a new one.
  [[nodiscard]] bool is_full(double now_seconds) const {
    return tokens_ + (now_seconds - last_seconds_) * per_second_ >= burst_;
  }

 private:
  double per_second_;
  double burst_;
  double tokens_;
  double last_seconds_ = 0;
};

// A bucket for each client address, at most `most`; who comes when all are taken is refused.
class AddressBuckets {
 public:
  AddressBuckets(double per_second, double burst, std::size_t most)
      : per_second_(per_second), burst_(burst), most_(most) {}

  bool take(std::string_view address, double now_seconds) {
    auto found = buckets_.find(address);
    if (found == buckets_.end()) {
      if (buckets_.size() >= most_) forget_full(now_seconds);
      if (buckets_.size() >= most_) return false;
      found = buckets_.emplace(std::string(address), TokenBucket(per_second_, burst_)).first;
    }
    return found->second.take(now_seconds);
  }
  [[nodiscard]] std::size_t size() const { return buckets_.size(); }

 private:
  void forget_full(double now_seconds) {
    std::erase_if(buckets_,
                  [now_seconds](const auto& entry) { return entry.second.is_full(now_seconds); });
  }

  double per_second_;
  double burst_;
  std::size_t most_;
  std::map<std::string, TokenBucket, std::less<>> buckets_;
};

}  // namespace heapfloor
