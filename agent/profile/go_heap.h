// The allocation sites of Go programs: from their runtime to profiles, and in words.
//
// Names of Go functions: "main.(*Cache).Put", "net/http.(*conn).serve". Thread rule: pure
// functions but for read_go_heap().
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/profile/heap_sites.h"
#include "collectors/host_root.h"
#include "collectors/parse/memory_map.h"
#include "collectors/result.h"
#include "collectors/runtime/go_sites.h"
#include "collectors/runtime/go_target.h"

namespace heapfloor {

HeapSites heap_sites_of(GoSites sites);

// Whether the function is the runtime's own: what a heap profile of Go leaves out at the leaf.
bool is_go_runtime_function(std::string_view function);
// Whether it is one of Go's own library, the runtime included.
bool is_go_library_function(std::string_view function);

// What an allocation was for, by the runtime's functions at the leaf of its stack: "map", "slice",
// "interface" (a value that is boxed), "string", "channel", "goroutine", "sync.Map"; nothing where
// the program asked for an object itself.
std::optional<std::string_view> go_container_of(std::span<const std::string_view> functions);

struct GoReadout {
  ProcessId id;
  HeapSites heap;
  std::vector<CodeMapping> mappings;
};

// The lines of /proc/PID/maps of mappings that can be executed, raw; empty where they cannot be
// read.
std::string code_maps_of(const HostRoot& root, std::int32_t pid);

// Reads the process directly, without what a running agent knows of it. Nothing where it runs no
// Go; the error says why its sites cannot be read. Thread rule: any thread.
Result<std::optional<GoReadout>> read_go_heap(const HostRoot& root, std::int32_t pid);

// Why a Go program cannot be read, in words for who asked for its profile.
std::string_view say_go_refusal(GoRefusal refusal);

}  // namespace heapfloor
