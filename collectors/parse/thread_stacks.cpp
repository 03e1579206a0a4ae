#include "collectors/parse/thread_stacks.h"

#include <algorithm>

#include "collectors/parse/pid_maps.h"
#include "collectors/parse/text.h"

namespace heapfloor {
namespace {

// HEAP_MAX_SIZE of glibc's malloc/arena.c where it is largest.
constexpr std::uint64_t kArenaAlignment = std::uint64_t{64} << 20;

bool is_named_stack(std::string_view name) {
  return (name.starts_with("[anon:") && name.find("stack") != std::string_view::npos) ||
         name.starts_with("[stack:");
}

}  // namespace

void ThreadStackReader::take(std::string_view line) {
  if (begins_pid_mapping(line)) return take_mapping(line);
  if (!current_) return;
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  const std::string_view key = line.substr(0, colon);
  if (key != "Rss" && key != "Swap") return;
  std::uint64_t& bytes = sizes_[*current_].stacks.bytes;
  // A sum of what fits into an address space fits; one that does not is a lie.
  const std::uint64_t amount = parse_kilobytes(line.substr(colon + 1)).value_or(0);
  bytes = amount > UINT64_MAX - bytes ? UINT64_MAX : bytes + amount;
}

void ThreadStackReader::take_mapping(std::string_view line) {
  const std::optional<std::uint64_t> guarded = guarded_;
  guarded_.reset();
  current_.reset();
  const Result<PidMapping> mapping = parse_pid_mapping(line);
  if (!mapping) return;
  ++mappings_;
  const std::uint64_t size = mapping->end - mapping->begin;
  if (mapping->is_shared || mapping->inode != 0) return;
  if (!mapping->is_readable && !mapping->is_writable && !mapping->is_executable) {
    if (size <= kMostGuardBytes) guarded_ = mapping->end;
    return;
  }
  if (!mapping->is_readable || !mapping->is_writable) return;
  // What has another name is something else.
  const bool is_guarded =
      mapping->path.empty() && guarded == mapping->begin && mapping->begin % kArenaAlignment != 0;
  if (!is_guarded && !is_named_stack(mapping->path)) return;
  auto found = std::ranges::find(sizes_, size, &OfSize::size);
  if (found == sizes_.end()) {
    if (sizes_.size() == kMostSizes) return;
    found = sizes_.insert(found, OfSize{size, {}});
  }
  ++found->stacks.count;
  current_ = static_cast<std::size_t>(found - sizes_.begin());
}

std::optional<ThreadStacks> ThreadStackReader::stacks() const {
  const OfSize* commonest = nullptr;
  for (const OfSize& one : sizes_) {
    const bool is_better =
        commonest == nullptr || one.stacks.count > commonest->stacks.count ||
        (one.stacks.count == commonest->stacks.count && one.size < commonest->size);
    if (is_better) commonest = &one;
  }
  return commonest == nullptr ? std::nullopt : std::optional(commonest->stacks);
}

}  // namespace heapfloor
