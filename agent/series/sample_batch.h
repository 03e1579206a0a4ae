// SampleBatch: everything the collectors wrote in one tick, in the order they wrote it.
//
// Its memory is kept from tick to tick, but for what a burst took, such as the first tick, which
// describes every process. Not thread-safe: the collection thread's own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
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
  void describe(Attribute attribute, std::string_view text) override;

  void clear();
  // Bytes that it holds from the system, used or not.
  [[nodiscard]] std::size_t held_bytes() const;
  [[nodiscard]] std::size_t entities() const { return entities_.size(); }
  // Views are valid until the next begin() or clear().
  [[nodiscard]] Entity entity(std::size_t index) const;
  [[nodiscard]] std::span<const Sample> samples(std::size_t index) const;
  // The value of one metric among them.
  [[nodiscard]] std::optional<double> value(std::size_t index, const MetricDesc& desc) const;
  struct Description {
    Attribute attribute = Attribute::executable;
    std::string_view text;
  };
  // What was said of the entity in this tick; nearly always nothing.
  [[nodiscard]] std::vector<Description> descriptions(std::size_t index) const;

 private:
  struct Record {
    ProcessId process;
    std::uint32_t name_begin = 0;
    std::uint32_t first_sample = 0;
    std::uint64_t cgroup_id = 0;
    std::uint16_t name_length = 0;
    EntityKind kind = EntityKind::host;
  };
  std::vector<Record> entities_;
  std::vector<Sample> samples_;
  struct DescriptionRecord {
    std::uint32_t entity = 0;
    std::uint32_t text_begin = 0;
    std::uint32_t text_length = 0;
    Attribute attribute = Attribute::executable;
  };
  std::vector<DescriptionRecord> descriptions_;  // ascending by entity
  std::string names_;                            // and the texts of descriptions
  std::uint32_t roomy_ticks_ = 0;  // in a row in which much of the memory was not needed
};

}  // namespace heapfloor
