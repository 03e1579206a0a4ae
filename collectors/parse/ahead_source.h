// AheadSource: what lies around the places that were read last is kept, for tables that are read
// one short piece after the other at several places at once. Thread rule: one thread, unlike
// others.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "collectors/parse/byte_source.h"

namespace heapfloor {

class AheadSource final : public ByteSource {
 public:
  // `source` outlives it.
  explicit AheadSource(const ByteSource& source) : source_(source) {}
  [[nodiscard]] std::uint64_t size() const override { return source_.size(); }
  [[nodiscard]] bool read_at(std::uint64_t offset, std::span<char> buffer) const override {
    const std::uint64_t start = offset / kPieceBytes * kPieceBytes;
    const auto within = static_cast<std::size_t>(offset - start);
    if (within + buffer.size() > kPieceBytes) return source_.read_at(offset, buffer);
    const std::string* const piece = piece_at(start);
    if (piece == nullptr || piece->size() < within + buffer.size()) return false;
    piece->copy(buffer.data(), buffer.size(), within);
    return true;
  }

 private:
  static constexpr std::size_t kPieceBytes = std::size_t{64} << 10;
  static constexpr std::size_t kPieces = 8;
  static constexpr std::size_t kMostReads = 2048;  // 128 MiB
  struct Piece {
    std::uint64_t start = UINT64_MAX;
    std::string bytes;
  };

  // Null where nothing is.
  const std::string* piece_at(std::uint64_t start) const {
    const auto known = std::ranges::find(pieces_, start, &Piece::start);
    if (known != pieces_.end()) return &known->bytes;
    if (start >= source_.size() || reads_ >= kMostReads) return nullptr;
    ++reads_;
    Piece& piece = pieces_.at(next_);
    next_ = (next_ + 1) % pieces_.size();
    piece.start = UINT64_MAX;
    piece.bytes.resize(
        static_cast<std::size_t>(std::min<std::uint64_t>(kPieceBytes, source_.size() - start)));
    if (!source_.read_at(start, piece.bytes)) return nullptr;
    piece.start = start;
    return &piece.bytes;
  }

  const ByteSource& source_;
  mutable std::array<Piece, kPieces> pieces_;
  mutable std::size_t next_ = 0, reads_ = 0;
};

}  // namespace heapfloor
