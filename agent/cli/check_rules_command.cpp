// heapfloor check-rules: whether the alerts that we ship are armed on a running Prometheus.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/cli/commands.h"
#include "agent/cli/rule_check.h"
#include "agent/clock.h"
#include "agent/http/url.h"

namespace heapfloor {
namespace {

constexpr double kLookBackSeconds = 3600;
constexpr int kFine = 200;

// The rules of the files that were asked for; all where none was.
Result<std::vector<ShippedRule>> wanted_rules(const std::vector<std::string>& files) {
  std::vector<ShippedRule> wanted;
  for (const RulesFile& file : shipped_files()) {
    if (!files.empty() && std::ranges::find(files, file.name) == files.end()) continue;
    auto rules = parse_rules(file);
    if (!rules) return Failure(std::move(rules.error()));
    wanted.insert(wanted.end(), rules->begin(), rules->end());
  }
  return wanted;
}

class Server {
 public:
  Server(std::string url, const HttpClientOptions& options)
      : url_(std::move(url)), client_(options) {
    while (url_.ends_with('/')) url_.pop_back();
  }

  [[nodiscard]] std::string address(const std::string& path) const { return url_ + path; }

  // The body of an answer that is one of the API: fine, or an error in its own words.
  [[nodiscard]] Result<std::string> get(const std::string& path) {
    HttpExchange exchange = client_.send({"GET", address(path), "", ""});
    if (!exchange.answer) return Failure(std::move(exchange.answer.error()));
    if (exchange.answer->status != kFine && !exchange.answer->body.starts_with('{'))
      return failure(ErrorKind::io, address(path),
                     fmt::format("the server answered HTTP {}", exchange.answer->status));
    return std::move(exchange.answer->body);
  }

 private:
  std::string url_;
  HttpClient client_;
};

// The path that asks which metrics that `rules` read had series lately.
std::string names_path(const std::vector<ShippedRule>& rules) {
  std::set<std::string> names;
  for (const ShippedRule& rule : rules) names.merge(metrics_of(rule.expression));
  const std::string selector = fmt::format("{{__name__=~\"{}\"}}", fmt::join(names, "|"));
  return fmt::format("/api/v1/label/__name__/values?start={:.0f}&match[]={}",
                     SystemClock().wall_seconds() - kLookBackSeconds, percent_encode(selector));
}

Result<RuleReport> ask(Server& server, const std::vector<ShippedRule>& rules,
                       const CheckRulesOptions& options) {
  const std::string rules_path = "/api/v1/rules";
  const auto loaded = server.get(rules_path).and_then([&](const std::string& body) {
    return parse_loaded_rules(body, server.address(rules_path));
  });
  if (!loaded) return Failure(loaded.error());
  const std::string asked = names_path(rules);
  const auto names = server.get(asked).and_then([&](const std::string& body) {
    return parse_label_values(body, server.address("/api/v1/label/__name__/values"));
  });
  if (!names) return Failure(names.error());
  RuleReport report;
  report.accepts_changed = options.accepts_changed;
  report.rules = check_rules(rules, *loaded, *names);
  // Servers of rules alone (vmalert) know neither.
  const std::string targets_path = "/api/v1/targets?state=active";
  report.targets = server.get(targets_path).and_then([&](const std::string& body) {
    return parse_agent_targets(body, options.job, server.address(targets_path));
  });
  report.asks_alertmanagers = options.asks_alertmanagers;
  if (!report.asks_alertmanagers) return report;
  const std::string alertmanagers_path = "/api/v1/alertmanagers";
  report.alertmanagers = server.get(alertmanagers_path).and_then([&](const std::string& body) {
    return parse_alertmanagers(body, server.address(alertmanagers_path));
  });
  return report;
}

}  // namespace

std::vector<std::string> shipped_file_names() {
  std::vector<std::string> names;
  for (const RulesFile& file : shipped_files()) names.emplace_back(file.name);
  return names;
}

int run_check_rules_command(const CheckRulesOptions& options) {
  if (const auto url = parse_url(options.url); !url) {
    fmt::print(stderr, "heapfloor: --prometheus.url: {}\n", url.error().reason);
    return kExitUsage;
  }
  const auto rules = wanted_rules(options.files);
  if (!rules) {
    fmt::print(stderr, "heapfloor: {}: {}\n", rules.error().path, rules.error().reason);
    return kExitFailure;
  }
  Server server(options.url, options.client);
  const auto report = ask(server, *rules, options);
  if (!report) {
    fmt::print(stderr, "heapfloor: {}: {}\n", report.error().path, report.error().reason);
    return kExitFailure;
  }
  fmt::print("{}", options.is_json ? rule_json(*report) : rule_table(*report));
  return report->reasons().empty() ? kExitFine : kExitFailure;
}

}  // namespace heapfloor
