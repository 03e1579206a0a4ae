#include "agent/cli/replay_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>

#include "agent/cli/html_text.h"
#include "agent/cli/human_text.h"
#include "agent/cli/replay_table.h"
#include "agent/exposition/signals.h"
#include "agent/trend/explain.h"

namespace heapfloor {
namespace {

template <class... Args>
void put(std::string& out, fmt::format_string<Args...> pattern, Args&&... args) {
  fmt::format_to(std::back_inserter(out), pattern, std::forward<Args>(args)...);
}

bool is_suspect(const ReplaySummary& summary) { return summary.state >= LeakState::suspected; }

std::string name_of(const ReplaySummary& summary) {
  const std::string name = html_text(summary.series);
  return name.empty() ? "(no name)" : name;
}

// The agent's words as a sentence: with a capital and a full stop.
std::string sentence(std::string words) {
  if (words.empty()) return words;
  words.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(words.front())));
  if (words.back() != '.' && words.back() != ')') words += '.';
  return html_text(words);
}

std::string badge(LeakState state) {
  return fmt::format(
      R"(<span class="badge badge-{0}"><svg class="icon" viewBox="0 0 16 16" aria-hidden="true">{1}</svg>{0}</span>)",
      leak_state_name(state), svg_state_icon(state));
}

std::string cell(std::string_view value, std::string_view below = {}) {
  if (below.empty()) return fmt::format(R"(<td class="number">{}</td>)", value);
  return fmt::format(R"(<td class="number">{}<span class="below">{}</span></td>)", value, below);
}

constexpr std::string_view kUnknown = "\u2013";

std::string moment_cell(const std::optional<double>& seconds) {
  if (!seconds) return cell(kUnknown);
  const std::string text = utc_minute(*seconds);
  const std::size_t blank = text.find(' ');
  return cell(text.substr(0, blank), blank == std::string::npos ? "" : text.substr(blank + 1));
}

std::string growth_cell(const ReplaySummary& summary) {
  const std::optional<Growth> growth = known_growth(summary.verdict);
  if (!growth) return cell(kUnknown);
  const HumanGrowth text = human_growth(*growth, summary.counted);
  return cell(text.value, text.interval);
}

std::string exhaustion_cell(const ReplaySummary& summary) {
  const std::optional<Exhaustion> shown = shown_exhaustion(summary.state, summary.verdict);
  if (!shown) return cell(kUnknown);
  const HumanWait wait = human_wait(*shown, summary.last_seconds.value_or(0));
  return cell(wait.value, wait.interval);
}

std::string reason_of(const ReplaySummary& summary) {
  return sentence(explain(summary.verdict, summary.last_seconds.value_or(0), summary.counted));
}

std::string amount_or_unknown(const std::optional<double>& amount, std::string_view counted) {
  return amount ? human_amount(*amount, counted) : std::string(kUnknown);
}

std::string window_text(const ReplaySummary& summary) {
  const Verdict& verdict = summary.verdict;
  if (!known_growth(verdict)) return std::string(kUnknown);
  return human_duration(verdict.window_end_seconds - verdict.window_start_seconds);
}

// Two rows: the figures, and the sentence below them in the whole width.
void put_row(std::string& out, const ReplaySummary& summary, std::size_t index) {
  const std::string name = name_of(summary);
  out += R"(<tr><th scope="row">)";
  if (summary.chart) {
    put(out, R"(<a class="row-name" href="#s{}"><bdi>{}</bdi></a></th>)", index, name);
  } else {
    put(out, R"(<span class="row-name"><bdi>{}</bdi></span></th>)", name);
  }
  put(out, "<td>{}</td>", badge(summary.state));
  out += growth_cell(summary);
  out += cell(window_text(summary));
  out += cell(amount_or_unknown(known_floor(summary.verdict), summary.counted));
  out += cell(amount_or_unknown(summary.verdict.limit, summary.counted));
  out += exhaustion_cell(summary);
  out += moment_cell(summary.first_suspected_seconds);
  out += moment_cell(summary.first_leaking_seconds);
  put(out, R"(</tr><tr class="why"><td colspan="9">{}</td></tr>)", reason_of(summary));
  out += '\n';
}

void put_table(std::string& out, const std::vector<ReplaySummary>& series) {
  out += R"(<section class="panel wide" aria-labelledby="all"><h2 id="all">All series</h2>
<div class="scroll"><table class="plain"><thead><tr><th scope="col">Series</th><th scope="col">State</th>
<th scope="col" class="number">Growth</th><th scope="col" class="number">Window</th>
<th scope="col" class="number">Floor</th><th scope="col" class="number">Limit</th>
<th scope="col" class="number">Limit met</th><th scope="col" class="number">First suspected</th>
<th scope="col" class="number">First leaking</th></tr></thead><tbody>
)";
  for (std::size_t i = 0; i < series.size(); ++i) put_row(out, series[i], i);
  out += "</tbody></table></div></section>\n";
}

struct GateNumbers {
  std::string measured;
  std::string required;
};

GateNumbers gate_numbers(Gate gate, const ReplaySummary& summary) {
  constexpr std::string_view kNeeds = ", needs ";
  const std::string detail = gate_detail(gate, summary.verdict, summary.counted);
  const std::size_t at = detail.find(kNeeds);
  if (at == std::string::npos) return {std::string(kUnknown), std::string(kUnknown)};
  return {detail.substr(0, at), detail.substr(at + kNeeds.size())};
}

void put_gates(std::string& out, const ReplaySummary& summary) {
  struct Outcome {
    std::string_view kind;
    std::string_view word;
    std::string_view shape;
  };
  constexpr std::array<Outcome, kGateOutcomes> kOutcomes = {{
      {"unknown", "not reached", "M4 8h8"},
      {"passed", "passed", "M3 8.6 6.6 12 13 4.6"},
      {"failed", "not passed", "M4 4l8 8M12 4l-8 8"},
      {"unknown", "does not apply", "M4 8h8"},
  }};
  out +=
      R"(<table class="gates"><thead><tr><th scope="col">Gate</th><th scope="col">Outcome</th>)"
      R"(<th scope="col" class="number">Measured</th><th scope="col" class="number">Required</th></tr></thead><tbody>)"
      "\n";
  for (std::size_t i = 0; i < kGates; ++i) {
    const auto gate = static_cast<Gate>(i);
    const GateResult& result = summary.verdict.gates.at(i);
    const Outcome& outcome = kOutcomes.at(static_cast<std::size_t>(result.outcome));
    const GateNumbers numbers = gate_numbers(gate, summary);
    put(out,
        R"(<tr data-outcome="{}"><th scope="row">{} <span class="gate-name">{}</span></th>)"
        R"(<td class="outcome"><svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path class="icon-line" d="{}"/></svg>{}</td>)",
        outcome.kind, gate_words(gate), gate_name(gate), outcome.shape, outcome.word);
    out += cell(html_text(numbers.measured)) + cell(html_text(numbers.required)) + "</tr>\n";
  }
  out += "</tbody></table>";
}

void put_fact(std::string& out, std::string_view what, std::string_view value,
              std::string_view below = {}) {
  put(out, R"(<div class="figure"><dt>{}</dt><dd><span class="figure-value">{}</span>)", what,
      value);
  if (!below.empty()) put(out, R"(<span class="below">{}</span>)", below);
  out += "</dd></div>";
}

void put_facts(std::string& out, const ReplaySummary& summary) {
  const Verdict& verdict = summary.verdict;
  out += R"(<dl class="figures">)";
  if (const auto shown = shown_exhaustion(summary.state, verdict)) {
    const HumanWait wait = human_wait(*shown, summary.last_seconds.value_or(0));
    put_fact(out, "Limit met", wait.value, wait.interval);
  }
  if (const auto growth = known_growth(verdict)) {
    const HumanGrowth text = human_growth(*growth, summary.counted);
    put_fact(out, "Growth", text.value, text.interval);
  }
  put_fact(out, "Floor", amount_or_unknown(known_floor(verdict), summary.counted));
  if (verdict.limit) put_fact(out, "Limit", human_amount(*verdict.limit, summary.counted));
  put_fact(out, "Readings", fmt::format("{}", summary.points));
  if (const auto confidence = known_confidence(verdict))
    put_fact(out, "Confidence", fmt::format("{:.0f} %", std::min(99.0, *confidence * 100)));
  out += "</dl>\n";
}

void put_chart(std::string& out, const ReplaySummary& summary) {
  const std::vector<ChartPoint>& points = summary.chart->points;
  if (points.empty()) {
    out += R"(<p class="muted">No readings.</p>)"
           "\n";
    return;
  }
  put(out, R"(<figure class="chart">{}<figcaption>{} to {} UTC</figcaption></figure>)",
      svg_chart(*summary.chart), utc_minute(points.front().time_seconds),
      utc_minute(points.back().time_seconds));
  out += '\n';
}

void put_details(std::string& out, const ReplaySummary& summary) {
  put(out, R"(<p class="reason">{}</p>)", reason_of(summary));
  out += '\n';
  put_facts(out, summary);
  put_chart(out, summary);
  put_gates(out, summary);
}

void put_suspect(std::string& out, const ReplaySummary& summary, std::size_t index) {
  put(out, R"(<article class="card" id="s{}" data-state="{}"><h2><bdi>{}</bdi> {}</h2>)", index,
      leak_state_name(summary.state), name_of(summary), badge(summary.state));
  out += '\n';
  put_details(out, summary);
  out += "</article>\n";
}

void put_other(std::string& out, const ReplaySummary& summary, std::size_t index) {
  put(out, R"(<details class="card" id="s{}"><summary><bdi>{}</bdi> {}</summary>)", index,
      name_of(summary), badge(summary.state));
  out += '\n';
  put_details(out, summary);
  out += "</details>\n";
}

void put_legend(std::string& out) {
  out += R"(<ul class="legend"><li><span class="key key-raw"></span>readings</li>
<li><span class="key key-floor"></span>floors</li><li><span class="key key-line"></span>fitted line</li>
<li><span class="key key-forecast"></span>forecast with the interval of its growth</li>
<li><span class="key key-limit"></span>limit, with the interval in which it is met</li></ul>
)";
}

void put_series(std::string& out, const std::vector<ReplaySummary>& series) {
  const auto uncharted = std::ranges::count_if(
      series, [](const ReplaySummary& summary) { return summary.chart == nullptr; });
  if (uncharted > 0) {
    put(out,
        R"(<p class="notice">Charts are of the {} most urgent series; {} more are in the table only.</p>)",
        series.size() - static_cast<std::size_t>(uncharted), uncharted);
    out += '\n';
  }
  put_legend(out);
  bool has_others = false;
  for (std::size_t i = 0; i < series.size(); ++i) {
    if (series[i].chart && is_suspect(series[i])) put_suspect(out, series[i], i);
    has_others = has_others || (series[i].chart && !is_suspect(series[i]));
  }
  if (!has_others) return;
  out += "<h2 class=\"others\">The others</h2>\n";
  for (std::size_t i = 0; i < series.size(); ++i)
    if (series[i].chart && !is_suspect(series[i])) put_other(out, series[i], i);
}

void put_unread(std::string& out, const std::vector<Error>& errors) {
  if (errors.empty()) return;
  out +=
      R"(<section class="panel" aria-labelledby="unread"><h2 id="unread">Could not be read</h2><ul class="unread">)"
      "\n";
  for (const Error& error : errors) {
    put(out, "<li><bdi>{}</bdi>: {}</li>\n", html_text(error.path), html_text(error.reason));
  }
  out += "</ul></section>\n";
}

std::string headline(const ReplayCounts& counts) {
  const std::size_t leaking = counts.of(LeakState::leaking);
  const std::size_t suspected = counts.of(LeakState::suspected);
  if (leaking > 0)
    return fmt::format("{} of {} series {}", leaking, counts.total(),
                       leaking == 1 ? "leaks" : "leak");
  if (suspected > 0)
    return fmt::format("{} of {} series {} suspected", suspected, counts.total(),
                       suspected == 1 ? "is" : "are");
  return "No leak found";
}

std::string_view tone(const ReplayCounts& counts) {
  if (counts.of(LeakState::leaking) > 0) return "leaking";
  return counts.of(LeakState::suspected) > 0 ? "suspected" : "stable";
}

void put_head(std::string& out, const ReplayCounts& counts) {
  const std::string title = headline(counts);
  put(out, R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>heapfloor replay: {}</title>
<style>{}</style>
</head>
<body>
)",
      report_style_sha256(), title, report_style());
  put(out,
      R"(<header class="top"><svg class="brand-mark" viewBox="0 0 28 20" aria-hidden="true"><path class="brand-wave" d="M2 14 L7 4 L9 12 L14 3 L16 10.5 L21 2 L23 9 L26 4"/><path class="brand-floor" d="M2 18 L26 13"/></svg>heapfloor replay</header>
<main>
<section class="headline" data-tone="{}"><h1>{}</h1><p>{}.</p></section>
)",
      tone(counts), title, replay_counts_text(counts));
}

}  // namespace

std::string_view gate_words(Gate gate) {
  constexpr std::array<std::string_view, kGates> kWords = {
      "The floors rise",
      "The rise is large enough to matter",
      "The rise stands out of the noise",
      "The newest floors are the highest",
      "Many rises, not one jump",
      "It still grows",
      "It does not level off",
      "More than earlier rises that were undone",
      "Watched for long enough",
      "Not part of a daily wave",
      "Enough collections seen",
      "Confirmed twice in a row",
  };
  return kWords.at(static_cast<std::size_t>(gate));
}

std::string replay_report(const ReplayReport& report) {
  ReplayCounts counts = count_states(report.series);
  counts.unread_files = report.unread_files.size();
  std::string out;
  put_head(out, counts);
  put_unread(out, report.unread_files);
  if (!report.series.empty()) {
    put_table(out, report.series);
    put_series(out, report.series);
  }
  put(out,
      R"(</main>
<footer>heapfloor {}. Times are UTC. Waits count from the last reading of each series.</footer>
</body>
</html>
)",
      html_text(report.version));
  return out;
}

}  // namespace heapfloor
