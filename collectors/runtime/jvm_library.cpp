#include "collectors/runtime/jvm_library.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "collectors/parse/byte_source.h"
#include "collectors/parse/elf_file.h"
#include "collectors/parse/elf_objects.h"

namespace heapfloor {
namespace {

constexpr std::size_t kComparedBytes = 4096;  // headers and build id

class ProcessMemory final : public ByteSource {
 public:
  explicit ProcessMemory(const MappedBytes& memory) : memory_(memory) {}
  [[nodiscard]] std::uint64_t size() const override { return memory_.size(); }
  [[nodiscard]] bool read_at(std::uint64_t offset, std::span<char> buffer) const override {
    return memory_.read(offset, std::as_writable_bytes(buffer)).has_value();
  }

 private:
  const MappedBytes& memory_;
};

Failure no_symbols(const JvmMapping& library, const char* why) {
  return failure(ErrorKind::unavailable, library.path, why);
}

bool begins_alike(const ByteSource& file, const MappedBytes& memory, std::uint64_t begin) {
  std::array<char, kComparedBytes> of_file = {};
  std::array<char, kComparedBytes> mapped = {};
  return file.read_at(0, of_file) && ProcessMemory(memory).read_at(begin, mapped) &&
         of_file == mapped;
}

// In the process's own numbering.
Result<VmStructsAddresses> addresses_in(const ProcessDir& directory, const JvmMapping& library,
                                        const MappedBytes& memory) {
  auto file = directory.open_mapping(library.begin, library.end);
  if (!file) file = directory.open_in_root(library.path.c_str());
  if (!file) return Failure(std::move(file.error()));
  const FileSource source(*file);
  if (!begins_alike(source, memory, library.begin))
    return no_symbols(library, "not the file that is mapped");
  const Result<ElfFile> elf = read_elf(source);
  if (!elf || !elf->dynsym) return no_symbols(library, "tells no symbols");
  const auto first = elf->address_of_offset(0);
  if (!first || *first > library.begin) return no_symbols(library, "is not loaded as it says");
  const std::uint64_t bias = library.begin - *first;
  const auto objects = find_objects(source, *elf->dynsym, kVmStructsSymbols);
  VmStructsAddresses addresses = {};
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    if (!objects[i]) return no_symbols(library, "exports no table of its structures");
    addresses.at(i) = bias + objects[i]->address;
  }
  return addresses;
}

}  // namespace

Result<JvmLibrary> JvmLibrary::open(const ProcessDir& directory, const JvmMapping& mapping) {
  auto memory = directory.open_mapped_memory(0, kAddressSpaceBytes);
  if (!memory) return Failure(std::move(memory.error()));
  const auto addresses = addresses_in(directory, mapping, *memory);
  if (!addresses) return Failure(addresses.error());
  return JvmLibrary(std::move(*memory), *addresses);
}

Result<std::optional<JvmCounterBytes>> JvmLibrary::take_counters() && {
  const auto found = find_perf_memory(ProcessMemory(memory_), symbols_);
  if (!found) return Failure(found.error());
  if (!*found) return std::nullopt;
  return JvmCounterBytes::of_memory(std::move(memory_), (*found)->begin, (*found)->size);
}

std::optional<ZHeapPlace> JvmLibrary::z_heap() const {
  return find_z_heap(ProcessMemory(memory_), symbols_);
}

}  // namespace heapfloor
