// SectionStream: the bytes of a table of debugging information in their order, unpacked where they
// are packed (gABI, "Section Compression"; ".zdebug_*" of older tools).
//
// Thread rule: one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "collectors/parse/byte_source.h"
#include "collectors/parse/elf_file.h"

namespace heapfloor {

class SectionStream {
 public:
  // `source` outlives this. At most `most_bytes` come out: a few packed bytes can stand for many.
  SectionStream(const ByteSource& source, const ElfDebugSection& section, std::uint64_t most_bytes);
  SectionStream(const SectionStream&) = delete;
  SectionStream& operator=(const SectionStream&) = delete;
  ~SectionStream();

  // Fills `to` with the next bytes; fewer only at the end, behind which there is nothing: of the
  // section, of what can be read or unpacked of it, or of `most_bytes`.
  [[nodiscard]] std::size_t read(std::span<char> to);

 private:
  struct Inflater;
  [[nodiscard]] std::size_t read_plain(std::span<char> to);
  [[nodiscard]] std::size_t read_packed(std::span<char> to);

  const ByteSource& source_;
  std::uint64_t at_ = 0;       // of the source
  std::uint64_t left_ = 0;     // of the section
  std::uint64_t allowed_ = 0;  // of what may come out
  std::unique_ptr<Inflater> inflater_;
};

}  // namespace heapfloor
