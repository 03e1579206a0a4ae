// PageCache: the newest snapshot and the pages made from it.
//
// A page is rendered at most once for each snapshot and format, by the first scrape that asks; all
// other scrapes share the bytes. Whoever asks while it is being rendered waits for that one page.
// A page that the last scrape is done with gives its memory to the next one.
// The agent's own HTTP counters on a page are as of its rendering. Filtered pages are not shared.
// Thread rule: any thread may call any member; publish() never waits for a rendering.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "agent/exposition/metrics_page.h"
#include "agent/exposition/page_filter.h"
#include "agent/exposition/page_writer.h"
#include "agent/exposition/self_metrics.h"
#include "agent/exposition/snapshot.h"

namespace heapfloor {

enum class ContentEncoding : std::uint8_t { identity, gzip };
inline constexpr std::size_t kContentEncodings = 2;

class PageCache {
 public:
  using Body = std::shared_ptr<const std::string>;

  // `families` and `self` outlive the cache; the page includes what `self` counts.
  PageCache(const MetricFamilies& families, SelfMetrics& self);

  // Replaces the snapshot and forgets the pages of the one before. Not null.
  void publish(std::shared_ptr<const Snapshot> snapshot);

  // The newest snapshot; null before the first publish().
  [[nodiscard]] std::shared_ptr<const Snapshot> snapshot() const;

  // The table of what a page may hold.
  [[nodiscard]] const MetricFamilies& families() const { return families_; }

  // The page of the newest snapshot; null before the first publish(). A scrape that waited may get
  // a page that is one snapshot old.
  [[nodiscard]] Body page(ExpositionFormat format, ContentEncoding encoding);

  // The part of the page of the newest snapshot that `filter` shows; null before the first
  // publish(). Unless it is the whole page it is rendered for this call and not kept.
  [[nodiscard]] Body filtered_page(ExpositionFormat format, ContentEncoding encoding,
                                   const PageFilter& filter);

 private:
  using Bodies = std::array<std::array<Body, kContentEncodings>, kExpositionFormats>;

  // The memory of one page that nobody reads any more.
  class Room {
   public:
    void give(std::string page) noexcept;
    [[nodiscard]] std::string take() noexcept;

   private:
    std::mutex mutex_;
    std::string page_;
  };

  // The text as a body whose last reader gives its memory to room_.
  [[nodiscard]] Body body_of(std::string text) const;
  Body& slot(Bodies& bodies, ExpositionFormat format, ContentEncoding encoding) const;
  [[nodiscard]] Body cached(ExpositionFormat format, ContentEncoding encoding);
  void keep(const std::shared_ptr<const Snapshot>& of, ExpositionFormat format,
            ContentEncoding encoding, Body body);

  const MetricFamilies& families_;
  SelfMetrics& self_;
  std::shared_ptr<Room> room_ = std::make_shared<Room>();  // outlived by bodies that are read
  std::mutex render_mutex_;                                // taken before mutex_
  MetricsPage page_;                                       // under render_mutex_
  mutable std::mutex mutex_;
  std::shared_ptr<const Snapshot> snapshot_;  // under mutex_
  Bodies bodies_;                             // under mutex_, of snapshot_
};

// gzip (RFC 1952) at level 1: pages are large, alike and read once.
std::string gzip_compress(const std::string& text);

}  // namespace heapfloor
