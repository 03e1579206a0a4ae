#include "agent/series/cgroup_table.h"

#include <algorithm>

#include "collectors/cgroup_metrics.h"

namespace heapfloor {
namespace {

constexpr std::size_t kShownIdDigits = 12;
constexpr std::string_view kAbove = "/../";
constexpr std::size_t kMostOutside = 4096;  // paths that are remembered

constexpr const MetricDesc* part(std::string_view label) {
  return cgroup_metric("heapfloor_cgroup_memory_component_bytes", label);
}

struct Field {
  const MetricDesc* desc;
  std::optional<double> CgroupEntry::*value;
};
constexpr std::array kFields = {
    Field{part("anon"), &CgroupEntry::own_anon_bytes},
    Field{part("file"), &CgroupEntry::own_file_bytes},
    Field{part("shmem"), &CgroupEntry::own_shmem_bytes},
    Field{part("slab_unreclaimable"), &CgroupEntry::own_slab_bytes},
    Field{cgroup_metric("heapfloor_cgroup_unreclaimable_memory_bytes"),
          &CgroupEntry::unreclaimable_bytes},
    Field{cgroup_metric("heapfloor_cgroup_memory_effective_limit_bytes"),
          &CgroupEntry::limit_bytes},
    Field{cgroup_metric("heapfloor_cgroup_processes"), &CgroupEntry::processes},
    Field{cgroup_metric("heapfloor_cgroup_memory_events_total", "oom_kill"),
          &CgroupEntry::oom_kills},
    Field{cgroup_metric("heapfloor_cgroup_memory_events_local_total", "oom_kill"),
          &CgroupEntry::local_oom_kills},
};

constexpr std::array kOwnShares = {&CgroupEntry::own_anon_bytes, &CgroupEntry::own_file_bytes,
                                   &CgroupEntry::own_shmem_bytes, &CgroupEntry::own_slab_bytes};

std::string short_name(std::string_view path, std::span<const CgroupWord> words) {
  const auto word = [words](Attribute wanted) {
    const auto found = std::ranges::find(words, wanted, &CgroupWord::attribute);
    return found == words.end() ? std::string_view() : std::string_view(found->text);
  };
  const std::string_view id = word(Attribute::container_id);
  if (!id.empty()) return std::string(id.substr(0, kShownIdDigits));
  const std::string_view last = path.substr(path.rfind('/') + 1);
  // A unit is what the cgroup is, and not only what it is in.
  if (const std::string_view unit = word(Attribute::unit); last.ends_with(unit) && !unit.empty())
    return std::string(unit);
  return last.empty() ? std::string(path) : std::string(last);
}

// Host memory limits everything, and is no limit of a cgroup.
std::optional<double> host_capacity(const SampleBatch& batch) {
  for (std::size_t index = 0; index < batch.entities(); ++index) {
    if (batch.entity(index).kind != EntityKind::host) continue;
    for (const SampleBatch::Sample& sample : batch.samples(index)) {
      if (sample.desc->name == "heapfloor_host_memory_capacity_bytes") return sample.value;
    }
  }
  return std::nullopt;
}

}  // namespace

std::string_view parent_path(std::string_view path) {
  if (path.size() <= 1) return {};
  const std::size_t slash = path.rfind('/');
  return slash == 0 ? path.substr(0, 1) : path.substr(0, slash);
}

std::string_view cgroup_label(Attribute attribute) {
  switch (attribute) {
    case Attribute::runtime:
      return "runtime";
    case Attribute::container_id:
      return "container_id";
    case Attribute::container:
      return "container";
    case Attribute::image:
      return "image";
    case Attribute::image_id:
      return "image_id";
    case Attribute::pod:
      return "pod";
    case Attribute::pod_uid:
      return "pod_uid";
    case Attribute::kubernetes_namespace:
      return "namespace";
    case Attribute::qos:
      return "qos";
    case Attribute::unit:
      return "unit";
    case Attribute::slice:
      return "slice";
    default:
      return {};
  }
}

CgroupTable::Known& CgroupTable::know(const SampleBatch& batch, std::size_t index) {
  const Entity entity = batch.entity(index);
  Known& known = known_[entity.cgroup_id];
  known.is_alive = true;
  const auto said = batch.descriptions(index);
  if (known.path == entity.name && said.empty()) return known;
  known.path = std::string(entity.name);
  if (!said.empty()) known.words.clear();
  for (const SampleBatch::Description& word : said) {
    if (!cgroup_label(word.attribute).empty())
      known.words.push_back({word.attribute, std::string(word.text)});
  }
  known.name = short_name(known.path, known.words);
  return known;
}

void CgroupTable::ingest(const SampleBatch& batch) {
  cgroups_.clear();
  by_path_.clear();
  for (auto& [id, known] : known_) known.is_alive = false;
  const std::optional<double> capacity = host_capacity(batch);
  for (std::size_t index = 0; index < batch.entities(); ++index) {
    if (batch.entity(index).kind != EntityKind::cgroup) continue;
    Known& known = know(batch, index);
    CgroupEntry& entry = cgroups_.emplace_back();
    entry.id = batch.entity(index).cgroup_id;
    entry.path = known.path;
    entry.name = known.name;
    entry.words = known.words;
    entry.batch_entity = static_cast<std::uint32_t>(index);
    entry.is_read = !batch.samples(index).empty();
    for (const SampleBatch::Sample& sample : batch.samples(index)) {
      const auto* const field = std::ranges::find(kFields, sample.desc, &Field::desc);
      if (field != kFields.end()) entry.*field->value = sample.value;
    }
    remember_kills(entry, known);
    if (capacity && entry.limit_bytes && *entry.limit_bytes >= *capacity) entry.limit_bytes.reset();
    by_path_.insert_or_assign(entry.path, cgroups_.size() - 1);
  }
  std::erase_if(known_, [](const auto& item) { return !item.second.is_alive; });
  subtract_children();
  measure_headroom();
}

// A count that seems to start anew would be taken for kills.
void CgroupTable::remember_kills(CgroupEntry& entry, Known& known) {
  if (entry.oom_kills) known.oom_kills = entry.oom_kills;
  if (entry.local_oom_kills) known.local_oom_kills = entry.local_oom_kills;
  entry.oom_kills = known.oom_kills;
  entry.local_oom_kills = known.local_oom_kills;
}

// Below 0 a share cannot be: the two figures were read one after the other.
void CgroupTable::subtract_children() {
  std::vector<std::array<std::optional<double>, kOwnShares.size()>> below(cgroups_.size());
  for (auto& shares : below) shares.fill(0);
  for (const CgroupEntry& entry : cgroups_) {
    const auto parent = by_path_.find(parent_path(entry.path));
    if (parent == by_path_.end()) continue;
    for (std::size_t share = 0; share < kOwnShares.size(); ++share) {
      std::optional<double>& sum = below[parent->second].at(share);
      const std::optional<double>& value = entry.*kOwnShares.at(share);
      sum = sum && value ? std::optional(*sum + *value) : std::nullopt;
    }
  }
  for (std::size_t index = 0; index < cgroups_.size(); ++index) {
    for (std::size_t share = 0; share < kOwnShares.size(); ++share) {
      std::optional<double>& value = cgroups_[index].*kOwnShares.at(share);
      const std::optional<double>& of_others = below[index].at(share);
      value = value && of_others ? std::optional(std::max(0.0, *value - *of_others)) : std::nullopt;
    }
  }
}

// What is above comes first, so it is measured. A limit of a cgroup above is part of limit_bytes:
// it need not be told from one of its own, since what is held above is no less.
void CgroupTable::measure_headroom() {
  for (CgroupEntry& entry : cgroups_) {
    if (!entry.limit_bytes || !entry.unreclaimable_bytes) continue;
    const double left = std::max(0.0, *entry.limit_bytes - *entry.unreclaimable_bytes);
    const CgroupEntry* const above = find(parent_path(entry.path));
    if (above == nullptr || above->headroom_bytes) {
      entry.headroom_bytes = above == nullptr ? left : std::min(left, *above->headroom_bytes);
    } else if (!above->limit_bytes && above->is_read) {
      entry.headroom_bytes = left;
    }
  }
}

// Where the namespace begins is not told; a container's name is enough to know it.
const CgroupEntry* CgroupTable::find_outside(std::string_view path) const {
  std::string_view rest = path;
  while (rest.starts_with(kAbove)) rest.remove_prefix(kAbove.size() - 1);
  const auto ends_so = [rest](const CgroupEntry& entry) { return entry.path.ends_with(rest); };
  const auto found = std::ranges::find_if(cgroups_, ends_so);
  if (found == cgroups_.end() || std::find_if(found + 1, cgroups_.end(), ends_so) != cgroups_.end())
    return nullptr;
  if (outside_.size() >= kMostOutside) outside_.clear();
  outside_.insert_or_assign(std::string(path), std::string(found->path));
  return &*found;
}

const CgroupEntry* CgroupTable::find(std::string_view path) const {
  if (path.starts_with(kAbove)) {
    const auto remembered = outside_.find(std::string(path));
    const auto entry =
        remembered == outside_.end() ? by_path_.end() : by_path_.find(remembered->second);
    return entry == by_path_.end() ? find_outside(path) : &cgroups_[entry->second];
  }
  const auto found = by_path_.find(path);
  return found == by_path_.end() ? nullptr : &cgroups_[found->second];
}

}  // namespace heapfloor
