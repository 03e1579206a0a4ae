#include "agent/endpoints/go_asker.h"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace heapfloor {
namespace {

constexpr int kOk = 200;
constexpr std::array kPages = {GoPage::metrics, GoPage::vars, GoPage::heap};

Result<GoFigures> parse(GoPage page, std::string_view text) {
  switch (page) {
    case GoPage::metrics:
      return parse_go_exposition(text);
    case GoPage::vars:
      return parse_go_expvar(text);
    case GoPage::heap:
      break;
  }
  return parse_go_heap_text(text);
}

// Whether nobody would answer another question either.
bool is_of_server(const Error& error) {
  return error.kind == ErrorKind::timeout || error.kind == ErrorKind::io;
}

}  // namespace

Result<GoAsker::Answer> GoAsker::figures(std::optional<GoPage> known, const std::stop_token& stop) {
  Error last{ErrorKind::unavailable, target_.url, "no page to ask for"};
  for (const GoPage page : kPages) {
    if ((known && *known != page) || path_of(page).empty()) continue;
    auto figures = figures_of(page, stop);
    if (figures) return Answer{std::move(*figures), page};
    const bool is_last = is_of_server(figures.error());
    // That a page is there and is none of Go's says more than that another one is not there.
    if (is_last || last.kind != ErrorKind::malformed) last = std::move(figures.error());
    if (is_last) break;
  }
  return Failure(std::move(last));
}

Result<std::string> GoAsker::profile(std::string_view name, const std::stop_token& stop) {
  if (target_.pprof_path.empty())
    return failure(ErrorKind::unavailable, target_.url, "its profiles are not asked for");
  return get(fmt::format("{}/{}", target_.pprof_path, name), stop);
}

Result<GoFigures> GoAsker::figures_of(GoPage page, const std::stop_token& stop) {
  const std::string path = path_of(page);
  const Result<std::string> text = get(path, stop);
  if (!text) return Failure(text.error());
  Result<GoFigures> figures = parse(page, *text);
  if (!figures) figures.error().path = target_.url + path;
  return figures;
}

std::string GoAsker::path_of(GoPage page) const {
  switch (page) {
    case GoPage::metrics:
      return target_.metrics_path;
    case GoPage::vars:
      return target_.vars_path;
    case GoPage::heap:
      break;
  }
  return target_.pprof_path.empty() ? std::string() : target_.pprof_path + "/heap?debug=1";
}

Result<std::string> GoAsker::get(const std::string& path, const std::stop_token& stop) {
  HttpClientOptions options = target_.http;
  options.largest_body_bytes = kMostPageBytes;
  HttpClient client(std::move(options));
  ++requests_;
  HttpRequest request;
  request.url = target_.url + path;
  HttpExchange exchange = client.send(request, stop);
  if (!exchange.answer) {
    exchange.answer.error().path = request.url;
    return Failure(std::move(exchange.answer.error()));
  }
  if (exchange.answer->status != kOk)
    return failure(ErrorKind::unavailable, request.url,
                   fmt::format("answered with status {}", exchange.answer->status));
  return std::move(exchange.answer->body);
}

}  // namespace heapfloor
