#include "collectors/probe/unwind.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

// Present since glibc 2.35; without it frame pointers are all there is.
extern "C" __attribute__((weak)) int _dl_find_object(void* address, struct dl_find_object* result);
// The end of the first thread's stack (ld.so).
extern "C" __attribute__((
    weak)) void* __libc_stack_end;  // NOLINT(*-reserved-identifier,*-identifier-naming)

namespace heapfloor::probe {
namespace {

// DWARF register numbers of x86-64.
constexpr std::uint64_t kFrameRegister = 6;    // rbp
constexpr std::uint64_t kStackRegister = 7;    // rsp
constexpr std::uint64_t kReturnRegister = 16;  // rip

enum class CfaRule : std::uint8_t { none, stack_plus, frame_plus, at_frame_plus };
enum class FrameRule : std::uint8_t { same, at_cfa_plus, at_frame_plus };

// How to get from a frame to its caller's. The return address is always at CFA - 8.
struct UnwindRule {
  CfaRule cfa = CfaRule::none;  // none: this is the outermost frame
  FrameRule frame = FrameRule::same;
  std::int64_t cfa_offset = 0;
  std::int64_t frame_offset = 0;
};

// --- the cache: one word an instruction address, so that it is read and written whole
// -----------------------------------------

// word = address tag (34 bits) | cfa offset / 8 (14 bits, signed) | frame offset / 8 (11 bits,
// signed) | cfa rule (2) | frame rule (2) | valid (1)
constexpr unsigned kCacheBits = 13;
std::atomic<std::uint64_t> g_cache[std::size_t{1} << kCacheBits];

constexpr std::uint64_t tag_of(std::uintptr_t address) {
  return (address >> kCacheBits) & ((std::uint64_t{1} << 34) - 1);
}
std::atomic<std::uint64_t>& cache_slot(std::uintptr_t address) {
  return g_cache[address & ((std::uintptr_t{1} << kCacheBits) - 1)];
}

bool fits(std::int64_t offset, unsigned bits) {
  const std::int64_t limit = std::int64_t{1} << (bits - 1);
  return offset % 8 == 0 && offset / 8 >= -limit && offset / 8 < limit;
}

void remember(std::uintptr_t address, const UnwindRule& rule) {
  if (!fits(rule.cfa_offset, 14) || !fits(rule.frame_offset, 11)) return;
  const std::uint64_t cfa_offset = static_cast<std::uint64_t>(rule.cfa_offset / 8) & 0x3FFF;
  const std::uint64_t frame_offset = static_cast<std::uint64_t>(rule.frame_offset / 8) & 0x7FF;
  const std::uint64_t word = (tag_of(address) << 30) | (cfa_offset << 16) | (frame_offset << 5) |
                             (static_cast<std::uint64_t>(rule.cfa) << 3) |
                             (static_cast<std::uint64_t>(rule.frame) << 1) | 1;
  cache_slot(address).store(word, std::memory_order_relaxed);
}

std::int64_t sign_extended(std::uint64_t value, unsigned bits) {
  return static_cast<std::int64_t>(value << (64 - bits)) >> (64 - bits);
}

bool recall(std::uintptr_t address, UnwindRule& rule) {
  const std::uint64_t word = cache_slot(address).load(std::memory_order_relaxed);
  if ((word & 1) == 0 || (word >> 30) != tag_of(address)) return false;
  rule.frame = static_cast<FrameRule>((word >> 1) & 3);
  rule.cfa = static_cast<CfaRule>((word >> 3) & 3);
  rule.frame_offset = sign_extended((word >> 5) & 0x7FF, 11) * 8;
  rule.cfa_offset = sign_extended((word >> 16) & 0x3FFF, 14) * 8;
  return true;
}

// --- reading the tables
// -----------------------------------------------------------------------------------------------------------

// A place in a table of an object that is loaded.
struct Cursor {
  const std::uint8_t* at = nullptr;
  const std::uint8_t* end = nullptr;

  template <typename T>
  T take() {
    T value{};
    if (static_cast<std::size_t>(end - at) < sizeof(T)) {
      at = end;
      return value;
    }
    std::memcpy(&value, at, sizeof(T));
    at += sizeof(T);
    return value;
  }
  std::uint64_t take_unsigned() {  // ULEB128
    std::uint64_t value = 0;
    for (unsigned shift = 0; at < end; shift += 7) {
      const std::uint8_t byte = *at++;
      if (shift < 64) value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if ((byte & 0x80) == 0) break;
    }
    return value;
  }
  std::int64_t take_signed() {  // SLEB128
    std::uint64_t value = 0;
    unsigned shift = 0;
    std::uint8_t byte = 0;
    while (at < end) {
      byte = *at++;
      if (shift < 64) value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      shift += 7;
      if ((byte & 0x80) == 0) break;
    }
    if (shift < 64 && (byte & 0x40) != 0) value |= ~std::uint64_t{0} << shift;
    return static_cast<std::int64_t>(value);
  }
  void skip(std::uint64_t bytes) {
    at = bytes > static_cast<std::uint64_t>(end - at) ? end : at + bytes;
  }
};

constexpr std::uint8_t kOmitted = 0xFF;

// A pointer in one of the encodings of the LSB (DW_EH_PE_*). `base` is what data-relative ones
// count from.
std::uintptr_t take_pointer(Cursor& cursor, std::uint8_t encoding, std::uintptr_t base) {
  const auto place = reinterpret_cast<std::uintptr_t>(cursor.at);
  std::uintptr_t value = 0;
  switch (encoding & 0x0F) {
    case 0x00:
    case 0x04:
    case 0x0C:
      value = cursor.take<std::uint64_t>();
      break;
    case 0x01:
      value = cursor.take_unsigned();
      break;
    case 0x02:
      value = cursor.take<std::uint16_t>();
      break;
    case 0x03:
      value = cursor.take<std::uint32_t>();
      break;
    case 0x09:
      value = static_cast<std::uintptr_t>(cursor.take_signed());
      break;
    case 0x0A:
      value = static_cast<std::uintptr_t>(std::int64_t{cursor.take<std::int16_t>()});
      break;
    case 0x0B:
      value = static_cast<std::uintptr_t>(std::int64_t{cursor.take<std::int32_t>()});
      break;
    default:
      cursor.at = cursor.end;
      return 0;
  }
  if ((encoding & 0x70) == 0x10) value += place;
  if ((encoding & 0x70) == 0x30) value += base;
  return value;
}

struct Cie {
  std::uint64_t code_alignment = 1;
  std::int64_t data_alignment = 1;
  std::uint8_t pointer_encoding = 0;
  bool is_signal_frame = false;
  bool has_augmentation = false;
  Cursor instructions;
};

// A record of .eh_frame: its length is in front; 0 and 64-bit lengths are refused.
bool open_record(const std::uint8_t* record, Cursor& cursor) {
  std::uint32_t length = 0;
  std::memcpy(&length, record, sizeof length);
  if (length == 0 || length == 0xFFFFFFFFU) return false;
  cursor = {.at = record + 4, .end = record + 4 + length};
  return true;
}

bool read_cie(const std::uint8_t* record, Cie& cie) {
  Cursor cursor;
  if (!open_record(record, cursor) || cursor.take<std::uint32_t>() != 0) return false;
  const auto version = cursor.take<std::uint8_t>();
  if (version != 1 && version != 3) return false;
  const std::uint8_t* augmentation = cursor.at;
  while (cursor.at < cursor.end && *cursor.at != 0) ++cursor.at;
  cursor.skip(1);
  cie.code_alignment = cursor.take_unsigned();
  cie.data_alignment = cursor.take_signed();
  const std::uint64_t return_register =
      version == 1 ? cursor.take<std::uint8_t>() : cursor.take_unsigned();
  if (return_register != kReturnRegister) return false;
  cie.has_augmentation = *augmentation == 'z';
  if (!cie.has_augmentation && *augmentation != 0) return false;
  if (cie.has_augmentation) {
    const std::uint64_t bytes = cursor.take_unsigned();
    Cursor data = cursor;
    cursor.skip(bytes);
    for (const std::uint8_t* letter = augmentation + 1; *letter != 0; ++letter) {
      if (*letter == 'R') {
        cie.pointer_encoding = data.take<std::uint8_t>();
      } else if (*letter == 'P') {
        const auto encoding = data.take<std::uint8_t>();
        take_pointer(data, encoding, 0);
      } else if (*letter == 'L') {
        data.skip(1);
      } else if (*letter == 'S') {
        cie.is_signal_frame = true;
      } else {
        return false;
      }
    }
  }
  cie.instructions = cursor;
  return true;
}

// A DWARF expression of the two forms that compilers use where a stack is realigned: breg6 N
// [deref].
bool frame_relative(Cursor& cursor, std::int64_t& offset, bool& is_loaded) {
  const std::uint64_t bytes = cursor.take_unsigned();
  Cursor expression = cursor;
  cursor.skip(bytes);
  expression.end = cursor.at;
  if (expression.take<std::uint8_t>() != 0x76) return false;  // DW_OP_breg6
  offset = expression.take_signed();
  is_loaded =
      expression.at < expression.end && expression.take<std::uint8_t>() == 0x06;  // DW_OP_deref
  return expression.at == expression.end;
}

// The state of the table's small machine at one address.
struct RuleState {
  std::uint64_t cfa_register = kStackRegister;
  std::int64_t cfa_offset = 8;
  bool cfa_is_loaded = false;
  FrameRule frame = FrameRule::same;
  std::int64_t frame_offset = 0;
  bool return_is_undefined = false;
};

// Runs call frame instructions (DWARF 5 section 6.4.2).
class RuleMachine {
 public:
  RuleMachine(const Cie& cie, std::uintptr_t location) : cie_(cie), location_(location) {}

  // Runs until `target` is passed. False: something in it is not understood.
  bool run(Cursor cursor, std::uintptr_t target) {
    while (cursor.at < cursor.end && is_good_) {
      const auto opcode = cursor.take<std::uint8_t>();
      const std::uint8_t operand = opcode & 0x3F;
      switch (opcode >> 6) {
        case 1:
          location_ += operand * cie_.code_alignment;
          break;
        case 2:
          set_saved(operand,
                    static_cast<std::int64_t>(cursor.take_unsigned()) * cie_.data_alignment);
          break;
        case 3:
          restore(operand);
          break;
        default:
          extended(opcode, cursor);
          break;
      }
      if (location_ > target) break;
    }
    return is_good_;
  }
  void keep_initial() { initial_ = state_; }
  [[nodiscard]] const RuleState& state() const { return state_; }

 private:
  void set_saved(std::uint64_t number, std::int64_t offset) {
    if (number == kFrameRegister) {
      state_.frame = FrameRule::at_cfa_plus;
      state_.frame_offset = offset;
    } else if (number == kReturnRegister) {
      is_good_ = is_good_ && offset == -8;
    }
  }
  void restore(std::uint64_t number) {
    if (number != kFrameRegister) return;
    state_.frame = initial_.frame;
    state_.frame_offset = initial_.frame_offset;
  }
  void forget(std::uint64_t number) {
    if (number == kReturnRegister) state_.return_is_undefined = true;
    if (number == kFrameRegister) state_.frame = FrameRule::same;
  }
  void remember_state() {
    if (kept_ == sizeof(stack_) / sizeof(stack_[0])) {
      is_good_ = false;
    } else {
      stack_[kept_++] = state_;
    }
  }
  void restore_state() {
    if (kept_ == 0) {
      is_good_ = false;
    } else {
      state_ = stack_[--kept_];
    }
  }
  void define_cfa(std::uint64_t number, std::int64_t offset) {
    state_.cfa_register = number;
    state_.cfa_offset = offset;
    state_.cfa_is_loaded = false;
  }
  void cfa_expression(Cursor& cursor) {
    std::int64_t offset = 0;
    bool is_loaded = false;
    const bool is_known = frame_relative(cursor, offset, is_loaded);
    // Not an error here: the PLT's expression is passed on the way to addresses that have another
    // rule.
    define_cfa(is_known ? kFrameRegister : kReturnRegister, offset);
    state_.cfa_is_loaded = is_loaded;
  }
  void saved_expression(Cursor& cursor) {
    const std::uint64_t number = cursor.take_unsigned();
    std::int64_t offset = 0;
    bool is_loaded = false;
    const bool is_known = frame_relative(cursor, offset, is_loaded) && !is_loaded;
    if (number != kFrameRegister) return;
    is_good_ = is_good_ && is_known;
    state_.frame = FrameRule::at_frame_plus;
    state_.frame_offset = offset;
  }
  // Each of the three takes an instruction if it is of its kind.
  bool moves_location(std::uint8_t opcode, Cursor& cursor) {
    switch (opcode) {
      case 0x01:  // set_loc
        location_ = take_pointer(cursor, cie_.pointer_encoding, 0);
        return true;
      case 0x02:  // advance_loc1, 2 and 4
        location_ += cursor.take<std::uint8_t>() * cie_.code_alignment;
        return true;
      case 0x03:
        location_ += cursor.take<std::uint16_t>() * cie_.code_alignment;
        return true;
      case 0x04:
        location_ += cursor.take<std::uint32_t>() * cie_.code_alignment;
        return true;
      default:
        return false;
    }
  }
  bool defines_cfa(std::uint8_t opcode, Cursor& cursor) {
    switch (opcode) {
      case 0x0C: {  // def_cfa
        const std::uint64_t number = cursor.take_unsigned();
        define_cfa(number, static_cast<std::int64_t>(cursor.take_unsigned()));
        return true;
      }
      case 0x0D:  // def_cfa_register
        state_.cfa_register = cursor.take_unsigned();
        return true;
      case 0x0E:  // def_cfa_offset
        state_.cfa_offset = static_cast<std::int64_t>(cursor.take_unsigned());
        return true;
      case 0x0F:
        cfa_expression(cursor);
        return true;
      case 0x12: {  // def_cfa_sf
        const std::uint64_t number = cursor.take_unsigned();
        define_cfa(number, cursor.take_signed() * cie_.data_alignment);
        return true;
      }
      case 0x13:  // def_cfa_offset_sf
        state_.cfa_offset = cursor.take_signed() * cie_.data_alignment;
        return true;
      default:
        return false;
    }
  }
  bool saves_register(std::uint8_t opcode, Cursor& cursor) {
    switch (opcode) {
      case 0x05: {  // offset_extended
        const std::uint64_t number = cursor.take_unsigned();
        set_saved(number, static_cast<std::int64_t>(cursor.take_unsigned()) * cie_.data_alignment);
        return true;
      }
      case 0x06:  // restore_extended
        restore(cursor.take_unsigned());
        return true;
      case 0x07:  // undefined, and same_value
      case 0x08:
        forget(cursor.take_unsigned());
        return true;
      case 0x09:  // register
        cursor.take_unsigned();
        cursor.take_unsigned();
        return true;
      case 0x10:  // expression, and val_expression
      case 0x16:
        saved_expression(cursor);
        return true;
      case 0x11: {  // offset_extended_sf
        const std::uint64_t number = cursor.take_unsigned();
        set_saved(number, cursor.take_signed() * cie_.data_alignment);
        return true;
      }
      default:
        return false;
    }
  }
  void extended(std::uint8_t opcode, Cursor& cursor) {
    if (moves_location(opcode, cursor) || defines_cfa(opcode, cursor) ||
        saves_register(opcode, cursor))
      return;
    switch (opcode) {
      case 0x00:  // nop
        break;
      case 0x0A:
        remember_state();
        break;
      case 0x0B:
        restore_state();
        break;
      case 0x2E:  // GNU_args_size
        cursor.take_unsigned();
        break;
      default:
        is_good_ = false;
        break;
    }
  }

  const Cie& cie_;
  std::uintptr_t location_;
  RuleState state_;
  RuleState initial_;
  RuleState stack_[8];
  std::size_t kept_ = 0;
  bool is_good_ = true;
};

bool to_rule(const RuleState& state, UnwindRule& rule) {
  rule = {};
  if (state.return_is_undefined) return true;
  if (state.cfa_register == kStackRegister && !state.cfa_is_loaded) {
    rule.cfa = CfaRule::stack_plus;
  } else if (state.cfa_register == kFrameRegister) {
    rule.cfa = state.cfa_is_loaded ? CfaRule::at_frame_plus : CfaRule::frame_plus;
  } else {
    return false;
  }
  rule.cfa_offset = state.cfa_offset;
  rule.frame = state.frame;
  rule.frame_offset = state.frame == FrameRule::same ? 0 : state.frame_offset;
  return true;
}

// The record of the function around `address`, from the sorted table of .eh_frame_hdr. Null: none.
const std::uint8_t* find_fde(const std::uint8_t* header, std::uintptr_t address) {
  if (header[0] != 1 || header[2] == kOmitted || header[3] != 0x3B)
    return nullptr;  // datarel | sdata4
  const auto base = reinterpret_cast<std::uintptr_t>(header);
  Cursor cursor{.at = header + 4, .end = header + 64};
  take_pointer(cursor, header[1], base);
  const std::uintptr_t entries = take_pointer(cursor, header[2], base);
  const std::uint8_t* table = cursor.at;
  const auto start_of = [&](std::uintptr_t index) {
    std::int32_t relative = 0;
    std::memcpy(&relative, table + (index * 8), sizeof relative);
    return base + static_cast<std::uintptr_t>(std::int64_t{relative});
  };
  std::uintptr_t low = 0;
  std::uintptr_t high = entries;
  while (low < high) {
    const std::uintptr_t middle = low + ((high - low) / 2);
    if (start_of(middle) <= address) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == 0) return nullptr;
  std::int32_t relative = 0;
  std::memcpy(&relative, table + ((low - 1) * 8) + 4, sizeof relative);
  return reinterpret_cast<const std::uint8_t*>(base +
                                               static_cast<std::uintptr_t>(std::int64_t{relative}));
}

// What the tables say of `address`. False: nothing, or nothing that is understood.
bool read_rule(std::uintptr_t address, UnwindRule& rule) {
  dl_find_object object{};
  if (_dl_find_object == nullptr) return false;
  if (_dl_find_object(reinterpret_cast<void*>(address), &object) != 0 ||
      object.dlfo_eh_frame == nullptr)
    return false;
  const std::uint8_t* fde =
      find_fde(static_cast<const std::uint8_t*>(object.dlfo_eh_frame), address);
  Cursor cursor;
  if (fde == nullptr || !open_record(fde, cursor)) return false;
  const std::uint8_t* place = cursor.at;
  const auto back = cursor.take<std::uint32_t>();
  Cie cie;
  if (back == 0 || !read_cie(place - back, cie) || cie.is_signal_frame) return false;
  const std::uintptr_t begin = take_pointer(cursor, cie.pointer_encoding, 0);
  const std::uintptr_t bytes = take_pointer(cursor, cie.pointer_encoding & 0x0F, 0);
  if (address < begin || address - begin >= bytes) return false;
  if (cie.has_augmentation) cursor.skip(cursor.take_unsigned());
  RuleMachine machine(cie, begin);
  if (!machine.run(cie.instructions, UINTPTR_MAX)) return false;
  machine.keep_initial();
  return machine.run(cursor, address) && to_rule(machine.state(), rule);
}

// --- the walk
// ---------------------------------------------------------------------------------------------------------------------

constexpr std::uintptr_t kPageBytes = 4096;
// Of a thread's own stack; deeper ones are read as a foreign one is.
constexpr std::uintptr_t kMostStackBytes = std::uintptr_t{64} << 20;

// The kernel looks at the set of signals before it refuses the wrong first argument. Allowed in any
// sandbox in which threads are; with an error of its own, nothing changes.
bool is_readable(std::uintptr_t page) {
  return syscall(SYS_rt_sigprocmask, ~0L, page, nullptr, 8UL) == 0 || errno != EFAULT;
}

// Words of a stack that begins at `stack`, where the walk does: nothing below belongs to a caller.
// The thread's own is read directly; of any other, the kernel is asked page by page whether it is
// there.
class StackMemory {
 public:
  StackMemory(const StackBounds& bounds, std::uintptr_t stack)
      : low_(stack), high_(stack >= bounds.low && stack < bounds.high ? bounds.high : stack) {}

  bool load(std::uintptr_t address, std::uintptr_t& word) {
    // An aligned word lies in one page.
    if (address % sizeof word != 0 || address < low_) return false;
    if (address >= high_ && !reaches(address)) return false;
    std::memcpy(&word, reinterpret_cast<const void*>(address), sizeof word);
    return true;
  }

 private:
  bool reaches(std::uintptr_t address) {
    if (address - high_ > kMostForeignBytes) return false;
    while (high_ <= address) {
      const std::uintptr_t page = high_ / kPageBytes * kPageBytes;
      if (!is_readable(page)) return false;
      high_ = page + kPageBytes;
    }
    return true;
  }

  // One frame is not larger, and a coroutine's whole stack seldom is.
  static constexpr std::uintptr_t kMostForeignBytes = std::uintptr_t{256} << 10;
  std::uintptr_t low_;
  std::uintptr_t high_;  // one past what may be read
};

enum class Step : std::uint8_t { made, end, cut };

Step step_by_rule(const UnwindRule& rule, StackMemory& memory, FrameRegisters& registers) {
  std::uintptr_t cfa = registers.stack + static_cast<std::uintptr_t>(rule.cfa_offset);
  if (rule.cfa == CfaRule::none) return Step::end;
  if (rule.cfa == CfaRule::frame_plus)
    cfa = registers.frame + static_cast<std::uintptr_t>(rule.cfa_offset);
  if (rule.cfa == CfaRule::at_frame_plus &&
      !memory.load(registers.frame + static_cast<std::uintptr_t>(rule.cfa_offset), cfa)) {
    return Step::cut;
  }
  std::uintptr_t frame = registers.frame;
  if (rule.frame != FrameRule::same) {
    const std::uintptr_t base = rule.frame == FrameRule::at_cfa_plus ? cfa : registers.frame;
    if (!memory.load(base + static_cast<std::uintptr_t>(rule.frame_offset), frame))
      return Step::cut;
  }
  std::uintptr_t instruction = 0;
  // Every caller lies higher: a walk that does not climb would never end.
  if (cfa <= registers.stack || !memory.load(cfa - 8, instruction)) return Step::cut;
  registers = {.instruction = instruction, .stack = cfa, .frame = frame};
  return instruction == 0 ? Step::end : Step::made;
}

Step step_by_frame_pointer(StackMemory& memory, FrameRegisters& registers) {
  std::uintptr_t frame = 0;
  std::uintptr_t instruction = 0;
  if (registers.frame < registers.stack || !memory.load(registers.frame, frame) ||
      !memory.load(registers.frame + 8, instruction)) {
    return Step::cut;
  }
  if (instruction < 4096) return Step::end;
  registers = {.instruction = instruction, .stack = registers.frame + 16, .frame = frame};
  return Step::made;
}

Step step(StackMemory& memory, FrameRegisters& registers) {
#if defined(__x86_64__)
  // A return address may be the first byte of the next function: what called is one byte before it.
  const std::uintptr_t address = registers.instruction - 1;
  UnwindRule rule;
  if (recall(address, rule)) return step_by_rule(rule, memory, registers);
  if (read_rule(address, rule)) {
    remember(address, rule);
    return step_by_rule(rule, memory, registers);
  }
#endif
  return step_by_frame_pointer(memory, registers);
}

}  // namespace

StackWalk walk_stack(FrameRegisters registers, std::uintptr_t caller, const StackBounds& bounds,
                     std::uint64_t* frames, std::size_t most) {
  StackMemory memory(bounds, registers.stack);
  StackWalk walk;
  // The hooks are one or two frames deep.
  for (int below = 0; below < 4 && registers.instruction != caller; ++below) {
    if (step(memory, registers) != Step::made) break;
  }
  frames[walk.depth++] = caller;
  if (registers.instruction != caller) {
    walk.was_cut = true;
    return walk;
  }
  while (walk.depth < most) {
    const Step made = step(memory, registers);
    if (made != Step::made) {
      walk.was_cut = made == Step::cut;
      return walk;
    }
    frames[walk.depth++] = registers.instruction;
  }
  walk.was_cut = true;
  return walk;
}

void extend_stack_bounds(StackBounds& bounds, std::uintptr_t stack, bool is_first_thread) {
  if (stack >= bounds.low && stack < bounds.high) return;
  // The block that describes a thread lies on top of its stack; the first thread's begins below the
  // program's arguments.
  std::uintptr_t high = bounds.low;
  if (bounds.high == 0) {
    high = reinterpret_cast<std::uintptr_t>(pthread_self());
    if (is_first_thread)
      high = &__libc_stack_end != nullptr ? reinterpret_cast<std::uintptr_t>(__libc_stack_end) : 0;
  }
  if (stack >= high || high - stack > kMostStackBytes) return;
  const std::uintptr_t low = stack / kPageBytes * kPageBytes;
  for (std::uintptr_t page = low; page < high; page += kPageBytes) {
    if (!is_readable(page)) return;
  }
  bounds = {.low = low,
            .high = bounds.high == 0 ? high / sizeof(high) * sizeof(high) : bounds.high};
}

void forget_unwind_rules() {
  for (std::atomic<std::uint64_t>& word : g_cache) word.store(0, std::memory_order_relaxed);
}

}  // namespace heapfloor::probe
