// Healthy programs whose memory rises, falls or steps.
#include <unistd.h>

#include <array>
#include <cstdio>
#include <deque>
#include <fstream>

#include "tests/corpus/real_runs/cpp/parts.h"

namespace heapfloor {
namespace {

// 38
class Flat : public Server {
 public:
  explicit Flat(Setting& given) : Server(given) {}
};

// 39, 57: a random working set; the longer its memory, the more it looks like a trend.
template <int kMemorySeconds>
class RandomWorkingSet : public Server {
 public:
  explicit RandomWorkingSet(Setting& given) : Server(given) {}
  void tick([[maybe_unused]] double seconds) override { working_set_.tick(setting()); }

 private:
  WanderingBuffers working_set_{50.0 * kMib, 8.0 * kMib, kMemorySeconds};
};

// 41, 56: a cache over a bounded number of keys.
template <std::size_t kKeys>
class WarmUp : public Server {
 public:
  explicit WarmUp(Setting& given) : Server(given) {}

 protected:
  void serve() override { cache_.look_up(setting().size(0, kKeys - 1)); }

 private:
  Cache cache_{(90 * kMib) / kKeys};
};

// 42: a cache of least recently used entries fills in a line to its bound.
template <std::size_t kBoundMib>
class LruFill : public Server {
 public:
  explicit LruFill(Setting& given) : Server(given) {}

 protected:
  void serve() override {
    entries_.push_back(touched(kKib));
    if (entries_.size() > kBoundMib * kKib) {
      entries_.pop_front();
    }
  }

 private:
  std::deque<Bytes> entries_;
};

// 43, 44, 61, 70: memory in proportion to the load.
class LoadSized : public Server {
 public:
  explicit LoadSized(Setting& given) : Server(given) {}
  void tick([[maybe_unused]] double seconds) override { buffers_.tick(); }

 protected:
  void serve() override { buffers_.request(); }

 private:
  LoadSizedBuffers buffers_{kMib};
};

// 45: a table of 80 MiB from the second third on.
class DeployStep : public Server {
 public:
  explicit DeployStep(Setting& given) : Server(given) {}
  void tick(double seconds) override {
    if (table_.empty() && seconds >= setting().length_seconds / 3) {
      table_ = touched(80 * kMib);
    }
  }

 private:
  Bytes table_;
};

// 46: the table is reloaded with another size.
class ConfigSteps : public Server {
 public:
  explicit ConfigSteps(Setting& given) : Server(given) {}
  void tick(double seconds) override {
    if (seconds >= next_seconds_) {
      table_ = touched(setting().size(10, 80) * kMib);
      next_seconds_ += setting().uniform(240, 720);
    }
  }

 private:
  Bytes table_;
  double next_seconds_ = 60;
};

// 52: a log in shared memory; a full one is rotated, and three are kept.
class LogRotation : public Server {
 public:
  explicit LogRotation(Setting& given) : Server(given) {}

 protected:
  void serve() override {
    if (written_ >= kRotateBytes) {
      rotate();
    }
    std::ofstream log(path(0), std::ios::app);
    log << std::string(2 * kKib, 'x');
    written_ += 2 * kKib;
  }

 private:
  static constexpr std::size_t kRotateBytes = 24 * kMib;
  static constexpr int kKept = 3;

  [[nodiscard]] std::string path(int age) const {
    return setting().directory + "/log." + std::to_string(age);
  }
  void rotate() {
    std::remove(path(kKept).c_str());
    for (int age = kKept; age > 0; --age) {
      std::rename(path(age - 1).c_str(), path(age).c_str());
    }
    written_ = 0;
  }

  std::size_t written_ = 0;
};

// 53: 60 MiB in three of twenty-four minutes.
class NightlyBatch : public Server {
 public:
  explicit NightlyBatch(Setting& given) : Server(given) {}
  void tick(double seconds) override {
    const double of_day = std::fmod(seconds, kDaySeconds);
    batch_.resize(of_day > 120 && of_day < 300 ? 60.0 * kMib : 0);
  }

 private:
  BufferPool batch_;
};

// 55: connections of 1 MiB until the pool has all that it may have.
class PoolGrowth : public Server {
 public:
  explicit PoolGrowth(Setting& given) : Server(given) {}
  void tick(double seconds) override {
    if (seconds >= next_seconds_ && connections_.size() < 64) {
      connections_.push_back(touched(kMib));
      next_seconds_ = seconds + setting().uniform(5, 30);
    }
  }

 private:
  std::vector<Bytes> connections_;
  double next_seconds_ = 10;
};

// 58
class HeavyTailFlat : public Server {
 public:
  explicit HeavyTailFlat(Setting& given) : Server(given) {}
  void tick(double seconds) override { bursts_.tick(setting(), seconds); }

 private:
  Bursts bursts_{90.0 * kMib, 2, 40};
};

// 59
class Decreasing : public Server {
 public:
  explicit Decreasing(Setting& given) : Server(given) {}
  void tick(double seconds) override {
    const double left = 1 - seconds / setting().length_seconds;
    drained_.resize(120.0 * kMib * left);
  }

 private:
  BufferPool drained_;
};

// 60: a write buffer that is flushed at a random size.
class LsmMemtable : public Server {
 public:
  explicit LsmMemtable(Setting& given) : Server(given) {}

 protected:
  void serve() override {
    rows_.push_back(touched(2 * kKib));
    if (rows_.size() >= flush_rows_) {
      rows_.clear();
      flush_rows_ = setting().size(4000, 24000);
    }
  }

 private:
  std::vector<Bytes> rows_;
  std::size_t flush_rows_ = 12000;
};

}  // namespace

std::unique_ptr<Workload> make_healthy(std::string_view name, Setting& setting) {
  constexpr auto kMakers =
      std::to_array<NamedMaker>({{"flat", make<Flat>},
                                 {"short_memory", make<RandomWorkingSet<5>>},
                                 {"long_memory", make<RandomWorkingSet<300>>},
                                 {"warm_up_3h", make<WarmUp<9000>>},
                                 {"warm_up_15h", make<WarmUp<45000>>},
                                 {"cache_fill_to_cap", make<LruFill<65>>},
                                 {"linear_fill_to_high_cap", make<LruFill<135>>},
                                 {"load_sized", make<LoadSized>},
                                 {"deploy_step", make<DeployStep>},
                                 {"config_steps", make<ConfigSteps>},
                                 {"log_rotation", make<LogRotation>},
                                 {"nightly_batch", make<NightlyBatch>},
                                 {"pool_growth", make<PoolGrowth>},
                                 {"heavy_tail_flat", make<HeavyTailFlat>},
                                 {"decreasing", make<Decreasing>},
                                 {"lsm_memtable", make<LsmMemtable>}});
  return make_named(kMakers, name, setting);
}

}  // namespace heapfloor
