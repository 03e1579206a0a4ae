#include "collectors/parse/go_build_info.h"

#include <algorithm>

#include "collectors/parse/text.h"

namespace heapfloor {
namespace {

constexpr std::string_view kMagic = "\xff Go buildinf:";
constexpr std::size_t kFlags = 15;
constexpr std::size_t kVersion = 32;  // a length, then the text
constexpr unsigned char kIsInline = 2;
constexpr unsigned char kMostOfOneByte = 0x7f;

}  // namespace

Result<std::string> parse_go_build_info(std::string_view bytes) {
  if (bytes.size() <= kVersion || !bytes.starts_with(kMagic))
    return failure(ErrorKind::malformed, {}, "no Go build information");
  if ((static_cast<unsigned char>(bytes[kFlags]) & kIsInline) == 0)
    return failure(ErrorKind::unavailable, {}, "made by a Go before 1.18");
  const auto length = static_cast<unsigned char>(bytes[kVersion]);
  const std::string_view text = bytes.substr(kVersion + 1);
  if (length == 0 || length > kMostOfOneByte || length > text.size())
    return failure(ErrorKind::malformed, {}, "Go build information without a version");
  return std::string(text.substr(0, std::min<std::size_t>(length, kMostGoVersion)));
}

std::optional<std::uint32_t> released_go_minor(std::string_view version) {
  constexpr std::string_view kGo1 = "go1.";
  if (!version.starts_with(kGo1)) return std::nullopt;
  version.remove_prefix(kGo1.size());
  const std::size_t dot = version.find('.');
  const auto minor = parse_unsigned(version.substr(0, dot));
  const bool is_patched = dot != std::string_view::npos;
  if (!minor || *minor > UINT16_MAX || (is_patched && !parse_unsigned(version.substr(dot + 1))))
    return std::nullopt;
  return static_cast<std::uint32_t>(*minor);
}

}  // namespace heapfloor
