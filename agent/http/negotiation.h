// What a client accepts: the headers Accept and Accept-Encoding (RFC 9110, section 12.5).
//
// Malformed parts of a header count as not said; nothing here fails.
// Thread rule: pure functions.
#pragma once

#include <string_view>

namespace heapfloor {

// Whether a gzipped answer may be sent: gzip (or *) is named with a quality above 0.
bool accepts_gzip(std::string_view accept_encoding);

// Whether OpenMetrics 1.0 is to be sent: it is named, without a version or as version 1.0.0, with a
// quality above 0 and not below that of Prometheus text 0.0.4. Wildcards ask for the text format.
bool prefers_openmetrics(std::string_view accept);

}  // namespace heapfloor
