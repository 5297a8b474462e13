#include "task/process.h"

#include <fmt/format.h>

#include "base/text.h"

namespace tidemill::task {
namespace {

constexpr size_t kOutputBytes = 16u << 20;
constexpr size_t kBootIdBytes = 1024;
constexpr Duration kStopGrace = Duration::seconds(5);

// A task's name as a part of a path: names hold letters, digits, '-' and '_' only.
std::string file_stem(const Work& work) {
  if (work.ref.item == run::kWhole) {
    return fmt::format("{}.{}", work.task().name, work.attempt.value);
  }
  return fmt::format("{}.{}.{}", work.task().name, work.ref.item.value, work.attempt.value);
}

Json resources(const io::ProcessExit& exit) {
  Json detail = Json::object();
  if (exit.how == io::ProcessExit::How::kExited) detail.set("exit_code", exit.code);
  if (exit.how == io::ProcessExit::How::kSignalled) detail.set("signal", exit.code);
  detail.set("user_cpu_ms", exit.user_cpu.to_ms());
  detail.set("system_cpu_ms", exit.system_cpu.to_ms());
  detail.set("max_rss_bytes", exit.max_rss_bytes);
  return detail;
}

}  // namespace

std::string log_path(const Work& work) {
  return fmt::format("tasklogs/{}/{}/{}.log", format_rfc3339(work.run.created).substr(0, 10),
                     work.run.id, file_stem(work));
}

ProcessRunner::ProcessRunner(ProcessSettings settings, io::Processes& processes, io::Files& files)
    : settings_(std::move(settings)), processes_(processes), files_(files) {
  processes_.on_exit([this](const io::ProcessExit& exit) { exited(exit); });
}

std::string ProcessRunner::output_path(const Work& work) const {
  return fmt::format("{}/outputs/{}.{}.json", settings_.data_folder, work.run.id, file_stem(work));
}

Result<io::ProcessSpec> ProcessRunner::spec_of(const Work& work, const flow::Scope& scope) const {
  io::ProcessSpec spec;
  spec.id = io::ProcessId(work.attempt_id());
  spec.log_path = settings_.data_folder + "/" + log_path(work);
  spec.output_path = output_path(work);
  spec.folder = settings_.project_folder;
  spec.env = {{"PATH", settings_.path},
              {"LANG", "C.UTF-8"},
              {"HOME", settings_.project_folder},
              {"TIDEMILL_RUN_ID", work.run.id},
              {"TIDEMILL_FLOW", work.run.flow},
              {"TIDEMILL_TASK", work.task().name},
              {"TIDEMILL_ATTEMPT", std::to_string(work.attempt.value)},
              {"TIDEMILL_SCHEDULED_AT", format_rfc3339(work.run.scheduled_at)},
              {"TIDEMILL_INTERVAL_START", format_rfc3339(work.run.interval_start)},
              {"TIDEMILL_INTERVAL_END", format_rfc3339(work.run.interval_end)},
              {"TIDEMILL_OUTPUT", spec.output_path}};
  auto add_all = [&](const std::vector<std::pair<std::string, flow::Rendered>>& env) -> Status {
    for (const auto& [name, rendered] : env) {
      TIDEMILL_TRY_LET(text, rendered.text(scope));
      std::erase_if(spec.env,
                    [&, &wanted = name](const auto& entry) { return entry.first == wanted; });
      spec.env.emplace_back(name, std::move(text));
    }
    return {};
  };
  TIDEMILL_TRY(add_all(work.flow->env));
  TIDEMILL_TRY(add_all(work.task().env));
  if (work.task().kind == flow::Kind::kPython) return python_spec(std::move(spec), work, scope);
  return shell_spec(std::move(spec), work, scope);
}

Result<io::ProcessSpec> ProcessRunner::shell_spec(io::ProcessSpec spec, const Work& work,
                                                  const flow::Scope& scope) const {
  const auto& settings = std::get<flow::ShellSettings>(work.task().settings);
  spec.argv = {"/bin/sh", "-c", settings.command, "sh"};
  for (const flow::Rendered& arg : work.task().args) {
    TIDEMILL_TRY_LET(text, arg.text(scope));
    spec.argv.push_back(std::move(text));
  }
  return spec;
}

// A bare name is looked up in PATH here, so that it is the same interpreter wherever it is started.
std::string ProcessRunner::interpreter_path(const std::string& name) const {
  if (name.find('/') != std::string::npos) return name;
  for (std::string_view folder : split(settings_.path, ':')) {
    std::string path = fmt::format("{}/{}", folder, name);
    auto const info = files_.info(path);
    if (info && !info->is_folder) return path;
  }
  return name;
}

// The function's arguments: `args` under "*", and by name `with`; if there is neither, the value of
// every needed task by its name.
Result<io::ProcessSpec> ProcessRunner::python_spec(io::ProcessSpec spec, const Work& work,
                                                   const flow::Scope& scope) const {
  const auto& settings = std::get<flow::PythonSettings>(work.task().settings);
  io::PythonCall call;
  call.interpreter = interpreter_path(settings.interpreter);
  call.bundle = work.bundle_folder + "/python";
  call.target = settings.target;
  call.preload = settings.preload;
  spec.python = std::move(call);
  Json arguments = Json::object();
  for (const auto& [name, rendered] : work.task().with) {
    TIDEMILL_TRY_LET(value, rendered.json(scope));
    arguments.set(name, std::move(value));
  }
  if (!work.task().args.empty()) {
    Json positional = Json::array();
    for (const flow::Rendered& arg : work.task().args) {
      TIDEMILL_TRY_LET(value, arg.json(scope));
      positional.push(std::move(value));
    }
    arguments.set("*", std::move(positional));
  }
  if (work.task().with.empty() && work.task().args.empty()) {
    for (const auto& [name, value] : scope.task_values()) {
      std::string argument(name);
      std::replace(argument.begin(), argument.end(), '-', '_');
      arguments.set(argument, value->json());
    }
  }
  spec.input = arguments.dump();
  return spec;
}

void ProcessRunner::start(const Work& work, const flow::Scope& scope, Done done) {
  auto spec = spec_of(work, scope);
  if (!spec) {
    done(run::Outcome::failure(spec.error()));
    return;
  }
  // The log's folder is made by whoever opens the log: a folder for each run, made here, would cost
  // the loop an fsync.
  std::string const outputs = settings_.data_folder + "/outputs";
  if (auto const made = files_.make_folders(outputs, 0700); !made) {
    done(run::Outcome::failure(made.error()));
    return;
  }
  io::ProcessId const id = spec->id;
  open_[id] = {std::move(done), spec->output_path};
  processes_.start(std::move(*spec), [this, id](Result<int64_t> pid) {
    if (pid) return;
    auto const found = open_.find(id);
    if (found == open_.end()) return;
    Done const ended = std::move(found->second.done);
    open_.erase(found);
    ended(pid.error().code == Code::kUnknown ? run::Outcome::unknown(pid.error().text())
                                             : run::Outcome::failure(pid.error()));
  });
}

void ProcessRunner::stop(const Work& work) {
  processes_.stop(io::ProcessId(work.attempt_id()), kStopGrace);
}

// Asked until it answers: an attempt whose process runs on must not be taken for lost.
void ProcessRunner::ask_spawner(std::function<void()> ready) {
  processes_.list([this, ready](Result<io::ProcessList> list) {
    if (!list) {
      ask_spawner(ready);
      return;
    }
    running_.insert(list->running.begin(), list->running.end());
    for (const io::ProcessExit& exit : list->exited) {
      if (!open_.contains(exit.id) && !unsettled_.contains(exit.id)) early_[exit.id] = exit;
    }
    ready();
  });
}

// DATA/boot_id is written once every attempt of before has been asked after.
bool ProcessRunner::is_same_boot() const {
  if (settings_.boot_id.empty()) return false;
  auto const known = files_.read(settings_.data_folder + "/boot_id", kBootIdBytes);
  return known && *known == settings_.boot_id;
}

void ProcessRunner::recovered() {
  is_recovered_ = true;
  if (!settings_.boot_id.empty() && !is_same_boot()) {
    (void)files_.write(settings_.data_folder + "/boot_id", settings_.boot_id, 0600);
  }
  for (const auto& [id, exit] : early_) processes_.acknowledge(id);
  early_.clear();
  for (const io::ProcessId& id : running_) {
    if (!open_.contains(id)) processes_.stop(id, kStopGrace);
  }
  running_.clear();
}

void ProcessRunner::recover(const Work& work, const flow::Scope& scope, Done done) {
  io::ProcessId const id(work.attempt_id());
  std::string const output = output_path(work);
  if (auto const early = early_.find(id); early != early_.end()) {
    io::ProcessExit const exit = early->second;
    early_.erase(early);
    unsettled_.insert(id);
    done(outcome_of(exit, output));
    return;
  }
  if (running_.erase(id) > 0) {
    open_[id] = {std::move(done), output};
    return;
  }
  if (is_same_boot()) {
    // Committed, and never given to a spawner: its own id keeps it from running twice.
    start(work, scope, std::move(done));
    return;
  }
  done(run::Outcome::unknown(
      "the server and its spawner were stopped while this attempt was under way; nobody knows how "
      "far it came"));
}

void ProcessRunner::settled(const Work& work) {
  io::ProcessId const id(work.attempt_id());
  unsettled_.erase(id);
  processes_.acknowledge(id);
  (void)files_.remove(output_path(work));
}

void ProcessRunner::exited(const io::ProcessExit& exit) {
  auto const found = open_.find(exit.id);
  if (found == open_.end()) {
    if (unsettled_.contains(exit.id)) return;  // told again after a reconnect
    if (is_recovered_) {
      processes_.acknowledge(exit.id);
    } else {
      early_[exit.id] = exit;
    }
    return;
  }
  Open const open = std::move(found->second);
  open_.erase(found);
  unsettled_.insert(exit.id);
  open.done(outcome_of(exit, open.output_path));
}

run::Outcome ProcessRunner::outcome_of(const io::ProcessExit& exit,
                                       const std::string& output_path) const {
  Json detail = resources(exit);
  if (exit.how == io::ProcessExit::How::kLost) {
    return run::Outcome::unknown(exit.message.empty() ? "the process was lost" : exit.message);
  }
  if (exit.how == io::ProcessExit::How::kSignalled) {
    return run::Outcome::failure(
        {Code::kInvalid, fmt::format("ended by signal {}; see its log", exit.code), {}}, detail);
  }
  if (exit.code != 0) {
    std::string reason = exit.message.empty() ? "see its log" : exit.message;
    if (auto const raised = exit.error.empty() ? Result<Json>(Json()) : parse_json(exit.error);
        raised && raised->is_object()) {
      reason =
          fmt::format("{}: {}", raised->text_or("type", "error"), raised->text_or("message", ""));
      detail.set("exception", *raised);
    }
    return run::Outcome::failure(
        {Code::kInvalid, fmt::format("exited with code {}: {}", exit.code, reason), {}}, detail);
  }
  if (!files_.info(output_path)) {
    return run::Outcome::success(flow::TaskValue::of_json(Json()), detail);
  }
  auto const text = files_.read(output_path, kOutputBytes);
  if (!text) return run::Outcome::failure(text.error().in("its result"), detail);
  if (trim(*text).empty()) return run::Outcome::success(flow::TaskValue::of_json(Json()), detail);
  auto value = parse_json(*text);
  if (!value) {
    return run::Outcome::failure(value.error().in("its result in TIDEMILL_OUTPUT"), detail);
  }
  return run::Outcome::success(flow::TaskValue::of_json(std::move(*value)), detail);
}

}  // namespace tidemill::task
