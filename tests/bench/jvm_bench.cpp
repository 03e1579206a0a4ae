// What a tick costs for each JVM, and what a look at a process costs that may be one.
#include <benchmark/benchmark.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "collectors/host_root.h"
#include "collectors/runtime/jvm_library.h"
#include "collectors/runtime/jvm_target.h"

namespace heapfloor {
namespace {

// This process in the place of a JVM: it maps the counters of a real one.
class Counters {
 public:
  explicit Counters(const std::string& fixture) {
    const std::filesystem::path directory =
        std::filesystem::temp_directory_path() / ("hsperfdata_bench" + std::to_string(getpid()));
    std::filesystem::create_directory(directory);
    const std::filesystem::path file = directory / "1";
    std::filesystem::copy_file(HEAPFLOOR_SOURCE_DIR "/tests/fixtures/hsperfdata/" + fixture, file,
                               std::filesystem::copy_options::overwrite_existing);
    std::filesystem::resize_file(file, kBytes);
    const int opened = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
    memory_ = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, opened, 0);
    ::close(opened);
    std::filesystem::remove_all(directory);
    if (memory_ == MAP_FAILED) throw std::runtime_error("no counters");
    self_ = std::move(root_.open_process(::getpid()).value());
  }
  Counters(const Counters&) = delete;
  Counters& operator=(const Counters&) = delete;
  ~Counters() { ::munmap(memory_, kBytes); }

  JvmMaps look() {
    JvmMaps maps;
    if (!read_jvm_maps(self_, buffer_, maps)) throw std::runtime_error("no maps");
    return maps;
  }
  JvmTarget target() {
    return {ProcessId{::getpid(), 1},
            std::move(JvmCounterBytes::open(self_, look().mappings.at(0)).value())};
  }

 private:
  static constexpr std::size_t kBytes = 32768;
  DirectoryHostRoot root_;
  ProcessDir self_;
  std::vector<char> buffer_ = std::vector<char>(65536);
  void* memory_ = nullptr;
};

void tick(benchmark::State& state) {
  Counters counters("g1");
  JvmTarget target = counters.target();
  for (auto step : state) {
    (void)step;
    if (!target.read()) state.SkipWithError("not read");
  }
}
BENCHMARK(tick);

void first_tick(benchmark::State& state) {
  Counters counters("g1");
  for (auto step : state) {
    (void)step;
    JvmTarget target = counters.target();
    if (!target.read()) state.SkipWithError("not read");
  }
}
BENCHMARK(first_tick);

void look(benchmark::State& state) {
  Counters counters("g1");
  for (auto step : state) {
    (void)step;
    benchmark::DoNotOptimize(counters.look());
  }
}
BENCHMARK(look);

// Of the JVM that is installed, with nothing running in it: the whole way but for its end.
void look_at_library(benchmark::State& state) {
  void* const library =
      ::dlopen("/usr/lib/jvm/default-java/lib/server/libjvm.so", RTLD_NOW | RTLD_LOCAL);
  DirectoryHostRoot root;
  const ProcessDir self = std::move(root.open_process(::getpid()).value());
  std::vector<char> buffer(65536);
  JvmMaps maps;
  if (library == nullptr || !read_jvm_maps(self, buffer, maps) || !maps.library) {
    state.SkipWithError("no JVM here");
    return;
  }
  for (auto step : state) {
    (void)step;
    auto opened = JvmLibrary::open(self, *maps.library);
    if (!opened || !opened->z_heap() || !std::move(*opened).take_counters())
      state.SkipWithError("not read");
  }
}
BENCHMARK(look_at_library);

}  // namespace
}  // namespace heapfloor
