// ByteSource: bytes that a reader of files asks for piece by piece: a file of a target, what was
// unpacked of one, a fuzzer's input.
//
// Thread rule: read_at() may be called by any thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "collectors/host_root.h"

namespace heapfloor {

class ByteSource {
 public:
  ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  virtual ~ByteSource() = default;
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  // Fills `buffer` with the bytes from `offset` on; false when there are fewer, or none to be had.
  [[nodiscard]] virtual bool read_at(std::uint64_t offset, std::span<char> buffer) const = 0;
};

// Bytes that somebody else keeps for as long as this is used.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::string_view bytes) : bytes_(bytes) {}
  [[nodiscard]] std::uint64_t size() const override { return bytes_.size(); }
  [[nodiscard]] bool read_at(std::uint64_t offset, std::span<char> buffer) const override {
    if (offset > bytes_.size() || bytes_.size() - offset < buffer.size()) return false;
    bytes_.copy(buffer.data(), buffer.size(), static_cast<std::size_t>(offset));
    return true;
  }

 private:
  std::string_view bytes_;
};

class FileSource final : public ByteSource {
 public:
  // `file` outlives this.
  explicit FileSource(const HostFile& file) : file_(file) {}
  [[nodiscard]] std::uint64_t size() const override { return file_.facts().size_bytes; }
  [[nodiscard]] bool read_at(std::uint64_t offset, std::span<char> buffer) const override {
    const auto got = file_.read_at(offset, buffer);
    return got && *got == buffer.size();
  }

 private:
  const HostFile& file_;
};

}  // namespace heapfloor
