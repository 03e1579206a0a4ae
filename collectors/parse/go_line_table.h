// What function, file and line an address in a Go program is of, by the table that its own runtime
// walks stacks with. It is in every Go program, also where symbols and debugging information were
// left out, and knows what was inlined.
//
// Source: src/runtime/symtab.go, src/debug/gosym/pclntab.go and src/cmd/link/internal/ld/pcln.go of
// Go; the two layouts of Go 1.18 and later (magics 0xfffffff0 and 0xfffffff1). An older or newer
// one is not read. Read piece by piece where it stands in the file: nothing of it is kept. Thread
// rule: pure functions of what the source says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/parse/byte_source.h"

namespace heapfloor {

struct GoLineBounds {
  static constexpr std::uint32_t kMostFunctions = 1U << 22;
  static constexpr std::size_t kMostName = 1024;  // what is longer is cut
  // Of one table of values by address, in bytes: a function of a megabyte of code has less.
  static constexpr std::size_t kMostValueBytes = std::size_t{256} << 10;
  static constexpr std::uint32_t kMostSearched = 1U << 16;  // functions, for one by its name
  static constexpr std::size_t kMostInlinedDepth = 8;       // one into the other
  static constexpr std::int32_t kMostFrameBytes = 1 << 24;
};

// Where a file has the table, and what its offsets are relative to; see go_module.h.
struct GoTables {
  std::uint64_t lines_offset = 0;  // in the file
  std::uint64_t lines_bytes = 0;   // at most: to the end of its segment
  std::uint64_t text_address = 0;  // runtime.text, in the file's own numbering
  std::uint64_t text_offset = 0;   // the same place in the file
  std::uint64_t text_bytes = 0;    // at most: to the end of its segment
  // Of go:func.*, in the file; nothing: what was inlined goes by the name of what it is inlined in.
  std::optional<std::uint64_t> functions_offset;
  friend bool operator==(const GoTables&, const GoTables&) = default;
};

// Raw, and hostile.
struct GoFrame {
  std::string function;
  std::string file;       // empty where it is not known
  std::int64_t line = 0;  // the same
  friend bool operator==(const GoFrame&, const GoFrame&) = default;
};

// The function whose code an address is of, what was inlined into it left aside.
struct GoCode {
  std::string function;     // raw
  std::uint64_t entry = 0;  // of its code, in the file's own numbering
  // How far above the stack pointer its return address is, while it is at that address; nothing
  // where that is not told.
  std::optional<std::uint32_t> frame_bytes;
  friend bool operator==(const GoCode&, const GoCode&) = default;
};

// A function's code, in the file's own numbering.
struct GoFunction {
  std::uint64_t address = 0;
  std::uint64_t bytes = 0;
  friend bool operator==(const GoFunction&, const GoFunction&) = default;
};

class GoLineTable {
 public:
  // `source` outlives it. Nothing where the table is of no layout that is known.
  [[nodiscard]] static std::optional<GoLineTable> open(const ByteSource& source,
                                                       const GoTables& tables);

  // The innermost function at an address of the code, in the file's own numbering: the runtime's
  // stacks have an address for each function, one that was inlined included. Nothing where no
  // function is there. About 50 short reads.
  [[nodiscard]] std::optional<GoFrame> find(std::uint64_t address) const;
  // The same with all that it is inlined into, innermost first; empty where no function is there.
  [[nodiscard]] std::vector<GoFrame> find_all(std::uint64_t address) const;
  // Where the stack of code that stands at an address goes on: PCSP, as the runtime unwinds.
  [[nodiscard]] std::optional<GoCode> code_at(std::uint64_t address) const;
  // Where functions of these names are; nothing where there is none. Looks at one after the other
  // until all are found: in a program, Go's runtime comes early. `source` better reads ahead.
  [[nodiscard]] std::vector<std::optional<GoFunction>> find_functions(
      std::span<const std::string_view> names) const;
  // For code of x86-64; else for that of another machine.
  [[nodiscard]] bool is_x86() const { return quantum_ == 1; }
  // The function that is called by the instruction whose last byte is at an address, by the code
  // itself: of x86-64. The runtime's stacks leave out the function that allocates, which tells what
  // for. Nothing where no such call is there.
  [[nodiscard]] std::optional<std::string> find_called(std::uint64_t address) const;

 private:
  enum class Layout : std::uint8_t { go118, go120 };
  struct Function {
    std::uint64_t offset = 0;  // of its record, in the table
    std::uint32_t entry = 0;   // from the start of the text
    std::uint32_t name = 0, frames = 0, files = 0, lines = 0, values = 0, unit = 0;
  };

  GoLineTable(const ByteSource& source, const GoTables& tables)
      : source_(&source), tables_(tables) {}
  [[nodiscard]] bool read_head();
  [[nodiscard]] std::optional<std::uint32_t> word(std::uint64_t offset) const;
  [[nodiscard]] std::optional<std::uint32_t> entry_of(std::uint64_t index) const;
  [[nodiscard]] std::optional<Function> function_at(std::uint32_t place) const;
  [[nodiscard]] std::optional<std::int32_t> value_at(const Function& function, std::uint32_t values,
                                                     std::uint32_t place) const;
  struct InlinedCall {
    std::uint32_t name = 0;
    std::uint32_t parent = 0;  // a place of the code that it was inlined into, from the entry on
  };
  [[nodiscard]] std::optional<std::uint32_t> place_of(std::uint64_t address) const;
  [[nodiscard]] std::optional<InlinedCall> inlined_call(const Function& function,
                                                        std::uint32_t place) const;
  [[nodiscard]] GoFrame frame_of(const Function& function, std::uint32_t name,
                                 std::uint32_t place) const;
  [[nodiscard]] std::string text_at(std::uint64_t offset) const;
  [[nodiscard]] std::string file_of(const Function& function, std::uint32_t place) const;

  const ByteSource* source_;
  GoTables tables_;
  Layout layout_ = Layout::go118;
  std::uint32_t quantum_ = 1;    // bytes of code that a step counts
  std::uint32_t functions_ = 0;  // how many
  std::uint64_t names_ = 0, units_ = 0, files_ = 0, values_ = 0, records_ = 0;  // in the table
};

}  // namespace heapfloor
