// Leaks by what holds the memory.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <deque>
#include <limits>
#include <stdexcept>

#include "tests/corpus/real_runs/cpp/parts.h"

namespace heapfloor {
namespace {

class LeakyServer : public Server {
 public:
  explicit LeakyServer(Setting& given) : Server(given) { setting().report.onset(); }
};

// 7: a map of unique keys from which nothing is ever erased.
class HashMapDoubling : public LeakyServer {
 public:
  using LeakyServer::LeakyServer;

 protected:
  void serve() override {
    sessions_.try_emplace(next_key_++);
    setting().report.leaked(kSessionBytes);
  }

 private:
  static constexpr std::size_t kSessionBytes = 400;
  std::unordered_map<std::uint64_t, std::array<char, kSessionBytes>> sessions_;
  std::uint64_t next_key_ = 0;
};

// 12: every event adds a listener, and every listener keeps something of every event.
class Accelerating : public LeakyServer {
 public:
  using LeakyServer::LeakyServer;
  void tick([[maybe_unused]] double seconds) override {
    if (++ticks_ % 10 == 0) {
      keep(16 * ++listeners_);
    }
  }

 private:
  std::size_t ticks_ = 0;
  std::size_t listeners_ = 0;
};

// 13: a cache without a bound under keys of a long tail.
class Sublinear : public LeakyServer {
 public:
  using LeakyServer::LeakyServer;

 protected:
  void serve() override {
    const double key = std::pow(setting().uniform(1e-5, 1), -1 / 0.3);
    setting().report.leaked(cache_.look_up(static_cast<std::uint64_t>(key)));
  }

 private:
  Cache cache_{kKib};
};

// 29: one request in a hundred fails, and what it had opened stays.
class ErrorPathOnly : public LeakyServer {
 public:
  using LeakyServer::LeakyServer;

 protected:
  void serve() override {
    try {
      if (setting().chance(0.01)) {
        throw std::runtime_error("refused");
      }
    } catch (const std::runtime_error&) {
      keep(40 * kKib);
    }
  }
};

// 30: pairs that own each other.
class SharedPointerCycles : public LeakyServer {
 public:
  using LeakyServer::LeakyServer;

 protected:
  void serve() override {
    if (!setting().chance(0.5)) {
      return;
    }
    const auto one = std::make_shared<Node>();
    const auto other = std::make_shared<Node>();
    one->peer = other;
    other->peer = one;
    setting().report.leaked(2 * sizeof(Node));
  }

 private:
  struct Node {
    std::shared_ptr<Node> peer;
    std::array<char, kKib> payload = {};
  };
};

// 31: the producer is one percent faster than the consumer.
class QueueGrowth : public LeakyServer {
 public:
  using LeakyServer::LeakyServer;
  void tick([[maybe_unused]] double seconds) override {
    for (int i = 0; i < 50; ++i) {
      queue_.push_back(touched(4 * kKib));
    }
    const int consumed = ++ticks_ % 2 == 0 ? 50 : 49;
    for (int i = 0; i < consumed && !queue_.empty(); ++i) {
      queue_.pop_front();
    }
    if (consumed == 49) {
      setting().report.leaked(4 * kKib);
    }
  }

 private:
  std::deque<Bytes> queue_;
  std::size_t ticks_ = 0;
};

// 34: temporary files in shared memory that nobody removes (the recorder does, at the end).
class ShmemLeak : public LeakyServer {
 public:
  using LeakyServer::LeakyServer;
  void tick([[maybe_unused]] double seconds) override {
    if (++ticks_ % 40 == 0 && write_file(setting().directory + "/" + std::to_string(ticks_))) {
      setting().report.leaked(kFileBytes);
    }
  }

 private:
  static constexpr std::size_t kFileBytes = 128 * kKib;

  static bool write_file(const std::string& path) {
    const int file = ::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    const Bytes content = touched(kFileBytes);
    const ssize_t written = file < 0 ? -1 : ::write(file, content.data(), content.size());
    ::close(file);
    return written == static_cast<ssize_t>(kFileBytes);
  }

  std::size_t ticks_ = 0;
};

// 36: nineteen sites churn, one never frees.
class LeakingSite : public LeakyServer {
 public:
  using LeakyServer::LeakyServer;
  void tick([[maybe_unused]] double seconds) override {
    const std::size_t site = setting().size(0, sites_.size() - 1);
    sites_.at(site) = touched(setting().size(64 * kKib, 4 * kMib));
  }

 protected:
  void serve() override {
    if (setting().chance(0.2)) {
      keep(2 * kKib);
    }
  }

 private:
  std::array<Bytes, 19> sites_;
};

}  // namespace

std::unique_ptr<Workload> make_leaky_by_structure(std::string_view name, Setting& setting) {
  constexpr auto kMakers =
      std::to_array<NamedMaker>({{"hash_map_doubling", make<HashMapDoubling>},
                                 {"accelerating", make<Accelerating>},
                                 {"sublinear", make<Sublinear>},
                                 {"error_path_only", make<ErrorPathOnly>},
                                 {"shared_pointer_cycles", make<SharedPointerCycles>},
                                 {"queue_growth", make<QueueGrowth>},
                                 {"shmem_leak", make<ShmemLeak>},
                                 {"leaking_site", make<LeakingSite>}});
  return make_named(kMakers, name, setting);
}

}  // namespace heapfloor
