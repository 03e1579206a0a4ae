#include "collectors/probe_target.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <map>
#include <utility>

namespace heapfloor {
namespace {

// A writer that is in its record is asked again so often; then its last values stand.
constexpr int kAllocatorTries = 3;
// Frames of a stack in which its caller is looked for.
constexpr std::size_t kMostLookedAt = 8;

}  // namespace

Result<ProbeSegmentBytes> MappedProbe::read() const {
  std::optional<Error> refusal;
  auto copy = copy_probe_segment(
      [this, &refusal](std::uint64_t offset, std::span<std::byte> to) {
        auto done = bytes_.read(offset, to);
        if (!done) refusal = std::move(done.error());
        return done.has_value();
      },
      bytes_.size());
  if (refusal) return Failure(std::move(*refusal));
  return copy;
}

// Its number goes up by one, so that the probe can tell it from the last.
Result<void> MappedProbe::ask(std::uint8_t request) const {
  constexpr std::uint64_t kCodes = 256;
  std::array<std::uint64_t, 2> asked_and_done = {};
  static_assert(offsetof(heapfloor_header, request_done) ==
                offsetof(heapfloor_header, request) + sizeof(std::uint64_t));
  auto read = bytes_.read(offsetof(heapfloor_header, request),
                          std::as_writable_bytes(std::span(asked_and_done)));
  if (!read) return read;
  const auto [asked, done] = asked_and_done;
  if (asked != done && asked % kCodes == request) return {};
  return bytes_.write_word(offsetof(heapfloor_header, request),
                           ((asked / kCodes) + 1) * kCodes + request);
}

std::optional<ProbeRejection> ProbeTarget::read() {
  // Writers put the allocator's record behind the header: one read for both.
  std::array<std::byte, HEAPFLOOR_HEADER_BYTES + sizeof(heapfloor_allocator)> head;
  const bool has_both = probe_->bytes().size() >= head.size();
  const std::span<std::byte> read =
      std::span(head).first(has_both ? head.size() : HEAPFLOOR_HEADER_BYTES);
  if (!probe_->bytes().read(0, read)) return ProbeRejection::io;
  const std::span<const std::byte> bytes = std::span(head).first(HEAPFLOOR_HEADER_BYTES);
  const Result<ProbeHeader> header = parse_probe_header(bytes, probe_->bytes().size());
  if (!header) {
    const std::optional<std::uint16_t> major = probe_major_version(bytes);
    const bool is_other = major && *major != HEAPFLOOR_ABI_MAJOR;
    return is_other ? ProbeRejection::version : ProbeRejection::malformed;
  }
  const std::uint64_t names_before = header_.section(HEAPFLOOR_SECTION_NAMES).used;
  header_ = *header;
  if (header_.section(HEAPFLOOR_SECTION_NAMES).used != names_before) {
    std::vector<std::byte> names;
    if (!copy(header_.section(HEAPFLOOR_SECTION_NAMES), names)) return ProbeRejection::io;
    names_ = parse_probe_names(names, header_.section(HEAPFLOOR_SECTION_NAMES));
  }
  const bool is_behind =
      has_both && header_.section(HEAPFLOOR_SECTION_ALLOCATOR).offset == HEAPFLOOR_HEADER_BYTES;
  read_allocator(is_behind ? std::span<const std::byte>(head).subspan(HEAPFLOOR_HEADER_BYTES)
                           : std::span<const std::byte>());
  read_arenas();
  return read_structures();
}

bool ProbeTarget::copy(const ProbeSection& section, std::vector<std::byte>& to) const {
  to.resize(section.used_bytes());
  return to.empty() || probe_->bytes().read(section.offset, to).has_value();
}

// The record is copied in pieces by the kernel: unless its sequence is that of the last reading, it
// is looked at again behind the copy. `first` is a copy that is there already, or empty.
void ProbeTarget::read_allocator(std::span<const std::byte> first) {
  const ProbeSection& section = header_.section(HEAPFLOOR_SECTION_ALLOCATOR);
  if (section.used == 0) return;
  for (int attempt = 0; attempt < kAllocatorTries; ++attempt) {
    std::array<std::byte, sizeof(heapfloor_allocator)> copy;
    if (first.empty()) {
      if (!probe_->bytes().read(section.offset, copy)) return;
      first = copy;
    }
    auto found = parse_probe_allocator(std::exchange(first, {}));
    if (!found) continue;
    if (allocator_ && allocator_->sequence == found->sequence) return;
    std::array<std::byte, sizeof(std::uint64_t)> sequence_bytes;
    if (!probe_->bytes().read(section.offset, sequence_bytes)) return;
    std::uint64_t sequence = 0;
    std::memcpy(&sequence, sequence_bytes.data(), sizeof sequence);
    if (sequence != found->sequence) continue;
    allocator_ = std::move(*found);
    return;
  }
}

// What cannot be read is not there, as where it was not asked for.
void ProbeTarget::read_arenas() {
  arenas_.clear();
  const ProbeSection& section = header_.section(HEAPFLOOR_SECTION_ARENAS);
  std::vector<std::byte> bytes;
  if (section.used > 0 && copy(section, bytes)) arenas_ = parse_probe_arenas(bytes, section);
}

// Record 0 of the structures is never used.
std::optional<ProbeRejection> ProbeTarget::read_structures() {
  structures_ = {};
  const ProbeSection& structures = header_.section(HEAPFLOOR_SECTION_STRUCTURES);
  const ProbeSection& instances = header_.section(HEAPFLOOR_SECTION_INSTANCES);
  if (structures.used <= 1) return std::nullopt;
  if (!copy(structures, structure_bytes_) || !copy(instances, instance_bytes_))
    return ProbeRejection::io;
  const bool is_new = described_ != structures.used;
  const ProbeStructures& found =
      parser_.parse(structure_bytes_, structures, instance_bytes_, instances, names_,
                    is_new ? ProbeWords::told : ProbeWords::left_out);
  structures_ = found.structures;
  if (structures_.size() <= kMostStructures) return std::nullopt;
  largest_.assign(structures_.begin(), structures_.end());
  std::ranges::nth_element(largest_,
                           largest_.begin() + static_cast<std::ptrdiff_t>(kMostStructures),
                           std::greater<>(), &ProbeStructure::bytes);
  largest_.resize(kMostStructures);
  std::ranges::sort(largest_, {}, &ProbeStructure::name);
  structures_ = largest_;
  return std::nullopt;
}

std::vector<LargeSite> ProbeTarget::read_sites() {
  std::vector<std::byte> bytes;
  if (!copy(header_.section(HEAPFLOOR_SECTION_SITES), bytes)) return {};
  struct Sum {
    double live_bytes = 0;
    const ProbeSite* largest = nullptr;
  };
  const ProbeSites sites = parse_probe_sites(bytes, header_);
  std::map<std::uint64_t, Sum> by_hash;
  for (const ProbeSite& site : sites.sites) {
    if (site.depth == 0 || site.live_bytes <= 0) continue;  // what found no place is no site
    Sum& sum = by_hash[site.stack_hash];
    sum.live_bytes += site.live_bytes;
    if (sum.largest == nullptr || site.live_bytes > sum.largest->live_bytes) sum.largest = &site;
  }
  std::vector<std::pair<std::uint64_t, Sum>> order(by_hash.begin(), by_hash.end());
  const std::size_t most = std::min(order.size(), kMostSites);
  std::ranges::partial_sort(
      order, order.begin() + static_cast<std::ptrdiff_t>(most), std::greater<>(),
      [](const auto& entry) { return std::pair(entry.second.live_bytes, entry.first); });
  const auto name_of = [this](std::uint16_t index) {
    return index != 0 && index < names_.size() ? names_[index] : std::string();
  };
  std::vector<LargeSite> largest;
  for (std::size_t i = 0; i < most; ++i) {
    const auto& [hash, sum] = order[i];
    largest.push_back({hash, sum.live_bytes, name_of(sum.largest->structure_name_index),
                       name_of(sum.largest->phase_name_index), location_of_site(*sum.largest)});
  }
  return largest;
}

// The first caller that is not the C++ library's: that of a container's growth is in its templates,
// but that of std::string is the library itself.
std::string ProbeTarget::location_of_site(const ProbeSite& site) const {
  const ProbeSection& frames = header_.section(HEAPFLOOR_SECTION_FRAMES);
  std::array<std::uint64_t, kMostLookedAt> addresses = {};
  const std::size_t depth = std::min<std::size_t>(site.depth, kMostLookedAt);
  const std::uint64_t offset =
      frames.offset + std::uint64_t{site.first_frame} * sizeof(std::uint64_t);
  if (!probe_->bytes().read(offset, std::as_writable_bytes(std::span(addresses).first(depth))))
    return {};
  std::string first;
  for (const std::uint64_t address : std::span(addresses).first(depth)) {
    std::string location = location_of(address, executables_);
    const std::string_view module = std::string_view(location).substr(location.rfind('/') + 1);
    const bool is_library = module.starts_with("libstdc++.") || module.starts_with("libc++.");
    if (!location.empty() && !is_library) return location;
    if (first.empty()) first = std::move(location);
  }
  return first;
}

}  // namespace heapfloor
