#include "server_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "report.h"

namespace tidemill::bench {

Folder::Folder(const std::vector<ProjectFile>& files) {
  const char* base = ::getenv("TMPDIR");
  std::string name = std::string(base != nullptr ? base : "/tmp") + "/tidemill-bench-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) die("mkdtemp " + name);
  path_ = name;
  for (const ProjectFile& file : files) write(file);
}

Folder::~Folder() { output_of({"rm", "-rf", path_}); }

void Folder::write(const ProjectFile& file) const {
  std::string const path = path_ + "/" + file.path;
  for (size_t at = path_.size() + 1; (at = path.find('/', at)) != std::string::npos; ++at) {
    ::mkdir(path.substr(0, at).c_str(), 0755);
  }
  std::ofstream(path) << file.content;
}

ServerProcess::ServerProcess(std::string program, const Folder& folder)
    : program_(std::move(program)), folder_(folder.path()) {
  start();
  std::string const name = "bench" + std::to_string(::getpid()) + "-" + std::to_string(pid_);
  token_ = output_of({program_, "token", "add", name, "--project", folder_});
  errno = 0;
  if (token_.empty()) die("no token could be made; see " + folder_ + "/server.log");
}

void ServerProcess::start() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) die("pipe");
  std::vector<std::string> words = {program_,   "serve",       "--project",   folder_,
                                    "--listen", "127.0.0.1:0", "--allow-root"};
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::string const log = folder_ + "/server.log";
  double const start = now_seconds();
  pid_ = ::fork();
  if (pid_ < 0) die("fork");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // it ends with the harness, however that ends
    ::dup2(ends[1], 1);
    ::dup2(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644), 2);
    ::execv(program_.c_str(), argv.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  char line[512] = {};
  ssize_t const n = ::read(ends[0], line, sizeof line - 1);
  ::close(ends[0]);
  ready_seconds_ = now_seconds() - start;
  const char* colon = n > 0 ? std::strstr(line, "127.0.0.1:") : nullptr;
  if (colon == nullptr) {
    errno = 0;
    die("the server did not start: " + output_of({"tail", "-n", "3", log}));
  }
  port_ = std::atoi(colon + 10);
}

ServerProcess::~ServerProcess() { stop(); }

void ServerProcess::stop() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

void ServerProcess::kill_now() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

void ServerProcess::restart() {
  stop();
  start();
}

std::unique_ptr<HttpConnection> ServerProcess::connect() const {
  return std::make_unique<HttpConnection>(port_, token_);
}

pid_t ServerProcess::spawner_pid() const {
  std::string const found = output_of({"pgrep", "-f", "spawner --data " + folder_});
  return std::atoi(found.c_str());
}

}  // namespace tidemill::bench
