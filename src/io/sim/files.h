// Files of a simulation: in memory, with a disk that can be full, fail, or lose power.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "io/files.h"
#include "io/sim/queue.h"

namespace tidemill::io {

// As RealFiles, also in its errors' texts and codes. The folders "/" and "." exist; paths are
// normalized ("a//b/", "./a/b" and "a/b" are one). Files outlive a restart of the server.
class SimFiles final : public Files {
 public:
  explicit SimFiles(SimQueue& queue);
  ~SimFiles() override;

  // All bytes of all files. Over it, writes and appends answer `exhausted`; reads go on.
  void set_capacity(std::optional<int64_t> bytes) { capacity_ = bytes; }
  int64_t used_bytes() const;
  // While on, every sync fails: AppendFile::sync answers `unknown`, `write` keeps the old content.
  enum class Syncs { kWork, kFail };
  void set_syncs(Syncs syncs) { syncs_ = syncs; }
  // What was appended and not synced is gone. Files of the dead server are not used any more.
  void lose_power();

  Result<std::string> read(const std::string& path, size_t limit_bytes) override;
  Status write(const std::string& path, std::string_view bytes, int mode = 0644) override;
  Result<std::unique_ptr<AppendFile>> open_append(const std::string& path,
                                                  int mode = 0644) override;
  Result<std::string> read_tail(const std::string& path, size_t limit_bytes) override;
  Result<std::shared_ptr<MappedFile>> map(const std::string& path) override;
  Result<FileInfo> info(const std::string& path) override;
  Result<std::vector<FileInfo>> list(const std::string& folder) override;
  Status make_folders(const std::string& path, int mode = 0755) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status truncate(const std::string& path, int64_t size) override;
  Status remove(const std::string& path) override;
  Result<std::unique_ptr<FolderWatch>> watch(std::vector<std::string> folders,
                                             std::function<void()> changed) override;

 private:
  struct Content {
    std::string bytes;
    size_t synced = 0;
    Time modified;
  };
  struct Node {
    bool is_folder = false;
    std::shared_ptr<Content> content;  // shared with those who have it open
  };
  struct Watch;
  class SimAppendFile;
  class SimMappedFile;
  class SimFolderWatch;

  Result<Node*> find_file(const std::string& path, std::string_view action);
  Status check_parent(const std::string& path, std::string_view action);
  Status check_space(size_t more, const std::string& path);
  void tell_watches(const std::string& path);

  SimQueue& queue_;
  std::map<std::string, Node> nodes_;
  std::vector<std::weak_ptr<Watch>> watches_;
  std::optional<int64_t> capacity_;
  Syncs syncs_ = Syncs::kWork;
};

}  // namespace tidemill::io
