#include "io/real/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>

#include "io/real/descriptor.h"
#include "io/real/errors.h"
#include "io/real/folder_watch.h"

namespace tidemill::io {
namespace {

std::string folder_of(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Opens without waiting for the other end of a pipe and refuses all but regular files.
Result<Descriptor> open_regular(const std::string& path, struct stat& info) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open()) return fail_system(errno, "read", path);
  if (fstat(file.number(), &info) != 0) return fail_system(errno, "read", path);
  if (S_ISDIR(info.st_mode)) return fail_system(EISDIR, "read", path);
  if (!S_ISREG(info.st_mode)) {
    return fail(
        Code::kInvalid,
        fmt::format("cannot read {}: it is a device, pipe or socket; expected a file", path));
  }
  return file;
}

Status write_all(int descriptor, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t sent = ::write(descriptor, bytes.data(), bytes.size());
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return fail_system(errno, "write", path);
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return {};
}

// Fills `out` from `offset` on, until it is full or the file ends; cuts it to what was read.
Status read_into(int descriptor, off_t offset, std::string& out, const std::string& path) {
  size_t filled = 0;
  while (filled < out.size()) {
    const ssize_t got = ::pread(descriptor, out.data() + filled, out.size() - filled,
                                offset + static_cast<off_t>(filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_system(errno, "read", path);
    if (got == 0) break;
    filled += static_cast<size_t>(got);
  }
  out.resize(filled);
  return {};
}

tl::unexpected<Error> fail_sync(int error_number, const std::string& path) {
  Error error = system_error(error_number, "sync", path);
  error.code = Code::kUnknown;
  error.message += "; nobody knows what is on the disk: end the process and read it again";
  return fail(std::move(error));
}

Status sync_folder(const std::string& folder) {
  const Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.is_open()) return fail_sync(errno, folder);
  if (fsync(opened.number()) != 0) return fail_sync(errno, folder);
  return {};
}

FileInfo to_info(std::string name, const struct stat& info) {
  return {.name = std::move(name),
          .is_folder = S_ISDIR(info.st_mode),
          .size = info.st_size,
          .modified = {static_cast<int64_t>(info.st_mtim.tv_sec) * 1'000'000 +
                       info.st_mtim.tv_nsec / 1000}};
}

class RealAppendFile final : public AppendFile {
 public:
  RealAppendFile(Descriptor file, std::string path)
      : file_(std::move(file)), path_(std::move(path)) {}

  Status append(std::string_view bytes) override {
    if (failed_) return fail_sync(EIO, path_);
    struct stat before{};
    if (fstat(file_.number(), &before) != 0) return fail_system(errno, "append to", path_);
    const Status written = write_all(file_.number(), bytes, path_);
    // A full disk may take a part of the bytes: half a record must not stay at the end.
    if (!written && ftruncate(file_.number(), before.st_size) != 0) {
      failed_ = true;
      return fail_sync(errno, path_);
    }
    return written;
  }

  Status sync() override {
    // A second fsync after a failed one may answer success for pages that the kernel has dropped.
    if (failed_) return fail_sync(EIO, path_);
    if (fdatasync(file_.number()) == 0) return {};
    failed_ = true;
    return fail_sync(errno, path_);
  }

 private:
  Descriptor file_;
  std::string path_;
  bool failed_ = false;
};

class RealMappedFile final : public MappedFile {
 public:
  RealMappedFile(void* start, size_t size) : start_(start), size_(size) {}
  ~RealMappedFile() override {
    if (size_ > 0) munmap(start_, size_);
  }
  std::span<const std::byte> bytes() const override {
    return {static_cast<const std::byte*>(start_), size_};
  }

 private:
  void* start_;
  size_t size_;
};

// Writes a new file and syncs it. The caller removes it when this fails.
Status write_new_file(const std::string& path, std::string_view bytes, int mode) {
  const Descriptor file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, static_cast<mode_t>(mode)));
  if (!file.is_open()) return fail_system(errno, "create", path);
  // The mode asked for, whatever the process' umask is.
  if (fchmod(file.number(), static_cast<mode_t>(mode)) != 0) {
    return fail_system(errno, "set the mode of", path);
  }
  TIDEMILL_TRY(write_all(file.number(), bytes, path));
  if (fsync(file.number()) != 0) return fail_system(errno, "sync", path);
  return {};
}

}  // namespace

Result<std::string> RealFiles::read(const std::string& path, size_t limit_bytes) {
  struct stat info{};
  TIDEMILL_TRY_LET(file, open_regular(path, info));
  // One byte more than the size tells whether the file has grown, or has no size (as in /proc).
  std::string bytes;
  size_t want = static_cast<size_t>(info.st_size) + 1;
  while (true) {
    if (want > limit_bytes) want = limit_bytes + 1;
    const size_t had = bytes.size();
    std::string more(want - had, '\0');
    TIDEMILL_TRY(read_into(file.number(), static_cast<off_t>(had), more, path));
    const bool at_end = more.size() < want - had;
    bytes = had == 0 ? std::move(more) : bytes + more;
    if (bytes.size() > limit_bytes) break;
    if (at_end) return bytes;
    want = std::max<size_t>(want * 2, 4096);
  }
  return fail(
      Code::kExhausted,
      fmt::format("cannot read {}: it is longer than the {} bytes allowed", path, limit_bytes));
}

Status RealFiles::write(const std::string& path, std::string_view bytes, int mode) {
  const std::string temporary =
      fmt::format("{}.tmp.{}.{}", path, getpid(), temporary_.fetch_add(1));
  Status written = write_new_file(temporary, bytes, mode);
  if (!written && written.error().code == Code::kConflict) {
    // Left by an earlier process of this number, which is gone.
    ::unlink(temporary.c_str());
    written = write_new_file(temporary, bytes, mode);
  }
  if (written && ::rename(temporary.c_str(), path.c_str()) != 0) {
    written = fail_system(errno, "write", path);
  }
  if (!written) {
    ::unlink(temporary.c_str());
    return written;
  }
  return sync_folder(folder_of(path));
}

Result<std::unique_ptr<AppendFile>> RealFiles::open_append(const std::string& path, int mode) {
  const int flags = O_WRONLY | O_APPEND | O_CLOEXEC;
  Descriptor file(::open(path.c_str(), flags));
  if (!file.is_open() && errno == ENOENT) {
    file = Descriptor(::open(path.c_str(), flags | O_CREAT, static_cast<mode_t>(mode)));
    if (!file.is_open()) return fail_system(errno, "create", path);
    TIDEMILL_TRY(sync_folder(folder_of(path)));
  }
  if (!file.is_open()) return fail_system(errno, "append to", path);
  return std::make_unique<RealAppendFile>(std::move(file), path);
}

Result<std::string> RealFiles::read_tail(const std::string& path, size_t limit_bytes) {
  struct stat info{};
  TIDEMILL_TRY_LET(file, open_regular(path, info));
  const size_t size = static_cast<size_t>(info.st_size);
  std::string bytes(std::min(size, limit_bytes), '\0');
  TIDEMILL_TRY(read_into(file.number(), static_cast<off_t>(size - bytes.size()), bytes, path));
  return bytes;
}

Result<std::shared_ptr<MappedFile>> RealFiles::map(const std::string& path) {
  struct stat info{};
  TIDEMILL_TRY_LET(file, open_regular(path, info));
  const size_t size = static_cast<size_t>(info.st_size);
  if (size == 0) return std::make_shared<RealMappedFile>(nullptr, 0);
  void* start = mmap(nullptr, size, PROT_READ, MAP_SHARED, file.number(), 0);
  if (start == MAP_FAILED) return fail_system(errno, "map", path);
  return std::make_shared<RealMappedFile>(start, size);
}

Result<FileInfo> RealFiles::info(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return fail_system(errno, "look at", path);
  return to_info(path.substr(path.find_last_of('/') + 1), info);
}

Result<std::vector<FileInfo>> RealFiles::list(const std::string& folder) {
  const std::unique_ptr<DIR, int (*)(DIR*)> opened(opendir(folder.c_str()), &closedir);
  if (!opened) return fail_system(errno, "list", folder);
  std::vector<FileInfo> found;
  errno = 0;
  while (const dirent* entry = readdir(opened.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    struct stat info{};
    // A link to nothing is shown as itself; a file that has just gone is left out.
    if (fstatat(dirfd(opened.get()), entry->d_name, &info, 0) == 0 ||
        fstatat(dirfd(opened.get()), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0) {
      found.push_back(to_info(std::string(name), info));
    }
    errno = 0;
  }
  if (errno != 0) return fail_system(errno, "list", folder);
  std::sort(found.begin(), found.end(), [](auto& a, auto& b) { return a.name < b.name; });
  return found;
}

Status RealFiles::make_folders(const std::string& path, int mode) {
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (mkdir(part.c_str(), static_cast<mode_t>(mode)) == 0) {
      TIDEMILL_TRY(sync_folder(folder_of(part)));
    } else if (errno != EEXIST) {
      // A read-only parent answers EROFS or EACCES even for a folder that is there.
      const int reason = errno;
      struct stat info{};
      const bool there = ::stat(part.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
      if (!there) return fail_system(reason, "make folder", part);
    }
    if (end == std::string::npos) break;
  }
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return fail_system(errno, "make folder", path);
  if (!S_ISDIR(info.st_mode)) {
    return fail(Code::kConflict,
                fmt::format("cannot make folder {}: a file of that name exists", path));
  }
  return {};
}

Status RealFiles::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    return fail_system(errno, "rename", fmt::format("{} to {}", from, to));
  }
  TIDEMILL_TRY(sync_folder(folder_of(to)));
  if (folder_of(from) != folder_of(to)) return sync_folder(folder_of(from));
  return {};
}

Status RealFiles::truncate(const std::string& path, int64_t size) {
  Descriptor const file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (file.number() < 0) return fail_system(errno, "open", path);
  if (::ftruncate(file.number(), size) != 0) return fail_system(errno, "truncate", path);
  if (fsync(file.number()) != 0) return fail_sync(errno, path);
  return {};
}

Status RealFiles::remove(const std::string& path) {
  if (::unlink(path.c_str()) == 0 || errno == ENOENT) return {};
  if (errno == EISDIR && ::rmdir(path.c_str()) == 0) return {};
  return fail_system(errno, "remove", path);
}

Result<std::unique_ptr<FolderWatch>> RealFiles::watch(std::vector<std::string> folders,
                                                      std::function<void()> changed) {
  return watch_folders(loop_, std::move(folders), std::move(changed));
}

}  // namespace tidemill::io
