#include "agent/exposition/page_writer.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "agent/exposition/text_format.h"

namespace heapfloor {
namespace {

constexpr std::string_view kOpenMetricsEnd = "# EOF\n";
constexpr std::string_view kTotal = "_total";
constexpr std::string_view kCreated = "_created";

std::size_t lines_of(std::uint32_t created, ExpositionFormat format) {
  return format == ExpositionFormat::openmetrics && created != 0 ? 2 : 1;
}

std::string_view without_suffix(std::string_view name, std::string_view suffix) {
  if (name.ends_with(suffix)) name.remove_suffix(suffix.size());
  return name;
}

// OpenMetrics names a family without the suffix that its type adds to the samples.
std::string_view openmetrics_name(const MetricFamily& family) {
  switch (family.type) {
    case FamilyType::counter:
      return without_suffix(family.name, kTotal);
    case FamilyType::info:
      return without_suffix(family.name, "_info");
    case FamilyType::gauge:
    case FamilyType::histogram:
      break;
  }
  return family.name;
}

std::string_view unit_of(std::string_view name) {
  constexpr std::array<std::string_view, 4> kUnits = {"bytes_per_second", "bytes", "seconds",
                                                      "ratio"};
  for (const std::string_view unit : kUnits) {
    if (name.size() > unit.size() && name.ends_with(unit) &&
        name[name.size() - unit.size() - 1] == '_') {
      return unit;
    }
  }
  return {};
}

std::string header_line(std::string_view keyword, std::string_view name, std::string_view text) {
  std::string line = "# ";
  line += keyword;
  line += ' ';
  line += name;
  line += ' ';
  line += text;
  line += '\n';
  return line;
}

std::string text_header(const MetricFamily& family) {
  std::string help;
  append_help(help, family.help, false);
  // Text 0.0.4 has no info type: it is a gauge that is always 1.
  const FamilyType type = family.type == FamilyType::info ? FamilyType::gauge : family.type;
  return header_line("HELP", family.name, help) +
         header_line("TYPE", family.name, family_type_name(type));
}

std::string openmetrics_header(const MetricFamily& family) {
  const std::string_view name = openmetrics_name(family);
  std::string help;
  append_help(help, family.help, true);
  std::string header = header_line("TYPE", name, family_type_name(family.type));
  if (const std::string_view unit = unit_of(name); !unit.empty()) {
    header += header_line("UNIT", name, unit);
  }
  return header + header_line("HELP", name, help);
}

char* put(char* out, std::string_view text) {
  if (!text.empty()) std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

}  // namespace

std::string_view content_type(ExpositionFormat format) {
  return format == ExpositionFormat::openmetrics
             ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
             : "text/plain; version=0.0.4; charset=utf-8";
}

LabelBody& LabelBody::add(std::string_view name, std::string_view raw_value) {
  if (!text_.empty()) text_ += ',';
  text_ += name;
  text_ += "=\"";
  append_label_value(text_, raw_value);
  text_ += '"';
  return *this;
}

std::string LabelBody::finish() && {
  text_ += "} ";
  return std::move(text_);
}

std::optional<std::string> exemplar_text(std::initializer_list<LabelPair> labels, double value,
                                         double unix_seconds) {
  constexpr std::size_t kMostCharacters = 128;
  std::size_t characters = 0;
  std::string text = " # {";
  for (const LabelPair& label : labels) {
    const std::string shown = visible_name(label.raw_value);
    characters +=
        label.name.size() + static_cast<std::size_t>(std::ranges::count_if(shown, [](char c) {
          return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
        }));
    if (!text.ends_with('{')) text += ',';
    text.append(label.name).append("=\"");
    append_label_value(text, label.raw_value);
    text += '"';
  }
  if (characters > kMostCharacters) return std::nullopt;
  text += "} ";
  append_number(text, value);
  text += ' ';
  append_number(text, unix_seconds);
  return text;
}

PageWriter::PageWriter(const MetricFamilies& families) : families_(families) {
  for (const MetricFamily& family : families.all()) {
    Family block;
    block.headers = {text_header(family), openmetrics_header(family)};
    blocks_.push_back(std::move(block));
  }
  clear();
}

PageWriter::Column PageWriter::column(std::size_t family, std::string_view label_name,
                                      std::string_view label_value, bool has_body,
                                      std::string_view suffix) {
  std::string prefix = families_.all()[family].name;
  prefix += suffix;
  if (!label_name.empty()) {
    prefix += '{';
    prefix += label_name;
    prefix += "=\"";
    append_label_value(prefix, label_value);
    prefix += has_body ? "\"," : "\"} ";
  } else {
    prefix += has_body ? '{' : ' ';
  }
  std::vector<Column>& columns = blocks_[family].columns;
  const auto text = [this](Column column) { return std::string_view(columns_[column].prefix); };
  const bool is_ordered = families_.all()[family].type != FamilyType::histogram;
  const auto place = is_ordered
                         ? std::ranges::lower_bound(columns, std::string_view(prefix), {}, text)
                         : std::ranges::find(columns, std::string_view(prefix), text);
  if (place != columns.end() && columns_[*place].prefix == prefix) return *place;
  const auto added = static_cast<Column>(columns_.size());
  columns.insert(place, added);
  columns_.push_back({family, std::move(prefix), 0});
  for (std::uint32_t rank = 0; rank < columns.size(); ++rank) columns_[columns[rank]].rank = rank;
  return added;
}

void PageWriter::clear() {
  for (Family& block : blocks_) {
    block.samples.clear();
    block.exemplars.clear();
    block.created.clear();
    block.bound_bytes = 0;
  }
}

void PageWriter::add(Column column, std::string_view body, double value,
                     std::optional<double> created) {
  const ColumnText& text = columns_[column];
  Family& block = blocks_[text.family];
  std::vector<Sample>& samples = block.samples;
  auto place = samples.end();
  while (place != samples.begin()) {
    const Sample& before = *std::prev(place);
    if (before.body.data() != body.data() || columns_[before.column].rank < text.rank) break;
    if (before.column == column) return;
    --place;
  }
  std::uint32_t created_place = 0;
  const std::size_t line_bytes = text.prefix.size() + body.size() + kNumberRoom + 1;
  if (created) {
    block.created.push_back(*created);
    created_place = static_cast<std::uint32_t>(block.created.size());
    block.bound_bytes += line_bytes + kCreated.size();
  }
  samples.insert(place, {column, created_place, value, body});
  block.bound_bytes += line_bytes;
}

void PageWriter::add_exemplar(Column column, std::string_view body, std::string text) {
  Family& block = blocks_[columns_[column].family];
  block.bound_bytes += text.size();
  block.exemplars.push_back({column, body.data(), std::move(text)});
}

void PageWriter::sort_by_labels(std::size_t family) {
  std::vector<Sample>& samples = blocks_[family].samples;
  const auto key = [this](const Sample& sample) {
    return std::pair(sample.body, columns_[sample.column].rank);
  };
  std::ranges::stable_sort(samples, {}, key);
  const auto same = [&key](const Sample& a, const Sample& b) { return key(a) == key(b); };
  samples.erase(std::unique(samples.begin(), samples.end(), same), samples.end());
}

std::string_view PageWriter::exemplar_of(const Family& block, const Sample& sample) {
  for (const Exemplar& exemplar : block.exemplars) {
    if (exemplar.column == sample.column && exemplar.body == sample.body.data()) {
      return exemplar.text;
    }
  }
  return {};
}

bool PageWriter::shows(std::size_t family, const PageFilter& filter) const {
  return !blocks_[family].samples.empty() && filter.shows(families_.all()[family]);
}

std::size_t PageWriter::bound_bytes(ExpositionFormat format, const PageFilter& filter) const {
  std::size_t bytes = kOpenMetricsEnd.size();
  for (std::size_t family = 0; family < blocks_.size(); ++family) {
    if (!shows(family, filter)) continue;
    const Family& block = blocks_[family];
    bytes += block.headers[static_cast<std::size_t>(format)].size() + block.bound_bytes;
  }
  return bytes;
}

std::size_t PageWriter::lines(ExpositionFormat format, const PageFilter& filter) const {
  std::size_t lines = 0;
  for (std::size_t family = 0; family < blocks_.size(); ++family) {
    if (!shows(family, filter)) continue;
    for (const Sample& sample : blocks_[family].samples) lines += lines_of(sample.created, format);
  }
  return lines;
}

std::size_t PageWriter::leave_out(std::span<const std::string_view> expendable, std::size_t most,
                                  ExpositionFormat format, const PageFilter& filter) {
  std::size_t left = 0;
  std::unordered_map<const char*, std::size_t> lines_of_body;
  for (std::size_t family = 0; family < blocks_.size(); ++family) {
    if (!shows(family, filter)) continue;
    for (const Sample& sample : blocks_[family].samples) {
      left += lines_of(sample.created, format);
      lines_of_body[sample.body.data()] += lines_of(sample.created, format);
    }
  }
  const std::size_t before = left;
  std::unordered_set<const char*> given_up;
  for (const std::string_view body : expendable) {
    if (left <= most) break;
    const auto found = lines_of_body.find(body.data());
    if (found == lines_of_body.end() || !given_up.insert(body.data()).second) continue;
    left -= found->second;
  }
  for (Family& block : blocks_) {
    std::erase_if(block.samples, [&given_up](const Sample& sample) {
      return given_up.contains(sample.body.data());
    });
  }
  return before - left;
}

char* PageWriter::write_samples(char* out, std::size_t family, ExpositionFormat format) const {
  const Family& block = blocks_[family];
  const bool is_openmetrics = format == ExpositionFormat::openmetrics;
  const bool has_exemplars = is_openmetrics && !block.exemplars.empty();
  for (const Sample& sample : block.samples) {
    out = put(out, columns_[sample.column].prefix);
    out = put(out, sample.body);
    out = write_number(out, sample.value);
    if (has_exemplars) out = put(out, exemplar_of(block, sample));
    *out++ = '\n';
    if (is_openmetrics && sample.created != 0) out = write_created(out, family, sample);
  }
  return out;
}

// Right behind the sample: all samples of one metric stand together.
char* PageWriter::write_created(char* out, std::size_t family, const Sample& sample) const {
  const std::string_view name = families_.all()[family].name;
  const std::string_view prefix = columns_[sample.column].prefix;
  out = put(out, without_suffix(name, kTotal));
  out = put(out, kCreated);
  out = put(out, prefix.substr(name.size()));
  out = put(out, sample.body);
  out = write_number(out, blocks_[family].created[sample.created - 1]);
  *out++ = '\n';
  return out;
}

// A string is zeroed where it grows: a page written over the one before it is zeroed only at its
// end.
std::string PageWriter::write(ExpositionFormat format, const PageFilter& filter,
                              std::string room) const {
  const std::size_t bound = bound_bytes(format, filter);
  if (room.capacity() < bound) {
    room = std::string();
    room.reserve(bound + bound / 8);  // a page that grows a little fits the next time
  }
  room.resize(bound);
  char* out = room.data();
  for (std::size_t family = 0; family < blocks_.size(); ++family) {
    if (!shows(family, filter)) continue;
    out = put(out, blocks_[family].headers[static_cast<std::size_t>(format)]);
    out = write_samples(out, family, format);
  }
  if (format == ExpositionFormat::openmetrics) out = put(out, kOpenMetricsEnd);
  room.resize(static_cast<std::size_t>(out - room.data()));
  return room;
}

}  // namespace heapfloor
