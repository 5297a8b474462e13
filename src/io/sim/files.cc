#include "io/sim/files.h"

#include <errno.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "io/real/errors.h"

namespace tidemill::io {
namespace {

constexpr Duration kQuiet = Duration::millis(50);

std::string normalize(std::string_view path) {
  std::string out = path.starts_with('/') ? "/" : "";
  for (const auto part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (!out.empty() && out.back() != '/') out += '/';
    out += part;
  }
  return out.empty() ? "." : out;
}

std::string parent_of(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool is_below(const std::string& path, const std::string& folder) {
  if (folder == "/") return path.size() > 1 && path[0] == '/';
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

}  // namespace

struct SimFiles::Watch {
  std::vector<std::string> folders;
  std::function<void()> changed;
  TimerHandle timer;
};

class SimFiles::SimFolderWatch final : public FolderWatch {
 public:
  SimFolderWatch(SimQueue& queue, std::shared_ptr<Watch> watch)
      : queue_(queue), watch_(std::move(watch)) {}
  ~SimFolderWatch() override { queue_.cancel(watch_->timer); }
  SimFolderWatch(const SimFolderWatch&) = delete;
  SimFolderWatch& operator=(const SimFolderWatch&) = delete;

 private:
  SimQueue& queue_;
  std::shared_ptr<Watch> watch_;
};

class SimFiles::SimMappedFile final : public MappedFile {
 public:
  explicit SimMappedFile(std::string bytes) : bytes_(std::move(bytes)) {}
  std::span<const std::byte> bytes() const override { return std::as_bytes(std::span(bytes_)); }

 private:
  std::string bytes_;
};

class SimFiles::SimAppendFile final : public AppendFile {
 public:
  SimAppendFile(SimFiles& files, std::string path, std::shared_ptr<Content> content)
      : files_(files), path_(std::move(path)), content_(std::move(content)) {}

  Status append(std::string_view bytes) override {
    if (failed_) return fail_sync();
    TIDEMILL_TRY(files_.check_space(bytes.size(), path_));
    content_->bytes += bytes;
    content_->modified = files_.queue_.now().wall;
    files_.tell_watches(path_);
    return {};
  }

  Status sync() override {
    failed_ = failed_ || files_.syncs_ == Syncs::kFail;
    if (failed_) return fail_sync();
    content_->synced = content_->bytes.size();
    return {};
  }

 private:
  tl::unexpected<Error> fail_sync() const {
    Error error = system_error(EIO, "sync", path_);
    error.code = Code::kUnknown;
    error.message += "; nobody knows what is on the disk: end the process and read it again";
    return fail(std::move(error));
  }

  SimFiles& files_;
  std::string path_;
  std::shared_ptr<Content> content_;
  bool failed_ = false;
};

SimFiles::SimFiles(SimQueue& queue) : queue_(queue) {
  nodes_["/"] = {.is_folder = true, .content = nullptr};
  nodes_["."] = {.is_folder = true, .content = nullptr};
}
SimFiles::~SimFiles() = default;

int64_t SimFiles::used_bytes() const {
  int64_t used = 0;
  for (const auto& [path, node] : nodes_) {
    if (node.content) used += static_cast<int64_t>(node.content->bytes.size());
  }
  return used;
}

void SimFiles::lose_power() {
  for (auto& [path, node] : nodes_) {
    if (node.content) node.content->bytes.resize(node.content->synced);
  }
}

Result<SimFiles::Node*> SimFiles::find_file(const std::string& path, std::string_view action) {
  const auto found = nodes_.find(normalize(path));
  if (found == nodes_.end()) return fail_system(ENOENT, action, path);
  if (found->second.is_folder) return fail_system(EISDIR, action, path);
  return &found->second;
}

Status SimFiles::check_parent(const std::string& path, std::string_view action) {
  const auto parent = nodes_.find(parent_of(normalize(path)));
  if (parent == nodes_.end()) return fail_system(ENOENT, action, path);
  if (!parent->second.is_folder) return fail_system(ENOTDIR, action, path);
  return {};
}

Status SimFiles::check_space(size_t more, const std::string& path) {
  if (!capacity_ || used_bytes() + static_cast<int64_t>(more) <= *capacity_) return {};
  return fail_system(ENOSPC, "write", path);
}

Result<std::string> SimFiles::read(const std::string& path, size_t limit_bytes) {
  TIDEMILL_TRY_LET(node, find_file(path, "read"));
  if (node->content->bytes.size() > limit_bytes) {
    return fail(
        Code::kExhausted,
        fmt::format("cannot read {}: it is longer than the {} bytes allowed", path, limit_bytes));
  }
  return node->content->bytes;
}

Status SimFiles::write(const std::string& path, std::string_view bytes, int) {
  TIDEMILL_TRY(check_parent(path, "create"));
  const std::string name = normalize(path);
  const auto found = nodes_.find(name);
  if (found != nodes_.end() && found->second.is_folder) return fail_system(EISDIR, "write", path);
  TIDEMILL_TRY(check_space(bytes.size(), path));
  if (syncs_ == Syncs::kFail) return fail_system(EIO, "sync", path);
  // A new file in place of the old one: those who have the old one open keep it.
  auto content = std::make_shared<Content>();
  content->bytes = bytes;
  content->synced = bytes.size();
  content->modified = queue_.now().wall;
  nodes_[name] = {.is_folder = false, .content = std::move(content)};
  tell_watches(name);
  return {};
}

Result<std::unique_ptr<AppendFile>> SimFiles::open_append(const std::string& path, int) {
  TIDEMILL_TRY(check_parent(path, "create"));
  const std::string name = normalize(path);
  auto& node = nodes_[name];
  if (node.is_folder) return fail_system(EISDIR, "append to", path);
  if (!node.content) {
    node.content = std::make_shared<Content>();
    node.content->modified = queue_.now().wall;
    tell_watches(name);
  }
  return std::make_unique<SimAppendFile>(*this, name, node.content);
}

Result<std::string> SimFiles::read_tail(const std::string& path, size_t limit_bytes) {
  TIDEMILL_TRY_LET(node, find_file(path, "read"));
  const std::string& bytes = node->content->bytes;
  return bytes.substr(bytes.size() - std::min(bytes.size(), limit_bytes));
}

Result<std::shared_ptr<MappedFile>> SimFiles::map(const std::string& path) {
  TIDEMILL_TRY_LET(node, find_file(path, "read"));
  return std::make_shared<SimMappedFile>(node->content->bytes);
}

Result<FileInfo> SimFiles::info(const std::string& path) {
  const std::string name = normalize(path);
  const auto found = nodes_.find(name);
  if (found == nodes_.end()) return fail_system(ENOENT, "look at", path);
  FileInfo info;
  info.name = name.substr(name.find_last_of('/') + 1);
  info.is_folder = found->second.is_folder;
  if (found->second.content) {
    info.size = static_cast<int64_t>(found->second.content->bytes.size());
    info.modified = found->second.content->modified;
  }
  return info;
}

Result<std::vector<FileInfo>> SimFiles::list(const std::string& folder) {
  const std::string name = normalize(folder);
  const auto self = nodes_.find(name);
  if (self == nodes_.end()) return fail_system(ENOENT, "list", folder);
  if (!self->second.is_folder) return fail_system(ENOTDIR, "list", folder);
  std::vector<FileInfo> found;
  for (const auto& [path, node] : nodes_) {
    if (path == "." || path == "/" || parent_of(path) != name) continue;
    TIDEMILL_TRY_LET(info, this->info(path));
    found.push_back(std::move(info));
  }
  return found;
}

Status SimFiles::make_folders(const std::string& path, int) {
  const std::string name = normalize(path);
  for (size_t end = name.find('/', 1);; end = name.find('/', end + 1)) {
    const std::string part = name.substr(0, end);
    const auto [found, made] = nodes_.try_emplace(part, Node{.is_folder = true, .content = {}});
    if (!found->second.is_folder) {
      return fail(Code::kConflict,
                  fmt::format("cannot make folder {}: a file of that name exists", part));
    }
    if (made) tell_watches(part);
    if (end == std::string::npos) return {};
  }
}

Status SimFiles::rename(const std::string& from, const std::string& to) {
  const std::string source = normalize(from);
  const std::string target = normalize(to);
  const std::string subject = fmt::format("{} to {}", from, to);
  if (!nodes_.contains(source)) return fail_system(ENOENT, "rename", subject);
  TIDEMILL_TRY(check_parent(to, "rename"));
  if (source == target) return {};
  if (is_below(target, source)) return fail_system(EINVAL, "rename", subject);
  const auto replaced = nodes_.find(target);
  if (replaced != nodes_.end()) {
    if (replaced->second.is_folder) return fail_system(EEXIST, "rename", subject);
    if (nodes_[source].is_folder) return fail_system(ENOTDIR, "rename", subject);
  }
  std::map<std::string, Node> moved;
  std::erase_if(nodes_, [&](auto& entry) {
    const bool below = is_below(entry.first, source);
    if (entry.first != source && !below) return false;
    moved[target + entry.first.substr(source.size())] = std::move(entry.second);
    return true;
  });
  for (auto& [path, node] : moved) nodes_[path] = std::move(node);
  tell_watches(source);
  tell_watches(target);
  return {};
}

Status SimFiles::truncate(const std::string& path, int64_t size) {
  TIDEMILL_TRY_LET(node, find_file(path, "open"));
  if (size < 0) return fail_system(EINVAL, "truncate", path);
  Content& content = *node->content;
  const auto wanted = static_cast<size_t>(size);
  if (wanted > content.bytes.size()) {
    TIDEMILL_TRY(check_space(wanted - content.bytes.size(), path));
  }
  content.bytes.resize(wanted, '\0');
  content.synced = wanted;
  content.modified = queue_.now().wall;
  tell_watches(normalize(path));
  return {};
}

Status SimFiles::remove(const std::string& path) {
  const std::string name = normalize(path);
  const auto found = nodes_.find(name);
  if (found == nodes_.end()) return {};
  const bool used = std::any_of(nodes_.begin(), nodes_.end(),
                                [&](auto& entry) { return is_below(entry.first, name); });
  if (used) return fail_system(ENOTEMPTY, "remove", path);
  nodes_.erase(found);
  tell_watches(name);
  return {};
}

Result<std::unique_ptr<FolderWatch>> SimFiles::watch(std::vector<std::string> folders,
                                                     std::function<void()> changed) {
  auto watch = std::make_shared<Watch>();
  for (const auto& folder : folders) watch->folders.push_back(normalize(folder));
  watch->changed = std::move(changed);
  watches_.push_back(watch);
  return std::make_unique<SimFolderWatch>(queue_, std::move(watch));
}

void SimFiles::tell_watches(const std::string& path) {
  std::erase_if(watches_, [](auto& watch) { return watch.expired(); });
  for (const auto& weak : watches_) {
    const auto watch = weak.lock();
    const bool concerned =
        std::any_of(watch->folders.begin(), watch->folders.end(), [&](const std::string& folder) {
          return folder == path || folder == parent_of(path) || is_below(folder, path);
        });
    if (!concerned || watch->timer.value != 0) continue;
    watch->timer = queue_.after(SimQueue::Owner::kServer, kQuiet, [weak] {
      const auto still = weak.lock();
      if (!still) return;
      still->timer = {};
      still->changed();
    });
  }
}

}  // namespace tidemill::io
