#include "collectors/probe/allocator_statistics.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "collectors/probe/next_allocator.h"
#include "collectors/probe/own_process.h"
#include "collectors/probe/segment_memory.h"

namespace heapfloor::probe {
namespace {

constexpr std::uint64_t kNanoseconds = 1'000'000'000;
constexpr std::uint64_t kMostShare = 1000;  // a reading may take 1 / 1000 of the time

heapfloor_allocator_kind g_kind = HEAPFLOOR_ALLOCATOR_UNKNOWN;
std::atomic<std::uint64_t> g_due_ns{0};  // CLOCK_BOOTTIME
std::atomic<bool> g_is_reading{false};
std::uint64_t g_interval_ns = kNanoseconds;
bool g_reads_arenas = false;

// The functions of the allocators that are not the C library, by the names they export.
int (*g_mallctl)(const char*, void*, std::size_t*, void*, std::size_t) = nullptr;
bool (*g_property)(const char*, std::size_t*) = nullptr;  // gperftools; C's _Bool
bool (*g_internal_property)(const char*, std::size_t, std::size_t*) = nullptr;  // google/tcmalloc
void (*g_release_free_memory)() = nullptr;                                      // gperftools
void (*g_collect)(bool) = nullptr;                                              // mimalloc
void (*g_process_info)(std::size_t*, std::size_t*, std::size_t*, std::size_t*, std::size_t*,
                       std::size_t*, std::size_t*,
                       std::size_t*) = nullptr;  // mimalloc

void set(std::uint64_t& field, std::uint64_t value) {
  __atomic_store_n(&field, value, __ATOMIC_RELAXED);
}
void count(std::uint64_t& field) { __atomic_fetch_add(&field, 1, __ATOMIC_RELAXED); }

void clear_values(heapfloor_allocator& record) {
  for (std::uint64_t* field = &record.in_use; field <= &record.mapped_regions; ++field)
    set(*field, HEAPFLOOR_ABSENT);
}

// --- who owns malloc()
// ------------------------------------------------------------------------------------------------------------------

// A symbol of the object that the next malloc() is in: another one's would speak of another heap.
void* symbol_of_owner(void* owner, const char* name) {
  return owner != nullptr ? dlsym(owner, name) : nullptr;
}

void write_version(const char* text) {
  char* version = segment().allocator->version;
  std::snprintf(version, sizeof segment().allocator->version, "%s", text);
}

void write_jemalloc_version() {
  const char* text = nullptr;
  std::size_t bytes = sizeof text;
  if (g_mallctl("version", &text, &bytes, nullptr, 0) == 0 && text != nullptr) write_version(text);
}

heapfloor_allocator_kind find_kind(void* owner) {
  g_mallctl = reinterpret_cast<decltype(g_mallctl)>(symbol_of_owner(owner, "mallctl"));
  if (g_mallctl != nullptr) return HEAPFLOOR_ALLOCATOR_JEMALLOC;
  g_property = reinterpret_cast<decltype(g_property)>(
      symbol_of_owner(owner, "MallocExtension_GetNumericProperty"));
  g_release_free_memory = reinterpret_cast<decltype(g_release_free_memory)>(
      symbol_of_owner(owner, "MallocExtension_ReleaseFreeMemory"));
  if (g_property != nullptr) return HEAPFLOOR_ALLOCATOR_GPERFTOOLS;
  g_internal_property = reinterpret_cast<decltype(g_internal_property)>(
      symbol_of_owner(owner, "MallocExtension_Internal_GetNumericProperty"));
  if (g_internal_property != nullptr) return HEAPFLOOR_ALLOCATOR_TCMALLOC;
  g_process_info =
      reinterpret_cast<decltype(g_process_info)>(symbol_of_owner(owner, "mi_process_info"));
  g_collect = reinterpret_cast<decltype(g_collect)>(symbol_of_owner(owner, "mi_collect"));
  if (g_process_info != nullptr) return HEAPFLOOR_ALLOCATOR_MIMALLOC;
  // glibc's own functions are there beside any allocator: what counts is that malloc() is of the
  // same object.
  return symbol_of_owner(owner, "gnu_get_libc_version") != nullptr ? HEAPFLOOR_ALLOCATOR_GLIBC
                                                                   : HEAPFLOOR_ALLOCATOR_UNKNOWN;
}

void find_allocator() {
  Dl_info info{};
  void* owner = nullptr;
  const void* allocate = hooks_are_reached() ? reinterpret_cast<const void*>(next_allocator.malloc)
                                             : dlsym(RTLD_DEFAULT, "malloc");
  if (dladdr(allocate, &info) != 0) {
    owner = dlopen(info.dli_fname, RTLD_NOLOAD | RTLD_LAZY);
    // The program itself has no name to be opened by.
    if (owner == nullptr) owner = dlopen(nullptr, RTLD_LAZY);
  }
  g_kind = find_kind(owner);
  segment().allocator->kind = g_kind;
  if (g_kind == HEAPFLOOR_ALLOCATOR_JEMALLOC) write_jemalloc_version();
  if (g_kind == HEAPFLOOR_ALLOCATOR_GLIBC) {
    write_version(
        reinterpret_cast<const char* (*)()>(symbol_of_owner(owner, "gnu_get_libc_version"))());
  }
  const auto mimalloc_version = reinterpret_cast<int (*)()>(symbol_of_owner(owner, "mi_version"));
  if (g_kind == HEAPFLOOR_ALLOCATOR_MIMALLOC && mimalloc_version != nullptr) {
    char text[16];
    const int number = mimalloc_version();  // 209 is 2.0.9
    std::snprintf(text, sizeof text, "%d.%d.%d", number / 100, number / 10 % 10, number % 10);
    write_version(text);
  }
}

// --- the readings
// -----------------------------------------------------------------------------------------------------------------------

// The number behind `key="` at or after `at`, before `end`; HEAPFLOOR_ABSENT where there is none.
std::uint64_t number_of(const char* at, const char* end, const char* key) {
  const char* found = std::strstr(at, key);
  if (found == nullptr || found >= end) return HEAPFLOOR_ABSENT;
  return std::strtoull(found + std::strlen(key), nullptr, 10);
}

// One <heap> of malloc_info(): what it has from the kernel, and of that what is free.
bool read_arena(const char* heap, const char* end, heapfloor_arena& arena) {
  const char* fast = std::strstr(heap, "<total type=\"fast\"");
  const char* rest = std::strstr(heap, "<total type=\"rest\"");
  const char* system = std::strstr(heap, "<system type=\"current\"");
  if (fast == nullptr || rest == nullptr || system == nullptr) return false;
  const std::uint64_t free_bytes =
      number_of(fast, end, "size=\"") + number_of(rest, end, "size=\"");
  const std::uint64_t system_bytes = number_of(system, end, "size=\"");
  if (system_bytes == HEAPFLOOR_ABSENT || free_bytes > system_bytes) return false;
  set(arena.used_bytes, system_bytes - free_bytes);
  set(arena.free_bytes, free_bytes);
  return true;
}

// malloc_info() writes XML, and takes as long as mallinfo2() once more: only where it was asked
// for.
void read_arenas(heapfloor_allocator& record) {
  char* text = nullptr;
  std::size_t bytes = 0;
  FILE* file = open_memstream(&text, &bytes);
  if (file == nullptr) return;
  const bool is_written = malloc_info(0, file) == 0;
  std::fclose(file);
  std::uint64_t arenas = 0;
  std::uint64_t written = 0;
  const char* heap = is_written ? std::strstr(text, "<heap nr=") : nullptr;
  while (heap != nullptr) {
    const char* end = std::strstr(heap, "</heap>");
    if (end == nullptr) break;
    if (written < kArenas && read_arena(heap, end, segment().arenas[written])) ++written;
    ++arenas;
    heap = std::strstr(end, "<heap nr=");
  }
  section(HEAPFLOOR_SECTION_ARENAS).used = written;
  if (is_written) set(record.arenas, arenas);
  std::free(text);
}

void read_glibc(heapfloor_allocator& record) {
  const struct mallinfo2 info = mallinfo2();
  set(record.in_use, info.uordblks + info.hblkhd);
  set(record.free_fastbin, info.fsmblks);
  // keepcost is part of fordblks, fsmblks as well; another thread may have freed between the two.
  const std::size_t outside_bins = info.fsmblks + info.keepcost;
  set(record.free_bins, info.fordblks > outside_bins ? info.fordblks - outside_bins : 0);
  set(record.free_top, info.keepcost);
  set(record.mapped, info.arena + info.hblkhd);
  set(record.releasable, info.fordblks);
  set(record.free_chunks, info.ordblks + info.smblks);
  set(record.mapped_regions, info.hblks);
  if (g_reads_arenas) read_arenas(record);
}

void read_jemalloc(heapfloor_allocator& record) {
  std::uint64_t epoch = 1;
  std::size_t bytes = sizeof epoch;
  if (g_mallctl("epoch", &epoch, &bytes, &epoch, bytes) != 0) return;
  std::size_t page = 4096;
  const auto read = [](const char* name, std::uint64_t& field, std::size_t unit) {
    std::size_t value = 0;
    std::size_t value_bytes = sizeof value;
    if (g_mallctl(name, &value, &value_bytes, nullptr, 0) == 0) set(field, value * unit);
  };
  std::size_t page_bytes = sizeof page;
  g_mallctl("arenas.page", &page, &page_bytes, nullptr, 0);
  read("stats.allocated", record.in_use, 1);
  read("stats.active", record.active, 1);
  read("stats.resident", record.resident, 1);
  read("stats.mapped", record.mapped, 1);
  read("stats.retained", record.retained, 1);
  read("stats.metadata", record.metadata, 1);
  read("stats.arenas.4096.pdirty", record.free_dirty, page);  // 4096: all arenas together
  read("stats.arenas.4096.pmuzzy", record.free_muzzy, page);
  unsigned arenas = 0;
  std::size_t arenas_bytes = sizeof arenas;
  if (g_mallctl("arenas.narenas", &arenas, &arenas_bytes, nullptr, 0) == 0)
    set(record.arenas, arenas);
  if (record.free_dirty != HEAPFLOOR_ABSENT && record.free_muzzy != HEAPFLOOR_ABSENT) {
    set(record.releasable, record.free_dirty + record.free_muzzy);
  }
}

template <typename Property>
void read_tcmalloc(heapfloor_allocator& record, const char* in_use, Property property) {
  const auto read = [&](const char* name, std::uint64_t& field) {
    std::size_t value = 0;
    if (property(name, &value)) set(field, value);
  };
  read(in_use, record.in_use);
  read("generic.heap_size", record.mapped);
  read("tcmalloc.pageheap_free_bytes", record.free_pageheap);
  read("tcmalloc.central_cache_free_bytes", record.free_central);
  read("tcmalloc.current_total_thread_cache_bytes", record.free_thread);
  read("tcmalloc.pageheap_free_bytes", record.releasable);
}

void read_mimalloc(heapfloor_allocator& record) {
  std::size_t values[8] = {};
  g_process_info(&values[0], &values[1], &values[2], &values[3], &values[4], &values[5], &values[6],
                 &values[7]);
  // What it calls resident is what it has committed (2.0.9), and it has no count of what is in use.
  set(record.mapped, values[5]);
}

void read_values(heapfloor_allocator& record) {
  switch (g_kind) {
    case HEAPFLOOR_ALLOCATOR_GLIBC:
      read_glibc(record);
      break;
    case HEAPFLOOR_ALLOCATOR_JEMALLOC:
      read_jemalloc(record);
      break;
    case HEAPFLOOR_ALLOCATOR_GPERFTOOLS:
      read_tcmalloc(record, "generic.current_allocated_bytes", g_property);
      break;
    case HEAPFLOOR_ALLOCATOR_TCMALLOC:
      read_tcmalloc(record, "generic.bytes_in_use_by_app",
                    [](const char* name, std::size_t* value) {
                      return g_internal_property(name, std::strlen(name), value);
                    });
      break;
    case HEAPFLOOR_ALLOCATOR_MIMALLOC:
      read_mimalloc(record);
      break;
    case HEAPFLOOR_ALLOCATOR_UNKNOWN:
      break;
  }
}

// One reading, with the sequence odd while it is written.
void read_now(std::uint64_t now_ns) {
  heapfloor_allocator& record = *segment().allocator;
  __atomic_fetch_add(&record.sequence, 1, __ATOMIC_RELAXED);
  __atomic_thread_fence(__ATOMIC_RELEASE);
  clear_values(record);
  read_values(record);
  const std::uint64_t took_ns = boottime_ns() - now_ns;
  set(record.sampled_boottime_ns, now_ns);
  set(record.sample_duration_ns, took_ns);
  count(record.samples);
  __atomic_fetch_add(&record.sequence, 1, __ATOMIC_RELEASE);
  const std::uint64_t pause_ns =
      took_ns * kMostShare > g_interval_ns ? took_ns * kMostShare : g_interval_ns;
  if (pause_ns > g_interval_ns) record.skipped_budget += (pause_ns / g_interval_ns) - 1;
  g_due_ns.store(now_ns + pause_ns, std::memory_order_relaxed);
}

// --- trims
// ------------------------------------------------------------------------------------------------------------------------------

// Resident memory, from the second number of statm. HEAPFLOOR_ABSENT where it cannot be read.
std::uint64_t resident_bytes() {
  if (is_quiet()) return HEAPFLOOR_ABSENT;
  const int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0) return HEAPFLOOR_ABSENT;
  char text[128];
  const ssize_t got = read(file, text, sizeof text - 1);
  close(file);
  if (got <= 0) return HEAPFLOOR_ABSENT;
  text[got] = '\0';
  const char* second = std::strchr(text, ' ');
  if (second == nullptr) return HEAPFLOOR_ABSENT;
  return std::uint64_t{std::strtoull(second, nullptr, 10)} *
         static_cast<std::uint64_t>(getpagesize());
}

template <typename Trim>
auto counted(Trim trim) {
  const std::uint64_t before = resident_bytes();
  const auto result = trim();
  const std::uint64_t after = resident_bytes();
  heapfloor_allocator* record = segment().allocator;
  if (record != nullptr) {
    count(record->trims);
    if (before != HEAPFLOOR_ABSENT && after < before)
      __atomic_fetch_add(&record->trim_released, before - after, __ATOMIC_RELAXED);
  }
  return result;
}

int next_malloc_trim(std::size_t pad) {
  const auto next = reinterpret_cast<int (*)(std::size_t)>(dlsym(RTLD_NEXT, "malloc_trim"));
  return next != nullptr ? next(pad) : 0;
}

void trim_allocator() {
  counted([] {
    switch (g_kind) {
      case HEAPFLOOR_ALLOCATOR_GLIBC:
        next_malloc_trim(0);
        break;
      case HEAPFLOOR_ALLOCATOR_JEMALLOC:
        g_mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);
        break;
      case HEAPFLOOR_ALLOCATOR_GPERFTOOLS:
        if (g_release_free_memory != nullptr) g_release_free_memory();
        break;
      case HEAPFLOOR_ALLOCATOR_MIMALLOC:
        if (g_collect != nullptr) g_collect(true);
        break;
      case HEAPFLOOR_ALLOCATOR_TCMALLOC:
      case HEAPFLOOR_ALLOCATOR_UNKNOWN:
        break;
    }
    return 0;
  });
}

void answer_request() {
  heapfloor_header& header = *segment().header;
  const std::uint64_t wanted = __atomic_load_n(&header.request, __ATOMIC_ACQUIRE);
  std::uint64_t done = __atomic_load_n(&header.request_done, __ATOMIC_RELAXED);
  // One thread takes it: who sets request_done.
  if (wanted == done || !__atomic_compare_exchange_n(&header.request_done, &done, wanted, false,
                                                     __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
    return;
  }
  if (wanted % 256 == HEAPFLOOR_REQUEST_TRIM) {
    trim_allocator();
    g_due_ns.store(0, std::memory_order_relaxed);
  }
}

void forget_in_child() { g_is_reading.store(false, std::memory_order_relaxed); }

}  // namespace

bool allocator_is_glibc() { return g_kind == HEAPFLOOR_ALLOCATOR_GLIBC; }

void start_statistics() {
  find_allocator();
  on_fork_child(&forget_in_child);
  const char* text = std::getenv("HEAPFLOOR_STATISTICS_SECONDS");
  const unsigned long long seconds = text != nullptr ? std::strtoull(text, nullptr, 10) : 0;
  if (seconds > 0 && seconds < 86400) g_interval_ns = seconds * kNanoseconds;
  const char* arenas = std::getenv("HEAPFLOOR_ARENAS");
  g_reads_arenas = arenas != nullptr && std::strcmp(arenas, "1") == 0;
  clear_values(*segment().allocator);
  read_now(boottime_ns());
}

void tend_statistics() {
  if (is_quiet()) return;
  answer_request();
  const std::uint64_t now_ns = boottime_ns();
  if (now_ns < g_due_ns.load(std::memory_order_relaxed)) return;
  if (g_is_reading.exchange(true, std::memory_order_acquire)) {
    count(segment().allocator->skipped_busy);
    return;
  }
  read_now(now_ns);
  g_is_reading.store(false, std::memory_order_release);
}

int trim_counted(std::size_t pad) {
  return counted([&] { return next_malloc_trim(pad); });
}

}  // namespace heapfloor::probe
