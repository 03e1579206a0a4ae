// A library to preload that hands every call on to the C library and does nothing else: what
// standing between a program and its allocator costs at least.
#include <cstddef>

// NOLINTBEGIN(readability-identifier-naming,bugprone-reserved-identifier): glibc's names
extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* block, std::size_t bytes);
void __libc_free(void* block);

void* malloc(std::size_t bytes) { return __libc_malloc(bytes); }
void* calloc(std::size_t count, std::size_t bytes) { return __libc_calloc(count, bytes); }
void* realloc(void* block, std::size_t bytes) { return __libc_realloc(block, bytes); }
void free(void* block) { __libc_free(block); }
}
// NOLINTEND(readability-identifier-naming,bugprone-reserved-identifier)
