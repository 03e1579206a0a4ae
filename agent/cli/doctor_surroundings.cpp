// Where the agent writes, where it listens, and whom it asks.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <future>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "agent/alert_settings.h"
#include "agent/cli/doctor.h"
#include "agent/config_targets.h"
#include "agent/endpoints/go_asker.h"
#include "agent/http/listen_address.h"
#include "agent/storage_path.h"
#include "agent/web_options.h"
#include "collectors/http_client.h"

namespace heapfloor {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

constexpr std::string_view kAgent = "agent";
constexpr std::string_view kNetwork = "network";
constexpr int kFine = 200;
constexpr int kUnauthorized = 401;

Finding lose(std::string_view area, std::string name, std::string summary, Loss loss) {
  return {area, std::move(name), Health::lost, std::move(summary), {std::move(loss)}};
}

// Why this process may not write in a directory that is there; empty where it may.
std::string refusal_to_write(const std::string& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return std::strerror(errno);
  if (!S_ISDIR(status.st_mode)) return "is not a directory";
  if (status.st_uid != geteuid())
    return fmt::format("belongs to user {}, not to user {}", status.st_uid, geteuid());
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) return "others may write in it";
  if (access(path.c_str(), W_OK | X_OK) != 0) return std::strerror(errno);
  return {};
}

std::string room_at(const std::string& path) {
  struct statvfs room {};
  if (statvfs(path.c_str(), &room) != 0) return {};
  const double bytes = static_cast<double>(room.f_bavail) * static_cast<double>(room.f_frsize);
  return fmt::format(", {:.1f} GiB free", bytes / (1024.0 * 1024 * 1024));
}

HttpExchange get(HttpClientOptions options, const std::string& url) {
  options.deadline_seconds = std::min(options.deadline_seconds, kMostRequestSeconds);
  options.largest_body_bytes = std::max(options.largest_body_bytes, std::size_t{1} << 20);
  HttpClient client(std::move(options));
  return client.send({"GET", url, "", ""});
}

// Whether an agent could listen there: why not, or empty. Nothing listens meanwhile.
std::string refusal_to_bind(const ListenAddress& address) {
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_family = address.host.empty() ? AF_INET : AF_UNSPEC;
  addrinfo* found = nullptr;
  const char* const host = address.host.empty() ? nullptr : address.host.c_str();
  const int failed = getaddrinfo(host, fmt::format("{}", address.port).c_str(), &hints, &found);
  if (failed != 0) return gai_strerror(failed);
  const int handle = socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC, 0);
  const int yes = 1;
  std::string refusal;
  if (handle >= 0)
    setsockopt(handle, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);  // as the server does
  if (handle < 0 || bind(handle, found->ai_addr, found->ai_addrlen) != 0)
    refusal = std::strerror(errno);
  if (handle >= 0) close(handle);
  freeaddrinfo(found);
  return refusal;
}

Finding examine_address(const ListenAddress& address, const Config& config) {
  const std::string text = address.text();
  if (address.port == 0)
    return {kAgent, text, Health::note, "any free port: no agent is looked for", {}};
  HttpClientOptions options;
  options.insecure_skip_verify = true;  // this machine's own; nothing secret is sent
  const std::string place = address.local_text(address.port);
  HttpExchange exchange;
  for (const char* const scheme : {"http", "https"}) {
    if (scheme == std::string_view("https") && config.web.config_file.empty()) break;
    exchange = get(options, fmt::format("{}://{}/api/v1/status", scheme, place));
    if (exchange.answer && exchange.answer->status != 400) break;
  }
  if (exchange.answer && exchange.answer->status == kFine)
    return agent_finding(text, exchange.answer->body);
  if (exchange.answer && exchange.answer->status == kUnauthorized)
    return {kAgent, text, Health::note, "something answers and asks for a password", {}};
  const std::string refusal = refusal_to_bind(address);
  if (refusal.empty()) return {kAgent, text, Health::note, "free; no agent runs there", {}};
  return lose(kAgent, text, "",
              {"an agent cannot listen there: " + refusal,
               "another --web.listen-address, or to end what listens there"});
}

struct Question {
  std::string name;
  std::string summary;
  std::string url;
  HttpClientOptions http;
};

Finding ask(const Question& question) {
  const HttpExchange exchange = get(question.http, question.url);
  const std::string summary =
      fmt::format("{}, {:.0f} ms", question.summary, exchange.duration_seconds * 1000);
  if (exchange.answer && exchange.answer->status == kFine)
    return {kNetwork, question.name, Health::works, summary, {}};
  const std::string reason = exchange.answer ? fmt::format("HTTP {}", exchange.answer->status)
                                             : exchange.answer.error().reason;
  return lose(kNetwork, question.name, question.summary,
              {fmt::format("{} does not answer as it should: {}", question.url, reason), ""});
}

Finding ask_program(const GoTargetSettings& target) {
  constexpr std::string_view kWhat = "a Go program of targets.go";
  GoAsker asker(target);
  const auto answer = asker.figures(std::nullopt, {});
  if (answer) {
    return {kNetwork,
            target.name,
            Health::works,
            fmt::format("{}, by its page {}", kWhat, go_page_name(answer->page)),
            {}};
  }
  return lose(kNetwork, target.name, std::string(kWhat),
              {fmt::format("{} does not answer as it should: {}", answer.error().path,
                           answer.error().reason),
               ""});
}

std::string below(std::string url, std::string_view path) {
  while (url.ends_with('/')) url.pop_back();
  return url + std::string(path);
}

}  // namespace

Finding examine_storage(const Config& config) {
  const std::string path = storage_path(config);
  Finding finding{kAgent, "storage.path", Health::note, "no history is kept", {}};
  if (path.empty()) return finding;
  const bool is_there = fs::exists(fs::symlink_status(path));
  const std::string parent = fs::path(path).parent_path().string();
  std::string refusal;
  if (is_there) {
    refusal = refusal_to_write(path);
  } else if (access(parent.empty() ? "." : parent.c_str(), W_OK | X_OK) != 0) {
    refusal =
        fmt::format("is not there, and {} cannot be written: {}", parent, std::strerror(errno));
  }
  if (refusal.empty()) {
    finding.health = Health::works;
    finding.summary = path + (is_there ? room_at(path) : ", which the agent makes");
    return finding;
  }
  finding.health = Health::lost;
  finding.summary = path;
  finding.losses.push_back({refusal + ": history and evidence would be lost with a restart",
                            "to run as whom the directory belongs to, or another storage.path"});
  return finding;
}

std::vector<Finding> examine_addresses(const Config& config) {
  if (const auto problem = web_problem(web_options(config)))
    return {lose(kAgent, "web", "", {*problem, ""})};
  std::vector<Finding> findings;
  for (const ListenAddress& address : parse_listen_addresses(config.web.listen_address))
    findings.push_back(examine_address(address, config));
  return findings;
}

std::vector<Finding> examine_receivers(const Config& config) {
  std::vector<Question> questions;
  std::vector<Finding> findings;
  for (const PrometheusTarget& target : prometheus_targets(config))
    questions.push_back({target.name, "series of targets.prometheus",
                         below(target.url, "/api/v1/query?query=1"), target.http});
  const std::vector<ReceiverSettings> receivers = receiver_settings(config);
  if (!receivers.empty() && config.alerts.external_url.empty()) {
    findings.push_back(
        {kNetwork,
         "links",
         Health::partly,
         "what is sent says what leaks",
         {{"alerts lead to no chart, flame graph, profile or runbook", "alerts.external-url"}}});
  }
  for (const ReceiverSettings& receiver : receivers) {
    if (receiver.kind == ReceiverKind::alertmanager) {
      questions.push_back(
          {receiver.name, "an Alertmanager", below(receiver.url, "/api/v2/status"), receiver.http});
    } else {
      findings.push_back({kNetwork,
                          receiver.name,
                          Health::note,
                          "a webhook: not asked, since every request is a message",
                          {}});
    }
  }
  std::vector<std::future<Finding>> answers;
  answers.reserve(questions.size() + config.targets.go.size());
  for (const Question& question : questions)
    answers.push_back(std::async(std::launch::async, [&question] { return ask(question); }));
  for (const GoTargetSettings& target : config.targets.go)
    answers.push_back(std::async(std::launch::async, [&target] { return ask_program(target); }));
  for (std::future<Finding>& answer : answers) findings.push_back(answer.get());
  return findings;
}

Finding agent_finding(std::string_view address, std::string_view status_document) {
  Finding finding{kAgent, std::string(address), Health::works, "", {}};
  const Json document = Json::parse(status_document, nullptr, false);
  const auto data = document.is_object() ? document.find("data") : document.end();
  const bool is_ours = document.is_object() && data != document.end() && data->is_object() &&
                       data->contains("version") && (*data)["version"].is_string() &&
                       data->contains("collectors") && (*data)["collectors"].is_array();
  if (!is_ours)
    return lose(kAgent, std::string(address), "",
                {"something answers there that is no agent", "another --web.listen-address"});
  finding.summary = "an agent runs there, version " + (*data)["version"].get<std::string>();
  for (const Json& collector : (*data)["collectors"]) {
    if (!collector.is_object() || !collector.contains("closed_sources")) continue;
    const Json& closed = collector["closed_sources"];
    if (!closed.is_object()) continue;
    for (const auto& [source, needs] : closed.items()) {
      // Without it nothing is lost.
      if (source == "bpf_task_iterator") continue;
      finding.losses.push_back({"closed to it: " + source,
                                needs.is_string() ? needs.get<std::string>() : std::string()});
    }
  }
  if (!finding.losses.empty()) finding.health = Health::partly;
  return finding;
}

}  // namespace heapfloor
