// The server under test, on a project of its own in a temporary folder.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "http.h"

namespace tidemill::bench {

struct ProjectFile {
  std::string path;
  std::string content;
};

// A temporary folder, which is removed at the end.
class Folder {
 public:
  explicit Folder(const std::vector<ProjectFile>& files = {});
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }
  std::string data() const { return path_ + "/.tidemill"; }
  void write(const ProjectFile& file) const;

 private:
  std::string path_;
};

// `tidemill serve`, with its defaults. Started by the constructor, which waits until it is ready.
class ServerProcess {
 public:
  ServerProcess(std::string program, const Folder& folder);
  ~ServerProcess();  // ends it and waits
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  std::unique_ptr<HttpConnection> connect() const;
  pid_t pid() const { return pid_; }
  pid_t spawner_pid() const;
  double ready_seconds() const { return ready_seconds_; }
  // SIGKILL for the server alone; what it started goes on. restart() starts it again.
  void kill_now();
  void restart();
  // SIGTERM, and waits.
  void stop();

 private:
  void start();

  std::string program_;
  std::string folder_;
  pid_t pid_ = 0;
  int port_ = 0;
  double ready_seconds_ = 0;
  std::string token_;
};

}  // namespace tidemill::bench
