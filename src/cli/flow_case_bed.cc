#include "cli/flow_case_bed.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/json_match.h"
#include "base/text.h"
#include "engine/engine.h"
#include "io/sim/world.h"
#include "server/run_view.h"
#include "store/sqlite_store.h"
#include "task/http.h"
#include "task/publish.h"
#include "task/vendor.h"
#include "vendor/client.h"

namespace tidemill::cli {
namespace {

constexpr Duration kLongestRun = Duration::seconds(60LL * 86'400);
constexpr size_t kPublishedBytes = 64u << 20;

class SilentLog final : public Log {
 public:
  void write(LogLevel, std::string_view) override {}
};

// The n-th of recorded things, the last one again and again.
template <class T>
const T& nth(const std::vector<T>& list, int n) {
  return list[std::min(static_cast<size_t>(n), list.size() - 1)];
}

class Bed;

// Tasks on databases: the test gives their rows.
class RecordedSql final : public task::Runner {
 public:
  explicit RecordedSql(Bed& bed) : bed_(bed) {}
  void start(const task::Work& work, const flow::Scope& scope, task::Done done) override;
  void stop(const task::Work&) override {}

 private:
  Bed& bed_;
};

// The machine that one case runs on.
class Bed {
 public:
  Bed(const CaseProject& project, const FlowCase& one, std::string folder)
      : project_(project), one_(one), folder_(std::move(folder)), world_(1, one.at) {}
  ~Bed() {
    engine_.reset();
    tasks_.reset();
    vendors_.reset();
    store_.reset();
    world_.kill_server();
  }
  Bed(const Bed&) = delete;
  Bed& operator=(const Bed&) = delete;

  CaseResult run() {
    CaseResult result;
    if (auto const ready = build(); !ready) {
      result.differences.push_back(ready.error().text());
      return result;
    }
    engine::RunRequest request;
    request.flow = flow::FlowName(one_.flow);
    request.params = one_.params;
    request.cause.trigger = "manual";
    request.cause.origin = "manual";
    request.cause.principal = "test";
    std::optional<engine::RunResult> ended;
    std::optional<Error> refused;
    run::RunId id;
    request.on_accepted = [&](const Result<run::RunId>& accepted) {
      if (accepted) {
        id = *accepted;
      } else {
        refused = accepted.error();
      }
    };
    request.on_finished = [&](const engine::RunResult& finished) { ended = finished; };
    Time const begin = world_.clock().wall();
    engine_->request(std::move(request));
    world_.run_until(
        [&] {
          decide_approvals();
          return ended || refused;
        },
        kLongestRun);
    result.simulated = world_.clock().wall() - begin;
    if (refused) {
      result.differences.push_back("the run was refused: " + refused->text());
    } else if (!ended) {
      result.differences.push_back("the run has not ended: " + still_open(id));
    } else {
      compare(*ended, result);
    }
    for (const std::string& problem : problems_) result.differences.push_back(problem);
    return result;
  }

  io::SimWorld& world() { return world_; }

  const RecordedResult* result_of(const std::string& flow, const std::string& task) {
    std::string const full = flow + "." + task;
    auto found = one_.tasks.find(full);
    if (found == one_.tasks.end() && flow == one_.flow) found = one_.tasks.find(task);
    if (found == one_.tasks.end()) {
      problems_.insert(
          fmt::format("task {} ran, and the test gives no result for it; add it to "
                      "tasks: {{{}: ...}}",
                      full, flow == one_.flow ? task : full));
      return nullptr;
    }
    return &nth(found->second, counts_[full]++);
  }

 private:
  Status build() {
    TIDEMILL_TRY(project_.files->make_folders(folder_, 0700));
    store::SqliteStoreOptions options;
    options.folder = folder_;
    options.on_fsync_failure = [](const std::string&) {};
    TIDEMILL_TRY_LET(store, store::open_sqlite_store(options, world_.loop(), world_.executor(),
                                                     *project_.files, log_));
    store_ = std::move(store);
    for (const auto& [path, text] : one_.files) {
      std::string const full = path.starts_with('/') ? path : "/project/" + path;
      TIDEMILL_TRY(world_.files().make_folders(full.substr(0, full.rfind('/'))));
      TIDEMILL_TRY(world_.files().write(full, text));
    }
    TIDEMILL_TRY(world_.files().make_folders("/project"));
    TIDEMILL_TRY(write_secrets());
    world_.http().set_handler([this](const io::HttpRequest& sent) { return answer(sent); });
    world_.processes().set_script([this](const io::ProcessSpec& spec) { return process(spec); });
    vendors_ = std::make_unique<vendor::Client>(world_.loop(), world_.clock(), world_.http(),
                                                world_.random(), metrics_);
    tasks_ = std::make_unique<task::Tasks>(runners(), *project_.models);
    engine_ = std::make_unique<engine::Engine>(
        engine::EngineParts{world_.clock(), world_.loop(), world_.executor(), world_.random(),
                            *store_, *tasks_, log_, metrics_});
    TIDEMILL_TRY(engine_->recover([](const flow::BundleId&) -> Result<engine::FlowVersion> {
      return fail(Code::kNotFound, "no bundles in a test");
    }));
    engine_->deploy(project_.flows);
    world_.run_now();
    return {};
  }

  // Every secret that a vendor wants has some value.
  Status write_secrets() {
    TIDEMILL_TRY(world_.files().make_folders("/secrets"));
    for (const auto& [name, version] : project_.flows) {
      for (const flow::Task& task : version.flow->tasks) {
        const auto* vendor = std::get_if<flow::VendorSettings>(&task.settings);
        if (vendor == nullptr || vendor->spec == nullptr) continue;
        specs_.push_back(vendor->spec);
        if (vendor->spec->auth.secret.empty()) continue;
        TIDEMILL_TRY(world_.files().write("/secrets/" + vendor->spec->auth.secret, "test:secret"));
      }
    }
    return {};
  }

  task::Tasks::Runners runners() {
    task::Tasks::Runners runners;
    runners.process = std::make_unique<task::ProcessRunner>(
        task::ProcessSettings{"/data", "/project", "/bin", ""}, world_.processes(), world_.files());
    runners.http = std::make_unique<task::HttpRunner>(world_.http(), std::vector<std::string>{});
    runners.vendor = std::make_unique<task::VendorRunner>(std::vector<std::string>{"/secrets"},
                                                          *vendors_, world_.files());
    runners.sql = std::make_unique<RecordedSql>(*this);
    runners.publish = std::make_unique<task::PublishRunner>(
        [](const std::string& dataset) { return published_path(dataset); }, world_.executor(),
        world_.loop(), world_.files(), world_.clock());
    runners.wait = std::make_unique<task::WaitRunner>(task::WaitParts{
        world_.clock(),
        world_.loop(),
        world_.executor(),
        world_.files(),
        world_.http(),
        "/project",
        {},
        [this](const std::string& dataset) { return engine_->dataset_updated(dataset); }});
    runners.approve = std::make_unique<task::ApproveRunner>(world_.clock());
    return runners;
  }

  static std::string published_path(const std::string& dataset) {
    return "/published/" + dataset + ".jsonl";
  }

  io::SimHttpAnswer answer(const io::HttpRequest& sent) {
    std::string const product = product_of(specs_, sent.method, sent.url);
    std::string name = product;
    auto found = one_.vendors.find(product);
    if (product.empty() || found == one_.vendors.end()) {
      name = sent.url;
      found = one_.http.find(sent.url);
      if (found == one_.http.end()) {
        name = sent.url.substr(0, sent.url.find('?'));
        found = one_.http.find(name);
      }
      if (found == one_.http.end()) {
        problems_.insert(product.empty()
                             ? fmt::format("{} {} was asked, and the test gives no answer; add it "
                                           "to http",
                                           sent.method, printable(sent.url, 200))
                             : fmt::format("{} was asked, and the test gives no answer; add it to "
                                           "vendors",
                                           product));
        return {tl::unexpected(io::HttpFailure{io::HttpFailure::Kind::kUnreachable,
                                               "the test gives no answer"}),
                {}};
      }
    }
    const RecordedAnswer& recorded = nth(found->second, counts_[name]++);
    using Kind = io::HttpFailure::Kind;
    if (!recorded.fails.empty()) {
      Kind const kind = recorded.fails == "timeout" ? Kind::kTimeout
                        : recorded.fails == "reset" ? Kind::kReset
                                                    : Kind::kUnreachable;
      return {tl::unexpected(io::HttpFailure{kind, recorded.fails + " (test)"}), recorded.takes};
    }
    return {io::HttpResponse{
                recorded.status, {{"content-type", "application/json"}}, recorded.body, {}},
            recorded.takes};
  }

  io::SimProcessResult process(const io::ProcessSpec& spec) {
    std::string flow;
    std::string task;
    for (const auto& [name, value] : spec.env) {
      if (name == "TIDEMILL_FLOW") flow = value;
      if (name == "TIDEMILL_TASK") task = value;
    }
    io::SimProcessResult result;
    const RecordedResult* recorded = result_of(flow, task);
    if (recorded == nullptr) {
      result.exit_code = 1;
      return result;
    }
    result.takes = recorded->takes;
    result.exit_code = recorded->exit_code;
    if (!recorded->value.is_null()) result.output = recorded->value.dump();
    if (!recorded->error.empty()) {
      result.exit_code = std::max(result.exit_code, 1);
      result.error = Json::object().set("type", "Error").set("message", recorded->error).dump();
    }
    return result;
  }

  void decide_approvals() {
    for (const task::Approval& open : tasks_->approvals().open()) {
      auto found = one_.approvals.find(open.flow + "." + open.task);
      if (found == one_.approvals.end()) found = one_.approvals.find(open.task);
      if (found == one_.approvals.end()) continue;  // its timeout may be what is tested
      task::Decision decision;
      decision.run = open.run;
      decision.task = open.task;
      decision.item = open.item;
      bool const is_yes = found->second.text_or("decision", "") == "approve";
      if (is_yes) decision.verdict = task::Decision::Verdict::kApprove;
      decision.by = found->second.text_or("by", "somebody");
      decision.is_local = found->second.find("by") == nullptr;
      decision.comment = found->second.text_or("comment", "");
      if (const Json* fields = found->second.find("fields")) decision.fields = *fields;
      tasks_->approvals().decide(decision, [this, open](const Result<Json>& recorded) {
        if (recorded) return;
        problems_.insert(
            fmt::format("the approval of {} was refused: {}", open.task, recorded.error().message));
      });
    }
  }

  std::string still_open(const run::RunId& id) {
    std::string text;
    for (const task::Waiting& one : tasks_->waiting(id.value)) {
      text += fmt::format("{}task {} waits for {}", text.empty() ? "" : "; ", one.task, one.text);
    }
    return text.empty() ? "it stands still" : text;
  }

  void compare(const engine::RunResult& ended, CaseResult& result) {
    auto add = [&](const Json& found, const Json& expected, const std::string& path) {
      for (std::string& line : json_differences(found, expected, path)) {
        result.differences.push_back(std::move(line));
      }
    };
    const Json& expect = one_.expect;
    std::string const state(word(ended.state));
    std::string const wanted = expect.text_or("state", "succeeded");
    if (state != wanted) {
      result.differences.push_back(fmt::format("state: found {}, expected {}{}{}", state, wanted,
                                               ended.error.empty() ? "" : ": ", ended.error));
    }
    std::string const error = expect.text_or("error", "");
    if (ended.error.find(error) == std::string::npos) {
      result.differences.push_back(
          fmt::format("error: found '{}', expected it to hold '{}'", ended.error, error));
    }
    if (const Json* tasks = expect.find("tasks")) add(task_states(ended.id), *tasks, "tasks");
    if (const Json* output = expect.find("output")) add(ended.output, *output, "output");
    if (const Json* decision = expect.find("decision")) {
      const Json* made = ended.output.find("decide");
      add(made == nullptr ? Json() : *made, *decision, "decision");
    }
    if (const Json* published = expect.find("published"); published && published->is_object()) {
      for (const auto& [dataset, lines] : published->as_object()) {
        add(published_lines(dataset), lines, "published." + dataset);
      }
    }
  }

  // {task: state}; a task that nothing is known of was never reached.
  Json task_states(const run::RunId& id) {
    Json states = Json::object();
    auto const stored = store_->load_run(id);
    if (!stored || !*stored) return states;
    Json const detail = server::run_detail(**stored, {});
    for (const Json& task : detail.find("tasks")->as_array()) {
      if (task.find("item") != nullptr) continue;
      states.set(task.text_or("task", ""), task.text_or("state", ""));
    }
    return states;
  }

  // What was published, without what publish itself adds.
  Json published_lines(const std::string& dataset) {
    Json lines = Json::array();
    auto const text = world_.files().read(published_path(dataset), kPublishedBytes);
    std::string const all = text ? *text : std::string();
    for (std::string_view line : split(all, '\n')) {
      auto json = line.empty() ? Result<Json>(fail(Code::kNotFound, "")) : parse_json(line);
      const Json* value = json ? json->find("value") : nullptr;
      if (value != nullptr) lines.push(*value);
    }
    return lines;
  }

  const CaseProject& project_;
  const FlowCase& one_;
  std::string folder_;
  io::SimWorld world_;
  SilentLog log_;
  Metrics metrics_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<vendor::Client> vendors_;
  std::unique_ptr<task::Tasks> tasks_;
  std::unique_ptr<engine::Engine> engine_;
  std::vector<std::shared_ptr<const vendor::Spec>> specs_;
  std::map<std::string, int> counts_;
  std::set<std::string> problems_;
};

void RecordedSql::start(const task::Work& work, const flow::Scope&, task::Done done) {
  const RecordedResult* recorded = bed_.result_of(work.run.flow, work.task().name);
  run::Outcome outcome =
      recorded == nullptr ? run::Outcome::failure({Code::kInvalid, "the test gives no rows", {}})
      : recorded->error.empty() ? run::Outcome::success(flow::TaskValue::of_json(recorded->value))
                                : run::Outcome::failure({Code::kInvalid, recorded->error, {}});
  bed_.world().loop().after(recorded == nullptr ? Duration{} : recorded->takes,
                            [done, outcome = std::move(outcome)] { done(outcome); });
}

// Whether the text has the literals in that order, the first at its front and the last at its end.
bool fits(std::string_view text, const std::vector<std::string>& literals) {
  if (!text.starts_with(literals.front())) return false;
  size_t at = literals.front().size();
  for (size_t i = 1; i < literals.size(); ++i) {
    bool const is_last = i + 1 == literals.size();
    if (is_last) return text.size() >= at + literals[i].size() && text.ends_with(literals[i]);
    size_t const found = text.find(literals[i], at);
    if (found == std::string_view::npos) return false;
    at = found + literals[i].size();
  }
  return text.size() == at;
}

}  // namespace

std::string product_of(const std::vector<std::shared_ptr<const vendor::Spec>>& specs,
                       const std::string& method, const std::string& url) {
  std::string_view const bare = std::string_view(url).substr(0, url.find('?'));
  std::string best;
  size_t best_length = 0;
  for (const auto& spec : specs) {
    if (!bare.starts_with(spec->base_url)) continue;
    std::string_view const path = bare.substr(spec->base_url.size());
    for (const vendor::Product& product : spec->products) {
      if (product.method != method) continue;
      auto const rendered = flow::Rendered::parse(product.path.source);
      auto const literals =
          rendered ? rendered->literals() : std::vector<std::string>{product.path.source};
      size_t length = spec->base_url.size();
      for (const std::string& literal : literals) length += literal.size();
      if (length < best_length || !fits(path, literals)) continue;
      best = spec->name + "." + product.name;
      best_length = length;
    }
  }
  return best;
}

CaseResult run_flow_case(const CaseProject& project, const FlowCase& one, size_t number) {
  if (!project.flows.contains(flow::FlowName(one.flow))) {
    return {{fmt::format("there is no flow '{}', or its file has mistakes", one.flow)}, {}};
  }
  return Bed(project, one, fmt::format("{}/{}", project.scratch, number)).run();
}

}  // namespace tidemill::cli
