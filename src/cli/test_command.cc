#include "cli/test_command.h"

#include <fmt/format.h>
#include <stdlib.h>

#include "base/text.h"
#include "cli/flow_case_bed.h"
#include "cli/terminal.h"
#include "engine/project_loader.h"
#include "io/real/files.h"
#include "io/real/loop.h"

namespace tidemill::cli {
namespace {

// A folder that is gone afterwards; in memory where there is one, so that fsync costs nothing.
class Scratch {
 public:
  explicit Scratch(io::Files& files) {
    path_ = (files.info("/dev/shm") ? std::string("/dev/shm") : "/tmp") + "/tidemill-test-XXXXXX";
    if (::mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  ~Scratch() {
    if (path_.empty()) return;
    // What stays behind in the folder for temporary files harms nothing.
    [[maybe_unused]] int const status = ::system(("rm -rf '" + path_ + "'").c_str());
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// What clocks, datasets and other flows start is not what a case tests.
std::shared_ptr<const flow::Flow> without_triggers(const flow::Flow& flow) {
  auto copy = std::make_shared<flow::Flow>(flow);
  std::erase_if(copy->triggers, [](const flow::Trigger& trigger) {
    return trigger.kind != flow::Trigger::Kind::kCall;
  });
  return copy;
}

class Tester {
 public:
  Tester(const TestOptions& options, std::FILE* out, std::FILE* err)
      : options_(options),
        out_(out),
        err_(err),
        files_(loop_),
        source_(options.project, files_),
        scratch_(files_),
        compiler_(task::make_child_compiler(options.program)),
        models_(scratch_.path(), files_, *compiler_) {}

  int run() {
    if (scratch_.path().empty()) {
      std::fprintf(err_, "tidemill test: no folder for scratch files can be made in /tmp\n");
      return 2;
    }
    std::vector<std::string> const paths = find_files();
    if (paths.empty()) {
      std::fprintf(err_,
                   "tidemill test: there is no file tests/*.yaml in %s; name one, or give the "
                   "right folder with --project\n",
                   options_.project.c_str());
      return 2;
    }
    if (!load_project()) return 2;
    bool is_broken = false;
    for (const std::string& path : paths) {
      auto const cases = read_flow_cases(source_, path);
      if (!cases) {
        is_broken = true;
        for (const auto& error : cases.error()) tell_error(error);
        continue;
      }
      if (!options_.json) std::fprintf(out_, "%s\n", path.c_str());
      for (const FlowCase& one : *cases) run_case(path, one);
    }
    if (options_.json) {
      std::fprintf(out_, "%s\n",
                   Json::object()
                       .set("passed", passed_)
                       .set("failed", failed_)
                       .set("cases", std::move(report_))
                       .dump()
                       .c_str());
    } else {
      std::fprintf(out_, "%lld passed, %lld failed\n", static_cast<long long>(passed_),
                   static_cast<long long>(failed_));
    }
    return is_broken ? 2 : failed_ > 0 ? 1 : 0;
  }

 private:
  std::vector<std::string> find_files() const {
    if (!options_.files.empty()) return options_.files;
    std::vector<std::string> found;
    for (const std::string& path : source_.list("tests")) {
      bool const is_below = path.find('/', 6) != std::string::npos;
      if (!is_below && path.ends_with(".yaml")) found.push_back(path);
    }
    return found;
  }

  void tell_error(const flow::FileError& error) {
    std::fprintf(err_, "%s\n", error.text().c_str());
  }

  // Flows whose files have mistakes are told and left out.
  bool load_project() {
    auto const project = flow::load_project(source_);
    if (!project) {
      for (const auto& error : project.error()) tell_error(error);
      return false;
    }
    bool is_good = true;
    for (const std::string& path : source_.list("flows")) {
      if (!path.ends_with(".yaml") && !path.ends_with(".yml")) continue;
      auto loaded = flow::load_flow(source_, *project, path);
      if (!loaded) {
        is_good = false;
        for (const auto& error : loaded.error()) tell_error(error);
        continue;
      }
      bundles_[loaded->flow->name] = loaded->bundle;
      project_.flows[loaded->flow->name] = {without_triggers(*loaded->flow), loaded->bundle.id};
    }
    project_.models = &models_;
    project_.files = &files_;
    project_.scratch = scratch_.path();
    return is_good;
  }

  // The models of a flow and of the flows that it runs.
  Status prepare(const flow::FlowName& name) {
    auto const bundle = bundles_.find(name);
    if (bundle == bundles_.end()) return {};
    flow::Bundle const taken = std::move(bundle->second);
    bundles_.erase(bundle);
    TIDEMILL_TRY(models_.prepare(taken));
    for (const flow::Task& task : project_.flows[name].flow->tasks) {
      const auto* inner = std::get_if<flow::FlowSettings>(&task.settings);
      if (inner != nullptr) TIDEMILL_TRY(prepare(inner->flow));
    }
    return {};
  }

  void run_case(const std::string& path, const FlowCase& one) {
    CaseResult result;
    if (auto const ready = prepare(flow::FlowName(one.flow)); !ready) {
      result.differences.push_back(ready.error().text());
    } else {
      result = run_flow_case(project_, one, ++number_);
    }
    bool const is_good = result.differences.empty();
    ++(is_good ? passed_ : failed_);
    if (options_.json) {
      Json lines = Json::array();
      for (const std::string& line : result.differences) lines.push(line);
      report_.push(Json::object()
                       .set("file", path)
                       .set("case", one.name)
                       .set("flow", one.flow)
                       .set("passed", is_good)
                       .set("simulated_ms", result.simulated.to_ms())
                       .set("differences", std::move(lines)));
      return;
    }
    bool const colour = shows_colour(out_);
    std::fprintf(
        out_, "  %s  %s (%s on the simulated clock)\n",
        paint(is_good ? "ok  " : "FAIL", is_good ? Colour::kGreen : Colour::kRed, colour).c_str(),
        printable(one.name, 200).c_str(), format_duration(result.simulated).c_str());
    for (const std::string& line : result.differences) {
      std::fprintf(out_, "        %s\n", printable(line, 1000).c_str());
    }
  }

  const TestOptions& options_;
  std::FILE* out_;
  std::FILE* err_;
  io::RealLoop loop_;
  io::RealFiles files_;
  engine::FolderSource source_;
  Scratch scratch_;
  std::unique_ptr<task::ModelCompiler> compiler_;
  task::ModelStore models_;
  CaseProject project_;
  std::map<flow::FlowName, flow::Bundle> bundles_;  // whose models are not ready yet
  size_t number_ = 0;
  int64_t passed_ = 0;
  int64_t failed_ = 0;
  Json report_ = Json::array();
};

}  // namespace

int test_flows(const TestOptions& options, std::FILE* out, std::FILE* err) {
  return Tester(options, out, err).run();
}

}  // namespace tidemill::cli
