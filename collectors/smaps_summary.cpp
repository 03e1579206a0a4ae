#include "collectors/smaps_summary.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <utility>

#include "collectors/parse/pid_maps.h"
#include "collectors/process_identity.h"

namespace heapfloor {
namespace {

constexpr std::size_t kBufferBytes = 16384;

void append_row(std::string& text, std::string_view name, const MappingSum& sum) {
  constexpr std::uint64_t kKiB = 1024;
  std::array<char, 192> line = {};
  const int length = std::snprintf(
      line.data(), line.size(), "%-14.*s %9ju %13ju %12ju %12ju %12ju %12ju %12ju %12ju %12ju\n",
      static_cast<int>(name.size()), name.data(), std::uintmax_t{sum.mappings},
      std::uintmax_t{sum.virtual_bytes / kKiB}, std::uintmax_t{sum.resident_bytes / kKiB},
      std::uintmax_t{sum.proportional_bytes / kKiB}, std::uintmax_t{sum.anonymous_bytes / kKiB},
      std::uintmax_t{sum.dirty_bytes / kKiB}, std::uintmax_t{sum.swapped_bytes / kKiB},
      std::uintmax_t{sum.huge_page_bytes / kKiB}, std::uintmax_t{sum.hugetlb_bytes / kKiB});
  if (length > 0) text.append(line.data(), std::min(static_cast<std::size_t>(length), line.size()));
}

}  // namespace

Result<SmapsSummary> read_smaps_summary(const HostRoot& root, const ProcessId& id) {
  std::array<char, kBufferBytes> buffer;
  auto directory = root.open_process(id.pid);
  if (!directory) return Failure(std::move(directory.error()));
  SmapsKindReader reader;
  SmapsSummary summary;
  const auto done = directory->read_lines("smaps", buffer, [&](std::string_view line) {
    // The line that would be one too many tells that there are more.
    summary.is_cut = reader.mappings() == SmapsSummary::kMostMappings && begins_pid_mapping(line);
    if (!summary.is_cut) reader.take(line);
    return !summary.is_cut;
  });
  if (!done) return Failure(done.error());
  // Behind the last read: a directory that is not pinned may have become another process's.
  if (const auto same = confirm_process(*directory, id, buffer); !same)
    return Failure(same.error());
  summary.kinds = reader.sums();
  summary.mappings = reader.mappings();
  return summary;
}

std::string smaps_summary_text(const SmapsSummary& summary) {
  std::string text =
      "# /proc/PID/smaps by kind of mapping, in KiB\n"
      "kind            mappings       virtual     resident proportional    anonymous        dirty"
      "      swapped   huge_pages      hugetlb\n";
  MappingSum all;
  for (std::size_t i = 0; i < kMappingKinds; ++i) {
    const MappingSum& sum = summary.kinds.at(i);
    if (sum.mappings == 0) continue;
    append_row(text, mapping_kind_name(static_cast<MappingKind>(i)), sum);
    all += sum;
  }
  append_row(text, "all", all);
  if (summary.is_cut) {
    text += "# there are more mappings than " + std::to_string(SmapsSummary::kMostMappings) +
            ", which are not in it\n";
  }
  return text;
}

}  // namespace heapfloor
