#include "collectors/parse/kernel_log.h"

#include <charconv>
#include <limits>

#include "collectors/parse/text.h"

namespace heapfloor {
namespace {

std::optional<std::int32_t> parse_pid(std::string_view token) {
  const auto value = parse_unsigned(token);
  if (!value || *value == 0 || *value > std::numeric_limits<std::int32_t>::max())
    return std::nullopt;
  return static_cast<std::int32_t>(*value);
}

// Cuts what stands behind the last `key` off `rest`.
std::optional<std::string_view> cut_last(std::string_view& rest, std::string_view key) {
  const std::size_t at = rest.rfind(key);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view value = rest.substr(at + key.size());
  rest = rest.substr(0, at);
  return value;
}

}  // namespace

Result<KernelLogRecord> parse_kernel_log_record(std::string_view record) {
  const std::size_t semicolon = record.find(';');
  if (semicolon == std::string_view::npos) return malformed("no text", record);
  std::string_view prefix = record.substr(0, semicolon);
  const auto field = [&prefix] {
    const std::size_t comma = prefix.find(',');
    const std::string_view text = prefix.substr(0, comma);
    prefix.remove_prefix(comma == std::string_view::npos ? prefix.size() : comma + 1);
    return parse_unsigned(text);
  };
  const auto priority = field();
  const auto sequence = field();
  const auto microseconds = field();
  if (!priority || !sequence || !microseconds) return malformed("no prefix", record);
  std::string_view text = record.substr(semicolon + 1);
  text = text.substr(0, text.find('\n'));
  // Facility 0 is the kernel's own: what a program writes is given another one.
  constexpr std::uint64_t kSeverities = 8;
  return KernelLogRecord{*priority < kSeverities, *sequence, *microseconds, text};
}

std::string unescaped_log_text(std::string_view text) {
  constexpr std::size_t kEscape = 4;  // \xNN
  std::string plain;
  while (!text.empty()) {
    unsigned value = 0;
    if (text.starts_with("\\x") && text.size() >= kEscape) {
      const char* digits = text.data() + 2;
      const auto [stop, refused] = std::from_chars(digits, digits + 2, value, 16);
      if (refused == std::errc() && stop == digits + 2) {
        plain.push_back(static_cast<char>(value));
        text.remove_prefix(kEscape);
        continue;
      }
    }
    plain.push_back(text.front());
    text.remove_prefix(1);
  }
  return plain;
}

std::optional<OomSelection> find_oom_selection(std::string_view text) {
  if (!text.starts_with("oom-kill:constraint=")) return std::nullopt;
  if (!cut_last(text, ",uid=")) return std::nullopt;
  const auto pid = cut_last(text, ",pid=");
  const auto number = pid ? parse_pid(*pid) : std::nullopt;
  const auto comm = cut_last(text, ",task=");
  if (!number || !comm) return std::nullopt;
  constexpr std::string_view kCgroup = ",task_memcg=";
  const std::size_t at = text.find(kCgroup);
  if (at == std::string_view::npos) return std::nullopt;
  return OomSelection{text.substr(at + kCgroup.size()), *comm, *number};
}

std::optional<std::string_view> find_oom_group(std::string_view text) {
  constexpr std::string_view kBefore = "Tasks in ";
  constexpr std::string_view kAfter = " are going to be killed due to memory.oom.group set";
  if (text.size() <= kBefore.size() + kAfter.size() || !text.starts_with(kBefore) ||
      !text.ends_with(kAfter))
    return std::nullopt;
  return text.substr(kBefore.size(), text.size() - kBefore.size() - kAfter.size());
}

std::optional<OomKill> find_oom_kill(std::string_view text) {
  // Each way of dying has its own words before it, or none.
  constexpr std::string_view kKilled = "Killed process ";
  std::size_t at = 0;
  if (!text.starts_with(kKilled)) {
    if (!text.starts_with("Memory cgroup out of memory") && !text.starts_with("Out of memory"))
      return std::nullopt;
    at = text.find(kKilled);
    if (at == std::string_view::npos) return std::nullopt;
  }
  std::string_view rest = text.substr(at + kKilled.size());
  const std::size_t space = rest.find(" (");
  const std::size_t end = rest.rfind(") total-vm:");
  if (space == std::string_view::npos) return std::nullopt;
  const auto pid = parse_pid(rest.substr(0, space));
  if (!pid || end == std::string_view::npos || end < space + 2) return std::nullopt;
  OomKill kill{rest.substr(space + 2, end - space - 2), *pid, {}};
  constexpr std::string_view kAnon = ", anon-rss:";
  if (const std::size_t anon = rest.find(kAnon, end); anon != std::string_view::npos) {
    std::string_view value = rest.substr(anon + kAnon.size());
    value = value.substr(0, value.find("kB"));
    const auto kilobytes = parse_unsigned(value);
    if (kilobytes && *kilobytes < std::uint64_t{1} << 53) kill.anon_bytes = *kilobytes * 1024;
  }
  return kill;
}

}  // namespace heapfloor
