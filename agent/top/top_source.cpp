#include "agent/top/top_source.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace heapfloor {
namespace {

constexpr int kFine = 200;
constexpr int kUnauthorized = 401;

Result<std::string> get(HttpClient& client, const std::string& url, const std::stop_token& stop) {
  HttpExchange exchange = client.send({"GET", url, "", ""}, stop);
  if (!exchange.answer) return Failure(std::move(exchange.answer.error()));
  const int status = exchange.answer->status;
  if (status == kUnauthorized)
    return failure(ErrorKind::denied, url, "it wants a password or a certificate that it knows");
  // An agent that has not collected yet says so in its own words.
  if (status == kFine || exchange.answer->body.starts_with('{'))
    return std::move(exchange.answer->body);
  return failure(ErrorKind::io, url, fmt::format("HTTP {}", status));
}

}  // namespace

TopData ask_agent(HttpClient& client, const std::string& url, const TopQuery& query,
                  const TopData& before, const std::stop_token& stop) {
  TopData data = before;
  data.url = terminal_text(url);
  const auto read = [&](const std::string& path, auto parse, auto& target) {
    const auto answer = get(client, url + path, stop).and_then([&](const std::string& body) {
      return parse(body);
    });
    if (answer) {
      target = *answer;
      return true;
    }
    data.error = terminal_text(fmt::format("{}: {}", url, answer.error().reason));
    return false;
  };
  if (read("/api/v1/status", parse_top_status, data.status) &&
      read("/api/v1/suspects", parse_top_suspects, data.suspects) &&
      read(query.path(), parse_top_subjects, data.subjects))
    data.error.clear();
  return data;
}

TopSource::TopSource(std::string url, HttpClientOptions options, double interval_seconds)
    : url_(std::move(url)), options_(std::move(options)), interval_seconds_(interval_seconds) {
  TopData nothing;
  nothing.url = terminal_text(url_);
  latest_ = std::make_shared<const TopData>(std::move(nothing));
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

TopSource::~TopSource() = default;

void TopSource::want(const TopQuery& query) {
  const std::scoped_lock lock(mutex_);
  if (query == query_) return;
  query_ = query;
  changed_.notify_all();
}

std::shared_ptr<const TopData> TopSource::latest() const {
  const std::scoped_lock lock(mutex_);
  return latest_;
}

void TopSource::run(const std::stop_token& stop) {
  HttpClient client(options_);
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const TopQuery asked = query_;
    const std::shared_ptr<const TopData> before = latest_;
    lock.unlock();
    auto data = std::make_shared<const TopData>(ask_agent(client, url_, asked, *before, stop));
    lock.lock();
    latest_ = std::move(data);
    changed_.wait_for(lock, stop, std::chrono::duration<double>(interval_seconds_),
                      [&] { return query_ != asked; });
  }
}

}  // namespace heapfloor
