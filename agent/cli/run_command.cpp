// heapfloor run: starts a program with the probe in it, or says why that cannot be.
#include <fmt/format.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "agent/cli/commands.h"
#include "agent/cli/program_file.h"

namespace heapfloor {
namespace {

constexpr std::string_view kLibrary = "libheapfloor_probe.so";
constexpr const char* kPreload = "LD_PRELOAD";
constexpr const char* kSampleBytes = "HEAPFLOOR_SAMPLE_BYTES";

int refuse(std::string_view reason) {
  fmt::print(stderr, "heapfloor: run: {}\n", reason);
  return kExitUsage;
}

// The folder that this program lies in.
std::optional<std::filesystem::path> own_folder() {
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the kernel hands the pointer over as a number
  const auto* const path = reinterpret_cast<const char*>(::getauxval(AT_EXECFN));
  if (path == nullptr) return std::nullopt;
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::canonical(path, error);
  return error ? std::nullopt : std::optional(whole.parent_path());
}

// Beside the program (build folder, tarball), or where packages put it.
std::optional<std::string> find_library() {
  constexpr std::array<std::string_view, 3> kFolders = {"../lib/heapfloor", "../lib", "../lib64"};
  const std::optional<std::filesystem::path> folder = own_folder();
  if (!folder) return std::nullopt;
  for (const std::string_view relative : kFolders) {
    std::error_code error;
    const auto found = std::filesystem::canonical(*folder / relative / kLibrary, error);
    if (!error) return found.string();
  }
  return std::nullopt;
}

}  // namespace

int run_run_command(const RunOptions& options) {
  const std::optional<std::string> library = options.library ? options.library : find_library();
  if (!library) {
    return refuse(
        fmt::format("{} is neither beside this program (../lib) nor given by --library", kLibrary));
  }
  if (library->find_first_of(" :") != std::string::npos)
    return refuse(
        fmt::format("{}: the loader takes blanks and colons for the end of a name", *library));
  const char* const path = std::getenv("PATH");
  const auto program =
      find_program(options.program.front(), path == nullptr ? "/bin:/usr/bin" : path);
  if (!program) return refuse(fmt::format("{}: no such program", options.program.front()));
  if (const auto problem = preload_problem(*program, *library)) return refuse(*problem);

  const char* const others = std::getenv(kPreload);
  const std::string preload =
      others == nullptr || *others == '\0' ? *library : fmt::format("{}:{}", *library, others);
  ::setenv(kPreload, preload.c_str(), 1);
  if (options.sample_bytes)
    ::setenv(kSampleBytes, std::to_string(*options.sample_bytes).c_str(), 1);
  std::vector<char*> arguments;
  std::vector<std::string> texts = options.program;
  arguments.reserve(texts.size() + 1);
  for (std::string& text : texts) arguments.push_back(text.data());
  arguments.push_back(nullptr);
  ::execv(program->c_str(), arguments.data());
  fmt::print(stderr, "heapfloor: run: {}: {}\n", *program, std::generic_category().message(errno));
  return kExitFailure;
}

}  // namespace heapfloor
