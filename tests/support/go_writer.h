// Go programs as far as they are read: small ELF files, and the figures of their runtime.
#pragma once

#include <elf.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/runtime/go_layout.h"

namespace heapfloor::testing {

template <class Record>
std::string bytes_of(const Record& record) {
  return {reinterpret_cast<const char*>(&record), sizeof record};
}

class GoFileWriter {
 public:
  std::string version = "go1.19.8";
  bool has_symbols = true;
  bool is_movable = false;
  bool is_library = false;  // its symbols are those that it exports

  void add_variable(std::string_view name, std::uint64_t address) {
    symbols_ += bytes_of(Elf64_Sym{static_cast<Elf64_Word>(names_.size()),
                                   ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT), 0, 1, address, 8});
    names_.append(name).push_back('\0');
  }
  void add_section(std::string name, std::string bytes, std::uint64_t flags = 0) {
    others_.push_back({std::move(name), std::move(bytes), flags});
  }
  [[nodiscard]] static std::string build_info(std::string_view version) {
    std::string info = "\xff Go buildinf:";
    info += '\x08';
    info += '\x02';
    info.resize(32);
    info += static_cast<char>(version.size());
    return info.append(version);
  }

  [[nodiscard]] std::string bytes() const {
    Elf64_Ehdr head = {};
    std::memcpy(head.e_ident, ELFMAG, SELFMAG);
    head.e_ident[EI_CLASS] = ELFCLASS64;
    head.e_ident[EI_DATA] = ELFDATA2LSB;
    head.e_type = is_movable ? ET_DYN : ET_EXEC;
    head.e_phoff = sizeof head;
    head.e_phentsize = sizeof(Elf64_Phdr);
    head.e_phnum = 1;
    head.e_shentsize = sizeof(Elf64_Shdr);
    const Elf64_Phdr segment = {PT_LOAD, PF_R, 0, 0, 0, 0x200000, 0x200000, 0x1000};
    std::string body;
    std::string section_names(1, '\0');
    std::vector<Elf64_Shdr> sections(1);
    const auto add = [&](std::string_view name, const std::string& part, Elf64_Word type) {
      Elf64_Shdr section = {};
      section.sh_name = static_cast<Elf64_Word>(section_names.size());
      section.sh_type = type;
      section.sh_offset = sizeof head + sizeof segment + body.size();
      section.sh_size = part.size();
      section_names.append(name).push_back('\0');
      body += part;
      sections.push_back(section);
    };
    add(".strtab", names_, SHT_STRTAB);
    if (!version.empty()) add(".go.buildinfo", build_info(version), SHT_PROGBITS);
    for (const Other& other : others_) {
      add(other.name, other.bytes, SHT_PROGBITS);
      sections.back().sh_flags = other.flags;
    }
    if (has_symbols) {
      add(is_library ? ".dynsym" : ".symtab", symbols_, is_library ? SHT_DYNSYM : SHT_SYMTAB);
      sections.back().sh_link = 1;
      sections.back().sh_entsize = sizeof(Elf64_Sym);
    }
    head.e_shstrndx = static_cast<Elf64_Half>(sections.size());
    add(".shstrtab", section_names + ".shstrtab", SHT_STRTAB);
    head.e_shnum = static_cast<Elf64_Half>(sections.size());
    head.e_shoff = sizeof head + sizeof segment + body.size();
    std::string all = bytes_of(head) + bytes_of(segment) + body;
    for (const Elf64_Shdr& section : sections) all += bytes_of(section);
    return all;
  }

 private:
  struct Other {
    std::string name, bytes;
    std::uint64_t flags = 0;
  };
  std::string names_ = std::string(1, '\0');
  std::string symbols_;
  std::vector<Other> others_;
};

// The memory of a program of Go 1.19 from kBase on.
class GoMemoryWriter {
 public:
  static constexpr std::uint64_t kBase = 0x100000;
  static constexpr std::uint64_t kController = kBase + 0x100;
  static constexpr std::uint64_t kMemstats = kBase + 0x1000;
  static constexpr std::uint64_t kAllGoroutines = kBase + 0x10;
  static constexpr std::uint64_t kAllP = kBase + 0x20;
  static constexpr std::uint64_t kPs = kBase + 0x50;
  static constexpr std::uint64_t kSched = kBase + 0x400;
  static constexpr std::uint64_t kP = kBase + 0x5000;  // the only one

  // A program that has collected once and has no limit.
  GoMemoryWriter() {
    set(GoControl::gc_percent, 100);
    set(GoControl::memory_limit, INT64_MAX);
    set(GoControl::heap_marked, 1 << 20);
    set(GoControl::heap_in_use, 2 << 20);
    set(GoStat::cycles, 1);
    put(kAllP, kPs);
    put(kAllP + 8, 1);
    put(kPs, kP);
  }
  void set(GoControl what, std::int64_t value) {
    put(kController + layout_.of(what).value_or(0), value, what == GoControl::gc_percent ? 4 : 8);
  }
  // A collection that is counted has begun, too.
  void set(GoStat what, std::int64_t value) {
    if (what == GoStat::cycles) set(GoControl::mark_start, value + 1);
    put(kMemstats + layout_.of(what).value_or(0), value, what == GoStat::cycles ? 4 : 8);
  }
  void put(std::uint64_t address, std::int64_t value, std::size_t size = 8) {
    std::memcpy(bytes_.data() + (address - kBase), &value, size);
  }
  [[nodiscard]] const GoLayout& layout() const { return layout_; }
  [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }

  // A memory profile of one stack, each of whose objects was sampled.
  static constexpr std::uint64_t kBuckets = kBase + 0x60;
  static constexpr std::uint64_t kProfileCycle = kBase + 0x68;
  static constexpr std::uint64_t kProfileRate = kBase + 0x70;
  static constexpr std::uint64_t kBucket = kBase + 0x7000;
  void set_site(std::uint64_t frame, std::int64_t objects, std::int64_t bytes) {
    put(kProfileRate, 1);
    put(kBuckets, kBucket);
    put(kBucket + 16, 1);
    put(kBucket + 40, 1);
    put(kBucket + 48, static_cast<std::int64_t>(frame));
    put(kBucket + 56, objects);
    put(kBucket + 72, bytes);
  }
  static void add_profile(GoFileWriter& file) {
    file.add_variable("runtime.mbuckets", kBuckets);
    file.add_variable("runtime.mProfCycle", kProfileCycle);
    file.add_variable("runtime.MemProfileRate", kProfileRate);
  }

  // The symbols of its variables, moved down by `bias`.
  static void add_variables(GoFileWriter& file, std::uint64_t bias = 0) {
    file.add_variable("runtime.gcController", kController - bias);
    file.add_variable("runtime.memstats", kMemstats - bias);
    file.add_variable("runtime.allglen", kAllGoroutines - bias);
    file.add_variable("runtime.sched", kSched - bias);
    file.add_variable("runtime.allp", kAllP - bias);
  }

 private:
  GoLayout layout_ = known_go_layout(19).value();
  std::vector<std::byte> bytes_ = std::vector<std::byte>(0x8000);
};

}  // namespace heapfloor::testing
