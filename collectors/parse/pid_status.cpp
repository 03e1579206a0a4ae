#include "collectors/parse/pid_status.h"

#include <array>
#include <charconv>
#include <limits>

#include "collectors/parse/text.h"

namespace heapfloor {
namespace {

using Field = SizeField<PidStatus>;

// Most of the sixty lines are not ours; their first byte says so.
constexpr std::string_view kFirstBytes = "VRHTU";

constexpr std::array kSizes = {
    Field{"VmSize", &PidStatus::virtual_bytes},
    Field{"VmLck", &PidStatus::locked_bytes},
    Field{"VmHWM", &PidStatus::resident_peak_bytes},
    Field{"RssAnon", &PidStatus::rss_anon_bytes},
    Field{"RssFile", &PidStatus::rss_file_bytes},
    Field{"RssShmem", &PidStatus::rss_shmem_bytes},
    Field{"VmData", &PidStatus::data_bytes},
    Field{"VmPTE", &PidStatus::page_table_bytes},
    Field{"VmSwap", &PidStatus::swap_bytes},
    Field{"HugetlbPages", &PidStatus::hugetlb_bytes},
};

// Of the four ids of a line: real, effective, saved, of files.
std::optional<std::uint32_t> effective_id(std::string_view value) {
  next_token(value);
  const auto id = parse_unsigned(next_token(value));
  if (!id || *id > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(*id);
}

std::optional<std::uint64_t> parse_mask(std::string_view value) {
  constexpr int kHexadecimal = 16;
  const std::string_view token = next_token(value);
  std::uint64_t mask = 0;
  const char* const end = token.data() + token.size();
  const auto [stopped, error] = std::from_chars(token.data(), end, mask, kHexadecimal);
  if (token.empty() || error != std::errc{} || stopped != end) return std::nullopt;
  return mask;
}

}  // namespace

Result<PidStatus> parse_pid_status(std::string_view text) {
  PidStatus status;
  KeyedLine line;
  while (next_keyed_line(text, kFirstBytes, line)) {
    if (line.key == "Threads") {
      const auto threads = parse_unsigned(next_token(line.value));
      if (!threads) return malformed("not a count", line.line);
      status.threads = *threads;
      return status;
    }
    if (line.key == "Uid") {
      status.user_id = parse_unsigned(next_token(line.value));
      continue;
    }
    if (!read_size(kSizes, line, status)) return malformed("not a size", line.line);
  }
  return malformed("no line Threads", line.line);
}

Result<PidStanding> parse_pid_standing(std::string_view text) {
  std::optional<std::uint32_t> user;
  std::optional<std::uint32_t> group;
  std::optional<std::uint64_t> caught;
  const std::optional<std::int32_t> own_pid = parse_own_pid(text);
  KeyedLine line;
  while (next_keyed_line(text, "UGS", line)) {
    if (line.key == "Uid") user = effective_id(line.value);
    if (line.key == "Gid") group = effective_id(line.value);
    if (line.key == "SigCgt") caught = parse_mask(line.value);
  }
  if (!user || !group || !caught || !own_pid)
    return malformed("no line Uid, Gid, NSpid or SigCgt", line.line);
  return PidStanding{*user, *group, *own_pid, *caught};
}

std::optional<std::int32_t> parse_own_pid(std::string_view text) {
  KeyedLine line;
  while (next_keyed_line(text, "N", line)) {
    if (line.key != "NSpid") continue;
    std::optional<std::uint64_t> own;
    for (std::string_view token; !(token = next_token(line.value)).empty();)
      own = parse_unsigned(token);
    if (!own || *own > std::numeric_limits<std::int32_t>::max()) return std::nullopt;
    return static_cast<std::int32_t>(*own);
  }
  return std::nullopt;
}

}  // namespace heapfloor
