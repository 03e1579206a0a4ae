#include "agent/profile_routes.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <future>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "agent/exposition/api_json.h"

namespace heapfloor {
namespace {

constexpr const char* kRetryAfterSeconds = "10";

Response error_response(int status, std::string_view type, std::string_view message) {
  ApiDocument document = error_document(status, type, message);
  Response response = json_response(document.status, std::move(document.json));
  if (status == 503) response.headers.emplace_back("Retry-After", kRetryAfterSeconds);
  return response;
}

Response bad_request(std::string_view message) { return error_response(400, "bad_data", message); }

template <class T>
std::optional<T> number_in(std::string_view text) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::int32_t> pid_in(std::string_view text) {
  const auto pid = number_in<std::int32_t>(text);
  return pid && *pid > 0 ? pid : std::nullopt;
}

std::string_view part_before(std::string_view& rest, char mark) {
  const std::size_t end = rest.find(mark);
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return part;
}

std::optional<std::string_view> parameter(const Request& request, std::string_view name) {
  for (const auto& [key, value] : request.query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

// The whole of a request but its target; what is wrong, if anything is.
std::optional<Response> read_rest(const Request& request, const ProfileSources& sources,
                                  ProfileRequest& wanted) {
  if (const auto seconds = parameter(request, "seconds")) {
    const auto number = number_in<std::uint32_t>(*seconds);
    if (!number || *number < 1 || *number > ProfileService::kMostSeconds)
      return bad_request(fmt::format("seconds: expects a whole number from 1 to {:.0f}",
                                     ProfileService::kMostSeconds));
    wanted.seconds = *number;
  }
  if (const auto base = parameter(request, "base")) {
    Result<Profile> captured =
        sources.evidence ? sources.evidence(*base)
                         : Failure(Error{ErrorKind::unavailable, {}, "no evidence is kept"});
    if (!captured)
      return error_response(404, "not_found",
                            fmt::format("base: no profile was captured under that name: {}",
                                        captured.error().reason));
    wanted.base = std::move(*captured);
  }
  return std::nullopt;
}

Response profile_response(std::string profile, HeapView view) {
  Response response;
  response.content_type = "application/octet-stream";
  response.body = std::make_shared<const std::string>(std::move(profile));
  response.headers.emplace_back(
      "Content-Disposition",
      fmt::format("attachment; filename=\"{}.pb.gz\"", view == HeapView::heap ? "heap" : "allocs"));
  return response;
}

// What was captured of a process that is not there any more. A pid that another process has now is
// that one's.
std::optional<std::string> captured_instead(const ProfileRefusal& refusal,
                                            const ProfileSources& sources,
                                            const ProfileRequest& wanted) {
  const bool is_plain = wanted.view == HeapView::heap && wanted.seconds == 0 && !wanted.base;
  if (!sources.captured || !is_plain) return std::nullopt;
  const auto* const id = std::get_if<ProcessId>(&wanted.target);
  if (id != nullptr && refusal.kind == ProfileRefusal::Kind::not_found)
    return sources.captured(*id);
  if (id == nullptr && refusal.kind == ProfileRefusal::Kind::gone)
    return sources.captured({std::get<std::int32_t>(wanted.target), 0});
  return std::nullopt;
}

Response answer(const Request& request, const ProfileSources& sources, ProfileRequest wanted) {
  if (std::optional<Response> wrong = read_rest(request, sources, wanted)) return *wrong;
  // In a thread of its own: the web server's have stacks of 100 KiB, and DWARF is a tree.
  ProfileAnswer made =
      std::async(std::launch::async, [&] { return sources.profiles.profile(wanted); }).get();
  if (!made) {
    if (auto captured = captured_instead(made.error(), sources, wanted))
      return profile_response(std::move(*captured), wanted.view);
    const bool is_missing = made.error().kind != ProfileRefusal::Kind::unavailable;
    return error_response(is_missing ? 404 : 503, is_missing ? "not_found" : "unavailable",
                          made.error().reason);
  }
  return profile_response(std::move(*made), wanted.view);
}

Response answer_for_parameters(const Request& request, const ProfileSources& sources,
                               HeapView view) {
  const auto subject = parameter(request, "subject");
  const auto pid = parameter(request, "pid");
  if (subject.has_value() == pid.has_value())
    return bad_request("whose profile: expects subject=process:PID:START or pid=N");
  ProfileRequest wanted;
  wanted.view = view;
  if (subject) {
    const auto id = process_of_subject(*subject);
    if (!id) return bad_request("subject: expects process:PID:START, as /api/v1/subjects lists it");
    wanted.target = *id;
  } else {
    const auto number = pid_in(*pid);
    if (!number) return bad_request("pid: expects the number of a process");
    wanted.target = *number;
  }
  return answer(request, sources, std::move(wanted));
}

struct View {
  std::string_view path;  // behind the prefix
  HeapView view;
};
constexpr std::array<View, 2> kViews = {
    {{"debug/pprof/heap", HeapView::heap}, {"debug/pprof/allocs", HeapView::allocs}}};

// PID/debug/pprof/heap.
Response answer_for_path(const Request& request, const ProfileSources& sources) {
  std::string_view rest = request.rest;
  const auto pid = pid_in(part_before(rest, '/'));
  for (const View& view : kViews) {
    if (!pid || rest != view.path) continue;
    ProfileRequest wanted;
    wanted.target = *pid;
    wanted.view = view.view;
    return answer(request, sources, std::move(wanted));
  }
  return error_response(404, "not_found",
                        "there are /processes/PID/debug/pprof/heap and .../allocs");
}

}  // namespace

std::optional<ProcessId> process_of_subject(std::string_view subject) {
  static_cast<void>(part_before(subject, ':'));
  const auto pid = pid_in(part_before(subject, ':'));
  const auto start = number_in<std::uint64_t>(subject.substr(0, subject.find_first_of(":/")));
  if (!pid || !start) return std::nullopt;
  return ProcessId{*pid, *start};
}

void add_profile_routes(std::vector<Route>& routes, const ProfileSources& sources) {
  for (const View& view : kViews) {
    routes.push_back({"/" + std::string(view.path),
                      RouteMatch::exact,
                      {"GET"},
                      "pprof",
                      [sources, own = view.view](const Request& request) {
                        return answer_for_parameters(request, sources, own);
                      }});
  }
  routes.push_back(
      {"/processes/", RouteMatch::prefix, {"GET"}, "pprof", [sources](const Request& request) {
         return answer_for_path(request, sources);
       }});
}

}  // namespace heapfloor
