#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <protozero/exception.hpp>
#include <protozero/pbf_reader.hpp>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/profile/profile.h"
#include "agent/profile/profile_fields.h"

namespace heapfloor {
namespace {

using protozero::data_view;
using protozero::pbf_reader;

// Why a profile is refused; thrown and caught in this file, as protozero's own refusals are.
struct Refusal {
  const char* reason;
};

void require(bool holds, const char* reason) {
  if (!holds) throw Refusal{reason};
}

constexpr const char* kTooLarge = "too large";

bool is_packed(const pbf_reader& reader) {
  return reader.wire_type() == protozero::pbf_wire_type::length_delimited;
}

// protozero asks that a field has the type that is read of it, and checks that in debug builds
// alone.
std::uint64_t number(pbf_reader& reader) {
  require(reader.wire_type() == protozero::pbf_wire_type::varint, "a field of another type");
  return reader.get_uint64();
}

std::int64_t signed_number(pbf_reader& reader) { return static_cast<std::int64_t>(number(reader)); }

data_view bytes(pbf_reader& reader) {
  require(is_packed(reader), "a field of another type");
  return reader.get_view();
}

pbf_reader message(pbf_reader& reader) { return pbf_reader(bytes(reader)); }

// Calls visit(value) for each value of a repeated number, which writers may pack or not.
template <class Visit>
void for_each_number(pbf_reader& reader, Visit visit) {
  if (!is_packed(reader)) {
    visit(number(reader));
    return;
  }
  for (const std::uint64_t value : reader.get_packed_uint64()) visit(value);
}

// As many bytes as it unpacks to, within the bounds.
std::string gunzip(std::string_view packed) {
  constexpr int kGzipWindowBits = 15 + 16;
  constexpr std::size_t kPiece = std::size_t{256} << 10;
  require(packed.size() <= ProfileBounds::kMostPackedBytes, kTooLarge);
  const std::size_t most =
      std::min(ProfileBounds::kMostBytes, packed.size() * ProfileBounds::kMostRatio);
  z_stream stream = {};
  require(inflateInit2(&stream, kGzipWindowBits) == Z_OK, "no memory");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string out;
  int done = Z_OK;
  while (done == Z_OK && out.size() <= most) {
    const std::size_t filled = out.size();
    out.resize(std::min(filled + kPiece, most + 1));
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + filled);
    stream.avail_out = static_cast<uInt>(out.size() - filled);
    if (stream.avail_out == 0) break;
    done = inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  require(out.size() <= most, kTooLarge);
  require(done == Z_STREAM_END, "a gzip stream that is not whole");
  return out;
}

// The texts by their place; what they refer to is checked when it is asked for.
using Strings = std::vector<data_view>;
// Places by id.
using Places = std::unordered_map<std::uint64_t, std::uint32_t>;

std::string text_at(const Strings& strings, std::int64_t index) {
  require(index >= 0 && static_cast<std::uint64_t>(index) < strings.size(),
          "a text that is not in it");
  const data_view text = strings[static_cast<std::size_t>(index)];
  return {text.data(), text.size()};
}

// Names of what a sample counts.
using Types = std::span<const std::string_view>;
constexpr std::array<std::string_view, 1> kGoroutineTypes = {"goroutine"};
constexpr auto kHeapTypes = [] {
  std::array<std::string_view, kProfileValues> names = {};
  for (std::size_t i = 0; i < kProfileValues; ++i) names.at(i) = kProfileValueTypes.at(i).type;
  return names;
}();

class Decoder {
 public:
  // The values that the profile has to have, in this order; at most kProfileValues.
  explicit Decoder(Types wanted) : wanted_(wanted) {}
  Profile decode(const std::string& plain);

 private:
  void read_tables(pbf_reader reader);
  void read_rest(pbf_reader reader);
  void read_scalars(pbf_reader& reader);
  void read_mapping(pbf_reader reader);
  void read_function(pbf_reader reader);
  void read_location(pbf_reader reader);
  void read_sample(pbf_reader reader);
  ProfileLabel read_label(pbf_reader reader);
  ProfileLine read_line(pbf_reader reader);
  void check_types() const;
  // Every thing that is kept counts against what may be.
  void charge(std::size_t bytes);
  template <class T>
  T& added(std::vector<T>& all) {
    require(all.size() < ProfileBounds::kMostThings, kTooLarge);
    charge(2 * sizeof(T));  // a vector that grows has room for twice as many
    return all.emplace_back();
  }
  std::string kept(std::int64_t index);

  Types wanted_;
  Profile profile_;
  Strings strings_;
  std::vector<data_view> types_;
  Places mappings_, functions_, locations_;
  std::size_t kept_bytes_ = 0;
};

void Decoder::charge(std::size_t bytes) {
  kept_bytes_ += bytes;
  require(kept_bytes_ <= ProfileBounds::kMostKeptBytes, kTooLarge);
}

std::string Decoder::kept(std::int64_t index) {
  std::string text = text_at(strings_, index);
  charge(text.size());
  return text;
}

void Decoder::read_tables(pbf_reader reader) {
  while (reader.next()) {
    if (reader.tag() == field::profile::kStrings) {
      added(strings_) = bytes(reader);
    } else if (reader.tag() == field::profile::kSampleTypes) {
      added(types_) = bytes(reader);
    } else {
      reader.skip();
    }
  }
  require(!strings_.empty() && strings_.front().empty(), "no table of texts");
}

void Decoder::check_types() const {
  require(types_.size() == wanted_.size(), "other values than are looked for");
  for (std::size_t i = 0; i < wanted_.size(); ++i) {
    std::int64_t type = 0;
    pbf_reader reader(types_[i]);
    while (reader.next()) {
      if (reader.tag() == field::value_type::kType)
        type = signed_number(reader);
      else
        reader.skip();
    }
    require(text_at(strings_, type) == wanted_[i], "other values than are looked for");
  }
}

// An id may be used once, and is not 0.
void note_id(Places& places, std::uint64_t id, std::size_t place) {
  require(id != 0 && places.emplace(id, static_cast<std::uint32_t>(place)).second,
          "an id that is used twice, or is 0");
}

std::uint32_t place_of(const Places& places, std::uint64_t id) {
  const auto found = places.find(id);
  require(found != places.end(), "an id that nothing has");
  return found->second;
}

void Decoder::read_mapping(pbf_reader reader) {
  ProfileMapping& mapping = added(profile_.mappings);
  std::uint64_t id = 0;
  while (reader.next()) {
    switch (reader.tag()) {
      case field::mapping::kId:
        id = number(reader);
        break;
      case field::mapping::kStart:
        mapping.start = number(reader);
        break;
      case field::mapping::kEnd:
        mapping.end = number(reader);
        break;
      case field::mapping::kOffset:
        mapping.offset = number(reader);
        break;
      case field::mapping::kFile:
        mapping.file = kept(signed_number(reader));
        break;
      case field::mapping::kBuildId:
        mapping.build_id = kept(signed_number(reader));
        break;
      case field::mapping::kHasFunctions:
        mapping.has_functions = number(reader) != 0;
        break;
      case field::mapping::kHasFilenames:
        mapping.has_filenames = number(reader) != 0;
        break;
      case field::mapping::kHasLines:
        mapping.has_lines = number(reader) != 0;
        break;
      case field::mapping::kHasInlines:
        mapping.has_inlines = number(reader) != 0;
        break;
      default:
        reader.skip();
    }
  }
  note_id(mappings_, id, profile_.mappings.size() - 1);
}

void Decoder::read_function(pbf_reader reader) {
  ProfileFunction& function = added(profile_.functions);
  std::uint64_t id = 0;
  while (reader.next()) {
    switch (reader.tag()) {
      case field::function::kId:
        id = number(reader);
        break;
      case field::function::kName:
        function.name = kept(signed_number(reader));
        break;
      case field::function::kSystemName:
        function.system_name = kept(signed_number(reader));
        break;
      case field::function::kFile:
        function.file = kept(signed_number(reader));
        break;
      default:
        reader.skip();
    }
  }
  if (function.system_name == function.name) function.system_name.clear();
  note_id(functions_, id, profile_.functions.size() - 1);
}

ProfileLine Decoder::read_line(pbf_reader reader) {
  ProfileLine line;
  while (reader.next()) {
    switch (reader.tag()) {
      case field::line::kFunction:
        line.function = place_of(functions_, number(reader));
        break;
      case field::line::kLine:
        line.line = signed_number(reader);
        break;
      default:
        reader.skip();
    }
  }
  require(line.function < profile_.functions.size(), "a line of no function");
  return line;
}

void Decoder::read_location(pbf_reader reader) {
  ProfileLocation& location = added(profile_.locations);
  std::uint64_t id = 0;
  while (reader.next()) {
    switch (reader.tag()) {
      case field::location::kId:
        id = number(reader);
        break;
      case field::location::kMapping: {
        const std::uint64_t mapping = number(reader);
        if (mapping != 0) location.mapping = place_of(mappings_, mapping);
        break;
      }
      case field::location::kAddress:
        location.address = number(reader);
        break;
      case field::location::kLines:
        added(location.lines) = read_line(message(reader));
        break;
      default:
        reader.skip();
    }
  }
  note_id(locations_, id, profile_.locations.size() - 1);
}

ProfileLabel Decoder::read_label(pbf_reader reader) {
  ProfileLabel label;
  while (reader.next()) {
    switch (reader.tag()) {
      case field::label::kKey:
        label.key = kept(signed_number(reader));
        break;
      case field::label::kText:
        label.text = kept(signed_number(reader));
        break;
      default:
        reader.skip();
    }
  }
  return label;
}

void Decoder::read_sample(pbf_reader reader) {
  ProfileSample& sample = added(profile_.samples);
  std::size_t values = 0;
  const auto add_location = [&](std::uint64_t id) {
    require(sample.locations.size() < ProfileBounds::kMostStackDepth, kTooLarge);
    added(sample.locations) = place_of(locations_, id);
  };
  const auto add_value = [&](std::uint64_t value) {
    require(values < wanted_.size(), "more values than types");
    sample.values.at(values++) = static_cast<std::int64_t>(value);
  };
  while (reader.next()) {
    switch (reader.tag()) {
      case field::sample::kLocations:
        for_each_number(reader, add_location);
        break;
      case field::sample::kValues:
        for_each_number(reader, add_value);
        break;
      case field::sample::kLabels:
        added(sample.labels) = read_label(message(reader));
        break;
      default:
        reader.skip();
    }
  }
  require(values == wanted_.size(), "fewer values than types");
}

void Decoder::read_scalars(pbf_reader& reader) {
  switch (reader.tag()) {
    case field::profile::kDropFrames:
      profile_.drop_frames = kept(signed_number(reader));
      break;
    case field::profile::kTime:
      profile_.time_nanoseconds = signed_number(reader);
      break;
    case field::profile::kDuration:
      profile_.duration_nanoseconds = signed_number(reader);
      break;
    case field::profile::kPeriod:
      profile_.period_bytes = signed_number(reader);
      break;
    case field::profile::kDefaultType:
      profile_.default_type = kept(signed_number(reader));
      break;
    case field::profile::kComments:
      for_each_number(reader, [this](std::uint64_t text) {
        added(profile_.comments) = kept(static_cast<std::int64_t>(text));
      });
      break;
    default:
      reader.skip();
  }
}

// What refers to what comes after it, whatever the order in the file: mappings and functions, then
// locations, then samples.
void Decoder::read_rest(pbf_reader reader) {
  for (pbf_reader pass = reader; pass.next();) {
    if (pass.tag() == field::profile::kMappings)
      read_mapping(message(pass));
    else if (pass.tag() == field::profile::kFunctions)
      read_function(message(pass));
    else
      pass.skip();
  }
  for (pbf_reader pass = reader; pass.next();) {
    if (pass.tag() == field::profile::kLocations)
      read_location(message(pass));
    else
      pass.skip();
  }
  while (reader.next()) {
    if (reader.tag() == field::profile::kSamples)
      read_sample(message(reader));
    else
      read_scalars(reader);
  }
}

Profile Decoder::decode(const std::string& plain) {
  const pbf_reader reader(plain);
  read_tables(reader);
  check_types();
  profile_.default_type.clear();
  read_rest(reader);
  return std::move(profile_);
}

bool is_gzip(std::string_view bytes) { return bytes.starts_with("\x1f\x8b"); }

Result<Profile> decode_of(std::string_view bytes, Types wanted, std::string_view what) {
  const auto refused = [what](std::string_view reason) {
    return failure(ErrorKind::malformed, {},
                   "no profile of " + std::string(what) + ": " + std::string(reason));
  };
  try {
    const std::string plain = is_gzip(bytes) ? gunzip(bytes) : std::string(bytes);
    require(plain.size() <= ProfileBounds::kMostBytes, kTooLarge);
    return Decoder(wanted).decode(plain);
  } catch (const Refusal& refusal) {
    return refused(refusal.reason);
  } catch (const protozero::exception& error) {
    return refused(error.what());
  }
}

}  // namespace

Result<Profile> decode_profile(std::string_view bytes) {
  return decode_of(bytes, kHeapTypes, "a heap");
}

Result<Profile> decode_goroutine_profile(std::string_view bytes) {
  return decode_of(bytes, kGoroutineTypes, "goroutines");
}

}  // namespace heapfloor
