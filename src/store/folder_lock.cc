#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "store/sqlite_store.h"

namespace tidemill::store {

Result<FolderLock> FolderLock::take(const std::string& folder) {
  std::string const path = folder + "/tidemill.lock";
  int const descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return fail(Code::kUnavailable, fmt::format("cannot open {}: {}", path, std::strerror(errno)));
  }
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    char owner[32] = {};
    ssize_t const length = ::pread(descriptor, owner, sizeof owner - 1, 0);
    ::close(descriptor);
    return fail(Code::kConflict,
                fmt::format("the data directory {} is in use by process {}; stop that server, or "
                            "give another directory with --data",
                            folder, length > 0 ? owner : "unknown"));
  }
  std::string const owner = std::to_string(::getpid());
  if (::ftruncate(descriptor, 0) != 0 || ::pwrite(descriptor, owner.data(), owner.size(), 0) < 0) {
    // The number is only for the message of others; the lock itself holds.
  }
  return FolderLock(descriptor);
}

FolderLock::FolderLock(FolderLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace tidemill::store
