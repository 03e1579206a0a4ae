// A sink that remembers what a collector said, and answers questions about it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collectors/sample.h"

namespace heapfloor::testing {

struct RecordedEntity {
  EntityKind kind = EntityKind::host;
  ProcessId process;
  std::string name;
  struct Value {
    const MetricDesc* desc;
    double value;
  };
  std::vector<Value> values;
  std::uint64_t cgroup_id = 0;
  std::vector<std::pair<Attribute, std::string>> attributes;

  // What was said in this tick of one attribute; nothing when it was not said.
  [[nodiscard]] std::optional<std::string> attribute(Attribute wanted) const {
    for (const auto& [attribute, text] : attributes) {
      if (attribute == wanted) return text;
    }
    return std::nullopt;
  }

  // The value of one metric; nothing when the collector did not say.
  [[nodiscard]] std::optional<double> value(std::string_view metric,
                                            std::string_view label = {}) const {
    for (const Value& entry : values) {
      if (entry.desc->name == metric && entry.desc->label_value == label) return entry.value;
    }
    return std::nullopt;
  }
  [[nodiscard]] std::optional<double> value(const MetricDesc& desc) const {
    for (const Value& entry : values) {
      if (entry.desc == &desc) return entry.value;
    }
    return std::nullopt;
  }
};

class RecordingSink final : public SampleSink {
 public:
  void begin(const Entity& entity) override {
    entities.push_back(
        {entity.kind, entity.process, std::string(entity.name), {}, entity.cgroup_id, {}});
  }
  void add(const MetricDesc& desc, double value) override {
    entities.back().values.push_back({&desc, value});
  }
  void describe(Attribute attribute, std::string_view text) override {
    entities.back().attributes.emplace_back(attribute, std::string(text));
  }

  // The entity of a pid; null when there is none.
  [[nodiscard]] const RecordedEntity* process(std::int32_t pid) const {
    for (const RecordedEntity& entity : entities) {
      if (entity.kind == EntityKind::process && entity.process.pid == pid) return &entity;
    }
    return nullptr;
  }

  std::vector<RecordedEntity> entities;
};

}  // namespace heapfloor::testing
