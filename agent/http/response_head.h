// The head of an answer (RFC 9112), with the security headers that every answer carries.
//
// Thread rule: free functions, any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "agent/http/http_server.h"

namespace heapfloor {

// Status line and header fields with the empty line that ends them, without Connection. Throws
// std::invalid_argument for a line break in a field.
std::string render_response_head(const Response& response);

// Whether an answer of that status has a body and a Content-Length.
constexpr bool has_body(int status) { return status != 204 && status != 304; }

// Puts the fields that the operator asks for (in place of those of the same name) and Connection
// into a head made by render_response_head().
std::string finish_response_head(std::string_view head,
                                 std::span<const std::pair<std::string, std::string>> fields,
                                 bool keep_alive);

// An answer of the server itself, in the form that clients of that path expect.
Response refusal(std::string_view path, int status, std::string_view error_type,
                 std::string_view message);

}  // namespace heapfloor
