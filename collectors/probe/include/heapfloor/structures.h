// Containers that tell the agent what they hold:
//
//     heapfloor::unordered_map<std::string, User> users{heapfloor::name("user_cache")};
//     heapfloor::tracked<boost::unordered_map<Key, Value>> index{heapfloor::name("index")};
//
// tracked<C> is C with a counting allocator in the place of std::allocator, and is used as C is: it
// derives from that container, has all of its constructors, with a name before the other arguments
// or without one, and all of its functions. Elements and bytes are exact after every call of one of
// its own functions, also of one that throws. What is called through a reference to the base class
// (std::erase_if, std::getline) counts bytes at once and elements with the next own call.
//
// Names belong to variables: what is moved, swapped or spliced from one container to another is
// counted where it is then, and copies and moved-to containers without a name of their own are new
// instances of the same structure. All allocators are equal, so moves and swaps stay as cheap as
// they are. A node that was extracted counts where it came from until it is inserted elsewhere.
//
// Threads: as the container itself, one writer at a time. With heapfloor::shared as the policy
// nodes that were extracted may be destroyed by other threads meanwhile.
//
// Costs: 16 bytes more in each container; see LAYOUT.md and README.md of the probe. With
// HEAPFLOOR_DISABLED defined (everywhere, or nowhere) everything is the plain container. C++17.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <initializer_list>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "heapfloor/allocator.h"
#include "heapfloor/gauge.h"
#include "heapfloor/name.h"
#include "heapfloor/phase.h"
#include "heapfloor/policy.h"

#if __has_include(<memory_resource>)
#include "heapfloor/memory_resource.h"
#endif

#ifdef HEAPFLOOR_DISABLED
#include "heapfloor/detail/plain.h"
#else
#include "heapfloor/detail/tracked.h"
#endif

namespace heapfloor {

template <class T, class Policy = single_writer>
using vector = tracked<std::vector<T>, Policy>;
template <class T, class Policy = single_writer>
using deque = tracked<std::deque<T>, Policy>;
template <class T, class Policy = single_writer>
using list = tracked<std::list<T>, Policy>;
template <class Key, class T, class Compare = std::less<Key>, class Policy = single_writer>
using map = tracked<std::map<Key, T, Compare>, Policy>;
template <class Key, class T, class Compare = std::less<Key>, class Policy = single_writer>
using multimap = tracked<std::multimap<Key, T, Compare>, Policy>;
template <class Key, class Compare = std::less<Key>, class Policy = single_writer>
using set = tracked<std::set<Key, Compare>, Policy>;
template <class Key, class Compare = std::less<Key>, class Policy = single_writer>
using multiset = tracked<std::multiset<Key, Compare>, Policy>;
template <class Key, class T, class Hash = std::hash<Key>, class Equal = std::equal_to<Key>,
          class Policy = single_writer>
using unordered_map = tracked<std::unordered_map<Key, T, Hash, Equal>, Policy>;
template <class Key, class T, class Hash = std::hash<Key>, class Equal = std::equal_to<Key>,
          class Policy = single_writer>
using unordered_multimap = tracked<std::unordered_multimap<Key, T, Hash, Equal>, Policy>;
template <class Key, class Hash = std::hash<Key>, class Equal = std::equal_to<Key>,
          class Policy = single_writer>
using unordered_set = tracked<std::unordered_set<Key, Hash, Equal>, Policy>;
template <class Key, class Hash = std::hash<Key>, class Equal = std::equal_to<Key>,
          class Policy = single_writer>
using unordered_multiset = tracked<std::unordered_multiset<Key, Hash, Equal>, Policy>;
template <class Char, class Traits = std::char_traits<Char>, class Policy = single_writer>
using basic_string = tracked<std::basic_string<Char, Traits>, Policy>;
using string = basic_string<char>;

}  // namespace heapfloor

#ifndef HEAPFLOOR_DISABLED
// As a key: the same value as the std::string of the same text.
template <class Char, class Traits, class Policy>
struct std::hash<heapfloor::tracked<std::basic_string<Char, Traits>, Policy>> {
  std::size_t operator()(
      const heapfloor::tracked<std::basic_string<Char, Traits>, Policy>& text) const noexcept {
    return std::hash<std::basic_string_view<Char, Traits>>()(text);
  }
};
#endif
