// A memory resource that counts what goes through it, for std::pmr containers and arenas:
//
//     heapfloor::memory_resource pool{"request_arena"};
//     std::pmr::vector<Request> requests{&pool};
//
// Memory comes from `upstream`. Its elements are blocks. memory_resource may be used by several
// threads at once if `upstream` may; basic_memory_resource<heapfloor::single_writer> is for one.
#pragma once

#include <cstddef>
#include <memory_resource>

#include "heapfloor/allocator.h"

namespace heapfloor {

template <class Policy>
class basic_memory_resource : public std::pmr::memory_resource {
 public:
#ifdef HEAPFLOOR_DISABLED
  explicit basic_memory_resource(
      const char* /*text*/, std::pmr::memory_resource* upstream = std::pmr::get_default_resource(),
      owner /*where*/ = owner()) noexcept
      : upstream_(upstream) {}
#else
  explicit basic_memory_resource(
      const char* text, std::pmr::memory_resource* upstream = std::pmr::get_default_resource(),
      owner where = owner()) noexcept
      : upstream_(upstream),
        handle_(detail::begin_instance<std::byte>(text, name(text).bytes(), where,
                                                  HEAPFLOOR_KIND_MEMORY_RESOURCE)) {}
#endif
  basic_memory_resource(const basic_memory_resource&) = delete;
  basic_memory_resource& operator=(const basic_memory_resource&) = delete;
#ifdef HEAPFLOOR_DISABLED
  ~basic_memory_resource() override = default;
  void cleared() noexcept {}
#else
  ~basic_memory_resource() override { heapfloor_instance_end(handle_); }
  // Everything was given back at once, or it was compacted: an epoch for the detector.
  void cleared() noexcept { heapfloor_instance_event(handle_, HEAPFLOOR_EVENT_CLEAR); }
#endif
  [[nodiscard]] std::pmr::memory_resource* upstream() const noexcept { return upstream_; }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
#ifdef HEAPFLOOR_DISABLED
    return upstream_->allocate(bytes, alignment);
#else
    const detail::label_scope label(handle_, HEAPFLOOR_NAME_GROW);
    void* block = upstream_->allocate(bytes, alignment);
    detail::count_block<Policy>(heapfloor_instance_of(handle_), bytes);
    return block;
#endif
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    upstream_->deallocate(block, bytes, alignment);
#ifndef HEAPFLOOR_DISABLED
    detail::uncount_block<Policy>(heapfloor_instance_of(handle_), bytes);
#endif
  }
  [[nodiscard]] bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    return this == &other;
  }

  std::pmr::memory_resource* upstream_;
#ifndef HEAPFLOOR_DISABLED
  heapfloor_handle handle_;
#endif
};

using memory_resource = basic_memory_resource<shared>;

}  // namespace heapfloor
