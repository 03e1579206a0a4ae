#include "collectors/runtime/jvm_target.h"

#include <algorithm>
#include <array>
#include <utility>

#include "collectors/parse/pid_maps.h"

namespace heapfloor {
namespace {

constexpr std::string_view kDirectory = "/hsperfdata_";
constexpr std::string_view kLibrary = "/libjvm.so";
constexpr std::string_view kDeleted = " (deleted)";
// Of a line of maps: two numbers of at most 16 digits, modes, offset, device, inode.
constexpr std::size_t kLeastHead = 20;

// Its first mapping holds the headers and the build id.
void take_library(std::string_view line, JvmMaps& maps) {
  const Result<PidMapping> mapping = parse_pid_mapping(line);
  if (!mapping || !mapping->is_readable || mapping->offset != 0) return;
  std::string_view path = mapping->path;
  if (path.ends_with(kDeleted)) path.remove_suffix(kDeleted.size());
  if (!path.ends_with(kLibrary)) return;
  maps.library = JvmMapping{mapping->begin, mapping->end, mapping->inode, std::string(path)};
}

bool take_line(std::string_view line, JvmMaps& maps) {
  maps.bytes += line.size() + 1;
  const bool is_long = line.size() > kLeastHead;
  if (is_long && !maps.library && line.find(kLibrary) != std::string_view::npos)
    take_library(line, maps);
  const bool may_be = is_long && line.find(kDirectory) != std::string_view::npos;
  if (may_be && maps.mappings.size() < JvmMaps::kMostMappings) {
    const Result<PidMapping> mapping = parse_pid_mapping(line);
    // A tool that watches other JVMs maps their counters too, but not for writing.
    const bool is_found = mapping && mapping->is_writable && !mapping->is_executable &&
                          mapping->offset == 0 && is_hsperf_path(mapping->path) &&
                          mapping->end - mapping->begin >= HsperfBounds::kPrologueBytes;
    if (is_found)
      maps.mappings.push_back(
          {mapping->begin, mapping->end, mapping->inode, std::string(mapping->path)});
  }
  return maps.bytes < JvmMaps::kMostBytes;
}

// Entries are only ever added.
bool is_same(const HsperfPrologue& one, const HsperfPrologue& other) {
  return one.entries == other.entries && one.used_bytes == other.used_bytes &&
         one.first_entry == other.first_entry;
}

}  // namespace

bool is_hsperf_path(std::string_view path) {
  if (path.ends_with(kDeleted)) path.remove_suffix(kDeleted.size());
  const std::size_t name = path.rfind('/');
  if (name == std::string_view::npos || name + 1 == path.size()) return false;
  const bool is_pid = std::ranges::all_of(path.substr(name + 1),
                                          [](char byte) { return byte >= '0' && byte <= '9'; });
  const std::string_view directory = path.substr(0, name);
  const std::size_t last = directory.rfind('/');
  return is_pid && last != std::string_view::npos && directory.substr(last).starts_with(kDirectory);
}

Result<void> read_jvm_maps(const ProcessDir& directory, std::span<char> buffer, JvmMaps& maps) {
  return directory.read_lines("maps", buffer,
                              [&maps](std::string_view line) { return take_line(line, maps); });
}

Result<JvmCounterBytes> JvmCounterBytes::open(const ProcessDir& directory,
                                              const JvmMapping& mapping) {
  JvmCounterBytes bytes;
  bytes.size_ = mapping.end - mapping.begin;
  auto memory = directory.open_mapped_memory(0, kAddressSpaceBytes);
  if (memory) return of_memory(std::move(*memory), mapping.begin, bytes.size_);
  if (memory.error().kind != ErrorKind::denied) return Failure(std::move(memory.error()));
  auto file = directory.open_in_root(mapping.path.c_str());
  if (!file) return Failure(std::move(file.error()));
  if (file->facts().inode != mapping.inode)
    return failure(ErrorKind::unavailable, mapping.path, "not the file that is mapped");
  bytes.file_ = std::move(*file);
  return bytes;
}

JvmCounterBytes JvmCounterBytes::of_memory(MappedBytes memory, std::uint64_t begin,
                                           std::uint64_t size) {
  JvmCounterBytes bytes;
  bytes.memory_ = std::move(memory);
  bytes.begin_ = begin;
  bytes.size_ = size;
  return bytes;
}

Result<void> JvmCounterBytes::read(std::span<std::byte> to) const {
  if (!file_.is_open()) return memory_.read(begin_, to);
  auto* const chars = reinterpret_cast<char*>(to.data());
  const Result<std::size_t> length = file_.read_at(0, std::span(chars, to.size()));
  if (!length) return Failure(length.error());
  if (*length < to.size()) return failure(ErrorKind::malformed, {}, "the counters are cut");
  return {};
}

std::optional<std::uint64_t> JvmCounterBytes::read_word(std::uint64_t address) const {
  std::uint64_t word = 0;
  if (!memory_.is_open() || !memory_.read(address, std::as_writable_bytes(std::span(&word, 1))))
    return std::nullopt;
  return word;
}

Result<void> JvmTarget::read() {
  Result<JvmReading> reading = read_once();
  if (!reading) return Failure(std::move(reading.error()));
  const bool has_collected =
      old_collections(index_.gc, *reading) != old_collections(index_.gc, reading_);
  // The copy may have been made while the collection ended: then a part of it is of before.
  if (has_collected) reading = read_once();
  if (!reading) return Failure(std::move(reading.error()));
  if (index_.gc == JvmGc::z && z_heap_) read_z_heap(*reading);
  reading_ = *reading;
  if (!rule_) rule_.emplace(index_.gc);
  live_ = rule_->take(reading_);
  return {};
}

// The counters tell the heap of ZGC at pauses, the last of which comes before garbage is moved out
// of the pages that it shares with what lives: they never tell what lives alone.
void JvmTarget::read_z_heap(JvmReading& reading) const {
  const auto heap = bytes_.read_word(z_heap_->heap_pointer);
  if (!heap || *heap == 0 || *heap > kAddressSpaceBytes) return;
  const auto used = bytes_.read_word(*heap + z_heap_->offset);
  const double most = reading.heap_limit.value_or(0);
  if (used && static_cast<double>(*used) <= most) reading.old.used = static_cast<double>(*used);
}

Result<JvmReading> JvmTarget::read_once() {
  if (index_.end == 0) {
    if (auto made = make_index(); !made) return Failure(std::move(made.error()));
    return read_hsperf(index_, copy_);
  }
  const std::size_t length = std::max<std::size_t>(index_.end, HsperfBounds::kPrologueBytes);
  copy_.resize(length);
  if (auto read = bytes_.read(copy_); !read) return Failure(std::move(read.error()));
  const Result<HsperfPrologue> prologue = parse_hsperf_prologue(copy_, bytes_.size());
  if (!prologue) return Failure(prologue.error());
  if (!is_same(*prologue, index_.prologue)) {
    if (auto made = make_index(); !made) return Failure(std::move(made.error()));
  }
  return read_hsperf(index_, copy_);
}

// Leaves a copy of all that is in use.
Result<void> JvmTarget::make_index() {
  std::array<std::byte, HsperfBounds::kPrologueBytes> head = {};
  if (auto read = bytes_.read(head); !read) return read;
  const Result<HsperfPrologue> prologue = parse_hsperf_prologue(head, bytes_.size());
  if (!prologue) return Failure(prologue.error());
  copy_.resize(prologue->used_bytes);
  if (auto read = bytes_.read(copy_); !read) return read;
  const Result<HsperfPrologue> copied = parse_hsperf_prologue(copy_, bytes_.size());
  if (copied && copied->used_bytes > copy_.size())
    return failure(ErrorKind::unavailable, {}, "the JVM adds counters");
  Result<HsperfIndex> index = index_hsperf(copy_);
  if (!index) return Failure(std::move(index.error()));
  if (index->end == 0)
    return failure(ErrorKind::unavailable, {}, "the JVM has not made its counters yet");
  if (index_.end != 0 && index->gc != index_.gc) rule_.reset();
  index_ = std::move(*index);
  return {};
}

}  // namespace heapfloor
