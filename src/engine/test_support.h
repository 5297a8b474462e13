// A whole engine on a simulated machine: the real store, loader, tasks and SQL; processes, vendors,
// files and time are simulated.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/text.h"
#include "engine/engine.h"
#include "engine/project_loader.h"
#include "flow/test_project.h"
#include "io/real/files.h"
#include "store/hooked_store.h"
#include "io/real/loop.h"
#include "io/sim/world.h"
#include "store/sqlite_store.h"
#include "task/http.h"
#include "task/publish.h"
#include "task/sql.h"
#include "task/vendor.h"
#include "vendor/client.h"

namespace tidemill::engine {

// A folder in memory where there is one: fsync costs nothing there.
class FastFolder {
 public:
  FastFolder() {
    struct stat info{};
    bool const has_memory = ::stat("/dev/shm", &info) == 0 && S_ISDIR(info.st_mode);
    std::string pattern =
        (has_memory ? std::string("/dev/shm/") : ::testing::TempDir()) + "tidemill_engine_XXXXXX";
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    path_ = pattern;
  }
  ~FastFolder() { EXPECT_EQ(::system(("rm -rf '" + path_ + "'").c_str()), 0); }
  FastFolder(const FastFolder&) = delete;
  FastFolder& operator=(const FastFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class NoModels final : public task::ModelCompiler {
 public:
  Status compile(const std::string&, const std::string&) override {
    return fail(Code::kInternal, "no models in this test");
  }
};

class MemoryLog final : public Log {
 public:
  void write(LogLevel level, std::string_view line) override {
    if (level >= LogLevel::kWarn) lines.emplace_back(line);
  }
  std::vector<std::string> lines;
};

// The machine with one server on it.
class EngineBed {
 public:
  explicit EngineBed(uint64_t seed = 1, Time start = Time::from_seconds(1'767'225'600))
      : world(seed, start) {
    EXPECT_TRUE(world.files().make_folders("/project/flows"));
    EXPECT_TRUE(world.files().make_folders("/data"));
    world.processes().set_script([this](const io::ProcessSpec& spec) { return started(spec); });
  }
  ~EngineBed() { kill(); }

  void file(const std::string& path, const std::string& text) {
    std::string const full = "/project/" + path;
    EXPECT_TRUE(world.files().make_folders(full.substr(0, full.rfind('/'))));
    EXPECT_TRUE(world.files().write(full, text));
  }
  // Writes flows/<name>.yaml.
  void flow(const std::string& name, const std::string& text) {
    file("flows/" + name + ".yaml", "flow: " + name + "\n" + text);
  }

  // Starts the server as `serve` does and loads the project.
  void start() {
    metrics = std::make_unique<Metrics>();
    store::SqliteStoreOptions options;
    options.folder = folder.path();
    options.on_fsync_failure = [](const std::string& reason) { FAIL() << reason; };
    auto opened =
        store::open_sqlite_store(options, world.loop(), world.executor(), real_files_, log);
    ASSERT_TRUE(opened) << opened.error().text();
    store = std::make_unique<store::HookedStore>(std::move(*opened), faults());
    models_ = std::make_unique<task::ModelStore>("/data", world.files(), no_models_);
    vendors_ = std::make_unique<vendor::Client>(world.loop(), world.clock(), world.http(),
                                                world.random(), *metrics);
    tasks_ = std::make_unique<task::Tasks>(runners(), *models_);
    engine = std::make_unique<Engine>(
        EngineParts{world.clock(), world.loop(), world.executor(), world.random(), *store, *tasks_,
                    log, *metrics, notices},
        limits);
    loader = std::make_unique<ProjectLoader>(
        "/project", "/data",
        LoaderParts{world.loop(), world.executor(), world.files(), *store, *models_, *engine, log});
    auto const recovered =
        engine->recover([this](const flow::BundleId& id) { return loader->load_bundle(id); });
    ASSERT_TRUE(recovered) << recovered.error().text();
    loader->load({});
    world.run_now();
    for (const FlowStatus& status : loader->statuses()) {
      ASSERT_TRUE(status.errors.empty()) << flow::text_of(status.errors);
    }
  }

  // kill -9. Its processes run on.
  void kill() {
    engine.reset();
    loader.reset();
    tasks_.reset();
    vendors_.reset();
    models_.reset();
    store.reset();
    metrics.reset();
    world.kill_server();
  }
  void restart() {
    kill();
    start();
  }

  // What somebody who asks for a run sees.
  struct Asked {
    std::optional<Result<run::RunId>> accepted;
    std::optional<RunResult> result;
    bool is_refused() const { return accepted && !*accepted; }
    Code refusal() const { return accepted->error().code; }
  };
  std::shared_ptr<Asked> ask(const std::string& flow, Json params = Json::object(),
                             const std::string& key = "") {
    auto asked = std::make_shared<Asked>();
    RunRequest request;
    request.flow = flow::FlowName(flow);
    request.params = std::move(params);
    request.cause.trigger = "call";
    request.cause.origin = "call";
    if (!key.empty()) request.key = run::Key("call:test/" + key);
    request.on_accepted = [asked](const Result<run::RunId>& accepted) {
      EXPECT_FALSE(asked->accepted) << "answered twice";
      asked->accepted = accepted;
    };
    request.on_finished = [asked](const RunResult& result) {
      EXPECT_FALSE(asked->result) << "ended twice";
      asked->result = result;
    };
    engine->request(std::move(request));
    return asked;
  }
  std::shared_ptr<Asked> call(const std::string& flow, Json params = Json::object(),
                              const std::string& key = "") {
    auto asked = ask(flow, std::move(params), key);
    world.run_until([&] { return asked->result || asked->is_refused(); }, Duration::seconds(600));
    return asked;
  }

  std::vector<run::RunRow> runs(const std::string& flow = "") {
    store::RunFilter filter;
    filter.flow = flow;
    filter.limit = 100'000;
    auto rows = store->list_runs(filter);
    EXPECT_TRUE(rows);
    if (!rows) return {};
    std::reverse(rows->begin(), rows->end());
    return *rows;
  }
  std::vector<std::string> keys(const std::string& flow) {
    std::vector<std::string> list;
    for (const auto& row : runs(flow)) list.push_back(row.key.value);
    return list;
  }
  // Times at which the runs of a flow were due.
  std::vector<std::string> due(const std::string& flow) {
    std::vector<std::string> list;
    for (const auto& row : runs(flow)) list.push_back(format_rfc3339(row.scheduled_at));
    return list;
  }
  std::vector<std::string> skipped(const std::string& flow) {
    std::vector<std::string> list;
    auto const rows = store->skipped_keys(flow::FlowName(flow), 10'000);
    EXPECT_TRUE(rows);
    if (rows) {
      for (const auto& row : *rows) list.push_back(row.key.value);
    }
    std::sort(list.begin(), list.end());
    return list;
  }
  std::vector<Json> lines(const std::string& dataset) {
    std::vector<Json> list;
    auto const text = world.files().read("/data/datasets/" + dataset + ".jsonl", 64u << 20);
    if (!text) return list;
    for (std::string_view line : split(*text, '\n')) {
      if (line.empty()) continue;
      auto json = parse_json(line);
      EXPECT_TRUE(json) << line;
      if (json) list.push_back(std::move(*json));
    }
    return list;
  }
  task::Tasks& tasks() { return *tasks_; }
  task::ApproveRunner& approvals() { return tasks_->approvals(); }
  std::vector<task::Waiting> waiting(const run::RunId& id) { return tasks_->waiting(id.value); }
  int64_t counter(const std::string& name) { return metrics->counter(name, "").value(); }

  // How a task's process behaves; by the name of its task.
  std::map<std::string, io::SimProcessResult> behaviour;
  std::function<io::SimProcessResult(const io::ProcessSpec&)> behave;
  std::map<std::string, int> starts;       // by process id
  std::vector<std::string> started_tasks;  // in order
  std::function<std::optional<Code>(const run::Changes&)> commit_fails;
  run::AdmissionLimits limits;
  NoticeSink* notices = nullptr;  // before start()

  FastFolder folder;
  io::SimWorld world;
  MemoryLog log;
  std::unique_ptr<Metrics> metrics;
  std::unique_ptr<store::Store> store;
  int reads_fail = 0;  // so many of the next load_run() of the store
  int finds_fail = 0;  // and of the next find_key()
  std::unique_ptr<Engine> engine;
  std::unique_ptr<ProjectLoader> loader;

 private:
  // Nothing of a commit that fails is written.
  store::StoreHooks faults() {
    store::StoreHooks hooks;
    hooks.commit = [this](store::Store& inner, run::Changes changes,
                          std::function<void(Status)> done) {
      auto const code = commit_fails ? commit_fails(changes) : std::nullopt;
      if (!code) return inner.commit(std::move(changes), std::move(done));
      world.loop().post([done, code = *code] { done(fail(code, "the disk is full (test)")); });
    };
    hooks.find_key = [this](store::Store& inner, const flow::FlowName& flow, const run::Key& key)
        -> Result<std::optional<store::StoredKey>> {
      if (finds_fail > 0 && finds_fail-- > 0) return fail(Code::kUnavailable, "not now (test)");
      return inner.find_key(flow, key);
    };
    hooks.load_run = [this](store::Store& inner,
                            const run::RunId& id) -> Result<std::optional<run::StoredRun>> {
      if (reads_fail > 0 && reads_fail-- > 0) return fail(Code::kUnavailable, "not now (test)");
      return inner.load_run(id);
    };
    return hooks;
  }

  io::SimProcessResult started(const io::ProcessSpec& spec) {
    std::string task;
    for (const auto& [name, value] : spec.env) {
      if (name == "TIDEMILL_TASK") task = value;
    }
    ++starts[spec.id.value];
    started_tasks.push_back(task);
    if (behave) return behave(spec);
    auto const found = behaviour.find(task);
    return found == behaviour.end() ? io::SimProcessResult{} : found->second;
  }

  task::Tasks::Runners runners() {
    task::Tasks::Runners runners;
    runners.process = std::make_unique<task::ProcessRunner>(
        task::ProcessSettings{"/data", "/project", "/bin", ""}, world.processes(), world.files());
    runners.http = std::make_unique<task::HttpRunner>(world.http(), std::vector<std::string>{});
    runners.vendor = std::make_unique<task::VendorRunner>(std::vector<std::string>{"/data/secrets"},
                                                          *vendors_, world.files());
    runners.sql = std::make_unique<task::SqlRunner>(folder.path(), world.executor(), world.loop());
    runners.publish = std::make_unique<task::PublishRunner>(
        [](const std::string& dataset) { return "/data/datasets/" + dataset + ".jsonl"; },
        world.executor(), world.loop(), world.files(), world.clock());
    runners.wait = std::make_unique<task::WaitRunner>(task::WaitParts{
        world.clock(),
        world.loop(),
        world.executor(),
        world.files(),
        world.http(),
        "/project",
        {},
        [this](const std::string& dataset) { return engine->dataset_updated(dataset); }});
    runners.approve = std::make_unique<task::ApproveRunner>(world.clock());
    return runners;
  }

  io::RealLoop real_loop_;
  io::RealFiles real_files_{real_loop_};
  NoModels no_models_;
  std::unique_ptr<task::ModelStore> models_;
  std::unique_ptr<vendor::Client> vendors_;
  std::unique_ptr<task::Tasks> tasks_;
};

}  // namespace tidemill::engine
