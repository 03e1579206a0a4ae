#include "agent/series/sample_batch.h"

#include <algorithm>
#include <limits>

namespace heapfloor {
namespace {

constexpr std::uint32_t kRoomyTicks = 8;
constexpr std::size_t kLeastWaste = 65536;  // bytes

bool is_roomy(const auto& container) {
  const std::size_t waste = container.capacity() - container.size();
  return waste * sizeof(*container.data()) > kLeastWaste && waste > container.size() / 4;
}

// Empty, with room for what was in it and a little more.
void give_back(auto& container) {
  if (!is_roomy(container)) return;
  const std::size_t room = container.size() + container.size() / 16;
  container = {};
  container.shrink_to_fit();
  container.reserve(room);
}

}  // namespace

void SampleBatch::begin(const Entity& entity) {
  const std::string_view name = entity.name.substr(0, std::numeric_limits<std::uint16_t>::max());
  entities_.push_back({entity.process, static_cast<std::uint32_t>(names_.size()),
                       static_cast<std::uint32_t>(samples_.size()), entity.cgroup_id,
                       static_cast<std::uint16_t>(name.size()), entity.kind});
  names_ += name;
}

void SampleBatch::add(const MetricDesc& desc, double value) { samples_.push_back({&desc, value}); }

void SampleBatch::describe(Attribute attribute, std::string_view text) {
  if (entities_.empty()) return;
  descriptions_.push_back({static_cast<std::uint32_t>(entities_.size() - 1),
                           static_cast<std::uint32_t>(names_.size()),
                           static_cast<std::uint32_t>(text.size()), attribute});
  names_ += text;
}

void SampleBatch::clear() {
  const bool is_any_roomy =
      is_roomy(descriptions_) || is_roomy(entities_) || is_roomy(samples_) || is_roomy(names_);
  roomy_ticks_ = is_any_roomy ? roomy_ticks_ + 1 : 0;
  if (roomy_ticks_ == kRoomyTicks) {
    roomy_ticks_ = 0;
    give_back(descriptions_);
    give_back(entities_);
    give_back(samples_);
    give_back(names_);
  }
  descriptions_.clear();
  entities_.clear();
  samples_.clear();
  names_.clear();
}

std::size_t SampleBatch::held_bytes() const {
  return descriptions_.capacity() * sizeof(DescriptionRecord) +
         entities_.capacity() * sizeof(Record) + samples_.capacity() * sizeof(Sample) +
         names_.capacity();
}

Entity SampleBatch::entity(std::size_t index) const {
  const Record& record = entities_.at(index);
  return {record.kind, record.process,
          std::string_view(names_).substr(record.name_begin, record.name_length), record.cgroup_id};
}

std::optional<double> SampleBatch::value(std::size_t index, const MetricDesc& desc) const {
  for (const Sample& sample : samples(index)) {
    if (sample.desc == &desc) return sample.value;
  }
  return std::nullopt;
}

std::vector<SampleBatch::Description> SampleBatch::descriptions(std::size_t index) const {
  std::vector<Description> found;
  auto next = std::ranges::lower_bound(descriptions_, index, {}, &DescriptionRecord::entity);
  for (; next != descriptions_.end() && next->entity == index; ++next) {
    found.push_back(
        {next->attribute, std::string_view(names_).substr(next->text_begin, next->text_length)});
  }
  return found;
}

std::span<const SampleBatch::Sample> SampleBatch::samples(std::size_t index) const {
  const std::size_t first = entities_.at(index).first_sample;
  const std::size_t last =
      index + 1 < entities_.size() ? entities_[index + 1].first_sample : samples_.size();
  return std::span(samples_).subspan(first, last - first);
}

}  // namespace heapfloor
