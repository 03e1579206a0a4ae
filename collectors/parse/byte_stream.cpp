#include "collectors/parse/byte_stream.h"

#include <elf.h>
#include <zlib.h>

#include <algorithm>
#include <array>

namespace heapfloor {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{32} << 10;
constexpr std::uint64_t kZdebugHead = 12;  // "ZLIB" and the size of what is packed

}  // namespace

struct SectionStream::Inflater {
  Inflater() { is_ready = ::inflateInit(&stream) == Z_OK; }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { ::inflateEnd(&stream); }
  z_stream stream = {};
  std::vector<char> piece = std::vector<char>(kPieceBytes);
  bool is_ready = false;
};

SectionStream::SectionStream(const ByteSource& source, const ElfDebugSection& section,
                             std::uint64_t most_bytes)
    : source_(source), at_(section.range.offset), left_(section.range.size), allowed_(most_bytes) {
  if (section.packing == ElfDebugSection::Packing::none) return;
  inflater_ = std::make_unique<Inflater>();
  std::uint64_t head = kZdebugHead;
  if (section.packing == ElfDebugSection::Packing::compressed) {
    Elf64_Chdr header = {};
    head = sizeof header;
    std::array<char, sizeof header> bytes = {};
    if (left_ < head || !source.read_at(at_, bytes)) left_ = 0;
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.ch_type != ELFCOMPRESS_ZLIB) left_ = 0;
  }
  head = std::min(head, left_);
  at_ += head;
  left_ -= head;
  if (!inflater_->is_ready) left_ = 0;
}

SectionStream::~SectionStream() = default;

std::size_t SectionStream::read(std::span<char> to) {
  to = to.first(static_cast<std::size_t>(std::min<std::uint64_t>(to.size(), allowed_)));
  const std::size_t got = inflater_ ? read_packed(to) : read_plain(to);
  allowed_ -= got;
  return got;
}

std::size_t SectionStream::read_plain(std::span<char> to) {
  to = to.first(static_cast<std::size_t>(std::min<std::uint64_t>(to.size(), left_)));
  if (!source_.read_at(at_, to)) {
    left_ = 0;
    return 0;
  }
  at_ += to.size();
  left_ -= to.size();
  return to.size();
}

std::size_t SectionStream::read_packed(std::span<char> to) {
  z_stream& stream = inflater_->stream;
  stream.next_out = reinterpret_cast<Bytef*>(to.data());
  stream.avail_out = static_cast<uInt>(to.size());
  while (stream.avail_out > 0) {
    if (stream.avail_in == 0) {
      const std::size_t got = read_plain(inflater_->piece);
      if (got == 0) break;
      stream.next_in = reinterpret_cast<Bytef*>(inflater_->piece.data());
      stream.avail_in = static_cast<uInt>(got);
    }
    if (::inflate(&stream, Z_NO_FLUSH) != Z_OK) {
      left_ = 0;  // its end, or a fault
      stream.avail_in = 0;
      break;
    }
  }
  return to.size() - stream.avail_out;
}

}  // namespace heapfloor
