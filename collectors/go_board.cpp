#include "collectors/go_board.h"

#include <limits>
#include <utility>

namespace heapfloor {

std::vector<std::shared_ptr<const GoSiteSource>> GoBoard::sources() const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::shared_ptr<const GoSiteSource>> sources;
  for (const auto& [id, entry] : entries_) {
    if (entry.source != nullptr) sources.push_back(entry.source);
  }
  return sources;
}

std::vector<GoBoard::Entry> GoBoard::entries() const {
  const std::scoped_lock lock(mutex_);
  std::vector<Entry> entries;
  entries.reserve(entries_.size());
  for (const auto& [id, entry] : entries_) entries.push_back(entry);
  return entries;
}

std::optional<GoBoard::Entry> GoBoard::find(const ProcessId& id) const {
  const std::scoped_lock lock(mutex_);
  const auto found = entries_.find(id);
  return found == entries_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<GoBoard::Entry> GoBoard::find(std::int32_t pid) const {
  const std::scoped_lock lock(mutex_);
  auto behind = entries_.upper_bound({pid, std::numeric_limits<std::uint64_t>::max()});
  if (behind == entries_.begin() || (--behind)->first.pid != pid) return std::nullopt;
  return behind->second;
}

void GoBoard::put(std::shared_ptr<const GoSiteSource> source) {
  const std::scoped_lock lock(mutex_);
  const ProcessId id = source->id();
  entries_.insert_or_assign(id, Entry{id, std::move(source), std::nullopt});
}

void GoBoard::refuse(const ProcessId& id, GoRefusal refusal) {
  const std::scoped_lock lock(mutex_);
  entries_.insert_or_assign(id, Entry{id, nullptr, refusal});
}

void GoBoard::drop(const ProcessId& id) {
  const std::scoped_lock lock(mutex_);
  entries_.erase(id);
}

}  // namespace heapfloor
