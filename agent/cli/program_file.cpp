#include "agent/cli/program_file.h"

#include <elf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>
#include <vector>

namespace heapfloor {
namespace {

constexpr int kMostScripts = 4;  // as the kernel follows them (fs/exec.c)
constexpr std::string_view kScriptMark = "#!";

Failure refused(std::string reason) { return failure(ErrorKind::malformed, {}, std::move(reason)); }

template <class Record>
std::optional<Record> record_at(std::span<const char> bytes, std::uint64_t offset) {
  if (offset > bytes.size() || sizeof(Record) > bytes.size() - offset) return std::nullopt;
  Record record = {};
  std::memcpy(&record, bytes.data() + offset, sizeof record);
  return record;
}

Result<ProgramHead> parse_script(std::string_view text) {
  text = text.substr(0, text.find('\n'));
  text.remove_prefix(kScriptMark.size());
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return refused("a script without an interpreter");
  text.remove_prefix(begin);
  ProgramHead head;
  head.is_script = true;
  head.interpreter = std::string(text.substr(0, text.find_first_of(" \t")));
  return head;
}

template <class Header, class Segment>
Result<ProgramHead> parse_elf(std::span<const char> bytes, ProgramHead head) {
  const auto header = record_at<Header>(bytes, 0);
  if (!header) return refused("an ELF file that is cut");
  head.machine = header->e_machine;
  for (std::uint64_t i = 0; i < header->e_phnum; ++i) {
    const auto segment = record_at<Segment>(bytes, header->e_phoff + i * sizeof(Segment));
    if (!segment) return refused("an ELF file with its program headers far away");
    if (segment->p_type != PT_INTERP) continue;
    if (segment->p_offset > bytes.size() || segment->p_filesz > bytes.size() - segment->p_offset)
      return refused("an ELF file with its interpreter far away");
    const char* const text = bytes.data() + segment->p_offset;
    head.interpreter.assign(text, ::strnlen(text, segment->p_filesz));
  }
  return head;
}

std::optional<std::string> read_head(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (file < 0) return std::nullopt;
  std::string bytes(kProgramHeadBytes, '\0');
  std::size_t length = 0;
  while (length < bytes.size()) {
    const ssize_t got = ::read(file, bytes.data() + length, bytes.size() - length);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    length += static_cast<std::size_t>(got);
  }
  ::close(file);
  bytes.resize(length);
  return bytes;
}

std::string because(int error_number) { return std::generic_category().message(error_number); }

// What the file system says of it.
std::optional<std::string> file_problem(const std::string& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) return fmt::format("{}: {}", path, because(errno));
  if (!S_ISREG(status.st_mode)) return fmt::format("{} is no file", path);
  if (::access(path.c_str(), X_OK) != 0) return fmt::format("{}: {}", path, because(errno));
  if ((status.st_mode & (S_ISUID | S_ISGID)) != 0) {
    return fmt::format(
        "{} runs with the rights of its owner (set-user-id or set-group-id): the loader preloads "
        "nothing into it",
        path);
  }
  if (::getxattr(path.c_str(), "security.capability", nullptr, 0) > 0) {
    return fmt::format("{} has file capabilities: the loader preloads nothing into it", path);
  }
  return std::nullopt;
}

std::string_view name_of_class(std::uint8_t elf_class) {
  return elf_class == ELFCLASS32 ? "32-bit" : "64-bit";
}

std::optional<std::string> elf_problem(const std::string& path, const ProgramHead& head,
                                       const ProgramHead& library) {
  if (head.elf_class != library.elf_class || head.machine != library.machine) {
    return fmt::format(
        "{} is a {} program for the machine {} (elf.h), the probe is {} for the machine {}", path,
        name_of_class(head.elf_class), head.machine, name_of_class(library.elf_class),
        library.machine);
  }
  if (head.interpreter.empty()) {
    return fmt::format(
        "{} is linked statically: nothing can be preloaded into it; link heapfloor::probe instead",
        path);
  }
  if (head.interpreter.find("musl") != std::string::npos)
    return fmt::format("{} runs on musl ({}), the probe on glibc", path, head.interpreter);
  return std::nullopt;
}

}  // namespace

Result<ProgramHead> parse_program_head(std::span<const char> bytes) {
  const std::string_view text(bytes.data(), bytes.size());
  if (text.starts_with(kScriptMark)) return parse_script(text);
  if (!text.starts_with(ELFMAG) || text.size() < EI_NIDENT)
    return refused("neither an ELF file nor a script");
  ProgramHead head;
  head.elf_class = static_cast<std::uint8_t>(text[EI_CLASS]);
  // Another byte order is another machine as well.
  constexpr char kOwnOrder = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
  if (text[EI_DATA] != kOwnOrder) return refused("an ELF file of another byte order");
  if (head.elf_class == ELFCLASS32) return parse_elf<Elf32_Ehdr, Elf32_Phdr>(bytes, head);
  if (head.elf_class == ELFCLASS64) return parse_elf<Elf64_Ehdr, Elf64_Phdr>(bytes, head);
  return refused("an ELF file of an unknown class");
}

std::optional<std::string> find_program(std::string_view program, std::string_view search_path) {
  if (program.empty()) return std::nullopt;
  if (program.find('/') != std::string_view::npos) return std::string(program);
  for (bool is_last = false; !is_last;) {
    const std::size_t colon = search_path.find(':');
    is_last = colon == std::string_view::npos;
    const std::string_view folder = search_path.substr(0, colon);
    std::string path = fmt::format("{}/{}", folder.empty() ? "." : folder, program);
    struct stat status = {};
    if (::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
        ::access(path.c_str(), X_OK) == 0)
      return path;
    if (!is_last) search_path.remove_prefix(colon + 1);
  }
  return std::nullopt;
}

std::optional<std::string> preload_problem(const std::string& path, const std::string& library) {
  const std::optional<std::string> library_bytes = read_head(library);
  if (!library_bytes) return fmt::format("{}: {}", library, because(errno));
  const Result<ProgramHead> library_head = parse_program_head(*library_bytes);
  if (!library_head) return fmt::format("{} is {}", library, library_head.error().reason);
  std::string program = path;
  for (int scripts = 0; scripts <= kMostScripts; ++scripts) {
    if (auto problem = file_problem(program)) return problem;
    const std::optional<std::string> bytes = read_head(program);
    // Whoever may run it need not be allowed to read it: then the kernel decides.
    if (!bytes) return std::nullopt;
    const Result<ProgramHead> head = parse_program_head(*bytes);
    if (!head) return fmt::format("{} is {}", program, head.error().reason);
    if (!head->is_script) return elf_problem(program, *head, *library_head);
    program = head->interpreter;
  }
  return fmt::format("{} is a script of a script of a script", path);
}

}  // namespace heapfloor
