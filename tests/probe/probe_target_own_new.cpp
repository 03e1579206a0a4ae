// A program with an operator new of its own, over memory that free() does not know. Whoever mixes
// the two ends it.
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <vector>

namespace {

alignas(64) char arena[64 << 20];  // NOLINT memory that no allocator owns
std::size_t used = 0;              // NOLINT
std::size_t freed = 0;             // NOLINT

}  // namespace

void* operator new(std::size_t size) {
  const std::size_t rounded = (size + 63) / 64 * 64;
  if (used + rounded > sizeof arena) throw std::bad_alloc();
  void* block = arena + used;
  used += rounded;
  return block;
}

void operator delete(void* block) noexcept {
  if (block == nullptr) return;
  const char* at = static_cast<const char*>(block);
  if (at < arena || at >= arena + sizeof arena) {
    std::fputs("delete of a block that is not of this program's new\n", stderr);
    std::_Exit(1);
  }
  ++freed;
}

int main() {
  // Arrays, sized and nothrow forms are the library's, which calls the plain ones above.
  for (int i = 0; i < 20000; ++i) {
    delete[] new char[100];
    delete new (std::nothrow) std::string("a string that is too long to be held inside of it");
    std::vector<int> numbers(300);
    numbers.resize(20);
  }
  for (int i = 0; i < 20000; ++i) std::free(std::malloc(100));
  if (freed < 60000) {
    std::fputs("operators were passed by\n", stderr);
    return 1;
  }
  std::printf("ready 0x0 0x0\n");
  std::fflush(stdout);
  return std::getchar() == EOF ? 0 : 1;
}
