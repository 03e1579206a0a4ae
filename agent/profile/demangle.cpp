#include "agent/profile/demangle.h"

#include <cxxabi.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "agent/profile/child_task.h"

namespace heapfloor {
namespace {

constexpr std::size_t kMostMangledBytes = 4096;
constexpr std::size_t kHarmlessBytes = 512;
constexpr std::size_t kHarmlessReferences = 8;  // each at most doubles: some 2 MiB
constexpr std::size_t kNodeBytes = 96;          // of a map, and of two strings
constexpr std::size_t kMostChildren = 4;
constexpr ChildLimits kLimits{
    .seconds = 3, .data_bytes = std::size_t{768} << 20, .answer_bytes = std::size_t{64} << 20};

bool is_mangled(std::string_view name) {
  return name.starts_with("_Z") && name.size() <= kMostMangledBytes;
}

std::string cut(std::string_view text) {
  if (text.size() <= kMostDemangledBytes) return std::string(text);
  std::size_t end = kMostDemangledBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return std::string(text.substr(0, end));
}

std::string demangled_here(const std::string& name) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(
      abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), std::free);
  return status == 0 && text ? cut(text.get()) : name;
}

// Names as length and bytes, one behind the other.
void append_name(std::string& out, std::string_view name) {
  const auto size = static_cast<std::uint32_t>(name.size());
  std::array<char, sizeof size> head = {};
  std::memcpy(head.data(), &size, sizeof size);
  out.append(head.data(), head.size()).append(name);
}

std::optional<std::string> take_name(std::string_view& rest) {
  std::uint32_t size = 0;
  if (rest.size() < sizeof size) return std::nullopt;
  std::memcpy(&size, rest.data(), sizeof size);
  rest.remove_prefix(sizeof size);
  if (size > kMostDemangledBytes || size > rest.size()) return std::nullopt;
  std::string name(rest.substr(0, size));
  rest.remove_prefix(size);
  return name;
}

// Demangles names[wanted[i]]; a name that costs a child its life is left as it is.
void demangle_in_children(std::span<const std::size_t> wanted, std::vector<std::string>& names) {
  for (std::size_t child = 0; child < kMostChildren && !wanted.empty(); ++child) {
    const auto done = run_in_child(kLimits, {}, [&](const ChildAnswer& answer) {
      for (const std::size_t index : wanted) {
        std::string framed;
        append_name(framed, demangled_here(names[index]));
        if (!answer(framed)) return;
      }
    });
    if (!done) return;
    std::string_view rest = done->answer;
    std::size_t count = 0;
    while (count < wanted.size()) {
      auto name = take_name(rest);
      if (!name) break;
      names[wanted[count++]] = std::move(*name);
    }
    wanted = wanted.subspan(std::min(count + 1, wanted.size()));
  }
}

}  // namespace

bool is_harmless_to_demangle(std::string_view mangled) {
  if (mangled.size() > kHarmlessBytes) return false;
  std::size_t references = 0;
  for (std::size_t i = 0; i + 1 < mangled.size(); ++i) {
    const char next = mangled[i + 1];
    const bool is_index =
        next == '_' || (next >= '0' && next <= '9') || (next >= 'A' && next <= 'Z');
    references += (mangled[i] == 'S' || mangled[i] == 'T') && is_index;
  }
  return references <= kHarmlessReferences;
}

std::vector<std::string> demangle(std::span<const std::string> names) {
  std::vector<std::string> out(names.begin(), names.end());
  std::vector<std::size_t> risky;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (!is_mangled(out[i])) continue;
    if (is_harmless_to_demangle(out[i]))
      out[i] = demangled_here(out[i]);
    else
      risky.push_back(i);
  }
  if (!risky.empty()) demangle_in_children(risky, out);
  return out;
}

std::vector<std::string> Demangler::names(std::span<const std::string> mangled) {
  std::vector<std::string> out(mangled.begin(), mangled.end());
  std::vector<std::string> unknown;
  std::vector<std::size_t> places;
  {
    const std::scoped_lock lock(mutex_);
    for (std::size_t i = 0; i < out.size(); ++i) {
      const auto found = known_.find(out[i]);
      if (found != known_.end()) {
        out[i] = found->second;
      } else if (is_mangled(out[i])) {
        unknown.push_back(out[i]);
        places.push_back(i);
      }
    }
  }
  std::vector<std::string> fresh = demangle(unknown);
  const std::scoped_lock lock(mutex_);
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    out[places[i]] = fresh[i];
    bytes_ += unknown[i].size() + fresh[i].size() + kNodeBytes;
    if (bytes_ > most_bytes_) {
      known_.clear();
      bytes_ = unknown[i].size() + fresh[i].size() + kNodeBytes;
    }
    known_.insert_or_assign(std::move(unknown[i]), std::move(fresh[i]));
  }
  return out;
}

std::size_t Demangler::bytes() const {
  const std::scoped_lock lock(mutex_);
  return bytes_;
}

}  // namespace heapfloor
