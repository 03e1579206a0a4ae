// Which container an allocation was for, read from the stack alone: the frames between the
// allocator and the first frame of the program usually are the container's
// (std::vector<T>::_M_realloc_insert, std::_Hashtable<…>::_M_insert_unique_node).
//
// Works on the demangled names of libstdc++, libc++, Abseil and Boost, as g++ and clang name them.
// Thread rule: pure functions.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heapfloor {

struct ContainerType {
  std::string container;  // "unordered_map", "vector", "flat_hash_map"
  std::string element;    // "std::pair<const int, User>", "int"; as the compiler writes it
  friend bool operator==(const ContainerType&, const ContainerType&) = default;
};

// The scopes of a demangled function's name, outermost first, without its result, parameters and
// inline namespaces: {"std", "vector<int, std::allocator<int> >", "push_back"}. Empty where the
// text is no such name.
std::vector<std::string_view> scopes_of(std::string_view demangled);

// The arguments of a template's name: "map<int, A<B, C> >" gives {"int", "A<B, C>"}.
std::vector<std::string_view> template_arguments(std::string_view name);

// Whether the function belongs to the allocator or to a hook on it: malloc, operator new.
bool is_allocator_function(std::string_view demangled);

// Whether it is one of the allocator's or of a library of containers (std, Abseil, Boost): not
// where a reader would look for the fault.
bool is_library_function(std::string_view demangled);

// Of a stack, leaf first. The innermost container counts: the string that a map's node holds is a
// string's allocation. Nothing where the program allocated by itself.
std::optional<ContainerType> container_of(std::span<const std::string_view> demangled);

}  // namespace heapfloor
