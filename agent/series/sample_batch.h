// SampleBatch: everything the collectors wrote in one tick, in the order they wrote it.
//
// Its memory is kept from tick to tick. Not thread-safe: the collection thread's own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/sample.h"

namespace heapfloor {

class SampleBatch final : public SampleSink {
 public:
  struct Sample {
    const MetricDesc* desc = nullptr;
    double value = 0;
  };

  void begin(const Entity& entity) override;
  void add(const MetricDesc& desc, double value) override;

  void clear();
  [[nodiscard]] std::size_t entities() const { return entities_.size(); }
  // Views are valid until the next begin() or clear().
  [[nodiscard]] Entity entity(std::size_t index) const;
  [[nodiscard]] std::span<const Sample> samples(std::size_t index) const;

 private:
  struct Record {
    ProcessId process;
    std::uint32_t name_begin = 0;
    std::uint32_t first_sample = 0;
    std::uint16_t name_length = 0;
    EntityKind kind = EntityKind::host;
  };
  std::vector<Record> entities_;
  std::vector<Sample> samples_;
  std::string names_;
};

}  // namespace heapfloor
