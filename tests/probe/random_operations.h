// Any container of the standard's shape under random operations, held against what the program
// really allocated: after every operation the elements are size(), and the bytes of all instances
// together are the heap's; a container that ends gives back just what was counted for it.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "heapfloor/structures.h"
#include "tests/probe/counted_heap.h"

namespace random_operations {

// An element that holds no memory and throws when it is copied once too often.
struct Item {
  int value = 0;
  static inline int copies_left = -1;  // below 0: never

  Item() { maybe_throw(); }
  explicit Item(int number) : value(number) {}
  Item(const Item& other) : value(other.value) { maybe_throw(); }
  Item(Item&& other) noexcept : value(other.value) {}
  Item& operator=(const Item& other) {
    if (this == &other) return *this;
    maybe_throw();
    value = other.value;
    return *this;
  }
  Item& operator=(Item&& other) noexcept {
    value = other.value;
    return *this;
  }
  ~Item() = default;
  bool operator==(const Item& other) const { return value == other.value; }
  bool operator<(const Item& other) const { return value < other.value; }

 private:
  static void maybe_throw() {
    if (copies_left == 0) throw std::runtime_error("one copy too many");
    if (copies_left > 0) --copies_left;
  }
};

struct ItemHash {
  std::size_t operator()(const Item& item) const { return std::hash<int>()(item.value % 13); }
};

template <class C>
typename C::value_type any_value(std::mt19937_64& random) {
  const int number = static_cast<int>(random() % 40);
  if constexpr (heapfloor::detail::kIsMap<typename C::container_type>)
    return typename C::value_type(Item(number), Item(number));
  if constexpr (!heapfloor::detail::kIsMap<typename C::container_type>)
    return typename C::value_type(number);
}

template <class C>
const heapfloor_instance* record_of(const C& container) {
  return heapfloor_instance_of(container.get_allocator().handle());
}

struct Whole {
  static constexpr bool kNodes = true;   // they know how large their nodes are and exchange them
  static constexpr bool kThrows = true;  // they lose nothing when an element's copy throws
};

template <class C, class Traits>
class Bench {
 public:
  static constexpr std::size_t kContainers = 4;

  explicit Bench(std::uint64_t seed) : random_(seed) {
    for (auto& container : containers_) container = make();
  }
  ~Bench() { Item::copies_left = -1; }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  // One random operation, which may throw halfway, and the check.
  void step() {
    const std::uint64_t which = random_() % 28;
    Item::copies_left =
        Traits::kThrows && random_() % 4 == 0 ? static_cast<int>(random_() % 6) : -1;
    try {
      const counted_heap::Look look;
      operate(which);
    } catch (const std::runtime_error&) {
      ++thrown_;
    }
    Item::copies_left = -1;
    check(which);
  }

  [[nodiscard]] int thrown() const { return thrown_; }

  // Every container ends and gives back what was counted for it.
  void end_all() {
    for (auto& container : containers_) end(container);
    EXPECT_EQ(counted_heap::live_bytes, at_start_);
  }

 private:
  using Pointer = std::unique_ptr<C>;

  // The container itself lies in memory that nobody looks at, what it allocates does not.
  static Pointer make() {
    counted_heap::is_looking = false;
    void* place = ::operator new(sizeof(C));
    const counted_heap::Look look;
    return Pointer(new (place) C(heapfloor::name("random")));
  }

  void end(Pointer& container) {
    const std::int64_t before = counted_heap::live_bytes;
    const std::uint64_t counted = record_of(*container)->bytes;
    container.reset();
    EXPECT_EQ(before - counted_heap::live_bytes, static_cast<std::int64_t>(counted));
  }

  C& any() { return *containers_[random_() % kContainers]; }

  void check(std::uint64_t which) {
    std::uint64_t bytes = 0;
    for (const auto& container : containers_) {
      const heapfloor_instance* record = record_of(*container);
      ASSERT_NE(record, nullptr);
      ASSERT_EQ(record->elements, container->size()) << "operation " << which;
      ASSERT_GE(record->peak_elements, container->size()) << "operation " << which;
      if constexpr (heapfloor::detail::kHasCapacity<typename C::container_type>) {
        ASSERT_EQ(record->capacity_elements, container->capacity()) << "operation " << which;
      }
      if constexpr (heapfloor::detail::kHasBuckets<typename C::container_type>) {
        ASSERT_EQ(record->hash_buckets, container->bucket_count()) << "operation " << which;
      }
      bytes += record->bytes;
    }
    ASSERT_EQ(static_cast<std::int64_t>(bytes), counted_heap::live_bytes - at_start_)
        << "operation " << which;
  }

  void operate(std::uint64_t which) {
    if (which < 6) return add();
    if (which < 10) return remove();
    switch (which) {
      case 10:
        return any().clear();
      case 11:
        any() = std::as_const(any());
        return;
      case 12:
        any() = std::move(any());
        return;
      case 13:
        any().swap(any());
        return;
      case 14:
        return std::swap(any(), any());
      case 15:
        return copy_construct();
      case 16:
        return move_construct();
      case 17:
        any() = {any_value<C>(random_), any_value<C>(random_)};
        return;
      case 18:
        return grow_or_shrink();
      case 19:
        return replace_one();
      case 20:
        any() = C(heapfloor::name("random"), any());
        return;
      default:
        return special();
    }
  }

  void add() {
    C& to = any();
    typename C::value_type value = any_value<C>(random_);
    if constexpr (heapfloor::detail::kHasPushBack<typename C::container_type>) {
      switch (random_() % 6) {
        case 0:
          to.push_back(value);
          return;
        case 1:
          to.push_back(std::move(value));
          return;
        case 2:
          to.insert(to.begin(), value);
          return;
        case 3:
          to.insert(to.end(), std::size_t{3}, value);
          return;
        case 4:
          to.insert(to.begin(), {value, value});
          return;
        default:
          to.resize(to.size() + (random_() % 20));
          return;
      }
    } else {
      switch (random_() % 5) {
        case 0:
          to.insert(value);
          return;
        case 1:
          to.insert(std::move(value));
          return;
        case 2:
          to.emplace(value);
          return;
        case 3:
          to.insert({value, any_value<C>(random_)});
          return;
        default: {
          const std::array<typename C::value_type, 2> values = {any_value<C>(random_),
                                                                any_value<C>(random_)};
          to.insert(values.begin(), values.end());
        }
      }
    }
  }

  void remove() {
    C& from = any();
    if (from.empty()) return;
    if constexpr (heapfloor::detail::kIsKeyed<typename C::container_type>) {
      if (random_() % 2 == 0) {
        from.erase(Item(static_cast<int>(random_() % 40)));
        return;
      }
    } else if (random_() % 3 == 0) {
      from.resize(from.size() / 2, any_value<C>(random_));
      return;
    } else if (random_() % 2 == 0) {
      from.pop_back();
      return;
    }
    from.erase(from.begin());
  }

  void copy_construct() {
    Pointer& place = containers_[random_() % kContainers];
    const C& other = any();
    C copy(other);
    EXPECT_EQ(record_of(copy)->elements, copy.size());
    place->swap(copy);
  }

  void move_construct() {
    C& from = any();
    C moved(std::move(from));
    EXPECT_EQ(record_of(moved)->elements, moved.size());
    // NOLINTBEGIN(bugprone-use-after-move): what it says then, and how it goes on
    EXPECT_EQ(record_of(from)->elements, from.size());
    if (random_() % 2 == 0) from.insert(from.end(), any_value<C>(random_));
    // NOLINTEND(bugprone-use-after-move)
    any().swap(moved);
  }

  void grow_or_shrink() {
    C& it = any();
    if constexpr (heapfloor::detail::kHasBuckets<typename C::container_type>) {
      it.rehash(random_() % 200);
    } else if constexpr (heapfloor::detail::kHasCapacity<typename C::container_type>) {
      if (random_() % 2 == 0) return it.reserve(random_() % 100);
      it.shrink_to_fit();
    }
  }

  void replace_one() {
    Pointer& place = containers_[random_() % kContainers];
    end(place);
    place = make();
  }

  // What some families have and others have not.
  void special() {
    C& left = any();
    C& right = any();
    if constexpr (!Traits::kNodes) return left.clear();
    if constexpr (heapfloor::detail::kHasSplice<typename C::container_type>) {
      switch (random_() % 5) {
        case 0:
          if (&left != &right) left.splice(left.begin(), right);
          return;
        case 1:
          if (&left != &right && !right.empty()) left.splice(left.end(), right, right.begin());
          return;
        case 2:
          if (&left != &right) {
            left.sort();
            right.sort();
            left.merge(right);
          }
          return;
        case 3:
          left.remove(any_value<C>(random_));
          return;
        default:
          left.unique();
          return;
      }
    } else if constexpr (heapfloor::detail::kIsKeyed<typename C::container_type>) {
      if (random_() % 3 == 0) {
        if (&left != &right) left.merge(right);
        return;
      }
      if (left.empty()) return;
      auto taken = left.extract(left.begin());
      EXPECT_EQ(record_of(left)->elements, left.size());
      if (random_() % 2 == 0) right.insert(std::move(taken));
    } else {
      left.assign(std::size_t{5}, any_value<C>(random_));
    }
  }

  std::mt19937_64 random_;
  std::int64_t at_start_ = counted_heap::live_bytes;
  std::array<Pointer, kContainers> containers_;
  int thrown_ = 0;
};

template <class C, class Traits = Whole>
void expect_exact_books() {
  int thrown = 0;
  for (std::uint64_t seed = 1; seed <= 20 && !testing::Test::HasFatalFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Bench<C, Traits> bench(seed);
    for (int i = 0; i < 1500 && !testing::Test::HasFatalFailure(); ++i) bench.step();
    bench.end_all();
    thrown += bench.thrown();
  }
  if constexpr (Traits::kThrows && !heapfloor::detail::kIsString<typename C::container_type>) {
    EXPECT_GT(thrown, 100) << "copies that throw are part of the test";
  }
}

}  // namespace random_operations
