// Python functions through the spawner: warm interpreters, their results and their errors.
#include <fmt/format.h>
#include <signal.h>

#include <chrono>

#include "base/json.h"
#include "spawn/test_support.h"
#include "spawn/tree.h"

namespace tidemill::spawn {
namespace {

using How = io::ProcessExit::How;

constexpr const char* kModule = R"py(
import datetime, os, sys, threading, time

LOADED = os.environ.get("MODE", "none")

def add(a, b): return {"sum": a + b, "mode": LOADED, "threads": os.environ["OMP_NUM_THREADS"]}
def talk():
    print("hello from", "python \u00e9")
    print("warned", file=sys.stderr)
def broken(x):
    def inner(): return 1 / x
    return inner()
def leave(code): sys.exit(code)
def when(): return {"rows": [1, {"at": datetime.date(2026, 3, 1)}]}
def nothing_finite(): return [1.0, float("nan")]
def loop():
    a = []
    a.append(a)
    return a
def killed(): os.kill(os.getpid(), 9)
def crowd():
    def work():
        time.sleep(0.02)
        print("thread done")
    threading.Thread(target=work).start()
    return 1
def where(): return [os.getcwd(), os.getsid(0) == os.getpid(), sys.stdin.read(), sys.path[:2]]
def big(text): return len(text)
def secret(): raise ValueError(os.environ["KEY"])
def spawn(path):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            with open(path, "w") as f: f.write(str(os.getpid()))
            while True: time.sleep(1)
        os._exit(0)
    while not (os.path.exists(path) and os.path.getsize(path)): time.sleep(0.001)
def hang(path):
    with open(path, "w") as f: f.write("up")
    time.sleep(1000)
)py";

class Python : public ::testing::Test {
 protected:
  Python() : server_(folder_) { folder_.write("jobs.py", kModule); }
  std::string error_text(const io::ProcessExit& exit, const char* part = "message") {
    const Result<Json> error = parse_json(exit.error);
    return error ? error->text_or(part, "") : "not JSON: " + exit.error;
  }
  TestFolder folder_;
  Server server_;
};

TEST_F(Python, AFunctionGetsItsArgumentsAndLeavesItsResultInAFile) {
  io::ProcessSpec spec = server_.python("a", "jobs:add", R"({"a":2,"b":40})");
  spec.env.emplace_back("MODE", "mine");
  const io::ProcessExit exit = server_.run(spec);
  EXPECT_EQ(exit.how, How::kExited);
  EXPECT_EQ(exit.code, 0) << exit.error << folder_.read("a.log");
  EXPECT_EQ(exit.error, "");
  EXPECT_EQ(folder_.read("a.out"), R"({"sum":42,"mode":"mine","threads":"1"})");
  EXPECT_GT(exit.max_rss_bytes, 1'000'000);
  EXPECT_GT(exit.user_cpu.us + exit.system_cpu.us, 0);
  // The next child, from the same interpreter, loads the module in its own environment.
  spec = server_.python("b", "jobs:add", R"({"a":1,"b":1})");
  server_.run(spec);
  EXPECT_EQ(folder_.read("b.out"), R"({"sum":2,"mode":"none","threads":"1"})");
}

TEST_F(Python, PrintGoesIntoTheLog) {
  EXPECT_EQ(server_.run(server_.python("a", "jobs:talk")).code, 0);
  EXPECT_EQ(folder_.read("a.log"), "hello from python \u00e9\nwarned\n");
  EXPECT_EQ(folder_.read("a.out"), "null");
}

TEST_F(Python, AnExceptionIsReportedWithTypeMessageAndTraceback) {
  const io::ProcessExit exit = server_.run(server_.python("a", "jobs:broken", R"({"x":0})"));
  EXPECT_EQ(exit.how, How::kExited);
  EXPECT_EQ(exit.code, 1);
  EXPECT_EQ(error_text(exit, "type"), "ZeroDivisionError");
  EXPECT_EQ(error_text(exit), "division by zero");
  const std::string trace = error_text(exit, "traceback");
  EXPECT_NE(trace.find("jobs.py\", line 11, in inner"), std::string::npos) << trace;
  EXPECT_EQ(trace.find("tidemill_worker"), std::string::npos) << trace;
  EXPECT_NE(folder_.read("a.log").find("ZeroDivisionError"), std::string::npos);
  EXPECT_EQ(folder_.read("a.out"), "");
}

TEST_F(Python, ExitStatusesAndSignalsAreTheProcesssOwn) {
  EXPECT_EQ(server_.run(server_.python("a", "jobs:leave", R"({"code":7})")).code, 7);
  EXPECT_EQ(server_.run(server_.python("b", "jobs:leave", R"({"code":null})")).code, 0);
  EXPECT_EQ(server_.run(server_.python("c", "jobs:leave", R"({"code":"no more"})")).code, 1);
  EXPECT_EQ(folder_.read("c.log"), "no more\n");
  const io::ProcessExit exit = server_.run(server_.python("d", "jobs:killed"));
  EXPECT_EQ(exit.how, How::kSignalled);
  EXPECT_EQ(exit.code, SIGKILL);
}

TEST_F(Python, AResultThatJsonCannotHoldIsAnErrorThatSaysWhereAndWhat) {
  EXPECT_EQ(error_text(server_.run(server_.python("a", "jobs:when"))),
            "jobs:when: result['rows'][1]['at'] is of type datetime.date, which JSON cannot hold; "
            "return numbers, text, lists and dicts");
  EXPECT_EQ(
      error_text(server_.run(server_.python("b", "jobs:nothing_finite"))),
      "jobs:nothing_finite: result[1] is nan, which JSON cannot hold; return None or a number");
  EXPECT_NE(error_text(server_.run(server_.python("c", "jobs:loop"))).find("contains itself"),
            std::string::npos);
  EXPECT_EQ(folder_.read("a.out"), "");
}

TEST_F(Python, ATargetOrInputThatIsWrongIsExplained) {
  EXPECT_NE(error_text(server_.run(server_.python("a", "jobs:ad")))
                .find("jobs has no 'ad'; it has add, big"),
            std::string::npos);
  EXPECT_EQ(error_text(server_.run(server_.python("b", "nojobs:f"))), "No module named 'nojobs'");
  EXPECT_EQ(error_text(server_.run(server_.python("c", "jobs"))),
            "target 'jobs': expected module:function");
  EXPECT_EQ(error_text(server_.run(server_.python("d", "jobs:LOADED"))),
            "target 'jobs:LOADED' is a str, not a function");
  EXPECT_EQ(error_text(server_.run(server_.python("e", "jobs:add", "[1]"))),
            "the input is a list; expected an object of arguments");
  EXPECT_EQ(error_text(server_.run(server_.python("f", "jobs:add", "{\"c\":1}")), "type"),
            "TypeError");
}

TEST_F(Python, RunsInItsFolderWithItsOwnSessionAndNoInput) {
  server_.run(server_.python("a", "jobs:where"));
  const std::string out = folder_.read("a.out");
  EXPECT_EQ(out.find(fmt::format("[\"{0}\",true,\"\",[\"{0}\",", folder_.path())), 0u) << out;
  EXPECT_EQ(out.find("worker-"), std::string::npos) << out;
}

TEST_F(Python, ALargeInputArrivesWhole) {
  const std::string text(3'000'000, 'x');
  server_.run(server_.python("a", "jobs:big", "{\"text\":\"" + text + "\"}"));
  EXPECT_EQ(folder_.read("a.out"), "3000000");
}

TEST_F(Python, ThreadsOfTheFunctionAreJoined) {
  EXPECT_EQ(server_.run(server_.python("a", "jobs:crowd")).code, 0);
  EXPECT_EQ(folder_.read("a.log"), "thread done\n");
  EXPECT_EQ(folder_.read("a.out"), "1");
}

TEST_F(Python, PreloadedModulesAreImportedOnceForAllCalls) {
  folder_.write("heavy.py", "import os\nopen('" + folder_.file("imports") +
                                "', 'a').write('x')\ndef pid(): return os.getppid()\n");
  for (const char* id : {"a", "b", "c"}) {
    io::ProcessSpec spec = server_.python(id, "heavy:pid");
    spec.python->preload = {"heavy"};
    EXPECT_EQ(server_.run(spec).code, 0);
    // The spawner is the parent of the child, so what it reports is the kernel's word.
    EXPECT_EQ(folder_.read(std::string(id) + ".out"), std::to_string(spawner_pid(folder_)));
  }
  EXPECT_EQ(folder_.read("imports"), "x");
}

TEST_F(Python, AZygoteWithThreadsForksNobodyAndFreshInterpretersServe) {
  folder_.write("crowded.py",
                "import threading, time\n"
                "threading.Thread(target=lambda: time.sleep(1000), daemon=True).start()\n"
                "def f(): return 5\n");
  for (const char* id : {"a", "b"}) {
    io::ProcessSpec spec = server_.python(id, "crowded:f");
    spec.python->preload = {"crowded"};
    EXPECT_EQ(server_.run(spec).code, 0);
    EXPECT_EQ(folder_.read(std::string(id) + ".out"), "5");
    const std::string log = folder_.read(std::string(id) + ".log");
    EXPECT_NE(log.find("[tidemill] a fresh interpreter runs this call, not a warm one: the preload "
                       "list started threads"),
              std::string::npos)
        << log;
  }
}

TEST_F(Python, APreloadThatFailsOrDiesLeavesTheCallsToFreshInterpreters) {
  folder_.write("failing.py", "raise RuntimeError('no')\n");
  folder_.write("dying.py", "import os\nos.kill(os.getpid(), 9)\n");
  io::ProcessSpec spec = server_.python("a", "jobs:add", R"({"a":1,"b":2})");
  spec.python->preload = {"failing"};
  EXPECT_EQ(server_.run(spec).code, 0);
  EXPECT_NE(folder_.read("a.log").find("preload of failing failed: RuntimeError: no"),
            std::string::npos);
  spec = server_.python("b", "jobs:add", R"({"a":1,"b":2})");
  spec.python->preload = {"dying"};
  EXPECT_EQ(server_.run(spec).code, 0);
  EXPECT_NE(folder_.read("b.log").find("the warm interpreter ended"), std::string::npos);
}

TEST_F(Python, AnInterpreterThatIsMissingEndsWith127) {
  io::ProcessSpec spec = server_.python("a", "jobs:add");
  spec.python->interpreter = "/no/python3";
  const io::ProcessExit exit = server_.run(spec);
  EXPECT_EQ(exit.code, 127);
  EXPECT_NE(exit.message.find("/no/python3"), std::string::npos);
}

TEST_F(Python, VariablesOfTheInterpreterItselfAreHonoured) {
  io::ProcessSpec spec = server_.python("a", "elsewhere:f");
  const std::string folder = folder_.file("lib");
  ASSERT_TRUE(make_folders(folder));
  folder_.write("lib/elsewhere.py", "def f(): return 'found'\n");
  spec.env.emplace_back("PYTHONPATH", folder);
  server_.run(spec);
  EXPECT_EQ(folder_.read("a.out"), "\"found\"");
}

TEST_F(Python, SecretsAreMaskedInErrorsToo) {
  io::ProcessSpec spec = server_.python("a", "jobs:secret");
  spec.env.emplace_back("KEY", "s3cret-value-42");
  spec.secrets = {"s3cret-value-42"};
  const io::ProcessExit exit = server_.run(spec);
  EXPECT_EQ(error_text(exit), "***");
  EXPECT_EQ(folder_.read("a.log").find("s3cret"), std::string::npos);
}

TEST_F(Python, ForkedChildrenThatHideAreKilledWithTheirCall) {
  const std::string path = folder_.file("stray");
  EXPECT_EQ(server_.run(server_.python("a", "jobs:spawn", "{\"path\":\"" + path + "\"}")).code, 0);
  EXPECT_FALSE(lives(std::atoi(folder_.read("stray").c_str())));
}

TEST_F(Python, ACallIsStopped) {
  const std::string path = folder_.file("up");
  const io::ProcessSpec spec = server_.python("a", "jobs:hang", "{\"path\":\"" + path + "\"}");
  ASSERT_TRUE(server_.start(spec));
  wait_for_file(path);
  server_.client().stop(spec.id, Duration::seconds(20));
  EXPECT_EQ(server_.wait_exit("a").code, SIGTERM);
}

TEST_F(Python, ACallIsLostWithTheSpawnerAndLeavesNobody) {
  const std::string path = folder_.file("up");
  const Result<int64_t> pid =
      server_.start(server_.python("a", "jobs:hang", "{\"path\":\"" + path + "\"}"));
  ASSERT_TRUE(pid);
  wait_for_file(path);
  ::kill(spawner_pid(folder_), SIGKILL);
  EXPECT_EQ(server_.wait_exit("a").how, How::kLost);
  EXPECT_FALSE(lives(static_cast<pid_t>(*pid)));
}

TEST_F(Python, ManyCallsAtOnceAreEachRunOnce) {
  for (int i = 0; i < 60; ++i) {
    server_.client().start(
        server_.python(fmt::format("t{}", i), "jobs:add", fmt::format(R"({{"a":{},"b":0}})", i)),
        [](Result<int64_t> r) { EXPECT_TRUE(r); });
  }
  server_.wait_until([&] { return server_.exits.size() == 60; });
  for (int i = 0; i < 60; ++i) {
    EXPECT_EQ(folder_.read(fmt::format("t{}.out", i)).find(fmt::format("{{\"sum\":{},", i)), 0u);
  }
}

TEST_F(Python, FortyCallsInARow) {
  folder_.write("light.py", "def f(n): return n + 1\n");
  server_.run(server_.python("warm", "light:f", R"({"n":1})"));
  const auto begin = std::chrono::steady_clock::now();
  std::chrono::duration<double, std::milli> best(1e9);
  for (int i = 0; i < 40; ++i) {
    const auto one = std::chrono::steady_clock::now();
    EXPECT_EQ(server_.run(server_.python(fmt::format("t{}", i), "light:f", R"({"n":1})")).code, 0);
    best = std::min(best, decltype(best)(std::chrono::steady_clock::now() - one));
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  fmt::print("40 Python calls in a row: {:.3f} s, the fastest {:.2f} ms\n", took.count(),
             best.count());
}

}  // namespace
}  // namespace tidemill::spawn
