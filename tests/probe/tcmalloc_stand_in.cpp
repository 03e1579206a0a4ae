// What a program sees of google's tcmalloc, which is linked into programs and in no package: malloc
// and its weak C functions, in one library. Memory is the C library's.
#include <cstddef>
#include <cstring>

// Names are theirs: NOLINTBEGIN(readability-identifier-naming,bugprone-reserved-identifier)
extern "C" {

void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* block, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);
void __libc_free(void* block);

void* malloc(std::size_t bytes) { return __libc_malloc(bytes); }
void* calloc(std::size_t count, std::size_t bytes) { return __libc_calloc(count, bytes); }
void* realloc(void* block, std::size_t bytes) { return __libc_realloc(block, bytes); }
void free(void* block) { __libc_free(block); }
void* memalign(std::size_t alignment, std::size_t bytes) {
  return __libc_memalign(alignment, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** block, std::size_t alignment, std::size_t bytes) {
  *block = __libc_memalign(alignment, bytes);
  return *block == nullptr ? 12 : 0;
}

namespace {
bool is_name(const char* name, std::size_t size, const char* wanted) {
  return size == std::strlen(wanted) && std::memcmp(name, wanted, size) == 0;
}
}  // namespace

bool MallocExtension_Internal_GetNumericProperty(const char* name, std::size_t size,
                                                 std::size_t* value) {
  struct Property {
    const char* name;
    std::size_t value;
  };
  const Property properties[] = {{"generic.bytes_in_use_by_app", 41'000'000},
                                 {"generic.heap_size", 64'000'000},
                                 {"tcmalloc.pageheap_free_bytes", 9'000'000},
                                 {"tcmalloc.central_cache_free_bytes", 3'000'000},
                                 {"tcmalloc.current_total_thread_cache_bytes", 2'000'000}};
  for (const Property& property : properties) {
    if (!is_name(name, size, property.name)) continue;
    *value = property.value;
    return true;
  }
  return false;
}
}
// NOLINTEND(readability-identifier-naming,bugprone-reserved-identifier)
