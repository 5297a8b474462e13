// What the tests of this room share, and their main: this binary is also the spawner under test.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <cstring>

#include "spawn/spawner.h"
#include "spawn/test_support.h"
#include "spawn/tree.h"

namespace tidemill::spawn {

namespace {
constexpr Duration kLongest = Duration::seconds(30);
}

std::string own_program() {
  char path[PATH_MAX] = {};
  const ssize_t n = ::readlink("/proc/self/exe", path, sizeof path - 1);
  return std::string(path, n > 0 ? static_cast<size_t>(n) : 0);
}

TestFolder::TestFolder() {
  char name[] = "/tmp/tidemill_spawn_XXXXXX";
  path_ = ::mkdtemp(name);
}

TestFolder::~TestFolder() {
  const std::string command = "rm -rf " + path_;
  if (std::system(command.c_str()) != 0) ADD_FAILURE() << command;
}

std::string TestFolder::read(const std::string& name) const {
  return read_small(file(name), 64u << 20);
}

void TestFolder::write(const std::string& name, const std::string& text) const {
  const Fd fd(::open(file(name).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  ASSERT_TRUE(fd.open() && write_whole(fd.get(), text)) << file(name);
}

Server::Server(const TestFolder& folder) : folder_(folder) {
  const Status started = start_spawner({own_program(), folder.path()});
  if (!started) ADD_FAILURE() << started.error().text();
  make_client();
}

Server::~Server() {
  if (client_) goodbye();
}

void Server::make_client() {
  client_ = std::make_unique<SpawnClient>(
      loop_, net_, SpawnClient::Options{{own_program(), folder_.path()}, kLongest, 4096}, log_);
  client_->on_exit([this](const io::ProcessExit& exit) { exits[exit.id.value] = exit; });
  client_->on_lost([this] { ++lost; });
  client_->connect();
}

void Server::drop_connection() {
  client_.reset();
  make_client();
}

// Every process of the test ends with it.
void Server::goodbye() {
  const int pid = spawner_pid(folder_);
  for (const io::ProcessId& id : list().running) client_->stop(id, Duration{});
  bool told = false;
  client_->say_goodbye([&told] { told = true; });
  wait_until([&told] { return told; });
  client_.reset();
  if (pid > 0) wait_for_end(pid);
}

void Server::wait_until(const std::function<bool()>& holds) {
  bool late = false;
  const io::TimerHandle timer = loop_.after(kLongest, [&] {
    late = true;
    loop_.stop();
  });
  std::function<void()> look = [&] {
    if (holds()) {
      loop_.stop();
    } else if (!late) {
      loop_.after(Duration::micros(200), look);
    }
  };
  look();
  loop_.run();
  loop_.cancel(timer);
  ASSERT_FALSE(late) << "waited in vain";
}

io::ProcessSpec Server::shell(const std::string& id, const std::string& script) const {
  io::ProcessSpec spec;
  spec.id = io::ProcessId(id);
  spec.argv = {"/bin/sh", "-c", script};
  spec.env = {{"PATH", "/usr/local/bin:/usr/bin:/bin"}, {"DIR", folder_.path()}};
  spec.folder = folder_.path();
  spec.log_path = folder_.file(id + ".log");
  spec.output_path = folder_.file(id + ".out");
  return spec;
}

io::ProcessSpec Server::python(const std::string& id, const std::string& target,
                               const std::string& input) const {
  io::ProcessSpec spec = shell(id, "");
  spec.argv.clear();
  spec.python = io::PythonCall{"python3", folder_.path(), target, {}};
  spec.input = input;
  return spec;
}

Result<int64_t> Server::start(const io::ProcessSpec& spec) {
  std::optional<Result<int64_t>> answer;
  client_->start(spec, [&answer](Result<int64_t> result) { answer = std::move(result); });
  wait_until([&answer] { return answer.has_value(); });
  return answer ? *answer : fail(Code::kTooLate, "no answer");
}

io::ProcessExit Server::wait_exit(const std::string& id) {
  wait_until([&] { return exits.count(id) > 0; });
  return exits[id];
}

io::ProcessExit Server::run(const io::ProcessSpec& spec) {
  const Result<int64_t> started = start(spec);
  if (!started) {
    ADD_FAILURE() << started.error().text();
    return {};
  }
  return wait_exit(spec.id.value);
}

io::ProcessList Server::list() {
  std::optional<Result<io::ProcessList>> answer;
  client_->list([&answer](Result<io::ProcessList> list) { answer = std::move(list); });
  wait_until([&answer] { return answer.has_value(); });
  return answer && *answer ? **answer : io::ProcessList{};
}

std::string wait_for_file(const std::string& path) {
  const Fd watch(::inotify_init1(IN_CLOEXEC));
  ::inotify_add_watch(watch.get(), parent_folder(path).c_str(),
                      IN_CREATE | IN_MODIFY | IN_MOVED_TO | IN_CLOSE_WRITE);
  while (true) {
    const std::string text = read_small(path, 1 << 20);
    if (!text.empty()) return text;
    pollfd wait{watch.get(), POLLIN, 0};
    if (::poll(&wait, 1, static_cast<int>(kLongest.us / 1000)) <= 0) {
      ADD_FAILURE() << path << " does not appear";
      return "";
    }
    char events[4096];
    if (::read(watch.get(), events, sizeof events) <= 0) return "";
  }
}

void wait_for_end(pid_t pid) {
  const Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!handle.open()) return;
  pollfd wait{handle.get(), POLLIN, 0};
  EXPECT_GT(::poll(&wait, 1, static_cast<int>(kLongest.us / 1000)), 0) << "process " << pid;
}

bool lives(pid_t pid) {
  const std::optional<ProcessInfo> info = process_info(pid);
  return info && !info->zombie;
}

Fd connect_raw(const TestFolder& folder) {
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = folder.file("spawner.sock");
  std::memcpy(address.sun_path, path.c_str(), path.size());
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return {};
  }
  return socket;
}

int spawner_pid(const TestFolder& folder) {
  const Fd socket = connect_raw(folder);
  ucred peer{};
  socklen_t size = sizeof peer;
  if (!socket.open() || ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return 0;
  }
  return peer.pid;
}

}  // namespace tidemill::spawn

int main(int argc, char** argv) {
  if (argc == 4 && std::string_view(argv[1]) == "spawner") {
    tidemill::spawn::SpawnerOptions options;
    options.data_folder = argv[3];
    const auto has = [&options](const char* name) {
      return ::access((options.data_folder + "/" + name).c_str(), F_OK) == 0;
    };
    if (has("marks_only")) {
      options.containment = tidemill::spawn::AttemptsOptions::Containment::kMarksOnly;
    }
    if (has("small_logs")) options.log_limit_bytes = 100'000;
    return tidemill::spawn::run_spawner(options);
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
