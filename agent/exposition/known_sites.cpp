#include "agent/exposition/known_sites.h"

#include <fmt/format.h>

#include "agent/series/process_facts.h"

namespace heapfloor {

const std::vector<KnownSite>& known_sites_of(const Snapshot& snapshot, const WatchRow& watch) {
  static const std::vector<KnownSite> none;
  if (!snapshot.known_sites || watch.process.pid == 0) return none;
  const auto found = snapshot.known_sites->find(watch.process);
  return found == snapshot.known_sites->end() ? none : found->second;
}

std::string site_name(const KnownSite& site) { return fmt::format("{:016x}", site.stack_hash); }

std::string site_location(const KnownSite& site) {
  if (site.file.empty() || site.line <= 0) return {};
  return fmt::format("{}:{}", base_name(site.file), site.line);
}

}  // namespace heapfloor
