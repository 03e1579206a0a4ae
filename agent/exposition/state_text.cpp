#include "agent/exposition/state_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string_view>

#include "agent/exposition/text_format.h"

namespace heapfloor {
namespace {

class StateWriter {
 public:
  explicit StateWriter(double wall_offset_seconds) : wall_offset_seconds_(wall_offset_seconds) {}

  // A comment line; `name` is what a target or an administrator chose.
  void heading(std::string_view kind, std::string_view name = {}) {
    if (!text_.empty()) text_ += '\n';
    text_ += "# ";
    text_ += kind;
    if (!name.empty()) {
      text_ += ' ';
      append_label_value(text_, name);
    }
    text_ += '\n';
  }
  void lines(std::span<const MetricValue> values, bool as_group = false) {
    for (const MetricValue& value : values) {
      const MetricDesc& desc = *value.desc;
      text_ += as_group && !desc.group_name.empty() ? desc.group_name : desc.name;
      if (!desc.label_name.empty()) {
        text_ += fmt::format("{{{}=\"", desc.label_name);
        append_label_value(text_, desc.label_value);
        text_ += "\"}";
      }
      text_ += ' ';
      append_number(text_, desc.is_since_boot ? value.value + wall_offset_seconds_ : value.value);
      text_ += '\n';
    }
  }
  // The same of a list of which `is_ours` picks some and `name_of` names them.
  template <class Row, class Pick, class Name>
  void rows(std::string_view kind, const std::vector<Row>& list, Pick is_ours, Name name_of) {
    for (const Row& row : list) {
      if (!is_ours(row) || row.values.empty()) continue;
      heading(kind, name_of(row));
      lines(row.values, true);
    }
  }
  std::string take() && { return std::move(text_); }

 private:
  double wall_offset_seconds_;
  std::string text_;
};

void write_process(StateWriter& writer, const Snapshot& snapshot, const ProcessId& id) {
  const auto found = std::ranges::lower_bound(snapshot.processes, id.pid, {},
                                              [](const ProcessRow& row) { return row.id.pid; });
  if (found == snapshot.processes.end() || found->id != id || found->values.empty()) return;
  writer.heading(fmt::format("process {}", id.pid), found->comm);
  writer.lines(found->values);
}

}  // namespace

std::string state_text(const Snapshot& snapshot, const WatchRow& watch) {
  StateWriter writer(snapshot.wall_offset_seconds);
  if (watch.process.pid != 0) write_process(writer, snapshot, watch.process);
  if (!watch.group.empty()) {
    const auto of_group = [&watch](const auto& row) { return row.group == watch.group; };
    writer.rows("allocator", snapshot.allocators, of_group,
                [](const auto& row) { return row.name; });
    writer.rows("JVM", snapshot.jvms, of_group, [](const auto& row) { return row.collector; });
    writer.rows("pool", snapshot.jvm_pools, of_group, [](const auto& row) { return row.pool; });
    writer.rows("Go", snapshot.go_programs, of_group, [](const auto& row) { return row.version; });
    writer.rows(
        "group", snapshot.groups, [&watch](const auto& row) { return row.name == watch.group; },
        [](const auto& row) { return row.name; });
  }
  if (!watch.cgroup.empty()) {
    writer.rows(
        "cgroup", snapshot.cgroups, [&watch](const auto& row) { return row.path == watch.cgroup; },
        [](const auto& row) { return row.path; });
  }
  if (!snapshot.host.empty()) {
    writer.heading("host");
    writer.lines(snapshot.host);
  }
  return std::move(writer).take();
}

}  // namespace heapfloor
