// What `top` and `doctor` read of a server that says it is an agent.
#include <algorithm>
#include <clocale>
#include <string>

#include "agent/cli/doctor.h"
#include "agent/top/cells.h"
#include "agent/top/top_view.h"
#include "tests/fuzz/property.h"

namespace {

using heapfloor::testing::require;

void require_harmless(const std::string& text) {
  require(std::ranges::none_of(text,
                               [](char c) {
                                 const auto byte = static_cast<unsigned char>(c);
                                 return byte < 0x20 || byte == 0x7F;
                               }),
          "no control character reaches a terminal");
}

// Each list, its first row in detail, and a search, on a screen of that size.
void draw_all(const heapfloor::TopData& data, heapfloor::TopSize size) {
  using heapfloor::TopKey;
  heapfloor::TopView view;
  for (const TopKey key : {TopKey::end, TopKey::enter, TopKey::page_down, TopKey::escape,
                           TopKey::tab, TopKey::page_down, TopKey::enter, TopKey::end}) {
    static_cast<void>(heapfloor::press(view, {key, {}}, data, size));
    for (const heapfloor::TopLine& line : heapfloor::draw(view, data, size)) {
      require_harmless(line.text);
      require(heapfloor::cells_of(line.text) <= size.columns, "a line fits");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool is_set = std::setlocale(LC_CTYPE, "C.UTF-8") != nullptr;
  require(is_set, "there is a UTF-8 locale");
  const std::string_view text = heapfloor::testing::text_of(data, size);
  heapfloor::TopData shown;
  if (const auto status = heapfloor::parse_top_status(text)) shown.status = *status;
  if (const auto suspects = heapfloor::parse_top_suspects(text)) shown.suspects = *suspects;
  if (const auto subjects = heapfloor::parse_top_subjects(text)) shown.subjects = *subjects;
  for (const heapfloor::TopSize screen : {heapfloor::TopSize{6, 24}, heapfloor::TopSize{30, 160}})
    draw_all(shown, screen);
  for (std::string line = heapfloor::snapshot_text(shown, 5); !line.empty();) {
    const std::size_t end = line.find('\n');
    require_harmless(line.substr(0, end));
    line.erase(0, end == std::string::npos ? end : end + 1);
  }
  heapfloor::DoctorReport report;
  report.findings = {heapfloor::agent_finding("address", text)};
  std::string said = heapfloor::doctor_text(report);
  std::erase(said, '\n');
  require_harmless(said);
  return 0;
}
