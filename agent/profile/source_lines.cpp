#include "agent/profile/source_lines.h"

#include <dwarf.h>
#include <elfutils/libdw.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <utility>

namespace heapfloor {
namespace {

constexpr std::size_t kMostTextBytes = 4096;
constexpr int kMostTreeDepth = 256;

struct DwarfEnd {
  void operator()(Dwarf* dwarf) const { ::dwarf_end(dwarf); }
};

// An address that is looked for, and its place among those asked for.
struct Wanted {
  std::uint64_t address = 0;
  std::uint32_t index = 0;
};

template <class T>
void append_number(std::string& out, T value) {
  std::array<char, sizeof value> bytes = {};
  std::memcpy(bytes.data(), &value, sizeof value);
  out.append(bytes.data(), bytes.size());
}

template <class T>
bool take_number(std::string_view& rest, T& value) {
  if (rest.size() < sizeof value) return false;
  std::memcpy(&value, rest.data(), sizeof value);
  rest.remove_prefix(sizeof value);
  return true;
}

void append_text(std::string& out, std::string_view text) {
  const std::string_view start = text.substr(0, kMostTextBytes);
  append_number(out, static_cast<std::uint32_t>(start.size()));
  out.append(start);
}

bool take_text(std::string_view& rest, std::string& text) {
  std::uint32_t size = 0;
  if (!take_number(rest, size) || size > kMostTextBytes || size > rest.size()) return false;
  text = rest.substr(0, size);
  rest.remove_prefix(size);
  return true;
}

// One compilation unit: which functions, and what was inlined in them, hold the addresses.
class Unit {
 public:
  // `wanted` ascends by address.
  Unit(Dwarf_Die unit, std::vector<Wanted> wanted) : unit_(unit), wanted_(std::move(wanted)) {
    Dwarf_Files* files = nullptr;
    std::size_t count = 0;
    if (::dwarf_getsrcfiles(&unit_, &files, &count) == 0) {
      files_ = files;
      file_count_ = count;
    }
    Dwarf_Attribute attribute = {};
    if (::dwarf_attr(&unit_, DW_AT_comp_dir, &attribute) != nullptr) {
      const char* const text = ::dwarf_formstring(&attribute);
      if (text != nullptr) folder_ = text;
    }
  }

  // Writes what is known of each address.
  void answer(const ChildAnswer& out) {
    std::vector<Dwarf_Die> chain;
    visit(unit_, wanted_, chain, 0);
    for (const Wanted& wanted : wanted_) {
      std::string record;
      append_record(record, wanted);
      if (!out(record)) return;
    }
  }

 private:
  static constexpr int kMostNestedFunctions = 8;

  static bool is_function(int tag) {
    return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
  }
  static bool is_block(int tag) {
    return tag == DW_TAG_lexical_block || tag == DW_TAG_try_block || tag == DW_TAG_catch_block;
  }
  static bool is_scope(int tag) {
    return tag == DW_TAG_namespace || tag == DW_TAG_class_type || tag == DW_TAG_structure_type ||
           tag == DW_TAG_union_type || tag == DW_TAG_module;
  }

  static std::vector<Wanted> held_by(Dwarf_Die& die, const std::vector<Wanted>& wanted) {
    std::vector<Wanted> held;
    for (const Wanted& one : wanted) {
      if (::dwarf_haspc(&die, one.address) == 1) held.push_back(one);
    }
    return held;
  }

  // `chain`: the functions around `parent`, outermost first. What lies deeper replaces what was
  // found before.
  void visit(Dwarf_Die parent, const std::vector<Wanted>& wanted, std::vector<Dwarf_Die>& chain,
             int depth) {
    Dwarf_Die die = {};
    if (depth > kMostTreeDepth || ::dwarf_child(&parent, &die) != 0) return;
    do {
      const int tag = ::dwarf_tag(&die);
      if (is_scope(tag) && chain.empty()) visit(die, wanted, chain, depth + 1);
      if (!is_function(tag) && !is_block(tag)) continue;
      const std::vector<Wanted> held = held_by(die, wanted);
      if (held.empty()) continue;
      const bool is_deeper = is_function(tag) && chain.size() < kMostInlineDepth;
      if (is_deeper) {
        chain.push_back(die);
        for (const Wanted& one : held) chains_[one.index] = chain;
      }
      visit(die, held, chain, depth + 1);
      if (is_deeper) chain.pop_back();
    } while (::dwarf_siblingof(&die, &die) == 0);
  }

  // Where a function was declared: what was inlined says of what, and what was defined outside of
  // its class where it was declared.
  static Dwarf_Die declaration_of(Dwarf_Die die) {
    for (const unsigned name : {DW_AT_abstract_origin, DW_AT_specification}) {
      Dwarf_Attribute attribute = {};
      Dwarf_Die other = {};
      if (::dwarf_attr(&die, name, &attribute) != nullptr &&
          ::dwarf_formref_die(&attribute, &other) != nullptr) {
        die = other;
      }
    }
    return die;
  }

  // The namespaces, classes and functions around a declaration, "std::vector<int>::".
  static std::string scopes_of(Dwarf_Die declaration, int depth = 0) {
    Dwarf_Die* scopes = nullptr;
    const int count = ::dwarf_getscopes_die(&declaration, &scopes);
    std::string text;
    for (int i = 1; i < count; ++i) {  // innermost first; the first is the declaration itself
      const int tag = ::dwarf_tag(&scopes[i]);
      const char* const name = ::dwarf_diename(&scopes[i]);
      if (tag == DW_TAG_subprogram && name != nullptr && depth < kMostNestedFunctions) {
        // A lambda's class is where its function is, which may be declared elsewhere.
        text.insert(0, scopes_of(declaration_of(scopes[i]), depth + 1) + name + "::");
        break;
      }
      if (!is_scope(tag)) continue;
      const char* const unnamed =
          tag == DW_TAG_namespace ? "(anonymous namespace)" : "(anonymous class)";
      text.insert(0, std::string(name != nullptr ? name : unnamed) + "::");
    }
    std::free(scopes);  // NOLINT(cppcoreguidelines-no-malloc): libdw's
    return text;
  }

  // Functions over types of an unnamed namespace have no linkage name: theirs is put together.
  static std::string name_of(Dwarf_Die& die) {
    Dwarf_Attribute attribute = {};
    for (const unsigned name : {DW_AT_linkage_name, DW_AT_MIPS_linkage_name}) {
      if (::dwarf_attr_integrate(&die, name, &attribute) != nullptr) {
        const char* text = ::dwarf_formstring(&attribute);
        if (text != nullptr) return text;
      }
    }
    const char* const name = ::dwarf_diename(&die);
    return name == nullptr ? std::string() : scopes_of(declaration_of(die)) + name;
  }

  static Dwarf_Word number_of(Dwarf_Die& die, unsigned name) {
    Dwarf_Attribute attribute = {};
    Dwarf_Word value = 0;
    if (::dwarf_attr(&die, name, &attribute) != nullptr) ::dwarf_formudata(&attribute, &value);
    return value;
  }

  [[nodiscard]] std::string full_name(const char* file) const {
    if (file == nullptr || *file == '\0') return {};
    if (*file == '/' || folder_.empty()) return file;
    return (std::filesystem::path(folder_) / file).lexically_normal().string();
  }

  [[nodiscard]] std::string file_of(Dwarf_Word index) const {
    if (files_ == nullptr || index >= file_count_) return {};
    return full_name(::dwarf_filesrc(files_, index, nullptr, nullptr));
  }

  void append_record(std::string& record, const Wanted& wanted) {
    std::string file;
    int line = 0;
    if (Dwarf_Line* const found = ::dwarf_getsrc_die(&unit_, wanted.address)) {
      file = full_name(::dwarf_linesrc(found, nullptr, nullptr));
      ::dwarf_lineno(found, &line);
    }
    std::vector<Dwarf_Die>& chain = chains_[wanted.index];
    append_number(record, wanted.index);
    append_number(record, static_cast<std::uint32_t>(std::max<std::size_t>(chain.size(), 1)));
    std::int64_t line_number = line;
    for (std::size_t depth = chain.size(); depth > 0; --depth) {
      Dwarf_Die& die = chain[depth - 1];
      append_text(record, name_of(die));
      append_text(record, file);
      append_number(record, line_number);
      file = file_of(number_of(die, DW_AT_call_file));
      line_number = static_cast<std::int64_t>(number_of(die, DW_AT_call_line));
    }
    if (!chain.empty()) return;
    append_text(record, {});
    append_text(record, file);
    append_number(record, line_number);
  }

  Dwarf_Die unit_;
  std::vector<Wanted> wanted_;
  Dwarf_Files* files_ = nullptr;
  std::size_t file_count_ = 0;
  std::string folder_;  // where it was compiled: what relative names of files are relative to
  std::map<std::uint32_t, std::vector<Dwarf_Die>> chains_;
};

// Takes those that the unit holds out of `wanted`, which ascends by address.
std::vector<Wanted> take_held(Dwarf_Die& unit, std::vector<Wanted>& wanted) {
  std::vector<Wanted> held;
  Dwarf_Addr base = 0;
  Dwarf_Addr start = 0;
  Dwarf_Addr end = 0;
  std::ptrdiff_t at = 0;
  while ((at = ::dwarf_ranges(&unit, at, &base, &start, &end)) > 0) {
    const auto first = std::ranges::lower_bound(wanted, start, {}, &Wanted::address);
    const auto last = std::ranges::lower_bound(first, wanted.end(), end, {}, &Wanted::address);
    held.insert(held.end(), first, last);
    wanted.erase(first, last);
  }
  return held;
}

// In the child.
void find_lines(int file, std::vector<Wanted> wanted, const ChildAnswer& out) {
  const std::unique_ptr<Dwarf, DwarfEnd> dwarf(::dwarf_begin(file, DWARF_C_READ));
  if (!dwarf) return;
  std::ranges::sort(wanted, {}, &Wanted::address);
  Dwarf_CU* next = nullptr;
  Dwarf_Die unit = {};
  std::uint8_t type = 0;
  while (!wanted.empty() &&
         ::dwarf_get_units(dwarf.get(), next, &next, nullptr, &type, &unit, nullptr) == 0) {
    if (type != DW_UT_compile) continue;
    std::vector<Wanted> held = take_held(unit, wanted);
    if (!held.empty()) Unit(unit, std::move(held)).answer(out);
  }
}

}  // namespace

std::vector<SourceLines> parse_source_lines(std::string_view answer, std::size_t addresses) {
  std::vector<SourceLines> lines(addresses);
  for (;;) {
    std::uint32_t index = 0;
    std::uint32_t count = 0;
    if (!take_number(answer, index) || !take_number(answer, count) || index >= addresses ||
        count > kMostInlineDepth)
      return lines;
    SourceLines found(count);
    for (SourceLine& line : found) {
      if (!take_text(answer, line.function) || !take_text(answer, line.file) ||
          !take_number(answer, line.line))
        return lines;
    }
    const bool says_nothing =
        count == 1 && found.front().function.empty() && found.front().file.empty();
    if (!says_nothing) lines[index] = std::move(found);
  }
}

std::vector<SourceLines> source_lines(const HostFile& file,
                                      std::span<const std::uint64_t> addresses,
                                      const ChildLimits& limits) {
  addresses = addresses.first(std::min(addresses.size(), kMostLineAddresses));
  const int descriptor = file.descriptor();
  if (descriptor < 0 || addresses.empty()) return std::vector<SourceLines>(addresses.size());
  std::vector<Wanted> wanted;
  wanted.reserve(addresses.size());
  for (const std::uint64_t address : addresses)
    wanted.push_back({address, static_cast<std::uint32_t>(wanted.size())});
  const std::array kept = {descriptor};
  const auto done = run_in_child(
      limits, kept, [&](const ChildAnswer& out) { find_lines(descriptor, wanted, out); });
  return parse_source_lines(done ? std::string_view(done->answer) : std::string_view(),
                            addresses.size());
}

}  // namespace heapfloor
