#include "cli/serve.h"

#include <fmt/format.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "cli/standard_log.h"
#include "cli/version.h"
#include "engine/project_loader.h"
#include "io/real/clock.h"
#include "io/real/commands.h"
#include "io/real/executor.h"
#include "io/real/files.h"
#include "io/real/http_client.h"
#include "io/real/loop.h"
#include "io/real/net.h"
#include "io/real/random.h"
#include "server/api.h"
#include "server/server.h"
#include "spawn/client.h"
#include "store/sqlite_store.h"
#include "task/http.h"
#include "task/publish.h"
#include "task/sql.h"
#include "task/vendor.h"
#include "vendor/client.h"

namespace tidemill::cli {
namespace {

struct Address {
  std::string host;
  uint16_t port = 0;
};

Result<Address> parse_address(const std::string& text) {
  size_t const colon = text.rfind(':');
  std::string const port = colon == std::string::npos ? "" : text.substr(colon + 1);
  bool const is_number = !port.empty() && port.size() <= 5 &&
                         port.find_first_not_of("0123456789") == std::string::npos;
  if (!is_number || std::stoi(port) > 65535) {
    return fail(Code::kInvalid,
                fmt::format("--listen {}: expected HOST:PORT, such as 127.0.0.1:7070", text));
  }
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return Address{host, static_cast<uint16_t>(std::stoi(port))};
}

Result<std::string> real_path(const std::string& path) {
  char* const resolved = ::realpath(path.c_str(), nullptr);
  if (resolved == nullptr) {
    return fail(Code::kNotFound, fmt::format("the folder {} does not exist; make it, or give "
                                             "another with --project",
                                             path));
  }
  std::string answer = resolved;
  ::free(resolved);
  return answer;
}

// Every part of the server, in the order in which each needs the ones before it.
class Running {
 public:
  Running(std::string project, std::string data, std::string program)
      : project_(std::move(project)),
        data_(std::move(data)),
        files_(loop_),
        net_(loop_),
        http_(loop_),
        spawner_(loop_, net_, spawn::SpawnClient::Options{.program = {program, data_}}, log_),
        compiler_(task::make_child_compiler(program)),
        models_(data_, files_, *compiler_),
        vendors_(loop_, clock_, http_, random_, metrics_) {}

  Status open_store() {
    store::SqliteStoreOptions options;
    options.folder = data_;
    options.on_fsync_failure = [this](const std::string& reason) {
      // Nobody knows what the disk holds: nothing more may be acknowledged.
      log_.error("fsync failed, the server ends now: {}", reason);
      ::_exit(70);
    };
    options.on_taken_over = [this](const std::string& reason) {
      // Nothing that this process would still write may be believed.
      log_.error("{}; this server ends now", reason);
      ::_exit(75);
    };
    TIDEMILL_TRY_LET(store, store::open_sqlite_store(options, loop_, executor_, files_, log_));
    store_ = std::move(store);
    return {};
  }

  Status start(const Address& address) {
    TIDEMILL_TRY(open_store());
    project_settings_ = read_project();
    build_tasks();
    engine_ = std::make_unique<engine::Engine>(
        engine::EngineParts{clock_, loop_, executor_, random_, *store_, *tasks_, log_, metrics_});
    loader_ = std::make_unique<engine::ProjectLoader>(
        project_, data_,
        engine::LoaderParts{loop_, executor_, files_, *store_, models_, *engine_, log_});
    TIDEMILL_TRY(
        engine_->recover([this](const flow::BundleId& id) { return loader_->load_bundle(id); }));
    spawner_.on_lost([this] { log_.warn("the spawner was lost; a new one is started"); });
    TIDEMILL_TRY_LET(tokens, store_->list_tokens());
    tokens_.replace(tokens);
    api_ = std::make_unique<server::Api>(
        server::ApiParts{clock_, loop_, executor_, files_, random_, *store_, *engine_, *loader_,
                         *tasks_, tokens_, metrics_, data_, std::string(kVersion)});
    server_ = std::make_unique<server::Server>(
        server::ServerParts{clock_, loop_, net_, tokens_, log_, metrics_},
        server::Router(api_->routes()), ::getuid());
    TIDEMILL_TRY_LET(bound, server_->listen_tcp(address.host, address.port));
    TIDEMILL_TRY(server_->listen_unix(data_ + "/tidemill.sock"));
    address_ = bound;
    spawner_.connect();
    loader_->load([this] { loaded(); });
    return {};
  }

  void run() {
    for (int signal_number : {SIGTERM, SIGINT}) {
      loop_.on_signal(signal_number, [this] { shut_down(); });
    }
    loop_.run();
    server_.reset();
    executor_.stop();
  }

  Log& log() { return log_; }

 private:
  void build_tasks() {
    task::Tasks::Runners runners;
    task::ProcessSettings settings;
    settings.data_folder = data_;
    settings.project_folder = project_;
    settings.path = "/usr/local/bin:/usr/bin:/bin";
    if (const char* path = ::getenv("PATH")) settings.path = path;
    settings.boot_id = files_.read("/proc/sys/kernel/random/boot_id", 1024).value_or("");
    runners.process = std::make_unique<task::ProcessRunner>(settings, spawner_, files_);
    runners.http = std::make_unique<task::HttpRunner>(http_, project_settings_.allow_private);
    auto secrets = std::make_shared<task::Secrets>(
        task::SecretParts{clock_,
                          loop_,
                          executor_,
                          files_,
                          http_,
                          commands_,
                          {data_ + "/secrets", project_ + "/secrets"},
                          project_settings_.secrets,
                          settings.path,
                          project_});
    auto databases = std::make_shared<task::Databases>(project_, executor_, loop_, secrets);
    runners.vendor = std::make_unique<task::VendorRunner>(secrets, vendors_);
    runners.sql = std::make_unique<task::SqlRunner>(databases);
    runners.publish = std::make_unique<task::PublishRunner>(
        [this](const std::string& dataset) { return dataset_path(dataset); }, executor_, loop_,
        files_, clock_);
    runners.wait = std::make_unique<task::WaitRunner>(task::WaitParts{
        clock_, loop_, executor_, files_, http_, project_, project_settings_.allow_private,
        [this](const std::string& dataset) { return engine_->dataset_updated(dataset); },
        databases});
    runners.approve = std::make_unique<task::ApproveRunner>(clock_);
    tasks_ = std::make_unique<task::Tasks>(std::move(runners), models_);
  }

  // Where datasets stand and which hosts may be reached: read once, a change needs a restart.
  flow::Project read_project() {
    auto project = flow::load_project(engine::FolderSource(project_, files_));
    if (!project) return {};
    std::string& token = project->secrets.vault_token_file;
    if (!token.empty() && !token.starts_with('/')) token = project_ + "/" + token;
    return std::move(*project);
  }

  std::string dataset_path(const std::string& dataset) const {
    auto const found = project_settings_.datasets.find(dataset);
    if (found == project_settings_.datasets.end() || found->second.path.empty()) {
      return data_ + "/datasets/" + dataset + ".jsonl";
    }
    return found->second.path.starts_with('/') ? found->second.path
                                               : project_ + "/" + found->second.path;
  }

  void loaded() {
    if (auto const watching = loader_->watch(); !watching) {
      log_.warn("files are not watched: {}", watching.error().text());
    }
    store::UpkeepSettings upkeep;
    upkeep.clock = &clock_;
    upkeep.keep = project_settings_.history_keep;
    store_->start_upkeep(std::move(upkeep));
    api_->set_ready();
    std::printf("{\"address\":\"%s\",\"pid\":%d}\n", address_.c_str(),
                static_cast<int>(::getpid()));
    std::fflush(stdout);
  }

  // Tasks go on under the spawner if it is killed; at a clean end it leaves when the last has
  // ended.
  void shut_down() {
    if (is_stopping_) return;
    is_stopping_ = true;
    log_.info("stopping");
    server_->stop_listening();
    spawner_.say_goodbye([this] { loop_.stop(); });
    loop_.after(Duration::seconds(2), [this] { loop_.stop(); });
  }

  std::string project_;
  std::string data_;
  StandardLog log_;
  Metrics metrics_;
  io::RealClock clock_;
  io::RealRandom random_;
  io::RealLoop loop_;
  io::RealExecutor executor_;
  io::RealFiles files_;
  io::RealNet net_;
  io::RealHttpClient http_;
  io::RealCommands commands_;
  spawn::SpawnClient spawner_;
  std::unique_ptr<task::ModelCompiler> compiler_;
  task::ModelStore models_;
  vendor::Client vendors_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<task::Tasks> tasks_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<engine::ProjectLoader> loader_;
  flow::Project project_settings_;
  access::Tokens tokens_;
  std::unique_ptr<server::Api> api_;
  std::unique_ptr<server::Server> server_;
  std::string address_;
  bool is_stopping_ = false;
};

int refuse(const Error& error) {
  std::fprintf(stderr, "tidemill serve: %s\n", error.text().c_str());
  return 1;
}

}  // namespace

std::string data_folder(const std::string& data, const std::string& project) {
  return data.empty() ? project + "/.tidemill" : data;
}

int serve(const ServeOptions& options) {
  if (::geteuid() == 0 && !options.allow_root) {
    return refuse(
        {Code::kDenied, "running as root; start it as another user, or say --allow-root", {}});
  }
  auto const address = parse_address(options.listen);
  if (!address) return refuse(address.error());
  auto const project = real_path(options.project);
  if (!project) return refuse(project.error());
  std::string const wanted = data_folder(options.data, *project);
  {
    io::RealLoop loop;
    io::RealFiles files(loop);
    if (auto const made = files.make_folders(wanted, 0700); !made) return refuse(made.error());
  }
  auto const data = real_path(wanted);
  if (!data) return refuse(data.error());
  auto lock = store::FolderLock::take(*data);
  if (!lock) return refuse(lock.error());
  ::umask(0077);
  ::signal(SIGPIPE, SIG_IGN);
  Running running(*project, *data, options.program);
  if (auto const started = running.start(*address); !started) return refuse(started.error());
  running.run();
  return 0;
}

}  // namespace tidemill::cli
