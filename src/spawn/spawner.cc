#include "spawn/spawner.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstdlib>

#include "base/json.h"
#include "spawn/connection.h"

namespace tidemill::spawn {

namespace {

constexpr size_t kListedAtOnce = 64;
constexpr Duration kStopGrace = Duration::seconds(5);
constexpr int kLargeBlockBytes = 128 << 10;
constexpr Duration kAloneCheck = Duration::seconds(60);

void say(const std::string& line) {
  fmt::print(stderr, "{} spawner[{}]: {}\n", format_rfc3339(wall_time()), ::getpid(), line);
}

// Takes the data directory for this process; nothing is open if another spawner has it.
Result<Fd> lock(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.open()) return system_failure("open the lock", path);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return Fd();
  return fd;
}

bool same_file(int fd, const std::string& path) {
  struct stat held{};
  struct stat named{};
  return ::fstat(fd, &held) == 0 && ::stat(path.c_str(), &named) == 0 &&
         held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

class Spawner {
 public:
  Spawner(const SpawnerOptions& options, Fd lock_file, Journal journal, Door door,
          uint64_t open_files)
      : lock_path_(options.data_folder + "/spawner.lock"),
        lock_(std::move(lock_file)),
        door_(std::move(door)),
        attempts_({options.data_folder, open_files, options.log_limit_bytes, 4096,
                   options.containment, options.zygotes},
                  poller_, std::move(journal)),
        instance_(random_number()) {}

  void run() {
    watch_signals();
    poller_.watch(door_.fd(), [this] { let_in(); });
    attempts_.recover();
    while (true) {
      attempts_.tick(elapsed_time());
      for (const io::ProcessExit& exit : attempts_.take_told()) tell(exit);
      flush();
      const bool leaving = goodbye_ || terminated_;
      if (leaving && attempts_.idle()) return;
      poller_.wait(time_to_wait());
    }
  }

 private:
  void watch_signals() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&set, signal);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    signals_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    poller_.watch(signals_.get(), [this] { take_signals(); });
  }

  void take_signals() {
    signalfd_siginfo info{};
    bool child = false;
    while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      if (info.ssi_signo == SIGCHLD) {
        child = true;
      } else if (info.ssi_signo != SIGHUP) {
        say(fmt::format("signal {}: stopping all tasks", info.ssi_signo));
        terminated_ = true;
        attempts_.stop_all(kStopGrace);
      }
    }
    if (child) attempts_.reap();
  }

  std::optional<Duration> time_to_wait() {
    const Elapsed now = elapsed_time();
    std::optional<Elapsed> due = attempts_.next_deadline();
    if (connections_.empty()) {
      // The data directory may have been removed with nobody left to say goodbye.
      if (!same_file(lock_.get(), lock_path_)) {
        goodbye_ = true;
        attempts_.stop_all(kStopGrace);
      }
      if (!due || now + kAloneCheck < *due) due = now + kAloneCheck;
    }
    if (goodbye_ && attempts_.idle()) return Duration{};
    if (!due) return std::nullopt;
    return *due < now ? Duration{} : Duration{due->us - now.us};
  }

  void let_in() {
    Fd visitor = door_.accept();
    if (!visitor.open()) return;
    const uint64_t number = next_connection_++;
    connections_[number] = std::make_unique<Connection>(std::move(visitor), poller_,
                                                        [this, number] { converse(number); });
  }

  void converse(uint64_t number) {
    Connection& connection = *connections_.at(number);
    const bool open = connection.receive();
    while (true) {
      Result<std::optional<Frame>> frame = connection.next_frame();
      Status good = frame ? Status() : fail(frame.error());
      if (frame && !*frame) break;
      if (frame) good = handle(number, connection, **frame);
      if (!good) {
        say(good.error().message);
        connection.send(encode_refused(good.error().message));
        connection.flush();
        connections_.erase(number);
        return;
      }
    }
    if (!open) connections_.erase(number);
  }

  Status handle(uint64_t number, Connection& connection, const Frame& frame) {
    if (frame.type != MessageType::kHello && !connection.welcomed) {
      return fail(Code::kInvalid, "spawner protocol: the first message must be a hello");
    }
    switch (frame.type) {
      case MessageType::kHello:
        return welcome(connection);
      case MessageType::kStart:
        return start(number, frame.body);
      case MessageType::kStop: {
        TIDEMILL_TRY_LET(stop, decode_stop(frame.body));
        attempts_.stop(stop.id, stop.grace);
        connection.send(encode_stop_heard(stop.id));
        return {};
      }
      case MessageType::kList:
        return list(connection, frame.body);
      case MessageType::kAcknowledge: {
        TIDEMILL_TRY_LET(id, decode_acknowledge(frame.body));
        attempts_.acknowledge(id);
        return {};
      }
      case MessageType::kGoodbye:
        goodbye_ = true;
        return {};
      default:
        return fail(Code::kInvalid, fmt::format("spawner protocol: message type {} is not known",
                                                static_cast<int>(frame.type)));
    }
  }

  Status welcome(Connection& connection) {
    connection.welcomed = true;
    goodbye_ = false;
    connection.send(encode_welcome({::getpid(), instance_}));
    for (const io::ProcessId& id : attempts_.exited()) {
      connection.send_later([this, id] {
        const io::ProcessExit* exit = attempts_.exit_of(id);
        return exit == nullptr ? std::string() : encode_exit(*exit);
      });
    }
    return {};
  }

  Status start(uint64_t number, std::string_view body) {
    TIDEMILL_TRY_LET(request, decode_start(body));
    const uint64_t asked = request.request;
    if (terminated_) {
      connections_.at(number)->send(
          encode_started({asked, 0, Code::kUnavailable, "the spawner is stopping"}));
      return {};
    }
    attempts_.start(std::move(request.spec), [this, number, asked](Started answer) {
      answer.request = asked;
      const auto found = connections_.find(number);
      if (found != connections_.end()) found->second->send(encode_started(answer));
    });
    return {};
  }

  // In parts, so that no frame is large: first the running, then the exited.
  Status list(Connection& connection, std::string_view body) {
    TIDEMILL_TRY_LET(request, decode_list(body));
    const std::vector<io::ProcessId> running = attempts_.running();
    const std::vector<io::ProcessId> exited = attempts_.exited();
    for (size_t at = 0; at < running.size(); at += kListedAtOnce) {
      ListPart part{request, ListPart::More::kYes, {}};
      const size_t end = std::min(running.size(), at + kListedAtOnce);
      part.list.running.assign(running.begin() + at, running.begin() + end);
      connection.send(encode_listed(part));
    }
    for (const io::ProcessId& id : exited) {
      connection.send_later([this, id, asked = request] {
        const io::ProcessExit* exit = attempts_.exit_of(id);
        if (exit == nullptr) return std::string();
        return encode_listed({asked, ListPart::More::kYes, {{}, {*exit}}});
      });
    }
    connection.send(encode_listed({request, ListPart::More::kNo, {}}));
    return {};
  }

  void tell(const io::ProcessExit& exit) {
    const std::string frame = encode_exit(exit);
    for (auto& [number, connection] : connections_) {
      if (connection->welcomed) connection->send(frame);
    }
  }

  void flush() {
    std::erase_if(connections_, [](auto& entry) { return !entry.second->flush(); });
  }

  std::string lock_path_;
  Fd lock_;
  Door door_;
  Poller poller_;
  Attempts attempts_;
  uint64_t instance_;
  Fd signals_;
  std::map<uint64_t, std::unique_ptr<Connection>> connections_;
  uint64_t next_connection_ = 1;
  bool goodbye_ = false;
  bool terminated_ = false;
};

// Many tasks need many descriptors here; they themselves keep the limit that was set.
uint64_t raise_open_files() {
  constexpr rlim_t kEnough = 65536;
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  const uint64_t before = files.rlim_cur;
  files.rlim_cur = std::min<rlim_t>(files.rlim_max, std::max(files.rlim_cur, kEnough));
  ::setrlimit(RLIMIT_NOFILE, &files);
  return before;
}

void to_dev_null(int fd) {
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (null.open()) ::dup2(null.get(), fd);
}

int report(const Error& error) {
  say(error.text());
  write_whole(STDOUT_FILENO, Json().set("error", error.text()).dump() + "\n");
  return 1;
}

}  // namespace

std::string socket_path(const std::string& data_folder) { return data_folder + "/spawner.sock"; }

int run_spawner(const SpawnerOptions& given) {
  SpawnerOptions options = given;
  char absolute[PATH_MAX];
  if (::realpath(given.data_folder.c_str(), absolute) == nullptr) {
    return report(system_failure("open the data directory", given.data_folder).value());
  }
  options.data_folder = absolute;
  Result<Fd> locked = lock(options.data_folder + "/spawner.lock");
  if (!locked) return report(locked.error());
  if (!locked->open()) {
    report({Code::kConflict,
            fmt::format("{} has a spawner already; it is reached by spawner.sock in it",
                        options.data_folder),
            ""});
    return kSpawnerAlreadyRuns;
  }
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  // What a large message took goes back to the system at once.
  ::mallopt(M_MMAP_THRESHOLD, kLargeBlockBytes);
  ::mallopt(M_TRIM_THRESHOLD, kLargeBlockBytes);
  Result<Journal> journal = Journal::open(options.data_folder + "/spawner.journal",
                                          fmt::format("{:016x}", random_number()));
  if (!journal) return report(journal.error());
  if (!journal->damage().empty()) say(journal->damage());
  const std::string socket = socket_path(options.data_folder);
  Result<Door> door = Door::open(socket);
  if (!door) return report(door.error());
  if (::chdir("/") != 0) return report(system_failure("enter", "/").value());
  to_dev_null(STDIN_FILENO);
  write_whole(STDOUT_FILENO,
              Json().set("socket", socket).set("pid", int64_t{::getpid()}).dump() + "\n");
  to_dev_null(STDOUT_FILENO);
  Spawner spawner(options, std::move(*locked), std::move(*journal), std::move(*door),
                  raise_open_files());
  spawner.run();
  ::unlink(socket.c_str());
  return 0;
}

}  // namespace tidemill::spawn
