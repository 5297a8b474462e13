#include "spawn/system.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

namespace tidemill::spawn {

tl::unexpected<Error> system_failure(std::string_view act, std::string_view path) {
  const int reason = errno;
  const bool full = reason == ENOSPC || reason == EDQUOT || reason == EMFILE || reason == ENFILE;
  const bool denied = reason == EACCES || reason == EPERM;
  const Code code = full ? Code::kExhausted : denied ? Code::kDenied : Code::kUnavailable;
  return fail(code, fmt::format("cannot {} {}: {}", act, path, std::strerror(reason)));
}

namespace {
int64_t read_clock(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return int64_t{t.tv_sec} * 1'000'000 + t.tv_nsec / 1000;
}
}  // namespace

Time wall_time() { return {read_clock(CLOCK_REALTIME)}; }
Elapsed elapsed_time() { return {read_clock(CLOCK_MONOTONIC)}; }

bool write_whole(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

Result<std::string> read_whole(int fd, const std::string& path) {
  std::string content;
  char part[16 << 10];
  while (true) {
    const ssize_t n = ::read(fd, part, sizeof part);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_failure("read", path);
    if (n == 0) return content;
    content.append(part, static_cast<size_t>(n));
  }
}

std::string read_small(const std::string& path, size_t limit) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  std::string content;
  char part[4096];
  while (fd.open() && content.size() < limit) {
    const ssize_t n = ::read(fd.get(), part, std::min(sizeof part, limit - content.size()));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    content.append(part, static_cast<size_t>(n));
  }
  return content;
}

std::string parent_folder(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Status make_folders(const std::string& path) {
  for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (::mkdir(part.c_str(), 0755) != 0 && errno != EEXIST) {
      return system_failure("make the folder", part);
    }
    if (slash == std::string::npos) return {};
  }
}

std::string boot_id() {
  std::string id = read_small("/proc/sys/kernel/random/boot_id", 64);
  while (!id.empty() && id.back() == '\n') id.pop_back();
  return id;
}

uint64_t random_number() {
  uint64_t number = 0;
  while (::getrandom(&number, sizeof number, 0) != sizeof number) {
  }
  return number;
}

void Fd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

}  // namespace tidemill::spawn
