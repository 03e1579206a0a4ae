// Where a HotSpot JVM keeps its performance counters, by the table of its own structures that its
// library exports for debuggers (gHotSpotVMStructs).
//
// Source: src/hotspot/share/runtime/vmStructs.hpp of OpenJDK; the layout of an entry is told by
// further exported variables. It names the places of PerfMemory::_start and _capacity, wherever the
// counters are: a file that is mapped, or plain memory (-XX:+PerfDisableSharedMem); and what no
// counter tells in time. The memory is the JVM's own and trusted in nothing: each number is
// checked, and how much is read is bounded.
// Thread rule: pure functions of what the source says.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "collectors/parse/byte_source.h"
#include "collectors/result.h"

namespace heapfloor {

enum class VmStructsSymbol : std::uint8_t {
  table,  // holds the address of the first entry
  stride,
  type_name,  // offsets in an entry, each as 8 bytes
  field_name,
  is_static,
  offset,
  address,
};
inline constexpr std::array<std::string_view, 7> kVmStructsSymbols = {
    "gHotSpotVMStructs",
    "gHotSpotVMStructEntryArrayStride",
    "gHotSpotVMStructEntryTypeNameOffset",
    "gHotSpotVMStructEntryFieldNameOffset",
    "gHotSpotVMStructEntryIsStaticOffset",
    "gHotSpotVMStructEntryOffsetOffset",
    "gHotSpotVMStructEntryAddressOffset",
};
// Where they are in the memory that is read.
using VmStructsAddresses = std::array<std::uint64_t, kVmStructsSymbols.size()>;

struct VmStructsBounds {
  static constexpr std::uint64_t kLeastStride = 32, kMostStride = 256;
  static constexpr std::size_t kMostEntries = 16384;  // OpenJDK 17 has 788
  static constexpr std::size_t kMostNames = 2048;     // of types, that are looked at
  static constexpr std::uint64_t kMostOffset = std::uint64_t{1} << 20;  // of a field
};

// A field of one of its structures.
struct VmField {
  std::string_view type, name;  // at most 31 bytes each
  bool is_static = false;
};

// Of each wanted field its address where it is static, else its offset in the structure; nothing
// where the table does not name it. `memory` is the whole of the process's, by address. `malformed`
// where no such table is there.
[[nodiscard]] Result<std::vector<std::optional<std::uint64_t>>> find_vm_fields(
    const ByteSource& memory, const VmStructsAddresses& symbols, std::span<const VmField> wanted);

// Bytes of a JVM's memory.
struct PerfMemory {
  std::uint64_t begin = 0;
  std::uint64_t size = 0;
  friend bool operator==(const PerfMemory&, const PerfMemory&) = default;
};

// Nothing where the JVM has no counters: it runs with -XX:-UsePerfData, or has not made them yet.
// `malformed` where what the table leads to can be no counters, too.
[[nodiscard]] Result<std::optional<PerfMemory>> find_perf_memory(const ByteSource& memory,
                                                                 const VmStructsAddresses& symbols);

// Where ZGC counts the bytes of the pages that its heap uses (ZPageAllocator::_used): behind the
// address that is kept at `heap_pointer` (0 until there is a heap), so far on.
struct ZHeapPlace {
  std::uint64_t heap_pointer = 0;
  std::uint64_t offset = 0;
  friend bool operator==(const ZHeapPlace&, const ZHeapPlace&) = default;
};

// Nothing where the table does not say: of another version, or built without ZGC.
[[nodiscard]] std::optional<ZHeapPlace> find_z_heap(const ByteSource& memory,
                                                    const VmStructsAddresses& symbols);

}  // namespace heapfloor
