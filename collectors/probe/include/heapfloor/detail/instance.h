// What containers, allocators and memory resources have in common. Not for users.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "heapfloor/name.h"
#include "heapfloor/probe.h"

namespace heapfloor::detail {

// The type T as the compiler writes it; a text that lives as long as the program.
template <class T>
constexpr std::string_view type_text() noexcept {
  std::string_view text = __PRETTY_FUNCTION__;
  const std::size_t begin = text.find("T = ");
  if (begin == std::string_view::npos) return {};
  text.remove_prefix(begin + 4);
  const std::size_t end = text.find_first_of(";]");  // gcc goes on with what string_view is
  return end == std::string_view::npos ? text : text.substr(0, end);
}

template <class T>
heapfloor_handle begin_instance(const char* text, std::uint32_t text_bytes, owner where,
                                heapfloor_structure_kind kind) noexcept {
  constexpr std::string_view kElement = type_text<T>();
  const heapfloor_declaration declaration = {text,
                                             kElement.data(),
                                             where.file,
                                             text_bytes,
                                             static_cast<std::uint32_t>(kElement.size()),
                                             where.line,
                                             static_cast<std::uint32_t>(kind)};
  return heapfloor_instance_begin(&declaration);
}

// Labels what is allocated in its life, unless a phase for the same structure is there already.
class label_scope {
 public:
  label_scope(heapfloor_handle handle, std::uint16_t phase) noexcept : before_(heapfloor_label) {
    const auto structure = static_cast<std::uint16_t>(handle >> 48U);
    if (structure == 0) return;
    const bool is_ours = before_.structure_name_index == structure ||
                         before_.structure_name_index == HEAPFLOOR_NAME_NONE;
    const bool keeps = is_ours && before_.phase_name_index != HEAPFLOOR_NAME_NONE;
    heapfloor_label = {structure, keeps ? before_.phase_name_index : phase};
  }
  label_scope(const label_scope&) = delete;
  label_scope& operator=(const label_scope&) = delete;
  ~label_scope() { heapfloor_label = before_; }

 private:
  heapfloor_labels before_;
};

// Ends its instance in the end.
class owned_instance {
 public:
  explicit owned_instance(heapfloor_handle handle) noexcept : heapfloor_handle_(handle) {}
  owned_instance(const owned_instance&) = delete;
  owned_instance& operator=(const owned_instance&) = delete;
  ~owned_instance() { heapfloor_instance_end(heapfloor_handle_); }

 protected:
  heapfloor_handle heapfloor_handle_;  // a name that no container has
};

}  // namespace heapfloor::detail
