// A structure that is no container: it says itself how large it is.
//
//     heapfloor::gauge connections{"connection_pool"};
//     connections.set_elements(n);
//     connections.set_bytes(b);
//     connections.cleared();
//
// Any thread may call any function at any time.
#pragma once

#include <cstdint>

#include "heapfloor/name.h"
#ifndef HEAPFLOOR_DISABLED
#include "heapfloor/probe.h"
#endif

namespace heapfloor {

class gauge {
 public:
#ifdef HEAPFLOOR_DISABLED
  explicit gauge(const char* /*text*/, owner /*where*/ = owner()) noexcept {}
  void set_elements(std::uint64_t /*count*/) noexcept {}
  void set_bytes(std::uint64_t /*bytes*/) noexcept {}
  void add(std::int64_t /*elements*/, std::int64_t /*bytes*/) noexcept {}
  void cleared() noexcept {}
  ~gauge() {}  // NOLINT(modernize-use-equals-default): as of phase
#else
  explicit gauge(const char* text, owner where = owner()) noexcept
      : handle_(heapfloor_gauge_open_at(text, where.file, where.line)) {}
  // What it holds now; differences count as insertions or removals.
  void set_elements(std::uint64_t count) noexcept { heapfloor_gauge_set_elements(handle_, count); }
  void set_bytes(std::uint64_t bytes) noexcept { heapfloor_gauge_set_bytes(handle_, bytes); }
  // What came (above 0) or went (below 0).
  void add(std::int64_t elements, std::int64_t bytes) noexcept {
    heapfloor_gauge_add(handle_, elements, bytes);
  }
  // It was cleared or compacted: what it holds after that is its floor. Sets no size.
  void cleared() noexcept { heapfloor_gauge_cleared(handle_); }
  ~gauge() { heapfloor_gauge_close(handle_); }
#endif
  gauge(const gauge&) = delete;
  gauge& operator=(const gauge&) = delete;

#ifndef HEAPFLOOR_DISABLED

 private:
  heapfloor_handle handle_;
#endif
};

}  // namespace heapfloor
