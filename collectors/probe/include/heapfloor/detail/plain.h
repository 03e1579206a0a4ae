// tracked<C> under HEAPFLOOR_DISABLED: C, which takes a name and forgets it. Not for users.
#pragma once

#include <functional>
#include <initializer_list>
#include <type_traits>
#include <utility>

#include "heapfloor/name.h"
#include "heapfloor/policy.h"

namespace heapfloor {

template <class C, class Policy = single_writer>
class tracked : public C {
 public:
  using C::C;
  using C::operator=;
  tracked() = default;
  template <class... Arguments>
  explicit tracked(const name& /*named*/, Arguments&&... arguments)
      : C(std::forward<Arguments>(arguments)...) {}
  tracked(const name& /*named*/, std::initializer_list<typename C::value_type> values)
      : C(values) {}
  // As inherited constructors that are no copies: NOLINTNEXTLINE(google-explicit-constructor)
  tracked(const C& other) : C(other) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  tracked(C&& other) noexcept(std::is_nothrow_move_constructible_v<C>) : C(std::move(other)) {}
};

}  // namespace heapfloor

template <class C, class Policy>
struct std::hash<heapfloor::tracked<C, Policy>> : std::hash<C> {};
