#include "collectors/probe_board.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace heapfloor {

std::size_t ProbeBoard::Entry::kept_bytes() const {
  return kept == nullptr ? 0 : kept->size() + target.mappings.size();
}

std::vector<ProbedTarget> ProbeBoard::targets() const {
  const std::scoped_lock lock(mutex_);
  std::vector<ProbedTarget> targets;
  targets.reserve(entries_.size());
  for (const auto& [id, entry] : entries_) targets.push_back(entry.target);
  return targets;
}

std::optional<ProbedTarget> ProbeBoard::find(const ProcessId& id) const {
  const std::scoped_lock lock(mutex_);
  const auto found = entries_.find(id);
  return found == entries_.end() ? std::nullopt : std::optional(found->second.target);
}

std::optional<ProbedTarget> ProbeBoard::find(std::int32_t pid) const {
  const std::scoped_lock lock(mutex_);
  auto behind = entries_.upper_bound({pid, std::numeric_limits<std::uint64_t>::max()});
  if (behind == entries_.begin() || (--behind)->first.pid != pid) return std::nullopt;
  return behind->second.target;
}

Result<ProbeSegmentBytes> ProbeBoard::read_segment(const ProcessId& id) const {
  std::shared_ptr<const ProbeSource> source;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = entries_.find(id);
    if (found == entries_.end())
      return failure(ErrorKind::unavailable, std::to_string(id.pid), "carries no probe");
    if (found->second.kept != nullptr) return *found->second.kept;
    source = found->second.source;
  }
  return source->read();
}

std::size_t ProbeBoard::held_descriptors() const {
  const std::scoped_lock lock(mutex_);
  return static_cast<std::size_t>(std::ranges::count_if(
      entries_, [](const auto& entry) { return entry.second.source != nullptr; }));
}

std::vector<ProbeBoard::Presence> ProbeBoard::presence() const {
  const std::scoped_lock lock(mutex_);
  std::vector<Presence> presence;
  for (const auto& [id, entry] : entries_)
    presence.push_back({id, entry.target.ended_seconds.has_value()});
  return presence;
}

std::size_t ProbeBoard::kept_targets() const {
  const std::scoped_lock lock(mutex_);
  return static_cast<std::size_t>(std::ranges::count_if(
      entries_, [](const auto& entry) { return entry.second.kept != nullptr; }));
}

Result<void> ProbeSource::ask(std::uint8_t /*request*/) const {
  return failure(ErrorKind::unavailable, {}, "nothing may be written to it");
}

Result<void> ProbeBoard::ask(const ProcessId& id, std::uint8_t request) const {
  std::shared_ptr<const ProbeSource> source;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = entries_.find(id);
    if (found != entries_.end()) source = found->second.source;
  }
  if (source == nullptr)
    return failure(ErrorKind::unavailable, std::to_string(id.pid),
                   "no program with a probe runs as it");
  return source->ask(request);
}

void ProbeBoard::put(const ProbedTarget& target, std::shared_ptr<const ProbeSource> source) {
  const std::scoped_lock lock(mutex_);
  entries_.insert_or_assign(target.id, Entry{target, std::move(source), nullptr});
}

void ProbeBoard::set_mappings(const ProcessId& id, std::string mappings) {
  const std::scoped_lock lock(mutex_);
  const auto found = entries_.find(id);
  if (found != entries_.end()) found->second.target.mappings = std::move(mappings);
}

bool ProbeBoard::end(const ProcessId& id, double now_seconds) {
  std::shared_ptr<const ProbeSource> source;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = entries_.find(id);
    if (found == entries_.end() || found->second.source == nullptr) return false;
    source = found->second.source;
  }
  Result<ProbeSegmentBytes> last = source->read();
  const std::scoped_lock lock(mutex_);
  const auto found = entries_.find(id);
  Entry& entry = found->second;
  const bool is_kept =
      last && keeping_.targets > 0 && last->size() + entry.target.mappings.size() <= keeping_.bytes;
  if (!is_kept) {
    entries_.erase(found);
    return false;
  }
  make_room(last->size() + entry.target.mappings.size());
  entry.source.reset();
  entry.kept = std::make_shared<const ProbeSegmentBytes>(std::move(*last));
  entry.target.ended_seconds = now_seconds;
  return true;
}

// The oldest go first.
void ProbeBoard::make_room(std::size_t bytes) {
  while (true) {
    std::size_t kept_targets = 0;
    std::size_t kept_bytes = 0;
    auto oldest = entries_.end();
    for (auto at = entries_.begin(); at != entries_.end(); ++at) {
      if (at->second.kept == nullptr) continue;
      ++kept_targets;
      kept_bytes += at->second.kept_bytes();
      if (oldest == entries_.end() ||
          at->second.target.ended_seconds < oldest->second.target.ended_seconds)
        oldest = at;
    }
    if (kept_targets < keeping_.targets && kept_bytes + bytes <= keeping_.bytes) return;
    entries_.erase(oldest);
  }
}

void ProbeBoard::drop(const ProcessId& id) {
  const std::scoped_lock lock(mutex_);
  entries_.erase(id);
}

void ProbeBoard::forget_old(double now_seconds) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(entries_, [&](const auto& entry) {
    const std::optional<double>& ended = entry.second.target.ended_seconds;
    return ended && now_seconds - *ended > keeping_.seconds;
  });
}

}  // namespace heapfloor
