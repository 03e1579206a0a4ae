// What can be asked of a container type, whoever wrote it. Not for users.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <type_traits>
#include <utility>

#include "heapfloor/segment.h"

namespace heapfloor::detail {

template <class T, class Policy>
class tracking_allocator;

template <class C, class = void>
struct key_of {
  struct type {  // nobody has one, and nothing converts to it
    explicit type(const type&, const type*);
  };
};
template <class C>
struct key_of<C, std::void_t<typename C::key_type>> {
  using type = typename C::key_type;
};

template <class C, class = void>
inline constexpr bool kIsKeyed = false;
template <class C>
inline constexpr bool kIsKeyed<C, std::void_t<typename C::key_type>> = true;

template <class C, class = void>
inline constexpr bool kIsMap = false;
template <class C>
inline constexpr bool kIsMap<C, std::void_t<typename C::mapped_type>> = true;

template <class C, class = void>
inline constexpr bool kIsHashed = false;
template <class C>
inline constexpr bool kIsHashed<C, std::void_t<typename C::hasher>> = true;

template <class C, class = void>
inline constexpr bool kIsString = false;
template <class C>
inline constexpr bool kIsString<C, std::void_t<typename C::traits_type>> = true;

template <class C, class = void>
inline constexpr bool kHasCapacity = false;
template <class C>
inline constexpr bool kHasCapacity<C, std::void_t<decltype(std::declval<const C&>().capacity())>> =
    true;

template <class C, class = void>
inline constexpr bool kHasBuckets = false;
template <class C>
inline constexpr bool
    kHasBuckets<C, std::void_t<decltype(std::declval<const C&>().bucket_count())>> = true;

template <class C, class = void>
inline constexpr bool kHasPushFront = false;
template <class C>
inline constexpr bool kHasPushFront<C, std::void_t<decltype(std::declval<C&>().push_front(
                                           std::declval<typename C::value_type>()))>> = true;

template <class C, class = void>
inline constexpr bool kHasSplice = false;
template <class C>
inline constexpr bool
    kHasSplice<C, std::void_t<decltype(std::declval<C&>().splice(
                      std::declval<typename C::const_iterator>(), std::declval<C&>()))>> = true;

template <class C, class = void>
inline constexpr bool kHasPushBack = false;
template <class C>
inline constexpr bool kHasPushBack<C, std::void_t<decltype(std::declval<C&>().push_back(
                                          std::declval<typename C::value_type>()))>> = true;

// What operator[] takes.
template <class C>
using index_of =
    typename std::conditional_t<kIsMap<C>, key_of<C>, std::common_type<std::size_t>>::type;

template <class C>
constexpr heapfloor_structure_kind kind_of() noexcept {
  if constexpr (kIsString<C>) return HEAPFLOOR_KIND_STRING;
  if constexpr (kIsMap<C>) return kIsHashed<C> ? HEAPFLOOR_KIND_UNORDERED_MAP : HEAPFLOOR_KIND_MAP;
  if constexpr (kIsKeyed<C>) {
    return kIsHashed<C> ? HEAPFLOOR_KIND_UNORDERED_SET : HEAPFLOOR_KIND_SET;
  }
  if constexpr (kHasSplice<C>) return HEAPFLOOR_KIND_LIST;
  if constexpr (kHasCapacity<C> && kHasPushBack<C>) return HEAPFLOOR_KIND_VECTOR;
  return kHasPushFront<C> ? HEAPFLOOR_KIND_DEQUE : HEAPFLOOR_KIND_OTHER;
}

// Bytes of one node of a container: of the type that its node handles' allocator allocates, or of a
// list's node as the library calls it. 0: it has no nodes, or nobody says how large they are.
template <class T, class Value>
struct node_of_argument : std::integral_constant<std::size_t, 0> {};
template <class Node, class Policy, class Value>
struct node_of_argument<tracking_allocator<Node, Policy>, Value>
    : std::integral_constant<std::size_t, std::is_same_v<Node, Value> ? 0 : sizeof(Node)> {};

template <class Handle, class Value>
struct node_of_handle : std::integral_constant<std::size_t, 0> {};
template <template <class...> class Handle, class... Arguments, class Value>
struct node_of_handle<Handle<Arguments...>, Value>
    : std::integral_constant<std::size_t, (0 + ... + node_of_argument<Arguments, Value>::value)> {};

template <class C, class = void>
struct node_bytes : std::integral_constant<std::size_t, 0> {};
template <class C>
struct node_bytes<C, std::void_t<typename C::node_type>>
    : node_of_handle<typename C::node_type, typename C::value_type> {};
template <class T, class Allocator>
struct node_bytes<std::list<T, Allocator>, void>
#if defined(_LIBCPP_VERSION)
    : std::integral_constant<std::size_t, sizeof(std::__list_node<T, void*>)> {
};
#else
    : std::integral_constant<std::size_t, sizeof(std::_List_node<T>)> {
};
#endif

// What a container holds, from what can be seen of it: exact for vectors, strings, lists, maps and
// sets of the standard library; a lower bound for others.
template <class C>
std::uint64_t visible_bytes(const C& container) noexcept {
  using value = typename C::value_type;
  if constexpr (kIsString<C>) {
    const std::size_t inline_capacity = C().capacity();
    const std::size_t capacity = container.capacity();
    return capacity > inline_capacity ? (capacity + 1) * sizeof(value) : 0;
  } else if constexpr (kHasCapacity<C>) {
    if constexpr (std::is_same_v<value, bool>) return container.capacity() / 8;
    return container.capacity() * sizeof(value);
  } else if constexpr (node_bytes<C>::value != 0) {
    std::uint64_t bytes = container.size() * node_bytes<C>::value;
    if constexpr (kHasBuckets<C>) {
      // One bucket lies in the container itself.
      if (container.bucket_count() > 1) bytes += container.bucket_count() * sizeof(void*);
    }
    return bytes;
  } else {
    return container.size() * sizeof(value);
  }
}

}  // namespace heapfloor::detail
