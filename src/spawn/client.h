// The server's side of the spawner: io::Processes over a Unix socket.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "io/loop.h"
#include "io/net.h"
#include "io/processes.h"
#include "spawn/protocol.h"
#include "spawn/start.h"

namespace tidemill::spawn {

// Loop thread only. Destroyed before `loop` and `net`.
//
// A broken connection is made again at once; what is not answered is asked again, which is safe
// since a start of a known id answers as the first did. If no spawner answers, one is started. A
// spawner with another instance number means that the former one is lost: on_lost is called, then
// the exits of what it ran come as kLost. Nobody can say whether a start happened only if no
// spawner can be reached for `give_up`.
//
//   main: start_spawner(program); SpawnClient client(loop, net, {program}, log);
//         client.on_exit(...); client.on_lost(...); client.connect(); loop.run();
//         at a clean shutdown: client.say_goodbye(...)
class SpawnClient final : public io::Processes {
 public:
  struct Options {
    SpawnerProgram program;
    Duration give_up = Duration::seconds(10);
    size_t most_waiting = 4096;  // starts without an answer
  };
  SpawnClient(io::Loop& loop, io::Net& net, Options options, Log& log);
  ~SpawnClient() override;

  // Once, after the callbacks are set.
  void connect();
  // The server ends on purpose: the spawner ends too, once no task runs. `done` when it was told,
  // or could not be.
  void say_goodbye(std::function<void()> done);

  void on_exit(std::function<void(const io::ProcessExit&)> callback) override;
  void on_lost(std::function<void()> callback) override;
  void start(io::ProcessSpec spec, std::function<void(Result<int64_t>)> done) override;
  void stop(const io::ProcessId& id, Duration grace) override;
  void list(std::function<void(Result<io::ProcessList>)> done) override;
  void acknowledge(const io::ProcessId& id) override;

 private:
  struct PendingStart {
    io::ProcessId id;
    std::string frame;
    std::function<void(Result<int64_t>)> done;
    enum class Sent { kNo, kYes } sent = Sent::kNo;
  };
  struct PendingList {
    std::function<void(Result<io::ProcessList>)> done;
    io::ProcessList list;
  };

  void try_connect();
  void try_again();
  void send(std::string frame);
  void write_more();
  void read_more();
  void received(Result<std::string_view> bytes);
  void disconnected(const std::string& why);
  Status handle(const Frame& frame);
  void welcomed(const Welcome& welcome);
  void answered(const Started& started);
  void exited(const io::ProcessExit& exit);
  Status listed(ListPart part);
  void give_up();
  void arm_give_up();

  io::Loop& loop_;
  io::Net& net_;
  Options options_;
  Log& log_;
  std::function<void(const io::ProcessExit&)> on_exit_;
  std::function<void()> on_lost_;

  std::unique_ptr<io::Stream> stream_;
  FrameReader frames_;
  std::string out_;
  enum class Writing { kNo, kYes } writing_ = Writing::kNo;
  enum class Phase { kIdle, kConnecting, kServing, kLeaving } phase_ = Phase::kIdle;
  std::optional<uint64_t> instance_;
  int64_t spawner_pid_ = 0;
  std::optional<NewSpawner> launched_;
  Duration delay_;
  std::optional<io::TimerHandle> retry_timer_;
  std::optional<io::TimerHandle> give_up_timer_;
  std::function<void()> goodbye_done_;

  uint64_t next_request_ = 1;
  std::map<uint64_t, PendingStart> starts_;
  // Exits whose starts are not answered yet, as happens after a broken connection: told after them.
  std::map<io::ProcessId, io::ProcessExit> held_exits_;
  std::map<uint64_t, PendingList> lists_;
  std::map<io::ProcessId, Duration> stops_;  // until the spawner has heard them
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace tidemill::spawn
