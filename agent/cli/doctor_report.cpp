// The report of the doctor for a person and for a program.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "agent/cli/doctor.h"
#include "agent/exposition/text_format.h"

namespace heapfloor {
namespace {

using Json = nlohmann::ordered_json;

// On one line, whatever somebody put into it.
std::string line_of(std::string_view raw) {
  std::string shown = visible_name(raw);
  for (std::size_t at = shown.find('\n'); at != std::string::npos; at = shown.find('\n', at))
    shown.replace(at, 1, "\\x0A");
  return shown;
}

std::string who(const Privileges& privileges) {
  const auto held = privileges.useful();
  return fmt::format("user {} with {}", privileges.user,
                     held.empty() ? "no capability" : fmt::format("{}", fmt::join(held, ", ")));
}

void append(std::string& out, const Finding& finding, std::size_t width) {
  out += fmt::format("  {:<6}  {:<{}}  {}", health_name(finding.health), line_of(finding.name),
                     width, line_of(finding.summary));
  out.resize(out.find_last_not_of(' ') + 1);
  out += '\n';
  for (const Loss& loss : finding.losses) {
    out += fmt::format("          - {}\n", line_of(loss.what));
    if (!loss.needs.empty()) out += fmt::format("            needs {}\n", line_of(loss.needs));
  }
}

}  // namespace

std::string_view health_name(Health health) {
  constexpr std::array<std::string_view, 4> kNames = {"works", "partly", "lost", "note"};
  return kNames.at(static_cast<std::size_t>(health));
}

bool DoctorReport::loses_something() const {
  return std::ranges::any_of(findings, [](const Finding& finding) {
    return finding.health == Health::partly || finding.health == Health::lost;
  });
}

std::string doctor_text(const DoctorReport& report) {
  std::string out = fmt::format("heapfloor {} on {}, {}\n", report.version, line_of(report.kernel),
                                who(report.privileges));
  std::size_t width = 0;
  for (const Finding& finding : report.findings)
    width = std::max(width, line_of(finding.name).size());
  std::string_view area;
  for (const Finding& finding : report.findings) {
    if (finding.area != area) out += fmt::format("\n{}\n", finding.area);
    area = finding.area;
    append(out, finding, width);
  }
  const auto of = [&report](Health health) {
    return std::ranges::count(report.findings, health, &Finding::health);
  };
  out += report.loses_something()
             ? fmt::format("\n{} lost, {} partly, {} as they should be.\n", of(Health::lost),
                           of(Health::partly), of(Health::works))
             : std::string("\nNothing is lost.\n");
  return out;
}

std::string doctor_json(const DoctorReport& report) {
  Json json = {{"version", report.version},
               {"kernel", line_of(report.kernel)},
               {"user", report.privileges.user},
               {"capabilities", report.privileges.useful()},
               {"loses_something", report.loses_something()},
               {"findings", Json::array()}};
  for (const Finding& finding : report.findings) {
    Json losses = Json::array();
    for (const Loss& loss : finding.losses)
      losses.push_back({{"what", line_of(loss.what)},
                        {"needs", loss.needs.empty() ? Json(nullptr) : Json(line_of(loss.needs))}});
    json["findings"].push_back({{"area", finding.area},
                                {"name", line_of(finding.name)},
                                {"health", health_name(finding.health)},
                                {"summary", line_of(finding.summary)},
                                {"losses", std::move(losses)}});
  }
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace heapfloor
