// Leaks by their course over time.
#include <array>

#include "tests/corpus/real_runs/cpp/parts.h"

namespace heapfloor {
namespace {

// Leaks from the start on.
class LeakyServer : public Server {
 public:
  explicit LeakyServer(Setting& given) : Server(given) { setting().report.onset(); }
};

// 1, 18, 23: 4 KiB of every tenth request.
class LinearNative : public LeakyServer {
 public:
  using LeakyServer::LeakyServer;

 protected:
  void serve() override {
    if (setting().chance(0.1)) {
      keep(4 * kKib);
    }
  }
};

// 4
class SlowBelowNoise : public LeakyServer {
 public:
  using LeakyServer::LeakyServer;
  void tick([[maybe_unused]] double seconds) override {
    working_set_.tick(setting());
    if (++ticks_ % 5 == 0) {
      keep(5 * kKib);
    }
  }

 private:
  WanderingBuffers working_set_{50.0 * kMib, 8.0 * kMib, 5};
  std::size_t ticks_ = 0;
};

// 5, 14: so much a request, under a load that varies.
template <std::size_t kBytes>
class LeakPerRequest : public Server {
 public:
  using Server::Server;

 protected:
  void serve() override {
    setting().report.onset();
    keep(kBytes);
  }
};

// 6
class UnderStrongDailyLoad : public LeakyServer {
 public:
  using LeakyServer::LeakyServer;
  void tick([[maybe_unused]] double seconds) override { buffers_.tick(); }

 protected:
  void serve() override {
    buffers_.request();
    keep(512);
  }

 private:
  LoadSizedBuffers buffers_{kMib};
};

// 9: the second version of the program leaks and is a little larger.
class OnsetAtDeploy : public Server {
 public:
  explicit OnsetAtDeploy(Setting& given) : Server(given, given.deployed ? 38 * kMib : 30 * kMib) {
    if (setting().deployed) {
      setting().report.onset();
    }
  }
  [[nodiscard]] bool deploys(double seconds) const override {
    return !setting().deployed && seconds >= setting().length_seconds / 3;
  }

 protected:
  void serve() override {
    if (setting().deployed && setting().chance(0.25)) {
      keep(4 * kKib);
    }
  }
};

// 10: the recorder ends the program every ten minutes and starts it again.
class MaskedByRestart : public LeakyServer {
 public:
  using LeakyServer::LeakyServer;

 protected:
  void serve() override {
    if (setting().chance(0.5)) {
      keep(4 * kKib);
    }
  }
};

// 11: nine of ten temporaries are freed.
class PartialFree : public LeakyServer {
 public:
  using LeakyServer::LeakyServer;

 protected:
  void serve() override {
    if (!setting().chance(0.25)) {
      return;
    }
    std::array<Bytes, 9> temporaries;
    for (Bytes& temporary : temporaries) {
      temporary = touched(2 * kKib);
    }
    keep(2 * kKib);
  }
};

// 15: a cache fills to its size; from then on memory is lost.
class AfterWarmUp : public Server {
 public:
  using Server::Server;

 protected:
  void serve() override {
    if (cache_.size() < kEntries) {
      cache_.look_up(next_key_++);
      return;
    }
    setting().report.onset();
    if (setting().chance(0.2)) {
      keep(4 * kKib);
    }
  }

 private:
  static constexpr std::size_t kEntries = 20000;
  Cache cache_{2 * kKib};
  std::uint64_t next_key_ = 0;
};

// 16: a cache that is cleared every six minutes.
class WithCacheDrops : public LeakyServer {
 public:
  using LeakyServer::LeakyServer;
  void tick(double seconds) override {
    if (seconds >= next_drop_seconds_) {
      cache_.clear();
      next_drop_seconds_ += 360;
    }
  }

 protected:
  void serve() override {
    cache_.look_up(setting().size(0, 1000000));
    if (setting().chance(0.15)) {
      keep(4 * kKib);
    }
  }

 private:
  Cache cache_{2 * kKib};
  double next_drop_seconds_ = 360;
};

// 19
class HeavyTailLeak : public LinearNative {
 public:
  using LinearNative::LinearNative;
  void tick(double seconds) override { bursts_.tick(setting(), seconds); }

 private:
  Bursts bursts_{90.0 * kMib, 2, 40};
};

// 20: 5 MiB a second from the second minute on.
class FastToLimit : public Server {
 public:
  using Server::Server;
  void tick(double seconds) override {
    if (seconds >= 120) {
      setting().report.onset();
      keep(kMib / 2);
    }
  }
};

// 24
class LateSlowOnset : public Server {
 public:
  using Server::Server;
  void tick(double seconds) override { leaks_ = seconds >= setting().length_seconds / 2; }

 protected:
  void serve() override {
    if (!leaks_) {
      return;
    }
    setting().report.onset();
    if (setting().chance(0.2)) {
      keep(4 * kKib);
    }
  }

 private:
  bool leaks_ = false;
};

}  // namespace

std::unique_ptr<Workload> make_leaky(std::string_view name, Setting& setting) {
  constexpr auto kMakers =
      std::to_array<NamedMaker>({{"linear_native", make<LinearNative>},
                                 {"slow_below_noise", make<SlowBelowNoise>},
                                 {"rate_follows_load", make<LeakPerRequest<kKib>>},
                                 {"under_strong_daily_load", make<UnderStrongDailyLoad>},
                                 {"onset_at_deploy", make<OnsetAtDeploy>},
                                 {"masked_by_restart", make<MaskedByRestart>},
                                 {"partial_free", make<PartialFree>},
                                 {"business_hours", make<LeakPerRequest<2 * kKib>>},
                                 {"after_warm_up", make<AfterWarmUp>},
                                 {"with_cache_drops", make<WithCacheDrops>},
                                 {"heavy_tail_leak", make<HeavyTailLeak>},
                                 {"fast_to_limit", make<FastToLimit>},
                                 {"late_slow_onset", make<LateSlowOnset>}});
  return make_named(kMakers, name, setting);
}

}  // namespace heapfloor
