#include "agent/http/request_head.h"

#include <algorithm>
#include <array>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "collectors/parse/ascii.h"

namespace heapfloor {
namespace {

namespace http = boost::beast::http;
using Parser = http::request_parser<http::empty_body>;
using Refusal = tl::unexpected<HeadRefusal>;

Refusal refuse(int status, std::string_view message) {
  return Refusal(HeadRefusal{status, message});
}

template <std::size_t kSize>
bool is_one_of(std::string_view word, const std::array<std::string_view, kSize>& words) {
  return std::ranges::any_of(words,
                             [word](std::string_view each) { return same_word(word, each); });
}

constexpr std::array<std::string_view, 7> kMethods = {"GET",    "HEAD",  "POST",   "PUT",
                                                      "DELETE", "PATCH", "OPTIONS"};
// RFC 9110, section 7.6.1; and what is the gate's own business.
constexpr std::array<std::string_view, 12> kNotHandedOn = {
    "Connection",    "Keep-Alive", "Proxy-Connection",  "Proxy-Authorization", "TE",
    "Trailer",       "Upgrade",    "Transfer-Encoding", "HTTP2-Settings",      "Expect",
    "Authorization", kGateHeader};
// Fields that a client cannot declare to be hop-by-hop: the checks behind the gate need them.
constexpr std::array<std::string_view, 4> kEndToEnd = {"Host", "Origin", "Sec-Fetch-Site",
                                                       "X-Heapfloor"};

bool is_target(std::string_view target) {
  return target.starts_with('/') && std::ranges::all_of(target, [](char c) {
           return c > 0x20 && c < 0x7F && c != '#' && c != '"' && c != '<' && c != '>' && c != '\\';
         });
}

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

// The words of a Connection header.
std::vector<std::string_view> list_words(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string_view word = text.substr(0, comma);
    while (word.starts_with(' ') || word.starts_with('\t')) word.remove_prefix(1);
    while (word.ends_with(' ') || word.ends_with('\t')) word.remove_suffix(1);
    if (!word.empty()) words.push_back(word);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return words;
}

// Goes over the fields once and notes what there may be only one of.
class FieldReader {
 public:
  explicit FieldReader(RequestHead& head) : head_(head) {}

  std::optional<HeadRefusal> read(std::string_view name, std::string_view value) {
    if (++fields_ > kMostHeaderFields) return HeadRefusal{431, "too many header fields"};
    if (same_word(name, "Transfer-Encoding")) {
      return HeadRefusal{400, "request bodies are not accepted"};
    }
    if (same_word(name, "Content-Length")) return read_length(value);
    if (same_word(name, "Host") && ++hosts_ > 1) {
      return HeadRefusal{400, "exactly one Host is needed"};
    }
    if (same_word(name, "Authorization")) {
      if (head_.authorization) return HeadRefusal{400, "more than one Authorization"};
      head_.authorization = std::string(value);
    }
    if (same_word(name, "Connection")) {
      for (const std::string_view word : list_words(value)) {
        if (is_one_of(word, kEndToEnd)) return HeadRefusal{400, "malformed Connection"};
        dropped_.emplace_back(word);
      }
    }
    if (!is_one_of(name, kNotHandedOn)) head_.headers.emplace_back(name, value);
    return std::nullopt;
  }

  // What only the end of the head can tell.
  std::optional<HeadRefusal> finish(unsigned version) {
    if (hosts_ == 0 && version != 10) return HeadRefusal{400, "exactly one Host is needed"};
    std::erase_if(head_.headers, [this](const auto& header) {
      return std::ranges::any_of(
          dropped_, [&header](const auto& word) { return same_word(word, header.first); });
    });
    return std::nullopt;
  }

 private:
  // Not handed on: there is no body behind it.
  std::optional<HeadRefusal> read_length(std::string_view value) {
    const bool digits =
        !value.empty() && std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; });
    if (++lengths_ > 1 || !digits) return HeadRefusal{400, "malformed Content-Length"};
    if (value.find_first_not_of('0') != std::string_view::npos) {
      return HeadRefusal{413, "request bodies are not accepted"};
    }
    return std::nullopt;
  }

  RequestHead& head_;
  std::size_t fields_ = 0;
  int hosts_ = 0;
  int lengths_ = 0;
  std::vector<std::string> dropped_;
};

}  // namespace

HeadProgress head_progress(std::string_view bytes) {
  constexpr std::string_view kEnd = "\r\n\r\n";
  HeadProgress progress;
  const std::size_t end = bytes.find(kEnd);
  const std::string_view head = bytes.substr(0, end);
  for (std::size_t at = head.find('\n'); at != std::string_view::npos;
       at = head.find('\n', at + 1)) {
    if (at == 0 || head[at - 1] != '\r') {
      progress.refusal = HeadRefusal{400, "malformed request"};
      return progress;
    }
  }
  const std::size_t size = end == std::string_view::npos ? bytes.size() : end + kEnd.size();
  if (size > kMostHeadBytes) {
    progress.refusal = HeadRefusal{431, "the request head is too large"};
  } else if (end != std::string_view::npos) {
    progress.size = size;
  }
  return progress;
}

tl::expected<RequestHead, HeadRefusal> parse_request_head(std::string_view head) {
  if (head.size() > kMostHeadBytes) return refuse(431, "the request head is too large");
  // The parser would join folded lines, as RFC 7230 allowed.
  if (head.find("\r\n ") != std::string_view::npos ||
      head.find("\r\n\t") != std::string_view::npos) {
    return refuse(400, "malformed header field");
  }
  Parser parser;
  parser.header_limit(kMostHeadBytes);
  boost::system::error_code error;
  const std::size_t used = parser.put(boost::asio::buffer(head.data(), head.size()), error);
  if (error == http::error::header_limit) return refuse(431, "the request head is too large");
  if (error == http::error::bad_content_length || error == http::error::bad_transfer_encoding) {
    return refuse(400, "malformed Content-Length");
  }
  if (error || !parser.is_header_done() || used != head.size()) {
    return refuse(400, "malformed request");
  }
  const auto& message = parser.get();
  RequestHead out;
  out.method = view(message.method_string());
  out.target = view(message.target());
  out.keep_alive = message.keep_alive();
  FieldReader reader(out);
  for (const auto& field : message) {
    if (auto refusal = reader.read(view(field.name_string()), view(field.value()))) {
      return Refusal(*refusal);
    }
  }
  if (auto refusal = reader.finish(message.version())) return Refusal(*refusal);
  if (!is_one_of(out.method, kMethods) || out.method.front() >= 'a') {
    return refuse(501, "the method is not known here");
  }
  if (!is_target(out.target)) return refuse(400, "malformed URL");
  return out;
}

std::string render_request_head(const RequestHead& head, std::string_view gate) {
  std::string text = head.method + ' ' + head.target + " HTTP/1.1\r\n";
  const auto append = [&text](std::string_view name, std::string_view value) {
    text += name;
    text += ": ";
    text += value;
    text += "\r\n";
  };
  append(kGateHeader, gate);
  for (const auto& [name, value] : head.headers) append(name, value);
  append("Connection", "close");
  text += "\r\n";
  return text;
}

std::string_view path_of(std::string_view target) { return target.substr(0, target.find('?')); }

}  // namespace heapfloor
