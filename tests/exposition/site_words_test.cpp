#include "agent/exposition/site_words.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace heapfloor {
namespace {

KnownSite site(std::string function, std::string container, std::string file = {}) {
  KnownSite known;
  known.function = std::move(function);
  known.container = std::move(container);
  known.file = std::move(file);
  known.line = known.file.empty() ? 0 : 64;
  return known;
}

constexpr double kMiBAnHour = double{1 << 20} / 3600;

TEST(SiteWords, NameWhatGrowsWithItsShareAndItsPace) {
  const KnownSite map = site("main.put", "map", "/src/service.go");
  const KnownSite object = site("main.grow", "");
  const std::vector<GrowingSite> growing = {
      {&map, 10 * kMiBAnHour, 0.5}, {&object, 12 * kMiBAnHour, 0.3}, {&map, 5 * kMiBAnHour, 0.13}};
  EXPECT_EQ(say_growing_sites(growing, 35.5 * (1 << 20)),
            "63 % of the growth is a map that grows, filled by main.put (service.go:64): 15.0 "
            "MiB/h; 30 % is objects allocated by main.grow: 12.0 MiB/h. The runtime keeps 35.5 "
            "MiB free that it has not given back.");
}

TEST(SiteWords, WithoutAShareItIsAPart) {
  const KnownSite boxed = site("main.box", "interface");
  const std::vector<GrowingSite> growing = {{&boxed, kMiBAnHour, std::nullopt}};
  EXPECT_EQ(say_growing_sites(growing, std::nullopt),
            "A part of the growth is values boxed into interfaces by main.box: 1.0 MiB/h.");
}

TEST(SiteWords, FastGrowthIsToldInGibibytes) {
  const KnownSite boxed = site("main.box", "interface");
  const auto said = [&boxed](double bytes_per_second) {
    return say_growing_sites(std::vector<GrowingSite>{{&boxed, bytes_per_second, std::nullopt}},
                             std::nullopt);
  };
  EXPECT_TRUE(said(1023 * kMiBAnHour).ends_with(": 1023.0 MiB/h.")) << said(1023 * kMiBAnHour);
  EXPECT_TRUE(said(4608 * kMiBAnHour).ends_with(": 4.5 GiB/h.")) << said(4608 * kMiBAnHour);
}

TEST(SiteWords, AMapThatTheSameFunctionFillsMostLikelyHoldsWhatGrows) {
  const KnownSite slices = site("main.put", "slice");
  const KnownSite map = site("main.put", "map");
  const std::vector<GrowingSite> growing = {{&slices, 100 * kMiBAnHour, 0.97},
                                            {&map, kMiBAnHour, 0.01}};
  EXPECT_EQ(say_growing_sites(growing, std::nullopt),
            "97 % of the growth is slices made or appended to by main.put, which fills a map that "
            "grows: 100.0 MiB/h.");
}

TEST(SiteWords, SitesWithoutANameSayNothing) {
  const KnownSite nameless = site("", "map");
  const std::vector<GrowingSite> growing = {{&nameless, kMiBAnHour, 1.0}, {nullptr, 1, 1.0}};
  EXPECT_EQ(say_growing_sites(growing, 1e9), "");
  EXPECT_EQ(say_growing_sites({}, 1e9), "");
}

TEST(GoroutineWords, NameWhereTheyWaitForWhatAndWhoStartedThem) {
  GoroutineWaits waits;
  waits.goroutines = waits.seen = 12'412;
  waits.waits = {{{"main.consume", "/src/service.go", 33},
                  {"main.serve", "/src/service.go", 51},
                  "chan receive",
                  12'400},
                 {{"main.idle", "", 0}, {}, "sleep", 12}};
  EXPECT_EQ(say_goroutine_waits(waits),
            "12,400 of 12,412 goroutines wait in main.consume (service.go:33) for a channel "
            "receive, started at main.serve (service.go:51).");
  waits.waits[0].goroutines = 10'000;
  waits.waits[1].goroutines = 2'000;
  EXPECT_EQ(say_goroutine_waits(waits),
            "10,000 of 12,412 goroutines wait in main.consume (service.go:33) for a channel "
            "receive, started at main.serve (service.go:51); 2,000 sleep in main.idle.");
}

TEST(GoroutineWords, OfThoseThatWereChosenAtRandomTheySaySo) {
  GoroutineWaits waits;
  waits.goroutines = 1'000'000;
  waits.seen = 4'096;
  waits.waits = {{{"main.f", "", 0}, {}, "of some new kind", 999'000}};
  EXPECT_EQ(say_goroutine_waits(waits),
            "About 999,000 of 1,000,000 goroutines are in main.f (of some new kind), by 4,096 of "
            "them chosen at random.");
}

TEST(GoroutineWords, PlacesWithoutANameSayNothing) {
  GoroutineWaits waits;
  waits.goroutines = waits.seen = 100;
  waits.waits = {{{}, {}, "running", 100}};
  EXPECT_EQ(say_goroutine_waits(waits), "");
}

}  // namespace
}  // namespace heapfloor
