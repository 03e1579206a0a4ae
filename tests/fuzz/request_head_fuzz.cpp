// Whatever a client sends: what is accepted means one thing, and means it to the next reader too.
#include <algorithm>

#include "agent/http/passwords.h"
#include "agent/http/request_head.h"
#include "collectors/parse/ascii.h"
#include "tests/fuzz/property.h"

namespace {

using heapfloor::RequestHead;

long count(const RequestHead& head, std::string_view name) {
  return std::ranges::count_if(head.headers, [name](const auto& header) {
    return heapfloor::same_word(header.first, name);
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const std::string_view text = text_of(data, size);
  const heapfloor::HeadProgress progress = heapfloor::head_progress(text);
  require(progress.size <= size, "a head is a part of what came");
  require(progress.size == 0 || !progress.refusal, "a refused head is not whole");
  const auto head = heapfloor::parse_request_head(text.substr(0, progress.size));
  static_cast<void>(heapfloor::parse_basic_authorization(text));
  if (!head) {
    require(head.error().status >= 400 && head.error().status < 502, "a refusal has a status");
    return 0;
  }
  require(progress.size > 0, "an empty head is refused");
  require(head->target.starts_with('/'), "a target is a path");
  require(count(*head, "Host") <= 1, "there is one Host at most");
  for (const char* const name :
       {"Content-Length", "Transfer-Encoding", "Connection", "Authorization", "X-Heapfloor-Gate"}) {
    require(count(*head, name) == 0, "framing and what is the gate's own are not handed on");
  }
  // The gate adds two fields, for which the server behind it has room, but the gate has not.
  if (head->headers.size() + 2 > heapfloor::kMostHeaderFields) return 0;
  const std::string rendered = heapfloor::render_request_head(*head, "secret 000 ::1");
  if (rendered.size() > heapfloor::kMostHeadBytes || count(*head, "Host") == 0) return 0;
  require(heapfloor::head_progress(rendered).size == rendered.size(), "one head is handed on");
  const auto again = heapfloor::parse_request_head(rendered);
  require(again && again->method == head->method && again->target == head->target &&
              again->headers == head->headers,
          "the next reader sees the same request");
  return 0;
}
