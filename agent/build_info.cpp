#include "agent/build_info.h"

namespace heapfloor {

const BuildFacts& build_facts() {
#if defined(__clang__)
  static const std::string compiler = "clang " __clang_version__;
#else
  static const std::string compiler = "gcc " __VERSION__;
#endif
  static const BuildFacts facts = {HEAPFLOOR_VERSION, HEAPFLOOR_REVISION, HEAPFLOOR_BRANCH, compiler, "C++20"};
  return facts;
}

}  // namespace heapfloor
