// The look of the report: the web page's colours and shapes (agent/web/src/style.css), as far as
// the report has the same parts. A change needs the new hash below; a test tells it.
#include "agent/cli/replay_report.h"

namespace heapfloor {

std::string_view report_style_sha256() { return "ddMV+hxANXLKk4+yU9W/5Jte9Sus/UXNxwzfAkS0YEY="; }

// One literal, not a function of many steps.
// NOLINTNEXTLINE(readability-function-size)
std::string_view report_style() {
  return R"(
:root {
  color-scheme: light dark;
  --ground: #f4f5f8;
  --surface: #ffffff;
  --sunken: #eef0f4;
  --ink: #151b26;
  --muted: #576174;
  --rule: #dde1e9;
  --edge: #c6ccd8;
  --accent: #1f55c0;
  --leaking: #b3221b;
  --leaking-ground: #fdeceb;
  --suspected: #875200;
  --suspected-ground: #fdf2dc;
  --recovering: #1a5f9e;
  --recovering-ground: #e7f1fb;
  --stable: #1c6843;
  --stable-ground: #e6f4ec;
  --learning: #565f72;
  --learning-ground: #eceef3;
  --reading: #4f7fd6;
  --floor: #0b6b62;
  --fit: #a84a05;
  --limit: #b3221b;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "Liberation Sans", sans-serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", "Roboto Mono", "Liberation Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0e1218;
    --surface: #161b24;
    --sunken: #1d2430;
    --ink: #e5e9f1;
    --muted: #9ca7ba;
    --rule: #28303d;
    --edge: #3b4556;
    --accent: #8db3ff;
    --leaking: #ff8f86;
    --leaking-ground: #35191b;
    --suspected: #f3bc5c;
    --suspected-ground: #30260f;
    --recovering: #82b9f6;
    --recovering-ground: #15273a;
    --stable: #7fd0a2;
    --stable-ground: #142b20;
    --learning: #a8b2c4;
    --learning-ground: #222935;
    --reading: #6c9bf0;
    --floor: #56d3c4;
    --fit: #ffab66;
    --limit: #ff8f86;
  }
}
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.45 var(--sans); font-variant-numeric: tabular-nums; }
h1, h2, p, dl, dd, ul, figure { margin: 0; padding: 0; }
ul { list-style: none; }
a { color: var(--accent); text-underline-offset: 2px; }
bdi { unicode-bidi: isolate; overflow-wrap: anywhere; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
.muted { color: var(--muted); }
.top { display: flex; align-items: center; gap: 9px; padding: 14px 24px; background: var(--surface); border-bottom: 1px solid var(--rule); font-weight: 680; letter-spacing: -0.01em; }
.brand-mark { width: 28px; height: 20px; fill: none; stroke-linecap: round; stroke-linejoin: round; }
.brand-wave { stroke: var(--reading); stroke-width: 2; }
.brand-floor { stroke: var(--fit); stroke-width: 2.4; }
main { display: grid; gap: 18px; grid-template-columns: minmax(0, 1fr); max-width: 1240px; margin: 0 auto; padding: 22px 24px; }
footer { max-width: 1240px; margin: 0 auto; padding: 0 24px 24px; color: var(--muted); font-size: 13px; }
.headline { padding: 18px 22px; border: 1px solid var(--rule); border-radius: 10px; background: var(--surface); }
.headline h1 { font-size: 24px; line-height: 1.25; letter-spacing: -0.01em; }
.headline[data-tone="leaking"] { background: var(--leaking-ground); border-color: var(--leaking); }
.headline[data-tone="leaking"] h1 { color: var(--leaking); }
.headline[data-tone="suspected"] { background: var(--suspected-ground); border-color: var(--suspected); }
.headline[data-tone="suspected"] h1 { color: var(--suspected); }
.panel, .card { min-width: 0; padding: 16px 20px; background: var(--surface); border: 1px solid var(--rule); border-radius: 10px; }
.panel > h2 { margin-bottom: 6px; font-size: 15px; font-weight: 650; }
.others { margin-top: 8px; font-size: 17px; font-weight: 650; }
.notice { padding: 8px 14px; border-radius: 8px; background: var(--recovering-ground); color: var(--recovering); }
.unread li { overflow-wrap: anywhere; padding: 4px 0; border-top: 1px solid var(--rule); }
.unread li:first-child { border-top: 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th { font-weight: inherit; text-align: left; }
td, th { vertical-align: top; }
.plain th, .plain td { padding: 7px 16px 7px 0; border-top: 1px solid var(--rule); }
.plain th:last-child, .plain td:last-child { padding-right: 0; }
.plain thead th { border-top: 0; color: var(--muted); font-size: 13px; white-space: nowrap; }
.plain tbody th { min-width: 260px; }
.plain .why td { padding-top: 0; border-top: 0; color: var(--muted); font-size: 13px; overflow-wrap: anywhere; }
.plain tr:has(+ .why) > * { padding-bottom: 1px; }
.row-name { display: block; font-weight: 600; overflow-wrap: anywhere; }
.below { display: block; color: var(--muted); font-size: 13px; font-weight: 400; }
.number { text-align: right; white-space: nowrap; }
.badge { display: inline-flex; align-items: center; gap: 5px; padding: 1px 9px 1px 6px; border-radius: 11px; font-size: 13px; font-weight: 620; line-height: 20px; letter-spacing: 0; white-space: nowrap; }
.badge .icon { width: 13px; height: 13px; }
.badge-leaking { color: var(--leaking); background: var(--leaking-ground); }
.badge-suspected { color: var(--suspected); background: var(--suspected-ground); }
.badge-recovering { color: var(--recovering); background: var(--recovering-ground); }
.badge-stable { color: var(--stable); background: var(--stable-ground); }
.badge-learning { color: var(--learning); background: var(--learning-ground); }
.icon { width: 14px; height: 14px; flex: none; fill: none; stroke-linecap: round; stroke-linejoin: round; }
.icon-solid { fill: currentcolor; }
.icon-line { fill: none; stroke: currentcolor; stroke-width: 2; }
.icon-cut { fill: none; stroke: var(--surface); stroke-width: 1.8; }
.card { border-left: 4px solid var(--edge); scroll-margin-top: 12px; }
.card[data-state="leaking"] { border-left-color: var(--leaking); }
.card[data-state="suspected"] { border-left-color: var(--suspected); }
.card[data-state="recovering"] { border-left-color: var(--recovering); }
.card > h2 { font-size: 18px; line-height: 1.35; letter-spacing: -0.01em; }
.card > summary { cursor: pointer; font-weight: 600; }
.card:target { outline: 2px solid var(--accent); outline-offset: 2px; }
.card .badge { margin-left: 6px; vertical-align: 1px; }
.reason { margin-top: 6px; max-width: 92ch; overflow-wrap: anywhere; }
.figures { display: flex; flex-wrap: wrap; gap: 10px 36px; margin: 12px 0; }
.figure dt { color: var(--muted); font-size: 13px; }
.figure-value { font-size: 18px; font-weight: 640; letter-spacing: -0.01em; }
.chart figcaption { color: var(--muted); font-size: 13px; }
.chart-svg { display: block; width: 100%; height: auto; font: 12px var(--sans); }
.grid { stroke: var(--rule); }
.axis, .tick-mark { stroke: var(--edge); }
.axis-break { fill: none; stroke: var(--muted); }
.tick { fill: var(--muted); }
.band { fill: var(--reading); opacity: 0.22; }
.raw { fill: none; stroke: var(--reading); stroke-width: 1.2; stroke-linejoin: round; }
.point { fill: var(--reading); }
.floor { fill: var(--floor); stroke: var(--surface); stroke-width: 1.2; }
.line { stroke: var(--fit); stroke-width: 2.4; }
.forecast { stroke: var(--fit); stroke-width: 2; stroke-dasharray: 7 5; }
.cone { fill: var(--fit); opacity: 0.16; }
.limit-line { stroke: var(--limit); stroke-width: 1.6; }
.limit-label, .exhaustion-label { fill: var(--limit); font-weight: 600; paint-order: stroke; stroke: var(--surface); stroke-width: 3px; }
.whisker { stroke: var(--limit); stroke-width: 7; opacity: 0.4; }
.cross { fill: none; stroke: var(--limit); stroke-width: 2.2; }
.change { color: var(--muted); }
.change-line { stroke: currentcolor; stroke-dasharray: 2 3; opacity: 0.8; }
.change-word { fill: currentcolor; paint-order: stroke; stroke: var(--surface); stroke-width: 3px; }
.change-leaking { color: var(--leaking); }
.change-suspected { color: var(--suspected); }
.change-recovering { color: var(--recovering); }
.change-stable { color: var(--stable); }
.now-line { stroke: var(--edge); }
.now-label { fill: var(--muted); }
.legend { display: flex; flex-wrap: wrap; gap: 2px 20px; color: var(--muted); font-size: 13px; }
.legend li { display: flex; align-items: center; gap: 7px; }
.key { width: 20px; height: 10px; flex: none; }
.key-raw { border-top: 2px solid var(--reading); height: 8px; background: color-mix(in srgb, var(--reading) 22%, transparent); }
.key-floor { width: 9px; height: 9px; border-radius: 50%; background: var(--floor); }
.key-line { height: 0; border-top: 3px solid var(--fit); }
.key-forecast { height: 8px; border-top: 2px dashed var(--fit); background: color-mix(in srgb, var(--fit) 18%, transparent); }
.key-limit { height: 0; border-top: 2px solid var(--limit); }
.gates { margin-top: 10px; font-size: 14px; }
.gates th, .gates td { padding: 5px 16px 5px 0; border-top: 1px solid var(--rule); }
.gates th:last-child, .gates td:last-child { padding-right: 0; }
.gates thead th { border-top: 0; color: var(--muted); font-size: 13px; }
.gates .number { white-space: normal; }
.gate-name { margin-left: 6px; color: var(--muted); font: 12px var(--mono); }
.outcome { white-space: nowrap; }
.outcome .icon { margin-right: 6px; vertical-align: -2px; }
[data-outcome="passed"] .outcome { color: var(--stable); }
[data-outcome="failed"], [data-outcome="failed"] .outcome { color: var(--leaking); font-weight: 620; }
[data-outcome="unknown"], [data-outcome="unknown"] .outcome { color: var(--muted); }
@media (max-width: 640px) {
  main { padding: 14px 12px; gap: 14px; }
  .top { padding: 12px; }
  .panel, .card, .headline { padding: 14px; }
}
@media print {
  body { background: none; font-size: 12px; }
  main, footer { max-width: none; padding: 8px 0; }
  .card, tr { break-inside: avoid; }
  .scroll { overflow: visible; }
  .plain tbody th { min-width: 0; }
}
@media (forced-colors: active) {
  .badge, .headline { border: 1px solid; }
  .raw, .floor, .line, .forecast, .limit-line, .axis { stroke: CanvasText; }
}
)";
}

}  // namespace heapfloor
