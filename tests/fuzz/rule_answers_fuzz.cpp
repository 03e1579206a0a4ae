#include <algorithm>
#include <string>

#include "agent/cli/rule_check.h"
#include "tests/fuzz/property.h"

namespace {

using heapfloor::testing::require;

void require_printable(const std::string& text) {
  require(text.size() <= heapfloor::kLongestText, "a text is bounded");
  require(std::ranges::all_of(text, [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }),
          "a text is printable");
}

template <class T>
void require_named(const heapfloor::Result<T>& answer) {
  if (answer) return;
  require(answer.error().path == "/path", "a refusal names the endpoint");
  require(!answer.error().reason.empty(), "a refusal has a reason");
  require_printable(answer.error().reason);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = heapfloor::testing::text_of(data, size);
  const auto rules = heapfloor::parse_loaded_rules(text, "/path");
  require_named(rules);
  if (rules) {
    for (const heapfloor::LoadedRule& rule : *rules)
      for (const std::string& said : {rule.name, rule.expression, rule.last_error})
        require_printable(said);
    heapfloor::RuleReport report;
    report.rules = heapfloor::check_rules({{.file = "f",
                                            .group = "g",
                                            .name = "Leak",
                                            .is_alert = true,
                                            .expression = "heapfloor_leak_state == 1",
                                            .hold_seconds = 0,
                                            .keep_firing_seconds = 0,
                                            .labels = {}}},
                                          *rules, {});
    require(!heapfloor::rule_table(report).empty(), "there is a table");
    require(!heapfloor::rule_json(report).empty(), "there is a document");
  }
  require_named(heapfloor::parse_label_values(text, "/path"));
  require_named(heapfloor::parse_agent_targets(text, "heapfloor", "/path"));
  require_named(heapfloor::parse_alertmanagers(text, "/path"));
  const std::string normalised = heapfloor::normalised_promql(text);
  require(heapfloor::normalised_promql(normalised) == normalised, "what is normal stays");
  require(heapfloor::metrics_of(normalised) == heapfloor::metrics_of(text),
          "the metrics of an expression are those of its normal form");
  return 0;
}
