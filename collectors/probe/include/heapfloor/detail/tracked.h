// tracked<C> and the allocator inside it. Not for users: include <heapfloor/structures.h>.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <type_traits>
#include <utility>

#include "heapfloor/detail/container_traits.h"
#include "heapfloor/detail/instance.h"
#include "heapfloor/policy.h"

namespace heapfloor {

template <class C, class Policy>
class tracked;

namespace detail {

// Counts bytes into the instance of the container that it was made for, as long as that lives. It
// never leaves its container: contents move between containers, allocators do not.
template <class T, class Policy>
class tracking_allocator {
 public:
  using value_type = T;
  using is_always_equal = std::true_type;
  using propagate_on_container_copy_assignment = std::false_type;
  using propagate_on_container_move_assignment = std::false_type;
  using propagate_on_container_swap = std::false_type;
  template <class U>
  struct rebind {
    using other = tracking_allocator<U, Policy>;
  };

  // Counts nothing.
  constexpr tracking_allocator() noexcept = default;
  constexpr explicit tracking_allocator(heapfloor_handle handle) noexcept : handle_(handle) {}
  template <class U>
  // As between all allocators: NOLINTNEXTLINE(google-explicit-constructor)
  constexpr tracking_allocator(const tracking_allocator<U, Policy>& other) noexcept
      : handle_(other.handle()) {}
  // What a copy of the plain container counts: nothing.
  [[nodiscard]] tracking_allocator select_on_container_copy_construction() const noexcept {
    return {};
  }

  [[nodiscard]] T* allocate(std::size_t count) {
    const label_scope label(handle_, HEAPFLOOR_NAME_GROW);
    T* block = std::allocator<T>().allocate(count);
    if (heapfloor_instance* record = heapfloor_instance_alive(handle_); record != nullptr) {
      // T may be a pointer: NOLINTNEXTLINE(bugprone-sizeof-expression)
      Policy::add(record->bytes, count * sizeof(T));
    }
    return block;
  }
  void deallocate(T* block, std::size_t count) noexcept {
    std::allocator<T>().deallocate(block, count);
    if (heapfloor_instance* record = heapfloor_instance_alive(handle_); record != nullptr) {
      // NOLINTNEXTLINE(bugprone-sizeof-expression)
      Policy::subtract(record->bytes, count * sizeof(T));
    }
  }

  [[nodiscard]] constexpr heapfloor_handle handle() const noexcept { return handle_; }

  template <class U>
  friend constexpr bool operator==(const tracking_allocator& /*left*/,
                                   const tracking_allocator<U, Policy>& /*right*/) noexcept {
    return true;
  }
  template <class U>
  friend constexpr bool operator!=(const tracking_allocator& /*left*/,
                                   const tracking_allocator<U, Policy>& /*right*/) noexcept {
    return false;
  }

 private:
  heapfloor_handle handle_ = HEAPFLOOR_NO_INSTANCE;
};

template <class Argument, class Policy>
struct tracked_argument {
  using type = Argument;
  static constexpr bool kIsAllocator = false;
};
template <class T, class Policy>
struct tracked_argument<std::allocator<T>, Policy> {
  using type = tracking_allocator<T, Policy>;
  static constexpr bool kIsAllocator = true;
};

// C with our allocator.
template <class C, class Policy>
struct rebound;
template <template <class...> class C, class... Arguments, class Policy>
struct rebound<C<Arguments...>, Policy> {
  static_assert((false || ... || tracked_argument<Arguments, Policy>::kIsAllocator),
                "heapfloor::tracked needs a container whose allocator is std::allocator");
  using type = C<typename tracked_argument<Arguments, Policy>::type...>;
};
template <template <class, std::size_t, class> class C, class T, std::size_t kSize, class Allocator,
          class Policy>
struct rebound<C<T, kSize, Allocator>, Policy> {
  static_assert(tracked_argument<Allocator, Policy>::kIsAllocator,
                "heapfloor::tracked needs a container whose allocator is std::allocator");
  using type = C<T, kSize, typename tracked_argument<Allocator, Policy>::type>;
};

template <class T>
inline constexpr bool kIsTracked = false;
template <class C, class Policy>
inline constexpr bool kIsTracked<tracked<C, Policy>> = true;

using word = single_writer;  // how everything but bytes is counted: nobody else writes meanwhile

// Takes the sizes of a container as they are, without counting a change.
template <class C>
void take_sizes(heapfloor_instance& record, const C& container) noexcept {
  const std::uint64_t elements = container.size();
  word::store(record.elements, elements);
  word::store(record.carried,
              word::load(record.insertions) - word::load(record.removals) - elements);
  word::raise(record.peak_elements, elements);
  if constexpr (kHasCapacity<C>) word::store(record.capacity_elements, container.capacity());
  if constexpr (kHasBuckets<C>) word::store(record.hash_buckets, container.bucket_count());
}

// Capacity or buckets are others than before: a growth, a shrink or a rehash.
template <class C>
[[gnu::noinline, gnu::cold]] void count_growth(heapfloor_handle handle, heapfloor_instance& record,
                                               std::uint64_t elements_before, std::uint64_t before,
                                               std::uint64_t now) noexcept {
  if (now < before) {
    heapfloor_instance_event(handle, HEAPFLOOR_EVENT_SHRINK);
    return;
  }
  if constexpr (kHasBuckets<C>) heapfloor_instance_event(handle, HEAPFLOOR_EVENT_REHASH);
  if constexpr (kHasCapacity<C>) {
    word::add(record.growths, 1);
    word::add(record.moved_bytes, elements_before * sizeof(typename C::value_type));
  }
}

// Elements came or went. With vectors and strings, whose operations are a few instructions, a
// counter is computed from what operations in that direction leave alone: to add to it would make
// every operation wait for the store of the one before.
template <class C>
void count_change(heapfloor_instance& record, std::uint64_t before, std::uint64_t now) noexcept {
  constexpr bool kIsQuick = kHasCapacity<C>;
  if (now > before) {
    if constexpr (kIsQuick) {
      word::store(record.insertions,
                  now + word::load(record.removals) + word::load(record.carried));
    } else {
      word::add(record.insertions, now - before);
    }
    word::raise(record.peak_elements, now);
  } else if (now < before) {
    if constexpr (kIsQuick) {
      word::store(record.removals,
                  word::load(record.insertions) - now - word::load(record.carried));
    } else {
      word::add(record.removals, before - now);
    }
  }
}

// Counts what became of a container since the last time.
template <class C>
[[gnu::always_inline]] inline void settle_here(heapfloor_handle handle,
                                               const C& container) noexcept {
  heapfloor_instance* record = heapfloor_instance_of(handle);
  if (record == nullptr) return;
  const std::uint64_t now = container.size();
  const std::uint64_t before = word::load(record->elements);
  word::store(record->elements, now);
  count_change<C>(*record, before, now);
  if constexpr (kHasCapacity<C>) {
    const std::uint64_t capacity = container.capacity();
    const std::uint64_t known = word::load(record->capacity_elements);
    if (capacity != known) {
      word::store(record->capacity_elements, capacity);
      count_growth<C>(handle, *record, before, known, capacity);
    }
  }
  if constexpr (kHasBuckets<C>) {
    const std::uint64_t buckets = container.bucket_count();
    const std::uint64_t known = word::load(record->hash_buckets);
    if (buckets != known) {
      word::store(record->hash_buckets, buckets);
      if constexpr (!kHasCapacity<C>) count_growth<C>(handle, *record, before, known, buckets);
    }
  }
}

template <class C>
[[gnu::noinline]] void settle(heapfloor_handle handle, const C& container) noexcept {
  settle_here(handle, container);
}

// Settles at the end of a function, however it ends. Inline where most operations are a few
// instructions, so that the container's own members can stay in registers around it.
template <class C>
class settling {
 public:
  settling(heapfloor_handle handle, const C& container) noexcept
      : handle_(handle), container_(container) {}
  settling(const settling&) = delete;
  settling& operator=(const settling&) = delete;
  [[gnu::always_inline]] ~settling() {
    if constexpr (kHasCapacity<C>) {
      settle_here(handle_, container_);
    } else {
      settle(handle_, container_);
    }
  }

 private:
  heapfloor_handle handle_;
  const C& container_;
};

inline std::uint64_t bytes_in(heapfloor_handle handle) noexcept {
  const heapfloor_instance* record = heapfloor_instance_alive(handle);
  return record == nullptr ? 0 : word::load(record->bytes);
}

template <class C>
void take_sizes(heapfloor_handle handle, const C& container) noexcept {
  heapfloor_instance* record = heapfloor_instance_alive(handle);
  if (record != nullptr) take_sizes(*record, container);
}

// `taken`, which counts into `to`, was constructed from a container that counts into `from` by
// moving. The bytes of both were `to_before` and `from_before`. Now it has what that held, and that
// has what either of them allocated meanwhile (deques are never without memory).
template <class C>
void move_books(heapfloor_handle to, std::uint64_t to_before, const C& taken, heapfloor_handle from,
                std::uint64_t from_before) noexcept {
  heapfloor_instance* to_record = heapfloor_instance_alive(to);
  heapfloor_instance* from_record = heapfloor_instance_alive(from);
  std::uint64_t fresh = 0;
  if (to_record != nullptr) fresh += word::load(to_record->bytes) - to_before;
  if (from_record != nullptr) fresh += word::load(from_record->bytes) - from_before;
  const std::uint64_t got = from_record == nullptr ? visible_bytes(taken) : from_before;
  if (to_record != nullptr) word::store(to_record->bytes, to_before + got);
  if (from_record != nullptr) word::store(from_record->bytes, fresh);
}

// Two containers have exchanged all that they hold. Where one of them is not watched the other's
// bytes are those that can be seen.
template <class C>
void exchange_books(heapfloor_handle left, const C& left_container, heapfloor_handle right,
                    const C& right_container) noexcept {
  heapfloor_instance* left_record = heapfloor_instance_of(left);
  heapfloor_instance* right_record = heapfloor_instance_of(right);
  if (left_record != nullptr && right_record != nullptr) {
    const std::uint64_t bytes = word::load(left_record->bytes);
    word::store(left_record->bytes, word::load(right_record->bytes));
    word::store(right_record->bytes, bytes);
  } else if (left_record != nullptr) {
    word::store(left_record->bytes, visible_bytes(left_container));
  } else if (right_record != nullptr) {
    word::store(right_record->bytes, visible_bytes(right_container));
  }
  if (left_record != nullptr) take_sizes(*left_record, left_container);
  if (right_record != nullptr) take_sizes(*right_record, right_container);
}

// `count` nodes went from one container to another. Elements are settled by whoever calls.
template <class Policy>
void move_node_bytes(heapfloor_handle from, heapfloor_handle to, std::uint64_t bytes) noexcept {
  if (bytes == 0 || from == to) return;
  if (heapfloor_instance* record = heapfloor_instance_alive(from); record != nullptr) {
    Policy::subtract(record->bytes, bytes);
  }
  if (heapfloor_instance* record = heapfloor_instance_of(to); record != nullptr) {
    Policy::add(record->bytes, bytes);
  }
}

// While nodes go from `source` into a container: counts both at the end.
template <class C, class Source, class Policy>
class transfer {
 public:
  transfer(heapfloor_handle handle, const C& container, const Source& source) noexcept
      : handle_(handle), container_(container), source_(source), before_(container.size()) {}
  transfer(const transfer&) = delete;
  transfer& operator=(const transfer&) = delete;
  ~transfer() {
    const heapfloor_handle source = source_.get_allocator().handle();
    if (source != handle_) {
      const std::uint64_t moved = container_.size() - before_;
      move_node_bytes<Policy>(source, handle_, moved * node_bytes<C>::value);
      if (heapfloor_instance_alive(source) != nullptr) settle(source, source_);
    }
    settle(handle_, container_);
  }

 private:
  heapfloor_handle handle_;
  const C& container_;
  const Source& source_;
  std::uint64_t before_;
};

template <class C, class = void>
struct node_type_of {
  struct type {  // nobody has one, and nothing converts to it
    explicit type(const type&, const type*);
  };
};
template <class C>
struct node_type_of<C, std::void_t<typename C::node_type>> {
  using type = typename C::node_type;
};

}  // namespace detail

// Literals reach forwarding functions as arrays: NOLINTBEGIN(modernize-avoid-c-arrays)
template <class C, class Policy = single_writer>
class tracked : private detail::owned_instance, public detail::rebound<C, Policy>::type {
  using base = typename detail::rebound<C, Policy>::type;
  using node = typename detail::node_type_of<base>::type;
  using index = detail::index_of<base>;
  using key = typename detail::key_of<base>::type;
  using counts = detail::settling<base>;
  template <class Source>
  using counts_transfer = detail::transfer<base, Source, Policy>;

  // Ours, for a constructor: labelled as `init` as long as this lives, which is until the container
  // is constructed.
  class initial {
   public:
    explicit initial(heapfloor_handle handle) noexcept
        : handle_(handle), label_(handle, HEAPFLOOR_NAME_INIT) {}
    [[nodiscard]] typename base::allocator_type allocator() const noexcept {
      return typename base::allocator_type(
          detail::tracking_allocator<typename base::value_type, Policy>(handle_));
    }

   private:
    heapfloor_handle handle_;
    detail::label_scope label_;
  };

  template <class... Arguments>
  static constexpr bool kTakes =
      std::is_constructible_v<base, Arguments..., const typename base::allocator_type&>;
  template <class Argument>
  static constexpr bool kIsOther = !std::is_same_v<std::decay_t<Argument>, tracked> &&
                                   !std::is_same_v<std::decay_t<Argument>, name> &&
                                   !std::is_same_v<std::decay_t<Argument>, owner>;

  static heapfloor_handle start(const name& named) noexcept {
    return detail::begin_instance<typename base::value_type>(
        named.text(), named.bytes(), named.where(), detail::kind_of<base>());
  }
  static heapfloor_handle start(owner where) noexcept {
    return detail::begin_instance<typename base::value_type>(nullptr, 0, where,
                                                             detail::kind_of<base>());
  }
  // The sizes after a constructor: what it put in is inserted, what it reserved is no growth.
  void count_initial() noexcept {
    heapfloor_instance* record = heapfloor_instance_of(heapfloor_handle_);
    if (record == nullptr) return;
    detail::word::store(record->insertions, base::size());
    detail::take_sizes(*record, as_base());
  }

  base& as_base() noexcept { return *this; }
  [[nodiscard]] const base& as_base() const noexcept { return *this; }

  // Runs one of the container's functions and settles, however it ends. Where the container returns
  // itself, so do we.
  template <class Call>
  decltype(auto) settle_after(Call&& call) {
    const counts counting(heapfloor_handle_, as_base());
    if constexpr (std::is_same_v<std::invoke_result_t<Call>, base&>) {
      call();
      return (*this);
    } else {
      return call();
    }
  }
  template <class Call>
  decltype(auto) settle_in(std::uint16_t phase, Call&& call) {
    const detail::label_scope label(heapfloor_handle_, phase);
    return settle_after(std::forward<Call>(call));
  }
  template <class Key>
  decltype(auto) find_or_insert(Key&& at) {
    if constexpr (detail::kIsMap<base>) {
      const counts counting(heapfloor_handle_, as_base());
      return base::operator[](std::forward<Key>(at));
    } else {
      return base::operator[](at);
    }
  }

  // The successor of `other`, which held so many bytes.
  tracked(tracked&& other, heapfloor_handle successor, std::uint64_t bytes)
      : owned_instance(successor),
        base(std::move(other.as_base()), initial(heapfloor_handle_).allocator()) {
    detail::move_books(heapfloor_handle_, 0, as_base(), other.heapfloor_handle_, bytes);
    detail::take_sizes(heapfloor_handle_, as_base());
    detail::take_sizes(other.heapfloor_handle_, other.as_base());
  }

  // All that `other` holds, in the place of what this holds, by operations that move the same
  // things whatever the container; without memory where the container's own assignment needs none.
  void take_contents(base& other) {
    const heapfloor_handle source = other.get_allocator().handle();
    if constexpr (std::is_nothrow_constructible_v<base, base,
                                                  const typename base::allocator_type&>) {
      const std::uint64_t mine = detail::bytes_in(heapfloor_handle_);
      const std::uint64_t theirs = detail::bytes_in(source);
      base taken(std::move(other), base::get_allocator());
      detail::move_books(heapfloor_handle_, mine, taken, source, theirs);
      base::swap(taken);
    } else {
      base::swap(other);
      detail::exchange_books(heapfloor_handle_, as_base(), source, other);
      other.clear();
    }
    detail::take_sizes(heapfloor_handle_, as_base());
    // What is left in it is the question: NOLINTNEXTLINE(bugprone-use-after-move)
    detail::take_sizes(source, other);
  }
  static heapfloor_handle handle_of(const node& taken) noexcept {
    return taken.empty() ? HEAPFLOOR_NO_INSTANCE : taken.get_allocator().handle();
  }
  void count_node_of(heapfloor_handle source) noexcept {
    detail::move_node_bytes<Policy>(source, heapfloor_handle_, detail::node_bytes<base>::value);
  }

 public:
  // C with our allocator.
  using container_type = base;
  using typename base::allocator_type;
  using typename base::const_iterator;
  using typename base::iterator;
  using typename base::size_type;
  using typename base::value_type;

  // ---- constructors: all of the container's, with a name before the other arguments or without

  // Implicit, as that of the container: NOLINTNEXTLINE(google-explicit-constructor)
  tracked(owner where = owner())
      : owned_instance(start(where)), base(initial(heapfloor_handle_).allocator()) {
    count_initial();
  }
  template <class... Arguments>
  explicit tracked(const name& named, Arguments&&... arguments)
      : owned_instance(start(named)),
        base(std::forward<Arguments>(arguments)..., initial(heapfloor_handle_).allocator()) {
    count_initial();
  }
  tracked(const name& named, std::initializer_list<value_type> values)
      : owned_instance(start(named)), base(values, initial(heapfloor_handle_).allocator()) {
    count_initial();
  }
  // NOLINTNEXTLINE(google-explicit-constructor): implicit, as that of the container
  tracked(std::initializer_list<value_type> values, owner where = owner())
      : owned_instance(start(where)), base(values, initial(heapfloor_handle_).allocator()) {
    count_initial();
  }
  template <class Argument, std::enable_if_t<kIsOther<Argument> && kTakes<Argument> &&
                                                 std::is_convertible_v<Argument, base>,
                                             int> = 0>
  // NOLINTNEXTLINE(google-explicit-constructor,bugprone-forwarding-reference-overload)
  tracked(Argument&& argument, owner where = owner())
      : owned_instance(start(where)),
        base(std::forward<Argument>(argument), initial(heapfloor_handle_).allocator()) {
    count_initial();
  }
  template <class Argument, std::enable_if_t<kIsOther<Argument> && kTakes<Argument> &&
                                                 !std::is_convertible_v<Argument, base>,
                                             long> = 0>
  // NOLINTNEXTLINE(bugprone-forwarding-reference-overload)
  explicit tracked(Argument&& argument, owner where = owner())
      : owned_instance(start(where)),
        base(std::forward<Argument>(argument), initial(heapfloor_handle_).allocator()) {
    count_initial();
  }
  template <class First, class Second,
            std::enable_if_t<kIsOther<First> && kIsOther<Second> && kTakes<First, Second>, int> = 0>
  tracked(First&& first, Second&& second, owner where = owner())
      : owned_instance(start(where)),
        base(std::forward<First>(first), std::forward<Second>(second),
             initial(heapfloor_handle_).allocator()) {
    count_initial();
  }
  template <
      class First, class Second, class Third, class... Rest,
      std::enable_if_t<kIsOther<First> && kIsOther<Third> && kTakes<First, Second, Third, Rest...>,
                       int> = 0>
  tracked(First&& first, Second&& second, Third&& third, Rest&&... rest)
      : owned_instance(start(owner(nullptr, 0))),
        base(std::forward<First>(first), std::forward<Second>(second), std::forward<Third>(third),
             std::forward<Rest>(rest)..., initial(heapfloor_handle_).allocator()) {
    count_initial();
  }

  tracked(const tracked& other)
      : owned_instance(heapfloor_instance_another(other.heapfloor_handle_)),
        base(other.as_base(), initial(heapfloor_handle_).allocator()) {
    count_initial();
  }
  // As the container:
  // NOLINTNEXTLINE(performance-noexcept-move-constructor,bugprone-exception-escape)
  tracked(tracked&& other) noexcept(std::is_nothrow_move_constructible_v<base>)
      : tracked(std::move(other), heapfloor_instance_successor(other.heapfloor_handle_),
                detail::bytes_in(other.heapfloor_handle_)) {}
  ~tracked() = default;

  tracked& operator=(const tracked& other) {
    settle_after([&]() -> decltype(auto) { return base::operator=(other.as_base()); });
    return *this;
  }
  // NOLINTNEXTLINE(performance-noexcept-move-constructor,bugprone-exception-escape)
  tracked& operator=(tracked&& other) noexcept(std::is_nothrow_move_assignable_v<base>) {
    if (this != &other) take_contents(other.as_base());
    return *this;
  }
  tracked& operator=(std::initializer_list<value_type> values) {
    const counts counting(heapfloor_handle_, as_base());
    if constexpr (detail::kIsKeyed<base>) {
      // Not every container takes a list: some would make a container of it that does not count.
      base::clear();
      base::insert(values.begin(), values.end());
    } else {
      base::operator=(values);
    }
    return *this;
  }
  template <class Other,
            std::enable_if_t<kIsOther<Other> && std::is_assignable_v<base&, Other>, int> = 0>
  tracked& operator=(Other&& other) {
    if constexpr (std::is_same_v<Other, base>) {
      take_contents(other);
    } else {
      settle_after([&]() -> decltype(auto) { return base::operator=(std::forward<Other>(other)); });
    }
    return *this;
  }

#define HEAPFLOOR_COUNTED(...) \
  return this->settle_after([&]() -> decltype(auto) { return base::__VA_ARGS__; })

  // ---- what all containers have

  void swap(base& other) noexcept(noexcept(std::declval<base&>().swap(other))) {
    if (&other == &as_base()) return;
    base::swap(other);
    detail::exchange_books(heapfloor_handle_, as_base(), other.get_allocator().handle(), other);
  }
  friend void swap(tracked& left, tracked& right) noexcept(noexcept(left.swap(right.as_base()))) {
    left.swap(right.as_base());
  }
  void clear() noexcept(noexcept(std::declval<base&>().clear())) {
    const bool held_something = !base::empty();
    settle_in(HEAPFLOOR_NAME_CLEAR, [&] { base::clear(); });
    if (held_something) heapfloor_instance_event(heapfloor_handle_, HEAPFLOOR_EVENT_CLEAR);
  }

  decltype(auto) insert(const value_type& value) { HEAPFLOOR_COUNTED(insert(value)); }
  decltype(auto) insert(value_type&& value) { HEAPFLOOR_COUNTED(insert(std::move(value))); }
  decltype(auto) insert(std::initializer_list<value_type> values) {
    HEAPFLOOR_COUNTED(insert(values));
  }
  decltype(auto) insert(const_iterator at, const value_type& value) {
    HEAPFLOOR_COUNTED(insert(at, value));
  }
  decltype(auto) insert(const_iterator at, value_type&& value) {
    HEAPFLOOR_COUNTED(insert(at, std::move(value)));
  }
  decltype(auto) insert(const_iterator at, size_type number, const value_type& value) {
    HEAPFLOOR_COUNTED(insert(at, number, value));
  }
  decltype(auto) insert(const_iterator at, std::initializer_list<value_type> values) {
    HEAPFLOOR_COUNTED(insert(at, values));
  }
  decltype(auto) insert(node&& taken) {
    const heapfloor_handle source = handle_of(taken);
    const std::uint64_t before = base::size();
    const counts counting(heapfloor_handle_, as_base());
    auto result = base::insert(std::move(taken));
    if (base::size() > before) count_node_of(source);
    return result;
  }
  decltype(auto) insert(const_iterator hint, node&& taken) {
    const heapfloor_handle source = handle_of(taken);
    const std::uint64_t before = base::size();
    const counts counting(heapfloor_handle_, as_base());
    auto result = base::insert(hint, std::move(taken));
    if (base::size() > before) count_node_of(source);
    return result;
  }
  template <
      class... Arguments,
      std::enable_if_t<!(false || ... || std::is_same_v<std::decay_t<Arguments>, node>), int> = 0>
  decltype(auto) insert(Arguments&&... arguments) {
    HEAPFLOOR_COUNTED(insert(std::forward<Arguments>(arguments)...));
  }
  decltype(auto) erase(const key& value) { HEAPFLOOR_COUNTED(erase(value)); }
  template <class... Arguments>
  decltype(auto) erase(Arguments&&... arguments) {
    HEAPFLOOR_COUNTED(erase(std::forward<Arguments>(arguments)...));
  }
  template <class... Arguments>
  decltype(auto) emplace(Arguments&&... arguments) {
    HEAPFLOOR_COUNTED(emplace(std::forward<Arguments>(arguments)...));
  }
  decltype(auto) operator[](const index& at) { return find_or_insert(at); }
  decltype(auto) operator[](index&& at) { return find_or_insert(std::move(at)); }
  decltype(auto) operator[](const index& at) const { return base::operator[](at); }
  void reserve(size_type number) {
    settle_in(HEAPFLOOR_NAME_INIT, [&] { base::reserve(number); });
  }
  void shrink_to_fit() {
    settle_in(HEAPFLOOR_NAME_CLEAR, [&] { base::shrink_to_fit(); });
  }

  // ---- sequences

  decltype(auto) push_back(const value_type& value) { HEAPFLOOR_COUNTED(push_back(value)); }
  decltype(auto) push_back(value_type&& value) { HEAPFLOOR_COUNTED(push_back(std::move(value))); }
  decltype(auto) push_front(const value_type& value) { HEAPFLOOR_COUNTED(push_front(value)); }
  decltype(auto) push_front(value_type&& value) { HEAPFLOOR_COUNTED(push_front(std::move(value))); }
  template <class... Arguments>
  decltype(auto) emplace_back(Arguments&&... arguments) {
    HEAPFLOOR_COUNTED(emplace_back(std::forward<Arguments>(arguments)...));
  }
  template <class... Arguments>
  decltype(auto) emplace_front(Arguments&&... arguments) {
    HEAPFLOOR_COUNTED(emplace_front(std::forward<Arguments>(arguments)...));
  }
  void pop_back() { HEAPFLOOR_COUNTED(pop_back()); }
  void pop_front() { HEAPFLOOR_COUNTED(pop_front()); }
  void resize(size_type number) { HEAPFLOOR_COUNTED(resize(number)); }
  void resize(size_type number, const value_type& value) {
    HEAPFLOOR_COUNTED(resize(number, value));
  }
  decltype(auto) assign(std::initializer_list<value_type> values) {
    HEAPFLOOR_COUNTED(assign(values));
  }
  decltype(auto) assign(size_type number, const value_type& value) {
    HEAPFLOOR_COUNTED(assign(number, value));
  }
  template <class... Arguments>
  decltype(auto) assign(Arguments&&... arguments) {
    HEAPFLOOR_COUNTED(assign(std::forward<Arguments>(arguments)...));
  }
  template <class... Arguments>
  decltype(auto) remove(Arguments&&... arguments) {
    HEAPFLOOR_COUNTED(remove(std::forward<Arguments>(arguments)...));
  }
  template <class... Arguments>
  decltype(auto) remove_if(Arguments&&... arguments) {
    HEAPFLOOR_COUNTED(remove_if(std::forward<Arguments>(arguments)...));
  }
  template <class... Arguments>
  decltype(auto) unique(Arguments&&... arguments) {
    HEAPFLOOR_COUNTED(unique(std::forward<Arguments>(arguments)...));
  }
  template <class... Arguments>
  decltype(auto) assign_range(Arguments&&... arguments) {
    HEAPFLOOR_COUNTED(assign_range(std::forward<Arguments>(arguments)...));
  }
  template <class... Arguments>
  decltype(auto) append_range(Arguments&&... arguments) {
    HEAPFLOOR_COUNTED(append_range(std::forward<Arguments>(arguments)...));
  }
  template <class... Arguments>
  decltype(auto) prepend_range(Arguments&&... arguments) {
    HEAPFLOOR_COUNTED(prepend_range(std::forward<Arguments>(arguments)...));
  }
  template <class... Arguments>
  decltype(auto) insert_range(Arguments&&... arguments) {
    HEAPFLOOR_COUNTED(insert_range(std::forward<Arguments>(arguments)...));
  }

  // ---- maps and sets

  template <class... Arguments>
  decltype(auto) emplace_hint(Arguments&&... arguments) {
    HEAPFLOOR_COUNTED(emplace_hint(std::forward<Arguments>(arguments)...));
  }
  template <class... Arguments>
  decltype(auto) try_emplace(Arguments&&... arguments) {
    HEAPFLOOR_COUNTED(try_emplace(std::forward<Arguments>(arguments)...));
  }
  template <class... Arguments>
  decltype(auto) insert_or_assign(Arguments&&... arguments) {
    HEAPFLOOR_COUNTED(insert_or_assign(std::forward<Arguments>(arguments)...));
  }
  template <class... Arguments>
  decltype(auto) extract(Arguments&&... arguments) {
    HEAPFLOOR_COUNTED(extract(std::forward<Arguments>(arguments)...));
  }
  void rehash(size_type number) { HEAPFLOOR_COUNTED(rehash(number)); }

  // ---- what takes nodes from another container

  template <class Source, class... Arguments>
  void merge(Source&& source, Arguments&&... arguments) {
    const counts_transfer<std::decay_t<Source>> moving(heapfloor_handle_, as_base(), source);
    base::merge(std::forward<Source>(source), std::forward<Arguments>(arguments)...);
  }
  template <class Source, class... Arguments>
  void splice(const_iterator at, Source&& source, Arguments&&... arguments) {
    const counts_transfer<std::decay_t<Source>> moving(heapfloor_handle_, as_base(), source);
    base::splice(at, std::forward<Source>(source), std::forward<Arguments>(arguments)...);
  }

  // ---- strings

  decltype(auto) append(std::initializer_list<value_type> values) {
    HEAPFLOOR_COUNTED(append(values));
  }
  template <class... Arguments>
  decltype(auto) append(Arguments&&... arguments) {
    HEAPFLOOR_COUNTED(append(std::forward<Arguments>(arguments)...));
  }
  decltype(auto) operator+=(std::initializer_list<value_type> values) {
    HEAPFLOOR_COUNTED(operator+=(values));
  }
  template <class Argument>
  decltype(auto) operator+=(Argument&& argument) {
    HEAPFLOOR_COUNTED(operator+=(std::forward<Argument>(argument)));
  }
  template <class... Arguments>
  decltype(auto) replace(Arguments&&... arguments) {
    HEAPFLOOR_COUNTED(replace(std::forward<Arguments>(arguments)...));
  }
  template <class... Arguments>
  decltype(auto) resize_and_overwrite(Arguments&&... arguments) {
    HEAPFLOOR_COUNTED(resize_and_overwrite(std::forward<Arguments>(arguments)...));
  }

#undef HEAPFLOOR_COUNTED
};
// NOLINTEND(modernize-avoid-c-arrays)

}  // namespace heapfloor
