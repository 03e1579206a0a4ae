// agent/web/openapi.yaml, embedded in the binary at build time: every path that the agent answers,
// and what with.
//
// Thread rule: constant data; any thread at any time.
#pragma once

#include <string_view>

namespace heapfloor {

// Views of static storage.
struct ApiDescription {
  std::string_view body;  // the file's bytes
  std::string_view etag;  // value of the header ETag, with its quotes; changes when the body does
};
ApiDescription api_description();

}  // namespace heapfloor
