// What probe_target loads and unloads.
#include <cstddef>

extern "C" __attribute__((visibility("default"))) void* plugin_allocate(std::size_t size) {
  void* block = ::operator new(size);
  asm volatile("" : : "r"(block) : "memory");
  return block;
}
