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
// quality above 0 and not below that of Prometheus text 0.0.4. The part that names a format most
// precisely decides on it. Wildcards ask for the text format, and so does everything that names
// neither: a scrape is never refused for its Accept. Other parameters (charset, escaping) make no
// difference: names of metrics are legacy names, which every escaping leaves as they are.
bool prefers_openmetrics(std::string_view accept);

}  // namespace heapfloor
