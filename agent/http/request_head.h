// The head of one request as a client sent it, read strictly (RFC 9112): what two servers could
// read differently is refused, not repaired.
//
// Thread rule: pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

namespace heapfloor {

inline constexpr std::size_t kMostHeadBytes = 8192;
inline constexpr std::size_t kMostHeaderFields = 60;  // CivetWeb keeps 64
// Carries what the gate knows of a client, and the secret that proves that it comes from the gate.
inline constexpr std::string_view kGateHeader = "X-Heapfloor-Gate";

struct RequestHead {
  std::string method;
  std::string target;  // "/path?query", as sent: visible ASCII
  bool keep_alive = false;
  // What is handed on: without the hop-by-hop fields, Authorization, and any field named as the
  // gate's own.
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<std::string> authorization;
};

// An answer in place of the handler's.
struct HeadRefusal {
  int status = 400;
  std::string_view message;  // a literal
};

// What the first bytes of a connection amount to.
struct HeadProgress {
  std::size_t size = 0;                // of the head with its empty line; 0: more is needed
  std::optional<HeadRefusal> refusal;  // whatever comes, it is refused
};
HeadProgress head_progress(std::string_view bytes);

// Reads a whole head, empty line included. Bodies, Transfer-Encoding, bare line feeds, folded
// lines, repeated Host, Content-Length or Authorization, a missing Host (HTTP/1.1), targets that
// are not paths, and methods that no route can have are refused.
tl::expected<RequestHead, HeadRefusal> parse_request_head(std::string_view head);

// The request as CivetWeb gets it. `gate` is the value of the gate's header.
std::string render_request_head(const RequestHead& head, std::string_view gate);

// The path of a target without its query, for the form of an error.
std::string_view path_of(std::string_view target);

}  // namespace heapfloor
