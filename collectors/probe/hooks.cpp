// malloc and operator new of the program, on their way to its allocator.
//
// The way of most calls: one subtraction, one branch, one jump. Only those that may be sampled go
// further. Nothing here throws: where memory is short, the C++ library's own operator new is asked,
// which knows what to do.
#include <dlfcn.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "collectors/probe/allocator_statistics.h"
#include "collectors/probe/next_allocator.h"
#include "collectors/probe/own_process.h"
#include "collectors/probe/sampler.h"
#include "collectors/probe/segment_memory.h"

// Weak, so that a program that links the probe and has functions of these names itself keeps its
// own.
#define HEAPFLOOR_EXPORT __attribute__((visibility("default"), weak))
#define HEAPFLOOR_CALLER reinterpret_cast<std::uintptr_t>(__builtin_return_address(0))

namespace heapfloor::probe {
namespace {

template <typename Function>
Function find_next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

// --- before the allocator is found
// ----------------------------------------------------------------------------------------------------

// dlsym() may allocate while it looks for malloc(). What it gets then is never given back; it
// starts at multiples of 512, so that free() looks at it.
constexpr std::size_t kFirstBytes = 32768;
alignas(HEAPFLOOR_LIVE_MARK_BYTES) char g_first[kFirstBytes];
std::size_t g_first_used = 0;
bool g_is_resolving = false;

bool is_first_block(const void* address) {
  return address >= static_cast<const void*>(g_first) &&
         address < static_cast<const void*>(g_first + kFirstBytes);
}

void* first_block(std::size_t size) {
  const std::size_t rounded = (size + HEAPFLOOR_LIVE_MARK_BYTES - 1) / HEAPFLOOR_LIVE_MARK_BYTES *
                              HEAPFLOOR_LIVE_MARK_BYTES;
  const std::size_t at = __atomic_fetch_add(&g_first_used, rounded, __ATOMIC_RELAXED);
  if (rounded > kFirstBytes || at > kFirstBytes - rounded) {
    errno = ENOMEM;
    return nullptr;
  }
  return g_first + at;
}

void resolve();

void* resolving_malloc(std::size_t size) {
  if (g_is_resolving) return first_block(size);
  resolve();
  return next_allocator.malloc(size);
}
void resolving_free(void* address) {
  if (g_is_resolving) return;
  resolve();
  next_allocator.free(address);
}
void* resolving_calloc(std::size_t count, std::size_t size) {
  if (g_is_resolving) return first_block(count * size);  // static memory is zero
  resolve();
  return next_allocator.calloc(count, size);
}
void* resolving_realloc(void* address, std::size_t size) {
  if (g_is_resolving) return first_block(size);  // nothing that dlsym() would grow
  resolve();
  return next_allocator.realloc(address, size);
}
void* resolving_memalign(std::size_t alignment, std::size_t size) {
  resolve();
  return next_allocator.memalign(alignment, size);
}
void* resolving_aligned_alloc(std::size_t alignment, std::size_t size) {
  resolve();
  return next_allocator.aligned_alloc(alignment, size);
}
int resolving_posix_memalign(void** result, std::size_t alignment, std::size_t size) {
  resolve();
  return next_allocator.posix_memalign(result, alignment, size);
}

void resolve() {
  g_is_resolving = true;
  NextAllocator found = {};
  found.malloc = find_next<decltype(found.malloc)>("malloc");
  found.free = find_next<decltype(found.free)>("free");
  found.calloc = find_next<decltype(found.calloc)>("calloc");
  found.realloc = find_next<decltype(found.realloc)>("realloc");
  found.memalign = find_next<decltype(found.memalign)>("memalign");
  found.aligned_alloc = find_next<decltype(found.aligned_alloc)>("aligned_alloc");
  found.posix_memalign = find_next<decltype(found.posix_memalign)>("posix_memalign");
  found.valloc = find_next<decltype(found.valloc)>("valloc");
  found.pvalloc = find_next<decltype(found.pvalloc)>("pvalloc");
  found.usable_size = find_next<decltype(found.usable_size)>("malloc_usable_size");
  if (found.malloc == nullptr || found.free == nullptr || found.calloc == nullptr ||
      found.realloc == nullptr)
    abort();
  next_allocator = found;
  g_is_resolving = false;
}

const void* object_of(const void* function) {
  Dl_info info{};
  return function != nullptr && dladdr(function, &info) != 0 ? info.dli_fbase : nullptr;
}

}  // namespace

NextAllocator next_allocator = {.malloc = &resolving_malloc,
                                .free = &resolving_free,
                                .calloc = &resolving_calloc,
                                .realloc = &resolving_realloc,
                                .memalign = &resolving_memalign,
                                .aligned_alloc = &resolving_aligned_alloc,
                                .posix_memalign = &resolving_posix_memalign,
                                .valloc = nullptr,
                                .pvalloc = nullptr,
                                .usable_size = nullptr};

bool next_allocator_is_whole() {
  if (next_allocator.malloc == &resolving_malloc) resolve();
  const void* owner = object_of(reinterpret_cast<const void*>(next_allocator.malloc));
  const auto is_of_owner = [&](auto function) {
    return object_of(reinterpret_cast<const void*>(function)) == owner;
  };
  return owner != nullptr && is_of_owner(next_allocator.free) &&
         is_of_owner(next_allocator.calloc) && is_of_owner(next_allocator.realloc) &&
         is_of_owner(next_allocator.memalign);
}

namespace {

// --- the way of those that may be sampled
// ---------------------------------------------------------------------------------------------

// The registers of the function that this is compiled into, as they are in its caller.
__attribute__((always_inline)) inline FrameRegisters registers_of_caller() {
  const auto* frame = static_cast<const std::uintptr_t*>(__builtin_frame_address(0));
  return {.instruction = frame[1],
          .stack = reinterpret_cast<std::uintptr_t>(frame + 2),
          .frame = frame[0]};
}

inline bool counts_down(std::size_t size) {
  const std::int64_t left = thread_state.bytes_left - static_cast<std::int64_t>(size);
  thread_state.bytes_left = left;
  return __builtin_expect(static_cast<long>(left < 0), 0) != 0;
}

// A sampled block of at least `alignment`, or null: then the caller allocates as ever.
__attribute__((noinline)) void* sampled_block(std::size_t alignment, std::size_t size,
                                              std::uintptr_t caller) {
  const InsideGuard guard;
  // A size beyond any memory made the count negative or wrapped it.
  if (!guard.is_entered || size == 0 || static_cast<std::int64_t>(size) < 0 || !takes_sample())
    return nullptr;
  const ErrnoKeeper keep;
  void* block = next_allocator.memalign(
      alignment < HEAPFLOOR_LIVE_MARK_BYTES ? HEAPFLOOR_LIVE_MARK_BYTES : alignment, size);
  if (block == nullptr) return nullptr;
  record_sample(block, size, registers_of_caller(), caller);
  tend_statistics();
  return block;
}

// Whether a block of glibc is a mapping of its own, whose pages are zero: bit 1 of the size in
// front of it.
bool is_fresh_mapping(const void* block) {
  std::size_t head = 0;
  std::memcpy(&head, static_cast<const char*>(block) - sizeof head, sizeof head);
  return (head & 2) != 0;
}

// The most that is zeroed by hand: beyond it, pages would be touched that calloc() leaves alone.
constexpr std::size_t kMostZeroedBytes = std::size_t{128} << 10;

__attribute__((noinline)) void* sampled_zeroed(std::size_t size, std::uintptr_t caller) {
  const InsideGuard guard;
  if (!guard.is_entered || size == 0 || static_cast<std::int64_t>(size) < 0 || !takes_sample())
    return nullptr;
  const ErrnoKeeper keep;
  void* block = next_allocator.memalign(HEAPFLOOR_LIVE_MARK_BYTES, size);
  if (block == nullptr) return nullptr;
  if (size <= kMostZeroedBytes) {
    std::memset(block, 0, size);
  } else if (!allocator_is_glibc() || !is_fresh_mapping(block)) {
    next_allocator.free(block);
    count_untracked(size);
    return nullptr;
  }
  record_sample(block, size, registers_of_caller(), caller);
  tend_statistics();
  return block;
}

// realloc() into a sampled block; null: as ever.
__attribute__((noinline)) void* sampled_regrown(void* old, std::size_t size,
                                                std::uintptr_t caller) {
  if (next_allocator.usable_size == nullptr) return nullptr;
  const InsideGuard guard;
  if (!guard.is_entered || size == 0 || static_cast<std::int64_t>(size) < 0 || !takes_sample())
    return nullptr;
  const ErrnoKeeper keep;
  void* block = next_allocator.memalign(HEAPFLOOR_LIVE_MARK_BYTES, size);
  if (block == nullptr) return nullptr;
  const std::size_t had = next_allocator.usable_size(old);
  std::memcpy(block, old, had < size ? had : size);
  next_allocator.free(old);
  record_sample(block, size, registers_of_caller(), caller);
  tend_statistics();
  return block;
}

// What is looked at when a block starts at a multiple of 512. True: there is nothing to be freed.
__attribute__((noinline)) bool ends_marked(void* address) {
  if (is_first_block(address)) return true;
  const ErrnoKeeper keep;
  end_sample(address);
  return false;
}

inline void release(void* address) {
  if (__builtin_expect(static_cast<long>((reinterpret_cast<std::uintptr_t>(address) %
                                          HEAPFLOOR_LIVE_MARK_BYTES) == 0),
                       0) != 0 &&
      address != nullptr && (may_be_sample(address) || g_first_used != 0) && ends_marked(address)) {
    return;
  }
  next_allocator.free(address);
}

// --- operator new
// -----------------------------------------------------------------------------------------------------------------------

// The C++ library's or the program's own, looked up when they are needed.
using PlainNew = void* (*)(std::size_t);
using AlignedNew = void* (*)(std::size_t, std::size_t);

// A program that has its own operator new must get it from every form: then the hooks only pass on.
bool g_new_is_replaced = false;

void* find_operator(const char* name) {
  if (void* found = dlsym(RTLD_NEXT, name)) return found;
  // A C++ library that came in by dlopen(RTLD_LOCAL) is not in the order of lookup.
  void* library = dlopen("libstdc++.so.6", RTLD_NOLOAD | RTLD_LAZY);
  return library != nullptr ? dlsym(library, name) : nullptr;
}

[[noreturn]] void give_up() { abort(); }

// Memory is short: the handler of the program is called and std::bad_alloc thrown by those whose
// task it is.
__attribute__((noinline)) void* new_of_library(const char* name, std::size_t size) {
  const auto next = reinterpret_cast<PlainNew>(find_operator(name));
  if (next == nullptr) give_up();
  return next(size);
}
__attribute__((noinline)) void* new_of_library(const char* name, std::size_t size,
                                               std::size_t alignment) {
  const auto next = reinterpret_cast<AlignedNew>(find_operator(name));
  if (next == nullptr) give_up();
  return next(size, alignment);
}

// A function of its own, so that the way that is always taken keeps no register for the other.
__attribute__((noinline)) void* allocate_looked_at(std::size_t size, std::uintptr_t caller) {
  void* block = sampled_block(0, size, caller);
  return block != nullptr ? block : next_allocator.malloc(size);
}
__attribute__((noinline)) void* allocate_aligned_looked_at(std::size_t alignment, std::size_t size,
                                                           std::uintptr_t caller) {
  void* block = sampled_block(alignment, size, caller);
  return block != nullptr ? block : next_allocator.memalign(alignment, size);
}

__attribute__((always_inline)) inline void* allocate(std::size_t size, std::uintptr_t caller) {
  return counts_down(size) ? allocate_looked_at(size, caller) : next_allocator.malloc(size);
}

__attribute__((always_inline)) inline void* allocate_aligned(std::size_t alignment,
                                                             std::size_t size,
                                                             std::uintptr_t caller) {
  return counts_down(size) ? allocate_aligned_looked_at(alignment, size, caller)
                           : next_allocator.memalign(alignment, size);
}

}  // namespace
}  // namespace heapfloor::probe

using namespace heapfloor::probe;  // NOLINT(google-build-using-namespace): the hooks are outside of
                                   // any namespace

extern "C" {

// --- the C functions
// --------------------------------------------------------------------------------------------------------------------

HEAPFLOOR_EXPORT void* malloc(std::size_t size) { return allocate(size, HEAPFLOOR_CALLER); }

HEAPFLOOR_EXPORT void free(void* address) { release(address); }

HEAPFLOOR_EXPORT void* calloc(std::size_t count, std::size_t size) {
  std::size_t bytes = 0;
  if (!__builtin_mul_overflow(count, size, &bytes) && counts_down(bytes)) {
    if (void* block = sampled_zeroed(bytes, HEAPFLOOR_CALLER)) return block;
  }
  return next_allocator.calloc(count, size);
}

HEAPFLOOR_EXPORT void* realloc(void* address, std::size_t size) {
  if (address == nullptr) return allocate(size, HEAPFLOOR_CALLER);
  if (is_first_block(address)) {
    void* moved = allocate(size, HEAPFLOOR_CALLER);
    const auto left = static_cast<std::size_t>(g_first + kFirstBytes - static_cast<char*>(address));
    if (moved != nullptr) std::memcpy(moved, address, size < left ? size : left);
    return moved;
  }
  // Taken out first: once realloc() has freed the old block, its address may be another thread's.
  const TakenSample taken = may_be_sample(address) ? take_sample_out(address) : TakenSample{};
  if (counts_down(size)) {
    if (void* block = sampled_regrown(address, size, HEAPFLOOR_CALLER)) {
      if (taken.was_one) count_ended(address);
      return block;
    }
  }
  void* moved = next_allocator.realloc(address, size);
  if (taken.was_one) {
    if (moved == nullptr && size != 0) {
      put_sample_back(taken);
    } else {
      count_ended(address);
    }
  }
  return moved;
}

HEAPFLOOR_EXPORT void* reallocarray(void* address, std::size_t count, std::size_t size) {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  return realloc(address, bytes);
}

HEAPFLOOR_EXPORT void* memalign(std::size_t alignment, std::size_t size) {
  if (counts_down(size) && (alignment & (alignment - 1)) == 0) {
    if (void* block = sampled_block(alignment, size, HEAPFLOOR_CALLER)) return block;
  }
  return next_allocator.memalign(alignment, size);
}

HEAPFLOOR_EXPORT void* aligned_alloc(std::size_t alignment, std::size_t size) {
  if (counts_down(size) && (alignment & (alignment - 1)) == 0) {
    if (void* block = sampled_block(alignment, size, HEAPFLOOR_CALLER)) return block;
  }
  return next_allocator.aligned_alloc(alignment, size);
}

HEAPFLOOR_EXPORT int posix_memalign(void** result, std::size_t alignment, std::size_t size) {
  if (counts_down(size) && alignment >= sizeof(void*) && (alignment & (alignment - 1)) == 0) {
    if (void* block = sampled_block(alignment, size, HEAPFLOOR_CALLER)) {
      *result = block;
      return 0;
    }
  }
  return next_allocator.posix_memalign(result, alignment, size);
}

HEAPFLOOR_EXPORT void* valloc(std::size_t size) {
  const auto page = static_cast<std::size_t>(getpagesize());
  if (counts_down(size)) {
    if (void* block = sampled_block(page, size, HEAPFLOOR_CALLER)) return block;
  }
  return next_allocator.valloc != nullptr ? next_allocator.valloc(size)
                                          : next_allocator.memalign(page, size);
}

HEAPFLOOR_EXPORT void* pvalloc(std::size_t size) {
  const auto page = static_cast<std::size_t>(getpagesize());
  const std::size_t rounded = (size + page - 1) / page * page;
  if (counts_down(rounded)) {
    if (void* block = sampled_block(page, rounded, HEAPFLOOR_CALLER)) return block;
  }
  return next_allocator.pvalloc != nullptr ? next_allocator.pvalloc(size)
                                           : next_allocator.memalign(page, rounded);
}

HEAPFLOOR_EXPORT int malloc_trim(std::size_t pad) { return trim_counted(pad); }

// Another object may come to the addresses of one that goes.
HEAPFLOOR_EXPORT int dlclose(void* handle) {
  static const auto next = find_next<int (*)(void*)>("dlclose");
  const int result = next(handle);
  forget_unwind_rules();
  return result;
}

HEAPFLOOR_EXPORT int prctl(int option, ...) {
  va_list arguments;
  va_start(arguments, option);
  unsigned long values[4];
  for (unsigned long& value : values) value = va_arg(arguments, unsigned long);
  va_end(arguments);
  if (option == PR_SET_NO_NEW_PRIVS || option == PR_SET_SECCOMP) enter_quiet();
  return static_cast<int>(syscall(SYS_prctl, option, values[0], values[1], values[2], values[3]));
}

// --- the C++ operators: by their names in the Itanium ABI, so that no exception has to be named
// here ------------------------------------

#define HEAPFLOOR_NEW(symbol)                                            \
  HEAPFLOOR_EXPORT void* symbol(std::size_t size) {                      \
    if (g_new_is_replaced) return new_of_library(#symbol, size);         \
    void* block = allocate(size, HEAPFLOOR_CALLER);                      \
    return __builtin_expect(static_cast<long>(block != nullptr), 1) != 0 \
               ? block                                                   \
               : new_of_library(#symbol, size);                          \
  }
HEAPFLOOR_NEW(_Znwm)
HEAPFLOOR_NEW(_Znam)

// The nothrow forms run the program's handler too before they give up, which is the library's task.
#define HEAPFLOOR_NEW_NOTHROW(symbol)                                                  \
  HEAPFLOOR_EXPORT void* symbol(std::size_t size, const void* nothrow) {               \
    void* block = g_new_is_replaced ? nullptr : allocate(size, HEAPFLOOR_CALLER);      \
    if (__builtin_expect(static_cast<long>(block != nullptr), 1) != 0) return block;   \
    const auto next =                                                                  \
        reinterpret_cast<void* (*)(std::size_t, const void*)>(find_operator(#symbol)); \
    return next != nullptr ? next(size, nothrow) : nullptr;                            \
  }
HEAPFLOOR_NEW_NOTHROW(_ZnwmRKSt9nothrow_t)
HEAPFLOOR_NEW_NOTHROW(_ZnamRKSt9nothrow_t)

#define HEAPFLOOR_NEW_ALIGNED(symbol)                                       \
  HEAPFLOOR_EXPORT void* symbol(std::size_t size, std::size_t alignment) {  \
    if (g_new_is_replaced) return new_of_library(#symbol, size, alignment); \
    void* block = allocate_aligned(alignment, size, HEAPFLOOR_CALLER);      \
    return __builtin_expect(static_cast<long>(block != nullptr), 1) != 0    \
               ? block                                                      \
               : new_of_library(#symbol, size, alignment);                  \
  }
HEAPFLOOR_NEW_ALIGNED(_ZnwmSt11align_val_t)
HEAPFLOOR_NEW_ALIGNED(_ZnamSt11align_val_t)

#define HEAPFLOOR_NEW_ALIGNED_NOTHROW(symbol)                                                   \
  HEAPFLOOR_EXPORT void* symbol(std::size_t size, std::size_t alignment, const void* nothrow) { \
    void* block =                                                                               \
        g_new_is_replaced ? nullptr : allocate_aligned(alignment, size, HEAPFLOOR_CALLER);      \
    if (__builtin_expect(static_cast<long>(block != nullptr), 1) != 0) return block;            \
    const auto next = reinterpret_cast<void* (*)(std::size_t, std::size_t, const void*)>(       \
        find_operator(#symbol));                                                                \
    return next != nullptr ? next(size, alignment, nothrow) : nullptr;                          \
  }
HEAPFLOOR_NEW_ALIGNED_NOTHROW(_ZnwmSt11align_val_tRKSt9nothrow_t)
HEAPFLOOR_NEW_ALIGNED_NOTHROW(_ZnamSt11align_val_tRKSt9nothrow_t)

// Every delete frees; a program with its own operators gets its own form.
// NOLINTBEGIN(bugprone-macro-parentheses): lists of parameters come with their parentheses
#define HEAPFLOOR_DELETE(symbol, parameters, arguments)                               \
  HEAPFLOOR_EXPORT void symbol parameters {                                           \
    if (__builtin_expect(static_cast<long>(g_new_is_replaced), 0) != 0) {             \
      const auto next = reinterpret_cast<void(*) parameters>(find_operator(#symbol)); \
      if (next != nullptr) return next arguments;                                     \
    }                                                                                 \
    release(block);                                                                   \
  }
// NOLINTEND(bugprone-macro-parentheses)
HEAPFLOOR_DELETE(_ZdlPv, (void* block), (block))
HEAPFLOOR_DELETE(_ZdaPv, (void* block), (block))
HEAPFLOOR_DELETE(_ZdlPvm, (void* block, std::size_t size), (block, size))
HEAPFLOOR_DELETE(_ZdaPvm, (void* block, std::size_t size), (block, size))
HEAPFLOOR_DELETE(_ZdlPvRKSt9nothrow_t, (void* block, const void* nothrow), (block, nothrow))
HEAPFLOOR_DELETE(_ZdaPvRKSt9nothrow_t, (void* block, const void* nothrow), (block, nothrow))
HEAPFLOOR_DELETE(_ZdlPvSt11align_val_t, (void* block, std::size_t alignment), (block, alignment))
HEAPFLOOR_DELETE(_ZdaPvSt11align_val_t, (void* block, std::size_t alignment), (block, alignment))
HEAPFLOOR_DELETE(_ZdlPvmSt11align_val_t, (void* block, std::size_t size, std::size_t alignment),
                 (block, size, alignment))
HEAPFLOOR_DELETE(_ZdaPvmSt11align_val_t, (void* block, std::size_t size, std::size_t alignment),
                 (block, size, alignment))
HEAPFLOOR_DELETE(_ZdlPvSt11align_val_tRKSt9nothrow_t,
                 (void* block, std::size_t alignment, const void* nothrow),
                 (block, alignment, nothrow))
HEAPFLOOR_DELETE(_ZdaPvSt11align_val_tRKSt9nothrow_t,
                 (void* block, std::size_t alignment, const void* nothrow),
                 (block, alignment, nothrow))

}  // extern "C"

// The hooks under names that nobody replaces.
extern "C" {
__attribute__((alias("malloc"), visibility("hidden"), malloc, alloc_size(1))) void*
heapfloor_own_malloc(std::size_t size) noexcept;
__attribute__((alias("_Znwm"), visibility("hidden"))) void* heapfloor_own_new(std::size_t size);
__attribute__((alias("_ZdlPv"), visibility("hidden"))) void heapfloor_own_delete(void* block);
}

bool heapfloor::probe::hooks_are_reached() {
  return dlsym(RTLD_DEFAULT, "malloc") == reinterpret_cast<void*>(&heapfloor_own_malloc);
}

namespace {

// Plain operators that the program brought itself stand before ours in the order of lookup.
bool new_is_replaced() {
  return dlsym(RTLD_DEFAULT, "_Znwm") != reinterpret_cast<void*>(&heapfloor_own_new) ||
         dlsym(RTLD_DEFAULT, "_ZdlPv") != reinterpret_cast<void*>(&heapfloor_own_delete);
}

// Another probe, linked into the program, stands before this one, which was preloaded: that one is
// called, and gets the segment.
bool another_probe_is_reached() {
  void* version = dlsym(RTLD_DEFAULT, "heapfloor_probe_version");
  return !hooks_are_reached() && version != nullptr &&
         object_of(version) != object_of(reinterpret_cast<const void*>(&heapfloor_own_malloc));
}

// HEAPFLOOR_SAMPLE_BYTES: 0 turns sampling off; what is no number is as if it were not there.
std::uint64_t wanted_interval() {
  constexpr std::uint64_t kDefault = 524288;
  const char* text = getenv("HEAPFLOOR_SAMPLE_BYTES");
  if (text == nullptr || *text == '\0') return kDefault;
  char* end = nullptr;
  const unsigned long long value = strtoull(text, &end, 10);
  return *end == '\0' ? value : kDefault;
}

__attribute__((constructor(101))) void start_probe() {
  const ErrnoKeeper keep;
  const InsideGuard guard;
  const char* wish = getenv("HEAPFLOOR_PROBE");
  const bool is_unwanted = wish != nullptr && std::strcmp(wish, "0") == 0;
  g_new_is_replaced = new_is_replaced();
  if (is_unwanted || another_probe_is_reached() ||
      !start_segment(g_new_is_replaced ? 0U : static_cast<unsigned>(HEAPFLOOR_FLAG_OPERATOR_NEW)))
    return;
  start_statistics();
  const std::uint64_t interval_bytes = wanted_interval();
  if (interval_bytes != 0 && next_allocator_is_whole() && hooks_are_reached())
    start_sampling(interval_bytes);
}

}  // namespace
