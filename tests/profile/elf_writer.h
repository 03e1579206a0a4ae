// Small ELF files with the symbols that a test asks for.
#pragma once

#include <elf.h>
#include <lzma.h>

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace heapfloor::testing {

// Packed by xz.
inline std::string packed(std::string_view bytes) {
  std::string out(lzma_stream_buffer_bound(bytes.size()), '\0');
  std::size_t size = 0;
  if (lzma_easy_buffer_encode(LZMA_PRESET_DEFAULT, LZMA_CHECK_CRC32, nullptr,
                              reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(),
                              reinterpret_cast<std::uint8_t*>(out.data()), &size,
                              out.size()) != LZMA_OK)
    throw std::runtime_error("lzma");
  out.resize(size);
  return out;
}

inline std::string packed_zeros() { return packed(std::string(std::size_t{1} << 20, '\0')); }

class ElfWriter {
 public:
  void add_function(std::string_view name, std::uint64_t address, std::uint64_t size,
                    unsigned char binding = STB_GLOBAL) {
    add(name, address, size, static_cast<unsigned char>(ELF64_ST_INFO(binding, STT_FUNC)));
  }
  // Another function with the name of the last one.
  void add_again(std::uint64_t address, std::uint64_t size) {
    Elf64_Sym symbol = symbols_.back();
    symbol.st_value = address;
    symbol.st_size = size;
    symbols_.push_back(symbol);
  }
  void add_object(std::string_view name, std::uint64_t address, std::uint64_t size) {
    add(name, address, size, static_cast<unsigned char>(ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT)));
  }
  void set_build_id(std::string_view id) {
    Elf64_Nhdr note = {4, static_cast<Elf64_Word>(id.size()), NT_GNU_BUILD_ID};
    note_ = bytes_of(note) + std::string("GNU\0", 4) + std::string(id);
    while (note_.size() % 4 != 0) note_.push_back('\0');
  }
  // Of what is loaded.
  void set_size(std::uint64_t size) { size_ = size; }
  void set_debugdata(std::string packed) { debugdata_ = std::move(packed); }

  [[nodiscard]] std::string bytes() const {
    const std::string sections_names("\0.symtab\0.strtab\0.gnu_debugdata\0", 32);
    std::string symbols;
    for (const Elf64_Sym& symbol : symbols_) symbols += bytes_of(symbol);
    Elf64_Ehdr head = {};
    std::memcpy(head.e_ident, ELFMAG, SELFMAG);
    head.e_ident[EI_CLASS] = ELFCLASS64;
    head.e_ident[EI_DATA] = ELFDATA2LSB;
    head.e_phoff = sizeof head;
    head.e_phentsize = sizeof(Elf64_Phdr);
    head.e_phnum = 2;
    head.e_shentsize = sizeof(Elf64_Shdr);
    head.e_shnum = 4;
    head.e_shstrndx = 3;
    std::uint64_t at = sizeof head + 2 * sizeof(Elf64_Phdr);
    std::string body;
    const auto place = [&](const std::string& part) {
      const std::uint64_t offset = at;
      body += part;
      at += part.size();
      return offset;
    };
    Elf64_Phdr code = {PT_LOAD, PF_X, 0, 0, 0, size_, size_, 0x1000};
    Elf64_Phdr note = {PT_NOTE, 0, place(note_), 0, 0, note_.size(), note_.size(), 4};
    Elf64_Shdr symtab = section(1, SHT_SYMTAB, place(symbols), symbols.size());
    symtab.sh_link = 2;
    symtab.sh_entsize = sizeof(Elf64_Sym);
    if (!debugdata_.empty()) symtab.sh_type = SHT_NULL;
    const Elf64_Shdr names = section(9, SHT_STRTAB, place(names_), names_.size());
    const Elf64_Shdr shown = section(0, SHT_STRTAB, place(sections_names), sections_names.size());
    const Elf64_Shdr debugdata = section(17, SHT_PROGBITS, place(debugdata_), debugdata_.size());
    head.e_shoff = at;
    return bytes_of(head) + bytes_of(code) + bytes_of(note) + body + bytes_of(symtab) +
           bytes_of(debugdata) + bytes_of(names) + bytes_of(shown);
  }

 private:
  template <class Record>
  static std::string bytes_of(const Record& record) {
    return {reinterpret_cast<const char*>(&record), sizeof record};
  }
  static Elf64_Shdr section(Elf64_Word name, Elf64_Word type, std::uint64_t offset,
                            std::uint64_t size) {
    Elf64_Shdr header = {};
    header.sh_name = name;
    header.sh_type = type;
    header.sh_offset = offset;
    header.sh_size = size;
    return header;
  }
  void add(std::string_view name, std::uint64_t address, std::uint64_t size, unsigned char info) {
    symbols_.push_back({static_cast<Elf64_Word>(names_.size()), info, 0, 1, address, size});
    names_.append(name).push_back('\0');
  }

  std::vector<Elf64_Sym> symbols_;
  std::string names_ = std::string(1, '\0');
  std::string note_;
  std::string debugdata_;
  std::uint64_t size_ = 0x10000;
};

}  // namespace heapfloor::testing
