#include "probe.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>

extern char** environ;

namespace tidemill::bench {
namespace {

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "bench: %s (%s)\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

void write_all(int descriptor, const std::string& bytes) {
  size_t sent = 0;
  while (sent < bytes.size()) {
    ssize_t const n = ::send(descriptor, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) die("send");
    sent += static_cast<size_t>(n);
  }
}

// Reads one message with a Content-Length; its body, or nothing at the end of the stream.
bool read_message(int descriptor, std::string& buffer, std::string& head, std::string& body) {
  char chunk[16384];
  size_t end;
  while ((end = buffer.find("\r\n\r\n")) == std::string::npos) {
    ssize_t const n = ::recv(descriptor, chunk, sizeof chunk, 0);
    if (n <= 0) return false;
    buffer.append(chunk, static_cast<size_t>(n));
  }
  head = buffer.substr(0, end + 4);
  size_t length = 0;
  for (const char* name : {"Content-Length: ", "content-length: "}) {
    size_t const at = head.find(name);
    if (at != std::string::npos) length = std::strtoul(head.c_str() + at + 16, nullptr, 10);
  }
  while (buffer.size() < end + 4 + length) {
    ssize_t const n = ::recv(descriptor, chunk, sizeof chunk, 0);
    if (n <= 0) return false;
    buffer.append(chunk, static_cast<size_t>(n));
  }
  body = buffer.substr(end + 4, length);
  buffer.erase(0, end + 4 + length);
  return true;
}

std::string run_and_read(const std::vector<std::string>& words) {
  std::string command;
  for (const std::string& word : words) command += "'" + word + "' ";
  std::FILE* pipe = ::popen((command + "2>/dev/null").c_str(), "r");
  if (pipe == nullptr) die("popen");
  std::string text;
  char chunk[4096];
  size_t n;
  while ((n = std::fread(chunk, 1, sizeof chunk, pipe)) > 0) text.append(chunk, n);
  ::pclose(pipe);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace

double now_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

HttpConnection::HttpConnection(int port, std::string token) : token_(std::move(token)) {
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    die("connect");
  int const on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

HttpConnection::~HttpConnection() { ::close(socket_); }

std::string HttpConnection::post(const std::string& path, const std::string& body,
                                 const std::string& key) {
  std::string request = "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " +
                        token_ + "\r\nContent-Type: application/json\r\n";
  if (!key.empty()) request += "Idempotency-Key: " + key + "\r\n";
  request += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  write_all(socket_, request);
  std::string head;
  std::string answer;
  if (!read_message(socket_, buffer_, head, answer)) die("the server closed the connection");
  if (head.compare(9, 3, "200") != 0) {
    errno = 0;
    die("the server answered " + head.substr(9, 3) + ": " + answer);
  }
  return answer;
}

Stub::Stub() {
  int const listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) die("bind");
  if (::listen(listener, 128) != 0) die("listen");
  socklen_t size = sizeof address;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  std::thread([this, listener] { serve(listener); }).detach();
}

void Stub::serve(int listener) {
  while (true) {
    int const client = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    int const on = 1;
    ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    std::thread([client] {
      std::string buffer, head, body;
      while (read_message(client, buffer, head, body)) {
        write_all(client,
                  "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                  "Content-Length: 11\r\n\r\n{\"ok\":true}");
      }
      ::close(client);
    }).detach();
  }
}

ServerProcess::ServerProcess(std::string program, const std::vector<File>& files)
    : program_(std::move(program)) {
  char name[] = "/tmp/tidemill-bench-XXXXXX";
  if (::mkdtemp(name) == nullptr) die("mkdtemp");
  folder_ = name;
  for (const File& file : files) {
    std::string const path = folder_ + "/" + file.path;
    for (size_t at = folder_.size() + 1; (at = path.find('/', at)) != std::string::npos; ++at) {
      ::mkdir(path.substr(0, at).c_str(), 0755);
    }
    std::ofstream(path) << file.content;
  }
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) die("pipe");
  std::vector<std::string> words = {program_,   "serve",       "--project",   folder_,
                                    "--listen", "127.0.0.1:0", "--allow-root"};
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  std::string const log = folder_ + "/server.log";
  posix_spawn_file_actions_addopen(&actions, 2, log.c_str(), O_WRONLY | O_CREAT, 0644);
  double const start = now_seconds();
  if (::posix_spawn(&pid_, program_.c_str(), &actions, nullptr, argv.data(), environ) != 0) {
    die("cannot start " + program_);
  }
  ::close(ends[1]);
  char line[512] = {};
  ssize_t const n = ::read(ends[0], line, sizeof line - 1);
  ready_seconds_ = now_seconds() - start;
  const char* colon = n > 0 ? std::strstr(line, "127.0.0.1:") : nullptr;
  if (colon == nullptr) die("the server did not start; see " + log);
  port_ = std::atoi(colon + 10);
  token_ = run_and_read({program_, "token", "add", "bench", "--project", folder_});
}

ServerProcess::~ServerProcess() {
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
  run_and_read({"rm", "-rf", folder_});
}

pid_t ServerProcess::spawner_pid() const {
  std::string const found = run_and_read({"pgrep", "-f", "spawner --data " + folder_});
  return std::atoi(found.c_str());
}

Spread spread_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {values[values.size() / 2], values.front(), values.back()};
}

double percentile(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1,
                         static_cast<size_t>(part * static_cast<double>(values.size())))];
}

void report(const std::string& name, const std::string& metric, Spread spread,
            const std::string& unit, const std::string& config) {
  std::printf(
      "{\"case\":\"%s\",\"metric\":\"%s\",\"value\":%.6g,\"unit\":\"%s\",\"config\":{%s,\"low\":%."
      "6g,"
      "\"high\":%.6g}}\n",
      name.c_str(), metric.c_str(), spread.median, unit.c_str(), config.c_str(), spread.low,
      spread.high);
  std::fflush(stdout);
}

double pss_mb(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/smaps_rollup");
  std::string word;
  while (file >> word) {
    if (word != "Pss:") continue;
    double kb = 0;
    file >> kb;
    return kb / 1024;
  }
  return 0;
}

double cpu_seconds(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  size_t const end = text.rfind(')');
  if (end == std::string::npos) return 0;
  std::istringstream rest(text.substr(end + 2));
  std::string skip;
  for (int i = 0; i < 11; ++i) rest >> skip;
  double user = 0, system = 0;
  rest >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace tidemill::bench
