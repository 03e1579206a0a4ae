// A small server whose memory behaves in one named way: scenarios of the detector's catalogue as
// real programs. ../README.md says what each is and how it is recorded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace heapfloor {

using Bytes = std::vector<char>;

// Bytes that were written to, so that they are resident.
Bytes touched(std::size_t size);

constexpr std::size_t kKib = 1024;
constexpr std::size_t kMib = 1024 * kKib;

// What the program tells the recorder on standard output, one line each.
class Report {
 public:
  // From now on memory is lost for good.
  void onset();
  // Counts what was lost.
  void leaked(std::size_t bytes) { leaked_bytes_ += bytes; }
  // Prints the count when it changed.
  void flush();

 private:
  std::uint64_t leaked_bytes_ = 0;
  std::uint64_t printed_bytes_ = 0;
  bool begun_ = false;
};

struct Setting {
  double length_seconds = 3600;  // of the whole run, for scenarios that change half-way
  std::string directory;         // for files in shared memory
  bool deployed = false;         // this is the second binary of a deploy
  std::mt19937_64 random;
  Report report;

  double uniform(double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random);
  }
  std::size_t size(std::size_t low, std::size_t high) {
    return std::uniform_int_distribution<std::size_t>(low, high)(random);
  }
  bool chance(double probability) { return uniform(0, 1) < probability; }
};

constexpr double kTickSeconds = 0.1;
constexpr double kDaySeconds = 1440;  // of the compressed time, in which an hour lasts a minute

// One scenario. Called from one thread.
class Workload {
 public:
  explicit Workload(Setting& setting) : setting_(setting) {}
  virtual ~Workload() = default;
  Workload(const Workload&) = delete;
  Workload& operator=(const Workload&) = delete;

  // For every request of the driver.
  virtual void request() {}
  // Every tenth of a second; `seconds` since the program began.
  virtual void tick([[maybe_unused]] double seconds) {}
  // True once the program has to be replaced by its next version.
  [[nodiscard]] virtual bool deploys([[maybe_unused]] double seconds) const { return false; }

 protected:
  [[nodiscard]] Setting& setting() { return setting_; }
  [[nodiscard]] const Setting& setting() const { return setting_; }

  // Memory that stays until the end, counted as lost.
  void keep(std::size_t bytes) {
    kept_.push_back(touched(bytes));
    setting_.report.leaked(bytes);
  }

 private:
  Setting& setting_;
  std::vector<Bytes> kept_;
};

// Nothing for a name that they do not know.
std::unique_ptr<Workload> make_leaky(std::string_view name, Setting& setting);
std::unique_ptr<Workload> make_leaky_by_structure(std::string_view name, Setting& setting);
std::unique_ptr<Workload> make_healthy(std::string_view name, Setting& setting);
std::unique_ptr<Workload> make_healthy_by_allocator(std::string_view name, Setting& setting);

// For the makers: constructs a `T` of a setting.
template <class T>
std::unique_ptr<Workload> make(Setting& setting) {
  return std::make_unique<T>(setting);
}

struct NamedMaker {
  std::string_view name;
  std::unique_ptr<Workload> (*make)(Setting&);
};

template <class Makers>
std::unique_ptr<Workload> make_named(const Makers& makers, std::string_view name,
                                     Setting& setting) {
  for (const NamedMaker& maker : makers) {
    if (maker.name == name) {
      return maker.make(setting);
    }
  }
  return nullptr;
}

}  // namespace heapfloor
