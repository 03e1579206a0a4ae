#include <zlib.h>

#include <array>
#include <cstdint>
#include <protozero/pbf_writer.hpp>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/profile/profile.h"
#include "agent/profile/profile_fields.h"
#include "collectors/parse/utf8.h"

namespace heapfloor {
namespace {

using protozero::pbf_writer;

std::string valid_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_sequence_length(text, at);
    if (length == 0) out += '?';
    out.append(text.substr(at, length));
    at += length == 0 ? 1 : length;
  }
  return out;
}

// The table of texts, each once; the first is the empty one.
class Strings {
 public:
  Strings() { index(""); }

  std::int64_t index(std::string_view text) {
    const auto [place, is_new] = places_.try_emplace(std::string(text), next_);
    if (is_new) {
      ++next_;
      order_.push_back(&place->first);
    }
    return place->second;
  }

  void write(pbf_writer& out) const {
    for (const std::string* const text : order_) {
      if (is_utf8(*text))
        out.add_string(field::profile::kStrings, *text);
      else
        out.add_string(field::profile::kStrings, valid_text(*text));
    }
  }

 private:
  std::unordered_map<std::string, std::int64_t> places_;  // nodes stay where they are
  std::vector<const std::string*> order_;
  std::int64_t next_ = 0;
};

void add_if(pbf_writer& out, protozero::pbf_tag_type tag, std::int64_t value) {
  if (value != 0) out.add_int64(tag, value);
}

void add_value_type(pbf_writer& parent, protozero::pbf_tag_type tag, Strings& strings,
                    const ValueType& type) {
  pbf_writer out(parent, tag);
  out.add_int64(field::value_type::kType, strings.index(type.type));
  out.add_int64(field::value_type::kUnit, strings.index(type.unit));
}

void add_sample(pbf_writer& parent, Strings& strings, const ProfileSample& sample) {
  pbf_writer out(parent, field::profile::kSamples);
  std::vector<std::uint64_t> ids;
  ids.reserve(sample.locations.size());
  for (const std::uint32_t location : sample.locations) ids.push_back(std::uint64_t{location} + 1);
  out.add_packed_uint64(field::sample::kLocations, ids.begin(), ids.end());
  out.add_packed_int64(field::sample::kValues, sample.values.begin(), sample.values.end());
  for (const ProfileLabel& label : sample.labels) {
    pbf_writer inner(out, field::sample::kLabels);
    inner.add_int64(field::label::kKey, strings.index(label.key));
    inner.add_int64(field::label::kText, strings.index(label.text));
  }
}

void add_mapping(pbf_writer& parent, Strings& strings, const ProfileMapping& mapping,
                 std::uint64_t id) {
  pbf_writer out(parent, field::profile::kMappings);
  out.add_uint64(field::mapping::kId, id);
  out.add_uint64(field::mapping::kStart, mapping.start);
  out.add_uint64(field::mapping::kEnd, mapping.end);
  out.add_uint64(field::mapping::kOffset, mapping.offset);
  out.add_int64(field::mapping::kFile, strings.index(mapping.file));
  add_if(out, field::mapping::kBuildId, strings.index(mapping.build_id));
  out.add_bool(field::mapping::kHasFunctions, mapping.has_functions);
  out.add_bool(field::mapping::kHasFilenames, mapping.has_filenames);
  out.add_bool(field::mapping::kHasLines, mapping.has_lines);
  out.add_bool(field::mapping::kHasInlines, mapping.has_inlines);
}

void add_location(pbf_writer& parent, const ProfileLocation& location, std::uint64_t id) {
  pbf_writer out(parent, field::profile::kLocations);
  out.add_uint64(field::location::kId, id);
  if (location.mapping)
    out.add_uint64(field::location::kMapping, std::uint64_t{*location.mapping} + 1);
  out.add_uint64(field::location::kAddress, location.address);
  for (const ProfileLine& line : location.lines) {
    pbf_writer inner(out, field::location::kLines);
    inner.add_uint64(field::line::kFunction, std::uint64_t{line.function} + 1);
    add_if(inner, field::line::kLine, line.line);
  }
}

void add_function(pbf_writer& parent, Strings& strings, const ProfileFunction& function,
                  std::uint64_t id) {
  pbf_writer out(parent, field::profile::kFunctions);
  out.add_uint64(field::function::kId, id);
  out.add_int64(field::function::kName, strings.index(function.name));
  out.add_int64(field::function::kSystemName,
                strings.index(function.system_name.empty() ? function.name : function.system_name));
  add_if(out, field::function::kFile, strings.index(function.file));
}

}  // namespace

std::string encode_profile(const Profile& profile) {
  std::string bytes;
  pbf_writer out(bytes);
  Strings strings;
  for (const ValueType& type : kProfileValueTypes)
    add_value_type(out, field::profile::kSampleTypes, strings, type);
  for (const ProfileSample& sample : profile.samples) add_sample(out, strings, sample);
  std::uint64_t id = 0;
  for (const ProfileMapping& mapping : profile.mappings) add_mapping(out, strings, mapping, ++id);
  id = 0;
  for (const ProfileLocation& location : profile.locations) add_location(out, location, ++id);
  id = 0;
  for (const ProfileFunction& function : profile.functions)
    add_function(out, strings, function, ++id);
  add_if(out, field::profile::kDropFrames, strings.index(profile.drop_frames));
  add_if(out, field::profile::kTime, profile.time_nanoseconds);
  add_if(out, field::profile::kDuration, profile.duration_nanoseconds);
  add_value_type(out, field::profile::kPeriodType, strings, {"space", "bytes"});
  add_if(out, field::profile::kPeriod, profile.period_bytes);
  std::vector<std::int64_t> comments;
  comments.reserve(profile.comments.size());
  for (const std::string& comment : profile.comments) comments.push_back(strings.index(comment));
  out.add_packed_int64(field::profile::kComments, comments.begin(), comments.end());
  out.add_int64(field::profile::kDefaultType, strings.index(profile.default_type));
  strings.write(out);
  return bytes;
}

std::string gzip(std::string_view bytes) {
  constexpr int kGzipWindowBits = 15 + 16;  // zlib's way to ask for a gzip header
  constexpr int kMemoryLevel = 8;
  z_stream stream = {};
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzipWindowBits, kMemoryLevel,
                   Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error("zlib: no memory");
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  // zlib does not write to it.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);  // cannot fail: the output has room for the worst case
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace heapfloor
