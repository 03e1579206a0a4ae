#include "agent/profile/go_waits.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/profile/go_heap.h"
#include "collectors/parse/elf_file.h"
#include "collectors/parse/go_build_info.h"
#include "collectors/parse/go_module.h"

namespace heapfloor {
namespace {

GoPlace place_of(GoFrame frame) {
  return {std::move(frame.function), std::move(frame.file), frame.line};
}

class Namer {
 public:
  explicit Namer(const GoLineTable& table) : table_(table) {}

  // The innermost function of the program's own; where there is none, that is not the runtime's.
  GoPlace place_in(const std::vector<std::uint64_t>& frames) {
    const GoFrame* best = nullptr;
    for (const std::uint64_t address : frames) {
      for (const GoFrame& frame : frames_at(address)) {
        if (!is_go_library_function(frame.function)) return place_of(frame);
        const bool is_better = best == nullptr || (is_go_runtime_function(best->function) &&
                                                   !is_go_runtime_function(frame.function));
        if (is_better) best = &frame;
      }
    }
    return best == nullptr ? GoPlace() : place_of(*best);
  }
  GoPlace place_at(std::uint64_t address) {
    const auto& frames = frames_at(address);
    return frames.empty() ? GoPlace() : place_of(frames.front());
  }

 private:
  const std::vector<GoFrame>& frames_at(std::uint64_t address) {
    const auto known = frames_.find(address);
    if (known != frames_.end()) return known->second;
    static const std::vector<GoFrame> none;
    if (frames_.size() >= kMostPlaces) return none;
    return frames_.emplace(address, table_.find_all(address)).first->second;
  }

  static constexpr std::size_t kMostPlaces = 256;  // each may cost a hostile table's time

  const GoLineTable& table_;
  std::unordered_map<std::uint64_t, std::vector<GoFrame>> frames_;
};

std::string reason_of(const GoStack& stack, std::optional<std::uint32_t> minor) {
  switch (stack.state) {
    case GoState::waiting:
      return std::string(minor ? known_go_wait_reason(*minor, stack.reason) : std::string_view());
    case GoState::runnable:
      return "runnable";
    case GoState::running:
      return "running";
    case GoState::in_syscall:
      return "syscall";
  }
  return {};
}

}  // namespace

GoroutineWaits goroutine_waits_of(const GoStacks& stacks, const GoLineTable& table,
                                  std::string_view version, std::size_t most) {
  GoroutineWaits out;
  out.goroutines = stacks.goroutines;
  out.seen = static_cast<double>(stacks.seen);
  const double scale = stacks.seen == 0 ? 0 : out.goroutines / out.seen;
  Namer namer(table);
  std::vector<GoroutineWait> all;
  const auto minor = released_go_minor(version);
  const std::size_t named = std::min(stacks.stacks.size(), kMostNamedStacks);
  for (const GoStack& stack : std::span(stacks.stacks).first(named)) {
    all.push_back({namer.place_in(stack.frames), namer.place_at(stack.made_at),
                   reason_of(stack, minor), scale * static_cast<double>(stack.goroutines)});
  }
  out.waits = joined_waits(std::move(all), most);
  return out;
}

// The file first: memory that can be read afterwards is of the program that ran it.
Result<GoroutineWaits> read_goroutine_waits(const HostRoot& root, const GoSiteSource& source,
                                            double now_seconds, std::size_t most) {
  const auto process = root.open_process(source.id().pid);
  if (!process) return Failure(process.error());
  const auto file = process->open_file("exe");
  if (!file) return Failure(file.error());
  const FileSource bytes(*file);
  const auto elf = read_elf(bytes);
  if (!elf) return Failure(elf.error());
  const auto tables = find_go_tables(bytes, *elf);
  const auto table = tables ? GoLineTable::open(bytes, *tables) : std::nullopt;
  if (!table)
    return failure(ErrorKind::unavailable, std::to_string(source.id().pid),
                   "it has no table of its functions that is known");
  const auto stacks = source.read_stacks(*table);
  if (!stacks) return Failure(stacks.error());
  GoroutineWaits waits = goroutine_waits_of(*stacks, *table, source.program().version, most);
  waits.time_seconds = now_seconds;
  return waits;
}

}  // namespace heapfloor
