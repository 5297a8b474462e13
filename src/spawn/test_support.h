// For the tests of this room: a data folder, and a client on the real loop with a spawner behind
// it.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "io/real/loop.h"
#include "io/real/net.h"
#include "spawn/client.h"

namespace tidemill::spawn {

// The path of the running test binary, which is a spawner if called as `PATH spawner --data DIR`.
std::string own_program();

class TestFolder {
 public:
  TestFolder();
  ~TestFolder();
  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  std::string read(const std::string& name) const;
  void write(const std::string& name, const std::string& text) const;

 private:
  std::string path_;
};

// The server's part in a test. Each wait runs the loop and fails the test after some seconds.
class Server {
 public:
  explicit Server(const TestFolder& folder);
  ~Server();

  io::ProcessSpec shell(const std::string& id, const std::string& script) const;
  io::ProcessSpec python(const std::string& id, const std::string& target,
                         const std::string& input = "{}") const;
  Result<int64_t> start(const io::ProcessSpec& spec);
  io::ProcessExit wait_exit(const std::string& id);
  io::ProcessExit run(const io::ProcessSpec& spec);
  io::ProcessList list();
  void wait_until(const std::function<bool()>& holds);
  // As after kill -9 of the server, followed by a new one.
  void drop_connection();
  void goodbye();

  SpawnClient& client() { return *client_; }
  int lost = 0;
  std::map<std::string, io::ProcessExit> exits;

 private:
  void make_client();
  const TestFolder& folder_;
  io::RealLoop loop_;
  io::RealNet net_{loop_};
  NoLog log_;
  std::unique_ptr<SpawnClient> client_;
};

// Waits until `path` exists and is not empty, by inotify; answers its text.
std::string wait_for_file(const std::string& path);
// Waits until the process has ended, by pidfd.
void wait_for_end(pid_t pid);
// True if the process lives.
bool lives(pid_t pid);
int spawner_pid(const TestFolder& folder);
// A connection that says nothing by itself.
Fd connect_raw(const TestFolder& folder);

}  // namespace tidemill::spawn
