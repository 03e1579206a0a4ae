#include "collectors/runtime/go_target.h"

#include <elf.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>

namespace heapfloor {
namespace {

constexpr double kMostAmount = static_cast<double>(std::uint64_t{1} << 50);  // 1 PiB
constexpr std::uint64_t kMostTotal = std::uint64_t{1} << 62;                 // of what only rises
constexpr std::int64_t kNoLimit = INT64_MAX;
constexpr std::int32_t kMostPercent = 1000000000;
constexpr double kNanosecondsASecond = 1e9;
constexpr std::uint64_t kMostGoroutines = std::uint64_t{1} << 32;
constexpr std::uint64_t kMostPs = 4096;
constexpr std::array kOfSystem = {GoStat::stacks_system, GoStat::spans_system,
                                  GoStat::caches_system, GoStat::buckets_system,
                                  GoStat::gc_system,     GoStat::other_system};

template <class Word>
std::optional<Word> load(std::span<const std::byte> bytes, std::uint64_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(Word)) return std::nullopt;
  Word word;
  std::memcpy(&word, bytes.data() + offset, sizeof word);
  return word;
}

template <class Word>
std::optional<Word> load(std::span<const std::byte> bytes, const GoLayout::Offset& offset) {
  return offset ? load<Word>(bytes, std::uint64_t{*offset}) : std::nullopt;
}

std::optional<double> below(const std::optional<std::uint64_t>& word, double most) {
  if (!word || static_cast<double>(*word) > most) return std::nullopt;
  return static_cast<double>(*word);
}

std::optional<double> seconds(const std::optional<std::uint64_t>& nanoseconds) {
  const auto known = below(nanoseconds, static_cast<double>(kMostTotal));
  if (!known) return std::nullopt;
  return *known / kNanosecondsASecond;
}

Failure not_believed(std::string reason) {
  return failure(ErrorKind::malformed, {}, std::move(reason));
}

// The figures of one copy of gcController.
class Control {
 public:
  Control(const GoLayout& layout, std::span<const std::byte> bytes)
      : layout_(layout), bytes_(bytes) {}
  template <class Word = std::uint64_t>
  [[nodiscard]] std::optional<Word> word(GoControl what) const {
    return load<Word>(bytes_, layout_.of(what));
  }
  [[nodiscard]] std::optional<double> amount(GoControl what) const {
    return below(word(what), kMostAmount);
  }
  // Of what is resident or was: those that there is more of than anybody has are lies.
  [[nodiscard]] bool is_below(GoControl what, double most) const {
    const auto known = word(what);
    return !known || static_cast<double>(*known) <= most;
  }

 private:
  const GoLayout& layout_;
  std::span<const std::byte> bytes_;
};

bool is_believable(const Control& control, double most_bytes) {
  for (const GoControl what : {GoControl::heap_live, GoControl::heap_marked, GoControl::heap_in_use,
                               GoControl::heap_free, GoControl::heap_released}) {
    if (!control.is_below(what, std::min(most_bytes, kMostAmount))) return false;
  }
  const auto percent = control.word<std::int32_t>(GoControl::gc_percent);
  const auto limit = control.word<std::int64_t>(GoControl::memory_limit);
  return (!percent || (*percent >= -1 && *percent <= kMostPercent)) && (!limit || *limit >= 0);
}

// The totals are added to before what they are of can be freed.
void read_totals(const Control& control, GoReading& reading) {
  const auto allocated = control.word(GoControl::total_allocated);
  const auto freed = control.word(GoControl::total_freed);
  if (!allocated || *allocated > kMostTotal) return;
  reading.allocations = static_cast<double>(*allocated);
  if (freed && *freed <= *allocated) reading.allocated = below(*allocated - *freed, kMostAmount);
}

// In use beside the heap: the sum over the shards, of which one may be below 0.
struct Beside {
  std::int64_t stacks = 0, work = 0;
};
std::optional<Beside> read_shards(const GoShards& shards, std::span<const std::byte> stats) {
  std::array<std::uint64_t, 3> sums = {};
  const std::array offsets = {shards.stacks, shards.work_buffers, shards.pointer_bits};
  for (std::uint32_t shard = 0; shard < GoShards::kCount; ++shard) {
    for (std::size_t i = 0; i < offsets.size(); ++i) {
      const std::uint64_t at = shards.offset + std::uint64_t{shard} * shards.stride + offsets.at(i);
      const auto word = load<std::uint64_t>(stats, at);
      if (!word) return std::nullopt;
      sums.at(i) += *word;
    }
  }
  for (const std::uint64_t sum : sums) {
    if (static_cast<double>(sum) > kMostAmount) return std::nullopt;
  }
  return Beside{static_cast<std::int64_t>(sums[0]), static_cast<std::int64_t>(sums[1] + sums[2])};
}

// The sum of `count` words; nothing where they are not all there.
std::optional<std::uint64_t> sum_of(std::span<const std::byte> bytes, std::uint64_t offset,
                                    std::uint32_t count) {
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  if (offset > bytes.size() || (bytes.size() - offset) / kWord < count) return std::nullopt;
  std::uint64_t sum = 0;
  for (const std::byte* at = bytes.data() + offset; count > 0; --count, at += kWord) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, kWord);
    sum += word;
  }
  return sum;
}

std::optional<double> system_of(const GoLayout& layout, std::span<const std::byte> stats,
                                const GoReading& reading, const Beside& beside) {
  if (!reading.in_use || !reading.free || !reading.released) return std::nullopt;
  double sum = *reading.in_use + *reading.free + *reading.released +
               static_cast<double>(beside.stacks) + static_cast<double>(beside.work);
  for (const GoStat what : kOfSystem) {
    const auto part = below(load<std::uint64_t>(stats, layout.of(what)), kMostAmount);
    if (!part) return std::nullopt;
    sum += *part;
  }
  return sum;
}

}  // namespace

std::size_t go_control_bytes(const GoLayout& layout) {
  std::uint32_t end = 0;
  for (const GoLayout::Offset& offset : layout.control) end = std::max(end, offset.value_or(0) + 8);
  return end;
}

std::size_t go_stats_bytes(const GoLayout& layout) {
  std::uint32_t end = 0;
  for (const GoLayout::Offset& offset : layout.stats) end = std::max(end, offset.value_or(0) + 8);
  if (layout.shards)
    end = std::max(end, layout.shards->offset + GoShards::kCount * layout.shards->stride);
  return end;
}

Result<GoReading> read_go_control(const GoLayout& layout, std::span<const std::byte> bytes,
                                  std::uint32_t cycles, double most_bytes) {
  const Control control(layout, bytes);
  if (std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; }))
    return failure(ErrorKind::unavailable, {}, "the Go runtime is starting");
  if (!is_believable(control, most_bytes))
    return not_believed("what stands where a Go runtime keeps its figures can be none");
  GoReading reading;
  reading.cycles = cycles;
  // Before the first collection it is what the runtime began with.
  if (cycles > 0) reading.live = control.amount(GoControl::heap_marked);
  reading.goal = control.amount(GoControl::heap_goal);
  const auto limit = control.word<std::int64_t>(GoControl::memory_limit);
  if (limit && *limit < kNoLimit)
    reading.limit = below(static_cast<std::uint64_t>(*limit), kMostAmount);
  reading.in_use = control.amount(GoControl::heap_in_use);
  reading.free = control.amount(GoControl::heap_free);
  reading.released = control.amount(GoControl::heap_released);
  read_totals(control, reading);
  return reading;
}

GoRest read_go_stats(const GoLayout& layout, std::span<const std::byte> stats,
                     const GoReading& reading) {
  GoRest rest;
  const auto fraction = load<double>(stats, layout.of(GoStat::cpu_fraction));
  if (fraction && *fraction >= 0 && *fraction <= 1) rest.cpu_fraction = fraction;
  if (reading.cycles > 0)
    rest.last_gc_seconds = seconds(load<std::uint64_t>(stats, layout.of(GoStat::last_gc)));
  rest.pause_seconds = seconds(load<std::uint64_t>(stats, layout.of(GoStat::pause_total)));
  if (!layout.shards) return rest;
  const auto beside = read_shards(*layout.shards, stats);
  if (!beside) return rest;
  rest.stacks = static_cast<double>(beside->stacks);
  rest.system = system_of(layout, stats, reading, *beside);
  return rest;
}

// One shard may have freed what another one has allocated: only the sum over all means something.
std::optional<double> read_go_objects(const GoShards& shards, const GoObjects& objects,
                                      std::span<const std::byte> bytes) {
  std::uint64_t live = 0;
  for (std::uint32_t shard = 0; shard < GoShards::kCount; ++shard) {
    const std::uint64_t start = std::uint64_t{shard} * shards.stride;
    const auto large_allocated = load<std::uint64_t>(bytes, start + objects.large_allocated);
    const auto large_freed = load<std::uint64_t>(bytes, start + objects.large_freed);
    const auto small_allocated = sum_of(bytes, start + objects.small_allocated, objects.classes);
    const auto small_freed = sum_of(bytes, start + objects.small_freed, objects.classes);
    if (!large_allocated || !large_freed || !small_allocated || !small_freed) return std::nullopt;
    live += *large_allocated + *small_allocated - *large_freed - *small_freed;
  }
  return below(live, kMostAmount);
}

std::optional<std::uint64_t> go_load_bias(std::string_view auxv, std::uint64_t headers_address) {
  const auto bytes = std::as_bytes(std::span(auxv));
  for (std::uint64_t at = 0;; at += sizeof(Elf64_auxv_t)) {
    const auto entry = load<Elf64_auxv_t>(bytes, at);
    if (!entry || entry->a_type == AT_NULL) return std::nullopt;
    if (entry->a_type != AT_PHDR) continue;
    if (entry->a_un.a_val < headers_address) return std::nullopt;
    return entry->a_un.a_val - headers_address;
  }
}

Result<GoTarget> GoTarget::open(const ProcessId& id, std::shared_ptr<const GoProgram> program,
                                const ProcessDir& directory, std::span<char> buffer) {
  GoTarget target;
  target.id_ = id;
  target.program_ = std::move(program);
  if (target.program_->headers_address) {
    const auto auxv = directory.read("auxv", buffer);
    if (!auxv) return Failure(auxv.error());
    const auto bias = go_load_bias(*auxv, *target.program_->headers_address);
    if (!bias) return not_believed("the auxiliary vector does not tell of the program's headers");
    target.bias_ = *bias;
  }
  auto memory = directory.open_mapped_memory(0, kAddressSpaceBytes);
  if (!memory) return Failure(std::move(memory.error()));
  target.memory_ = std::make_shared<const MappedBytes>(std::move(*memory));
  target.control_.resize(go_control_bytes(target.program_->layout));
  return target;
}

std::shared_ptr<const GoSiteSource> GoTarget::site_source() const {
  return std::make_shared<const GoSiteSource>(id_, program_, memory_, bias_);
}

// `kind` becomes that of the last read that failed.
GoMemory GoSiteSource::reader(ErrorKind& kind) const {
  return [this, &kind](std::uint64_t address, std::span<std::byte> to) {
    const auto read = memory_->read(address, to);
    if (!read) kind = read.error().kind;
    return read.has_value();
  };
}

Result<GoStacks> GoSiteSource::read_stacks(const GoLineTable& table,
                                           const GoStackBounds& bounds) const {
#if defined(__x86_64__)
  constexpr bool kIsKnownMachine = true;
#else
  constexpr bool kIsKnownMachine = false;
#endif
  const auto count = program_->of(GoVariable::all_goroutines);
  const auto list = program_->of(GoVariable::goroutine_list);
  if (!kIsKnownMachine || !program_->layout.goroutines || !count || !list)
    return failure(ErrorKind::unavailable, {},
                   "nothing says how " + program_->version + " lays its goroutines out");
  ErrorKind kind = ErrorKind::io;
  auto stacks = read_go_stacks(
      *program_->layout.goroutines, {*count + bias_, *list + bias_, bias_}, reader(kind),
      [&table](std::uint64_t address) { return table.code_at(address); }, bounds);
  if (!stacks && stacks.error().kind == ErrorKind::io) stacks.error().kind = kind;
  return stacks;
}

Result<GoSites> GoSiteSource::read(const GoSiteBounds& bounds) const {
  const auto buckets = program_->of(GoVariable::buckets);
  const auto cycle = program_->of(GoVariable::profile_cycle);
  const auto rate = program_->of(GoVariable::profile_rate);
  if (!program_->layout.buckets || !buckets || !cycle || !rate)
    return failure(ErrorKind::unavailable, {},
                   "nothing says how " + program_->version + " lays its memory profile out");
  ErrorKind kind = ErrorKind::io;
  auto sites =
      read_go_sites(*program_->layout.buckets,
                    {*buckets + bias_, *cycle + bias_, *rate + bias_, bias_}, reader(kind), bounds);
  if (!sites && sites.error().kind == ErrorKind::io) sites.error().kind = kind;
  return sites;
}

std::optional<std::uint64_t> GoTarget::address_of(GoVariable variable) const {
  const auto address = program_->of(variable);
  if (!address) return std::nullopt;
  return *address + bias_;
}

template <class Word>
Result<Word> GoTarget::read_word(std::uint64_t address) const {
  Word word = {};
  if (auto read = memory_->read(address, std::as_writable_bytes(std::span(&word, 1))); !read)
    return Failure(std::move(read.error()));
  return word;
}

Result<void> GoTarget::read_control() {
  return memory_->read(address_of(GoVariable::controller).value_or(0), control_);
}

// By gcController as it was just read. The runtime counts a collection a little later than it marks
// its end, hence twice; and after many reads once more, for a program that was stopped between.
bool GoTarget::may_have_collected() {
  constexpr std::uint32_t kAgainAfterReads = 64;
  const GoLayout& layout = program_->layout;
  const auto start = load<std::uint64_t>(control_, layout.of(GoControl::mark_start));
  const auto triggered = load<std::uint64_t>(control_, layout.of(GoControl::triggered));
  if (!start || !triggered) return true;
  const Marks marks = {*start, *triggered};
  if (marks != marks_) reads_since_marks_ = 0;
  marks_ = marks;
  const std::uint32_t reads = reads_since_marks_++;
  return reads < 2 || reads % kAgainAfterReads == 0;
}

Result<void> GoTarget::read(double most_bytes) {
  const GoLayout& layout = program_->layout;
  const std::uint64_t stats = address_of(GoVariable::memstats).value_or(0);
  if (auto read = read_control(); !read) return read;
  std::uint32_t cycles = reading_ ? reading_->cycles : 0;
  if (may_have_collected() || !reading_) {
    const auto counted = read_word<std::uint32_t>(stats + layout.of(GoStat::cycles).value_or(0));
    if (!counted) return Failure(counted.error());
    cycles = *counted;
  }
  // Behind the count, so that figures are never of a collection before it.
  const bool has_collected = !reading_ || cycles != reading_->cycles;
  if (has_collected) {
    if (auto read = read_control(); !read) return read;
  }
  auto reading = read_go_control(layout, control_, cycles, most_bytes);
  if (!reading) return Failure(std::move(reading.error()));
  if (reading_ && reading->cycles < reading_->cycles)
    return not_believed("the count of a Go program's collections has fallen");
  reading_ = *reading;
  if (has_collected) {
    std::vector<std::byte> copy(go_stats_bytes(layout));
    if (!memory_->read(stats, copy)) copy.clear();
    rest_ = read_go_stats(layout, copy, *reading_);
  }
  return {};
}

GoCounts GoTarget::count() const { return {count_goroutines(), count_objects()}; }

std::optional<double> GoTarget::count_objects() const {
  const GoLayout& layout = program_->layout;
  const auto stats = address_of(GoVariable::memstats);
  if (!layout.shards || !layout.objects || !stats) return std::nullopt;
  std::vector<std::byte> copy(std::size_t{GoShards::kCount} * layout.shards->stride);
  if (!memory_->read(*stats + layout.shards->offset, copy)) return std::nullopt;
  return read_go_objects(*layout.shards, *layout.objects, copy);
}

std::optional<double> GoTarget::count_goroutines() const {
  struct Slice {
    std::uint64_t data, length, capacity;
  };
  const auto& scheduler = program_->layout.scheduler;
  const auto all = address_of(GoVariable::all_goroutines);
  const auto sched = address_of(GoVariable::sched);
  const auto all_p = address_of(GoVariable::all_p);
  if (!scheduler || !all || !sched || !all_p) return std::nullopt;
  const auto made = read_word<std::uint64_t>(*all);
  const auto system = read_word<std::int32_t>(*sched + scheduler->system);
  const auto ended = read_word<std::int32_t>(*sched + scheduler->ended);
  const auto slice = read_word<Slice>(*all_p);
  if (!made || !system || !ended || !slice) return std::nullopt;
  if (*made > kMostGoroutines || slice->length > kMostPs) return std::nullopt;
  std::int64_t count = static_cast<std::int64_t>(*made) - *system - *ended;
  std::vector<std::uint64_t> ps(slice->length);
  if (!memory_->read(slice->data, std::as_writable_bytes(std::span(ps)))) return std::nullopt;
  for (const std::uint64_t p : ps) {
    const auto ended_of_p = read_word<std::int32_t>(p + scheduler->ended_of_p);
    if (!ended_of_p) return std::nullopt;
    count -= *ended_of_p;
  }
  // They are not read at once; one runs at least.
  return static_cast<double>(std::max<std::int64_t>(count, 1));
}

}  // namespace heapfloor
