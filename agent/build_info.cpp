#include "agent/build_info.h"

namespace heapfloor {

const BuildInfo& build_info() {
#if defined(__clang__)
  static const BuildInfo info = {HEAPFLOOR_VERSION, HEAPFLOOR_REVISION, HEAPFLOOR_BRANCH,
                                 "clang " __clang_version__, "C++20"};
#else
  static const BuildInfo info = {HEAPFLOOR_VERSION, HEAPFLOOR_REVISION, HEAPFLOOR_BRANCH,
                                 "gcc " __VERSION__, "C++20"};
#endif
  return info;
}

}  // namespace heapfloor
