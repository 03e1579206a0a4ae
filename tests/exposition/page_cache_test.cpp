#include "agent/exposition/page_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "tests/exposition/rich_snapshot.h"

namespace heapfloor {
namespace {

std::string gunzip(const std::string& compressed) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  std::string input = compressed;
  std::string out(std::size_t{16} * 1024 * 1024, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(input.data());  // NOLINT: zlib reads bytes
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());  // NOLINT: zlib writes bytes
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

std::shared_ptr<const Snapshot> snapshot_at(double time_seconds) {
  Snapshot snapshot = rich::snapshot();
  snapshot.evaluations = static_cast<std::uint64_t>(time_seconds);
  return std::make_shared<const Snapshot>(std::move(snapshot));
}

class PageCacheTest : public ::testing::Test {
 protected:
  MetricFamilies families_{rich::kCollectors};
  SelfMetrics self_{rich::kBuild};
  PageCache cache_{families_, self_};
};

TEST_F(PageCacheTest, HasNothingBeforeTheFirstSnapshot) {
  EXPECT_EQ(cache_.snapshot(), nullptr);
  EXPECT_EQ(cache_.page(ExpositionFormat::text, ContentEncoding::gzip), nullptr);
}

TEST_F(PageCacheTest, SharesOnePageOfEachFormAmongAllScrapesOfATick) {
  cache_.publish(snapshot_at(1));
  std::set<const std::string*> bodies;
  for (const ExpositionFormat format : {ExpositionFormat::text, ExpositionFormat::openmetrics}) {
    for (const ContentEncoding encoding : {ContentEncoding::identity, ContentEncoding::gzip}) {
      const PageCache::Body body = cache_.page(format, encoding);
      self_.request_started();
      EXPECT_EQ(cache_.page(format, encoding), body);
      bodies.insert(body.get());
    }
  }
  EXPECT_EQ(bodies.size(), 4U);
}

TEST_F(PageCacheTest, GzipHoldsTheSameBytes) {
  cache_.publish(snapshot_at(1));
  const PageCache::Body gzip = cache_.page(ExpositionFormat::text, ContentEncoding::gzip);
  const PageCache::Body plain = cache_.page(ExpositionFormat::text, ContentEncoding::identity);
  EXPECT_EQ(gunzip(*gzip), *plain);
  EXPECT_LT(gzip->size(), plain->size() / 2);
  EXPECT_EQ(gunzip(gzip_compress("")), "");
}

TEST_F(PageCacheTest, WritesOverAPageThatNobodyReads) {
  cache_.publish(snapshot_at(1));
  const std::string* const first =
      cache_.page(ExpositionFormat::text, ContentEncoding::identity).get();
  const char* const memory = first->data();
  cache_.publish(snapshot_at(2));
  const PageCache::Body read = cache_.page(ExpositionFormat::text, ContentEncoding::identity);
  EXPECT_EQ(read->data(), memory);
  const std::string copy(read->begin(), read->end());
  cache_.publish(snapshot_at(3));
  const PageCache::Body later = cache_.page(ExpositionFormat::text, ContentEncoding::identity);
  EXPECT_NE(later->data(), memory) << "a scrape still sends it";
  EXPECT_EQ(*read, copy);
}

TEST_F(PageCacheTest, APageMayOutliveTheCache) {
  PageCache::Body body;
  {
    PageCache cache(families_, self_);
    cache.publish(snapshot_at(1));
    body = cache.page(ExpositionFormat::text, ContentEncoding::identity);
  }
  EXPECT_THAT(*body, ::testing::HasSubstr("heapfloor_trend_evaluations_total 1\n"));
}

TEST_F(PageCacheTest, ANewSnapshotMakesNewPages) {
  cache_.publish(snapshot_at(1));
  const PageCache::Body first = cache_.page(ExpositionFormat::text, ContentEncoding::identity);
  cache_.publish(snapshot_at(2));
  const PageCache::Body second = cache_.page(ExpositionFormat::text, ContentEncoding::identity);
  EXPECT_THAT(*first, ::testing::HasSubstr("heapfloor_trend_evaluations_total 1\n"));
  EXPECT_THAT(*second, ::testing::HasSubstr("heapfloor_trend_evaluations_total 2\n"));
}

TEST_F(PageCacheTest, AFilteredPageIsMadeForItsScrapeOnly) {
  const PageFilter host = {.collect = {"host"}, .exclude = {}};
  constexpr auto kText = ExpositionFormat::text;
  EXPECT_EQ(cache_.filtered_page(kText, ContentEncoding::identity, host), nullptr);
  cache_.publish(snapshot_at(1));
  const PageCache::Body filtered = cache_.filtered_page(kText, ContentEncoding::identity, host);
  const PageCache::Body page = cache_.page(kText, ContentEncoding::identity);
  EXPECT_THAT(*filtered, ::testing::StartsWith("# HELP heapfloor_host_memory_capacity_bytes"));
  EXPECT_THAT(*page, ::testing::HasSubstr(*filtered)) << "families of the host stand together";
  EXPECT_THAT(*page, ::testing::Not(::testing::HasSubstr("heapfloor_exposition_size_bytes")))
      << "only whole pages are measured";
  EXPECT_EQ(gunzip(*cache_.filtered_page(kText, ContentEncoding::gzip, host)), *filtered);
  EXPECT_EQ(cache_.filtered_page(kText, ContentEncoding::identity, {}), page);
}

TEST_F(PageCacheTest, CountsItsPages) {
  cache_.publish(snapshot_at(1));
  const PageCache::Body first = cache_.page(ExpositionFormat::text, ContentEncoding::identity);
  cache_.publish(snapshot_at(2));
  const PageCache::Body second = cache_.page(ExpositionFormat::text, ContentEncoding::identity);
  EXPECT_THAT(*second, ::testing::HasSubstr("heapfloor_exposition_size_bytes{format=\"text\"} " +
                                            std::to_string(first->size()) + "\n"));
}

TEST_F(PageCacheTest, ScrapesWhilePublishingSeeWholePages) {
  cache_.publish(snapshot_at(1));
  std::atomic<bool> stop = false;
  std::vector<std::thread> scrapers;
  std::vector<std::size_t> scrapes(4);
  for (std::size_t i = 0; i < scrapes.size(); ++i) {
    scrapers.emplace_back([this, i, &stop, &scrapes] {
      while (!stop) {
        const auto encoding = i % 2 == 0 ? ContentEncoding::identity : ContentEncoding::gzip;
        const PageCache::Body body = cache_.page(ExpositionFormat::openmetrics, encoding);
        const std::string page = i % 2 == 0 ? *body : gunzip(*body);
        EXPECT_TRUE(page.ends_with("# EOF\n"));
        self_.request_started();
        self_.request_finished("metrics", 200);
        ++scrapes[i];
      }
    });
  }
  for (int tick = 2; tick < 50; ++tick) {
    cache_.publish(snapshot_at(tick));
    std::ignore = cache_.page(ExpositionFormat::text, ContentEncoding::identity);
  }
  stop = true;
  for (std::thread& scraper : scrapers) scraper.join();
  const PageCache::Body last = cache_.page(ExpositionFormat::text, ContentEncoding::identity);
  EXPECT_THAT(*last, ::testing::HasSubstr("heapfloor_trend_evaluations_total 49\n"));
}

TEST_F(PageCacheTest, ScrapesThatArriveTogetherShareOneRendering) {
  cache_.publish(snapshot_at(1));
  std::vector<PageCache::Body> bodies(8);
  std::vector<std::thread> scrapers;
  for (PageCache::Body& body : bodies) {
    scrapers.emplace_back(
        [this, &body] { body = cache_.page(ExpositionFormat::text, ContentEncoding::gzip); });
  }
  for (std::thread& scraper : scrapers) scraper.join();
  EXPECT_THAT(bodies, ::testing::Each(bodies.front()));
}

}  // namespace
}  // namespace heapfloor
