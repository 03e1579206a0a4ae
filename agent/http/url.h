// Paths and query strings as clients send them: any bytes.
//
// Thread rule: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace heapfloor {

// Decoded names and values in the order of the query string; names may repeat.
using QueryParameters = std::vector<std::pair<std::string, std::string>>;

// Undoes percent-encoding (RFC 3986). Nothing when an escape is malformed or when the result has a
// control character or is not valid UTF-8.
std::optional<std::string> percent_decode(std::string_view text);

// The text as a value of a query string: all but unreserved characters encoded.
std::string percent_encode(std::string_view text);

// Parses the part after '?' ('+' stands for a space, as HTML forms send it). A name without '=' has
// an empty value. Nothing where percent_decode() has nothing.
std::optional<QueryParameters> parse_query(std::string_view query);

}  // namespace heapfloor
