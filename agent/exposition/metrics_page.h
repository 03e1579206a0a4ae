// MetricsPage: a Snapshot as a Prometheus or OpenMetrics page.
//
// What a page holds is the contract of the metric table (metric_families.h). What the snapshot does
// not know is left out; counters of known label sets are there from the start with 0.
// Thread rule: one thread at a time (PageCache sees to it).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/exposition/metric_families.h"
#include "agent/exposition/page_writer.h"
#include "agent/exposition/snapshot.h"

namespace prometheus {
class Collectable;
}

namespace heapfloor {

class MetricsPage {
 public:
  // `families` and everything in `extra` outlive the page. The counters and gauges of `extra` are
  // collected at each rendering and merged into the page.
  explicit MetricsPage(const MetricFamilies& families,
                       std::vector<const prometheus::Collectable*> extra = {});
  MetricsPage(const MetricsPage&) = delete;
  MetricsPage& operator=(const MetricsPage&) = delete;
  ~MetricsPage();

  // Equal snapshots and filters give equal bytes, apart from what `extra` counts. `room` is a page
  // that nobody needs any more: its memory is used.
  [[nodiscard]] std::string render(const Snapshot& snapshot, ExpositionFormat format,
                                   const PageFilter& filter = {}, std::string room = {});

  // Samples that were left out because their family is not in the table; 0 unless the program is
  // wrong.
  [[nodiscard]] std::uint64_t unlisted_samples() const;

  // Entities whose escaped labels are kept for the next page: those of the last one.
  [[nodiscard]] std::size_t cached_entities() const;

 private:
  class Renderer;
  std::unique_ptr<Renderer> renderer_;
};

}  // namespace heapfloor
