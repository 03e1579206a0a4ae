#include "collectors/parse/hsperfdata.h"

#include <algorithm>
#include <cstring>

namespace heapfloor {
namespace {

constexpr std::array<std::byte, 4> kMagic = {std::byte{0xca}, std::byte{0xfe}, std::byte{0xc0},
                                             std::byte{0xc0}};
constexpr std::uint8_t kLittleEndian = 1;
constexpr std::uint8_t kMajor = 2;

struct Prologue {
  std::array<std::byte, 4> magic;
  std::uint8_t byte_order, major, minor, accessible;
  std::int32_t used, overflow;
  std::int64_t modified;
  std::int32_t entry_offset, entries;
};
static_assert(sizeof(Prologue) == HsperfBounds::kPrologueBytes);

// From its own beginning.
struct Entry {
  std::int32_t length, name_offset, vector_length;
  char type;  // as in a JVM's signatures: J is a long, B with a length a text
  std::uint8_t flags, unit, variability;
  std::int32_t data_offset;
};
static_assert(sizeof(Entry) == 20);

constexpr std::array<std::string_view, kJvmCounters> kNames = {
    "sun.gc.collector.0.invocations",
    "sun.gc.collector.0.time",
    "sun.gc.collector.0.lastEntryTime",
    "sun.gc.collector.0.lastExitTime",
    "sun.gc.collector.1.invocations",
    "sun.gc.collector.1.time",
    "sun.gc.collector.1.lastEntryTime",
    "sun.gc.collector.1.lastExitTime",
    "sun.gc.collector.2.invocations",
    "sun.gc.collector.2.time",
    "sun.gc.collector.2.lastEntryTime",
    "sun.gc.collector.2.lastExitTime",
    "sun.gc.generation.0.maxCapacity",
    "sun.gc.generation.0.space.0.used",
    "sun.gc.generation.0.space.0.capacity",
    "sun.gc.generation.0.space.0.maxCapacity",
    "sun.gc.generation.0.space.1.used",
    "sun.gc.generation.0.space.1.capacity",
    "sun.gc.generation.0.space.1.maxCapacity",
    "sun.gc.generation.0.space.2.used",
    "sun.gc.generation.0.space.2.capacity",
    "sun.gc.generation.0.space.2.maxCapacity",
    "sun.gc.generation.1.maxCapacity",
    "sun.gc.generation.1.space.0.used",
    "sun.gc.generation.1.space.0.capacity",
    "sun.gc.metaspace.used",
    "sun.gc.metaspace.capacity",
    "sun.gc.metaspace.maxCapacity",
    "sun.gc.compressedclassspace.used",
    "sun.gc.compressedclassspace.capacity",
    "sun.gc.compressedclassspace.maxCapacity",
    "java.cls.loadedClasses",
    "java.cls.unloadedClasses",
    "java.cls.sharedLoadedClasses",
    "java.cls.sharedUnloadedClasses",
    "java.threads.live",
};
constexpr std::string_view kFrequency = "sun.os.hrt.frequency";
constexpr std::string_view kVersion = "java.property.java.vm.version";
constexpr std::string_view kCapabilities = "sun.rt.jvmCapabilities";
constexpr std::string_view kVendor = "java.property.java.vm.vendor";

// How the name of any of its collectors begins. Copy, PSScavenge and MSC: before OpenJDK 11.
struct GcName {
  std::string_view beginning;
  JvmGc gc;
};
constexpr std::array kGcNames = {
    GcName{"Serial ", JvmGc::serial},
    GcName{"Copy", JvmGc::serial},
    GcName{"Parallel ", JvmGc::parallel},
    GcName{"PSScavenge", JvmGc::parallel},
    GcName{"G1 ", JvmGc::g1},
    GcName{"Z concurrent cycle", JvmGc::z},
    GcName{"ZGC minor", JvmGc::z_generational},
    GcName{"ZGC major", JvmGc::z_generational},
    GcName{"Shenandoah", JvmGc::shenandoah},
};
constexpr std::array<std::string_view, kJvmCollectors> kCollectorNames = {
    "sun.gc.collector.0.name", "sun.gc.collector.1.name", "sun.gc.collector.2.name"};

Failure refused(std::string reason) { return failure(ErrorKind::malformed, {}, std::move(reason)); }

template <class T>
T load(std::span<const std::byte> bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

std::string_view text_of(std::span<const std::byte> bytes) {
  const std::string_view all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return all.substr(0, all.find('\0'));
}

// One entry that lies within the bytes.
struct Found {
  std::uint32_t at = 0;  // where it begins
  Entry entry = {};
  std::string_view name;
  std::span<const std::byte> whole;

  [[nodiscard]] bool is_long() const {
    return entry.type == 'J' && entry.vector_length == 0 && data_fits(sizeof(std::int64_t));
  }
  [[nodiscard]] std::string_view text() const {
    if (entry.type != 'B' || entry.vector_length <= 0 ||
        !data_fits(static_cast<std::size_t>(entry.vector_length)))
      return {};
    return text_of(whole.subspan(static_cast<std::size_t>(entry.data_offset),
                                 static_cast<std::size_t>(entry.vector_length)))
        .substr(0, HsperfBounds::kMostText);
  }
  [[nodiscard]] bool data_fits(std::size_t size) const {
    return entry.data_offset >= static_cast<std::int32_t>(sizeof(Entry)) &&
           static_cast<std::size_t>(entry.data_offset) <= whole.size() &&
           size <= whole.size() - static_cast<std::size_t>(entry.data_offset);
  }
};

std::optional<Found> entry_at(std::span<const std::byte> bytes, std::uint32_t at) {
  if (at > bytes.size() || bytes.size() - at < sizeof(Entry)) return std::nullopt;
  Found found;
  found.at = at;
  found.entry = load<Entry>(bytes, at);
  const std::int32_t length = found.entry.length;
  if (length < static_cast<std::int32_t>(sizeof(Entry)) ||
      static_cast<std::size_t>(length) > bytes.size() - at)
    return std::nullopt;
  found.whole = bytes.subspan(at, static_cast<std::size_t>(length));
  const std::int32_t name = found.entry.name_offset;
  if (name < static_cast<std::int32_t>(sizeof(Entry)) || name >= length) return std::nullopt;
  const auto rest = found.whole.subspan(static_cast<std::size_t>(name));
  found.name = text_of(rest);
  if (found.name.size() == rest.size()) return std::nullopt;
  return found;
}

JvmGc gc_of(std::string_view collector) {
  for (const GcName& name : kGcNames) {
    if (collector.starts_with(name.beginning)) return name.gc;
  }
  return JvmGc::other;
}

void take(const Found& found, HsperfIndex& index) {
  if (found.is_long()) {
    const auto* const name = std::ranges::find(kNames, found.name);
    const auto data = found.at + static_cast<std::uint32_t>(found.entry.data_offset);
    if (name != kNames.end()) {
      index.offsets.at(static_cast<std::size_t>(name - kNames.begin())) = data;
      index.end = std::max(index.end, data + static_cast<std::uint32_t>(sizeof(std::int64_t)));
    } else if (found.name == kFrequency) {
      index.ticks_per_second = static_cast<double>(
          load<std::int64_t>(found.whole, static_cast<std::size_t>(found.entry.data_offset)));
    }
    return;
  }
  if (found.name == kVersion) index.version = found.text();
  if (found.name == kVendor) index.vendor = found.text();
  // A digit for each, the first for attaching (StatSampler::create_misc_perfdata).
  if (found.name == kCapabilities) index.can_attach = found.text().starts_with('1');
  const bool is_collector = std::ranges::find(kCollectorNames, found.name) != kCollectorNames.end();
  if (is_collector && index.gc == JvmGc::other) index.gc = gc_of(found.text());
}

class Values {
 public:
  Values(const HsperfIndex& index, std::span<const std::byte> bytes)
      : index_(index), bytes_(bytes) {}

  [[nodiscard]] std::optional<std::int64_t> word(JvmCounter counter) const {
    const std::uint32_t offset = index_.offsets.at(static_cast<std::size_t>(counter));
    if (offset == 0) return std::nullopt;
    return load<std::int64_t>(bytes_, offset);
  }
  [[nodiscard]] std::optional<double> amount(JvmCounter counter) const {
    return checked(counter, HsperfBounds::kMostAmount);
  }
  // G1 adds 8 bytes to each capacity, so that none is 0 (G1MonitoringSupport::pad_capacity).
  [[nodiscard]] std::optional<double> capacity(JvmCounter counter) const {
    constexpr std::int64_t kUnit = 1024;
    const std::optional<std::int64_t> value = word(counter);
    if (!value || *value < 0 || *value > HsperfBounds::kMostAmount) return std::nullopt;
    return static_cast<double>(*value - *value % kUnit);
  }
  [[nodiscard]] std::optional<double> total(JvmCounter counter) const {
    return checked(counter, HsperfBounds::kMostTotal);
  }
  [[nodiscard]] JvmPool pool(JvmCounter used, JvmCounter committed, JvmCounter limit) const {
    return {amount(used), capacity(committed), capacity(limit)};
  }
  // A pause ends with its time of exit: until then its entry is the later.
  [[nodiscard]] JvmCollections collections(JvmCounter first) const {
    const auto counter = [first](int next) {
      return static_cast<JvmCounter>(static_cast<int>(first) + next);
    };
    JvmCollections out;
    out.count = total(counter(0));
    if (const std::optional<double> ticks = total(counter(1)))
      out.seconds = *ticks / index_.ticks_per_second;
    const std::optional<std::int64_t> entry = word(counter(2));
    const std::optional<std::int64_t> exit = word(counter(3));
    out.is_running = entry && exit && *entry > *exit;
    return out;
  }

 private:
  [[nodiscard]] std::optional<double> checked(JvmCounter counter, std::int64_t most) const {
    const std::optional<std::int64_t> value = word(counter);
    if (!value || *value < 0 || *value > most) return std::nullopt;
    return static_cast<double>(*value);
  }

  const HsperfIndex& index_;
  std::span<const std::byte> bytes_;
};

std::optional<double> sum(const std::optional<double>& one, const std::optional<double>& other) {
  if (!one) return other;
  return *one + other.value_or(0);
}

// A JVM has either, and each survivor space may grow to the limit of both.
JvmPool both(const JvmPool& one, const JvmPool& other) {
  JvmPool pool{sum(one.used, other.used), sum(one.committed, other.committed), one.limit};
  if (other.limit) pool.limit = std::max(one.limit.value_or(0), *other.limit);
  return pool;
}

std::optional<double> loaded_classes(const Values& values) {
  const auto loaded = values.total(JvmCounter::classes_loaded);
  const auto shared = values.total(JvmCounter::shared_classes_loaded);
  if (!loaded && !shared) return std::nullopt;
  const double gone = values.total(JvmCounter::classes_unloaded).value_or(0) +
                      values.total(JvmCounter::shared_classes_unloaded).value_or(0);
  return std::max(0.0, loaded.value_or(0) + shared.value_or(0) - gone);
}

// Serial and Parallel divide the heap; for the others each generation may have all of it.
std::optional<double> heap_limit(const HsperfIndex& index, const Values& values) {
  const auto old = values.capacity(JvmCounter::old_limit);
  const bool is_divided = index.gc == JvmGc::serial || index.gc == JvmGc::parallel;
  if (index.gc == JvmGc::other || !old || !is_divided) {
    return index.gc == JvmGc::other ? std::nullopt : old;
  }
  const auto young = values.capacity(JvmCounter::young_limit);
  return young ? std::optional(*young + *old) : std::nullopt;
}

}  // namespace

std::string_view jvm_gc_name(JvmGc gc) {
  constexpr std::array<std::string_view, kJvmGcs> kGcs = {
      "other", "serial", "parallel", "g1", "zgc", "zgc_generational", "shenandoah"};
  return kGcs.at(static_cast<std::size_t>(gc));
}

Result<HsperfPrologue> parse_hsperf_prologue(std::span<const std::byte> bytes, std::uint64_t size) {
  if (bytes.size() < HsperfBounds::kPrologueBytes) return refused("the counters are cut");
  const auto raw = load<Prologue>(bytes, 0);
  // The JVM maps its file before it writes to it.
  if (raw.magic == decltype(raw.magic){})
    return failure(ErrorKind::unavailable, {}, "the JVM has not made its counters yet");
  if (raw.magic != kMagic) return refused("no counters of a JVM");
  if (raw.byte_order != kLittleEndian || raw.major != kMajor)
    return refused("counters of another layout");
  if (raw.accessible == 0)
    return failure(ErrorKind::unavailable, {}, "the JVM has not made its counters yet");
  const std::uint64_t most = std::min<std::uint64_t>(size, HsperfBounds::kMostBytes);
  const bool is_bounded =
      raw.used >= static_cast<std::int32_t>(HsperfBounds::kPrologueBytes) &&
      static_cast<std::uint64_t>(raw.used) <= most &&
      raw.entry_offset >= static_cast<std::int32_t>(HsperfBounds::kPrologueBytes) &&
      raw.entry_offset <= raw.used && raw.entries >= 0 &&
      static_cast<std::uint32_t>(raw.entries) <= HsperfBounds::kMostEntries;
  if (!is_bounded) return refused("the entries lie outside");
  HsperfPrologue prologue;
  prologue.used_bytes = static_cast<std::uint32_t>(raw.used);
  prologue.first_entry = static_cast<std::uint32_t>(raw.entry_offset);
  prologue.entries = static_cast<std::uint32_t>(raw.entries);
  prologue.modified = raw.modified;
  return prologue;
}

Result<HsperfIndex> index_hsperf(std::span<const std::byte> bytes) {
  const Result<HsperfPrologue> prologue = parse_hsperf_prologue(bytes, bytes.size());
  if (!prologue) return Failure(prologue.error());
  HsperfIndex index;
  index.prologue = *prologue;
  const auto used = bytes.first(prologue->used_bytes);
  std::uint32_t at = prologue->first_entry;
  for (std::uint32_t i = 0; i < prologue->entries; ++i) {
    const std::optional<Found> found = entry_at(used, at);
    if (!found) return refused("an entry lies outside");
    take(*found, index);
    at += static_cast<std::uint32_t>(found->entry.length);
  }
  if (!(index.ticks_per_second > 0)) index.end = 0;
  return index;
}

JvmReading read_hsperf(const HsperfIndex& index, std::span<const std::byte> bytes) {
  JvmReading reading;
  if (bytes.size() < index.end || index.end == 0) return reading;
  const Values values(index, bytes);
  reading.collections = {values.collections(JvmCounter::young_count),
                         values.collections(JvmCounter::full_count),
                         values.collections(JvmCounter::cycle_count)};
  reading.eden =
      values.pool(JvmCounter::eden_used, JvmCounter::eden_committed, JvmCounter::eden_limit);
  reading.survivor = both(values.pool(JvmCounter::survivor_0_used, JvmCounter::survivor_0_committed,
                                      JvmCounter::survivor_0_limit),
                          values.pool(JvmCounter::survivor_1_used, JvmCounter::survivor_1_committed,
                                      JvmCounter::survivor_1_limit));
  reading.old = values.pool(JvmCounter::old_used, JvmCounter::old_committed, JvmCounter::old_limit);
  reading.metaspace = values.pool(JvmCounter::metaspace_used, JvmCounter::metaspace_committed,
                                  JvmCounter::metaspace_limit);
  reading.class_space = values.pool(JvmCounter::class_space_used, JvmCounter::class_space_committed,
                                    JvmCounter::class_space_limit);
  reading.heap_limit = heap_limit(index, values);
  reading.classes = loaded_classes(values);
  reading.threads = values.amount(JvmCounter::threads);
  return reading;
}

}  // namespace heapfloor
