// What was built, from which revision, with what.
#pragma once

#include <string>

namespace heapfloor {

struct BuildFacts {
  std::string version;
  std::string revision;  // "unknown" outside a repository
  std::string branch;
  std::string compiler;
  std::string standard;
};

const BuildFacts& build_facts();

}  // namespace heapfloor
