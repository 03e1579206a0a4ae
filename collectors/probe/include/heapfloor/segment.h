/* The memory that a probe publishes: one layout, written inside a target process, read from outside
 * by the agent.
 *
 * A target holds one sealed memfd named HEAPFLOOR_SEGMENT_NAME, mapped shared. A reader finds it as
 * "/memfd:heapfloor_probe" in /proc/PID/maps and opens it through /proc/PID/map_files. No path, no
 * mount and no stale file is involved, and whoever holds it open still has its last state after the
 * target was killed.
 *
 * Rules of the layout (LAYOUT.md beside this folder has every offset):
 * - Fixed-width little-endian integers, no pointers. Offsets count from the start of the segment.
 * - `magic` is written last: a segment without it is not there yet.
 * - Sections are found through the table of contents. A reader skips types it does not know, takes
 * `stride` from the table and ignores bytes behind the fields it knows. New fields are added at the
 * end of records under a new minor version; anything else is a new major version, which a reader
 * refuses.
 * - Every field may change while it is read; none is larger than 8 bytes and each is stored at
 * once. What must be read together has a `sequence` that is odd while it is written.
 * - HEAPFLOOR_ABSENT says that a value is not known. It is never 0.
 * - The reader trusts nothing: the writer shares its memory with the program under watch.
 *
 * Read a segment with pread() on the file: reading untouched pages through a mapping would make the
 * kernel allocate them. Plain C11 and C++17, so that other tools can read it. */
#ifndef HEAPFLOOR_SEGMENT_H
#define HEAPFLOOR_SEGMENT_H

/* C: NOLINTBEGIN(modernize-*) */
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HEAPFLOOR_SEGMENT_NAME "heapfloor_probe"
#define HEAPFLOOR_SEGMENT_MAGIC UINT64_C(0x31524F4F4C465048) /* "HPFLOOR1" in memory */
#define HEAPFLOOR_ABI_MAJOR 1
#define HEAPFLOOR_ABI_MINOR 0
#define HEAPFLOOR_ABSENT UINT64_MAX

#define HEAPFLOOR_HEADER_BYTES 4096
#define HEAPFLOOR_MOST_SECTIONS 16
#define HEAPFLOOR_NAME_BYTES 64 /* names end with NUL; longer ones are cut at a whole character */
#define HEAPFLOOR_ELEMENT_BYTES 96
#define HEAPFLOOR_FILE_BYTES 96
#define HEAPFLOOR_MOST_FRAMES 64 /* of one stack */

/* What a section holds: `count` records of `stride` bytes. */
enum heapfloor_section_type {
  HEAPFLOOR_SECTION_ALLOCATOR = 1,  /* one heapfloor_allocator */
  HEAPFLOOR_SECTION_ARENAS = 2,     /* heapfloor_arena: malloc_info, where it was asked for */
  HEAPFLOOR_SECTION_NAMES = 3,      /* heapfloor_name; index 0 is "no name" */
  HEAPFLOOR_SECTION_STRUCTURES = 4, /* heapfloor_structure; index 0 is never used */
  HEAPFLOOR_SECTION_INSTANCES =
      5, /* heapfloor_instance: index into it moves as instances come and go */
  HEAPFLOOR_SECTION_SITES = 6,  /* heapfloor_site; index 0 takes what found no place in the table */
  HEAPFLOOR_SECTION_FRAMES = 7, /* uint64_t return addresses, of all sites */
  HEAPFLOOR_SECTION_LIVE = 8    /* heapfloor_live: samples that are alive, in no order */
};

struct heapfloor_section {
  uint32_t type;
  uint32_t stride; /* bytes from one record to the next */
  uint64_t offset; /* from the start of the segment, a multiple of 64 */
  uint64_t count;  /* records that there is room for */
  uint64_t used;   /* records [0, used) were ever written; grows only */
};

/* Bits of heapfloor_header.flags. */
enum heapfloor_flag {
  HEAPFLOOR_FLAG_SAMPLING = 1,     /* allocation sites are sampled */
  HEAPFLOOR_FLAG_OPERATOR_NEW = 2, /* operator new and delete are hooked, not malloc alone */
  HEAPFLOOR_FLAG_PRELOADED = 4,    /* came by LD_PRELOAD */
  HEAPFLOOR_FLAG_FORKED = 8, /* made by a child after fork(); samples of its parent are not in it */
  HEAPFLOOR_FLAG_QUIET =
      16 /* the target entered a sandbox: allocator statistics stay as they are */
};

/* What an agent may ask for. It writes `request` = (a number it increments) * 256 + code and waits
 * until `request_done` holds the same; the probe looks at it when it takes a sample, that is, only
 * while the target allocates. */
enum heapfloor_request {
  HEAPFLOOR_REQUEST_NONE = 0,
  HEAPFLOOR_REQUEST_TRIM =
      1, /* return free memory to the kernel once: malloc_trim, arena purge, ReleaseFreeMemory */
  HEAPFLOOR_REQUEST_PAUSE = 2,
  HEAPFLOOR_REQUEST_RESUME = 3
};

struct heapfloor_header {
  uint64_t magic; /* HEAPFLOOR_SEGMENT_MAGIC, written last */
  uint16_t abi_major;
  uint16_t abi_minor;
  uint32_t header_bytes; /* HEAPFLOOR_HEADER_BYTES */
  uint64_t total_bytes;
  int32_t pid; /* as the target sees itself: another number in another pid namespace */
  uint32_t section_count;
  uint64_t start_ticks; /* field 22 of its /proc/self/stat; HEAPFLOOR_ABSENT where it could not be
                           read */
  uint64_t created_boottime_ns;   /* CLOCK_BOOTTIME */
  uint32_t library_version;       /* major * 65536 + minor * 256 + patch */
  uint32_t flags;                 /* enum heapfloor_flag */
  uint64_t heartbeat_boottime_ns; /* when the probe last did anything but count */
  uint64_t request;               /* the one word that a reader writes */
  uint64_t request_done;
  uint64_t reserved_0[6];
  /* The sampler. Sums are unbiased estimates of everything that was allocated (live: and not
   * freed), not of the samples alone: a block of S bytes is sampled with p = 1 - exp(-S / interval)
   * and adds S / p bytes and 1 / p objects. */
  uint64_t sample_interval_bytes;         /* now */
  uint64_t initial_sample_interval_bytes; /* before any thinning */
  uint64_t samples;                       /* taken since the segment was created */
  uint64_t samples_ended;                 /* freed since */
  uint64_t allocated_bytes;
  uint64_t allocated_objects_q10; /* in 1/1024 of an object */
  uint64_t live_bytes; /* may be a little below 0 (2^64 - n) while a sample is on its way */
  uint64_t live_objects_q10;
  uint64_t live_samples;
  uint64_t thinnings; /* how often the interval was doubled, with samples dropped so that the rest
                         stays unbiased */
  uint64_t samples_lost;          /* no place in the table of live samples: the sums miss them */
  uint64_t stacks_without_site;   /* counted at site 0, as the table of sites or frames is full */
  uint64_t stacks_cut;            /* the unwinder stopped before the end of the stack */
  uint64_t untracked_large_bytes; /* zeroed blocks that could not be marked without touching their
                                     pages */
  uint64_t names_lost;            /* names, structures and instances that found no place */
  uint64_t reserved_1[97];
  struct heapfloor_section sections[HEAPFLOOR_MOST_SECTIONS]; /* at offset 1024 */
  uint8_t reserved_2[HEAPFLOOR_HEADER_BYTES - 1024 - (HEAPFLOOR_MOST_SECTIONS * 32)];
};

enum heapfloor_allocator_kind {
  HEAPFLOOR_ALLOCATOR_UNKNOWN = 0,
  HEAPFLOOR_ALLOCATOR_GLIBC = 1,
  HEAPFLOOR_ALLOCATOR_JEMALLOC = 2,
  HEAPFLOOR_ALLOCATOR_GPERFTOOLS = 3,
  HEAPFLOOR_ALLOCATOR_TCMALLOC = 4, /* google/tcmalloc */
  HEAPFLOOR_ALLOCATOR_MIMALLOC = 5
};

/* The allocator's own account. Values in bytes unless named otherwise; HEAPFLOOR_ABSENT where this
 * allocator has no such value. */
struct heapfloor_allocator {
  uint64_t sequence; /* odd while the rest is written */
  uint32_t kind;     /* enum heapfloor_allocator_kind: who owns malloc() */
  uint32_t reserved_0;
  char version[32];
  uint64_t sampled_boottime_ns; /* 0: never yet */
  uint64_t sample_duration_ns;  /* of the last reading; locks were held for part of it */
  uint64_t samples;
  uint64_t skipped_budget; /* readings put off, since the last ones took too long */
  uint64_t skipped_busy;   /* another thread was reading */
  uint64_t in_use;         /* glibc uordblks + hblkhd; jemalloc stats.allocated; tcmalloc
                              current_allocated_bytes */
  uint64_t free_fastbin;   /* glibc fsmblks */
  uint64_t free_bins;      /* glibc fordblks - fsmblks - top */
  uint64_t free_top;       /* glibc keepcost: top of the main arena */
  uint64_t free_dirty;     /* jemalloc: pages that it has not given back */
  uint64_t free_muzzy;     /* jemalloc: given back lazily */
  uint64_t free_pageheap;  /* gperftools, tcmalloc */
  uint64_t free_central;
  uint64_t free_thread;
  uint64_t active;
  uint64_t resident;
  uint64_t mapped;
  uint64_t retained;
  uint64_t metadata;
  uint64_t releasable;     /* what a trim could give back at most */
  uint64_t arenas;         /* a count */
  uint64_t free_chunks;    /* a count: glibc ordblks + smblks */
  uint64_t mapped_regions; /* a count: glibc hblks */
  uint64_t trims; /* a count: malloc_trim, purges, releases: by the program and on request */
  uint64_t trim_released; /* by them: fall of resident memory, in total */
  uint64_t reserved_1[33];
};

struct heapfloor_arena {
  uint64_t used_bytes;
  uint64_t free_bytes;
};

struct heapfloor_name {
  char text[HEAPFLOOR_NAME_BYTES];
};

/* Names that are in every segment: what structures set as label `phase` by themselves. */
enum heapfloor_own_name {
  HEAPFLOOR_NAME_NONE = 0,
  HEAPFLOOR_NAME_INIT = 1, /* "init": constructors, reserve */
  HEAPFLOOR_NAME_GROW = 2, /* "grow": insertions, growing reallocations, rehashes */
  HEAPFLOOR_NAME_CLEAR = 3 /* "clear": clear, shrink_to_fit */
};

enum heapfloor_record_state {
  HEAPFLOOR_RECORD_FREE = 0,
  HEAPFLOOR_RECORD_BEING_WRITTEN = 1,
  HEAPFLOOR_RECORD_READY = 2
};

enum heapfloor_structure_kind {
  HEAPFLOOR_KIND_OTHER = 0, /* a gauge: home-made caches, pools, queues */
  HEAPFLOOR_KIND_MAP = 1,
  HEAPFLOOR_KIND_SET = 2,
  HEAPFLOOR_KIND_UNORDERED_MAP = 3,
  HEAPFLOOR_KIND_UNORDERED_SET = 4,
  HEAPFLOOR_KIND_VECTOR = 5,
  HEAPFLOOR_KIND_DEQUE = 6,
  HEAPFLOOR_KIND_LIST = 7,
  HEAPFLOOR_KIND_STRING = 8,
  HEAPFLOOR_KIND_MEMORY_RESOURCE = 9
};

/* A kind of structure: all instances with one name and one type. The sums are those of instances
 * that have ended, each times its weight; add the living ones (heapfloor_instance) for the totals.
 */
struct heapfloor_structure {
  uint32_t state;                        /* enum heapfloor_record_state; never free again */
  uint32_t kind;                         /* enum heapfloor_structure_kind */
  uint32_t name_index;                   /* into names */
  uint32_t line;                         /* of its owner; 0 unknown */
  char element[HEAPFLOOR_ELEMENT_BYTES]; /* type of what it holds, as the compiler writes it */
  char file[HEAPFLOOR_FILE_BYTES];       /* of its owner, the last part where it is too long */
  uint64_t instances_started;            /* exact, of all instances, watched or not */
  uint64_t instances_ended;              /* the same */
  uint64_t instances_unwatched;          /* lost: no place in the table; missing from all sums */
  uint64_t insertions;
  uint64_t removals;
  uint64_t growths;
  uint64_t rehashes;
  uint64_t shrinks;
  uint64_t clears;
  uint64_t moved_bytes;
  uint64_t last_clear_boottime_ns; /* clear, shrink or rehash of any instance; 0: never */
  uint64_t epochs; /* clears, shrinks and rehashes of all instances: the detector's compactions */
  uint64_t watched_instances; /* records it holds in instances now */
  uint64_t reserved_0[9];
};

/* One instance that is watched. Written by the thread that owns the instance alone, unless it was
 * declared shared. */
struct heapfloor_instance {
  uint32_t state;           /* enum heapfloor_record_state */
  uint16_t structure_index; /* into structures */
  uint8_t weight_log2;      /* it stands for 2^weight_log2 instances */
  uint8_t generation_low;   /* the low six bits of `generation` */
  uint64_t bytes;
  uint64_t elements;
  uint64_t capacity_elements; /* HEAPFLOOR_ABSENT where the structure has none */
  uint64_t hash_buckets;      /* HEAPFLOOR_ABSENT where it has none */
  uint64_t peak_elements;     /* since its last clear */
  uint64_t insertions;
  uint64_t removals;
  uint64_t growths;
  uint64_t rehashes;
  uint64_t shrinks;
  uint64_t clears;
  uint64_t moved_bytes; /* bytes that growths copied or moved */
  uint64_t generation;  /* of this record; changes when another instance takes it */
  uint64_t sharers;     /* of the target alone: copies of an allocator but one */
  uint64_t carried;     /* of the target alone: insertions - removals - elements */
};

/* A stack that allocated, with the labels that were set. The sums are estimates as in the header.
 */
struct heapfloor_site {
  uint64_t stack_hash;
  uint32_t first_frame; /* into frames */
  uint16_t
      depth; /* <= HEAPFLOOR_MOST_FRAMES; leaf first: frames[first_frame] called the allocator */
  uint16_t state;                /* enum heapfloor_record_state */
  uint16_t structure_name_index; /* label `structure`, into names; 0 none */
  uint16_t phase_name_index;     /* label `phase` */
  uint32_t live_samples;
  uint64_t allocated_bytes;
  uint64_t allocated_objects_q10;
  uint64_t live_bytes;
  uint64_t live_objects_q10;
  uint64_t samples;
};

/* A sample that is alive. `word` is its address with the low nine bits, which are 0 in an address,
 * used as (log2 of its interval) * 2 + 1; even or 0: there is none. */
struct heapfloor_live {
  uint64_t word;
  uint64_t size_bytes;
  uint32_t site_index;
  uint32_t birth_seconds; /* since created_boottime_ns */
  uint32_t thread_id;
  uint32_t reserved_0;
};

#define HEAPFLOOR_LIVE_MARK_BYTES 512 /* every sampled block starts at a multiple of it */
#define HEAPFLOOR_LIVE_IS_ALIVE(word) (((word)&1u) != 0)
#define HEAPFLOOR_LIVE_INTERVAL_LOG2(word) (((word) >> 1) & 63u)
#define HEAPFLOOR_LIVE_ADDRESS(word) ((word) & ~UINT64_C(511))

#ifdef __cplusplus
}
static_assert(sizeof(heapfloor_section) == 32, "layout");
static_assert(sizeof(heapfloor_header) == HEAPFLOOR_HEADER_BYTES, "layout");
static_assert(sizeof(heapfloor_allocator) == 512, "layout");
static_assert(sizeof(heapfloor_structure) == 384, "layout");
static_assert(sizeof(heapfloor_instance) == 128, "layout");
static_assert(sizeof(heapfloor_site) == 64, "layout");
static_assert(sizeof(heapfloor_live) == 32, "layout");
#endif

/* NOLINTEND(modernize-*) */
#endif
