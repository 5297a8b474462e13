#include "site.h"

#include <fmt/format.h>

#include "echo_runner.h"
#include "front_store.h"
#include "model/flat_write.h"
#include "task/http.h"
#include "task/publish.h"
#include "task/sql.h"
#include "task/vendor.h"

namespace tidemill::sim {

// Parses models in this process: what a child does for the server.
class Site::Models final : public task::ModelCompiler {
 public:
  explicit Models(io::Files& files) : files_(files) {}
  Status compile(const std::string& json_path, const std::string& flat_path) override {
    TIDEMILL_TRY_LET(file, files_.read(json_path, 64u << 20));
    TIDEMILL_TRY_LET(flat, model::compile_model(file));
    return files_.write(flat_path, {reinterpret_cast<const char*>(flat.data()), flat.size()});
  }

 private:
  io::Files& files_;
};

Site::Site(uint64_t seed, Time start, run::AdmissionLimits limits, Mutant mutant)
    : world(seed, start),
      disk(seed ^ 0x6469736b),
      vfs(disk),
      limits_(limits),
      mutant_(mutant),
      compiler_(std::make_unique<Models>(world.files())) {
  if (mutant.disk_lies) disk.set_syncs(io::SimDisk::Syncs::kLie);
  (void)world.files().make_folders(std::string(kProjectFolder) + "/flows");
  (void)world.files().make_folders(kDataFolder);
}

Site::~Site() {
  disk.kill();
  destroy();
}

void Site::file(const std::string& path, const std::string& text) {
  std::string const full = fmt::format("{}/{}", kProjectFolder, path);
  (void)world.files().make_folders(full.substr(0, full.rfind('/')));
  (void)world.files().write(full, text);
  history.add({now(), What::kFileWritten, path});
}

bool Site::start() {
  is_ready_ = false;
  if (Status const built = build(); !built) {
    history.add({now(), What::kServerUp, "failed", {}, {}, -1, 0, 0, built.error().text()});
    disk.die();
    return false;
  }
  loader_->load([this] { is_ready_ = true; });
  run(Duration::seconds(1), [this] { return is_ready_; });
  if (is_dying()) return false;
  api_->set_ready();
  history.add({now(), What::kServerUp, "ready"});
  return true;
}

Status Site::build() {
  metrics_ = std::make_unique<Metrics>();
  store::SqliteStoreOptions options;
  options.folder = kDataFolder;
  options.vfs = vfs.name();
  options.on_fsync_failure = [this](const std::string& reason) {
    history.add({now(), What::kSyncFailed, reason});
    disk.die();  // as the server ends its process
  };
  options.on_taken_over = [this](const std::string& reason) {
    history.add({now(), What::kServerKilled, reason});
    disk.die();
  };
  TIDEMILL_TRY_LET(opened, store::open_sqlite_store(options, world.loop(), world.executor(),
                                                    world.files(), log));
  FrontRules rules;
  rules.keys_are_free = mutant_.keys_are_free;
  rules.answers_first = mutant_.answers_first;
  rules.refuses = [this]() -> std::optional<Code> {
    return store_refuses ? store_refuses() : std::nullopt;
  };
  store_ =
      std::make_unique<store::HookedStore>(std::move(opened), front_hooks(world.loop(), rules));
  models_ = std::make_unique<task::ModelStore>(kDataFolder, world.files(), *compiler_);
  vendors_ = std::make_unique<vendor::Client>(world.loop(), world.clock(), world.http(),
                                              world.random(), *metrics_);
  tasks_ = std::make_unique<task::Tasks>(runners(), *models_);
  engine_ = std::make_unique<engine::Engine>(
      engine::EngineParts{world.clock(), world.loop(), world.executor(), world.random(), *store_,
                          *tasks_, log, *metrics_},
      limits_, mutant_.engine);
  loader_ = std::make_unique<engine::ProjectLoader>(
      kProjectFolder, kDataFolder,
      engine::LoaderParts{world.loop(), world.executor(), world.files(), *store_, *models_,
                          *engine_, log});
  TIDEMILL_TRY(
      engine_->recover([this](const flow::BundleId& id) { return loader_->load_bundle(id); }));
  TIDEMILL_TRY_LET(tokens, store_->list_tokens());
  tokens_.replace(tokens);
  api_ = std::make_unique<server::Api>(server::ApiParts{
      world.clock(), world.loop(), world.executor(), world.files(), world.random(), *store_,
      *engine_, *loader_, *tasks_, tokens_, *metrics_, kDataFolder, "sim"});
  server_ = std::make_unique<server::Server>(
      server::ServerParts{world.clock(), world.loop(), world.net(), tokens_, log, *metrics_},
      server::Router(api_->routes()), 1000);
  return server_->listen_unix(kSocket);
}

task::Tasks::Runners Site::runners() {
  task::Tasks::Runners runners;
  task::ProcessSettings settings;
  settings.data_folder = kDataFolder;
  settings.project_folder = kProjectFolder;
  settings.path = "/bin";
  settings.boot_id = fmt::format("boot {}", boots_);
  runners.process =
      std::make_unique<task::ProcessRunner>(settings, world.processes(), world.files());
  runners.http = std::make_unique<EchoRunner>(
      std::make_unique<task::HttpRunner>(world.http(), std::vector<std::string>{}), world.loop());
  runners.vendor = std::make_unique<EchoRunner>(
      std::make_unique<task::VendorRunner>(std::vector<std::string>{"/data/secrets"}, *vendors_,
                                           world.files()),
      world.loop());
  runners.sql = std::make_unique<task::SqlRunner>(kProjectFolder, world.executor(), world.loop());
  runners.publish = std::make_unique<task::PublishRunner>(
      [](const std::string& dataset) { return "/data/datasets/" + dataset + ".jsonl"; },
      world.executor(), world.loop(), world.files(), world.clock());
  runners.wait = std::make_unique<task::WaitRunner>(task::WaitParts{
      world.clock(),
      world.loop(),
      world.executor(),
      world.files(),
      world.http(),
      kProjectFolder,
      {},
      [this](const std::string& dataset) { return engine_->dataset_updated(dataset); }});
  runners.approve = std::make_unique<task::ApproveRunner>(world.clock());
  return runners;
}

void Site::destroy() {
  server_.reset();
  api_.reset();
  engine_.reset();
  loader_.reset();
  tasks_.reset();
  vendors_.reset();
  models_.reset();
  store_.reset();
  metrics_.reset();
}

// The disk first: what the dying objects still do must not reach it.
void Site::kill() {
  history.add({now(), What::kServerKilled, ""});
  disk.kill();
  destroy();
  world.kill_server();
}

void Site::lose_power() {
  history.add({now(), What::kPowerLost, ""});
  disk.lose_power();
  destroy();
  world.lose_power();
  ++boots_;
}

void Site::run(Duration limit, const std::function<bool()>& condition) {
  Elapsed const until = now().elapsed + limit;
  bool const met = world.run_until([&] { return is_dying() || (condition && condition()); }, limit);
  if (!met && now().elapsed < until) world.run_for(until - now().elapsed);
}

void Site::run_steps(int count) {
  int left = count;
  run(Duration::seconds(1), [&] { return --left < 0; });
}

Result<engine::FlowVersion> Site::version(const flow::BundleId& bundle) {
  return loader_->load_bundle(bundle);
}

}  // namespace tidemill::sim
