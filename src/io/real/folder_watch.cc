#include "io/real/folder_watch.h"

#include <errno.h>
#include <sys/inotify.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "io/real/descriptor.h"
#include "io/real/errors.h"
#include "io/real/loop.h"

namespace tidemill::io {
namespace {

constexpr Duration kQuiet = Duration::millis(50);

// One mask for folders and for the ancestors of missing ones: two watches of one inode share a
// mask.
constexpr uint32_t kEvents = IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO |
                             IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

// A missing folder is represented by its nearest ancestor that exists, until it appears.
class InotifyWatch final : public FolderWatch {
 public:
  InotifyWatch(RealLoop& loop, Descriptor inotify, std::vector<std::string> folders,
               std::function<void()> changed)
      : loop_(loop),
        inotify_(std::move(inotify)),
        changed_(std::move(changed)),
        watch_(loop.watch_descriptor(inotify_.number(), [this](Readiness) { read_events(); })) {
    for (auto& path : folders) folders_.push_back({.path = std::move(path)});
  }
  ~InotifyWatch() override { loop_.cancel(timer_); }
  InotifyWatch(const InotifyWatch&) = delete;
  InotifyWatch& operator=(const InotifyWatch&) = delete;

  Status start() {
    bool ignored = false;
    TIDEMILL_TRY(find_all(ignored));
    watch_->want({.readable = true});
    return {};
  }

 private:
  struct Folder {
    std::string path;
    int number = -1;  // inotify's, of the folder or of its ancestor
    bool present = false;
  };

  // Looks every folder up again; `appeared` is set if one came or went.
  Status find_all(bool& appeared) {
    std::vector<int> before;
    for (auto& folder : folders_) {
      before.push_back(folder.number);
      const bool was_present = folder.present;
      TIDEMILL_TRY(find(folder));
      if (folder.present != was_present || (folder.present && folder.number != before.back())) {
        appeared = true;
      }
    }
    for (const int old : before) {
      const bool used = std::any_of(folders_.begin(), folders_.end(),
                                    [old](const Folder& folder) { return folder.number == old; });
      // Fails for a folder that is gone, whose watch the kernel has removed by itself.
      if (!used && old >= 0) inotify_rm_watch(inotify_.number(), old);
    }
    return {};
  }

  Status find(Folder& folder) {
    std::string path = folder.path;
    while (true) {
      folder.number = inotify_add_watch(inotify_.number(), path.c_str(), kEvents);
      folder.present = folder.number >= 0 && path == folder.path;
      if (folder.present) return {};
      const int reason = errno;
      if (folder.number >= 0) {
        // The folder may have been made after it was looked for and before its ancestor was
        // watched: only a look after that is sure.
        const int again = inotify_add_watch(inotify_.number(), folder.path.c_str(), kEvents);
        if (again < 0) return {};
        folder.number = again;
        folder.present = true;
        return {};
      }
      if (reason != ENOENT && reason != ENOTDIR) return fail_system(reason, "watch", path);
      if (path == "/" || path == ".") return fail_system(reason, "watch", folder.path);
      const size_t slash = path.find_last_of('/');
      path = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
    }
  }

  // Reads once and then looks away for a while: a program that writes into a watched folder without
  // end must not hold the loop.
  void read_events() {
    if (!read_some()) return;
    watch_->want({});
    timer_ = loop_.after(kQuiet, [this] {
      timer_ = {};
      read_some();  // what came meanwhile is told with it
      watch_->want({.readable = true});
      // A copy, since the callback may destroy this watch.
      const auto changed = changed_;
      changed();
    });
  }

  // One read. True if something has changed.
  bool read_some() {
    alignas(inotify_event) std::array<char, 16384> buffer;
    bool relevant = false;
    bool look_again = false;
    const ssize_t got = ::read(inotify_.number(), buffer.data(), buffer.size());
    for (ssize_t at = 0; at < got;) {
      inotify_event event;
      std::memcpy(&event, buffer.data() + at, sizeof event);
      at += static_cast<ssize_t>(sizeof event + event.len);
      judge(event, relevant, look_again);
    }
    // A folder that can no longer be watched (no memory, no permission) counts as changed; the
    // reader of the folder then meets the reason.
    if (look_again && !find_all(relevant)) relevant = true;
    return relevant;
  }

  void judge(const inotify_event& event, bool& relevant, bool& look_again) const {
    if (event.mask & IN_Q_OVERFLOW) {
      relevant = look_again = true;
      return;
    }
    if (event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)) look_again = true;
    for (const auto& folder : folders_) {
      if (folder.number != event.wd) continue;
      if (folder.present) {
        relevant = relevant || (event.mask & IN_IGNORED) == 0;
      } else {
        look_again = true;
      }
    }
  }

  RealLoop& loop_;
  Descriptor inotify_;
  std::function<void()> changed_;
  std::vector<Folder> folders_;
  TimerHandle timer_;
  std::unique_ptr<DescriptorWatch> watch_;
};

}  // namespace

Result<std::unique_ptr<FolderWatch>> watch_folders(RealLoop& loop, std::vector<std::string> folders,
                                                   std::function<void()> changed) {
  Descriptor inotify(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!inotify.is_open()) return fail_system(errno, "watch folders by", "inotify");
  auto watch = std::make_unique<InotifyWatch>(loop, std::move(inotify), std::move(folders),
                                              std::move(changed));
  TIDEMILL_TRY(watch->start());
  return watch;
}

}  // namespace tidemill::io
