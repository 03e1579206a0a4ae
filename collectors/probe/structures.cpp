// Structures and their instances: who is watched, and what becomes of the counters of those that
// end.
//
// A structure has few records in `instances`, however many instances it has: as long as it holds
// fewer than kAllWatched every new instance gets one, after that one in 2^k, where k grows by one
// with every kPerLevel records. An instance that got a record stands for 2^k. Whether it gets one
// does not depend on what it will hold, so every sum of (weight * value) is unbiased.

#include <cstddef>
#include <cstdint>

#include "collectors/probe/own_process.h"
#include "collectors/probe/relaxed.h"
#include "collectors/probe/segment_memory.h"
#include "heapfloor/probe.h"

extern "C" {
HEAPFLOOR_THREAD_LOCAL heapfloor_labels heapfloor_label = {0, 0};
}

namespace heapfloor::probe {
namespace {

constexpr std::uint64_t kAllWatched = 32;
constexpr std::uint64_t kPerLevel = 16;
constexpr std::uint64_t kMostLevel = 24;
constexpr std::uint64_t kMostWatched = kAllWatched + (kPerLevel * kMostLevel);
constexpr std::size_t kNoRecord = kInstances;
constexpr std::size_t kWordBits = 64;
constexpr std::uint64_t kGenerationMask = 63;

// Which records of `instances` are taken. Private to the process: a fork copies it as it is then.
std::uint64_t taken[kInstances / kWordBits];

// Structures by a hash of their declaration: the upper 48 bits of it and the index. A wrong hit
// would need two declarations that agree in all of them.
constexpr std::size_t kCacheSize = 1024;
constexpr std::uint64_t kIndexMask = 0xFFFF;
std::uint64_t cache[kCacheSize];

std::uint32_t table_lock = 0;  // while a structure is added
__thread std::uint64_t random_state = 0;

std::uint64_t mix(std::uint64_t value) {
  value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9U;
  value = (value ^ (value >> 27U)) * 0x94D049BB133111EBU;
  return value ^ (value >> 31U);
}

std::uint64_t address(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

std::uint64_t next_random() {
  std::uint64_t state = random_state;
  if (state == 0) state = mix(boottime_ns() ^ address(&random_state)) | 1U;
  state ^= state << 13U;
  state ^= state >> 7U;
  state ^= state << 17U;
  random_state = state;
  return state;
}

// True with probability 2^-level.
bool is_chosen(std::uint64_t level) { return level == 0 || (next_random() >> (64U - level)) == 0; }

// How rarely a structure that holds so many records gets another.
std::uint64_t level_of(std::uint64_t watched) {
  return watched < kAllWatched ? 0 : ((watched - kAllWatched) / kPerLevel) + 1;
}

// ---- names and structures

bool is_at_end_of_word(std::size_t i) { return i % 8 == 7; }

std::uint64_t hash_text(const char* text, std::size_t bytes, std::uint64_t seed) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < bytes; ++i) {
    word = (word << 8U) | static_cast<unsigned char>(text[i]);
    if (is_at_end_of_word(i)) seed = mix(seed ^ word);
  }
  return mix(seed ^ word ^ (static_cast<std::uint64_t>(bytes) << 56U));
}

bool is_named(const heapfloor_declaration& declaration) {
  return declaration.name != nullptr && declaration.name_bytes != 0;
}

std::uint64_t hash_of(const heapfloor_declaration& declaration) {
  std::uint64_t value = address(declaration.element) ^ (std::uint64_t{declaration.kind} << 56U);
  value = mix(value);
  if (is_named(declaration)) {
    return hash_text(declaration.name, declaration.name_bytes, value);
  }
  return mix(value ^ address(declaration.file) ^ (std::uint64_t{declaration.line} << 48U));
}

// A fixed text, filled with NUL behind its end.
template <std::size_t kBytes>
struct Fixed {
  alignas(8) char text[kBytes] = {};
  std::size_t length = 0;

  void append(const char* from, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes && length + 1 < kBytes; ++i) text[length++] = from[i];
  }
};

std::size_t length_of(const char* text) {
  std::size_t length = 0;
  while (text[length] != '\0') ++length;
  return length;
}

bool holds(const char* text, const char* part) {
  for (; *text != '\0'; ++text) {
    std::size_t i = 0;
    while (part[i] != '\0' && text[i] == part[i]) ++i;
    if (part[i] == '\0') return true;
  }
  return false;
}

// Where a library's own code made the container, its file says nothing about the owner.
bool is_of_a_library(const char* file) {
  return holds(file, "/include/c++/") || holds(file, "/usr/include/");
}

const char* owner_file(const heapfloor_declaration& declaration) {
  const char* file = declaration.file;
  return file != nullptr && *file != '\0' && !is_of_a_library(file) ? file : nullptr;
}

constexpr const char* kKinds[] = {"structure", "map",   "set",  "unordered_map", "unordered_set",
                                  "vector",    "deque", "list", "string",        "memory_resource"};
constexpr std::uint32_t kKindCount = sizeof kKinds / sizeof kKinds[0];

void append_number(Fixed<HEAPFLOOR_NAME_BYTES>& text, std::uint32_t number) {
  char digits[10];
  std::size_t count = 0;
  do {
    digits[count++] = static_cast<char>('0' + (number % 10));
    number /= 10;
  } while (number != 0);
  while (count > 0) text.append(&digits[--count], 1);
}

std::uint16_t name_index(const heapfloor_declaration& declaration) {
  // One more byte than a name may have, so that the table sees that it is too long.
  Fixed<HEAPFLOOR_NAME_BYTES + 1> given;
  if (is_named(declaration)) {
    given.append(declaration.name, declaration.name_bytes);
    return intern_name(given.text);
  }
  Fixed<HEAPFLOOR_NAME_BYTES> text;
  if (const char* file = owner_file(declaration); file != nullptr) {
    const std::size_t length = length_of(file);
    std::size_t first = length;
    while (first > 0 && file[first - 1] != '/') --first;
    text.append(file + first, length - first < 50 ? length - first : 50);
    text.append(":", 1);
    append_number(text, declaration.line);
  } else {
    const char* kind = kKinds[declaration.kind < kKindCount ? declaration.kind : 0];
    text.append(kind, length_of(kind));
  }
  return intern_name(text.text);
}

template <std::size_t kBytes>
bool is_same(const char* record, const Fixed<kBytes>& text) {
  for (std::size_t i = 0; i < kBytes; ++i) {
    if (record[i] != text.text[i]) return false;
  }
  return true;
}

void lock_table() {
  std::uint32_t free = 0;
  while (!exchange_if(table_lock, free, 1U)) {
    free = 0;
    yield_processor();
  }
}

void unlock_table() { store_release(table_lock, 0U); }

// With the lock held. 0: the table is full.
std::uint16_t find_or_add(const heapfloor_declaration& declaration, std::uint32_t name,
                          const Fixed<HEAPFLOOR_ELEMENT_BYTES>& element) {
  heapfloor_section& entry = section(HEAPFLOOR_SECTION_STRUCTURES);
  const std::uint64_t used = load_acquire(entry.used);
  for (std::uint64_t i = 1; i < used && i < kStructures; ++i) {
    const heapfloor_structure& known = segment().structures[i];
    if (known.name_index == name && known.kind == declaration.kind &&
        is_same(known.element, element)) {
      return static_cast<std::uint16_t>(i);
    }
  }
  if (used >= kStructures) return 0;
  heapfloor_structure& added = segment().structures[used];
  added.kind = declaration.kind;
  added.name_index = name;
  copy_words(added.element, element.text, sizeof element.text);
  if (const char* file = owner_file(declaration); file != nullptr) {
    added.line = declaration.line;
    Fixed<HEAPFLOOR_FILE_BYTES> tail;
    const std::size_t length = length_of(file);
    const std::size_t most = HEAPFLOOR_FILE_BYTES - 1;
    tail.append(length > most ? file + (length - most) : file, length);
    copy_words(added.file, tail.text, sizeof tail.text);
  }
  store_release(added.state, std::uint32_t{HEAPFLOOR_RECORD_READY});
  store_release(entry.used, used + 1);
  return static_cast<std::uint16_t>(used);
}

// The index of the structure; 0: there is no place for it.
std::uint16_t structure_index(const heapfloor_declaration& declaration) {
  const std::uint64_t hash = hash_of(declaration);
  std::uint64_t& cached = cache[hash % kCacheSize];
  const std::uint64_t found = load_acquire(cached);
  if (found != 0 && ((found ^ hash) & ~kIndexMask) == 0) {
    return static_cast<std::uint16_t>(found & kIndexMask);
  }
  const std::uint16_t name = name_index(declaration);
  if (name == 0) return 0;
  Fixed<HEAPFLOOR_ELEMENT_BYTES> element;
  if (declaration.element != nullptr)
    element.append(declaration.element, declaration.element_bytes);
  lock_table();
  const std::uint16_t index = find_or_add(declaration, name, element);
  unlock_table();
  if (index != 0) store_release(cached, (hash & ~kIndexMask) | index);
  return index;
}

// ---- records of instances

std::size_t claim_record() {
  for (std::size_t i = 0; i < kInstances / kWordBits; ++i) {
    std::uint64_t word = load_relaxed(taken[i]);
    while (~word != 0) {
      const auto bit = static_cast<std::size_t>(__builtin_ctzll(~word));
      if (exchange_if(taken[i], word, word | (std::uint64_t{1} << bit))) {
        return (i * kWordBits) + bit;
      }
    }
  }
  return kNoRecord;
}

void release_record(std::size_t index) {
  const std::uint64_t bit = std::uint64_t{1} << (index % kWordBits);
  __atomic_fetch_and(&taken[index / kWordBits], ~bit, __ATOMIC_RELEASE);
}

bool is_taken(std::size_t index) {
  return (load_relaxed(taken[index / kWordBits]) >> (index % kWordBits) & 1U) != 0;
}

void raise_used(std::uint64_t count) {
  std::uint64_t& used = section(HEAPFLOOR_SECTION_INSTANCES).used;
  std::uint64_t known = load_relaxed(used);
  while (known < count && !exchange_if(used, known, count)) {
  }
}

heapfloor_handle unwatched(std::uint16_t structure, std::uint32_t name) {
  return (static_cast<std::uint64_t>(name) << 48U) | (std::uint64_t{structure} << 16U) |
         HEAPFLOOR_NO_INSTANCE;
}

heapfloor_handle watch(std::size_t index, std::uint16_t structure, std::uint64_t weight_log2) {
  heapfloor_instance& record = segment().instances[index];
  const std::uint64_t generation = load_relaxed(record.generation) + 1;
  store_release(record.state, std::uint32_t{HEAPFLOOR_RECORD_BEING_WRITTEN});
  store_relaxed(record.structure_index, structure);
  store_relaxed(record.weight_log2, static_cast<std::uint8_t>(weight_log2));
  for (std::uint64_t* counter = &record.bytes; counter <= &record.moved_bytes; ++counter) {
    store_relaxed(*counter, std::uint64_t{0});
  }
  store_relaxed(record.capacity_elements, std::uint64_t{HEAPFLOOR_ABSENT});
  store_relaxed(record.hash_buckets, std::uint64_t{HEAPFLOOR_ABSENT});
  store_relaxed(record.sharers, std::uint64_t{0});
  store_relaxed(record.carried, std::uint64_t{0});
  store_relaxed(record.generation, generation);
  store_relaxed(record.generation_low, static_cast<std::uint8_t>(generation & kGenerationMask));
  raise_used(index + 1);
  store_release(record.state, std::uint32_t{HEAPFLOOR_RECORD_READY});
  const std::uint64_t name = load_relaxed(segment().structures[structure].name_index);
  return (name << 48U) | address(&record) | ((generation & kGenerationMask) << 1U);
}

// With a record for 2^level instances if there is one left.
heapfloor_handle begin_at(std::uint16_t index, std::uint64_t level) {
  heapfloor_structure& structure = segment().structures[index];
  const std::size_t record =
      load_relaxed(structure.watched_instances) < kMostWatched ? claim_record() : kNoRecord;
  if (record != kNoRecord) {
    add_relaxed(structure.watched_instances, std::uint64_t{1});
    return watch(record, index, level);
  }
  add_relaxed(structure.instances_unwatched, std::uint64_t{1} << level);
  add_relaxed(segment().header->names_lost, std::uint64_t{1});
  return unwatched(index, load_relaxed(structure.name_index));
}

heapfloor_handle begin_in(std::uint16_t index) {
  if (index == 0 || segment().header == nullptr) return HEAPFLOOR_NO_INSTANCE;
  heapfloor_structure& structure = segment().structures[index];
  add_relaxed(structure.instances_started, std::uint64_t{1});
  const std::uint64_t level = level_of(load_relaxed(structure.watched_instances));
  if (is_chosen(level)) return begin_at(index, level);
  return unwatched(index, load_relaxed(structure.name_index));
}

std::uint16_t structure_of(heapfloor_handle handle) {
  const heapfloor_instance* record = heapfloor_instance_of(handle);
  if (record != nullptr) return load_relaxed(record->structure_index);
  return static_cast<std::uint16_t>((handle >> 16U) & kIndexMask);
}

void add_to_sums(heapfloor_structure& structure, const heapfloor_instance& record) {
  const std::uint8_t weight = load_relaxed(record.weight_log2);
  add_relaxed(structure.insertions, load_relaxed(record.insertions) << weight);
  add_relaxed(structure.removals, load_relaxed(record.removals) << weight);
  add_relaxed(structure.growths, load_relaxed(record.growths) << weight);
  add_relaxed(structure.rehashes, load_relaxed(record.rehashes) << weight);
  add_relaxed(structure.shrinks, load_relaxed(record.shrinks) << weight);
  add_relaxed(structure.clears, load_relaxed(record.clears) << weight);
  add_relaxed(structure.moved_bytes, load_relaxed(record.moved_bytes) << weight);
}

void end_record(heapfloor_instance& record, heapfloor_structure& structure) {
  store_release(record.state, std::uint32_t{HEAPFLOOR_RECORD_BEING_WRITTEN});
  add_to_sums(structure, record);
  // Late frees of nodes that were taken out carry the generation of this instance.
  const std::uint64_t generation = load_relaxed(record.generation) + 1;
  store_relaxed(record.generation, generation);
  store_relaxed(record.generation_low, static_cast<std::uint8_t>(generation & kGenerationMask));
  store_release(record.state, std::uint32_t{HEAPFLOOR_RECORD_FREE});
  add_relaxed(structure.watched_instances, ~std::uint64_t{0});
  release_record(static_cast<std::size_t>(&record - segment().instances));
}

// ---- fork

// The records were copied a moment before the fork, by the parent, and other threads of it may have
// begun or ended instances in between.
void agree_with_records() {
  store_release(table_lock, 0U);
  if (segment().header == nullptr) return;
  const std::uint64_t structures = section(HEAPFLOOR_SECTION_STRUCTURES).used;
  if (structures <= 1) {  // the child began with nothing
    for (std::uint64_t& entry : cache) store_relaxed(entry, std::uint64_t{0});
  }
  for (std::uint64_t i = 1; i < structures && i < kStructures; ++i) {
    store_relaxed(segment().structures[i].watched_instances, std::uint64_t{0});
  }
  const std::uint64_t used = section(HEAPFLOOR_SECTION_INSTANCES).used;
  for (std::size_t i = 0; i < used && i < kInstances; ++i) {
    heapfloor_instance& record = segment().instances[i];
    if (!is_taken(i)) store_relaxed(record.state, std::uint32_t{HEAPFLOOR_RECORD_FREE});
    if (load_relaxed(record.state) != HEAPFLOOR_RECORD_READY) continue;
    heapfloor_structure& structure = segment().structures[record.structure_index % kStructures];
    add_relaxed(structure.watched_instances, std::uint64_t{1});
  }
}

// Any thread; the first that comes registers what a forked child has to do.
bool is_here() {
  static std::uint32_t registered = 0;
  if (!start_segment(0)) return false;
  publish_child();
  if (load_relaxed(registered) != 0) return true;
  std::uint32_t before = 0;
  if (exchange_if(registered, before, 1U)) on_fork_child(agree_with_records);
  return true;
}

// Sets a gauge's word to `value`; what it was.
std::uint64_t exchange(std::uint64_t& word, std::uint64_t value) {
  return __atomic_exchange_n(&word, value, __ATOMIC_RELAXED);
}

void raise(std::uint64_t& word, std::uint64_t value) {
  std::uint64_t known = load_relaxed(word);
  while (known < value && !exchange_if(word, known, value)) {
  }
}

void count_change(heapfloor_instance& record, std::uint64_t before, std::uint64_t now) {
  if (now > before) add_relaxed(record.insertions, now - before);
  if (now < before) add_relaxed(record.removals, before - now);
  raise(record.peak_elements, now);
}

heapfloor_handle open_gauge(const char* name, const char* file, std::uint32_t line) {
  const std::size_t bytes = name == nullptr ? 0 : length_of(name);
  const heapfloor_declaration declaration{.name = name,
                                          .element = nullptr,
                                          .file = file,
                                          .name_bytes = static_cast<std::uint32_t>(bytes),
                                          .element_bytes = 0,
                                          .line = line,
                                          .kind = HEAPFLOOR_KIND_OTHER};
  return heapfloor_instance_begin(&declaration);
}

}  // namespace
}  // namespace heapfloor::probe

using namespace heapfloor::probe;  // NOLINT(google-build-using-namespace): the C names of the above

extern "C" {

heapfloor_handle heapfloor_instance_begin(const heapfloor_declaration* declaration) noexcept {
  if (!is_here()) return HEAPFLOOR_NO_INSTANCE;
  const std::uint16_t index = structure_index(*declaration);
  if (index == 0) add_relaxed(segment().header->names_lost, std::uint64_t{1});
  return begin_in(index);
}

heapfloor_handle heapfloor_instance_another(heapfloor_handle like) noexcept {
  return begin_in(structure_of(like));
}

heapfloor_handle heapfloor_instance_successor(heapfloor_handle from) noexcept {
  const std::uint16_t index = structure_of(from);
  if (index == 0 || segment().header == nullptr) return HEAPFLOOR_NO_INSTANCE;
  add_relaxed(segment().structures[index].instances_started, std::uint64_t{1});
  const heapfloor_instance* record = heapfloor_instance_of(from);
  return record == nullptr ? from : begin_at(index, load_relaxed(record->weight_log2));
}

void heapfloor_instance_end(heapfloor_handle handle) noexcept {
  const std::uint16_t index = structure_of(handle);
  if (index == 0 || segment().header == nullptr) return;
  heapfloor_structure& structure = segment().structures[index % kStructures];
  heapfloor_instance* record = heapfloor_instance_alive(handle);
  if ((handle & 1U) == 0 && record == nullptr) return;
  if (record != nullptr) end_record(*record, structure);
  add_relaxed(structure.instances_ended, std::uint64_t{1});
}

void heapfloor_instance_event(heapfloor_handle handle, heapfloor_event event) noexcept {
  heapfloor_instance* record = heapfloor_instance_alive(handle);
  if (record == nullptr || segment().header == nullptr) return;
  if (event == HEAPFLOOR_EVENT_CLEAR) {
    add_relaxed(record->clears, std::uint64_t{1});
    store_relaxed(record->peak_elements, load_relaxed(record->elements));
  }
  if (event == HEAPFLOOR_EVENT_SHRINK) add_relaxed(record->shrinks, std::uint64_t{1});
  if (event == HEAPFLOOR_EVENT_REHASH) add_relaxed(record->rehashes, std::uint64_t{1});
  heapfloor_structure& structure = segment().structures[record->structure_index % kStructures];
  const std::uint64_t now = boottime_ns();
  store_relaxed(structure.last_clear_boottime_ns, now);
  store_relaxed(segment().header->heartbeat_boottime_ns, now);
  add_relaxed(structure.epochs, std::uint64_t{1} << load_relaxed(record->weight_log2));
}

heapfloor_handle heapfloor_gauge_open(const char* name) noexcept {
  return open_gauge(name, nullptr, 0);
}

heapfloor_handle heapfloor_gauge_open_at(const char* name, const char* file,
                                         std::uint32_t line) noexcept {
  return open_gauge(name, file, line);
}

void heapfloor_gauge_set_elements(heapfloor_handle gauge, std::uint64_t elements) noexcept {
  heapfloor_instance* record = heapfloor_instance_alive(gauge);
  if (record == nullptr) return;
  count_change(*record, exchange(record->elements, elements), elements);
}

void heapfloor_gauge_set_bytes(heapfloor_handle gauge, std::uint64_t bytes) noexcept {
  heapfloor_instance* record = heapfloor_instance_alive(gauge);
  if (record != nullptr) store_relaxed(record->bytes, bytes);
}

void heapfloor_gauge_set(heapfloor_handle gauge, std::uint64_t elements,
                         std::uint64_t bytes) noexcept {
  heapfloor_gauge_set_elements(gauge, elements);
  heapfloor_gauge_set_bytes(gauge, bytes);
}

void heapfloor_gauge_add(heapfloor_handle gauge, std::int64_t elements,
                         std::int64_t bytes) noexcept {
  heapfloor_instance* record = heapfloor_instance_alive(gauge);
  if (record == nullptr) return;
  add_relaxed(record->bytes, static_cast<std::uint64_t>(bytes));
  const auto change = static_cast<std::uint64_t>(elements);
  const std::uint64_t before = add_relaxed(record->elements, change);
  if (elements > 0) add_relaxed(record->insertions, change);
  if (elements > 0) raise(record->peak_elements, before + change);
  if (elements < 0) add_relaxed(record->removals, std::uint64_t{0} - change);
}

void heapfloor_gauge_cleared(heapfloor_handle gauge) noexcept {
  heapfloor_instance_event(gauge, HEAPFLOOR_EVENT_CLEAR);
}

void heapfloor_gauge_close(heapfloor_handle gauge) noexcept { heapfloor_instance_end(gauge); }

heapfloor_labels heapfloor_phase_begin(const char* structure, const char* phase) noexcept {
  const heapfloor_labels before = heapfloor_label;
  if (!start_segment(0)) return before;
  heapfloor_labels now = before;
  if (structure != nullptr && *structure != '\0') now.structure_name_index = intern_name(structure);
  if (phase != nullptr && *phase != '\0') now.phase_name_index = intern_name(phase);
  heapfloor_label = now;
  return before;
}

void heapfloor_phase_end(heapfloor_labels before) noexcept { heapfloor_label = before; }

std::uint32_t heapfloor_probe_version() noexcept { return HEAPFLOOR_LIBRARY_VERSION; }

}  // extern "C"
