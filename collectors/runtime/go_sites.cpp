#include "collectors/runtime/go_sites.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace heapfloor {
namespace {

constexpr std::uint64_t kAddressSpace = std::uint64_t{1} << 56;
constexpr std::uint64_t kPageBytes = 4096;
constexpr std::uint64_t kMemoryProfile = 1;                    // bucketType
constexpr std::uint64_t kMostAmount = std::uint64_t{1} << 53;  // 8 PiB, or as many objects
constexpr std::int64_t kMostRate = std::int64_t{1} << 40;
constexpr int kTries = 3;

// Pages that hold at least one byte that is asked for: nothing is read that the program has not
// written to itself. Buckets that were made one after the other lie side by side.
class Pages {
 public:
  explicit Pages(const GoMemory& read) : read_(read) {}

  bool read(std::uint64_t address, std::span<std::byte> to) {
    if (address >= kAddressSpace || to.size() > kAddressSpace - address) return false;
    while (!to.empty()) {
      const std::uint64_t start = address & ~(kPageBytes - 1);
      const Page* const page = page_at(start);
      if (page == nullptr) return false;
      const auto offset = static_cast<std::size_t>(address - start);
      const std::size_t part = std::min(to.size(), static_cast<std::size_t>(kPageBytes) - offset);
      std::memcpy(to.data(), page->bytes.data() + offset, part);
      to = to.subspan(part);
      address += part;
    }
    return true;
  }
  void forget() {
    for (Page& page : pages_) page.is_read = false;
  }
  [[nodiscard]] bool is_exhausted() const { return reads_ >= GoSiteBounds::kMostReads; }

 private:
  struct Page {
    std::uint64_t start = 0;
    bool is_read = false;
    std::array<std::byte, kPageBytes> bytes = {};
  };

  const Page* page_at(std::uint64_t start) {
    for (const Page& page : pages_) {
      if (page.is_read && page.start == start) return &page;
    }
    if (is_exhausted()) return nullptr;
    ++reads_;
    Page& page = pages_.at(next_);
    next_ = (next_ + 1) % pages_.size();
    page.is_read = false;
    if (!read_(start, page.bytes)) return nullptr;
    page.start = start;
    page.is_read = true;
    return &page;
  }

  const GoMemory& read_;
  std::array<Page, 2> pages_;
  std::size_t next_ = 0, reads_ = 0;
};

// memRecordCycle.
struct Amounts {
  std::uint64_t allocated_objects = 0, freed_objects = 0;
  std::uint64_t allocated_bytes = 0, freed_bytes = 0;
  [[nodiscard]] bool is_believable() const {
    return allocated_objects <= kMostAmount && allocated_bytes <= kMostAmount &&
           freed_objects <= allocated_objects && freed_bytes <= allocated_bytes;
  }
};

struct Estimate {
  double objects = 0, bytes = 0;
};

// Of what was sampled of objects of about one size.
Estimate unsampled(std::uint64_t objects, std::uint64_t bytes, double rate) {
  if (objects == 0 || bytes == 0) return {};
  const auto count = static_cast<double>(objects);
  const auto size = static_cast<double>(bytes);
  if (rate <= 1) return {count, size};
  const double scale = -1 / std::expm1(-size / count / rate);
  return {count * scale, size * scale};
}

// What one bucket says: its stack, and what its record adds up to.
struct Bucket {
  std::uint64_t next = 0;
  std::vector<std::uint64_t> frames;
  Amounts amounts;
};

// One stack's sum over its buckets.
struct Sum {
  std::uint64_t address = 0;  // of one bucket of it
  std::size_t position = 0;   // of the oldest, from the newest of all
  double allocated_objects = 0, allocated_bytes = 0;
  double live_objects = 0, live_bytes = 0;
  void add(const Amounts& amounts, double rate) {
    const Estimate allocated = unsampled(amounts.allocated_objects, amounts.allocated_bytes, rate);
    const Estimate live = unsampled(amounts.allocated_objects - amounts.freed_objects,
                                    amounts.allocated_bytes - amounts.freed_bytes, rate);
    allocated_objects += allocated.objects;
    allocated_bytes += allocated.bytes;
    live_objects += live.objects;
    live_bytes += live.bytes;
  }
};
using Sums = std::unordered_map<std::uint64_t, Sum>;

Failure not_believed(std::string_view what) {
  return failure(ErrorKind::malformed, {}, std::string(what));
}

template <class Word>
Word load(std::span<const std::byte> bytes, std::size_t offset) {
  Word word = 0;
  std::memcpy(&word, bytes.data() + offset, sizeof word);
  return word;
}

// FNV-1a over words, whose high bits reach the low ones.
std::uint64_t hash_of(std::span<const std::uint64_t> frames, std::uint64_t bias) {
  constexpr std::uint64_t kOffset = 14695981039346656037ULL;
  constexpr std::uint64_t kPrime = 1099511628211ULL;
  std::uint64_t hash = kOffset;
  for (const std::uint64_t frame : frames) {
    hash = (hash ^ (frame - bias)) * kPrime;
    hash ^= hash >> 32U;
  }
  return hash;
}

class Reader {
 public:
  Reader(const GoBuckets& layout, const GoProfilePlace& place, const GoMemory& read)
      : layout_(layout), place_(place), read_(read), pages_(read) {}

  Result<GoSites> run(const GoSiteBounds& bounds) {
    std::int64_t rate = 0;
    if (!read_word(place_.rate, rate)) return unreadable();
    if (rate < 0 || rate > kMostRate) return not_believed("a Go program's rate of samples is none");
    if (rate == 0)
      return failure(ErrorKind::unavailable, {},
                     "it takes no samples: nothing in it refers to runtime.MemProfile, as "
                     "net/http/pprof and runtime/pprof do, or it has set MemProfileRate to 0");
    rate_ = static_cast<double>(rate);
    for (int attempt = 0; attempt < kTries; ++attempt) {
      std::uint32_t before = 0;
      std::uint32_t after = 0;
      if (!read_word(place_.cycle, before)) return unreadable();
      // Before the first collection nothing is published: then all that was sampled counts.
      auto walked = walk(before, false, bounds.most_buckets);
      if (walked && !is_published_) walked = walk(before, true, bounds.most_buckets);
      if (!walked) return Failure(walked.error());
      if (!read_word(place_.cycle, after)) return unreadable();
      if (before == after) return take(bounds);
    }
    return failure(ErrorKind::unavailable, {}, "it collects more often than it can be read");
  }

 private:
  template <class Word>
  bool read_word(std::uint64_t address, Word& word) const {
    return read_(address, std::as_writable_bytes(std::span(&word, 1)));
  }
  [[nodiscard]] Failure unreadable() const {
    if (pages_.is_exhausted())
      return failure(ErrorKind::unavailable, {}, "its memory profile is too large");
    return failure(ErrorKind::io, {}, "the memory profile of the Go program cannot be read");
  }

  // All buckets, from the newest to the oldest.
  Result<void> walk(std::uint32_t cycle, bool counts_all, std::size_t most_buckets) {
    pages_.forget();
    sums_.clear();
    count_ = 0;
    is_published_ = false;
    std::uint64_t address = 0;
    if (!read_word(place_.buckets, address)) return unreadable();
    Bucket bucket;
    // Brent's: a list in a circle comes back to where it was at some power of two.
    std::uint64_t checked = address;
    std::size_t next_check = 1;
    for (; address != 0; address = bucket.next) {
      if (count_ >= most_buckets)
        return failure(ErrorKind::unavailable, {}, "its memory profile has too many stacks");
      if (auto got = read_bucket(address, cycle, counts_all, bucket); !got) return got;
      add(hash_of(bucket.frames, place_.bias), address, bucket.amounts);
      ++count_;
      if (bucket.next == checked) return not_believed("its list of stacks goes in a circle");
      if (count_ == next_check) {
        checked = bucket.next;
        next_check *= 2;
      }
    }
    return {};
  }

  void add(std::uint64_t hash, std::uint64_t address, const Amounts& amounts) {
    Sum& sum = sums_[hash];
    sum.address = address;
    sum.position = count_;
    is_published_ = is_published_ || amounts.allocated_objects != 0;
    // One that is just being written to says too little for once.
    if (amounts.is_believable()) sum.add(amounts, rate_);
  }

  // A cycle's figures are added to the active ones when it is over, and are 0 from then on.
  Result<void> read_bucket(std::uint64_t address, std::uint32_t cycle, bool counts_all,
                           Bucket& bucket) {
    const std::span<std::byte> header(header_);
    const std::span<std::byte> record(record_);
    if (address % sizeof address != 0 || address >= kAddressSpace)
      return not_believed("its list of stacks leads nowhere");
    if (!pages_.read(address, header.first(layout_.bytes))) return unreadable();
    bucket.next = load<std::uint64_t>(header, layout_.next);
    const auto depth = load<std::uint64_t>(header, layout_.depth);
    if (load<std::uint64_t>(header, layout_.kind) != kMemoryProfile ||
        depth > GoSiteBounds::kMostDepth)
      return not_believed("what stands in its list of stacks is none");
    bucket.frames.resize(static_cast<std::size_t>(depth));
    const std::uint64_t frames = address + layout_.bytes;
    const std::uint64_t records = frames + depth * sizeof(std::uint64_t);
    if (!pages_.read(frames, std::as_writable_bytes(std::span(bucket.frames))) ||
        !pages_.read(records, record.first(layout_.record_bytes)))
      return unreadable();
    bucket.amounts = {};
    add_cycle(record, layout_.active, bucket.amounts);
    const std::uint32_t due = (cycle >> 1U) % GoBuckets::kFutures;
    for (std::uint32_t i = 0; i < GoBuckets::kFutures; ++i) {
      const std::size_t offset = layout_.future + std::size_t{i} * layout_.cycle_bytes;
      if (counts_all || i == due) add_cycle(record, offset, bucket.amounts);
    }
    return {};
  }

  void add_cycle(std::span<const std::byte> record, std::size_t offset, Amounts& sum) const {
    const auto word = [&](std::uint32_t at) { return load<std::uint64_t>(record, offset + at); };
    sum.allocated_objects += word(layout_.allocated_objects);
    sum.freed_objects += word(layout_.freed_objects);
    sum.allocated_bytes += word(layout_.allocated_bytes);
    sum.freed_bytes += word(layout_.freed_bytes);
  }

  // Their stacks are read again: they are never changed.
  Result<GoSites> take(const GoSiteBounds& bounds) {
    GoSites sites;
    sites.rate_bytes = rate_;
    sites.buckets = count_;
    sites.stacks = sums_.size();
    std::vector<std::pair<std::uint64_t, const Sum*>> order;
    order.reserve(sums_.size());
    for (const auto& [hash, sum] : sums_) {
      order.emplace_back(hash, &sum);
      sites.live_bytes += sum.live_bytes;
    }
    const auto size = [](const auto& one) {
      return std::tuple(one.second->live_bytes, one.second->allocated_bytes, one.first);
    };
    const std::size_t most = std::min(order.size(), bounds.most_sites);
    std::ranges::partial_sort(order, order.begin() + static_cast<std::ptrdiff_t>(most),
                              std::greater<>(), size);
    Bucket bucket;
    for (std::size_t i = 0; i < order.size(); ++i) {
      const auto& [hash, sum] = order[i];
      const bool is_named = i < most && read_bucket(sum->address, 0, false, bucket) &&
                            hash_of(bucket.frames, place_.bias) == hash;
      GoSite site{static_cast<std::uint32_t>(count_ - 1 - sum->position), hash, {}};
      if (is_named) site.frames = bucket.frames;
      GoSite& into = is_named ? sites.sites.emplace_back(std::move(site)) : sites.rest;
      into.allocated_objects += sum->allocated_objects;
      into.allocated_bytes += sum->allocated_bytes;
      into.live_objects += sum->live_objects;
      into.live_bytes += sum->live_bytes;
    }
    std::ranges::sort(sites.sites, {}, &GoSite::index);
    return sites;
  }

  const GoBuckets& layout_;
  const GoProfilePlace& place_;
  const GoMemory& read_;
  Pages pages_;
  Sums sums_;
  std::array<std::byte, kMostGoBucket> header_ = {}, record_ = {};
  double rate_ = 0;
  std::size_t count_ = 0;
  bool is_published_ = false;
};

}  // namespace

Result<GoSites> read_go_sites(const GoBuckets& layout, const GoProfilePlace& place,
                              const GoMemory& read, const GoSiteBounds& bounds) {
  if (!is_sound(layout)) return not_believed("no such layout");
  return Reader(layout, place, read).run(bounds);
}

}  // namespace heapfloor
