#include "agent/program_builds.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <string_view>

#include "collectors/parse/pid_stat.h"
#include "collectors/sample.h"

namespace heapfloor {
namespace {

constexpr std::string_view kDeleted = " (deleted)";
constexpr std::size_t kMostPath = 4096;

// Takes a number and what follows it, which is `end`; an empty `end` is the end of the text.
template <class Integer>
bool take(std::string_view& text, std::string_view end, Integer& number) {
  const char* const last = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), last, number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
  if (end.empty() ? !text.empty() : !text.starts_with(end)) return false;
  text.remove_prefix(end.size());
  return true;
}

std::optional<ProcessId> process_of(std::string_view subject) {
  const std::size_t colon = subject.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view scope = subject.substr(0, colon);
  const bool is_part = scope == "structure" || scope == "site";  // its name follows
  if (scope != "process" && scope != "allocator" && !is_part) return std::nullopt;
  subject.remove_prefix(colon + 1);
  ProcessId id;
  const bool is_whole =
      take(subject, ":", id.pid) && take(subject, is_part ? ":" : "", id.start_ticks);
  return is_whole && id.pid > 0 ? std::optional(id) : std::nullopt;
}

std::string_view name_of(std::string_view path) {
  if (path.ends_with(kDeleted)) path.remove_suffix(kDeleted.size());
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

std::optional<ProgramBuild> ProgramBuilds::build_of(const std::string& subject) const {
  const std::optional<ProcessId> id = process_of(subject);
  if (!id) return std::nullopt;
  const Result<ProcessDir> directory = root_.open_process(id->pid);
  if (!directory) return std::nullopt;
  std::array<char, kMostPath> buffer{};
  const Result<std::string_view> path = directory->read_link("exe", buffer);
  if (!path) return std::nullopt;
  ProgramBuild found{std::string(name_of(*path)), std::string(*path)};
  if (const Result<FileFacts> file = directory->look_at_file("exe")) {
    found.build += fmt::format(" {:x}:{} {} {}", file->device, file->inode, file->size_bytes,
                               file->modified_nanoseconds);
  }
  // Last: whatever was read before it is of this process.
  const Result<std::string_view> text = directory->read("stat", buffer);
  if (!text) return std::nullopt;
  const Result<PidStat> stat = parse_pid_stat(*text);
  if (!stat || stat->start_ticks != id->start_ticks) return std::nullopt;
  return found;
}

}  // namespace heapfloor
