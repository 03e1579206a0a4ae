// The series that the serialisers are compared on: families of one gauge an entity, four labels
// each, whole byte values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "agent/exposition/label_cache.h"
#include "agent/exposition/metric_families.h"
#include "agent/exposition/page_writer.h"
#include "collectors/collector.h"

namespace heapfloor::bench {

inline constexpr std::size_t kFamilies = 10;

struct SeriesEntity {
  std::string cgroup, comm, pid, user;
  std::array<double, kFamilies> values;
};

struct SeriesSet {
  std::deque<std::string> names;  // of the families; the descriptors point into them
  std::vector<MetricDesc> descs;
  std::vector<SeriesEntity> entities;
};

inline SeriesSet make_series_set(std::size_t series) {
  constexpr std::array<const char*, 6> kComms = {"postgres", "nginx",        "java",
                                                 "node",     "redis-server", "envoy"};
  constexpr std::array<const char*, 3> kUsers = {"root", "www-data", "app"};
  constexpr std::uint64_t kMostPages = 1ULL << 24U;
  SeriesSet set;
  for (std::size_t i = 0; i < kFamilies; ++i) {
    set.names.push_back("bench_memory_kind" + std::to_string(i) + "_bytes");
    set.descs.push_back({.name = set.names.back(), .help = "Memory of a process."});
  }
  std::mt19937_64 random(1);  // NOLINT(cert-msc32-c,cert-msc51-cpp): equal sets for all
  for (std::size_t i = 0; i < series / kFamilies; ++i) {
    std::array<char, 64> cgroup{};
    std::snprintf(cgroup.data(), cgroup.size(), "/system.slice/app-%04zu.service", i % 500);
    SeriesEntity entity{cgroup.data(),
                        kComms.at(i % kComms.size()),
                        std::to_string(1000 + i),
                        kUsers.at(i % kUsers.size()),
                        {}};
    for (double& value : entity.values) value = static_cast<double>(random() % kMostPages * 4096);
    set.entities.push_back(std::move(entity));
  }
  return set;
}

// The agent's way from values to bytes, as MetricsPage uses it.
class OwnPage {
 public:
  explicit OwnPage(const SeriesSet& set) : set_(set) {
    for (const MetricDesc& desc : set.descs) {
      columns_.push_back(writer_.column(families_.find(desc.name).value(), {}, {}, true));
    }
  }

  // The page; valid until the next one, which is written over it as PageCache does.
  const std::string& render() {
    writer_.clear();
    for (const SeriesEntity& entity : set_.entities) {
      const std::string_view body = labels_.body({{"cgroup", entity.cgroup},
                                                  {"comm", entity.comm},
                                                  {"pid", entity.pid},
                                                  {"user", entity.user}});
      for (std::size_t i = 0; i < kFamilies; ++i) writer_.add(columns_[i], body, entity.values[i]);
    }
    page_ = writer_.write(ExpositionFormat::text, {}, std::move(page_));
    labels_.end_page();
    return page_;
  }

  void forget_labels() {
    labels_.end_page();
    labels_.end_page();
  }

 private:
  const SeriesSet& set_;
  CollectorEntry entry_{.name = "bench", .summary = "", .metrics = set_.descs};
  std::array<const CollectorEntry*, 1> collectors_ = {&entry_};
  MetricFamilies families_{collectors_};
  PageWriter writer_{families_};
  std::vector<PageWriter::Column> columns_;
  LabelCache labels_;
  std::string page_;
};

}  // namespace heapfloor::bench
