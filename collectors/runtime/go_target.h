// GoTarget: one process that runs Go, and what is read of its runtime's figures.
//
// They are read in the process's memory, through a handle that ends with the program image: nothing
// comes of another program in its place. A tick reads gcController, and the count of collections,
// which is in memstats, only where the former tells that one has begun or ended. Where there was
// one since the last tick, both are read again, with what it has left in memstats. Goroutines and
// objects are counted when the owner asks. Nothing is ever written. Thread rule: one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "collectors/host_root.h"
#include "collectors/result.h"
#include "collectors/runtime/go_layout.h"
#include "collectors/runtime/go_program.h"
#include "collectors/runtime/go_sites.h"
#include "collectors/runtime/go_stacks.h"
#include "collectors/sample.h"

namespace heapfloor {

// Bytes and seconds. What the runtime does not tell is absent.
struct GoReading {
  std::uint32_t cycles = 0;           // of collection, that have ended
  std::optional<double> live;         // marked by the last of them; absent before the first
  std::optional<double> goal;         // of the heap, by GOGC
  std::optional<double> limit;        // GOMEMLIMIT; absent where there is none
  std::optional<double> in_use;       // spans with objects
  std::optional<double> free;         // spans without, that stay resident
  std::optional<double> released;     // given back to the system
  std::optional<double> allocated;    // objects, garbage that was not swept included
  std::optional<double> allocations;  // of all time
  friend bool operator==(const GoReading&, const GoReading&) = default;
};

// What is read after collections.
struct GoRest {
  std::optional<double> cpu_fraction;     // of collections, since the start
  std::optional<double> last_gc_seconds;  // Unix time
  std::optional<double> pause_seconds;    // in which the world stood still
  std::optional<double> stacks;           // of goroutines
  std::optional<double> system;           // all that the runtime has from the system
  friend bool operator==(const GoRest&, const GoRest&) = default;
};

// What is counted now and then.
struct GoCounts {
  std::optional<double> goroutines;  // without the runtime's own
  // Those that were not swept yet included; what processors have allocated of the spans that they
  // work on is not counted until they take others.
  std::optional<double> objects;
};

// The figures of a copy of gcController, from its beginning. `unavailable` while the runtime
// starts, `malformed` where they can be none: of more than any machine has, or more in use than
// `most_bytes`. Pure.
[[nodiscard]] Result<GoReading> read_go_control(const GoLayout& layout,
                                                std::span<const std::byte> control,
                                                std::uint32_t cycles, double most_bytes);
// Those of memstats. Pure.
[[nodiscard]] GoRest read_go_stats(const GoLayout& layout, std::span<const std::byte> stats,
                                   const GoReading& reading);
// GoCounts::objects, by the shards of memstats, from the first on; absent where they can be none.
// Pure.
[[nodiscard]] std::optional<double> read_go_objects(const GoShards& shards,
                                                    const GoObjects& objects,
                                                    std::span<const std::byte> bytes);
// How many bytes of either are read.
[[nodiscard]] std::size_t go_control_bytes(const GoLayout& layout);
[[nodiscard]] std::size_t go_stats_bytes(const GoLayout& layout);

// How far the kernel moved a program whose headers are at `headers_address` by its own numbering,
// by /proc/PID/auxv; nothing where that does not say. Pure.
[[nodiscard]] std::optional<std::uint64_t> go_load_bias(std::string_view auxv,
                                                        std::uint64_t headers_address);

// Reads the allocation sites of one process (go_sites.h), and where its goroutines are
// (go_stacks.h). Thread rule: any thread.
class GoSiteSource {
 public:
  // `program` has no refusal; `memory` is of all addresses.
  GoSiteSource(const ProcessId& id, std::shared_ptr<const GoProgram> program,
               std::shared_ptr<const MappedBytes> memory, std::uint64_t bias)
      : id_(id), program_(std::move(program)), memory_(std::move(memory)), bias_(bias) {}

  [[nodiscard]] const ProcessId& id() const { return id_; }
  // read_go_sites(); `unavailable` also where nothing says how its memory profile is laid out, and
  // `gone` where the program has ended or another one is in its place.
  [[nodiscard]] Result<GoSites> read(const GoSiteBounds& bounds = {}) const;
  // read_go_stacks(); `table` is of the program's file. `unavailable` also where nothing says how
  // its goroutines are laid out, and on other machines than x86-64.
  [[nodiscard]] Result<GoStacks> read_stacks(const GoLineTable& table,
                                             const GoStackBounds& bounds = {}) const;
  [[nodiscard]] const GoProgram& program() const { return *program_; }

 private:
  [[nodiscard]] GoMemory reader(ErrorKind& kind) const;

  ProcessId id_;
  std::shared_ptr<const GoProgram> program_;
  std::shared_ptr<const MappedBytes> memory_;
  std::uint64_t bias_;
};

class GoTarget {
 public:
  // `program` has no refusal. Reads /proc/PID/auxv through `buffer` where the program was moved.
  [[nodiscard]] static Result<GoTarget> open(const ProcessId& id,
                                             std::shared_ptr<const GoProgram> program,
                                             const ProcessDir& directory, std::span<char> buffer);

  // One tick's reading. `unavailable` while the runtime starts, `malformed` where what stands there
  // is not believed; after any error but the first nothing of it is to be read again. `most_bytes`:
  // no process of this size has more.
  [[nodiscard]] Result<void> read(double most_bytes);
  // What cannot be counted is absent. Six reads, and one for each processor that the program uses.
  [[nodiscard]] GoCounts count() const;
  // Of the same process, through the same handle.
  [[nodiscard]] std::shared_ptr<const GoSiteSource> site_source() const;

  [[nodiscard]] const ProcessId& id() const { return id_; }
  [[nodiscard]] const GoProgram& program() const { return *program_; }
  // As of the last read() that succeeded; nothing before it.
  [[nodiscard]] const std::optional<GoReading>& reading() const { return reading_; }
  // As of the first read() and of each after a collection; what could not be read is absent.
  [[nodiscard]] const GoRest& rest() const { return rest_; }

 private:
  GoTarget() = default;
  [[nodiscard]] std::optional<std::uint64_t> address_of(GoVariable variable) const;
  template <class Word>
  [[nodiscard]] Result<Word> read_word(std::uint64_t address) const;
  [[nodiscard]] std::optional<double> count_goroutines() const;
  [[nodiscard]] std::optional<double> count_objects() const;
  [[nodiscard]] bool may_have_collected();
  [[nodiscard]] Result<void> read_control();

  ProcessId id_;
  std::shared_ptr<const GoProgram> program_;
  std::shared_ptr<const MappedBytes> memory_;
  std::uint64_t bias_ = 0;
  std::vector<std::byte> control_;  // as it was read last
  struct Marks {
    std::uint64_t start = 0, triggered = 0;
    friend bool operator==(const Marks&, const Marks&) = default;
  };
  std::optional<Marks> marks_;
  std::uint32_t reads_since_marks_ = 0;  // since they changed
  std::optional<GoReading> reading_;
  GoRest rest_;
};

}  // namespace heapfloor
