#include "agent/http/negotiation.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>

#include "collectors/parse/ascii.h"

namespace heapfloor {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// Takes the part before `separator` off `text`.
std::string_view next_part(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return trimmed(part);
}

// A quality in thousandths: "1", "0.5", "0.125". Nothing for anything else.
std::optional<int> parse_quality(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  int thousandths = (text[0] - '0') * 1000;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int weight = 100;
  for (const char digit : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (digit < '0' || digit > '9') return std::nullopt;
    thousandths += (digit - '0') * weight;
    weight /= 10;
  }
  return std::min(thousandths, 1000);
}

struct Offer {
  std::string_view name;
  std::string_view version;  // empty where none is asked for
  int quality = 1000;
};

Offer parse_offer(std::string_view text) {
  Offer offer;
  offer.name = next_part(text, ';');
  while (!text.empty()) {
    std::string_view value = next_part(text, ';');
    const std::string_view name = next_part(value, '=');
    value = trimmed(value);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    if (same_word(name, "q")) offer.quality = parse_quality(value).value_or(0);
    if (same_word(name, "version")) offer.version = value;
  }
  return offer;
}

struct Format {
  std::string_view name;
  std::string_view version;
};

constexpr Format kOpenMetrics = {"application/openmetrics-text", "1.0.0"};
constexpr Format kText = {"text/plain", "0.0.4"};

// The quality of the part that names a format most precisely (RFC 9110, section 12.5.1); of two
// that are alike, the better one.
struct Preference {
  static constexpr int kAny = 1;
  static constexpr int kType = 2;
  static constexpr int kName = 3;
  static constexpr int kVersion = 4;

  int quality = 0;
  int precision = 0;

  void take(const Offer& offer, const Format& format) {
    if (!same_word(offer.name, format.name)) return;
    if (offer.version.empty()) take_quality(offer.quality, kName);
    if (offer.version == format.version) take_quality(offer.quality, kVersion);
  }
  void take_quality(int offered, int how_precisely) {
    if (how_precisely < precision) return;
    quality = how_precisely > precision ? offered : std::max(quality, offered);
    precision = how_precisely;
  }
};

}  // namespace

bool accepts_gzip(std::string_view accept_encoding) {
  std::optional<int> gzip;
  std::optional<int> any;
  while (!accept_encoding.empty()) {
    const Offer offer = parse_offer(next_part(accept_encoding, ','));
    if (same_word(offer.name, "gzip") || same_word(offer.name, "x-gzip")) gzip = offer.quality;
    if (offer.name == "*") any = offer.quality;
  }
  return gzip.value_or(any.value_or(0)) > 0;
}

bool prefers_openmetrics(std::string_view accept) {
  Preference openmetrics;
  Preference text;
  while (!accept.empty()) {
    const Offer offer = parse_offer(next_part(accept, ','));
    openmetrics.take(offer, kOpenMetrics);
    text.take(offer, kText);
    if (same_word(offer.name, "text/*")) text.take_quality(offer.quality, Preference::kType);
    if (offer.name == "*/*") text.take_quality(offer.quality, Preference::kAny);
  }
  return openmetrics.quality > 0 && openmetrics.quality >= text.quality;
}

}  // namespace heapfloor
