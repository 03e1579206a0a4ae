// What a tick costs for each Go program, and what the first look at its file does.
#include <benchmark/benchmark.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "collectors/host_root.h"
#include "collectors/runtime/go_program.h"
#include "collectors/runtime/go_target.h"
#include "tests/support/go_profile_writer.h"
#include "tests/support/go_site_source.h"
#include "tests/support/go_writer.h"

namespace heapfloor {
namespace {

using testing::GoFileWriter;
using testing::GoMemoryWriter;
using testing::GoProfileWriter;

// This process in the place of a Go program: the figures are in its memory.
class Program {
 public:
  explicit Program(std::size_t processors) : ps_(processors, place(GoMemoryWriter::kP)) {
    memory_.put(GoMemoryWriter::kAllP, static_cast<std::int64_t>(address_of(ps_.data())));
    memory_.put(GoMemoryWriter::kAllP + 8, static_cast<std::int64_t>(processors));
    auto program = std::make_shared<GoProgram>();
    program->layout = memory_.layout();
    program->variables = {place(GoMemoryWriter::kController), place(GoMemoryWriter::kMemstats),
                          place(GoMemoryWriter::kAllGoroutines), place(GoMemoryWriter::kSched),
                          place(GoMemoryWriter::kAllP)};
    const auto self = root_.open_process(::getpid());
    auto target = GoTarget::open({::getpid(), 1}, std::move(program), *self, buffer_);
    if (!target) throw std::runtime_error(target.error().reason);
    target_ = std::make_unique<GoTarget>(std::move(*target));
  }
  GoTarget& target() { return *target_; }
  void collect() { memory_.set(GoStat::cycles, ++cycles_); }

 private:
  static std::uint64_t address_of(const void* bytes) {
    return reinterpret_cast<std::uint64_t>(bytes);
  }
  [[nodiscard]] std::uint64_t place(std::uint64_t address) const {
    return address_of(memory_.bytes().data()) + (address - GoMemoryWriter::kBase);
  }

  GoMemoryWriter memory_;
  std::vector<std::uint64_t> ps_;
  std::int64_t cycles_ = 1;
  DirectoryHostRoot root_;
  std::vector<char> buffer_ = std::vector<char>(4096);
  std::unique_ptr<GoTarget> target_;
};

constexpr double kMostBytes = 1e12;

// What a call of the kernel costs that does nothing.
void bare_call(benchmark::State& state) {
  for (auto step : state) {
    (void)step;
    benchmark::DoNotOptimize(::syscall(SYS_getppid));
  }
}
BENCHMARK(bare_call);

// The other way to read another process's memory, which names the process by its pid each time.
void process_vm_read(benchmark::State& state) {
  const std::vector<std::byte> from(static_cast<std::size_t>(state.range(0)));
  std::vector<std::byte> to(from.size());
  const iovec there = {.iov_base = const_cast<std::byte*>(from.data()), .iov_len = from.size()};
  const iovec here = {.iov_base = to.data(), .iov_len = to.size()};
  const pid_t self = ::getpid();
  for (auto step : state) {
    (void)step;
    if (::process_vm_readv(self, &here, 1, &there, 1, 0) != static_cast<ssize_t>(to.size()))
      state.SkipWithError("not read");
  }
}
BENCHMARK(process_vm_read)->Arg(8)->Arg(344);

// What the kernel alone takes for one read of another process's memory: the least of any tick.
void bare_read(benchmark::State& state) {
  const DirectoryHostRoot root;
  const auto memory = root.open_process(::getpid())->open_mapped_memory(0, kAddressSpaceBytes);
  if (!memory) throw std::runtime_error(memory.error().reason);
  const std::vector<std::byte> from(static_cast<std::size_t>(state.range(0)));
  std::vector<std::byte> to(from.size());
  for (auto step : state) {
    (void)step;
    if (!memory->read(reinterpret_cast<std::uint64_t>(from.data()), to))
      state.SkipWithError("not read");
  }
}
BENCHMARK(bare_read)->Arg(8)->Arg(344);

void tick(benchmark::State& state) {
  Program program(1);
  for (auto step : state) {
    (void)step;
    if (!program.target().read(kMostBytes)) state.SkipWithError("not read");
  }
}
BENCHMARK(tick);

void tick_after_collection(benchmark::State& state) {
  Program program(1);
  for (auto step : state) {
    (void)step;
    program.collect();
    if (!program.target().read(kMostBytes)) state.SkipWithError("not read");
  }
}
BENCHMARK(tick_after_collection);

void counts(benchmark::State& state) {
  Program program(static_cast<std::size_t>(state.range(0)));
  for (auto step : state) {
    (void)step;
    benchmark::DoNotOptimize(program.target().count());
  }
}
BENCHMARK(counts)->Arg(2)->Arg(64);

// A file of so many symbols.
void examine(benchmark::State& state) {
  GoFileWriter file;
  for (int i = 0; i < state.range(0); ++i)
    file.add_variable("github.com/example/service/internal.variable" + std::to_string(i), 1);
  GoMemoryWriter::add_variables(file);
  const std::string bytes = file.bytes();
  const MemorySource source(bytes);
  for (auto step : state) {
    (void)step;
    benchmark::DoNotOptimize(examine_go_program(source));
  }
}
BENCHMARK(examine)->Arg(7000)->Arg(100000);

// The sites of a program of so many buckets, each of its own stack of 12 frames, as the collector
// reads them each time; its memory is a part of this process.
void sites(benchmark::State& state) {
  constexpr std::size_t kBucketBytes = 48 + 12 * 8 + 128;
  const auto buckets = static_cast<std::size_t>(state.range(0));
  GoProfileWriter memory(8192 + buckets * kBucketBytes);
  std::vector<std::uint64_t> stack(12, 0x401000);
  for (std::uint64_t i = 0; i < buckets; ++i) {
    stack.back() = 0x402000 + i;
    memory.add(stack, {100, 40, 6400 * (1 + i % 64), 2560 * (1 + i % 64)});
  }
  const DirectoryHostRoot root;
  const auto source = testing::own_site_source(root, memory, {::getpid(), 1});
  for (auto step : state) {
    (void)step;
    const auto read = source->read({.most_sites = 32});
    if (!read || read->buckets != buckets) state.SkipWithError("not read");
  }
}
BENCHMARK(sites)->Arg(100)->Arg(1000)->Arg(10000)->Arg(100000);

}  // namespace
}  // namespace heapfloor
