// Files and folders. Blocking: the loop calls it only for small files.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace tidemill::io {

struct FileInfo {
  std::string name;  // without its folder
  bool is_folder = false;
  int64_t size = 0;
  Time modified;
};

// A file opened for appending. Destroying it closes it.
class AppendFile {
 public:
  virtual ~AppendFile() = default;
  // Appends all bytes or answers an error; `exhausted` for a full disk.
  virtual Status append(std::string_view bytes) = 0;
  // Data is on the disk when this answers. After an error the file must not be used again.
  virtual Status sync() = 0;
};

// A read-only mapping. The bytes stay valid as long as this lives.
class MappedFile {
 public:
  virtual ~MappedFile() = default;
  virtual std::span<const std::byte> bytes() const = 0;
};

// Tells of changes below a folder until it is destroyed.
class FolderWatch {
 public:
  virtual ~FolderWatch() = default;
};

// Thread-safe. Paths are used as given; errors name the path and the system's reason.
class Files {
 public:
  virtual ~Files() = default;
  virtual Result<std::string> read(const std::string& path, size_t limit_bytes) = 0;
  // Temporary file, fsync, rename, fsync of the folder: after a crash the old or the new content.
  virtual Status write(const std::string& path, std::string_view bytes, int mode = 0644) = 0;
  virtual Result<std::unique_ptr<AppendFile>> open_append(const std::string& path,
                                                          int mode = 0644) = 0;
  // Up to `limit_bytes` at the end of the file. Nothing for an empty file.
  virtual Result<std::string> read_tail(const std::string& path, size_t limit_bytes) = 0;
  virtual Result<std::shared_ptr<MappedFile>> map(const std::string& path) = 0;
  virtual Result<FileInfo> info(const std::string& path) = 0;
  // Sorted by name. Not found is an error.
  virtual Result<std::vector<FileInfo>> list(const std::string& folder) = 0;
  virtual Status make_folders(const std::string& path, int mode = 0755) = 0;
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  // Cuts the file to `size` bytes, durably.
  virtual Status truncate(const std::string& path, int64_t size) = 0;
  // A missing file is not an error.
  virtual Status remove(const std::string& path) = 0;
  // Calls `changed` on the loop's thread, at most once per 50 ms, after anything in one of
  // `folders` (not in their sub-folders) was made, written, renamed or removed. A missing folder is
  // watched for.
  virtual Result<std::unique_ptr<FolderWatch>> watch(std::vector<std::string> folders,
                                                     std::function<void()> changed) = 0;
};

}  // namespace tidemill::io
