// The spawner with real processes, reached through the client as the server does.
#include "spawn/spawner.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>

#include "spawn/test_support.h"

namespace tidemill::spawn {
namespace {

using How = io::ProcessExit::How;

TEST(Spawner, RunsAProgramAndTellsItsExitStatusOutputAndResources) {
  TestFolder folder;
  Server server(folder);
  const io::ProcessExit exit = server.run(
      server.shell("a", "echo out; echo err >&2; printf '{\"n\":1}' > $TIDEMILL_OUTPUT; exit 7"));
  EXPECT_EQ(exit.how, How::kExited);
  EXPECT_EQ(exit.code, 7);
  EXPECT_EQ(exit.message, "");
  EXPECT_EQ(folder.read("a.log"), "out\nerr\n");
  EXPECT_EQ(folder.read("a.out"), "{\"n\":1}");
  EXPECT_LE(exit.started, exit.ended);
  EXPECT_GT(exit.max_rss_bytes, 100'000);
}

TEST(Spawner, TellsTheSignalThatEndedAProgram) {
  TestFolder folder;
  Server server(folder);
  const io::ProcessExit exit = server.run(server.shell("a", "kill -9 $$"));
  EXPECT_EQ(exit.how, How::kSignalled);
  EXPECT_EQ(exit.code, SIGKILL);
}

TEST(Spawner, GivesTheWholeEnvironmentAndNothingElse) {
  TestFolder folder;
  Server server(folder);
  io::ProcessSpec spec = server.shell("a", "");
  spec.argv = {"env"};
  spec.env.emplace_back("TIDEMILL_PROCESS_ID", "forged");
  server.run(spec);
  const std::string log = folder.read("a.log");
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 5) << log;
  EXPECT_NE(log.find("TIDEMILL_PROCESS_ID=a\n"), std::string::npos) << log;
  EXPECT_EQ(log.find("forged"), std::string::npos) << log;
}

TEST(Spawner, GivesNoDescriptorsAndNoBlockedSignalsToATask) {
  TestFolder folder;
  Server server(folder);
  server.run(server.shell(
      "a", "ls -l /proc/$$/fd | awk 'NR>1{print $9, $11}'; grep SigBlk /proc/self/status"));
  const std::string log = folder.read("a.log");
  EXPECT_EQ(log.find("0 /dev/null\n1 pipe:"), 0u) << log;
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 4) << log;
  EXPECT_NE(log.find("SigBlk:\t0000000000000000"), std::string::npos) << log;
}

TEST(Spawner, AProgramThatCannotBeRunEndsWith127AndTheReason) {
  TestFolder folder;
  Server server(folder);
  io::ProcessSpec spec = server.shell("a", "");
  spec.argv = {"/no/such/program"};
  const io::ProcessExit exit = server.run(spec);
  EXPECT_EQ(exit.how, How::kExited);
  EXPECT_EQ(exit.code, 127);
  EXPECT_EQ(exit.message,
            "cannot run /no/such/program: No such file or directory (or its interpreter is "
            "missing)");

  spec = server.shell("b", "");
  spec.argv = {"no-such-program"};
  EXPECT_EQ(server.run(spec).message, "cannot run no-such-program: no such program in PATH");

  spec = server.shell("c", "true");
  spec.folder = "/no/such/folder";
  EXPECT_EQ(server.run(spec).message,
            "cannot enter its folder /no/such/folder: No such file or directory");
}

TEST(Spawner, RefusesWhatCannotBeMeant) {
  TestFolder folder;
  Server server(folder);
  io::ProcessSpec spec = server.shell("a", "true");
  spec.log_path = "relative.log";
  EXPECT_EQ(server.start(spec).error().code, Code::kInvalid);
  spec = server.shell("-a", "true");
  EXPECT_EQ(server.start(spec).error().code, Code::kInvalid);
  spec = server.shell(std::string(256, 'a'), "true");
  EXPECT_EQ(server.start(spec).error().code, Code::kInvalid);
  spec = server.shell("a", std::string("a\0b", 3));
  EXPECT_EQ(server.start(spec).error().code, Code::kInvalid);
  spec = server.shell("a", "true");
  spec.env.emplace_back("A=B", "c");
  EXPECT_EQ(server.start(spec).error().code, Code::kInvalid);
  spec = server.shell("a", "true");
  spec.argv.clear();
  EXPECT_EQ(server.start(spec).error().code, Code::kInvalid);
  spec = server.shell("a", "true");
  spec.log_path = "/proc/nowhere/a.log";
  EXPECT_FALSE(server.start(spec).has_value());
  EXPECT_TRUE(server.list().running.empty());
}

TEST(Spawner, ASecondStartOfAnIdAnswersAsTheFirstDid) {
  TestFolder folder;
  Server server(folder);
  const io::ProcessSpec spec = server.shell("a", "echo once >> $DIR/runs; read x < $DIR/a.log");
  const Result<int64_t> first = server.start(spec);
  const Result<int64_t> second = server.start(spec);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(*first, *second);
  wait_for_file(folder.file("runs"));
  server.client().stop(spec.id, Duration{});
  server.wait_exit("a");
  const Result<int64_t> third = server.start(spec);
  ASSERT_TRUE(third);
  EXPECT_EQ(*first, *third);
  EXPECT_EQ(folder.read("runs"), "once\n");
}

TEST(Spawner, StopSendsTermFirstAndTheTaskMayEndInItsOwnWay) {
  TestFolder folder;
  Server server(folder);
  const io::ProcessSpec spec = server.shell(
      "a", "trap 'echo bye; exit 3' TERM; echo up > $DIR/up; while :; do sleep 0.01; done");
  ASSERT_TRUE(server.start(spec));
  wait_for_file(folder.file("up"));
  server.client().stop(spec.id, Duration::seconds(20));
  const io::ProcessExit exit = server.wait_exit("a");
  EXPECT_EQ(exit.how, How::kExited);
  EXPECT_EQ(exit.code, 3);
  EXPECT_NE(folder.read("a.log").find("bye\n"), std::string::npos);
}

TEST(Spawner, StopKillsWhatIgnoresTermAfterTheGrace) {
  TestFolder folder;
  Server server(folder);
  const io::ProcessSpec spec =
      server.shell("a", "trap '' TERM; echo up > $DIR/up; while :; do sleep 0.01; done");
  ASSERT_TRUE(server.start(spec));
  wait_for_file(folder.file("up"));
  server.client().stop(spec.id, Duration::millis(30));
  const io::ProcessExit exit = server.wait_exit("a");
  EXPECT_EQ(exit.how, How::kSignalled);
  EXPECT_EQ(exit.code, SIGKILL);
}

// Without cgroups, as for a user who may not make them, and with.
class Containment : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (GetParam()) folder_.write("marks_only", "");
  }
  // Starts descendants that leave the session and the parent, in `count` ways; their numbers are
  // written to $DIR/pids before the leader goes on.
  static constexpr const char* kStrays =
      "hold='trap \"\" TERM HUP; echo $$ >> $DIR/pids; while :; do sleep 0.05; done';"
      "sh -c \"$hold\" &"
      "(setsid sh -c \"$hold\" &) ;"
      "(setsid sh -c \"(setsid sh -c '$(echo \"$hold\" | sed s/\\'/\\\"/g)' &)\" &);"
      "env -i DIR=$DIR PATH=$PATH sh -c \"$hold\" &"
      "while [ \"$(wc -l < $DIR/pids 2>/dev/null || echo 0)\" -lt 4 ]; do sleep 0.01; done;";
  std::vector<pid_t> pids() const {
    std::vector<pid_t> found;
    const std::string text = folder_.read("pids");
    for (size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
      found.push_back(std::atoi(text.c_str() + at));
    }
    return found;
  }
  TestFolder folder_;
};

TEST_P(Containment, NoDescendantSurvivesTheLeader) {
  Server server(folder_);
  const io::ProcessExit exit =
      server.run(server.shell("a", std::string(kStrays) + "echo up; exit 5"));
  EXPECT_EQ(exit.code, 5);
  const std::vector<pid_t> strays = pids();
  ASSERT_EQ(strays.size(), 4u);
  for (const pid_t pid : strays) EXPECT_FALSE(lives(pid)) << pid;
}

TEST_P(Containment, NoDescendantSurvivesAStop) {
  Server server(folder_);
  const io::ProcessSpec spec =
      server.shell("a", std::string(kStrays) + "echo up > $DIR/up; while :; do sleep 0.05; done");
  ASSERT_TRUE(server.start(spec));
  wait_for_file(folder_.file("up"));
  server.client().stop(spec.id, Duration::millis(20));
  server.wait_exit("a");
  const std::vector<pid_t> strays = pids();
  ASSERT_EQ(strays.size(), 4u);
  for (const pid_t pid : strays) EXPECT_FALSE(lives(pid)) << pid;
}

TEST_P(Containment, ADescendantThatLeftEverythingAndItsEnvironmentDoesNotSurvive) {
  Server server(folder_);
  server.run(server.shell(
      "a",
      "(env -i DIR=$DIR PATH=$PATH setsid sh -c 'echo $$ >> $DIR/pids; exec sleep 1000' &);"
      "while ! [ -s $DIR/pids ]; do sleep 0.01; done"));
  ASSERT_EQ(pids().size(), 1u);
  EXPECT_FALSE(lives(pids()[0]));
}

TEST_P(Containment, TheStraysOfOneTaskEndWithItAndThoseOfAnotherGoOn) {
  Server server(folder_);
  const std::string stray =
      "(setsid sh -c 'echo $$ > $DIR/$0.pid; exec sleep 1000' $NAME &);"
      "while ! [ -s $DIR/$NAME.pid ]; do sleep 0.01; done; echo > $DIR/$NAME.up;"
      "while ! [ -e $DIR/$NAME.go ]; do sleep 0.01; done";
  for (const char* name : {"a", "b"}) {
    io::ProcessSpec spec = server.shell(name, stray);
    spec.env.emplace_back("NAME", name);
    ASSERT_TRUE(server.start(spec));
    wait_for_file(folder_.file(std::string(name) + ".up"));
  }
  folder_.write("a.go", "");
  server.wait_exit("a");
  EXPECT_FALSE(lives(std::atoi(folder_.read("a.pid").c_str())));
  EXPECT_TRUE(lives(std::atoi(folder_.read("b.pid").c_str())));
  folder_.write("b.go", "");
  server.wait_exit("b");
  EXPECT_FALSE(lives(std::atoi(folder_.read("b.pid").c_str())));
}

TEST_P(Containment, AfterTheSpawnersDeathItsTasksAreKilledAndReportedLost) {
  Server server(folder_);
  const io::ProcessSpec spec =
      server.shell("a", std::string(kStrays) + "echo up > $DIR/up; while :; do sleep 0.05; done");
  const Result<int64_t> leader = server.start(spec);
  ASSERT_TRUE(leader);
  wait_for_file(folder_.file("up"));
  server.run(server.shell("ended", "exit 4"));
  server.exits.clear();
  ::kill(spawner_pid(folder_), SIGKILL);
  const io::ProcessExit exit = server.wait_exit("a");
  EXPECT_EQ(server.lost, 1);
  EXPECT_EQ(exit.how, How::kLost);
  EXPECT_NE(exit.message.find("the spawner ended"), std::string::npos);
  EXPECT_FALSE(lives(static_cast<pid_t>(*leader)));
  for (const pid_t pid : pids()) EXPECT_FALSE(lives(pid)) << pid;
  // What had ended before is still known as it was.
  EXPECT_EQ(server.wait_exit("ended").code, 4);
  // And the new one works.
  EXPECT_EQ(server.run(server.shell("next", "exit 6")).code, 6);
}

INSTANTIATE_TEST_SUITE_P(Spawner, Containment, ::testing::Values(true, false),
                         [](const auto& info) { return info.param ? "marks" : "cgroup"; });

TEST(Spawner, ATaskOutlivesTheServerAndItsExitIsKeptForTheNext) {
  TestFolder folder;
  Server server(folder);
  const Result<int64_t> pid = server.start(
      server.shell("a", "echo up > $DIR/up; while ! [ -e $DIR/go ]; do sleep 0.01; done; exit 9"));
  ASSERT_TRUE(pid);
  wait_for_file(folder.file("up"));
  server.drop_connection();
  EXPECT_EQ(server.list().running, std::vector<io::ProcessId>{io::ProcessId("a")});
  EXPECT_TRUE(server.exits.empty());
  folder.write("go", "");
  wait_for_end(static_cast<pid_t>(*pid));
  server.drop_connection();
  EXPECT_EQ(server.wait_exit("a").code, 9);
  EXPECT_EQ(server.lost, 0);
}

TEST(Spawner, AnExitComesAgainUntilItIsAcknowledged) {
  TestFolder folder;
  Server server(folder);
  server.run(server.shell("a", "exit 1"));
  server.exits.clear();
  server.drop_connection();
  EXPECT_EQ(server.wait_exit("a").code, 1);
  EXPECT_EQ(server.list().exited.size(), 1u);
  server.client().acknowledge(io::ProcessId("a"));
  EXPECT_TRUE(server.list().exited.empty());
  server.exits.clear();
  server.drop_connection();
  server.list();
  EXPECT_TRUE(server.exits.empty());
}

TEST(Spawner, EndsWhenTheServerSaidGoodbyeAndNoTaskRuns) {
  TestFolder folder;
  int pid = 0;
  {
    Server server(folder);
    pid = spawner_pid(folder);
    server.run(server.shell("a", "exit 2"));
  }
  EXPECT_FALSE(lives(pid));
  Server next(folder);  // the exit was not acknowledged
  EXPECT_EQ(next.wait_exit("a").code, 2);
}

TEST(Spawner, ThereIsOneSpawnerForADataDirectory) {
  TestFolder folder;
  Server server(folder);
  const int pid = spawner_pid(folder);
  Result<NewSpawner> second = launch_spawner({own_program(), folder.path()});
  ASSERT_TRUE(second);
  const Fd& ready = second->ready;
  const Result<std::string> line = read_whole(ready.get(), "the second spawner");
  ASSERT_TRUE(line);
  EXPECT_NE(line->find("has a spawner already"), std::string::npos) << *line;
  EXPECT_EQ(spawner_pid(folder), pid);
  EXPECT_TRUE(start_spawner({own_program(), folder.path()}));
}

TEST(Spawner, ThirtyTwoTasksAtOnceEndEachWithItsOwnStatus) {
  TestFolder folder;
  Server server(folder);
  for (int i = 0; i < 32; ++i) {
    server.client().start(server.shell(fmt::format("t{}", i), fmt::format("exit {}", i)),
                          [](Result<int64_t> r) { EXPECT_TRUE(r); });
  }
  server.wait_until([&] { return server.exits.size() == 32; });
  for (int i = 0; i < 32; ++i) EXPECT_EQ(server.exits[fmt::format("t{}", i)].code, i);
}

TEST(Spawner, MasksSecretsAndALogIsReadableWhileItGrows) {
  TestFolder folder;
  Server server(folder);
  io::ProcessSpec spec =
      server.shell("a",
                   "printf 'key=s3cret-val'; echo half > $DIR/half; "
                   "while ! [ -e $DIR/go ]; do sleep 0.01; done; echo ue-42 end");
  spec.secrets = {"s3cret-value-42"};
  ASSERT_TRUE(server.start(spec));
  wait_for_file(folder.file("half"));
  EXPECT_EQ(wait_for_file(folder.file("a.log")), "key=");
  folder.write("go", "");
  server.wait_exit("a");
  EXPECT_EQ(folder.read("a.log"), "key=*** end\n");
}

TEST(Spawner, AFloodOfOutputIsCutAndTheTaskGoesOn) {
  TestFolder folder;
  folder.write("small_logs", "");
  Server server(folder);
  const io::ProcessExit exit =
      server.run(server.shell("a", "head -c 5000000 /dev/zero | tr '\\0' x; exit 3"));
  EXPECT_EQ(exit.code, 3);
  const std::string log = folder.read("a.log");
  EXPECT_LT(log.size(), 101'000u);
  EXPECT_NE(log.find("[tidemill] the output is over 100000 bytes"), std::string::npos);
  EXPECT_NE(log.find("bytes of output were dropped"), std::string::npos);
}

TEST(Spawner, AMalformedMessageEndsItsConnectionOnly) {
  TestFolder folder;
  Server server(folder);
  ASSERT_TRUE(server.start(server.shell("a", "while :; do sleep 0.05; done")));
  const std::string hello = encode_hello();
  const std::vector<std::string> bad = {
      std::string("\xff\xff\xff\xff\x01\x01", 6),
      std::string("\x02\x00\x00\x00\x63\x01", 6),
      encode_list(1),  // no hello
      hello + std::string("\x06\x00\x00\x00\x01\x02\xff\xff\xff\xff", 10),
      hello + std::string("\x02\x00\x00\x00\x01\x63", 6),
      hello + std::string("\x02\x00\x00\x00\x01\x02", 6),
  };
  for (const std::string& bytes : bad) {
    const Fd socket = connect_raw(folder);
    ASSERT_TRUE(write_whole(socket.get(), bytes));
    const Result<std::string> answer = read_whole(socket.get(), "the spawner");  // to its end
    ASSERT_TRUE(answer);
    EXPECT_NE(answer->find("spawner protocol"), std::string::npos) << *answer;
  }
  EXPECT_EQ(server.list().running.size(), 1u);
}

TEST(Spawner, TermStopsItsTasksAndRecordsTheirExits) {
  TestFolder folder;
  Server server(folder);
  ASSERT_TRUE(server.start(server.shell("a", "exec sleep 1000")));
  ::kill(spawner_pid(folder), SIGTERM);
  const io::ProcessExit exit = server.wait_exit("a");
  EXPECT_EQ(exit.how, How::kSignalled);
  EXPECT_EQ(exit.code, SIGTERM);
}

TEST(Spawner, AStartThatIsAskedAgainIsAnsweredBeforeItsExitIsTold) {
  TestFolder folder;
  Server server(folder);
  const io::ProcessSpec spec = server.shell("a", "exit 1");
  const Result<int64_t> pid = server.start(spec);
  server.wait_exit("a");
  server.exits.clear();
  server.drop_connection();
  // As after a break before the answer: the new connection brings the exit first.
  std::optional<Result<int64_t>> answer;
  server.client().start(spec, [&](Result<int64_t> result) {
    EXPECT_TRUE(server.exits.empty());
    answer = std::move(result);
  });
  server.wait_until([&] { return server.exits.size() == 1; });
  ASSERT_TRUE(answer && *answer);
  EXPECT_EQ(**answer, *pid);
}

TEST(Spawner, CanBeReachedSoonAfterItIsStarted) {
  TestFolder folder;
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(start_spawner({own_program(), folder.path()}));
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
  fmt::print("spawner reachable after {:.1f} ms\n", took.count());
  EXPECT_GT(spawner_pid(folder), 0);
  Server server(folder);  // ends it
}

TEST(Spawner, FortyShellsInARow) {
  TestFolder folder;
  Server server(folder);
  server.run(server.shell("warm", "true"));
  const auto begin = std::chrono::steady_clock::now();
  std::chrono::duration<double, std::milli> best(1e9);
  for (int i = 0; i < 40; ++i) {
    const auto one = std::chrono::steady_clock::now();
    EXPECT_EQ(server.run(server.shell(fmt::format("t{}", i), "true")).code, 0);
    best = std::min(best, decltype(best)(std::chrono::steady_clock::now() - one));
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  fmt::print("40 shells in a row: {:.3f} s, the fastest {:.2f} ms\n", took.count(), best.count());
  const std::string status = read_small(fmt::format("/proc/{}/status", spawner_pid(folder)), 8192);
  const size_t at = status.find("RssAnon");
  fmt::print("spawner: {}\n", status.substr(at, status.find('\n', at) - at));
}

}  // namespace
}  // namespace tidemill::spawn
