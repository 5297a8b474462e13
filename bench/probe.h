// What benchmarks need around the server: a project, the process, a plain HTTP client, a stub, and
// output as JSON lines. POSIX only, so that the harness costs little beside what it measures.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace tidemill::bench {

double now_seconds();  // monotonic

// A keep-alive connection to 127.0.0.1. Ends the program with a message on any failure.
class HttpConnection {
 public:
  HttpConnection(int port, std::string token);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;
  // The body of a 200 answer.
  std::string post(const std::string& path, const std::string& body, const std::string& key = "");

 private:
  int socket_ = -1;
  std::string token_;
  std::string buffer_;
};

// Answers every request with 200 and a small JSON object. A thread a connection.
class Stub {
 public:
  Stub();
  int port() const { return port_; }

 private:
  void serve(int listener);
  int port_ = 0;
};

// The server on a project of its own in a temporary folder, which is removed at the end.
class ServerProcess {
 public:
  struct File {
    std::string path;
    std::string content;
  };
  ServerProcess(std::string program, const std::vector<File>& files);
  ~ServerProcess();
  int port() const { return port_; }
  pid_t pid() const { return pid_; }
  pid_t spawner_pid() const;
  double ready_seconds() const { return ready_seconds_; }
  const std::string& token() const { return token_; }

 private:
  std::string program_;
  std::string folder_;
  pid_t pid_ = 0;
  int port_ = 0;
  double ready_seconds_ = 0;
  std::string token_;
};

struct Spread {
  double median = 0, low = 0, high = 0;
};
Spread spread_of(std::vector<double> values);
double percentile(std::vector<double> values, double part);

// One line: {"case","metric","value","unit","config"}.
void report(const std::string& name, const std::string& metric, Spread spread,
            const std::string& unit, const std::string& config);

// Proportional set size of a process in MB, and its processor time in seconds.
double pss_mb(pid_t pid);
double cpu_seconds(pid_t pid);

}  // namespace tidemill::bench
