// What counting costs a container: the plain one, ours with one writer and shared, and the plain
// one over a counting memory resource, in one run. Compare by
// --benchmark_enable_random_interleaving.

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <string>
#include <unordered_map>
#include <vector>

#include "heapfloor/structures.h"

namespace {

constexpr std::size_t kKeys = 100'000;

// Keys in an order that no prefetcher knows.
std::uint64_t next_key(std::uint64_t& state) {
  state = (state * 6364136223846793005U) + 1442695040888963407U;
  return (state >> 33U) % kKeys;
}

using Plain = std::unordered_map<std::uint64_t, std::uint64_t>;
using Single = heapfloor::unordered_map<std::uint64_t, std::uint64_t>;
using Shared = heapfloor::tracked<Plain, heapfloor::shared>;
using Pmr = std::pmr::unordered_map<std::uint64_t, std::uint64_t>;

template <class Map>
void churn(benchmark::State& state, Map& map) {
  std::uint64_t random = 1;
  for (std::size_t i = 0; i < kKeys / 2; ++i) map[next_key(random)] = i;
  for (auto _ : state) {
    const std::uint64_t key = next_key(random);
    if (const auto found = map.find(key); found != map.end()) {
      map.erase(found);
    } else {
      map.emplace(key, key);
    }
  }
  state.SetItemsProcessed(state.iterations());
}

template <class Map>
void BM_MapFindInsertErase(benchmark::State& state) {
  Map map;
  churn(state, map);
}

void BM_MapFindInsertErasePmr(benchmark::State& state) {
  heapfloor::memory_resource pool{"bench"};
  Pmr map{&pool};
  churn(state, map);
}

void BM_MapFindInsertErasePlainPmr(benchmark::State& state) {
  Pmr map{std::pmr::new_delete_resource()};
  churn(state, map);
}

constexpr std::size_t kElements = 4096;

template <class Vector>
void fill(benchmark::State& state, Vector& vector) {
  for (auto _ : state) {
    vector.clear();
    for (std::size_t i = 0; i < kElements; ++i) {
      vector.push_back(i);
      benchmark::DoNotOptimize(vector.data());
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kElements));
}

template <class Vector>
void BM_VectorPushBack(benchmark::State& state) {
  Vector vector;
  fill(state, vector);
}

void BM_VectorPushBackPmr(benchmark::State& state) {
  heapfloor::memory_resource pool{"bench"};
  std::pmr::vector<std::uint64_t> vector{&pool};
  fill(state, vector);
}

template <class String>
void BM_StringAppend(benchmark::State& state) {
  String text;
  for (auto _ : state) {
    text.clear();
    for (std::size_t i = 0; i < kElements; ++i) {
      text.append("0123456789", std::size_t{10});
      benchmark::DoNotOptimize(text.data());
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kElements));
}

// An instance's beginning and end, by how many of its structure are there.
void BM_InstanceBeginEnd(benchmark::State& state) {
  std::vector<heapfloor::vector<int>> others;
  for (std::int64_t i = 0; i < state.range(0); ++i) others.emplace_back(heapfloor::name("bench"));
  for (auto _ : state) {
    heapfloor::vector<int> one{heapfloor::name("bench")};
    benchmark::DoNotOptimize(one.data());
  }
}

using Numbers = std::vector<std::uint64_t>;

BENCHMARK_TEMPLATE(BM_MapFindInsertErase, Plain);
BENCHMARK_TEMPLATE(BM_MapFindInsertErase, Single);
BENCHMARK_TEMPLATE(BM_MapFindInsertErase, Shared);
BENCHMARK(BM_MapFindInsertErasePlainPmr);
BENCHMARK(BM_MapFindInsertErasePmr);
BENCHMARK_TEMPLATE(BM_VectorPushBack, Numbers);
BENCHMARK_TEMPLATE(BM_VectorPushBack, heapfloor::vector<std::uint64_t>);
BENCHMARK_TEMPLATE(BM_VectorPushBack, heapfloor::tracked<Numbers, heapfloor::shared>);
BENCHMARK(BM_VectorPushBackPmr);
BENCHMARK_TEMPLATE(BM_StringAppend, std::string);
BENCHMARK_TEMPLATE(BM_StringAppend, heapfloor::string);
BENCHMARK_TEMPLATE(BM_StringAppend, heapfloor::tracked<std::string, heapfloor::shared>);
BENCHMARK(BM_InstanceBeginEnd)->Arg(0)->Arg(10'000);

}  // namespace
