#include "collectors/bpf/task_iterator.h"

#include <bpf/libbpf.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <malloc.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "collectors/bpf/task_iterator_program.h"
#include "collectors/parse/task_visits.h"

namespace heapfloor {
namespace {

constexpr const char* kWhat = "BPF task iterator";
// The kernel hands out at most 32 KiB a read.
constexpr std::size_t kReadBytes = std::size_t{32} * 1024;
constexpr std::size_t kMostBytes = std::size_t{64} * 1024 * 1024;      // of two million processes
constexpr std::string_view kInitialPidNamespace = "pid:[4026531836]";  // PROC_PID_INIT_INO

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  [[nodiscard]] bool is_open() const { return number_ >= 0; }
  [[nodiscard]] int get() const { return number_; }

 private:
  int number_ = -1;
};

Failure refused(const char* step, int error_number) {
  const bool is_denied = error_number == EPERM || error_number == EACCES;
  return failure(is_denied ? ErrorKind::denied : ErrorKind::unavailable, kWhat,
                 std::string(step) + ": " + ::strerror(error_number));
}

Failure unavailable(std::string reason) {
  return failure(ErrorKind::unavailable, kWhat, std::move(reason));
}

// libbpf, for as long as the program is being loaded. A function that it lacks makes it unusable.
class Library {
 public:
  decltype(&::libbpf_set_print) set_print = nullptr;
  decltype(&::bpf_object__open_mem) object_open = nullptr;
  decltype(&::bpf_object__load) object_load = nullptr;
  decltype(&::bpf_object__close) object_close = nullptr;
  decltype(&::bpf_object__next_program) next_program = nullptr;
  decltype(&::bpf_program__attach_iter) attach_iterator = nullptr;
  decltype(&::bpf_link__fd) link_descriptor = nullptr;
  decltype(&::bpf_link__destroy) link_destroy = nullptr;

  Library() : object_(::dlopen("libbpf.so.1", RTLD_NOW | RTLD_LOCAL)) {
    if (object_ == nullptr) return;
    find(set_print, "libbpf_set_print");
    find(object_open, "bpf_object__open_mem");
    find(object_load, "bpf_object__load");
    find(object_close, "bpf_object__close");
    find(next_program, "bpf_object__next_program");
    find(attach_iterator, "bpf_program__attach_iter");
    find(link_descriptor, "bpf_link__fd");
    find(link_destroy, "bpf_link__destroy");
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  ~Library() {
    if (object_ != nullptr) ::dlclose(object_);
  }
  [[nodiscard]] bool is_loaded() const { return object_ != nullptr; }
  [[nodiscard]] bool is_complete() const { return is_complete_; }

 private:
  template <class Function>
  void find(Function& function, const char* name) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): what dlsym(3) is for
    function = reinterpret_cast<Function>(::dlsym(object_, name));
    is_complete_ = is_complete_ && function != nullptr;
  }

  void* object_;
  bool is_complete_ = true;
};

// The link that the iterator is created from; it keeps the program in the kernel.
Result<Descriptor> attach(const Library& library, bpf_object* object) {
  if (library.object_load(object) != 0) return refused("loading the program", errno);
  bpf_program* const program = library.next_program(object, nullptr);
  if (program == nullptr) return unavailable("the program is not in its file");
  bpf_link* const link = library.attach_iterator(program, nullptr);
  if (link == nullptr) return refused("attaching the program", errno);
  const int copy = ::fcntl(library.link_descriptor(link), F_DUPFD_CLOEXEC, 0);
  const int error_number = errno;
  library.link_destroy(link);
  if (copy < 0) return refused("keeping the link", error_number);
  return Descriptor(copy);
}

Result<Descriptor> load() {
  const Library library;
  if (!library.is_loaded()) return unavailable("libbpf.so.1 cannot be loaded");
  if (!library.is_complete()) return unavailable("libbpf.so.1 lacks a function");
  library.set_print(nullptr);  // it would write to standard error
  const std::span<const char> program = task_iterator_program();
  bpf_object* const object = library.object_open(program.data(), program.size(), nullptr);
  if (object == nullptr) return refused("opening the program", errno);
  Result<Descriptor> link = attach(library, object);
  library.object_close(object);
  ::malloc_trim(0);  // of what libbpf took for the kernel's BTF
  return link;
}

// Whether the pids of `root` are those of the iterator: the agent is in the initial namespace, and
// sees itself under the number that it has there.
Result<void> check_namespace(const HostRoot& root) {
  std::array<char, 1024> buffer = {};
  const auto stat = root.read(HostRoot::Tree::proc, "self/stat", buffer);
  if (!stat) return Failure(stat.error());
  std::int32_t pid = 0;
  std::from_chars(stat->data(), stat->data() + stat->size(), pid);
  if (pid != ::getpid()) return unavailable("proc is of another pid namespace than the agent");
  const auto self = root.open_process(pid);
  if (!self) return Failure(self.error());
  const auto name = self->read_link("ns/pid", buffer);
  if (!name) return Failure(name.error());
  if (*name != kInitialPidNamespace)
    return unavailable("the agent's pid namespace is not the host's");
  return {};
}

class BpfTaskIterator final : public TaskSource {
 public:
  explicit BpfTaskIterator(const HostRoot& root) : root_(root) {}

  [[nodiscard]] Result<void> look(std::vector<TaskVisit>& visits) override {
    auto looked = open().and_then([&] { return read_all(); }).and_then([&] {
      return parse_task_visits({bytes_.data(), bytes_.size()}, visits);
    });
    if (!looked) link_ = {};
    return looked;
  }

 private:
  Result<void> open() {
    if (link_.is_open()) return {};
    return check_namespace(root_).and_then(load).map(
        [this](Descriptor link) { link_ = std::move(link); });
  }

  [[nodiscard]] Descriptor create() const {
    union bpf_attr attributes = {};
    attributes.iter_create.link_fd = static_cast<std::uint32_t>(link_.get());
    return Descriptor(
        static_cast<int>(::syscall(SYS_bpf, BPF_ITER_CREATE, &attributes, sizeof attributes)));
  }

  Result<void> read_all() {
    bytes_.clear();
    const Descriptor iterator = create();
    if (!iterator.is_open()) return refused("creating the iterator", errno);
    for (;;) {
      const std::size_t had = bytes_.size();
      if (had > kMostBytes) return unavailable("too many tasks");
      bytes_.resize(had + kReadBytes);
      const ssize_t got = ::read(iterator.get(), bytes_.data() + had, kReadBytes);
      const int error_number = errno;
      bytes_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
      if (got == 0) return {};
      if (got < 0 && error_number != EINTR && error_number != EAGAIN)
        return refused("reading the tasks", error_number);
    }
  }

  const HostRoot& root_;
  Descriptor link_;
  std::vector<char> bytes_;  // of one look
};

}  // namespace

bool has_bpf_task_iterator() { return true; }

std::unique_ptr<TaskSource> make_bpf_task_iterator(const HostRoot& root) {
  return std::make_unique<BpfTaskIterator>(root);
}

}  // namespace heapfloor
