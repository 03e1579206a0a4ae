// Prints where its own code was called from, for tests of lines and symbols: one line
// "NAME ADDRESS" a call, in the numbering of the file, and what it expects to be found there.
#include <link.h>

#include <cinttypes>
#include <cstdint>
#include <cstdio>

namespace {

std::uintptr_t load_address() {
  std::uintptr_t address = 0;
  dl_iterate_phdr(
      [](struct dl_phdr_info* info, std::size_t, void* out) {
        *static_cast<std::uintptr_t*>(out) = info->dlpi_addr;
        return 1;  // the program itself comes first
      },
      &address);
  return address;
}

}  // namespace

// The place of the call that leads here.
__attribute__((noinline)) void print_call(const char* name, int line) {
  const auto address = reinterpret_cast<std::uintptr_t>(__builtin_return_address(0));
  std::printf("%s %" PRIxPTR " %d\n", name, address - 1 - load_address(), line);
  std::fflush(stdout);
}

namespace shop {

struct Basket {
  int items = 0;
  __attribute__((always_inline)) inline void add(int more) {
    print_call("inlined", __LINE__);
    items += more;
  }
  __attribute__((noinline)) void fill(int more);
};

void Basket::fill(int more) {
  add(more);
  print_call("method", __LINE__);
  asm volatile("" ::: "memory");
}

}  // namespace shop

int main() {
  shop::Basket basket;
  basket.fill(3);
  print_call("main", __LINE__);
  asm volatile("" ::: "memory");
  return basket.items == 3 ? 0 : 1;
}
