// A Go 1.19 program without symbols, as far as it is looked at: functions of its runtime by name,
// whose code refers to the variables, and the module's data. Addresses are places in the file.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/go_writer.h"

namespace heapfloor::testing {

class GoStrippedWriter {
 public:
  static constexpr std::uint64_t kBss = 0x180000, kNoPointerBss = 0x190000, kEnd = 0x1a0000;
  static constexpr std::uint64_t kController = kNoPointerBss + 0x100;
  static constexpr std::uint64_t kMemstats = kNoPointerBss + 0x1000;
  static constexpr std::uint64_t kSched = kBss + 0x400;

  explicit GoStrippedWriter(std::string_view version = "go1.19.8") {
    add_functions();
    GoFileWriter file;
    file.version = version;
    file.has_symbols = false;
    file.add_section(".gopclntab", std::string(table_bytes() + code_bytes() + kModuleBytes, '\0'));
    // The first section is as long as it is in any such file: the next one's place is known then.
    file.add_section("mark", "mark");
    bytes_ = file.bytes();
    start_ = bytes_.find("mark") - (table_bytes() + code_bytes() + kModuleBytes);
    text_ = start_ + table_bytes();
    module_ = text_ + code_bytes();
    write_table();
    write_code();
    write_module();
  }
  [[nodiscard]] std::string& bytes() { return bytes_; }
  // Where in the file something is.
  [[nodiscard]] std::size_t module() const { return module_; }
  [[nodiscard]] std::size_t code_of(std::string_view function) const {
    for (std::size_t i = 0; i < functions_.size(); ++i)
      if (functions_[i].name == function) return text_ + i * kCodeBytes;
    return std::string::npos;
  }
  template <class Word>
  void put(std::size_t place, Word word) {
    std::memcpy(bytes_.data() + place, &word, sizeof word);
  }

 private:
  static constexpr std::size_t kCodeBytes = 32;
  static constexpr std::size_t kNameBytes = 64;
  static constexpr std::size_t kRecordBytes = 40;
  static constexpr std::size_t kHeadBytes = 72;
  static constexpr std::size_t kModuleBytes = 39 * 8;
  static constexpr std::uint64_t kModule = 0;  // stands for its place
  struct Function {
    std::string_view name;
    std::vector<std::uint64_t> addresses, loads;  // what it refers to
  };

  void add_functions() {
    for (const std::string_view name :
         {"runtime.modulesinit", "runtime.schedinit", "runtime.SetFinalizer"})
      functions_.push_back({name, {kModule}, {}});
    for (const std::string_view name : {"runtime.gcinit", "runtime.gcMark"})
      functions_.push_back({name, {kController}, {}});
    for (const std::string_view name : {"runtime.(*mheap).grow", "runtime.(*mheap).allocSpan"})
      functions_.push_back({name, {kMemstats}, {}});
    for (const std::string_view name : {"runtime.newproc1", "runtime.goexit0"})
      functions_.push_back({name, {kSched + 72}, {}});
    for (const std::string_view name : {"runtime.allgadd", "runtime.forEachGRace"})
      functions_.push_back({name, {}, {kBss + 8, kNoPointerBss + 8}});
  }

  [[nodiscard]] std::size_t names_at() const { return kHeadBytes; }
  [[nodiscard]] std::size_t records_at() const {
    return names_at() + functions_.size() * kNameBytes;
  }
  [[nodiscard]] std::size_t first_record() const { return functions_.size() * 8 + 8; }
  [[nodiscard]] std::size_t table_bytes() const {
    return records_at() + first_record() + functions_.size() * kRecordBytes;
  }
  [[nodiscard]] std::size_t code_bytes() const { return functions_.size() * kCodeBytes; }

  void write_table() {
    put(start_, std::array<unsigned char, 8>{0xf0, 0xff, 0xff, 0xff, 0, 0, 1, 8});
    const std::array<std::uint64_t, 8> head = {
        functions_.size(), 1, text_, names_at(), names_at(), names_at(), names_at(), records_at()};
    put(start_ + 8, head);
    for (std::size_t i = 0; i < functions_.size(); ++i) {
      const std::string_view name = functions_[i].name;
      bytes_.replace(start_ + names_at() + i * kNameBytes, name.size(), name);
      const auto record = static_cast<std::uint32_t>(first_record() + i * kRecordBytes);
      const auto entry = static_cast<std::uint32_t>(i * kCodeBytes);
      put(start_ + records_at() + i * 8, entry);
      put(start_ + records_at() + i * 8 + 4, record);
      put(start_ + records_at() + record, entry);
      put(start_ + records_at() + record + 4, static_cast<std::uint32_t>(i * kNameBytes));
    }
    put(start_ + records_at() + functions_.size() * 8, static_cast<std::uint32_t>(code_bytes()));
  }

  void refer(std::size_t place, unsigned char operation, std::uint64_t address) {
    put(place, operation);
    put(place + 1, static_cast<unsigned char>(0x05));
    put(place + 2, static_cast<std::int32_t>(address - (place + 6)));
  }

  void write_code() {
    for (std::size_t i = 0; i < functions_.size(); ++i) {
      std::size_t place = text_ + i * kCodeBytes;
      for (const std::uint64_t address : functions_[i].addresses) {
        refer(place, 0x8d, address == kModule ? module_ : address);
        place += 6;
      }
      for (const std::uint64_t address : functions_[i].loads) {
        refer(place, 0x8b, address);
        place += 6;
      }
    }
  }

  void write_module() {
    put(module_, std::uint64_t{start_});
    const std::array<std::uint64_t, 13> parts = {text_,
                                                 text_ + code_bytes(),
                                                 text_,
                                                 text_ + code_bytes(),
                                                 1,
                                                 2,
                                                 3,
                                                 4,
                                                 kBss,
                                                 kNoPointerBss,
                                                 kNoPointerBss,
                                                 kEnd,
                                                 kEnd};
    put(module_ + std::size_t{20} * 8, parts);
    put(module_ + std::size_t{38} * 8, std::uint64_t{start_});
  }

  std::vector<Function> functions_;
  std::string bytes_;
  std::size_t start_ = 0, text_ = 0, module_ = 0;
};

}  // namespace heapfloor::testing
