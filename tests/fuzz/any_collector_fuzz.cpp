// Runs every collector of the list, for several ticks, on a host that answers each read with a
// piece of the input.
//
// The input is cut at each 0x1e byte; reads take the pieces in turn. Its first byte chooses how
// many descriptors are left, its second which refusals are mixed in. So a new collector is fuzzed
// without an edit here.
#include <cmath>
#include <vector>

#include "collectors/collector.h"
#include "collectors/process_board.h"
#include "collectors/stack_board.h"
#include "collectors/stopwatch.h"
#include "collectors/task_source.h"
#include "tests/fuzz/property.h"
#include "tests/support/memory_host_root.h"

namespace {

using heapfloor::CollectorEntry;
using heapfloor::ErrorKind;
using heapfloor::MetricDesc;
using heapfloor::testing::require;

// Checks what the sink of the product relies on.
class CheckingSink final : public heapfloor::SampleSink {
 public:
  explicit CheckingSink(const CollectorEntry& entry) : entry_(entry) {}
  void begin(const heapfloor::Entity& entity) override {
    begun_ = true;
    const bool is_cgroup = entity.kind == heapfloor::EntityKind::cgroup;
    require(entity.name.size() <= (is_cgroup ? kMostTextBytes : 64), "a name is bounded");
    if (entity.kind != heapfloor::EntityKind::process) return;
    require(entity.process.pid > last_pid_, "each process comes once, in the order of pids");
    last_pid_ = entity.process.pid;
  }
  void add(const MetricDesc& desc, double value) override {
    require(begun_, "a sample is about an entity");
    const MetricDesc* first = entry_.metrics.data();
    require(&desc >= first && &desc < first + entry_.metrics.size(),
            "a sample's metric is declared");
    require(std::isfinite(value) && value >= 0, "a value is a finite amount");
  }
  void describe(heapfloor::Attribute attribute, std::string_view text) override {
    require(begun_, "a description is about an entity");
    require(static_cast<std::size_t>(attribute) < heapfloor::kAttributes, "attributes are listed");
    require(text.size() <= kMostTextBytes, "a description is bounded");
  }

 private:
  static constexpr std::size_t kMostTextBytes = 4096;  // PATH_MAX
  const CollectorEntry& entry_;
  bool begun_ = false;
  std::int32_t last_pid_ = 0;
};

// Every look is a little later than the last.
class CountingStopwatch final : public heapfloor::Stopwatch {
 public:
  [[nodiscard]] double seconds() const override { return now_seconds_ += 1e-3; }
  void advance(double seconds) { now_seconds_ += seconds; }

 private:
  mutable double now_seconds_ = 1000;
};

// Says of the processes what the input says, whether they are there or not, and fails now and then.
class InputTasks final : public heapfloor::TaskSource {
 public:
  explicit InputTasks(std::string_view text) : text_(text) {}
  [[nodiscard]] heapfloor::Result<void> look(std::vector<heapfloor::TaskVisit>& visits) override {
    visits.clear();
    for (std::int32_t pid = 1; pid < 12; ++pid) {
      const std::uint8_t byte = next_byte();
      if (byte % 4 == 0) continue;
      visits.push_back({pid, byte % 4 == 1, std::uint64_t{byte} << byte % 32, byte / 16U, 0});
    }
    if (next_byte() % 8 == 7)
      return heapfloor::failure(ErrorKind::malformed, "tasks", "does not go on");
    return {};
  }

 private:
  std::uint8_t next_byte() {
    return text_.empty() ? 0 : static_cast<std::uint8_t>(text_[at_++ % text_.size()]);
  }
  std::string_view text_;
  std::size_t at_ = 0;
};

std::vector<std::string_view> pieces_of(std::string_view text) {
  constexpr char kSeparator = 0x1e;
  std::vector<std::string_view> pieces;
  for (;;) {
    const std::size_t end = text.find(kSeparator);
    pieces.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return pieces;
    text.remove_prefix(end + 1);
  }
}

const CollectorEntry& process_collector() {
  for (const CollectorEntry* entry : heapfloor::builtin_collectors()) {
    if (entry->name == "process") return *entry;
  }
  std::abort();
}

void run(const CollectorEntry& entry, std::string_view text, std::uint8_t descriptors,
         std::uint8_t refusals) {
  const std::vector<std::string_view> pieces = pieces_of(text);
  std::size_t reads = 0;
  heapfloor::testing::MemoryHostRoot root(
      [&](std::string_view path) -> heapfloor::Result<std::string> {
        const std::size_t read = reads++;
        if (refusals != 0 && read % refusals == refusals - 1U) {
          const auto kind = static_cast<ErrorKind>(read / refusals % heapfloor::kErrorKinds);
          return heapfloor::failure(kind, std::string(path), "refused");
        }
        return std::string(pieces[read % pieces.size()]);
      });
  // Directories in directories, which are called as the input likes.
  root.directories = [&pieces](std::string_view path) {
    constexpr std::size_t kMostPath = 48;
    std::vector<std::string> names = {"cgroup", "memory"};
    const std::string_view first = pieces.front().substr(0, 16);
    if (!first.empty() && first.find('/') == std::string_view::npos) names.emplace_back(first);
    return path.size() < kMostPath ? names : std::vector<std::string>();
  };
  if (descriptors < 128) root.descriptors_left = descriptors;
  heapfloor::ProcessBoard board;
  heapfloor::StackBoard stacks;
  CountingStopwatch stopwatch;
  InputTasks tasks(text);
  const heapfloor::CollectorOptions options = {.descriptor_budget = 64,
                                               .refresh_ticks = 2,
                                               .cgroup_limit = 12,
                                               .board = &board,
                                               .stack_board = &stacks,
                                               .stopwatch = &stopwatch,
                                               .smaps_duty = 0.1,
                                               .smaps_max_read_seconds = 60,
                                               .tasks = refusals % 2 == 0 ? &tasks : nullptr};
  // What others read on behalf of the process collector depends on what that saw.
  const bool is_behind = entry.name == "smaps" || entry.name == "probe";
  const auto before = is_behind ? process_collector().make(root, options) : nullptr;
  const auto collector = entry.make(root, options);
  for (int tick = 0; tick < 4; ++tick) {
    root.pids = tick % 2 == 0 ? std::vector<std::int32_t>{1, 2, 5, 9}
                              : std::vector<std::int32_t>{1, 3, 5, 9, 11};
    if (tick == 2) root.replace_process(5);
    if (before) {
      CheckingSink ignored(process_collector());
      (void)before->collect(ignored);
      stacks.wanted.clear();
      for (const auto& seen : board.processes) stacks.wanted.push_back(seen.id);
    }
    CheckingSink sink(entry);
    (void)collector->collect(sink);
    stopwatch.advance(700);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view text = heapfloor::testing::text_of(data + 2, size - 2);
  for (const CollectorEntry* entry : heapfloor::builtin_collectors())
    run(*entry, text, data[0], data[1]);
  return 0;
}
