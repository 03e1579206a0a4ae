// What several scenarios are made of.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <random>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tests/corpus/real_runs/cpp/workload.h"

namespace heapfloor {

// Buffers whose number is set; each is large enough to go back to the system when it is freed.
class BufferPool {
 public:
  static constexpr std::size_t kBufferBytes = 256 * kKib;

  void resize(double bytes) {
    const auto count =
        static_cast<std::size_t>(std::max(0.0, bytes) / static_cast<double>(kBufferBytes));
    while (buffers_.size() < count) {
      buffers_.push_back(touched(kBufferBytes));
    }
    buffers_.resize(count);
  }

 private:
  std::vector<Bytes> buffers_;
};

// Buffers in proportion to the request rate of the last ten seconds.
class LoadSizedBuffers {
 public:
  explicit LoadSizedBuffers(std::size_t bytes_per_rate) : bytes_per_rate_(bytes_per_rate) {}

  void request() { ++requests_; }
  void tick() {
    constexpr double kWeight = kTickSeconds / 10;
    rate_ += kWeight * (static_cast<double>(requests_) / kTickSeconds - rate_);
    requests_ = 0;
    pool_.resize(rate_ * static_cast<double>(bytes_per_rate_));
  }

 private:
  std::size_t bytes_per_rate_;
  std::size_t requests_ = 0;
  double rate_ = 0;
  BufferPool pool_;
};

// A working set that reverts to its mean (an Ornstein-Uhlenbeck process).
class WanderingBuffers {
 public:
  WanderingBuffers(double mean_bytes, double deviation_bytes, double memory_seconds)
      : mean_(mean_bytes),
        deviation_(deviation_bytes),
        memory_seconds_(memory_seconds),
        level_(mean_bytes) {}

  void tick(Setting& setting) {
    const double keep = std::exp(-kTickSeconds / memory_seconds_);
    const double shock = std::normal_distribution<double>(0, 1)(setting.random);
    level_ = mean_ + keep * (level_ - mean_) + deviation_ * std::sqrt(1 - keep * keep) * shock;
    pool_.resize(level_);
  }

 private:
  double mean_;
  double deviation_;
  double memory_seconds_;
  double level_;
  BufferPool pool_;
};

// Short bursts of much memory at random times.
class Bursts {
 public:
  Bursts(double bytes, double length_seconds, double apart_seconds)
      : bytes_(bytes), length_seconds_(length_seconds), apart_seconds_(apart_seconds) {}

  void tick(Setting& setting, double seconds) {
    if (seconds >= next_seconds_) {
      pool_.resize(bytes_ * setting.uniform(0.3, 1));
      end_seconds_ = seconds + length_seconds_;
      next_seconds_ = seconds + apart_seconds_ * setting.uniform(0.3, 1.7);
    }
    if (seconds >= end_seconds_) {
      pool_.resize(0);
    }
  }

 private:
  double bytes_;
  double length_seconds_;
  double apart_seconds_;
  double next_seconds_ = 20;
  double end_seconds_ = 0;
  BufferPool pool_;
};

// A cache of values by key, all of one size.
class Cache {
 public:
  explicit Cache(std::size_t value_bytes) : value_bytes_(value_bytes) {}

  // Bytes that a new key took.
  std::size_t look_up(std::uint64_t key) {
    const auto [entry, added] = values_.try_emplace(key);
    if (added) {
      entry->second = touched(value_bytes_);
    }
    return added ? value_bytes_ : 0;
  }
  [[nodiscard]] std::size_t size() const { return values_.size(); }
  void clear() { values_.clear(); }

 private:
  std::size_t value_bytes_;
  std::unordered_map<std::uint64_t, Bytes> values_;
};

// What every server has: a level it never leaves and temporary memory a request.
class Server : public Workload {
 public:
  explicit Server(Setting& setting, std::size_t base_bytes = 30 * kMib)
      : Workload(setting), base_(touched(base_bytes)) {}

  void request() override {
    temporary_ = touched(setting().size(kKib, 16 * kKib));
    serve();
  }

 protected:
  virtual void serve() {}

 private:
  Bytes base_;
  Bytes temporary_;
};

}  // namespace heapfloor
