#include "agent/cli/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>

namespace heapfloor {
namespace {

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

Failure refused(const std::string& path) {
  return failure(errno == EACCES || errno == EPERM ? ErrorKind::denied : ErrorKind::io, path,
                 std::generic_category().message(errno));
}

}  // namespace

Result<void> replace_file(const std::string& path, std::string_view text) {
  constexpr mode_t kReadableByAll = 0644;
  std::string temporary = path + ".XXXXXX";
  const int file = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (file < 0) return refused(path);
  // A disk that is full may say so only when the file is closed.
  const bool written = write_all(file, text) && ::fchmod(file, kReadableByAll) == 0;
  const int write_error = errno;
  const bool closed = ::close(file) == 0;
  if (!written) errno = write_error;
  if (written && closed && std::rename(temporary.c_str(), path.c_str()) == 0) return {};
  const Failure problem = refused(path);
  ::unlink(temporary.c_str());
  return problem;
}

}  // namespace heapfloor
