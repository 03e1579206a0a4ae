#include "collectors/parse/class_histogram.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "collectors/parse/text.h"

namespace heapfloor {
namespace {

constexpr std::string_view kTotal = "Total";

std::string_view without_spaces(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return text;
}

// The next word; the text goes on behind it.
std::string_view take_word(std::string_view& text) {
  text = without_spaces(text);
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  return word;
}

std::optional<std::uint64_t> take_number(std::string_view& text) {
  const auto number = parse_unsigned(take_word(text));
  if (!number || *number > INT64_MAX) return std::nullopt;
  return *number;
}

std::optional<ClassCount> class_of(std::string_view line) {
  std::string_view rank = take_word(line);
  if (!rank.ends_with(':')) return std::nullopt;
  rank.remove_suffix(1);
  if (!parse_unsigned(rank)) return std::nullopt;
  const auto instances = take_number(line);
  const auto bytes = take_number(line);
  const std::string_view name = without_spaces(line);
  if (!instances || !bytes || name.empty()) return std::nullopt;
  return ClassCount{std::string(name.substr(0, ClassHistogramBounds::kMostName)), *instances,
                    *bytes};
}

}  // namespace

Result<ClassHistogram> parse_class_histogram(std::string_view text) {
  ClassHistogram histogram;
  bool is_whole = false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (auto one = class_of(line)) {
      if (histogram.classes.size() >= ClassHistogramBounds::kMostClasses)
        return failure(ErrorKind::malformed, {}, "too many classes");
      histogram.classes.push_back(std::move(*one));
    } else if (line.starts_with(kTotal)) {
      line.remove_prefix(kTotal.size());
      const auto instances = take_number(line);
      const auto bytes = take_number(line);
      is_whole = instances && bytes;
      histogram.instances = instances.value_or(0);
      histogram.bytes = bytes.value_or(0);
    }
  }
  if (!is_whole) return failure(ErrorKind::malformed, {}, "a histogram without its end");
  return histogram;
}

}  // namespace heapfloor
