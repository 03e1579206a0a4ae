// From sampled sites to a profile that pprof opens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "agent/profile/code_files.h"
#include "agent/profile/container_type.h"
#include "agent/profile/heap_sites.h"
#include "agent/profile/profile.h"
#include "agent/profile/symboliser.h"
#include "collectors/parse/memory_map.h"

namespace heapfloor {

enum class HeapView : std::uint8_t {
  heap,    // what lives: inuse_space is shown first
  allocs,  // what was allocated since the start: alloc_space is
};

struct HeapProfileOptions {
  HeapView view = HeapView::heap;
  double time_unix_seconds = 0;
  double duration_seconds = 0;  // of a difference
  // Lines and inlined functions are looked up for so many addresses of the largest sites.
  std::size_t most_lines = 1024;
};

// Each site as one sample with the labels structure, phase, container and element, where they are
// known; the largest first. Sites without any amount are left out: the profile of a target that has
// not been sampled has no samples. Thread rule: any thread; may fork, see child_task.h.
Profile heap_profile(const HeapSites& heap, const std::vector<CodeMapping>& mappings,
                     const CodeFiles& files, Symboliser& symboliser,
                     const HeapProfileOptions& options);

// The functions of a sample, leaf first, inlined ones included, as they are shown.
std::vector<std::string_view> functions_of(const Profile& profile, const ProfileSample& sample);

}  // namespace heapfloor
