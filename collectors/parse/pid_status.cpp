#include "collectors/parse/pid_status.h"

#include <array>

#include "collectors/parse/text.h"

namespace heapfloor {
namespace {

struct Field {
  std::string_view key;
  std::optional<std::uint64_t> PidStatus::*value;
};

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

const Field* size_field(std::string_view key) {
  for (const Field& field : kSizes) {
    if (field.key == key) return &field;
  }
  return nullptr;
}

}  // namespace

Result<PidStatus> parse_pid_status(std::string_view text) {
  PidStatus status;
  std::string_view line;
  while (next_line(text, line)) {
    // Most of the sixty lines are not ours; their first byte says so.
    const char first = line.empty() ? '\0' : line.front();
    if (first != 'V' && first != 'R' && first != 'H' && first != 'T') continue;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view key = line.substr(0, colon);
    std::string_view value = line.substr(colon + 1);
    if (key == "Threads") {
      const auto threads = parse_unsigned(next_token(value));
      if (!threads) return malformed("not a count", line);
      status.threads = *threads;
      return status;
    }
    if (const Field* field = size_field(key)) {
      status.*field->value = parse_kilobytes(value);
      if (!(status.*field->value)) return malformed("not a size", line);
    }
  }
  return malformed("no line Threads", line);
}

}  // namespace heapfloor
