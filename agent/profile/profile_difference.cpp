#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/profile/profile.h"

namespace heapfloor {
namespace {

// One text a thing, so that what is the same in two profiles is found: parts end with a zero byte,
// which no text of theirs is expected to hold.
void append_part(std::string& key, std::string_view part) { key.append(part).push_back('\0'); }

std::string key_of(const ProfileMapping& mapping) {
  std::string key;
  append_part(key, mapping.build_id.empty() ? mapping.file : mapping.build_id);
  append_part(key, std::to_string(mapping.offset));
  return key;
}

std::string key_of(const ProfileFunction& function) {
  std::string key;
  append_part(key, function.name);
  append_part(key, function.system_name);
  append_part(key, function.file);
  return key;
}

// Puts parts of several profiles into one, each that is the same once.
class Merger {
 public:
  explicit Merger(Profile& into) : into_(into) {}

  // Adds the samples of a profile `sign` times.
  void add(const Profile& from, std::int64_t sign) {
    std::vector<std::uint32_t> locations;
    locations.reserve(from.locations.size());
    for (const ProfileLocation& location : from.locations)
      locations.push_back(place_of(from, location));
    for (const ProfileSample& sample : from.samples) {
      ProfileSample moved = sample;
      for (std::uint32_t& location : moved.locations) location = locations.at(location);
      add_sample(std::move(moved), sign);
    }
  }

 private:
  std::uint32_t place_of(const ProfileMapping& mapping) {
    const auto [found, is_new] = mappings_.try_emplace(key_of(mapping), next(into_.mappings));
    if (is_new) into_.mappings.push_back(mapping);
    return found->second;
  }

  std::uint32_t place_of(const ProfileFunction& function) {
    const auto [found, is_new] = functions_.try_emplace(key_of(function), next(into_.functions));
    if (is_new) into_.functions.push_back(function);
    return found->second;
  }

  // By what the code is, not by where it was loaded.
  std::uint32_t place_of(const Profile& from, const ProfileLocation& location) {
    ProfileLocation moved = location;
    std::string key;
    if (location.mapping) {
      const ProfileMapping& mapping = from.mappings.at(*location.mapping);
      moved.mapping = place_of(mapping);
      append_part(key, std::to_string(*moved.mapping));
      append_part(key, std::to_string(location.address - mapping.start));
      moved.address = into_.mappings.at(*moved.mapping).start + (location.address - mapping.start);
    } else {
      append_part(key, std::to_string(location.address));
    }
    for (ProfileLine& line : moved.lines) {
      line.function = place_of(from.functions.at(line.function));
      append_part(key, std::to_string(line.function) + ":" + std::to_string(line.line));
    }
    const auto [found, is_new] = locations_.try_emplace(std::move(key), next(into_.locations));
    if (is_new) into_.locations.push_back(std::move(moved));
    return found->second;
  }

  void add_sample(ProfileSample sample, std::int64_t sign) {
    std::string key;
    for (const std::uint32_t location : sample.locations)
      append_part(key, std::to_string(location));
    append_part(key, "labels");
    for (const ProfileLabel& label : sample.labels) {
      append_part(key, label.key);
      append_part(key, label.text);
    }
    for (std::int64_t& value : sample.values) value = times(value, sign);
    const auto [found, is_new] = samples_.try_emplace(std::move(key), next(into_.samples));
    if (is_new) {
      into_.samples.push_back(std::move(sample));
      return;
    }
    auto& values = into_.samples.at(found->second).values;
    for (std::size_t i = 0; i < kProfileValues; ++i)
      values.at(i) = sum(values.at(i), sample.values.at(i));
  }

  // Both wrap instead of being undefined: a file says what it likes.
  static std::int64_t times(std::int64_t value, std::int64_t sign) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(value) *
                                     static_cast<std::uint64_t>(sign));
  }
  static std::int64_t sum(std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
  }

  template <class T>
  static std::uint32_t next(const std::vector<T>& all) {
    return static_cast<std::uint32_t>(all.size());
  }

  Profile& into_;
  std::unordered_map<std::string, std::uint32_t> mappings_, functions_, locations_, samples_;
};

}  // namespace

Profile difference(const Profile& now, const Profile& base) {
  Profile result;
  result.comments = now.comments;
  result.default_type = now.default_type;
  result.drop_frames = now.drop_frames;
  result.period_bytes = now.period_bytes;
  result.time_nanoseconds = now.time_nanoseconds;
  if (__builtin_sub_overflow(now.time_nanoseconds, base.time_nanoseconds,
                             &result.duration_nanoseconds))
    result.duration_nanoseconds = 0;
  Merger merger(result);
  merger.add(now, 1);
  merger.add(base, -1);
  std::erase_if(result.samples, [](const ProfileSample& sample) {
    return std::ranges::all_of(sample.values, [](std::int64_t value) { return value == 0; });
  });
  return result;
}

}  // namespace heapfloor
