// An allocator that counts, for containers that heapfloor::tracked does not know:
//
//     using sessions_allocator = heapfloor::allocator<std::pair<const Key, Session>>;
//     absl::flat_hash_map<Key, Session, Hash, Equal, sessions_allocator> sessions{
//         sessions_allocator{heapfloor::name("sessions")}};
//
// All copies of an allocator, of whatever type, count into one instance, which ends with the last
// of them. Its elements are blocks: what was allocated and not freed. Memory comes from operator
// new. Copies are counted atomically; allocations as the policy says (heapfloor/policy.h).
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>

#include "heapfloor/name.h"
#include "heapfloor/policy.h"
#ifndef HEAPFLOOR_DISABLED
#include "heapfloor/detail/instance.h"
#endif

namespace heapfloor {

#ifdef HEAPFLOOR_DISABLED

template <class T, class Policy = single_writer>
class allocator : public std::allocator<T> {
 public:
  template <class U>
  struct rebind {
    using other = allocator<U, Policy>;
  };
  constexpr allocator() noexcept = default;
  constexpr explicit allocator(const name& /*named*/) noexcept {}
  template <class U>
  // As between all allocators: NOLINTNEXTLINE(google-explicit-constructor)
  constexpr allocator(const allocator<U, Policy>& /*other*/) noexcept {}
};

#else

namespace detail {

// One block came or went.
template <class Policy>
void count_block(heapfloor_instance* record, std::size_t bytes) noexcept {
  if (record == nullptr) return;
  Policy::add(record->bytes, bytes);
  Policy::add(record->elements, 1);
  Policy::add(record->insertions, 1);
  Policy::raise(record->peak_elements, __atomic_load_n(&record->elements, __ATOMIC_RELAXED));
}

template <class Policy>
void uncount_block(heapfloor_instance* record, std::size_t bytes) noexcept {
  if (record == nullptr) return;
  Policy::subtract(record->bytes, bytes);
  Policy::subtract(record->elements, 1);
  Policy::add(record->removals, 1);
}

}  // namespace detail

template <class T, class Policy = single_writer>
class allocator {
 public:
  using value_type = T;
  using is_always_equal = std::false_type;
  // Whoever gets memory of this instance gives it back to this instance.
  using propagate_on_container_copy_assignment = std::true_type;
  using propagate_on_container_move_assignment = std::true_type;
  using propagate_on_container_swap = std::true_type;
  template <class U>
  struct rebind {
    using other = allocator<U, Policy>;
  };

  // Counts nothing.
  constexpr allocator() noexcept = default;
  explicit allocator(const name& named,
                     heapfloor_structure_kind kind = HEAPFLOOR_KIND_OTHER) noexcept
      : handle_(detail::begin_instance<T>(named.text(), named.bytes(), named.where(), kind)) {}
  allocator(const allocator& other) noexcept : handle_(other.handle_) { share(); }
  template <class U>
  // As between all allocators: NOLINTNEXTLINE(google-explicit-constructor)
  allocator(const allocator<U, Policy>& other) noexcept : handle_(other.handle()) {
    share();
  }
  allocator& operator=(const allocator& other) noexcept {
    if (handle_ == other.handle_) return *this;
    leave();
    handle_ = other.handle_;
    share();
    return *this;
  }
  ~allocator() { leave(); }

  [[nodiscard]] T* allocate(std::size_t count) {
    const detail::label_scope label(handle_, HEAPFLOOR_NAME_GROW);
    T* block = std::allocator<T>().allocate(count);
    // T may be a pointer: NOLINTNEXTLINE(bugprone-sizeof-expression)
    detail::count_block<Policy>(heapfloor_instance_of(handle_), count * sizeof(T));
    return block;
  }
  void deallocate(T* block, std::size_t count) noexcept {
    std::allocator<T>().deallocate(block, count);
    // NOLINTNEXTLINE(bugprone-sizeof-expression)
    detail::uncount_block<Policy>(heapfloor_instance_of(handle_), count * sizeof(T));
  }

  [[nodiscard]] heapfloor_handle handle() const noexcept { return handle_; }

  template <class U>
  friend bool operator==(const allocator& left, const allocator<U, Policy>& right) noexcept {
    return left.handle() == right.handle();
  }
  template <class U>
  friend bool operator!=(const allocator& left, const allocator<U, Policy>& right) noexcept {
    return !(left == right);
  }

 private:
  // The number of copies but one. Instances that are not watched have no place for it, and are
  // never counted as ended.
  void share() noexcept {
    if (heapfloor_instance* record = heapfloor_instance_of(handle_); record != nullptr) {
      __atomic_fetch_add(&record->sharers, 1, __ATOMIC_RELAXED);
    }
  }
  void leave() noexcept {
    heapfloor_instance* record = heapfloor_instance_of(handle_);
    if (record == nullptr) return;
    if (__atomic_fetch_sub(&record->sharers, 1, __ATOMIC_ACQ_REL) == 0) {
      heapfloor_instance_end(handle_);
    }
  }

  heapfloor_handle handle_ = HEAPFLOOR_NO_INSTANCE;
};

#endif

}  // namespace heapfloor
