#include "agent/profile/xz.h"

#include <lzma.h>

#include <algorithm>
#include <cstdint>
#include <limits>

namespace heapfloor {
namespace {

constexpr std::uint64_t kMostDecoderBytes = std::uint64_t{64} << 20;
constexpr std::size_t kFirstBytes = std::size_t{64} << 10;

std::uint8_t* bytes_of(std::string& text, std::size_t at) {
  return reinterpret_cast<std::uint8_t*>(text.data() + at);
}

// Unpacks until the end, doubling the room as it is needed, so that a small bomb costs little.
lzma_ret run(lzma_stream& stream, std::string& out, std::size_t most_bytes) {
  for (;;) {
    if (stream.avail_out == 0) {
      const std::size_t filled = out.size();
      if (filled >= most_bytes) return LZMA_MEMLIMIT_ERROR;
      out.resize(std::min(most_bytes, std::max(kFirstBytes, filled * 2)));
      stream.next_out = bytes_of(out, filled);
      stream.avail_out = out.size() - filled;
    }
    const lzma_ret done = lzma_code(&stream, LZMA_FINISH);
    if (done != LZMA_OK) return done;
  }
}

}  // namespace

Result<std::string> unpack_xz(std::string_view packed, std::size_t most_bytes) {
  lzma_stream stream = LZMA_STREAM_INIT;
  if (lzma_stream_decoder(&stream, kMostDecoderBytes, 0) != LZMA_OK)
    return failure(ErrorKind::io, {}, "no memory for the decoder of xz");
  stream.next_in = reinterpret_cast<const std::uint8_t*>(packed.data());
  stream.avail_in = packed.size();
  std::string out;
  const lzma_ret done = run(stream, out, most_bytes);
  out.resize(out.size() - stream.avail_out);
  lzma_end(&stream);
  if (done == LZMA_STREAM_END) return out;
  return failure(ErrorKind::malformed, {},
                 done == LZMA_MEMLIMIT_ERROR ? "too large: unpacks to more than is allowed"
                                             : "not whole, or not packed by xz");
}

}  // namespace heapfloor
