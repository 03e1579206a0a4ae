// CgroupTable: the cgroups of the last tick, what they are, and what the detector watches of them.
//
// A cgroup's figures hold those of the cgroups below it. So that a parent and its only child are
// not both watched for one leak, each is watched on its own share: its figure less those of the
// cgroups directly below it. The shares add up to the whole host, and memory that outlived the
// cgroup it was charged to (files in shared memory, dentries) is watched in the parent that the
// kernel gave it to. Not thread-safe: the collection thread's own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/series/sample_batch.h"
#include "collectors/sample.h"

namespace heapfloor {

// What a cgroup is, in words: the label and the text, of those that are known.
struct CgroupWord {
  Attribute attribute = Attribute::runtime;
  std::string text;
};

struct CgroupEntry {
  std::uint64_t id = 0;
  std::string_view path;  // into the table
  std::string_view name;  // unit, first digits of a container's id, or last part of the path
  std::span<const CgroupWord> words;
  std::uint32_t batch_entity = 0;
  bool is_read = false;  // else it is there, and nothing is known of it in this tick
  // Of this cgroup without those below it; nothing where that of one of them could not be read.
  std::optional<double> own_anon_bytes, own_file_bytes, own_shmem_bytes, own_slab_bytes;
  std::optional<double> unreclaimable_bytes;  // with those below it
  // The smallest limit of it and all above it; nothing where only the host's memory limits it.
  std::optional<double> limit_bytes;
  // What it can still take before it or one above it meets its limit with memory that cannot be
  // reclaimed; nothing without a limit, and where what is held of one could not be read.
  std::optional<double> headroom_bytes;
  std::optional<double> processes;
  // Since it was made; where they cannot be read, as they were: they only rise.
  std::optional<double> oom_kills, local_oom_kills;
};

class CgroupTable {
 public:
  // Takes over one tick.
  void ingest(const SampleBatch& batch);

  // In the order of the collector: what is above comes first.
  [[nodiscard]] std::span<const CgroupEntry> cgroups() const { return cgroups_; }
  // Null where there is none. A path as a process in a cgroup namespace reads it, of a cgroup
  // outside ("/../kubepods/pod7"; cgroup_namespaces(7)), is the one that ends so, if there is one
  // only. Not thread-safe, since such paths are remembered.
  [[nodiscard]] const CgroupEntry* find(std::string_view path) const;

 private:
  struct Known {
    std::string path;
    std::string name;
    std::vector<CgroupWord> words;
    std::optional<double> oom_kills, local_oom_kills;  // as they were read last
    bool is_alive = false;
  };

  Known& know(const SampleBatch& batch, std::size_t index);
  static void remember_kills(CgroupEntry& entry, Known& known);
  void subtract_children();
  void measure_headroom();
  [[nodiscard]] const CgroupEntry* find_outside(std::string_view path) const;

  std::unordered_map<std::uint64_t, Known> known_;  // by inode
  std::vector<CgroupEntry> cgroups_;
  std::unordered_map<std::string_view, std::size_t> by_path_;
  mutable std::unordered_map<std::string, std::string> outside_;  // as it was asked for, as it is
};

// The path of the cgroup that this one is in; empty for "/".
std::string_view parent_path(std::string_view path);

// "unit", "pod_uid": how the metrics call an attribute of a cgroup.
std::string_view cgroup_label(Attribute attribute);

}  // namespace heapfloor
