/* The C interface of the probe: what home-made caches, pools and queues hold, and which structure
 * and phase an allocation belongs to. C11 and C++17; for containers see <heapfloor/structures.h>.
 *
 *     heapfloor_handle cache = heapfloor_gauge_open("session_cache");
 *     heapfloor_gauge_set(cache, elements, bytes);
 *     heapfloor_gauge_cleared(cache);
 *     heapfloor_gauge_close(cache);
 *
 * Nothing here fails: where there is no segment (see segment.h), no place in a table, or where the
 * instance was not chosen to be watched, calls do nothing. Handles are values without ownership: a
 * handle is good until it is closed, once, in the process that opened it and in its forked
 * children. No function allocates or throws; none may be called in a signal handler, except
 * phase_begin() and phase_end() for names that were used before. */
#ifndef HEAPFLOOR_PROBE_H
#define HEAPFLOOR_PROBE_H

/* C:
 * NOLINTBEGIN(modernize-*,cppcoreguidelines-pro-type-cstyle-cast,performance-no-int-to-ptr,bugprone-dynamic-static-initializers)
 */
#include <stdint.h>

#include "heapfloor/segment.h"

#if defined(__GNUC__)
#define HEAPFLOOR_API __attribute__((visibility("default")))
#define HEAPFLOOR_THREAD_LOCAL __thread __attribute__((tls_model("initial-exec")))
#else
#error "heapfloor/probe.h needs gcc or clang"
#endif

#ifdef __cplusplus
extern "C" {
#define HEAPFLOOR_NOEXCEPT noexcept
#else
#define HEAPFLOOR_NOEXCEPT
#endif

/* An instance of a structure. Bits 48 to 63: index of its structure's name. Watched (bit 0 is 0):
 * bits 7 to 47 are the address of its heapfloor_instance, bits 1 to 6 the generation it has there.
 * Not watched (bit 0 is 1): bits 16 to 31 are the index of its structure. */
typedef uint64_t heapfloor_handle;
#define HEAPFLOOR_NO_INSTANCE UINT64_C(1)

/* What kind of structure an instance belongs to: all with the same name, element and kind are
 * one. Texts need not outlive the call. */
struct heapfloor_declaration {
  const char* name;    /* empty or null: FILE:LINE, or the kind where there is no file either */
  const char* element; /* type of what it holds; not ended by NUL */
  const char* file;    /* of its owner; null: unknown */
  uint32_t name_bytes;
  uint32_t element_bytes;
  uint32_t line;
  uint32_t kind; /* enum heapfloor_structure_kind */
};

enum heapfloor_event {
  HEAPFLOOR_EVENT_CLEAR = 1,
  HEAPFLOOR_EVENT_SHRINK = 2,
  HEAPFLOOR_EVENT_REHASH = 3
};

/* Starts an instance. Any thread. */
HEAPFLOOR_API heapfloor_handle
heapfloor_instance_begin(const struct heapfloor_declaration* declaration) HEAPFLOOR_NOEXCEPT;
/* Starts another instance of the same structure. */
HEAPFLOOR_API heapfloor_handle heapfloor_instance_another(heapfloor_handle like) HEAPFLOOR_NOEXCEPT;
/* Starts one that takes over the contents of `from`: watched with the same weight if that one is.
 */
HEAPFLOOR_API heapfloor_handle heapfloor_instance_successor(heapfloor_handle from)
    HEAPFLOOR_NOEXCEPT;
/* Ends an instance: its counters go into the sums of its structure. */
HEAPFLOOR_API void heapfloor_instance_end(heapfloor_handle handle) HEAPFLOOR_NOEXCEPT;
/* Counts an epoch of a watched instance's structure and the event itself. */
HEAPFLOOR_API void heapfloor_instance_event(heapfloor_handle handle,
                                            enum heapfloor_event event) HEAPFLOOR_NOEXCEPT;

/* A gauge: a structure that tells its size itself. Every function may be called by several threads
 * at once. */
HEAPFLOOR_API heapfloor_handle heapfloor_gauge_open(const char* name) HEAPFLOOR_NOEXCEPT;
HEAPFLOOR_API heapfloor_handle heapfloor_gauge_open_at(const char* name, const char* file,
                                                       uint32_t line) HEAPFLOOR_NOEXCEPT;
/* What it holds now; differences count as insertions or removals. */
HEAPFLOOR_API void heapfloor_gauge_set(heapfloor_handle gauge, uint64_t elements,
                                       uint64_t bytes) HEAPFLOOR_NOEXCEPT;
HEAPFLOOR_API void heapfloor_gauge_set_elements(heapfloor_handle gauge,
                                                uint64_t elements) HEAPFLOOR_NOEXCEPT;
HEAPFLOOR_API void heapfloor_gauge_set_bytes(heapfloor_handle gauge,
                                             uint64_t bytes) HEAPFLOOR_NOEXCEPT;
/* What came (above 0) or went (below 0). */
HEAPFLOOR_API void heapfloor_gauge_add(heapfloor_handle gauge, int64_t elements,
                                       int64_t bytes) HEAPFLOOR_NOEXCEPT;
/* It was cleared, evicted from or compacted: an epoch for the detector. Sets no size. */
HEAPFLOOR_API void heapfloor_gauge_cleared(heapfloor_handle gauge) HEAPFLOOR_NOEXCEPT;
HEAPFLOOR_API void heapfloor_gauge_close(heapfloor_handle gauge) HEAPFLOOR_NOEXCEPT;
#ifndef __cplusplus
#define heapfloor_gauge_open(name) heapfloor_gauge_open_at((name), __FILE__, __LINE__)
#endif

/* What this thread's allocations are for, as indices into names; 0: not known. The sampler reads it
 * in the thread itself. */
struct heapfloor_labels {
  uint16_t structure_name_index;
  uint16_t phase_name_index;
};
extern HEAPFLOOR_API HEAPFLOOR_THREAD_LOCAL struct heapfloor_labels heapfloor_label;

/* Labels what this thread allocates from now on; empty or null: that label stays. Give the result
 * to heapfloor_phase_end(), in the same thread, last begun first. */
HEAPFLOOR_API struct heapfloor_labels heapfloor_phase_begin(const char* structure,
                                                            const char* phase) HEAPFLOOR_NOEXCEPT;
HEAPFLOOR_API void heapfloor_phase_end(struct heapfloor_labels before) HEAPFLOOR_NOEXCEPT;

/* major * 65536 + minor * 256 + patch of the library that is there. */
HEAPFLOOR_API uint32_t heapfloor_probe_version(void) HEAPFLOOR_NOEXCEPT;

/* The record of a watched instance, null for another. */
static inline struct heapfloor_instance* heapfloor_instance_of(heapfloor_handle handle) {
  if ((handle & 1U) != 0) return (struct heapfloor_instance*)0;
  return (struct heapfloor_instance*)(uintptr_t)(handle & UINT64_C(0x0000FFFFFFFFFF80));
}

/* The same for a handle that may have been closed: null where another instance has the record. */
static inline struct heapfloor_instance* heapfloor_instance_alive(heapfloor_handle handle) {
  struct heapfloor_instance* record = heapfloor_instance_of(handle);
  if (record == (struct heapfloor_instance*)0) return record;
  return __atomic_load_n(&record->generation_low, __ATOMIC_RELAXED) == ((handle >> 1U) & 63U)
             ? record
             : (struct heapfloor_instance*)0;
}

#ifdef __cplusplus
}
#endif

/* NOLINTEND(modernize-*,cppcoreguidelines-pro-type-cstyle-cast,performance-no-int-to-ptr,bugprone-dynamic-static-initializers)
 */
#endif
