// Files as one tar archive, as everybody's tar reads it.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "agent/evidence/evidence_store.h"

namespace heapfloor {

// `files` in the directory `name` (at most 100 bytes, without '/'), readable by all, changed at
// `wall_seconds`, of nobody in particular. Format: ustar (POSIX.1-2017, pax, "ustar Interchange
// Format"). Names of files are those of EvidenceFile, which all fit. Pure.
[[nodiscard]] std::string tar_archive(std::string_view name, std::span<const EvidenceFile> files,
                                      double wall_seconds);

}  // namespace heapfloor
