#include "collectors/runtime/go_stacks.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <random>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace heapfloor {
namespace {

constexpr std::uint64_t kAddressSpace = std::uint64_t{1} << 56;
constexpr std::size_t kWord = sizeof(std::uint64_t);
constexpr std::string_view kRuntime = "runtime.";

// runtime.g.atomicstatus, of which the bit that a collector sets is left out.
enum Status : std::uint32_t {
  kRunnable = 1,
  kRunning = 2,
  kSyscall = 3,
  kWaiting = 4,
  kPreempted = 9,
};
constexpr std::uint32_t kIsScanned = 0x1000;

std::optional<GoState> state_of(std::uint32_t status) {
  switch (status & ~kIsScanned) {
    case kRunnable:
    case kPreempted:
      return GoState::runnable;
    case kRunning:
      return GoState::running;
    case kSyscall:
      return GoState::in_syscall;
    case kWaiting:
      return GoState::waiting;
    default:  // it has ended, or is none yet
      return std::nullopt;
  }
}

// As much of a stack as was asked for, from its pointer on.
class StackBytes {
 public:
  StackBytes(const GoMemory& read, std::uint64_t start, std::uint64_t end)
      : read_(read), start_(start), end_(end) {}

  std::optional<std::uint64_t> word(std::uint64_t address) {
    if (address < start_ || address >= end_ || end_ - address < kWord) return std::nullopt;
    const auto at = static_cast<std::size_t>(address - start_);
    if (at + kWord > got_ && !fill(at + kWord)) return std::nullopt;
    std::uint64_t value = 0;
    std::memcpy(&value, bytes_.data() + at, kWord);
    return value;
  }

 private:
  // Most stacks of goroutines that wait are shorter than the first piece.
  bool fill(std::size_t needed) {
    constexpr std::size_t kFirstPiece = 1024;
    if (needed > bytes_.size()) return false;
    const std::size_t most = std::min<std::uint64_t>(bytes_.size(), end_ - start_);
    const std::size_t wanted = std::min(most, std::max(needed, got_ == 0 ? kFirstPiece : most));
    if (!read_(start_ + got_,
               std::as_writable_bytes(std::span(bytes_)).subspan(got_, wanted - got_)))
      return false;
    got_ = wanted;
    return got_ >= needed;
  }

  const GoMemory& read_;
  std::uint64_t start_, end_;
  std::size_t got_ = 0;
  std::array<char, GoStackBounds::kMostBytes> bytes_ = {};
};

// What one g says.
struct Goroutine {
  GoState state = GoState::waiting;
  std::uint8_t reason = 0;
  std::uint64_t stack_low = 0, stack_high = 0, stack_pointer = 0, code = 0;
  std::uint64_t made_at = 0, started = 0;
};

class Reader {
 public:
  Reader(const GoGoroutines& layout, const GoStackPlace& place, const GoMemory& read,
         const GoCodeFinder& code)
      : layout_(layout), place_(place), read_(read), code_(code), bytes_(layout.bytes()) {}

  Result<GoStacks> run(const GoStackBounds& bounds) {
    // In the order in which the runtime reads them: the list is never shorter than the count.
    std::uint64_t count = 0;
    std::uint64_t list = 0;
    if (!read_word(place_.count, count) || !read_word(place_.list, list))
      return failure(ErrorKind::io, {}, "the list of a Go program's goroutines cannot be read");
    if (count > GoStackBounds::kMostGoroutines || list >= kAddressSpace || list % kWord != 0)
      return failure(ErrorKind::malformed, {},
                     "what stands where a Go program keeps its goroutines can be none");
    const std::size_t looks = std::min<std::uint64_t>(count, bounds.most_goroutines);
    for (const std::uint64_t goroutine : choose(list, count, looks)) look_at(goroutine);
    return take(looks == 0 ? 0 : static_cast<double>(count) / static_cast<double>(looks));
  }

 private:
  using Key = std::tuple<GoState, std::uint8_t, std::uint64_t, std::vector<std::uint64_t>>;

  template <class Word>
  bool read_word(std::uint64_t address, Word& word) const {
    return read_(address, std::as_writable_bytes(std::span(&word, 1)));
  }

  template <class Word>
  [[nodiscard]] Word field(std::uint32_t offset) const {
    Word word = 0;
    std::memcpy(&word, bytes_.data() + offset, sizeof word);
    return word;
  }

  // The addresses of so many goroutines; of fewer where they cannot be read.
  std::vector<std::uint64_t> choose(std::uint64_t list, std::uint64_t count, std::size_t looks) {
    std::vector<std::uint64_t> chosen(looks);
    if (count == looks) {
      if (!read_(list, std::as_writable_bytes(std::span(chosen)))) chosen.clear();
      return chosen;
    }
    std::minstd_rand random(static_cast<std::uint32_t>(list ^ count) | 1U);
    for (std::size_t i = 0; i < looks; ++i) {
      const std::uint64_t first = count * i / looks;
      const std::uint64_t behind = count * (i + 1) / looks;
      std::uniform_int_distribution<std::uint64_t> within(first, behind - 1);
      if (!read_word(list + within(random) * kWord, chosen[i])) chosen[i] = 0;
    }
    return chosen;
  }

  // Nothing where it has ended, or is none.
  std::optional<Goroutine> read_goroutine(std::uint64_t address) {
    if (address == 0 || address >= kAddressSpace || address % kWord != 0 || !read_(address, bytes_))
      return std::nullopt;
    const auto state = state_of(field<std::uint32_t>(layout_.status));
    if (!state) return std::nullopt;
    Goroutine goroutine;
    goroutine.state = *state;
    if (*state == GoState::waiting) goroutine.reason = field<std::uint8_t>(layout_.reason);
    goroutine.stack_low = field<std::uint64_t>(layout_.stack_low);
    goroutine.stack_high = field<std::uint64_t>(layout_.stack_high);
    const bool is_outside = *state == GoState::in_syscall;
    goroutine.stack_pointer =
        field<std::uint64_t>(is_outside ? layout_.syscall_stack_pointer : layout_.stack_pointer);
    goroutine.code = field<std::uint64_t>(is_outside ? layout_.syscall_code : layout_.code);
    goroutine.made_at = field<std::uint64_t>(layout_.made_at);
    goroutine.started = field<std::uint64_t>(layout_.started);
    return goroutine;
  }

  void look_at(std::uint64_t address) {
    const auto goroutine = read_goroutine(address);
    if (!goroutine || is_of_runtime(*goroutine)) return;
    ++seen_;
    std::vector<std::uint64_t> frames;
    if (goroutine->state != GoState::running) frames = unwind(*goroutine);
    // A go statement is a call: where it returns to is behind it.
    const std::uint64_t made_at =
        goroutine->made_at > place_.bias ? goroutine->made_at - place_.bias - 1 : 0;
    ++stacks_[{goroutine->state, goroutine->reason, made_at, std::move(frames)}];
  }

  // runtime.isSystemGoroutine(), but for the one that runs finalizers, which counts while it does.
  bool is_of_runtime(const Goroutine& goroutine) {
    const GoCode* const code = code_at(goroutine.started);
    return code != nullptr && code->function.starts_with(kRuntime) &&
           code->function != "runtime.main" && code->function != "runtime.handleAsyncEvent";
  }

  // Null where no function is there.
  const GoCode* code_at(std::uint64_t address) {
    if (address < place_.bias) return nullptr;
    const auto known = codes_.find(address);
    if (known != codes_.end()) return known->second ? &*known->second : nullptr;
    if (codes_.size() >= GoStackBounds::kMostPlaces) return nullptr;
    const auto& found = codes_.emplace(address, code_(address - place_.bias)).first->second;
    return found ? &*found : nullptr;
  }

  bool is_entry(std::uint64_t address) {
    const GoCode* const code = code_at(address);
    return code != nullptr && code->entry + place_.bias == address;
  }

  std::vector<std::uint64_t> unwind(const Goroutine& goroutine) {
    std::vector<std::uint64_t> frames;
    std::uint64_t stack_pointer = goroutine.stack_pointer;
    std::uint64_t address = goroutine.code;
    if (stack_pointer < goroutine.stack_low || stack_pointer >= goroutine.stack_high ||
        goroutine.stack_high >= kAddressSpace || stack_pointer % kWord != 0)
      return frames;
    StackBytes stack(read_, stack_pointer, goroutine.stack_high);
    while (frames.size() < GoStackBounds::kMostDepth && address > place_.bias) {
      // Where a call returns to may be of another line, or function; one that has not begun is at
      // its entry.
      const bool has_not_begun = frames.empty() && is_entry(address);
      const std::uint64_t place = has_not_begun ? address : address - 1;
      const GoCode* const code = code_at(place);
      if (code == nullptr || code->function == "runtime.goexit") break;
      frames.push_back(place - place_.bias);
      if (!code->frame_bytes) break;
      const auto next = stack.word(stack_pointer + *code->frame_bytes);
      if (!next) break;
      stack_pointer += *code->frame_bytes + kWord;
      address = *next;
    }
    return frames;
  }

  GoStacks take(double scale) {
    GoStacks all;
    all.seen = seen_;
    all.goroutines = scale * static_cast<double>(seen_);
    for (const auto& [key, goroutines] : stacks_) {
      const auto& [state, reason, made_at, frames] = key;
      all.stacks.push_back({state, reason, frames, made_at, goroutines});
    }
    std::ranges::stable_sort(all.stacks, std::greater<>(), &GoStack::goroutines);
    return all;
  }

  const GoGoroutines& layout_;
  GoStackPlace place_;
  const GoMemory& read_;
  const GoCodeFinder& code_;
  std::vector<std::byte> bytes_;
  std::unordered_map<std::uint64_t, std::optional<GoCode>> codes_;  // by address in memory
  std::map<Key, std::size_t> stacks_;
  std::size_t seen_ = 0;
};

}  // namespace

Result<GoStacks> read_go_stacks(const GoGoroutines& layout, const GoStackPlace& place,
                                const GoMemory& read, const GoCodeFinder& code,
                                const GoStackBounds& bounds) {
  return Reader(layout, place, read, code).run(bounds);
}

}  // namespace heapfloor
