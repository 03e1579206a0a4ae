#include "agent/link_maker.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "agent/evidence_recorder.h"
#include "agent/exposition/text_format.h"
#include "agent/http/url.h"

namespace heapfloor {
namespace {

constexpr std::array<std::string_view, 6> kScopesOfProcesses = {"allocator", "go",   "jvm",
                                                                "process",   "site", "structure"};

// As the page writes ids: ':' and '/' are fine in a fragment.
std::string encode_id(std::string_view id) {
  std::string encoded;
  while (true) {
    const std::size_t end = id.find_first_of(":/");
    encoded += percent_encode(id.substr(0, end));
    if (end == std::string_view::npos) return encoded;
    encoded += id[end];
    id.remove_prefix(end + 1);
  }
}

// "4711:812345" of "structure:4711:812345/users".
std::string_view process_part(std::string_view subject) {
  const std::size_t kind = subject.find(':');
  if (kind == std::string_view::npos) return {};
  subject.remove_prefix(kind + 1);
  const std::size_t pid = subject.find(':');
  if (pid == std::string_view::npos) return {};
  return subject.substr(0, subject.find_first_of(":/", pid + 1));
}

bool is_captured_of(const EvidenceRecord& record, const AlertCondition& condition) {
  if (record.subject == visible_name(condition.subject)) return true;
  if (record.process.pid == 0) return false;
  if (std::ranges::find(kScopesOfProcesses, condition.scope) == kScopesOfProcesses.end())
    return false;
  const std::string process = fmt::format("{}:{}", record.process.pid, record.process.start_ticks);
  return process == process_part(condition.subject);
}

bool has_profile(const EvidenceRecord& record) {
  return std::ranges::find(record.files, EvidenceRecorder::kHeapFile,
                           &EvidenceRecord::File::name) != record.files.end();
}

}  // namespace

AlertLinks alert_links(const AlertCondition& condition, const EvidenceList* evidence,
                       std::string_view runbook) {
  AlertLinks links;
  links.runbook = runbook;
  if (condition.subject.empty() || condition.signal.empty() ||
      condition.signal.starts_with("heapfloor_"))
    return links;
  links.chart = "#/suspect/" + encode_id(visible_name(condition.subject) + "/" + condition.signal);
  if (evidence == nullptr) return links;
  const auto captured = std::ranges::find_if(evidence->records, [&](const EvidenceRecord& record) {
    return has_profile(record) && is_captured_of(record, condition);
  });
  if (captured == evidence->records.end()) return links;
  links.flame_graph = links.chart + "?show=profile";
  links.profile = fmt::format("api/v1/evidence/{}/{}", captured->id, EvidenceRecorder::kHeapFile);
  return links;
}

}  // namespace heapfloor
