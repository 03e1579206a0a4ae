// Symboliser: from addresses in a process to functions, files and lines, with the tables of symbols
// of the files that many processes share kept in bounded memory.
//
// No server is asked (debuginfod), no program is run, and no file stays open. Thread rule: any
// thread; those that ask at once wait for each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/profile/code_files.h"
#include "agent/profile/demangle.h"
#include "agent/profile/profile.h"
#include "agent/profile/source_lines.h"
#include "agent/profile/symbol_table.h"
#include "collectors/parse/elf_file.h"
#include "collectors/parse/go_line_table.h"
#include "collectors/parse/memory_map.h"

namespace heapfloor {

// What is known of one file with code.
struct CodeModule {
  ElfFile elf;
  SymbolTable symbols;
  std::optional<GoTables> go;  // of a Go program
  [[nodiscard]] std::size_t bytes() const;
};

struct SymboliserOptions {
  std::size_t module_bytes = std::size_t{24} << 20;  // of all that are kept
  bool wants_lines = true;
};

// Why a name is not one: shown in place of functions.
inline constexpr std::string_view kUnknownFunction = "[unknown]";

class Symboliser {
 public:
  explicit Symboliser(const SymboliserOptions& options = {}) : options_(options) {}

  // Makes profile.locations, one for each address (a place in code, not a return address), in
  // their order, with the mappings and functions that they need. Lines and what was inlined are
  // looked up for the first `most_lines` addresses alone. What has no name becomes
  // "[file+0x1234]", or "[unknown]" where nothing is mapped. Of a process whose files are gone,
  // what was kept of them since an earlier call is used. Of Go's code each address is one function,
  // as Go's runtime makes stacks: its name and line come from the runtime's own table, at once.
  void symbolise(Profile& profile, std::span<const std::uint64_t> addresses, std::size_t most_lines,
                 const std::vector<CodeMapping>& mappings, const CodeFiles& files);

  // What the kept tables take.
  [[nodiscard]] std::size_t module_bytes() const;
  [[nodiscard]] std::size_t modules() const;

 private:
  using ModulePointer = std::shared_ptr<const CodeModule>;
  struct Kept {
    FileFacts facts;
    ModulePointer module;
    std::string path;  // as the last process that mapped it saw it
    std::uint64_t inode = 0;
  };
  class Run;

  // Null where the file is none of ours.
  [[nodiscard]] ModulePointer load(const HostFile& file, const CodeMapping& mapping,
                                   const CodeFiles& files);
  [[nodiscard]] ModulePointer find(const FileFacts& facts, const ElfFile& elf);
  // What was kept of a file that cannot be opened any more, since its process has ended.
  [[nodiscard]] ModulePointer find_former(const CodeMapping& mapping);
  void keep(Kept kept);

  SymboliserOptions options_;
  Demangler demangler_;
  mutable std::mutex mutex_;
  std::list<Kept> kept_;  // the last used first
  std::size_t bytes_ = 0;
};

}  // namespace heapfloor
