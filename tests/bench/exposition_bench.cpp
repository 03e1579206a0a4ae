// The agent's page writer against prometheus-cpp's Collect and Serialize, over one set of series.
#include <benchmark/benchmark.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "agent/exposition/page_cache.h"
#include "tests/bench/series_set.h"

namespace heapfloor::bench {
namespace {

void count(benchmark::State& state, std::size_t bytes) {
  const auto rounds = static_cast<std::int64_t>(state.iterations());
  state.SetItemsProcessed(rounds * state.range(0));
  state.SetBytesProcessed(rounds * static_cast<std::int64_t>(bytes));
}

SeriesSet set_of(const benchmark::State& state) {
  return make_series_set(static_cast<std::size_t>(state.range(0)));
}

void BM_OwnPage(benchmark::State& state) {
  const SeriesSet set = set_of(state);
  OwnPage page(set);
  std::size_t bytes = 0;
  for ([[maybe_unused]] auto round : state) bytes = page.render().size();
  count(state, bytes);
}

void BM_OwnPageWithNewEntities(benchmark::State& state) {
  const SeriesSet set = set_of(state);
  OwnPage page(set);
  std::size_t bytes = 0;
  for ([[maybe_unused]] auto round : state) {
    page.forget_labels();
    bytes = page.render().size();
  }
  count(state, bytes);
}

// The first page of an agent that has just started: no columns, no labels, no memory.
void BM_OwnFirstPage(benchmark::State& state) {
  const SeriesSet set = set_of(state);
  std::size_t bytes = 0;
  for ([[maybe_unused]] auto round : state) bytes = OwnPage(set).render().size();
  count(state, bytes);
}

void BM_OwnPageAndGzip(benchmark::State& state) {
  const SeriesSet set = set_of(state);
  OwnPage page(set);
  std::size_t bytes = 0;
  for ([[maybe_unused]] auto round : state) bytes = gzip_compress(page.render()).size();
  count(state, bytes);
}

void BM_PrometheusCpp(benchmark::State& state) {
  const SeriesSet set = set_of(state);
  prometheus::Registry registry;
  for (std::size_t i = 0; i < kFamilies; ++i) {
    auto& family = prometheus::BuildGauge()
                       .Name(set.names[i])
                       .Help(std::string(set.descs[i].help))
                       .Register(registry);
    for (const SeriesEntity& entity : set.entities) {
      family
          .Add({{"cgroup", entity.cgroup},
                {"comm", entity.comm},
                {"pid", entity.pid},
                {"user", entity.user}})
          .Set(entity.values[i]);
    }
  }
  const prometheus::TextSerializer serializer;
  std::size_t bytes = 0;
  for ([[maybe_unused]] auto round : state) bytes = serializer.Serialize(registry.Collect()).size();
  count(state, bytes);
}

BENCHMARK(BM_OwnPage)->Arg(1000)->Arg(10'000)->Arg(100'000);
BENCHMARK(BM_OwnFirstPage)->Arg(10'000)->Arg(100'000);
BENCHMARK(BM_OwnPageWithNewEntities)->Arg(10'000);
BENCHMARK(BM_OwnPageAndGzip)->Arg(10'000);
BENCHMARK(BM_PrometheusCpp)->Arg(1000)->Arg(10'000)->Arg(100'000);

}  // namespace
}  // namespace heapfloor::bench
