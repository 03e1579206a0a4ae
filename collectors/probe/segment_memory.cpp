#include "collectors/probe/segment_memory.h"

#include <pthread.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include "collectors/probe/own_process.h"
#include "collectors/probe/relaxed.h"

namespace heapfloor::probe {
namespace {

constexpr std::size_t kAlignment = 128;  // two cache lines: neighbours are fetched together
constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kMostForgetters = 8;
constexpr int kMostWaits =
    10'000;  // for another thread that makes the segment, or makes it visible

// What is mapped, in the order of enum heapfloor_section_type.
struct Plan {
  heapfloor_section_type type;
  std::uint32_t stride;
  std::size_t count;
  std::size_t used;  // from the beginning: records that have a meaning of their own
  bool inherited;    // by a forked child
};
constexpr Plan kPlans[] = {
    {HEAPFLOOR_SECTION_ALLOCATOR, sizeof(heapfloor_allocator), 1, 1, true},
    {HEAPFLOOR_SECTION_ARENAS, sizeof(heapfloor_arena), kArenas, 0, true},
    {HEAPFLOOR_SECTION_NAMES, sizeof(heapfloor_name), kNames, kOwnNameCount, true},
    {HEAPFLOOR_SECTION_STRUCTURES, sizeof(heapfloor_structure), kStructures, 1, true},
    {HEAPFLOOR_SECTION_INSTANCES, sizeof(heapfloor_instance), kInstances, 0, true},
    {HEAPFLOOR_SECTION_SITES, sizeof(heapfloor_site), kSites, 0, false},
    {HEAPFLOOR_SECTION_FRAMES, sizeof(std::uint64_t), kFrames, 0, false},
    {HEAPFLOOR_SECTION_LIVE, sizeof(heapfloor_live), kLiveSamples, 0, false},
};
constexpr std::size_t kPlanCount = sizeof kPlans / sizeof kPlans[0];
static_assert(kPlanCount <= HEAPFLOOR_MOST_SECTIONS);

constexpr std::size_t rounded(std::size_t bytes, std::size_t to) {
  return (bytes + to - 1) / to * to;
}

// Where section `index` begins; that of kPlanCount: where everything ends.
constexpr std::size_t offset_of(std::size_t index) {
  std::size_t at = HEAPFLOOR_HEADER_BYTES;
  for (std::size_t i = 0; i < index; ++i) {
    at = rounded(at + (kPlans[i].stride * kPlans[i].count), kAlignment);
  }
  return at;
}

constexpr std::size_t kTotalBytes = rounded(offset_of(kPlanCount), kPageBytes);
static_assert(kTotalBytes <= std::size_t{8} << 20, "the cap of the design");

enum State : std::uint32_t { none, starting, ready, refused };

std::uint32_t the_state = none;
Segment the_segment;
const Segment kNoSegment;

std::uint32_t quiet = 0;

// Who sees the memory of a forked child.
enum Visibility : std::uint32_t { everybody, nobody, being_published };
std::uint32_t visibility = everybody;
__thread bool publishes = false;  // this thread does: a signal handler may come back here

// What the next child will get. Held from before fork() until after it, by one thread.
struct ForkCopy {
  std::uint32_t held = 0;
  char* memory = nullptr;
};
ForkCopy fork_copy;
__thread std::uint32_t fork_depth = 0;  // a signal handler may fork within fork()
void (*forgetters[kMostForgetters])() = {};
std::uint32_t forgetter_count = 0;

char* base() { return reinterpret_cast<char*>(the_segment.header); }

heapfloor_header& header_at(char* memory) { return *reinterpret_cast<heapfloor_header*>(memory); }

template <class Record>
Record* records_at(char* memory, heapfloor_section_type type) {
  return reinterpret_cast<Record*>(memory + offset_of(static_cast<std::size_t>(type) - 1));
}

// Everything of a new segment but the magic, which makes it valid.
void write_new(char* memory, std::uint32_t flags) {
  heapfloor_header& header = header_at(memory);
  header.abi_major = HEAPFLOOR_ABI_MAJOR;
  header.abi_minor = HEAPFLOOR_ABI_MINOR;
  header.header_bytes = HEAPFLOOR_HEADER_BYTES;
  header.total_bytes = kTotalBytes;
  header.pid = getpid();
  header.section_count = kPlanCount;
  header.start_ticks = HEAPFLOOR_ABSENT;
  header.created_boottime_ns = boottime_ns();
  header.heartbeat_boottime_ns = header.created_boottime_ns;
  header.library_version = HEAPFLOOR_LIBRARY_VERSION;
  header.flags = flags;
  for (std::size_t i = 0; i < kPlanCount; ++i) {
    heapfloor_section& entry = header.sections[i];
    entry = {.type = kPlans[i].type,
             .stride = kPlans[i].stride,
             .offset = offset_of(i),
             .count = kPlans[i].count,
             .used = kPlans[i].used};
  }
  write_own_names(records_at<heapfloor_name>(memory, HEAPFLOOR_SECTION_NAMES));
}

void make_valid(char* memory) {
  store_release(header_at(memory).magic, std::uint64_t{HEAPFLOOR_SEGMENT_MAGIC});
}

void point_into(char* memory) {
  the_segment = {
      .header = &header_at(memory),
      .allocator = records_at<heapfloor_allocator>(memory, HEAPFLOOR_SECTION_ALLOCATOR),
      .arenas = records_at<heapfloor_arena>(memory, HEAPFLOOR_SECTION_ARENAS),
      .names = records_at<heapfloor_name>(memory, HEAPFLOOR_SECTION_NAMES),
      .structures = records_at<heapfloor_structure>(memory, HEAPFLOOR_SECTION_STRUCTURES),
      .instances = records_at<heapfloor_instance>(memory, HEAPFLOOR_SECTION_INSTANCES),
      .sites = records_at<heapfloor_site>(memory, HEAPFLOOR_SECTION_SITES),
      .frames = records_at<std::uint64_t>(memory, HEAPFLOOR_SECTION_FRAMES),
      .live = records_at<heapfloor_live>(memory, HEAPFLOOR_SECTION_LIVE)};
}

// Copies the header, with the magic last, and the records that were used.
void copy_used(char* to, char* from, bool inherited_only) {
  for (std::size_t i = 0; i < kPlanCount; ++i) {
    if (inherited_only && !kPlans[i].inherited) continue;
    const std::uint64_t used = load_acquire(header_at(from).sections[i].used);
    const std::size_t count = used < kPlans[i].count ? used : kPlans[i].count;
    copy_words(to + offset_of(i), from + offset_of(i), count * kPlans[i].stride);
  }
  copy_words(to + sizeof(std::uint64_t), from + sizeof(std::uint64_t),
             HEAPFLOOR_HEADER_BYTES - sizeof(std::uint64_t));
  make_valid(to);
}

// The header of a child has nothing of its parent's samples.
void forget_samples(heapfloor_header& header) {
  for (std::size_t i = 0; i < kPlanCount; ++i) {
    if (!kPlans[i].inherited) header.sections[i].used = kPlans[i].used;
  }
  header.request = 0;
  header.request_done = 0;
  header.sample_interval_bytes = header.initial_sample_interval_bytes;
  header.samples = 0;
  header.samples_ended = 0;
  header.allocated_bytes = 0;
  header.allocated_objects_q10 = 0;
  header.live_bytes = 0;
  header.live_objects_q10 = 0;
  header.live_samples = 0;
  header.thinnings = 0;
  header.samples_lost = 0;
  header.stacks_without_site = 0;
  header.stacks_cut = 0;
  header.untracked_large_bytes = 0;
  header.flags |= HEAPFLOOR_FLAG_FORKED;
  header.start_ticks = HEAPFLOOR_ABSENT;
}

// The copy is made here and not in the child: as soon as the parent runs on, it changes what a
// child would read. It stays for the next fork().
void before_fork() {
  if (fork_depth++ > 0) return;
  std::uint32_t free = 0;
  while (!exchange_if(fork_copy.held, free, 1U)) {
    free = 0;
    yield_processor();
  }
  const ErrnoKeeper keeper;
  if (fork_copy.memory == nullptr) fork_copy.memory = static_cast<char*>(map_private(kTotalBytes));
  if (fork_copy.memory == nullptr) return;
  copy_used(fork_copy.memory, base(), true);
  forget_samples(header_at(fork_copy.memory));
}

void after_fork() {
  if (--fork_depth == 0) store_release(fork_copy.held, 0U);
}

// The memory that the child has instead of its parent's. Without a copy it begins with nothing.
bool take_own_memory() {
  if (fork_copy.memory != nullptr && move_mapping(fork_copy.memory, base(), kTotalBytes)) {
    return true;
  }
  const std::uint32_t flags = load_relaxed(the_segment.header->flags);
  if (!map_private_at(base(), kTotalBytes)) return false;
  write_new(base(), flags | HEAPFLOOR_FLAG_FORKED);
  make_valid(base());
  return true;
}

void in_forked_child() {
  const ErrnoKeeper keeper;
  const bool own = take_own_memory();
  fork_copy.memory = nullptr;
  fork_depth = 0;
  store_release(fork_copy.held, 0U);
  if (!own) {
    store_release(the_state, std::uint32_t{refused});
    return;
  }
  heapfloor_header& header = *the_segment.header;
  header.pid = getpid();
  header.created_boottime_ns = boottime_ns();
  header.heartbeat_boottime_ns = header.created_boottime_ns;
  store_release(visibility, std::uint32_t{nobody});
  const std::uint32_t count = load_acquire(forgetter_count);
  for (std::uint32_t i = 0; i < count && i < kMostForgetters; ++i) {
    if (forgetters[i] != nullptr) forgetters[i]();
  }
}

char* make_segment(std::uint32_t flags) {
  if (getauxval(AT_SECURE) != 0 || own_maps_hold("/memfd:" HEAPFLOOR_SEGMENT_NAME)) return nullptr;
  auto* memory = static_cast<char*>(map_sealed(HEAPFLOOR_SEGMENT_NAME, kTotalBytes));
  if (memory == nullptr) return nullptr;
  write_new(memory, flags);
  header_at(memory).start_ticks = own_start_ticks();
  return memory;
}

// The same memory as a file that others can see; where that cannot be had it stays as it is.
void make_visible() {
  auto* memory = static_cast<char*>(map_sealed(HEAPFLOOR_SEGMENT_NAME, kTotalBytes));
  if (memory == nullptr) return;
  the_segment.header->start_ticks = own_start_ticks();
  copy_used(memory, base(), false);
  if (!move_mapping(memory, base(), kTotalBytes)) unmap(memory, kTotalBytes);
}

// Another thread is at it. Not for ever: it may have been lost at a fork().
bool wait_until_ready() {
  for (int i = 0; i < kMostWaits && load_acquire(the_state) == starting; ++i) yield_processor();
  return load_acquire(the_state) == ready;
}

}  // namespace

bool start_segment(std::uint32_t flags) {
  std::uint32_t state = load_acquire(the_state);
  if (state == ready && flags == 0) return true;
  state = none;
  if (!exchange_if(the_state, state, std::uint32_t{starting})) {
    if (state == starting && !wait_until_ready()) return false;
    if (load_acquire(the_state) != ready) return false;
    __atomic_fetch_or(&the_segment.header->flags, flags, __ATOMIC_RELAXED);
    return true;
  }
  const ErrnoKeeper keeper;
  char* memory = make_segment(flags);
  if (memory == nullptr) {
    store_release(the_state, std::uint32_t{refused});
    return false;
  }
  point_into(memory);
  make_valid(memory);
  store_release(the_state, std::uint32_t{ready});
  // Last: it may allocate, and hooks of malloc come back here.
  pthread_atfork(before_fork, after_fork, in_forked_child);
  return true;
}

const Segment& segment() { return load_acquire(the_state) == ready ? the_segment : kNoSegment; }

heapfloor_section& section(heapfloor_section_type type) {
  return the_segment.header->sections[static_cast<std::size_t>(type) - 1];
}

bool on_fork_child(void (*forget)()) {
  const std::uint32_t index = add_relaxed(forgetter_count, 1U);
  if (index >= kMostForgetters) return false;
  store_release(forgetters[index], forget);
  return true;
}

void publish_child() {
  const std::uint32_t seen_by = load_acquire(visibility);
  if (seen_by == everybody || publishes || is_quiet()) return;
  std::uint32_t before = nobody;
  if (!exchange_if(visibility, before, std::uint32_t{being_published})) {
    for (int i = 0; i < kMostWaits && load_acquire(visibility) == being_published; ++i) {
      yield_processor();
    }
    return;
  }
  const ErrnoKeeper keeper;
  publishes = true;
  make_visible();
  publishes = false;
  store_release(visibility, std::uint32_t{everybody});
}

void enter_quiet() {
  store_relaxed(quiet, 1U);
  if (heapfloor_header* header = segment().header; header != nullptr) {
    __atomic_fetch_or(&header->flags, std::uint32_t{HEAPFLOOR_FLAG_QUIET}, __ATOMIC_RELAXED);
  }
}

bool is_quiet() { return load_relaxed(quiet) != 0; }

}  // namespace heapfloor::probe
