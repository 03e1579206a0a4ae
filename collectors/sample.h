// What a collector produces: samples (a metric, an entity, a number). No time, no rate, no output
// format.
//
// A missing value is a missing sample, never 0, -1 or NaN. Byte counts are exact up to 2^53.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace heapfloor {

// Identity of a process for as long as the machine is up: pids are reused, (pid, start time) is
// not.
struct ProcessId {
  std::int32_t pid = 0;
  std::uint64_t start_ticks = 0;  // field 22 of /proc/PID/stat, clock ticks since boot
  friend bool operator==(const ProcessId&, const ProcessId&) = default;
  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 takes the defaulted <=> for a null pointer
  friend auto operator<=>(const ProcessId&, const ProcessId&) = default;
};

enum class MetricType : std::uint8_t { gauge, counter };

// How the values of the processes of one group make the group's value.
enum class GroupRule : std::uint8_t {
  none,
  sum,
  maximum,
  minimum,
  // The sum once every process of the group that has memory has a value; until then nothing, since
  // half a sum would pass for a whole one.
  complete_sum,
  // The sum over those that have a value, times resident memory of all over resident memory of
  // those.
  resident_scaled_sum,
};

// One metric of a collector, as constant data. Several descriptors with the same `name` and
// different `label_value` are the samples of one family; kinds inside one family are disjoint.
struct MetricDesc {
  std::string_view name;  // the whole family name, unit last: heapfloor_host_swap_capacity_bytes
  std::string_view help;  // one line that names the kernel's field
  MetricType type = MetricType::gauge;
  std::string_view label_name = {};        // "kind", "component"; empty where there is none
  std::string_view label_value = {};       // "anon"
  GroupRule group_rule = GroupRule::none;  // process metrics: how groups aggregate it
  std::string_view group_name = {};        // the group family: heapfloor_group_swap_bytes
  bool is_since_boot = false;  // the value is seconds since boot; readers see it as Unix time
};

// What a probe tells of stands beside its process: the allocator and its arenas, each structure,
// and each of the largest sites. So do a JVM's collector and the pools of its memory, and the
// runtime of a Go program.
enum class EntityKind : std::uint8_t {
  host,
  process,
  agent,
  cgroup,
  allocator,
  structure,
  site,
  arena,
  jvm,
  jvm_pool,
  go,
  external,  // a series of another server's; no collector writes it
};

inline constexpr std::size_t kEntityKinds = 12;

// What the following samples are about. Two processes that reuse a pid have equal names and
// different ids.
struct Entity {
  EntityKind kind = EntityKind::host;
  ProcessId process = {};  // all kinds but host, agent and cgroup
  // Kind process: comm, raw bytes as the target wrote them (hostile). Kind cgroup: its path below
  // the mount point, "/system.slice/nginx.service"; "/" is the root. Kind allocator: "jemalloc".
  // Kind structure: its name, raw and hostile. Kind site: the hash of its stack, 16 digits.
  // Kind arena: its number, "0" is the main one. Kind jvm: its collector, "g1". Kind jvm_pool:
  // "old". Kind go: none.
  std::string_view name = {};
  // Kind cgroup: the inode of its directory, which the kernel gives to no other cgroup while the
  // machine is up (kernfs).
  std::uint64_t cgroup_id = 0;
};

// What an entity is, in words. Raw bytes, and hostile where a target can choose them.
enum class Attribute : std::uint8_t {
  executable,    // process: the target of /proc/PID/exe
  command_line,  // process: arguments, each ended by NUL, cut at kMostCommandLineBytes; may hold
                 // secrets: for matching only, never shown
  user_id,       // process: real uid, decimal
  parent_id,     // process: pid of its parent when this was read, decimal
  cgroup,        // process: path of its cgroup below the mount point
  runtime,       // cgroup: docker, containerd, cri-o, podman, systemd …
  container_id,
  container,
  image,     // as its runtime was asked for it
  image_id,  // digest, as its runtime says it
  pod,
  pod_uid,
  kubernetes_namespace,
  qos,
  unit,
  slice,
  version,    // allocator: of its library; jvm; go; raw
  kind,       // structure: unordered_map, vector …
  element,    // structure: the type of what it holds; raw
  file,       // structure: of its owner, with the line; raw
  location,   // site: its caller outside of the C++ library, MODULE+0xOFFSET; raw
  structure,  // site: label, the structure it allocated for; raw
  phase,      // site: label; raw
  vendor,     // jvm; raw
};
inline constexpr std::size_t kAttributes = 24;
inline constexpr std::size_t kMostCommandLineBytes = 1024;
inline constexpr std::size_t kMostCgroupPathBytes = 1024;

// The only thing a collector writes to. begin() names the entity of all add() and describe() calls
// until the next begin(); one entity may be begun by several collectors in a tick. The sink copies
// what it is given. Not thread-safe: one collector at a time.
class SampleSink {
 public:
  SampleSink() = default;
  SampleSink(const SampleSink&) = delete;
  SampleSink& operator=(const SampleSink&) = delete;
  virtual ~SampleSink() = default;
  virtual void begin(const Entity& entity) = 0;
  virtual void add(const MetricDesc& desc, double value) = 0;
  // All attributes of an entity are written when it is first met and again when one of them has
  // changed; until then the reader remembers them. What cannot be read is left out.
  virtual void describe(Attribute attribute, std::string_view text) = 0;
};

}  // namespace heapfloor
