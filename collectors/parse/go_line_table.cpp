#include "collectors/parse/go_line_table.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace heapfloor {
namespace {

constexpr std::uint32_t kMagic118 = 0xfffffff0;
constexpr std::uint32_t kMagic120 = 0xfffffff1;
constexpr std::uint32_t kNothing = UINT32_MAX;
constexpr std::uint32_t kWord = 4;
constexpr std::uint32_t kInlineIndexTable = 2;  // PCDATA_InlTreeIndex
constexpr std::uint32_t kInlineTree = 3;        // FUNCDATA_InlTree
constexpr std::uint32_t kMostInlinedCalls = 1U << 20;
constexpr std::uint32_t kMostTables = 64;  // of values, of one function

// Of pcHeader: magic, padding, quantum, size of a pointer, then words of 8 bytes.
struct Head {
  std::uint32_t magic;
  std::uint8_t zero1, zero2, quantum, pointer_bytes;
  std::uint64_t functions, file_names, text, names, units, files, values, records;
};

// A varint of at most 32 bits; false at the end of the bytes.
bool take_varint(std::string_view& bytes, std::uint32_t& value) {
  constexpr unsigned kMostBits = 35;
  value = 0;
  for (unsigned shift = 0; shift < kMostBits && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    if (shift < 32) value |= static_cast<std::uint32_t>(byte & 0x7FU) << shift;
    if ((byte & 0x80U) == 0) return true;
  }
  return false;
}

// What is at `place` in pairs of (change of the value, how far it holds): the runtime's step().
// Nothing behind the last pair; `is_cut` where the bytes end before that.
std::optional<std::int32_t> value_in(std::string_view bytes, std::uint64_t place,
                                     std::uint32_t quantum, bool& is_cut) {
  std::uint64_t at = 0;
  std::uint32_t value = kNothing;
  std::uint32_t change = 0;
  std::uint32_t length = 0;
  is_cut = true;
  for (bool is_first = true; take_varint(bytes, change); is_first = false) {
    if (change == 0 && !is_first) {
      is_cut = false;
      return std::nullopt;
    }
    value += (change & 1U) != 0 ? ~(change >> 1U) : change >> 1U;
    if (!take_varint(bytes, length)) return std::nullopt;
    at += std::uint64_t{length} * quantum;
    if (place < at) {
      is_cut = false;
      return static_cast<std::int32_t>(value);
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<GoLineTable> GoLineTable::open(const ByteSource& source, const GoTables& tables) {
  GoLineTable table(source, tables);
  if (!table.read_head()) return std::nullopt;
  return table;
}

bool GoLineTable::read_head() {
  std::array<char, sizeof(Head)> bytes = {};
  if (tables_.lines_bytes < bytes.size() || !source_->read_at(tables_.lines_offset, bytes))
    return false;
  Head head = {};
  std::memcpy(&head, bytes.data(), sizeof head);
  if (head.magic != kMagic118 && head.magic != kMagic120) return false;
  const bool is_ours = head.zero1 == 0 && head.zero2 == 0 && head.pointer_bytes == 8 &&
                       (head.quantum == 1 || head.quantum == 2 || head.quantum == 4);
  if (!is_ours || head.functions == 0 || head.functions > GoLineBounds::kMostFunctions)
    return false;
  for (const std::uint64_t offset :
       {head.names, head.units, head.files, head.values, head.records}) {
    if (offset >= tables_.lines_bytes) return false;
  }
  layout_ = head.magic == kMagic118 ? Layout::go118 : Layout::go120;
  quantum_ = head.quantum;
  functions_ = static_cast<std::uint32_t>(head.functions);
  names_ = head.names;
  units_ = head.units;
  files_ = head.files;
  values_ = head.values;
  records_ = head.records;
  return true;
}

std::optional<std::uint32_t> GoLineTable::word(std::uint64_t offset) const {
  std::array<char, kWord> bytes = {};
  if (offset > tables_.lines_bytes || tables_.lines_bytes - offset < bytes.size() ||
      !source_->read_at(tables_.lines_offset + offset, bytes))
    return std::nullopt;
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

std::optional<std::uint32_t> GoLineTable::entry_of(std::uint64_t index) const {
  return word(records_ + index * 2 * kWord);
}

// The last function that begins at or before the place; the table ends with where the last ends.
std::optional<GoLineTable::Function> GoLineTable::function_at(std::uint32_t place) const {
  const auto end = entry_of(functions_);
  if (!end || place >= *end) return std::nullopt;
  std::uint32_t low = 0;
  std::uint32_t high = functions_;
  while (high - low > 1) {
    const std::uint32_t middle = low + (high - low) / 2;
    const auto entry = entry_of(middle);
    if (!entry) return std::nullopt;
    (*entry <= place ? low : high) = middle;
  }
  const auto entry = entry_of(low);
  const auto record = word(records_ + (std::uint64_t{low} * 2 + 1) * kWord);
  if (!entry || *entry > place || !record) return std::nullopt;
  Function function;
  function.offset = records_ + *record;
  function.entry = *entry;
  const auto field = [&](std::uint32_t index) {
    return word(function.offset + std::uint64_t{index} * kWord);
  };
  const auto name = field(1);
  const auto frames = field(4);
  const auto files = field(5);
  const auto lines = field(6);
  const auto values = field(7);
  const auto unit = field(8);
  if (!name || !frames || !files || !lines || !values || !unit) return std::nullopt;
  function.name = *name;
  function.frames = *frames;
  function.files = *files;
  function.lines = *lines;
  function.values = *values;
  function.unit = *unit;
  return function;
}

// In pieces that double: nearly all tables are short.
std::optional<std::int32_t> GoLineTable::value_at(const Function& function, std::uint32_t values,
                                                  std::uint32_t place) const {
  constexpr std::size_t kFirstPiece = 256;
  if (values == 0) return std::nullopt;  // the function has none
  const std::uint64_t offset = values_ + values;
  if (offset >= tables_.lines_bytes) return std::nullopt;
  const std::uint64_t most =
      std::min<std::uint64_t>(tables_.lines_bytes - offset, GoLineBounds::kMostValueBytes);
  std::string bytes;
  for (std::size_t piece = kFirstPiece;; piece *= 4) {
    bytes.resize(static_cast<std::size_t>(std::min<std::uint64_t>(piece, most)));
    if (!source_->read_at(tables_.lines_offset + offset, bytes)) return std::nullopt;
    bool is_cut = false;
    const auto value = value_in(bytes, place - function.entry, quantum_, is_cut);
    if (value || !is_cut || bytes.size() == most) return value;
  }
}

// Behind the record of a function stand the offsets of its tables of values, then of its data.
std::optional<GoLineTable::InlinedCall> GoLineTable::inlined_call(const Function& function,
                                                                  std::uint32_t place) const {
  const bool is_118 = layout_ == Layout::go118;
  const std::uint32_t record_bytes = is_118 ? 40 : 44;
  const auto last = word(function.offset + record_bytes - kWord);
  if (!last || !tables_.functions_offset) return std::nullopt;
  const std::uint32_t data_tables = *last >> 24U;
  if (function.values <= kInlineIndexTable || function.values > kMostTables ||
      data_tables <= kInlineTree)
    return std::nullopt;
  const std::uint64_t tables = function.offset + record_bytes;
  const auto indices = word(tables + std::uint64_t{kInlineIndexTable} * kWord);
  const auto tree = word(tables + (std::uint64_t{function.values} + kInlineTree) * kWord);
  if (!indices || !tree || *tree == kNothing) return std::nullopt;
  const auto index = value_at(function, *indices, place);
  if (!index || *index < 0 || static_cast<std::uint32_t>(*index) > kMostInlinedCalls)
    return std::nullopt;
  const std::size_t call_bytes = is_118 ? 20 : 16;
  const std::size_t name_at = is_118 ? 12 : 4;
  const std::size_t parent_at = is_118 ? 16 : 8;
  std::array<char, 20> bytes = {};
  const std::uint64_t call =
      *tables_.functions_offset + *tree + static_cast<std::uint64_t>(*index) * call_bytes;
  if (!source_->read_at(call, std::span(bytes).first(call_bytes))) return std::nullopt;
  InlinedCall inlined;
  std::memcpy(&inlined.name, bytes.data() + name_at, sizeof inlined.name);
  std::memcpy(&inlined.parent, bytes.data() + parent_at, sizeof inlined.parent);
  return inlined;
}

std::string GoLineTable::text_at(std::uint64_t offset) const {
  constexpr std::size_t kFirstPiece = 128;
  if (offset >= tables_.lines_bytes) return {};
  const std::uint64_t most =
      std::min<std::uint64_t>(tables_.lines_bytes - offset, GoLineBounds::kMostName);
  std::string text;
  for (std::size_t piece = kFirstPiece;; piece *= 2) {
    text.resize(static_cast<std::size_t>(std::min<std::uint64_t>(piece, most)));
    if (!source_->read_at(tables_.lines_offset + offset, text)) return {};
    const std::size_t end = text.find('\0');
    if (end != std::string::npos) return text.substr(0, end);
    if (text.size() == most) return text;
  }
}

std::string GoLineTable::file_of(const Function& function, std::uint32_t place) const {
  const auto number = value_at(function, function.files, place);
  if (!number || *number < 0 || function.unit == kNothing) return {};
  const std::uint64_t unit = std::uint64_t{function.unit} + static_cast<std::uint32_t>(*number);
  const auto file = word(units_ + unit * kWord);
  if (!file || *file == kNothing) return {};
  return text_at(files_ + *file);
}

std::optional<std::uint32_t> GoLineTable::place_of(std::uint64_t address) const {
  if (address < tables_.text_address || address - tables_.text_address >= kNothing)
    return std::nullopt;
  return static_cast<std::uint32_t>(address - tables_.text_address);
}

GoFrame GoLineTable::frame_of(const Function& function, std::uint32_t name,
                              std::uint32_t place) const {
  GoFrame frame;
  frame.function = text_at(names_ + name);
  if (frame.function.empty()) return frame;
  frame.file = file_of(function, place);
  const auto line = value_at(function, function.lines, place);
  if (!frame.file.empty() && line && *line > 0) frame.line = *line;
  return frame;
}

std::optional<GoFrame> GoLineTable::find(std::uint64_t address) const {
  const auto place = place_of(address);
  const auto function = place ? function_at(*place) : std::nullopt;
  if (!function) return std::nullopt;
  const auto inlined = inlined_call(*function, *place);
  GoFrame frame = frame_of(*function, inlined ? inlined->name : function->name, *place);
  if (frame.function.empty()) return std::nullopt;
  return frame;
}

std::vector<GoFrame> GoLineTable::find_all(std::uint64_t address) const {
  std::vector<GoFrame> frames;
  auto place = place_of(address);
  const auto function = place ? function_at(*place) : std::nullopt;
  if (!function) return frames;
  // One may be said to be inlined into itself.
  for (std::size_t depth = 0; place && depth < GoLineBounds::kMostInlinedDepth; ++depth) {
    const auto inlined = inlined_call(*function, *place);
    frames.push_back(frame_of(*function, inlined ? inlined->name : function->name, *place));
    if (frames.back().function.empty()) frames.pop_back();
    if (!inlined || inlined->parent > kNothing - function->entry) break;
    place = function->entry + inlined->parent;
  }
  return frames;
}

std::optional<GoCode> GoLineTable::code_at(std::uint64_t address) const {
  const auto place = place_of(address);
  const auto function = place ? function_at(*place) : std::nullopt;
  if (!function) return std::nullopt;
  GoCode code{text_at(names_ + function->name), tables_.text_address + function->entry, {}};
  if (code.function.empty()) return std::nullopt;
  const auto bytes = value_at(*function, function->frames, *place);
  if (bytes && *bytes >= 0 && *bytes <= GoLineBounds::kMostFrameBytes)
    code.frame_bytes = static_cast<std::uint32_t>(*bytes);
  return code;
}

std::vector<std::optional<GoFunction>> GoLineTable::find_functions(
    std::span<const std::string_view> names) const {
  std::vector<std::optional<GoFunction>> found(names.size());
  std::size_t left = names.size();
  const std::uint32_t most = std::min(functions_, GoLineBounds::kMostSearched);
  for (std::uint32_t i = 0; i < most && left > 0; ++i) {
    const auto entry = entry_of(i);
    const auto end = entry_of(i + 1);
    const auto record = word(records_ + (std::uint64_t{i} * 2 + 1) * kWord);
    const auto name = record ? word(records_ + *record + kWord) : std::nullopt;
    if (!entry || !end || !name) break;
    const std::string text = text_at(names_ + *name);
    const auto wanted = std::ranges::find(names, std::string_view(text));
    if (wanted == names.end() || *end <= *entry) continue;
    auto& function = found[static_cast<std::size_t>(wanted - names.begin())];
    if (!function) --left;
    function = GoFunction{tables_.text_address + *entry, *end - *entry};
  }
  return found;
}

std::optional<std::string> GoLineTable::find_called(std::uint64_t address) const {
  constexpr std::size_t kCallBytes = 5;  // E8, and how far it is from behind it
  constexpr char kCall = '\xE8';
  if (address < tables_.text_address) return std::nullopt;
  const std::uint64_t end = address - tables_.text_address + 1;
  if (end < kCallBytes || end > tables_.text_bytes || end >= kNothing) return std::nullopt;
  std::array<char, kCallBytes> code = {};
  if (!source_->read_at(tables_.text_offset + (end - kCallBytes), code) || code[0] != kCall)
    return std::nullopt;
  std::int32_t distance = 0;
  std::memcpy(&distance, code.data() + 1, sizeof distance);
  const std::int64_t target = static_cast<std::int64_t>(end) + distance;
  if (target < 0 || target >= static_cast<std::int64_t>(kNothing)) return std::nullopt;
  const auto function = function_at(static_cast<std::uint32_t>(target));
  if (!function || function->entry != static_cast<std::uint32_t>(target)) return std::nullopt;
  return text_at(names_ + function->name);
}

}  // namespace heapfloor
