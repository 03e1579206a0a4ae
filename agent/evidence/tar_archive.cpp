#include "agent/evidence/tar_archive.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace heapfloor {
namespace {

constexpr std::size_t kBlock = 512;

// Where each field of a header begins, and its size.
struct Field {
  std::size_t offset = 0, size = 0;
};
constexpr Field kName{0, 100}, kMode{100, 8}, kUser{108, 8}, kGroup{116, 8}, kSize{124, 12},
    kTime{136, 12}, kChecksum{148, 8}, kType{156, 1}, kMagic{257, 8}, kPrefix{345, 155};

using Header = std::array<char, kBlock>;

void put(Header& header, Field field, std::string_view text) {
  std::memcpy(header.data() + field.offset, text.data(), std::min(text.size(), field.size));
}

// Octal digits and a NUL.
void put_number(Header& header, Field field, std::uint64_t value) {
  put(header, field, fmt::format("{:0{}o}", value, field.size - 1));
}

Header header_of(std::string_view directory, const EvidenceFile& file, std::uint64_t time) {
  Header header = {};
  put(header, kName, file.name);
  put(header, kPrefix, directory);
  put_number(header, kMode, 0644);
  put_number(header, kUser, 0);
  put_number(header, kGroup, 0);
  put_number(header, kSize, file.bytes.size());
  put_number(header, kTime, time);
  put(header, kType, "0");
  put(header, kMagic, std::string_view("ustar\00000", kMagic.size));
  // Summed with blanks in its own place.
  put(header, kChecksum, "        ");
  std::uint64_t sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  put(header, kChecksum, std::string_view(fmt::format("{:06o}", sum) + '\0'));
  return header;
}

}  // namespace

std::string tar_archive(std::string_view name, std::span<const EvidenceFile> files,
                        double wall_seconds) {
  constexpr double kMostSeconds = 8589934591;  // eleven octal digits
  const auto time = static_cast<std::uint64_t>(std::clamp(wall_seconds, 0.0, kMostSeconds));
  std::string archive;
  for (const EvidenceFile& file : files) {
    const Header header = header_of(name, file, time);
    archive.append(header.data(), header.size());
    archive += file.bytes;
    archive.append((kBlock - (file.bytes.size() % kBlock)) % kBlock, '\0');
  }
  archive.append(2 * kBlock, '\0');  // the end
  return archive;
}

}  // namespace heapfloor
