#include "cli/doctor_command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>

#include "base/json.h"
#include "base/text.h"
#include "cli/serve.h"
#include "cli/terminal.h"
#include "io/real/files.h"
#include "io/real/loop.h"
#include "io/sqlite.h"

namespace tidemill::cli {
namespace {

using State = Finding::State;

constexpr int kFsyncs = 20;
constexpr Duration kSlowFsync = Duration::millis(20);
constexpr Duration kImpossibleFsync = Duration::micros(5);
constexpr uint64_t kMinFiles = 4096;
constexpr uint64_t kMinBytes = 1ull << 30;

std::string_view word(State state) {
  return state == State::kGood ? "ok" : state == State::kWarning ? "warning" : "unsafe";
}

std::string read_file(io::Files& files, const std::string& path) {
  return files.read(path, 4u << 20).value_or("");
}

bool is_there(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0;
}

// The first of that name in PATH, or "".
std::string find_program(const std::string& name) {
  const char* path = ::getenv("PATH");
  for (std::string_view folder : split(path == nullptr ? "/usr/bin:/bin" : path, ':')) {
    std::string const full = fmt::format("{}/{}", folder, name);
    if (::access(full.c_str(), X_OK) == 0) return full;
  }
  return "";
}

Finding check_user() {
  uid_t const uid = ::geteuid();
  if (uid != 0) return {"user", State::kGood, fmt::format("user {}", uid), ""};
  return {"user", State::kWarning, "root",
          "run the server as a user of its own: every task would be root"};
}

Finding check_folder_mode(const std::string& folder) {
  struct stat info{};
  if (::stat(folder.c_str(), &info) != 0) {
    return {"data directory", State::kWarning, folder + " is not there yet",
            "`tidemill serve` makes it"};
  }
  std::string const found = fmt::format("{}, mode {:04o}", folder, info.st_mode & 07777);
  if ((info.st_mode & 0077) == 0) return {"data directory", State::kGood, found, ""};
  return {"data directory", State::kBad, found, "others can look into it: chmod 700 " + folder};
}

// The nearest folder that exists.
std::string existing(std::string folder) {
  while (!is_there(folder) && folder.size() > 1) {
    size_t const slash = folder.rfind('/');
    folder = slash == std::string::npos ? "." : slash == 0 ? "/" : folder.substr(0, slash);
  }
  return folder;
}

std::vector<Duration> time_fsyncs(const std::string& folder) {
  std::vector<Duration> times;
  std::string const path = folder + "/.tidemill-doctor";
  int const file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return times;
  std::array<char, 4096> const page{};
  for (int i = 0; i < kFsyncs; ++i) {
    auto const begin = std::chrono::steady_clock::now();
    if (::write(file, page.data(), page.size()) < 0 || ::fsync(file) != 0) break;
    times.push_back(Duration::micros(std::chrono::duration_cast<std::chrono::microseconds>(
                                         std::chrono::steady_clock::now() - begin)
                                         .count()));
  }
  ::close(file);
  ::unlink(path.c_str());
  return times;
}

Finding check_space(const std::string& folder) {
  struct statvfs info{};
  if (::statvfs(folder.c_str(), &info) != 0) {
    return {"disk space", State::kWarning, "unknown", "look with df " + folder};
  }
  uint64_t const free = uint64_t{info.f_bavail} * info.f_frsize;
  uint64_t const all = std::max<uint64_t>(1, uint64_t{info.f_blocks} * info.f_frsize);
  std::string const found = fmt::format("{:.1f} GiB free, {} %",
                                        static_cast<double>(free) / (1ull << 30), free * 100 / all);
  bool const is_low = free < kMinBytes || free * 20 < all;
  return {"disk space", is_low ? State::kWarning : State::kGood, found,
          is_low ? "free some space: with a full disk nothing new is started" : ""};
}

Finding check_cgroup() {
  if (!is_there("/sys/fs/cgroup/cgroup.controllers")) {
    return {
        "cgroups", State::kWarning, "no cgroup v2 at /sys/fs/cgroup",
        "memory and CPU of tasks are not limited; boot with systemd.unified_cgroup_hierarchy=1"};
  }
  bool const may_write = ::access("/sys/fs/cgroup/cgroup.procs", W_OK) == 0;
  return {"cgroups", State::kGood,
          may_write ? "version 2, writable" : "version 2, delegation needed",
          may_write ? "" : "for limits of tasks: Delegate=yes in the service's unit"};
}

Finding check_open_files() {
  struct rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  bool const is_low = limit.rlim_cur < kMinFiles;
  return {"open files", is_low ? State::kWarning : State::kGood,
          fmt::format("at most {}", limit.rlim_cur),
          is_low ? fmt::format("raise it to {} or more: LimitNOFILE= in the unit, or ulimit -n",
                               kMinFiles)
                 : ""};
}

Finding check_python() {
  std::string found;
  for (const char* name : {"python3", "python3.9", "python3.10", "python3.11", "python3.12",
                           "python3.13", "python3.14"}) {
    if (std::string const path = find_program(name); !path.empty()) {
      found += (found.empty() ? "" : ", ") + path;
    }
  }
  if (!found.empty()) return {"python", State::kGood, found, ""};
  return {"python", State::kWarning, "none in PATH", "python tasks need one: install python3"};
}

Finding check_podman() {
  std::string const path = find_program("podman");
  return {"podman", State::kGood, path.empty() ? "not there; needed for `image:` only" : path, ""};
}

Finding check_clock() {
  struct timex info{};
  int const state = ::adjtimex(&info);
  bool const is_synced = state != TIME_ERROR && (info.status & STA_UNSYNC) == 0;
  return {"clock", is_synced ? State::kGood : State::kWarning,
          is_synced ? fmt::format("synchronised, off by at most {} ms", info.maxerror / 1000)
                    : "not synchronised, as far as the kernel knows",
          is_synced ? "" : "run chrony or systemd-timesyncd: schedules follow this clock"};
}

Finding check_sqlite() {
  std::string path = "/tmp/tidemill-doctor-XXXXXX";
  int const file = ::mkstemp(path.data());
  if (file >= 0) ::close(file);
  auto version = [&]() -> Result<std::string> {
    TIDEMILL_TRY_LET(connection, io::Connection::open(path, io::Connection::Mode::kClient));
    TIDEMILL_TRY_LET(statement, connection.prepare("SELECT sqlite_version()"));
    TIDEMILL_TRY_LET(has_row, statement.step());
    return has_row ? statement.text(0) : "";
  }();
  ::unlink(path.c_str());
  if (!version) return {"sqlite", State::kBad, version.error().text(), "reinstall libsqlite3-0"};
  return {"sqlite", State::kGood, *version, ""};
}

}  // namespace

Finding judge_mount(const std::string& mountinfo, const std::string& folder) {
  // "36 35 98:0 /root /mount rw,noatime - ext4 /dev/sda1 rw,barrier=0"
  std::string_view best;
  std::string type;
  std::string options;
  for (std::string_view line : split(mountinfo, '\n')) {
    auto const words = split(line, ' ');
    auto const dash = std::find(words.begin(), words.end(), std::string_view("-"));
    if (words.size() < 10 || words.end() - dash < 4) continue;
    std::string_view const mount = words[4];
    bool const holds = mount == "/" || folder == mount ||
                       (folder.starts_with(mount) && folder[mount.size()] == '/');
    if (!holds || mount.size() < best.size()) continue;
    best = mount;
    type = dash[1];
    options = fmt::format("{},{}", words[5], dash[3]);
  }
  if (type.empty()) {
    return {"file system", State::kWarning, "unknown", "look with findmnt " + folder};
  }
  std::string const found = fmt::format("{} at {}", type, best);
  for (std::string_view option : split(options, ',')) {
    if (option == "nobarrier" || option == "barrier=0") {
      return {"file system", State::kBad, fmt::format("{} with {}", found, option),
              "a power failure can lose what was acknowledged: mount it without that option"};
    }
  }
  if (type == "tmpfs" || type == "ramfs") {
    return {"file system", State::kBad, found,
            "all is lost when the machine goes down: use a disk, with --data"};
  }
  constexpr std::string_view kRemote[] = {"nfs", "nfs4", "cifs", "smb3", "9p", "fuse", "ceph"};
  bool const is_remote = std::any_of(std::begin(kRemote), std::end(kRemote), [&](auto name) {
    return type == name || type.starts_with(std::string(name) + ".");
  });
  if (is_remote) {
    return {"file system", State::kBad, found,
            "SQLite's locks and fsync cannot be relied on there: use a local disk"};
  }
  bool const is_layered = type == "overlay";
  return {"file system", is_layered ? State::kWarning : State::kGood, found,
          is_layered ? "it goes with the container: mount a volume for the data directory" : ""};
}

Finding judge_fsync(const std::vector<Duration>& times) {
  if (times.empty()) {
    return {"fsync", State::kWarning, "not measured", "the data directory cannot be written"};
  }
  std::vector<Duration> sorted = times;
  std::sort(sorted.begin(), sorted.end());
  Duration const median = sorted[sorted.size() / 2];
  std::string const found = fmt::format("{:.3f} ms in the middle, {:.3f} ms at most",
                                        median.to_ms(), sorted.back().to_ms());
  if (median < kImpossibleFsync) {
    return {"fsync", State::kWarning, found,
            "faster than any disk: it may not reach one; see the file system's options"};
  }
  if (median > kSlowFsync) {
    return {"fsync", State::kWarning, found,
            "every step waits for it: use an SSD with power-loss protection"};
  }
  return {"fsync", State::kGood, found, ""};
}

Finding judge_secrets(const std::vector<std::string>& folders) {
  io::RealLoop loop;
  io::RealFiles files(loop);
  int64_t count = 0;
  for (const std::string& folder : folders) {
    auto const list = files.list(folder);
    if (!list) continue;
    for (const io::FileInfo& info : *list) {
      std::string const path = folder + "/" + info.name;
      struct stat status{};
      if (info.is_folder || ::stat(path.c_str(), &status) != 0) continue;
      ++count;
      if ((status.st_mode & 0077) != 0) {
        return {"secrets", State::kBad,
                fmt::format("{} has mode {:04o}", path, status.st_mode & 07777),
                "others can read it: chmod 600 " + path};
      }
    }
  }
  return {"secrets", State::kGood, fmt::format("{} files", count), ""};
}

int doctor(const Common& common, std::FILE* out) {
  io::RealLoop loop;
  io::RealFiles files(loop);
  std::string data = data_folder(common.data, common.project);
  std::string const near = existing(data);
  char* const resolved = ::realpath(near.c_str(), nullptr);
  std::string const real = resolved == nullptr ? near : resolved;
  ::free(resolved);
  std::vector<Finding> const findings = {
      check_user(),
      check_folder_mode(data),
      judge_mount(read_file(files, "/proc/self/mountinfo"), real),
      judge_fsync(time_fsyncs(real)),
      check_space(real),
      judge_secrets({data + "/secrets", common.project + "/secrets"}),
      check_open_files(),
      check_cgroup(),
      check_clock(),
      check_sqlite(),
      check_python(),
      check_podman(),
  };
  State worst = State::kGood;
  for (const Finding& finding : findings) worst = std::max(worst, finding.state);
  if (common.json) {
    Json list = Json::array();
    for (const Finding& finding : findings) {
      list.push(Json::object()
                    .set("name", finding.name)
                    .set("state", word(finding.state))
                    .set("found", finding.found)
                    .set("advice", finding.advice));
    }
    std::fprintf(
        out, "%s\n",
        Json::object().set("state", word(worst)).set("findings", std::move(list)).dump().c_str());
  } else {
    std::vector<std::vector<Cell>> rows;
    for (const Finding& finding : findings) {
      Colour const colour = finding.state == State::kGood      ? Colour::kGreen
                            : finding.state == State::kWarning ? Colour::kYellow
                                                               : Colour::kRed;
      rows.push_back({{finding.name},
                      {std::string(word(finding.state)), colour},
                      {finding.found},
                      {finding.advice}});
    }
    print_table(out, {"WHAT", "STATE", "FOUND", "WHAT TO DO"}, rows);
  }
  return worst == State::kBad ? 1 : 0;
}

}  // namespace tidemill::cli
