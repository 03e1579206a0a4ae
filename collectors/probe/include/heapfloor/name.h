// What a structure is called, and where its owner stands in the source.
//
//     heapfloor::unordered_map<std::string, User> users{heapfloor::name("user_cache")};
#pragma once

#include <cstddef>
#include <cstdint>

namespace heapfloor {

// Where a container without a name was made: it gets FILE:LINE for one. A default argument, never
// written by users.
struct owner {
  const char* file;
  unsigned line;

  constexpr explicit owner(const char* owner_file = __builtin_FILE(),
                           unsigned owner_line = __builtin_LINE()) noexcept
      : file(owner_file), line(owner_line) {}
};

// A name, at most 63 bytes; longer ones are cut. `text` has to live until the structure is made, no
// longer. Names should be few: use one for all instances of a kind, not one with a number each.
class name {
 public:
  constexpr explicit name(const char* text, owner where = owner()) noexcept
      : text_(text), bytes_(length(text)), owner_(where) {}

  [[nodiscard]] constexpr const char* text() const noexcept { return text_; }
  [[nodiscard]] constexpr std::uint32_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] constexpr owner where() const noexcept { return owner_; }

 private:
  static constexpr std::uint32_t length(const char* text) noexcept {
    return text == nullptr ? 0 : static_cast<std::uint32_t>(__builtin_strlen(text));
  }

  const char* text_;
  std::uint32_t bytes_;
  owner owner_;
};

}  // namespace heapfloor
