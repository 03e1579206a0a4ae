// Healthy programs whose resident memory rises because of the allocator.
#include <array>
#include <atomic>
#include <chrono>
#include <thread>

#include "tests/corpus/real_runs/cpp/parts.h"

namespace heapfloor {
namespace {

// Allocates small blocks up to `bytes` and frees them again.
void churn(std::size_t bytes, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<std::size_t> size(100, 4000);
  std::vector<Bytes> blocks;
  for (std::size_t taken = 0; taken < bytes; taken += blocks.back().size()) {
    blocks.push_back(touched(size(random)));
  }
}

// 49: bursts in eight threads at once; all is freed, not all goes back.
class RetentionRatchet : public Server {
 public:
  explicit RetentionRatchet(Setting& given) : Server(given) {}
  void tick(double seconds) override {
    if (seconds < next_seconds_) {
      return;
    }
    next_seconds_ = seconds + setting().uniform(60, 300);
    const std::size_t share = setting().size(2, 16) * kMib;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back(churn, share, setting().random());
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
  }

 private:
  double next_seconds_ = 60;
};

// 49: as before, but a few small blocks of every burst live on among those that are freed, until
// later ones replace them.
class PinnedRatchet : public Server {
 public:
  explicit PinnedRatchet(Setting& given) : Server(given) {}
  void tick(double seconds) override {
    if (seconds < next_seconds_) {
      return;
    }
    next_seconds_ = seconds + setting().uniform(60, 300);
    const std::size_t share = setting().size(2, 16) * kMib;
    std::array<std::vector<Bytes>, 8> survivors;
    std::vector<std::thread> threads;
    for (std::vector<Bytes>& mine : survivors) {
      threads.emplace_back(
          [&mine, share, seed = setting().random()] { mine = churn_with_survivors(share, seed); });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    for (std::vector<Bytes>& some : survivors) {
      for (Bytes& block : some) {
        pinned_.at(next_pinned_++ % pinned_.size()) = std::move(block);
      }
    }
  }

 private:
  static std::vector<Bytes> churn_with_survivors(std::size_t bytes, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::uniform_int_distribution<std::size_t> size(100, 4000);
    std::vector<Bytes> survivors;
    std::vector<Bytes> blocks;
    for (std::size_t taken = 0; taken < bytes; taken += blocks.back().size()) {
      blocks.push_back(touched(size(random)));
      if (blocks.size() % 100 == 0) {
        survivors.push_back(touched(200));
      }
    }
    return survivors;
  }

  std::vector<Bytes> pinned_ = std::vector<Bytes>(4000);
  std::size_t next_pinned_ = 0;
  double next_seconds_ = 60;
};

// 50: small blocks of long life among larger ones of short life; the number of both is bounded.
class FragmentationPlateau : public Server {
 public:
  explicit FragmentationPlateau(Setting& given) : Server(given) {}

 protected:
  void serve() override {
    long_lived_.at(setting().size(0, long_lived_.size() - 1)) = touched(setting().size(64, 512));
    for (int i = 0; i < 4; ++i) {
      short_lived_.at(setting().size(0, short_lived_.size() - 1)) =
          touched(setting().size(kKib, 48 * kKib));
    }
  }

 private:
  std::vector<Bytes> long_lived_ = std::vector<Bytes>(20000);
  std::vector<Bytes> short_lived_ = std::vector<Bytes>(1200);
};

// 66: run under jemalloc, which gives freed pages back late.
class DirtyPages : public Server {
 public:
  explicit DirtyPages(Setting& given) : Server(given) {}
  void tick(double seconds) override {
    if (seconds >= next_seconds_) {
      churn(setting().size(4, 60) * kMib, setting().random());
      next_seconds_ = seconds + setting().uniform(2, 30);
    }
  }

 private:
  double next_seconds_ = 10;
};

// 67: a pool of threads grows to sixteen; each has an arena of its own.
class ArenaPerThread : public Server {
 public:
  explicit ArenaPerThread(Setting& given) : Server(given) {}
  ~ArenaPerThread() override {
    ends_ = true;
    for (std::thread& thread : threads_) {
      thread.join();
    }
  }
  ArenaPerThread(const ArenaPerThread&) = delete;
  ArenaPerThread& operator=(const ArenaPerThread&) = delete;

  void tick(double seconds) override {
    if (seconds >= next_seconds_ && threads_.size() < 16) {
      threads_.emplace_back([this, seed = setting().random()] { work(seed); });
      next_seconds_ = seconds + setting().uniform(30, 120);
    }
  }

 private:
  void work(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::uniform_int_distribution<std::size_t> bytes(kMib, 6 * kMib);
    while (!ends_) {
      churn(bytes(random), random());
      std::this_thread::sleep_for(std::chrono::seconds(2));
    }
  }

  std::atomic<bool> ends_ = false;
  std::vector<std::thread> threads_;
  double next_seconds_ = 10;
};

}  // namespace

std::unique_ptr<Workload> make_healthy_by_allocator(std::string_view name, Setting& setting) {
  constexpr auto kMakers =
      std::to_array<NamedMaker>({{"retention_ratchet", make<RetentionRatchet>},
                                 {"pinned_ratchet", make<PinnedRatchet>},
                                 {"fragmentation_plateau", make<FragmentationPlateau>},
                                 {"jemalloc_dirty_pages", make<DirtyPages>},
                                 {"arena_per_thread", make<ArenaPerThread>}});
  return make_named(kMakers, name, setting);
}

}  // namespace heapfloor
