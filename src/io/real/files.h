// The machine's files.
#pragma once

#include <atomic>
#include <cstdint>

#include "io/files.h"

namespace tidemill::io {

class RealLoop;

// Thread-safe, but `watch` and what it returns belong to the loop's thread. Beyond the interface:
// - `write` and `rename` are durable when they answer; a removal may come undone by a crash.
// - A failed AppendFile::sync and a failed fsync after a rename answer `unknown`: nobody knows what
//   is on the disk, so the caller must acknowledge nothing more. A failed `write` before its rename
//   leaves the old content.
// - A failed AppendFile::append leaves the file as it was. One appender a file.
// - `remove` also removes an empty folder. `read` reads regular files only.
// - `watch` does not notice a folder whose own parent folder is renamed.
class RealFiles final : public Files {
 public:
  // The loop must outlive this and every watch.
  explicit RealFiles(RealLoop& loop) : loop_(loop) {}

  Result<std::string> read(const std::string& path, size_t limit_bytes) override;
  Status write(const std::string& path, std::string_view bytes, int mode) override;
  Result<std::unique_ptr<AppendFile>> open_append(const std::string& path, int mode) override;
  Result<std::string> read_tail(const std::string& path, size_t limit_bytes) override;
  Result<std::shared_ptr<MappedFile>> map(const std::string& path) override;
  Result<FileInfo> info(const std::string& path) override;
  Result<std::vector<FileInfo>> list(const std::string& folder) override;
  Status make_folders(const std::string& path, int mode) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status truncate(const std::string& path, int64_t size) override;
  Status remove(const std::string& path) override;
  Result<std::unique_ptr<FolderWatch>> watch(std::vector<std::string> folders,
                                             std::function<void()> changed) override;

 private:
  RealLoop& loop_;
  std::atomic<uint64_t> temporary_{0};
};

}  // namespace tidemill::io
