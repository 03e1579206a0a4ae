#include "collectors/parse/dwarf_structs.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

namespace heapfloor {
namespace {

constexpr std::uint64_t kTagMember = 0x0d;
constexpr std::uint64_t kTagStructure = 0x13;
constexpr std::uint64_t kName = 0x03;
constexpr std::uint64_t kByteSize = 0x0b;
constexpr std::uint64_t kLanguage = 0x13;
constexpr std::uint64_t kMemberLocation = 0x38;
constexpr std::uint64_t kLanguageGo = 0x16;
constexpr std::uint64_t kImplicitConst = 0x21;
constexpr std::size_t kMostIndirections = 4;

struct Attribute {
  std::uint64_t name = 0, form = 0;
  std::uint64_t implicit = 0;  // of form kImplicitConst
};
struct Abbrev {
  std::uint64_t tag = 0;
  bool has_children = false;
  std::vector<Attribute> attributes;
};

// Little-endian numbers out of something that gives bytes, until it has no more.
template <class Bytes>
class Numbers {
 public:
  explicit Numbers(Bytes& bytes) : bytes_(bytes) {}
  std::uint64_t fixed(std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i)
      value |= static_cast<std::uint64_t>(bytes_.next()) << (8 * i);
    return value;
  }
  std::uint64_t leb() {
    constexpr unsigned kBits = 7;
    constexpr unsigned kMore = 0x80;
    std::uint64_t value = 0;
    unsigned byte = kMore;
    for (unsigned shift = 0; (byte & kMore) != 0 && bytes_.is_fine(); shift += kBits) {
      byte = bytes_.next();
      if (shift < 64) value |= static_cast<std::uint64_t>(byte & ~kMore) << shift;
    }
    return value;
  }

 private:
  Bytes& bytes_;
};

class ViewBytes {
 public:
  explicit ViewBytes(std::string_view text) : text_(text) {}
  unsigned char next() {
    if (at_ >= text_.size()) {
      is_fine_ = false;
      return 0;
    }
    return static_cast<unsigned char>(text_[at_++]);
  }
  [[nodiscard]] bool is_fine() const { return is_fine_; }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  bool is_fine_ = true;
};

// A stream through a buffer.
class StreamBytes {
 public:
  explicit StreamBytes(SectionStream& stream) : stream_(stream), buffer_(kBufferBytes) {}

  unsigned char next() {
    if (at_ == filled_ && !refill()) return 0;
    return static_cast<unsigned char>(buffer_[at_++]);
  }
  void skip(std::uint64_t count) {
    while (count > filled_ - at_) {
      count -= filled_ - at_;
      at_ = filled_;
      if (!refill()) return;
    }
    at_ += static_cast<std::size_t>(count);
  }
  // Appends a text that a zero byte ends to `text`, or its first bytes.
  void take_text(std::string& text) {
    for (;;) {
      if (at_ == filled_ && !refill()) return;
      const std::string_view rest(buffer_.data() + at_, filled_ - at_);
      const std::size_t end = rest.find('\0');
      const std::string_view part = rest.substr(0, end);
      text.append(
          part.substr(0, DwarfBounds::kMostName - std::min(text.size(), DwarfBounds::kMostName)));
      at_ += part.size();
      if (end == std::string_view::npos) continue;
      ++at_;
      return;
    }
  }
  [[nodiscard]] bool is_fine() const { return is_fine_; }
  [[nodiscard]] bool is_at_end() { return at_ == filled_ && !refill(); }
  [[nodiscard]] std::uint64_t position() const { return before_ + at_; }

 private:
  static constexpr std::size_t kBufferBytes = std::size_t{64} << 10;
  bool refill() {
    before_ += filled_;
    at_ = 0;
    filled_ = stream_.read(buffer_);
    is_fine_ = is_fine_ && filled_ > 0;
    return filled_ > 0;
  }

  SectionStream& stream_;
  std::vector<char> buffer_;
  std::size_t at_ = 0, filled_ = 0;
  std::uint64_t before_ = 0;  // bytes in front of the buffer
  bool is_fine_ = true;
};

// The abbreviations of the table at `offset`, by their codes less 1; false where they are broken.
bool read_abbrevs(std::string_view text, std::uint64_t offset, std::vector<Abbrev>& abbrevs) {
  abbrevs.clear();
  ViewBytes bytes(text.substr(std::min<std::uint64_t>(offset, text.size())));
  Numbers numbers(bytes);
  for (std::uint64_t code = numbers.leb(); code != 0; code = numbers.leb()) {
    if (code > DwarfBounds::kMostAbbrevs) return false;
    if (code > abbrevs.size()) abbrevs.resize(static_cast<std::size_t>(code));
    Abbrev& abbrev = abbrevs[static_cast<std::size_t>(code - 1)];
    abbrev = {};
    abbrev.tag = numbers.leb();
    abbrev.has_children = bytes.next() != 0;
    for (;;) {
      Attribute attribute{numbers.leb(), numbers.leb()};
      if (attribute.form == kImplicitConst) attribute.implicit = numbers.leb();
      if (attribute.name == 0 && attribute.form == 0) break;
      abbrev.attributes.push_back(attribute);
    }
    if (!bytes.is_fine()) return false;
  }
  return bytes.is_fine();
}

struct Unit {
  std::uint64_t end = 0;
  std::uint64_t version = 0;
  std::size_t offset_size = 4;
  std::size_t address_size = 8;
  std::uint64_t abbrevs = 0;
};

// What of an entry is asked for.
struct Entry {
  std::string name;
  std::optional<std::uint64_t> byte_size, location, language;
  void clear() {
    name.clear();
    byte_size.reset();
    location.reset();
    language.reset();
  }
};

class Scanner {
 public:
  Scanner(SectionStream& info, std::string_view abbrevs, std::span<const std::string_view> wanted)
      : bytes_(info), numbers_(bytes_), abbrev_text_(abbrevs), wanted_(wanted) {}

  Result<StructLayouts> scan() {
    while (found_.size() < wanted_.size() && !bytes_.is_at_end()) {
      if (scan_unit()) continue;
      if (collected_ != nullptr)
        std::erase_if(found_, [this](const auto& entry) { return &entry.second == collected_; });
      if (found_.empty()) return failure(ErrorKind::malformed, {}, "broken debugging information");
      break;
    }
    return std::move(found_);
  }

 private:
  bool scan_unit() {
    if (!read_unit_header()) return false;
    if (known_abbrevs_ != unit_.abbrevs) {
      if (!read_abbrevs(abbrev_text_, unit_.abbrevs, abbrevs_)) return false;
      known_abbrevs_ = unit_.abbrevs;
    }
    std::size_t depth = 0;
    collected_ = nullptr;
    bool is_first = true;
    while (bytes_.position() < unit_.end) {
      const std::uint64_t code = numbers_.leb();
      if (!bytes_.is_fine()) return false;
      if (code == 0) {
        if (depth > 0) --depth;
        if (depth <= collected_depth_) collected_ = nullptr;
        if (found_.size() == wanted_.size() && collected_ == nullptr) return true;
        continue;
      }
      if (code > abbrevs_.size() || !read_entry(abbrevs_[static_cast<std::size_t>(code - 1)]))
        return false;
      take(abbrevs_[static_cast<std::size_t>(code - 1)], depth);
      if (is_first && entry_.language != kLanguageGo) break;
      is_first = false;
      if (abbrevs_[static_cast<std::size_t>(code - 1)].has_children) ++depth;
    }
    if (bytes_.position() > unit_.end) return false;
    bytes_.skip(unit_.end - bytes_.position());
    return bytes_.is_fine();
  }

  bool read_unit_header() {
    constexpr std::uint64_t k64Bit = 0xffffffff;
    constexpr std::uint64_t kSplitOrType = 2;  // DW_UT_type and all behind it have longer headers
    unit_ = {};
    std::uint64_t length = numbers_.fixed(4);
    if (length == k64Bit) {
      unit_.offset_size = 8;
      length = numbers_.fixed(8);
    }
    if (length > DwarfBounds::kMostInfoBytes) return false;
    unit_.end = bytes_.position() + length;
    unit_.version = numbers_.fixed(2);
    if (unit_.version < 2 || unit_.version > 5) return false;
    const bool is_five = unit_.version == 5;
    const std::uint64_t type = is_five ? numbers_.fixed(1) : 1;
    if (is_five) unit_.address_size = static_cast<std::size_t>(numbers_.fixed(1));
    unit_.abbrevs = numbers_.fixed(unit_.offset_size);
    if (!is_five) unit_.address_size = static_cast<std::size_t>(numbers_.fixed(1));
    return bytes_.is_fine() && type < kSplitOrType && unit_.address_size <= 8;
  }

  bool read_entry(const Abbrev& abbrev) {
    if (abbrev.tag == 0) return false;
    entry_.clear();
    for (const Attribute& attribute : abbrev.attributes) {
      std::string* const text = attribute.name == kName ? &entry_.name : nullptr;
      const std::optional<std::uint64_t> value = read_value(attribute, text);
      if (!bytes_.is_fine() || is_unknown_) return false;
      if (attribute.name == kByteSize) entry_.byte_size = value;
      if (attribute.name == kMemberLocation) entry_.location = value;
      if (attribute.name == kLanguage) entry_.language = value;
    }
    return true;
  }

  // Reads past the value; what it is where it is a number, and its text where it stands in place.
  std::optional<std::uint64_t> read_value(const Attribute& attribute, std::string* text) {
    std::uint64_t form = attribute.form;
    for (std::size_t i = 0; form == 0x16 && i < kMostIndirections; ++i) form = numbers_.leb();
    switch (form) {
      case 0x08:  // string
        scratch_.clear();
        bytes_.take_text(text == nullptr ? scratch_ : *text);
        return std::nullopt;
      case 0x0b:
      case 0x0c:  // data1, flag
        return numbers_.fixed(1);
      case 0x05:
        return numbers_.fixed(2);
      case 0x06:
        return numbers_.fixed(4);
      case 0x07:
        return numbers_.fixed(8);
      case 0x0f:  // udata
        return numbers_.leb();
      case kImplicitConst:
        return attribute.implicit;
      default:
        skip_value(form);
        return std::nullopt;
    }
  }

  void skip_value(std::uint64_t form) {
    switch (form) {
      case 0x19:  // flag_present
        return;
      case 0x0d:
      case 0x15:
      case 0x1a:
      case 0x1b:
      case 0x22:
      case 0x23:
      case 0x1f01:
      case 0x1f02:
        numbers_.leb();  // sdata, ref_udata, strx, addrx, loclistx, rnglistx, GNU's
        return;
      case 0x09:
      case 0x18:  // block, exprloc
        return bytes_.skip(numbers_.leb());
      case 0x0a:  // block1
        return bytes_.skip(numbers_.fixed(1));
      case 0x03:
        return bytes_.skip(numbers_.fixed(2));
      case 0x04:
        return bytes_.skip(numbers_.fixed(4));
      default:
        return bytes_.skip(size_of(form));
    }
  }

  // Of a value that has one size in its unit.
  std::uint64_t size_of(std::uint64_t form) {
    switch (form) {
      case 0x11:
      case 0x25:
      case 0x29:  // ref1, strx1, addrx1
        return 1;
      case 0x12:
      case 0x26:
      case 0x2a:
        return 2;
      case 0x27:
      case 0x2b:
        return 3;
      case 0x13:
      case 0x1c:
      case 0x28:
      case 0x2c:
        return 4;
      case 0x14:
      case 0x20:
      case 0x24:  // ref8, ref_sig8, ref_sup8
        return 8;
      case 0x1e:  // data16
        return 16;
      case 0x01:  // addr
        return unit_.address_size;
      case 0x10:  // ref_addr
        return unit_.version == 2 ? unit_.address_size : unit_.offset_size;
      case 0x0e:
      case 0x17:
      case 0x1d:
      case 0x1f:
      case 0x1f20:
      case 0x1f21:
        return unit_.offset_size;  // strp, sec_offset, strp_sup, line_strp, GNU's
      default:
        is_unknown_ = true;
        return 0;
    }
  }

  void take(const Abbrev& abbrev, std::size_t depth) {
    if (abbrev.tag == kTagMember && collected_ != nullptr && depth == collected_depth_ + 1) {
      if (entry_.location && collected_->members.size() < DwarfBounds::kMostMembers)
        collected_->members.emplace(entry_.name, *entry_.location);
      return;
    }
    const bool begins = abbrev.tag == kTagStructure && abbrev.has_children && entry_.byte_size &&
                        collected_ == nullptr &&
                        std::ranges::find(wanted_, std::string_view(entry_.name)) != wanted_.end();
    if (!begins) return;
    const auto [found, is_new] = found_.try_emplace(entry_.name);
    if (!is_new) return;
    found->second.size = *entry_.byte_size;
    collected_ = &found->second;
    collected_depth_ = depth;
  }

  StreamBytes bytes_;
  Numbers<StreamBytes> numbers_;
  std::string_view abbrev_text_;
  std::span<const std::string_view> wanted_;
  std::vector<Abbrev> abbrevs_;
  std::uint64_t known_abbrevs_ = UINT64_MAX;  // whose they are
  Unit unit_;
  Entry entry_;
  std::string scratch_;
  bool is_unknown_ = false;  // a form was met that nobody knows
  StructLayout* collected_ = nullptr;
  std::size_t collected_depth_ = 0;
  StructLayouts found_;
};

}  // namespace

Result<StructLayouts> read_struct_layouts(SectionStream& info, std::string_view abbrevs,
                                          std::span<const std::string_view> wanted) {
  return Scanner(info, abbrevs, wanted).scan();
}

}  // namespace heapfloor
