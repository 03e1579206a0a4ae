#include "agent/http/response_head.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <stdexcept>

#include "collectors/parse/ascii.h"

namespace heapfloor {
namespace {

constexpr std::string_view kSecurityHeaders =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n";
constexpr std::string_view kLineEnd = "\r\n";

struct StatusText {
  int status;
  std::string_view text;
};
constexpr std::array kStatusTexts = {
    StatusText{200, "OK"},
    StatusText{204, "No Content"},
    StatusText{304, "Not Modified"},
    StatusText{400, "Bad Request"},
    StatusText{401, "Unauthorized"},
    StatusText{403, "Forbidden"},
    StatusText{404, "Not Found"},
    StatusText{405, "Method Not Allowed"},
    StatusText{413, "Content Too Large"},
    StatusText{422, "Unprocessable Content"},
    StatusText{429, "Too Many Requests"},
    StatusText{431, "Request Header Fields Too Large"},
    StatusText{500, "Internal Server Error"},
    StatusText{501, "Not Implemented"},
    StatusText{502, "Bad Gateway"},
    StatusText{503, "Service Unavailable"},
};

std::string_view status_text(int status) {
  const auto* const found = std::ranges::find(kStatusTexts, status, &StatusText::status);
  return found == kStatusTexts.end() ? std::string_view("Status") : found->text;
}

// The HTTP date of now (RFC 9110, section 5.6.7), whatever the locale. The wall clock is right
// here: the date is for the client's cache and for nothing else.
std::string http_date() {
  constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 64> text{};
  const int length = std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                                   kDays.at(static_cast<std::size_t>(utc.tm_wday)), utc.tm_mday,
                                   kMonths.at(static_cast<std::size_t>(utc.tm_mon)),
                                   utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
  return {text.data(), static_cast<std::size_t>(length)};
}

bool has_line_break(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

void append_header(std::string& head, std::string_view name, std::string_view value) {
  if (has_line_break(name) || has_line_break(value)) {
    throw std::invalid_argument("line break in a response header");
  }
  head += name;
  head += ": ";
  head += value;
  head += kLineEnd;
}

}  // namespace

std::string render_response_head(const Response& response) {
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + ' ';
  head += status_text(response.status);
  head += kLineEnd;
  append_header(head, "Date", http_date());
  append_header(head, "Content-Type", response.content_type);
  if (has_body(response.status)) {
    append_header(head, "Content-Length",
                  std::to_string(response.body ? response.body->size() : 0));
  }
  bool cache_control = false;
  for (const auto& [name, value] : response.headers) {
    append_header(head, name, value);
    cache_control = cache_control || same_word(name, "Cache-Control");
  }
  if (!cache_control) append_header(head, "Cache-Control", "no-store");
  head += kSecurityHeaders;
  head += kLineEnd;
  return head;
}

std::string finish_response_head(std::string_view head,
                                 std::span<const std::pair<std::string, std::string>> fields,
                                 bool keep_alive) {
  std::string out;
  while (!head.empty()) {
    const std::size_t end = std::min(head.find(kLineEnd), head.size());
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(std::min(end + kLineEnd.size(), head.size()));
    if (line.empty()) break;
    const std::string_view name = line.substr(0, line.find(':'));
    const bool replaced = std::ranges::any_of(
        fields, [name](const auto& field) { return same_word(field.first, name); });
    if (replaced) continue;
    out += line;
    out += kLineEnd;
  }
  for (const auto& [name, value] : fields) append_header(out, name, value);
  append_header(out, "Connection", keep_alive ? "keep-alive" : "close");
  out += kLineEnd;
  return out;
}

Response refusal(std::string_view path, int status, std::string_view error_type,
                 std::string_view message) {
  if (path.starts_with("/api/")) return api_error(status, error_type, message);
  return text_response(status, std::string(message) + "\n");
}

}  // namespace heapfloor
