// Profile: what pprof files say, as values: stacks with four amounts each, their labels, and where
// the code came from. Source: google/pprof, proto/profile.proto.
//
// Indices instead of pointers: a sample names its locations, a location its mapping and its lines'
// functions by their places in the vectors here. Thread rule: plain values, pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/result.h"

namespace heapfloor {

inline constexpr std::size_t kProfileValues = 4;

// In the order of Go's heap profiles, which every reader of pprof knows.
enum class ProfileValue : std::uint8_t { alloc_objects, alloc_space, inuse_objects, inuse_space };

struct ValueType {
  std::string_view type, unit;
};
inline constexpr std::array<ValueType, kProfileValues> kProfileValueTypes = {{
    {"alloc_objects", "count"},
    {"alloc_space", "bytes"},
    {"inuse_objects", "count"},
    {"inuse_space", "bytes"},
}};

struct ProfileMapping {
  std::uint64_t start = 0, end = 0, offset = 0;
  std::string file;      // as the process sees it
  std::string build_id;  // lower-case hexadecimal; empty where it is not known
  // Set so that pprof does not look for the file on the reader's own machine.
  bool has_functions = false, has_filenames = false, has_lines = false, has_inlines = false;
  friend bool operator==(const ProfileMapping&, const ProfileMapping&) = default;
};

struct ProfileFunction {
  std::string name;         // demangled
  std::string system_name;  // as the linker knows it; empty: the same
  std::string file;         // empty where it is not known
  friend bool operator==(const ProfileFunction&, const ProfileFunction&) = default;
};

struct ProfileLine {
  std::uint32_t function = 0;
  std::int64_t line = 0;  // 0 where it is not known
  friend bool operator==(const ProfileLine&, const ProfileLine&) = default;
};

struct ProfileLocation {
  std::uint64_t address = 0;  // of the call, not of what follows it
  std::optional<std::uint32_t> mapping;
  std::vector<ProfileLine>
      lines;  // innermost first: what was inlined before what it was inlined in
  // Of Go's code: the function that is called there. Not part of a file.
  std::string called = {};
  friend bool operator==(const ProfileLocation&, const ProfileLocation&) = default;
};

struct ProfileLabel {
  std::string key, text;
  friend bool operator==(const ProfileLabel&, const ProfileLabel&) = default;
};

struct ProfileSample {
  std::vector<std::uint32_t> locations;  // leaf first
  std::array<std::int64_t, kProfileValues> values = {};
  std::vector<ProfileLabel> labels;
  friend bool operator==(const ProfileSample&, const ProfileSample&) = default;
};

struct Profile {
  std::vector<ProfileMapping> mappings;  // the program's own first
  std::vector<ProfileFunction> functions;
  std::vector<ProfileLocation> locations;
  std::vector<ProfileSample> samples;
  std::vector<std::string> comments;
  std::string default_type = "inuse_space";
  std::string drop_frames;            // a regular expression over names of functions
  std::int64_t period_bytes = 0;      // mean distance of two samples
  std::int64_t time_nanoseconds = 0;  // Unix time
  std::int64_t duration_nanoseconds = 0;
  friend bool operator==(const Profile&, const Profile&) = default;
};

// profile.proto, not compressed. Texts become valid UTF-8: what is none is replaced.
std::string encode_profile(const Profile& profile);
// What pprof files are on disk and over HTTP.
std::string gzip(std::string_view bytes);

// What a reader is willing to decode. A profile of a heap is a few hundred kilobytes; what is more
// than this is "too large", and takes neither time nor memory.
struct ProfileBounds {
  static constexpr std::size_t kMostPackedBytes = std::size_t{4} << 20;
  static constexpr std::size_t kMostBytes = std::size_t{8} << 20;
  static constexpr std::size_t kMostRatio = 200;
  static constexpr std::size_t kMostStackDepth = 512;
  static constexpr std::size_t kMostThings = 131072;  // of each kind: texts, samples, locations …
  // Of memory for all that is in it, beside its bytes.
  static constexpr std::size_t kMostKeptBytes = std::size_t{20} << 20;
};

// The bytes of a .pb.gz file, or of one that is not compressed. Malformed where it is no profile,
// has other types of values than ours, refers to what is not in it, or is too large.
Result<Profile> decode_profile(std::string_view bytes);

// The same of the goroutine profile that Go programs write: the first value of a sample is a number
// of goroutines, and the others are 0.
Result<Profile> decode_goroutine_profile(std::string_view bytes);

// now - base: stacks of both that are the same (by code and labels, wherever it was loaded) become
// one sample; values may be negative. Samples without any difference are left out.
Profile difference(const Profile& now, const Profile& base);

}  // namespace heapfloor
