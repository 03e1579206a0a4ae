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
#include <string>

#include "collectors/parse/byte_source.h"
#include "collectors/parse/elf_file.h"

namespace heapfloor {

struct GoLineBounds {
  static constexpr std::uint32_t kMostFunctions = 1U << 22;
  static constexpr std::size_t kMostName = 1024;  // what is longer is cut
  // Of one table of values by address, in bytes: a function of a megabyte of code has less.
  static constexpr std::size_t kMostValueBytes = std::size_t{256} << 10;
};

// Where a file has the table, and what its offsets are relative to; by the symbols of the file.
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

// Nothing where the file has none, or no symbols to find it by.
[[nodiscard]] std::optional<GoTables> find_go_tables(const ByteSource& source, const ElfFile& elf);

class GoLineTable {
 public:
  // `source` outlives it. Nothing where the table is of no layout that is known.
  [[nodiscard]] static std::optional<GoLineTable> open(const ByteSource& source,
                                                       const GoTables& tables);

  // The innermost function at an address of the code, in the file's own numbering: the runtime's
  // stacks have an address for each function, one that was inlined included. Nothing where no
  // function is there. About 50 short reads.
  [[nodiscard]] std::optional<GoFrame> find(std::uint64_t address) const;
  // The function that is called by the instruction whose last byte is at an address, by the code
  // itself: of x86-64. The runtime's stacks leave out the function that allocates, which tells what
  // for. Nothing where no such call is there.
  [[nodiscard]] std::optional<std::string> find_called(std::uint64_t address) const;

 private:
  enum class Layout : std::uint8_t { go118, go120 };
  struct Function {
    std::uint64_t offset = 0;  // of its record, in the table
    std::uint32_t entry = 0;   // from the start of the text
    std::uint32_t name = 0, files = 0, lines = 0, values = 0, unit = 0;
  };

  GoLineTable(const ByteSource& source, const GoTables& tables)
      : source_(&source), tables_(tables) {}
  [[nodiscard]] bool read_head();
  [[nodiscard]] std::optional<std::uint32_t> word(std::uint64_t offset) const;
  [[nodiscard]] std::optional<std::uint32_t> entry_of(std::uint64_t index) const;
  [[nodiscard]] std::optional<Function> function_at(std::uint32_t place) const;
  [[nodiscard]] std::optional<std::int32_t> value_at(const Function& function, std::uint32_t values,
                                                     std::uint32_t place) const;
  [[nodiscard]] std::optional<std::uint32_t> inlined_name(const Function& function,
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
