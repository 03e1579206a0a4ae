#include "collectors/probe/sampler.h"

#include <linux/prctl.h>
#include <sys/mman.h>
#include <sys/sdt.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

#include "collectors/probe/allocator_statistics.h"
#include "collectors/probe/exact_math.h"
#include "collectors/probe/own_process.h"
#include "collectors/probe/segment_memory.h"
#include "heapfloor/probe.h"

namespace heapfloor::probe {

thread_local constinit ThreadState thread_state __attribute__((tls_model("initial-exec"))) = {};
const std::uint8_t* sample_filter = nullptr;

namespace {

constexpr unsigned kLeastIntervalLog2 = 12;
constexpr unsigned kMostIntervalLog2 = 30;
// Where sampling would begin to cost: a stack a quarter of a millisecond.
constexpr std::uint64_t kMostSamplesASecond = 4000;
constexpr std::uint64_t kRateCheckSamples = 8192;
constexpr unsigned kMostRateIntervalLog2 = 26;
constexpr std::size_t kLiveWindow = 32;  // places of a part that a sample may take, from its own on
constexpr std::size_t kThinAbove = kLiveSamples / 4 * 3;
// The table of live samples is used part by part, so that a small heap touches few pages: 4,096
// places, as many again, and then each part is as large as all before it.
constexpr std::size_t kFirstPart = 4096;
constexpr unsigned kLiveParts = 5;
static_assert((kFirstPart << (kLiveParts - 1)) == kLiveSamples);
constexpr std::size_t kSiteIndexSlots = kSites * 2;
constexpr std::size_t kSitesUsable = kSites / 4 * 3;

// What the agent need not see. The kernel empties it in a forked child, whose samples are its own.
struct PrivateTables {
  std::uint8_t filter[std::size_t{1} << kFilterBits];
  std::uint32_t site_index[kSiteIndexSlots];  // 0, or the index of a site
};

PrivateTables* g_tables = nullptr;
bool g_tables_are_wiped = false;  // by the kernel, at fork
std::atomic<std::uint32_t> g_interval_log2{0};
std::atomic<bool> g_is_thinning{false};
std::atomic<std::uint64_t> g_rate_check_ns{0};
std::atomic<std::int32_t> g_pid{0};
std::atomic<unsigned> g_parts_used{1};

template <typename T>
void add(T& counter, std::uint64_t value) {
  __atomic_fetch_add(&counter, static_cast<T>(value), __ATOMIC_RELAXED);
}
template <typename T>
T load(const T& value) {
  return __atomic_load_n(&value, __ATOMIC_RELAXED);
}

// --- chance
// -----------------------------------------------------------------------------------------------------------------------

std::uint64_t next_random(std::uint64_t& state) {  // xorshift64*
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * 0x2545F4914F6CDD1DULL;
}

// In (0, 1].
double uniform(std::uint64_t& state) {
  return (static_cast<double>(next_random(state) >> 11) + 1) * 0x1p-53;
}

std::int64_t draw_distance(std::uint64_t& state, std::uint32_t interval_log2) {
  return static_cast<std::int64_t>(-natural_log(uniform(state)) *
                                   static_cast<double>(std::uint64_t{1} << interval_log2));
}

double probability(std::uint64_t size, std::uint32_t interval_log2) {
  return one_minus_exp_minus(static_cast<double>(size) /
                             static_cast<double>(std::uint64_t{1} << interval_log2));
}

// What one sample stands for.
struct Weight {
  std::uint64_t bytes = 0;
  std::uint64_t objects_q10 = 0;
};

Weight weight_of(std::uint64_t size, std::uint32_t interval_log2) {
  const double p = probability(size, interval_log2);
  return {.bytes = static_cast<std::uint64_t>((static_cast<double>(size) / p) + 0.5),
          .objects_q10 = static_cast<std::uint64_t>((1024 / p) + 0.5)};
}

// --- sites
// ------------------------------------------------------------------------------------------------------------------------

std::uint64_t hash_stack(const std::uint64_t* frames, std::size_t depth, heapfloor_labels label) {
  std::uint64_t hash = (std::uint64_t{label.structure_name_index} << 16) | label.phase_name_index;
  for (std::size_t i = 0; i < depth; ++i) {
    hash = (hash ^ frames[i]) * 0x9E3779B97F4A7C15ULL;
    hash ^= hash >> 32;
  }
  return hash;
}

// Takes `count` records of a section that only grows. False: it is full.
bool reserve(heapfloor_section& table, std::uint64_t count, std::uint64_t most,
             std::uint64_t& first) {
  std::uint64_t used = load(table.used);
  do {
    if (used + count > most) return false;
  } while (!__atomic_compare_exchange_n(&table.used, &used, used + count, true, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED));
  first = used;
  return true;
}

// A new site with these frames; 0 where there is no place.
std::uint32_t make_site(std::uint64_t hash, const std::uint64_t* frames, std::size_t depth,
                        heapfloor_labels label) {
  std::uint64_t first_frame = 0;
  std::uint64_t index = 0;
  if (!reserve(section(HEAPFLOOR_SECTION_FRAMES), depth, kFrames, first_frame) ||
      !reserve(section(HEAPFLOOR_SECTION_SITES), 1, kSitesUsable, index)) {
    return 0;
  }
  std::memcpy(segment().frames + first_frame, frames, depth * sizeof *frames);
  heapfloor_site& site = segment().sites[index];
  site.stack_hash = hash;
  site.first_frame = static_cast<std::uint32_t>(first_frame);
  site.depth = static_cast<std::uint16_t>(depth);
  site.structure_name_index = label.structure_name_index;
  site.phase_name_index = label.phase_name_index;
  __atomic_store_n(&site.state, static_cast<std::uint16_t>(HEAPFLOOR_RECORD_READY),
                   __ATOMIC_RELEASE);
  return static_cast<std::uint32_t>(index);
}

// Two threads that meet a stack first at once may make two sites of it: readers add sites of equal
// stacks up anyway.
std::uint32_t find_site(const std::uint64_t* frames, std::size_t depth, heapfloor_labels label) {
  const std::uint64_t hash = hash_stack(frames, depth, label);
  for (std::size_t probe = 0; probe < kSiteIndexSlots; ++probe) {
    std::uint32_t& slot = g_tables->site_index[(hash + probe) % kSiteIndexSlots];
    std::uint32_t index = __atomic_load_n(&slot, __ATOMIC_ACQUIRE);
    if (index == 0) {
      const std::uint32_t made = make_site(hash, frames, depth, label);
      if (made == 0) return 0;
      if (__atomic_compare_exchange_n(&slot, &index, made, false, __ATOMIC_RELEASE,
                                      __ATOMIC_ACQUIRE))
        return made;
    }
    if (segment().sites[index].stack_hash == hash) return index;
  }
  return 0;
}

// --- live samples
// -------------------------------------------------------------------------------------------------------------------

void raise_filter(std::uintptr_t address) {
  std::uint8_t& count = g_tables->filter[filter_slot(address)];
  std::uint8_t old = load(count);
  // At 255 a slot says "perhaps" for ever: nobody knows any more when it becomes empty.
  while (old != 255 &&
         !__atomic_compare_exchange_n(&count, &old, static_cast<std::uint8_t>(old + 1), true,
                                      __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
}

void lower_filter(std::uintptr_t address) {
  std::uint8_t& count = g_tables->filter[filter_slot(address)];
  std::uint8_t old = load(count);
  while (old != 255 && old != 0 &&
         !__atomic_compare_exchange_n(&count, &old, static_cast<std::uint8_t>(old - 1), true,
                                      __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
}

heapfloor_live& live_place(std::uintptr_t address, unsigned part, std::size_t probe) {
  const std::uint64_t hash = ((address >> 9) * 0x9E3779B97F4A7C15ULL) >> 40;
  const std::size_t size = part == 0 ? kFirstPart : kFirstPart << (part - 1);
  return segment().live[(part == 0 ? 0 : size) + ((hash + probe) % size)];
}

void add_live(std::uint32_t site_index, const Weight& weight) {
  heapfloor_header& header = *segment().header;
  heapfloor_site& site = segment().sites[site_index];
  add(header.live_bytes, weight.bytes);
  add(header.live_objects_q10, weight.objects_q10);
  add(header.live_samples, 1);
  add(site.live_bytes, weight.bytes);
  add(site.live_objects_q10, weight.objects_q10);
  add(site.live_samples, 1);
}

void subtract_live(std::uint32_t site_index, const Weight& weight) {
  heapfloor_header& header = *segment().header;
  heapfloor_site& site = segment().sites[site_index];
  add(header.live_bytes, 0 - weight.bytes);
  add(header.live_objects_q10, 0 - weight.objects_q10);
  add(header.live_samples, ~std::uint64_t{0});
  add(site.live_bytes, 0 - weight.bytes);
  add(site.live_objects_q10, 0 - weight.objects_q10);
  add(site.live_samples, ~std::uint64_t{0});
}

void use_part(unsigned part) {
  unsigned used = g_parts_used.load(std::memory_order_relaxed);
  while (used <= part &&
         !g_parts_used.compare_exchange_weak(used, part + 1, std::memory_order_relaxed)) {
  }
}

bool insert_into(heapfloor_live& place, const TakenSample& sample) {
  const auto address = HEAPFLOOR_LIVE_ADDRESS(sample.word);
  // Claimed words hold the address without the mark of life, so that nobody takes them for free.
  std::uint64_t expected = 0;
  if (load(place.word) != 0 || !__atomic_compare_exchange_n(&place.word, &expected, address, false,
                                                            __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
    return false;
  }
  place.size_bytes = sample.size_bytes;
  place.site_index = sample.site_index;
  place.birth_seconds = sample.birth_seconds;
  place.thread_id = sample.thread_id;
  __atomic_store_n(&place.word, sample.word, __ATOMIC_RELEASE);
  raise_filter(address);
  return true;
}

bool insert_live(const TakenSample& sample) {
  const auto address = HEAPFLOOR_LIVE_ADDRESS(sample.word);
  for (unsigned part = 0; part < kLiveParts; ++part) {
    for (std::size_t probe = 0; probe < kLiveWindow; ++probe) {
      if (!insert_into(live_place(address, part, probe), sample)) continue;
      use_part(part);
      return true;
    }
  }
  return false;
}

// Ends the sample at `place` if it is still the one of `address`.
bool remove_live(heapfloor_live& place, std::uintptr_t address, TakenSample& taken) {
  std::uint64_t word = __atomic_load_n(&place.word, __ATOMIC_ACQUIRE);
  while (HEAPFLOOR_LIVE_IS_ALIVE(word) && HEAPFLOOR_LIVE_ADDRESS(word) == address) {
    taken = {.was_one = true,
             .word = word,
             .size_bytes = place.size_bytes,
             .site_index = place.site_index,
             .birth_seconds = place.birth_seconds,
             .thread_id = place.thread_id};
    // Thinning may change the interval in the word meanwhile; then the new one counts.
    if (__atomic_compare_exchange_n(&place.word, &word, 0, false, __ATOMIC_ACQUIRE,
                                    __ATOMIC_ACQUIRE)) {
      lower_filter(address);
      return true;
    }
  }
  return false;
}

// A page of a table may come from another process of this program, by clone() without fork(): its
// samples are not ours.
bool is_own_process() {
  return is_quiet() ||
         static_cast<std::int32_t>(syscall(SYS_getpid)) == g_pid.load(std::memory_order_relaxed);
}

void start_thread() {
  ThreadState& state = thread_state;
  state.is_started = true;
  state.thread_id = is_quiet() ? 0 : static_cast<std::uint32_t>(syscall(SYS_gettid));
  state.random = (boottime_ns() * 0x9E3779B97F4A7C15ULL) ^
                 (reinterpret_cast<std::uintptr_t>(&state) << 20) ^ state.thread_id;
  if (state.random == 0) state.random = 1;
}

void set_interval(std::uint32_t interval_log2) {
  g_interval_log2.store(interval_log2, std::memory_order_relaxed);
  __atomic_store_n(&segment().header->sample_interval_bytes, std::uint64_t{1} << interval_log2,
                   __ATOMIC_RELAXED);
}

// Samples come faster than they are worth: the interval is doubled for those to come.
void limit_rate(std::uint64_t samples, std::uint64_t now_ns) {
  if (samples % kRateCheckSamples != 0) return;
  const std::uint64_t before_ns = g_rate_check_ns.exchange(now_ns, std::memory_order_relaxed);
  const std::uint64_t least_ns = kRateCheckSamples * 1'000'000'000U / kMostSamplesASecond;
  const std::uint32_t interval_log2 = g_interval_log2.load(std::memory_order_relaxed);
  if (before_ns != 0 && now_ns - before_ns < least_ns && interval_log2 < kMostRateIntervalLog2) {
    set_interval(interval_log2 + 1);
    add(segment().header->thinnings, 1);
  }
}

void forget_in_child() {
  g_pid.store(static_cast<std::int32_t>(getpid()), std::memory_order_relaxed);
  g_is_thinning.store(false, std::memory_order_relaxed);
  g_parts_used.store(1, std::memory_order_relaxed);
  if (!g_tables_are_wiped) std::memset(g_tables, 0, sizeof *g_tables);
  // The sections begin anew in the child; site 0 stays what it is.
  section(HEAPFLOOR_SECTION_SITES).used = 1;
  section(HEAPFLOOR_SECTION_LIVE).used = kLiveSamples;
  set_interval(g_interval_log2.load(std::memory_order_relaxed));
}

// Brings one live sample to the new interval: it stays with probability p(new) / p(old).
void thin_place(heapfloor_live& place, std::uint32_t interval_log2, std::uint64_t& random) {
  std::uint64_t word = __atomic_load_n(&place.word, __ATOMIC_ACQUIRE);
  const std::uint64_t size = place.size_bytes;
  const std::uint32_t site_index = place.site_index;
  const auto old_log2 = static_cast<std::uint32_t>(HEAPFLOOR_LIVE_INTERVAL_LOG2(word));
  if (!HEAPFLOOR_LIVE_IS_ALIVE(word) || old_log2 >= interval_log2 || size == 0) return;
  const bool stays =
      uniform(random) * probability(size, old_log2) <= probability(size, interval_log2);
  const std::uint64_t address = HEAPFLOOR_LIVE_ADDRESS(word);
  const std::uint64_t thinned = stays ? address | (std::uint64_t{interval_log2} << 1) | 1 : 0;
  if (!__atomic_compare_exchange_n(&place.word, &word, thinned, false, __ATOMIC_RELAXED,
                                   __ATOMIC_RELAXED))
    return;
  subtract_live(site_index, weight_of(size, old_log2));
  if (stays) {
    add_live(site_index, weight_of(size, interval_log2));
  } else {
    lower_filter(address);
  }
}

}  // namespace

bool start_sampling(std::uint64_t interval_bytes) {
  void* memory = mmap(nullptr, sizeof(PrivateTables), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  g_tables_are_wiped = madvise(memory, sizeof(PrivateTables), MADV_WIPEONFORK) == 0;
  // A name in /proc/PID/maps, where the kernel has such names (PR_SET_VMA_ANON_NAME, 5.17).
  syscall(SYS_prctl, PR_SET_VMA, PR_SET_VMA_ANON_NAME, memory, sizeof(PrivateTables),
          HEAPFLOOR_SEGMENT_NAME);
  g_tables = static_cast<PrivateTables*>(memory);
  g_pid.store(static_cast<std::int32_t>(getpid()), std::memory_order_relaxed);
  std::uint32_t interval_log2 = kLeastIntervalLog2;
  // Nearest on the logarithmic scale: half way between two powers is sqrt(2) times the lower.
  while (interval_log2 < kMostIntervalLog2 &&
         static_cast<double>(interval_bytes) >=
             1.4142135623730951 * static_cast<double>(std::uint64_t{1} << interval_log2)) {
    ++interval_log2;
  }
  heapfloor_header& header = *segment().header;
  header.initial_sample_interval_bytes = std::uint64_t{1} << interval_log2;
  set_interval(interval_log2);
  segment().sites[0].state = HEAPFLOOR_RECORD_READY;
  section(HEAPFLOOR_SECTION_SITES).used = 1;
  section(HEAPFLOOR_SECTION_LIVE).used = kLiveSamples;
  on_fork_child(&forget_in_child);
  __atomic_fetch_or(&header.flags, static_cast<std::uint32_t>(HEAPFLOOR_FLAG_SAMPLING),
                    __ATOMIC_RELAXED);
  __atomic_store_n(&sample_filter, static_cast<const std::uint8_t*>(g_tables->filter),
                   __ATOMIC_RELEASE);
  return true;
}

bool takes_sample() {
  ThreadState& state = thread_state;
  if (__atomic_load_n(&sample_filter, __ATOMIC_ACQUIRE) == nullptr) {
    state.bytes_left = std::int64_t{1} << 16;  // look again later
    return false;
  }
  const auto now_log2 = static_cast<std::uint8_t>(g_interval_log2.load(std::memory_order_relaxed));
  if (!state.is_started) {
    // The first draw of a thread comes with its first allocation, which counts.
    start_thread();
    state.interval_log2 = now_log2;
    state.bytes_left += draw_distance(state.random, now_log2);
    if (state.bytes_left >= 0) return false;
  }
  state.sampled_interval_log2 = state.interval_log2;
  state.interval_log2 = now_log2;
  state.bytes_left = draw_distance(state.random, now_log2);
  return true;
}

void record_sample(void* address, std::size_t size, FrameRegisters registers,
                   std::uintptr_t caller) {
  if (!is_own_process()) return;
  publish_child();
  const std::uint64_t now_ns = boottime_ns();
  heapfloor_header& header = *segment().header;
  std::uint64_t frames[HEAPFLOOR_MOST_FRAMES];
  ThreadState& state = thread_state;
  const bool is_first_thread =
      state.thread_id == static_cast<std::uint32_t>(g_pid.load(std::memory_order_relaxed));
  extend_stack_bounds(state.stack, registers.stack, is_first_thread);
  const StackWalk walk = walk_stack(registers, caller, state.stack, frames, HEAPFLOOR_MOST_FRAMES);
  if (walk.was_cut) add(header.stacks_cut, 1);
  const std::uint32_t site_index = find_site(frames, walk.depth, heapfloor_label);
  if (site_index == 0) add(header.stacks_without_site, 1);

  const std::uint32_t interval_log2 = state.sampled_interval_log2;
  const Weight weight = weight_of(size, interval_log2);
  heapfloor_site& site = segment().sites[site_index];
  add(site.allocated_bytes, weight.bytes);
  add(site.allocated_objects_q10, weight.objects_q10);
  add(site.samples, 1);
  add(header.allocated_bytes, weight.bytes);
  add(header.allocated_objects_q10, weight.objects_q10);
  const std::uint64_t samples = __atomic_add_fetch(&header.samples, 1, __ATOMIC_RELAXED);

  const std::uint64_t age_ns = now_ns - header.created_boottime_ns;
  // An earlier sample at this address is a block whose free() passed the hooks by.
  end_sample(address);
  const bool has_place = insert_live(
      {.was_one = true,
       .word = reinterpret_cast<std::uintptr_t>(address) | (std::uint64_t{interval_log2} << 1) | 1,
       .size_bytes = size,
       .site_index = site_index,
       .birth_seconds = static_cast<std::uint32_t>(age_ns / 1'000'000'000U),
       .thread_id = state.thread_id});
  if (has_place) {
    add_live(site_index, weight);
  } else {
    add(header.samples_lost, 1);
  }
  DTRACE_PROBE3(otel_memory, alloc, address, size, weight.bytes);
  __atomic_store_n(&header.heartbeat_boottime_ns, now_ns, __ATOMIC_RELAXED);
  limit_rate(samples, now_ns);
  if (load(header.live_samples) > kThinAbove) thin_samples();
}

TakenSample take_sample_out(const void* address) {
  TakenSample taken;
  const auto number = reinterpret_cast<std::uintptr_t>(address);
  const unsigned parts = g_parts_used.load(std::memory_order_relaxed);
  for (unsigned part = 0; part < parts; ++part) {
    for (std::size_t probe = 0; probe < kLiveWindow; ++probe) {
      if (!remove_live(live_place(number, part, probe), number, taken)) continue;
      const auto interval_log2 =
          static_cast<std::uint32_t>(HEAPFLOOR_LIVE_INTERVAL_LOG2(taken.word));
      subtract_live(taken.site_index, weight_of(taken.size_bytes, interval_log2));
      return taken;
    }
  }
  return {};
}

void put_sample_back(const TakenSample& sample) {
  if (!sample.was_one || !insert_live(sample)) return;
  add_live(sample.site_index,
           weight_of(sample.size_bytes,
                     static_cast<std::uint32_t>(HEAPFLOOR_LIVE_INTERVAL_LOG2(sample.word))));
}

void end_sample(const void* address) {
  if (!may_be_sample(address)) return;
  if (take_sample_out(address).was_one) count_ended(address);
}

void count_ended(const void* address) {
  add(segment().header->samples_ended, 1);
  DTRACE_PROBE1(otel_memory, free, address);
}

void count_untracked(std::size_t size) { add(segment().header->untracked_large_bytes, size); }

void thin_samples() {
  if (g_is_thinning.exchange(true, std::memory_order_acquire)) return;
  const std::uint32_t interval_log2 = g_interval_log2.load(std::memory_order_relaxed) + 1;
  if (interval_log2 <= kMostIntervalLog2) {
    // Those to come first: what is taken meanwhile with the old interval is thinned as well.
    set_interval(interval_log2);
    for (std::size_t i = 0; i < kLiveSamples; ++i)
      thin_place(segment().live[i], interval_log2, thread_state.random);
    add(segment().header->thinnings, 1);
  }
  g_is_thinning.store(false, std::memory_order_release);
}

}  // namespace heapfloor::probe
