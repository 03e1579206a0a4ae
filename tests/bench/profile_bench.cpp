// Cost of profiles: a lookup of a symbol, and a profile of a full table of sites.
#include <cstdint>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "agent/profile/heap_profile.h"
#include "agent/profile/profile.h"
#include "agent/profile/symbol_table.h"
#include "tests/profile/elf_writer.h"
#include "tests/profile/file_code.h"

namespace heapfloor {
namespace {

constexpr std::uint64_t kFunctionBytes = 96;
constexpr std::uint64_t kFirst = 0x1000;

std::uint64_t next(std::uint64_t& state) {
  state = state * 6364136223846793005U + 1442695040888963407U;
  return state >> 33;
}

std::string program(std::int64_t functions) {
  testing::ElfWriter elf;
  elf.set_size(kFirst + kFunctionBytes * static_cast<std::uint64_t>(functions));
  for (std::int64_t i = 0; i < functions; ++i) {
    elf.add_function("_ZN4shop6Basket" + std::to_string(10 + std::to_string(i).size()) +
                         "handle_it_" + std::to_string(i) + "Ei",
                     kFirst + kFunctionBytes * static_cast<std::uint64_t>(i), kFunctionBytes);
  }
  return elf.bytes();
}

void BM_SymbolLookup(benchmark::State& state) {
  const std::string bytes = program(state.range(0));
  const MemorySource source(bytes);
  const Result<ElfFile> elf = read_elf(source);
  SymbolTable table;
  table.add(source, *elf);
  table.finish();
  std::uint64_t seed = 1;
  const auto span = static_cast<std::uint64_t>(state.range(0)) * kFunctionBytes;
  for (auto _ : state) {
    auto found = table.find(kFirst + next(seed) % span);
    benchmark::DoNotOptimize(found);
  }
  state.counters["bytes_a_function"] =
      static_cast<double>(table.bytes()) / static_cast<double>(table.functions());
}
BENCHMARK(BM_SymbolLookup)->Arg(7100)->Arg(58000)->Arg(400000);

void BM_SymbolTable(benchmark::State& state) {
  const std::string bytes = program(state.range(0));
  const MemorySource source(bytes);
  for (auto _ : state) {
    const Result<ElfFile> elf = read_elf(source);
    SymbolTable table;
    table.add(source, *elf);
    table.finish();
    benchmark::DoNotOptimize(table.functions());
  }
}
BENCHMARK(BM_SymbolTable)->Arg(58000)->Unit(benchmark::kMillisecond);

struct Full {
  HeapSites heap;
  std::vector<CodeMapping> mappings;
  testing::FileCode code;
};

// 16,384 sites, 24 frames deep, in 4,000 functions.
void fill(Full& full) {
  constexpr std::int64_t kFunctions = 4000;
  constexpr std::uint64_t kBase = 0x400000;
  full.code.add("/opt/app", program(kFunctions));
  full.mappings = {{kBase, kBase + 0x1000000, 0, 7, false, "/opt/app"}};
  full.heap.interval_bytes = 524288;
  std::uint64_t seed = 1;
  for (std::uint32_t i = 0; i < 16384; ++i) {
    HeapSite& site = full.heap.sites.emplace_back();
    site.index = i;
    site.live_bytes = site.allocated_bytes = static_cast<double>(next(seed) % 100'000'000);
    site.live_objects = site.allocated_objects = 1000;
    for (int frame = 0; frame < 24; ++frame)
      site.frames.push_back(kBase + kFirst + next(seed) % kFunctions * kFunctionBytes + 33);
  }
}

void BM_HeapProfile(benchmark::State& state) {
  Full full;
  fill(full);
  Symboliser symboliser({.wants_lines = false});
  for (auto _ : state) {
    const Profile profile = heap_profile(full.heap, full.mappings, full.code, symboliser, {});
    benchmark::DoNotOptimize(profile.samples.size());
  }
}
BENCHMARK(BM_HeapProfile)->Unit(benchmark::kMillisecond);

void BM_EncodeProfile(benchmark::State& state) {
  Full full;
  fill(full);
  Symboliser symboliser({.wants_lines = false});
  const Profile profile = heap_profile(full.heap, full.mappings, full.code, symboliser, {});
  std::size_t bytes = 0;
  for (auto _ : state) bytes = gzip(encode_profile(profile)).size();
  state.counters["gzipped_bytes"] = static_cast<double>(bytes);
}
BENCHMARK(BM_EncodeProfile)->Unit(benchmark::kMillisecond);

void BM_DecodeProfile(benchmark::State& state) {
  Full full;
  fill(full);
  Symboliser symboliser({.wants_lines = false});
  const std::string packed =
      gzip(encode_profile(heap_profile(full.heap, full.mappings, full.code, symboliser, {})));
  bool is_read = false;
  for (auto _ : state) is_read = decode_profile(packed).has_value();
  if (!is_read) state.SkipWithError("the profile was refused");
}
BENCHMARK(BM_DecodeProfile)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace heapfloor
