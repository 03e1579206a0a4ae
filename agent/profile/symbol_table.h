// SymbolTable: the functions of one ELF file by address, in 16 bytes a function beside its name.
//
// A lookup is a binary search in one array, without a look at the file. Thread rule: made by one
// thread, then read by any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/parse/byte_source.h"
#include "collectors/parse/elf_file.h"

namespace heapfloor {

struct FoundSymbol {
  std::uint64_t start = 0;  // in the file's own numbering
  std::string_view name;    // mangled; of the table, valid as long as it is
};

class SymbolTable {
 public:
  // Names of functions are cut behind that many bytes.
  static constexpr std::size_t kMostNameBytes = 4096;

  SymbolTable() = default;

  // Adds the functions of a file: of .symtab where it has one; else of .dynsym, and of
  // .gnu_debugdata where that is there. What cannot be read is left out.
  void add(const ByteSource& source, const ElfFile& elf);
  // Sorts; of several names of one address the public one without a leading underscore is kept.
  // Once, behind the last add() and before the first find().
  void finish();

  // The function that holds the address: one without a size ends where the next one starts.
  [[nodiscard]] std::optional<FoundSymbol> find(std::uint64_t address) const;

  [[nodiscard]] std::size_t functions() const { return entries_.size(); }
  // What it takes in memory.
  [[nodiscard]] std::size_t bytes() const {
    return entries_.capacity() * sizeof(Entry) + names_.capacity();
  }

 private:
  struct Entry {
    std::uint64_t start = 0;
    std::uint32_t size = 0;
    std::uint32_t name = 0;  // its place in names_, where it ends with a zero byte
  };
  struct Candidate {
    Entry entry;
    std::uint8_t rank = 0;  // the least is the best name of an address
  };

  void add_symbols(const ByteSource& source, const ElfSymbols& symbols);
  void read_names(const ByteSource& source, const ElfRange& names, std::size_t first);
  [[nodiscard]] std::string_view name_of(const Entry& entry) const;

  std::vector<Candidate> candidates_;  // until finish()
  std::vector<Entry> entries_;         // ascending by start, each start once
  std::string names_;
};

}  // namespace heapfloor
