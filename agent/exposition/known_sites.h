// What is known of the allocation sites of one subject of a snapshot. Thread rule: pure functions.
#pragma once

#include <string>
#include <vector>

#include "agent/exposition/snapshot.h"

namespace heapfloor {

// Of the process that is watched, or that it is a part of; the snapshot owns them.
const std::vector<KnownSite>& known_sites_of(const Snapshot& snapshot, const WatchRow& watch);

// The site as metrics and LeakPart::name have it: the hash of its stack, 16 hexadecimal digits.
std::string site_name(const KnownSite& site);

// "cache.cpp:88": the file's name alone; empty where the line is not known. Raw.
std::string site_location(const KnownSite& site);

}  // namespace heapfloor
