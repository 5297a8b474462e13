#include "io/sim/world.h"

#include <gmock/gmock.h>

#include <set>

namespace tidemill::io {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// What a small program with lanes, timers and callbacks does, as text.
std::string history(uint64_t seed) {
  SimWorld world(seed);
  std::string log;
  for (int i = 0; i < 4; ++i) {
    const char name = static_cast<char>('a' + i);
    world.loop().post([&log, name] { log += name; });
    (void)world.executor().run(Lane::kStore, [&log, name] { log += static_cast<char>(name - 32); });
    (void)world.executor().run(Lane::kCompute, [&log, i] { log += static_cast<char>('0' + i); });
  }
  world.loop().after(Duration::seconds(1), [&log] { log += '!'; });
  world.run_until_idle();
  return log;
}

TEST(SimWorld, TheSameSeedGivesTheSameHistoryAndOthersGiveOthers) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const std::string first = history(seed);
    EXPECT_EQ(first, history(seed));
    EXPECT_EQ(first.size(), 13u);
    EXPECT_EQ(first.back(), '!');
    // Each source keeps its own order.
    std::string loop_only;
    for (const char c : first) loop_only += c >= 'a' && c <= 'd' ? std::string(1, c) : "";
    EXPECT_EQ(loop_only, "abcd");
    seen.insert(first);
  }
  EXPECT_GT(seen.size(), 40u);
}

TEST(SimWorld, TimePassesOnlyWhenNothingIsLeftToDoNow) {
  SimWorld world(1);
  const Time start = world.clock().wall();
  std::vector<std::string> seen;
  world.loop().after(Duration::seconds(2), [&] {
    seen.push_back("timer");
    EXPECT_EQ(world.clock().wall(), start + Duration::seconds(2));
    world.loop().post([&] {
      seen.push_back("posted");
      EXPECT_EQ(world.clock().wall(), start + Duration::seconds(2));
    });
  });
  world.run_for(Duration::seconds(1));
  EXPECT_TRUE(seen.empty());
  EXPECT_EQ(world.clock().wall(), start + Duration::seconds(1));
  world.run_for(Duration::seconds(1));
  EXPECT_THAT(seen, ElementsAre("timer", "posted"));
  EXPECT_EQ(world.clock().elapsed(), Elapsed{2'000'000});
}

TEST(SimWorld, AStepOfTheClockMovesWallTimersButNotTheOthers) {
  SimWorld world(1);
  const Time start = world.clock().wall();
  std::vector<std::string> seen;
  world.loop().on_clock_step([&] { seen.push_back("step"); });
  world.loop().at(start + Duration::seconds(100), [&] { seen.push_back("at"); });
  world.loop().after(Duration::seconds(50), [&] { seen.push_back("after"); });
  world.step_clock(Duration::seconds(-3600));
  world.run_for(Duration::seconds(200));
  EXPECT_THAT(seen, ElementsAre("step", "after"));
  world.step_clock(Duration::seconds(3600));
  world.run_now();
  EXPECT_THAT(seen, ElementsAre("step", "after", "step", "at"));
}

TEST(SimWorld, CancelledTimersDoNotRunAndRunStopsAtStop) {
  SimWorld world(1);
  const TimerHandle gone = world.loop().after(Duration::seconds(1), [] { FAIL(); });
  world.loop().cancel(gone);
  world.loop().after(Duration::seconds(2), [&] { world.loop().stop(); });
  bool later = false;
  world.loop().after(Duration::seconds(3), [&] { later = true; });
  world.loop().run();
  EXPECT_EQ(world.clock().elapsed(), Elapsed{2'000'000});
  EXPECT_FALSE(later);
  EXPECT_TRUE(world.run_until([&] { return later; }, Duration::seconds(1)));
  EXPECT_FALSE(world.run_until([] { return false; }, Duration::seconds(1)));
}

TEST(SimWorld, LanesHaveTheirLimitsAndEndWithStop) {
  SimWorld world(1);
  int ran = 0;
  for (int i = 0; i < 1024; ++i) {
    ASSERT_TRUE(world.executor().run(Lane::kStore, [&] { ++ran; }));
  }
  EXPECT_EQ(world.executor().run(Lane::kStore, [] {}).error().code, Code::kExhausted);
  world.executor().stop();
  EXPECT_EQ(ran, 1024);
  EXPECT_EQ(world.executor().run(Lane::kStore, [] {}).error().code, Code::kUnavailable);
}

TEST(SimWorld, RandomBitsFollowTheSeed) {
  SimWorld one(7);
  SimWorld same(7);
  SimWorld other(8);
  const uint64_t first = one.random().next();
  EXPECT_EQ(first, same.random().next());
  EXPECT_NE(first, other.random().next());
  EXPECT_NE(first, one.random().next());
}

TEST(SimWorldDeath, AnEndlessLoopAtOneInstantIsFound) {
  EXPECT_DEATH(
      {
        SimWorld world(1);
        std::function<void()> again = [&] { world.loop().post(again); };
        again();
        world.run_until_idle();
      },
      "kMaxEntriesAtOneInstant");
}

TEST(SimHttp, AnswersAfterItsLatencyAndTimesOut) {
  SimWorld world(1);
  world.http().set_handler([](const HttpRequest& request) {
    HttpResponse response;
    response.status = 200;
    response.body = request.body;
    return SimHttpAnswer{response, Duration::seconds(2)};
  });
  HttpRequest request;
  request.url = "http://bureau.example/";
  request.body = "x";
  request.timeout = Duration::seconds(3);
  std::vector<HttpOutcome> outcomes;
  const auto keep = [&](HttpOutcome outcome) { outcomes.push_back(std::move(outcome)); };
  world.http().send(request, keep);
  request.timeout = Duration::seconds(1);
  world.http().send(request, keep);
  const HttpHandle cancelled = world.http().send(request, keep);
  world.http().cancel(cancelled);
  EXPECT_TRUE(outcomes.empty());
  world.run_until_idle();
  ASSERT_EQ(outcomes.size(), 3u);
  EXPECT_EQ(outcomes[0].error().kind, HttpFailure::Kind::kCancelled);
  EXPECT_EQ(outcomes[1].error().kind, HttpFailure::Kind::kTimeout);
  EXPECT_EQ(outcomes[2]->took, Duration::seconds(2));
  EXPECT_EQ(world.http().sent().size(), 3u);
}

TEST(SimHttp, RefusesWhatTheRealClientRefuses) {
  SimWorld world(1);
  world.http().set_handler([](const HttpRequest&) { return SimHttpAnswer{HttpResponse{}, {}}; });
  HttpRequest request;
  request.url = "http://127.0.0.1/";
  std::optional<HttpOutcome> outcome;
  world.http().send(request, [&](HttpOutcome got) { outcome = got; });
  world.run_until_idle();
  EXPECT_EQ(outcome->error().kind, HttpFailure::Kind::kDenied);
  EXPECT_TRUE(world.http().sent().empty());
}

class SimProcessesTest : public testing::Test {
 protected:
  static ProcessSpec spec(const std::string& id) {
    ProcessSpec spec;
    spec.id = ProcessId{id};
    spec.argv = {"true"};
    spec.output_path = "out/" + id;
    spec.log_path = "out/log";
    return spec;
  }

  void serve() {
    world_.processes().on_exit([this](const ProcessExit& exit) { exits_.push_back(exit); });
  }

  SimWorld world_{1};
  std::vector<ProcessExit> exits_;
};

TEST_F(SimProcessesTest, TheScriptDecidesHowLongHowAndWithWhatResult) {
  ASSERT_TRUE(world_.files().make_folders("out"));
  world_.processes().set_script([](const ProcessSpec& spec) {
    SimProcessResult result;
    result.takes = Duration::seconds(5);
    result.exit_code = spec.id.value == "bad" ? 3 : 0;
    result.output = "{\"id\":1}";
    result.log = spec.id.value + "\n";
    return result;
  });
  serve();
  std::vector<int64_t> numbers;
  for (const char* id : {"good", "bad", "good"}) {
    world_.processes().start(spec(id), [&](Result<int64_t> n) { numbers.push_back(n.value()); });
  }
  world_.run_for(Duration::seconds(4));
  ASSERT_EQ(numbers.size(), 3u);
  EXPECT_EQ(numbers[0], numbers[2]) << "a second start of the same id answers as the first";
  EXPECT_EQ(world_.processes().running(), 2u);
  EXPECT_TRUE(exits_.empty());
  world_.run_for(Duration::seconds(1));
  ASSERT_EQ(exits_.size(), 2u);
  EXPECT_EQ(exits_[0].code + exits_[1].code, 3);
  EXPECT_EQ(exits_[0].ended - exits_[0].started, Duration::seconds(5));
  EXPECT_EQ(world_.files().read("out/good", 100).value(), "{\"id\":1}");
  EXPECT_EQ(world_.files().read("out/log", 100).value().size(), 9u);
}

TEST_F(SimProcessesTest, GoOnWhileTheServerIsDownAndTellTheNextOne) {
  world_.processes().set_script(
      [](const ProcessSpec&) { return SimProcessResult{.takes = Duration::seconds(5)}; });
  serve();
  world_.processes().start(spec("a"), [](Result<int64_t>) {});
  world_.run_for(Duration::seconds(1));
  world_.kill_server();
  world_.run_for(Duration::seconds(10));
  EXPECT_TRUE(exits_.empty());
  serve();
  world_.run_now();
  ASSERT_EQ(exits_.size(), 1u);
  ProcessList found;
  world_.processes().list([&](Result<ProcessList> list) { found = *list; });
  world_.processes().acknowledge(ProcessId{"a"});
  world_.processes().detach();
  world_.processes().attach();
  world_.run_now();
  EXPECT_EQ(found.exited.size(), 1u);
  EXPECT_EQ(exits_.size(), 1u);
}

TEST_F(SimProcessesTest, ABrokenConnectionRefusesStartsAndTellsExitsAgain) {
  serve();
  world_.processes().start(spec("a"), [](Result<int64_t>) {});
  world_.run_for(Duration::seconds(1));
  ASSERT_EQ(exits_.size(), 1u);
  world_.processes().detach();
  world_.processes().acknowledge(ProcessId{"a"});
  std::optional<Code> code;
  world_.processes().start(spec("b"), [&](Result<int64_t> n) { code = n.error().code; });
  world_.run_now();
  EXPECT_EQ(code, Code::kUnavailable);
  EXPECT_EQ(world_.processes().starts(ProcessId{"b"}), 0);
  world_.processes().attach();
  world_.run_now();
  EXPECT_EQ(exits_.size(), 2u);
}

TEST_F(SimProcessesTest, StopEndsByTermOrAfterTheGraceByKill) {
  world_.processes().set_script([](const ProcessSpec& spec) {
    SimProcessResult result{.takes = Duration::seconds(100)};
    if (spec.id.value == "stubborn") result.on_term = SimProcessResult::OnTerm::kIgnores;
    return result;
  });
  serve();
  for (const char* id : {"polite", "stubborn"}) {
    world_.processes().start(spec(id), [](Result<int64_t>) {});
    world_.processes().stop(ProcessId{id}, Duration::seconds(10));
  }
  world_.run_for(Duration::seconds(1));
  ASSERT_EQ(exits_.size(), 1u);
  EXPECT_EQ(exits_[0].code, 15);
  world_.run_for(Duration::seconds(10));
  ASSERT_EQ(exits_.size(), 2u);
  EXPECT_EQ(exits_[1].code, 9);
  EXPECT_EQ(exits_[1].how, ProcessExit::How::kSignalled);
}

TEST_F(SimProcessesTest, TheLossOfTheSpawnerTakesItsTreeAndIsTold) {
  serve();
  int lost = 0;
  world_.processes().on_lost([&] { ++lost; });
  world_.processes().start(spec("a"), [](Result<int64_t>) {});
  world_.processes().lose();
  world_.run_for(Duration::seconds(5));
  EXPECT_EQ(lost, 1);
  EXPECT_TRUE(exits_.empty());
  EXPECT_EQ(world_.processes().running(), 0u);
}

TEST(SimWorld, KillDropsWhatTheServerHadQueuedAndKeepsTheDisk) {
  SimWorld world(1);
  world.loop().post([] { FAIL(); });
  world.loop().after(Duration::seconds(1), [] { FAIL(); });
  world.loop().at(world.clock().wall(), [] { FAIL(); });
  ASSERT_TRUE(world.executor().run(Lane::kStore, [] { FAIL(); }));
  auto log = world.files().open_append("log").value();
  ASSERT_TRUE(log->append("not synced"));
  world.kill_server();
  world.run_until_idle();
  EXPECT_EQ(world.files().read("log", 100).value(), "not synced");
  EXPECT_TRUE(world.executor().run(Lane::kStore, [] {}));
}

TEST(SimWorld, LossOfPowerKeepsOnlyWhatWasSynced) {
  SimWorld world(1);
  auto log = world.files().open_append("log").value();
  ASSERT_TRUE(log->append("one\n"));
  ASSERT_TRUE(log->sync());
  ASSERT_TRUE(log->append("two\n"));
  ASSERT_TRUE(world.files().write("whole", "x"));
  world.lose_power();
  EXPECT_EQ(world.files().read("log", 100).value(), "one\n");
  EXPECT_EQ(world.files().read("whole", 100).value(), "x");
}

TEST(SimNet, CarriesBytesBothWaysInPiecesAndTheEnd) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SimWorld world(seed);
    std::unique_ptr<Stream> server;
    auto listener =
        world.net()
            .listen_tcp("127.0.0.1", 0,
                        [&](std::unique_ptr<Stream> stream) { server = std::move(stream); })
            .value();
    auto client = world.net().connect(listener->address()).value();
    std::string at_server;
    bool ended = false;
    std::function<void()> read_on = [&] {
      server->read([&](Result<std::string_view> got) {
        at_server += *got;
        ended = got->empty();
        if (!ended) read_on();
      });
    };
    world.run_now();
    ASSERT_TRUE(server);
    read_on();
    client->write(std::string(200'000, 'x'), [](Status status) { EXPECT_TRUE(status); });
    world.run_now();
    EXPECT_EQ(at_server.size(), 200'000u);
    client.reset();
    world.run_now();
    EXPECT_TRUE(ended);
    server->write("late", [](Status status) { EXPECT_FALSE(status); });
    world.run_now();
  }
}

TEST(SimNet, ADestroyedStreamDropsItsCallbacksAndAClosedOneAnswersErrors) {
  SimWorld world(1);
  std::unique_ptr<Stream> server;
  auto listener = world.net()
                      .listen_unix("s", [&](std::unique_ptr<Stream> s) { server = std::move(s); })
                      .value();
  EXPECT_FALSE(world.net().listen_unix("s", [](std::unique_ptr<Stream>) {}));
  auto client = world.net().connect_unix("s").value();
  world.run_now();
  client->read([](Result<std::string_view>) { FAIL(); });
  client->write("x", [](Status) { FAIL(); });
  client.reset();
  int errors = 0;
  server->read([&](Result<std::string_view> got) { errors += !got; });
  server->close();
  server->write("x", [&](Status status) { errors += !status; });
  world.run_now();
  EXPECT_EQ(errors, 2);
  listener.reset();
  EXPECT_EQ(world.net().connect_unix("s").error().code, Code::kUnavailable);
}

}  // namespace
}  // namespace tidemill::io
