// A program to be watched by the probe: `probe_target MODE [ARGUMENTS]`. Each mode checks itself
// what it can (a wrong answer ends it with status 1 and a word on stderr), prints "ready ADDRESS
// ADDRESS", the bounds of the code that leaks, and waits for the end of its input while it is
// looked at.
#include <dlfcn.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

// The code that leaks, in a section of its own, so that its bounds are known.
#define LEAKING __attribute__((noinline, section("leaking_code")))
extern "C" const char __start_leaking_code[];  // NOLINT the linker's name
extern "C" const char __stop_leaking_code[];   // NOLINT the linker's name

namespace {

std::vector<void*>& leaked() {
  static auto* blocks = new std::vector<void*>;
  return *blocks;
}

void check(bool is_good, const char* what) {
  if (is_good) return;
  std::fprintf(stderr, "probe_target: %s\n", what);
  std::_Exit(1);
}

void wait_to_be_looked_at() {
  std::printf("ready %p %p\n", static_cast<const void*>(__start_leaking_code),
              static_cast<const void*>(__stop_leaking_code));
  std::fflush(stdout);
  char byte = 0;
  while (read(0, &byte, 1) > 0) {
  }
}

// One block by each way that a program can ask for one.
LEAKING void* leak_one(std::string_view way, std::size_t size) {
  void* block = nullptr;
  if (way == "malloc") block = std::malloc(size);
  if (way == "calloc") block = std::calloc(1, size);
  if (way == "realloc") block = std::realloc(std::malloc(size / 2), size);
  if (way == "reallocarray") block = reallocarray(nullptr, 2, size / 2);
  if (way == "memalign") block = memalign(64, size);
  if (way == "aligned_alloc") block = std::aligned_alloc(64, size);
  if (way == "posix_memalign") check(posix_memalign(&block, 4096, size) == 0, "posix_memalign");
  if (way == "valloc") block = valloc(size);
  if (way == "pvalloc") block = pvalloc(size);
  if (way == "new") block = ::operator new(size);
  if (way == "new[]") block = ::operator new[](size);
  if (way == "new_nothrow") block = ::operator new(size, std::nothrow);
  if (way == "new[]_nothrow") block = ::operator new[](size, std::nothrow);
  if (way == "new_aligned") block = ::operator new (size, std::align_val_t{128});
  if (way == "new[]_aligned") block = ::operator new[](size, std::align_val_t{128});
  if (way == "new_aligned_nothrow")
    block = ::operator new (size, std::align_val_t{128}, std::nothrow);
  asm volatile("" : : "r"(block) : "memory");  // no tail calls: this function is on the stack
  return block;
}

void leak(std::string_view way, std::size_t count, std::size_t size) {
  leaked().reserve(leaked().size() + count);
  for (std::size_t i = 0; i < count; ++i) {
    void* block = leak_one(way, size);
    check(block != nullptr, "no memory");
    if (way == "calloc") {
      for (std::size_t at = 0; at < size; at += 512)
        check(static_cast<char*>(block)[at] == 0, "calloc gave bytes that are not 0");
    }
    std::memset(block, static_cast<int>(i), size);
    leaked().push_back(block);
  }
}

void free_leaked() {
  for (void* block : leaked()) std::free(block);
  leaked().clear();
}

// Every thread frees what another has allocated, and finds in it what was written.
void run_threads() {
  constexpr int kThreads = 32;
  constexpr std::size_t kSlots = 1000;
  static std::array<std::atomic<char*>, kSlots> slots;
  std::vector<std::thread> threads;
  for (int number = 0; number < kThreads; ++number) {
    threads.emplace_back([number] {
      auto random = static_cast<std::uint64_t>(number) + 1;
      for (int i = 0; i < 20000; ++i) {
        random = (random * 6364136223846793005ULL) + 1442695040888963407ULL;
        const std::size_t size = 16 + ((random >> 33) % 3000);
        char* fresh = new char[size];
        std::memcpy(fresh, &size, sizeof size);
        fresh[size - 1] = static_cast<char>(size);
        char* old = slots[(random >> 20) % kSlots].exchange(fresh);
        if (old == nullptr) continue;
        std::size_t had = 0;
        std::memcpy(&had, old, sizeof had);
        check(had >= 16 && had < 3016 && old[had - 1] == static_cast<char>(had),
              "a block was changed by another");
        delete[] old;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::atomic<char*>& slot : slots) delete[] slot.load();
}

int handlers_called = 0;  // NOLINT a handler has no arguments

void run_out_of_memory() {
  const rlimit limit{.rlim_cur = std::size_t{256} << 20, .rlim_max = std::size_t{256} << 20};
  check(setrlimit(RLIMIT_AS, &limit) == 0, "setrlimit");
  constexpr std::size_t kTooMuch = std::size_t{1} << 30;
  errno = 0;
  check(std::malloc(kTooMuch) == nullptr && errno == ENOMEM, "malloc of too much");
  check(std::calloc(kTooMuch, 8) == nullptr, "calloc of too much");
  char* block = static_cast<char*>(std::malloc(100));
  std::strcpy(block, "kept");
  check(std::realloc(block, kTooMuch) == nullptr && std::strcmp(block, "kept") == 0,
        "realloc of too much");
  std::free(block);
  check(new (std::nothrow) char[kTooMuch] == nullptr, "nothrow new of too much");
  std::set_new_handler([] {
    if (++handlers_called == 3) std::set_new_handler(nullptr);
  });
  bool was_thrown = false;
  try {
    leaked().push_back(::operator new(kTooMuch));
  } catch (const std::bad_alloc&) {
    was_thrown = true;
  }
  check(was_thrown && handlers_called == 3, "new of too much");
  was_thrown = false;
  try {
    leaked().push_back(::operator new (kTooMuch, std::align_val_t{256}));
  } catch (const std::bad_alloc&) {
    was_thrown = true;
  }
  check(was_thrown, "aligned new of too much");
}

void check_errno() {
  for (int i = 0; i < 200000; ++i) {
    errno = 123;
    void* block = std::malloc(static_cast<std::size_t>(100 + i % 5000));
    std::memset(block, 1, malloc_usable_size(block));
    std::free(block);
    delete new int;
    check(errno == 123, "errno was changed");
  }
}

// Coroutines on stacks with guard pages, as libraries of fibers make them.
ucontext_t main_context;
ucontext_t fiber_context;

void run_fiber() {
  for (int i = 0; i < 200; ++i) {
    leak("new", 20, 2000);
    swapcontext(&fiber_context, &main_context);
  }
}

void run_coroutines() {
  constexpr std::size_t kStackBytes = 65536;
  for (int round = 0; round < 10; ++round) {
    auto* memory = static_cast<char*>(
        mmap(nullptr, kStackBytes + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    check(mprotect(memory + 4096, kStackBytes, PROT_READ | PROT_WRITE) == 0, "mprotect");
    getcontext(&fiber_context);
    fiber_context.uc_stack.ss_sp = memory + 4096;
    fiber_context.uc_stack.ss_size = kStackBytes;
    fiber_context.uc_link = &main_context;
    makecontext(&fiber_context, &run_fiber, 0);
    for (int i = 0; i < 201; ++i) swapcontext(&main_context, &fiber_context);
    munmap(memory, kStackBytes + 8192);
  }
}

// Code that comes and goes.
void run_plugins(const char* path) {
  for (int i = 0; i < 20; ++i) {
    void* plugin = dlopen(path, RTLD_NOW);
    check(plugin != nullptr, "dlopen");
    const auto allocate =
        reinterpret_cast<void* (*)(std::size_t)>(dlsym(plugin, "plugin_allocate"));
    for (int k = 0; k < 2000; ++k) leaked().push_back(allocate(1000));
    free_leaked();
    dlclose(plugin);
  }
}

// From now on any system call but the usual ones ends the process.
void enter_sandbox() {
  check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
  constexpr std::array kForbidden = {SYS_memfd_create,     SYS_openat, SYS_open,
                                     SYS_process_vm_readv, SYS_prctl,  SYS_ftruncate,
                                     SYS_gettid,           SYS_getpid};
  std::vector<sock_filter> filter = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0)};
  for (const auto call : kForbidden) {
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call), 0, 1));
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
  }
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog program{.len = static_cast<unsigned short>(filter.size()),
                           .filter = filter.data()};
  check(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0, "seccomp");
}

// Goes on as another mode in a sandbox that has no memfd_create().
void run_without_memfd(const char* self, const char* mode) {
  std::vector<sock_filter> filter = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
                                     BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_memfd_create, 0, 1),
                                     BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                                     BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog program{.len = static_cast<unsigned short>(filter.size()),
                           .filter = filter.data()};
  check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
  check(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0, "seccomp");
  execl(self, self, mode, nullptr);
  check(false, "exec");
}

void use_arenas() {
  for (int i = 0; i < 3; ++i) std::thread([] { leak("malloc", 2000, 1000); }).join();
  std::vector<std::thread> threads;
  std::atomic<int> at_work{0};
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&at_work] {
      std::free(std::malloc(1 << 20));
      ++at_work;
      while (at_work < 2) std::this_thread::yield();
    });
  }
  for (std::thread& thread : threads) thread.join();
  leak("malloc", 20000, 1000);
}

void fork_and_leak() {
  leak("new", 5000, 1000);
  const pid_t child = fork();
  check(child >= 0, "fork");
  if (child == 0) {
    leak("malloc", 20000, 1000);
    std::printf("child %d\n", static_cast<int>(getpid()));
    wait_to_be_looked_at();
    std::_Exit(0);
  }
  wait_to_be_looked_at();
  int status = 0;
  check(waitpid(child, &status, 0) == child && status == 0, "the child failed");
}

// Many runs of a known leak in one process, each estimated from its own segment by who reads it:
// "ready" after each, and a line of input goes on.
void repeat_leak(int runs, std::size_t bytes, std::size_t size) {
  for (int run = 0; run < runs; ++run) {
    leak("new", bytes / size, size);
    std::printf("run\n");
    std::fflush(stdout);
    char byte = 0;
    check(read(0, &byte, 1) == 1, "input ended");
    free_leaked();
  }
}

}  // namespace

int main(int count, char** arguments) {
  const std::vector<std::string> words(arguments + 1, arguments + count);
  const std::string mode = words.empty() ? "" : words[0];
  const auto number = [&](std::size_t at) {
    return std::strtoull(words.at(at).c_str(), nullptr, 10);
  };
  if (mode == "leak") leak(words.at(1), number(2), number(3));
  if (mode == "threads") run_threads();
  if (mode == "out_of_memory") run_out_of_memory();
  if (mode == "errno") check_errno();
  if (mode == "coroutines") run_coroutines();
  if (mode == "plugins") run_plugins(words.at(1).c_str());
  if (mode == "sandbox") {
    leak("new", 2000, 1000);
    enter_sandbox();
    std::thread([] { leak("new", 10000, 1000); }).join();
    leak("new", 10000, 1000);
  }
  if (mode == "thin") {
    leak("new", number(1), number(2));
    for (std::size_t i = 0; i < leaked().size(); i += 2)
      std::free(std::exchange(leaked()[i], nullptr));
  }
  if (mode == "trim") {
    leak("malloc", 100000, 1000);
    // The last block stays: below it nothing goes back to the kernel by itself.
    leaked().pop_back();
    free_leaked();
    check(malloc_trim(0) == 1, "malloc_trim");
  }
  if (mode == "without_memfd") run_without_memfd(arguments[0], words.at(1).c_str());
  if (mode == "arenas") use_arenas();
  if (mode == "fork") return fork_and_leak(), 0;
  if (mode == "repeat") return repeat_leak(static_cast<int>(number(1)), number(2), number(3)), 0;
  wait_to_be_looked_at();
  return 0;
}
