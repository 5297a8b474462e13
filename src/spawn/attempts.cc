#include "spawn/attempts.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/text.h"
#include "spawn/attempt.h"
#include "spawn/launch.h"

namespace tidemill::spawn {

namespace {

constexpr std::string_view kOutputVariable = "TIDEMILL_OUTPUT";
constexpr Duration kSweepAgain = Duration::millis(5);
constexpr Duration kRecordAgain = Duration::seconds(1);
constexpr int kBuffersATurn = 4;
constexpr Duration kMostGrace = Duration::seconds(7 * 86'400);

bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

// The environment decides how the interpreter itself starts, which a warm one has behind it.
bool needs_fresh_interpreter(const io::ProcessSpec& spec) {
  return std::any_of(spec.env.begin(), spec.env.end(), [](const auto& variable) {
    return variable.first.rfind("PYTHON", 0) == 0 || variable.first.rfind("LD_", 0) == 0;
  });
}

Duration duration_of(const timeval& t) {
  return Duration::micros(int64_t{t.tv_sec} * 1'000'000 + t.tv_usec);
}

}  // namespace

Attempts::Attempts(AttemptsOptions options, Poller& poller, Journal journal)
    : options_(std::move(options)),
      poller_(poller),
      journal_(std::move(journal)),
      cgroups_(options_.containment == AttemptsOptions::Containment::kMarksOnly
                   ? Cgroups::none()
                   : Cgroups::where_allowed(journal_.token())),
      boot_id_(boot_id()),
      zygotes_(poller, journal_.token(), options_.open_files, options_.zygotes,
               {[this](const io::ProcessId& id, pid_t pid) {
                  if (Attempt* attempt = find(id.value)) exists(*attempt, pid);
                },
                [this](PythonRequest request, const std::string& why) {
                  run_fresh(std::move(request), why);
                }}) {}

Attempts::~Attempts() {
  zygotes_.retire_all();
  if (attempts_.empty()) cgroups_.remove();
}

void Attempts::recover() {
  for (const auto& [id, entry] : journal_.entries()) {
    if (entry.exit) continue;
    auto attempt = std::make_unique<Attempt>();
    attempt->id = io::ProcessId(id);
    attempt->state = Attempt::State::kEnding;
    attempt->origin = entry.boot_id == boot_id_ ? Attempt::Origin::kEarlierSpawner
                                                : Attempt::Origin::kEarlierBoot;
    attempt->leader = static_cast<pid_t>(entry.pid);
    attempt->leader_ticks = entry.start_ticks;
    attempt->cgroup = cgroups_.find(id);
    attempt->exit.id = attempt->id;
    attempt->exit.how = io::ProcessExit::How::kLost;
    attempt->exit.started = entry.started;
    attempt->exit.message =
        attempt->origin == Attempt::Origin::kEarlierBoot
            ? "the machine was started anew while this ran; its outcome is not known"
            : "the spawner ended while this ran; what was left of it was killed, and its outcome "
              "is "
              "not known";
    attempts_.emplace(id, std::move(attempt));
  }
  sweep(elapsed_time());
}

Attempts::Attempt* Attempts::find(const std::string& id) {
  const auto found = attempts_.find(id);
  return found == attempts_.end() ? nullptr : found->second.get();
}

Attempts::Attempt* Attempts::led_by(pid_t pid) const {
  const auto found = leaders_.find(pid);
  return found == leaders_.end() ? nullptr : found->second;
}

std::vector<io::ProcessId> Attempts::running() const {
  std::vector<io::ProcessId> ids;
  for (const auto& [id, attempt] : attempts_) ids.push_back(attempt->id);
  for (const io::ProcessExit& exit : ended_) ids.push_back(exit.id);
  return ids;
}

std::vector<io::ProcessId> Attempts::exited() const {
  std::vector<io::ProcessId> ids;
  for (const auto& [id, entry] : journal_.entries()) {
    const bool waits = std::any_of(ended_.begin(), ended_.end(),
                                   [&](const io::ProcessExit& e) { return e.id.value == id; });
    if (entry.exit && !waits) ids.emplace_back(id);
  }
  return ids;
}

const io::ProcessExit* Attempts::exit_of(const io::ProcessId& id) const {
  const auto found = journal_.entries().find(id.value);
  if (found == journal_.entries().end() || !found->second.exit) return nullptr;
  return &*found->second.exit;
}

// ---- starting

Status Attempts::check(const io::ProcessSpec& spec) const {
  const std::string& id = spec.id.value;
  if (id.empty() || id.size() > kMaxIdBytes || id.substr(0, 1) == kZygoteId || has_nul(id)) {
    return fail(Code::kInvalid,
                fmt::format("process id \"{}\": expected 1 to {} bytes that do not begin with -",
                            printable(id, 80), kMaxIdBytes));
  }
  const std::string about = fmt::format("process {}: ", printable(id, 300));
  if (spec.python ? !spec.argv.empty() : spec.argv.empty()) {
    return fail(Code::kInvalid, about + "expected either a program or a Python function");
  }
  if (!spec.python && spec.argv.front().empty()) {
    return fail(Code::kInvalid, about + "the name of the program is empty");
  }
  if (spec.log_path.empty()) return fail(Code::kInvalid, about + "no log file is named");
  for (const std::string* path : {&spec.log_path, &spec.output_path, &spec.folder}) {
    if (!path->empty() && path->front() != '/') {
      return fail(Code::kInvalid,
                  about + fmt::format("\"{}\" is not an absolute path", printable(*path, 200)));
    }
  }
  bool nul = has_nul(spec.folder) || has_nul(spec.log_path) || has_nul(spec.output_path);
  for (const std::string& word : spec.argv) nul = nul || has_nul(word);
  for (const auto& [name, value] : spec.env) {
    nul = nul || has_nul(name) || has_nul(value);
    if (name.empty() || name.find('=') != std::string::npos) {
      return fail(Code::kInvalid, about + fmt::format("\"{}\" is not a name of an environment "
                                                      "variable",
                                                      printable(name, 80)));
    }
  }
  if (spec.python) {
    nul = nul || has_nul(spec.python->interpreter) || has_nul(spec.python->bundle);
    for (const std::string& module : spec.python->preload) nul = nul || has_nul(module);
    if (spec.python->interpreter.empty()) {
      return fail(Code::kInvalid, about + "no Python interpreter is named");
    }
  }
  if (nul) return fail(Code::kInvalid, about + "a text contains a NUL byte");
  if (attempts_.size() >= options_.most) {
    return fail(Code::kExhausted, about + fmt::format("{} processes run already, the most that the "
                                                      "spawner allows",
                                                      attempts_.size()));
  }
  return {};
}

void Attempts::start(io::ProcessSpec spec, OnStarted done) {
  if (Attempt* known = find(spec.id.value)) {
    if (known->state == Attempt::State::kStarting) {
      known->waiting.push_back(std::move(done));
    } else {
      done({0, known->leader, {}, ""});
    }
    return;
  }
  if (const auto entry = journal_.entries().find(spec.id.value);
      entry != journal_.entries().end()) {
    done({0, entry->second.pid, {}, ""});
    return;
  }
  const auto refuse = [&](const Error& error) { done({0, 0, error.code, error.message}); };
  if (const Status good = check(spec); !good) return refuse(good.error());
  Result<OutputLog> log = OutputLog::open(spec.log_path, spec.secrets, options_.log_limit_bytes);
  if (!log) return refuse(log.error());
  const Time now = wall_time();
  if (const Status begun = journal_.begin(spec.id, boot_id_, now); !begun) {
    return refuse(begun.error());
  }
  Attempt& attempt = add(spec, std::move(*log));
  attempt.exit.started = now;
  attempt.waiting.push_back(std::move(done));
  const Status started = spec.python ? start_python(attempt, spec) : run(attempt, spec.argv, -1);
  if (!started) drop(attempt, started.error());
}

Attempts::Attempt& Attempts::add(const io::ProcessSpec& spec, OutputLog log) {
  auto made = std::make_unique<Attempt>();
  Attempt& attempt = *made;
  attempt.id = spec.id;
  attempt.exit.id = spec.id;
  attempt.output = std::move(log);
  attempt.folder = spec.folder;
  attempt.output_path = spec.output_path;
  attempt.kind = spec.python ? Attempt::Kind::kPython : Attempt::Kind::kProgram;
  attempt.cgroup = cgroups_.make(spec.id.value);
  for (const auto& variable : spec.env) {
    const bool own = variable.first == kProcessVariable || variable.first == kSpawnerVariable ||
                     variable.first == kOutputVariable;
    if (!own) attempt.env.push_back(variable);
  }
  attempt.env.emplace_back(kProcessVariable, spec.id.value);
  attempt.env.emplace_back(kSpawnerVariable, journal_.token());
  if (!spec.output_path.empty()) attempt.env.emplace_back(kOutputVariable, spec.output_path);
  poller_.watch(attempt.output.read_end(), [this, &attempt] {
    if (attempt.output.drain(kBuffersATurn) == OutputLog::Pipe::kEnded) {
      poller_.forget(attempt.output.read_end());
    }
  });
  return *attempts_.emplace(spec.id.value, std::move(made)).first->second;
}

Status Attempts::run(Attempt& attempt, std::vector<std::string> argv, int channel_fd) {
  LaunchSpec launch_spec;
  launch_spec.argv = std::move(argv);
  launch_spec.env = std::move(attempt.env);
  launch_spec.folder = attempt.folder;
  launch_spec.output_fd = attempt.output.write_end();
  launch_spec.channel_fd = channel_fd;
  launch_spec.open_files = options_.open_files;
  Fd group;
  if (attempt.cgroup.exists()) group = open_folder(attempt.cgroup.path());
  launch_spec.cgroup_fd = group.get();
  TIDEMILL_TRY_LET(launched, launch(launch_spec));
  if (!launched.failure.empty()) {
    attempt.exit.message = launched.failure;
    attempt.output.note(launched.failure);
  }
  exists(attempt, launched.pid);
  return {};
}

Status Attempts::start_python(Attempt& attempt, const io::ProcessSpec& spec) {
  if (worker_folder_.empty()) {
    TIDEMILL_TRY_LET(folder, install_worker(options_.data_folder));
    worker_folder_ = folder;
  }
  io::ProcessSpec given = spec;
  given.env = attempt.env;
  TIDEMILL_TRY_LET(file, make_request_file(given, attempt.cgroup.path()));
  PythonRequest request{spec.id, *spec.python, std::move(file), attempt.output.write_end()};
  if (needs_fresh_interpreter(spec)) {
    run_fresh(std::move(request), "its environment has PYTHON... or LD_... variables");
  } else {
    zygotes_.call(std::move(request), worker_folder_);
  }
  return {};
}

void Attempts::run_fresh(PythonRequest request, const std::string& why) {
  Attempt* attempt = find(request.id.value);
  if (attempt == nullptr) return;
  attempt->output.note(fmt::format("a fresh interpreter runs this call, not a warm one: {}", why));
  const Fd channel = above_standard(request.request_file.get());
  const Status started = run(
      *attempt, worker_command(request.call.interpreter, worker_folder_, "call"), channel.get());
  if (!started) drop(*attempt, started.error());
}

void Attempts::exists(Attempt& attempt, pid_t pid) {
  attempt.state = Attempt::State::kRunning;
  attempt.leader = pid;
  leaders_[pid] = &attempt;
  attempt.env = {};
  attempt.output.close_write_end();
  const std::optional<ProcessInfo> info = process_info(pid);
  attempt.leader_ticks = info ? info->start_ticks : 0;
  journal_.note_process(attempt.id, pid, attempt.leader_ticks);
  for (const OnStarted& answer : std::exchange(attempt.waiting, {})) answer({0, pid, {}, ""});
  if (attempt.stop) signal_tree(attempt, SIGTERM);
}

// It was certainly not started.
void Attempts::drop(Attempt& attempt, const Error& error) {
  attempt.output.note(error.message);
  poller_.forget(attempt.output.read_end());
  attempt.output.finish();
  attempt.cgroup.remove();
  journal_.forget(attempt.id);
  const std::vector<OnStarted> waiting = std::move(attempt.waiting);
  attempts_.erase(std::string(attempt.id.value));
  for (const OnStarted& answer : waiting) answer({0, 0, Code::kUnavailable, error.message});
}

// ---- ending

void Attempts::stop(const io::ProcessId& id, Duration grace) {
  Attempt* attempt = find(id.value);
  if (attempt == nullptr || attempt->state == Attempt::State::kEnding) return;
  const Elapsed kill_at = elapsed_time() + std::clamp(grace, Duration{}, kMostGrace);
  const bool first = !attempt->stop;
  attempt->stop = first ? kill_at : std::min(*attempt->stop, kill_at);
  if (first && attempt->state == Attempt::State::kRunning) signal_tree(*attempt, SIGTERM);
}

void Attempts::stop_all(Duration grace) {
  for (const io::ProcessId& id : running()) stop(id, grace);
}

void Attempts::acknowledge(const io::ProcessId& id) {
  const auto entry = journal_.entries().find(id.value);
  if (entry == journal_.entries().end() || !entry->second.exit || find(id.value)) return;
  journal_.forget(id);
}

void Attempts::reap() {
  while (true) {
    // Look first, wait after: a zygote's child says its number before it ends, and that message
    // must be read while the number is still taken.
    siginfo_t next{};
    if (::waitid(P_ALL, 0, &next, WEXITED | WNOHANG | WNOWAIT) != 0 || next.si_pid == 0) break;
    const pid_t pid = next.si_pid;
    if (led_by(pid) == nullptr && !zygotes_.before_reap(pid)) zygotes_.drain_all();
    int status = 0;
    rusage used{};
    if (::wait4(pid, &status, WNOHANG, &used) != pid) continue;
    if (Attempt* attempt = led_by(pid)) leader_ended(*attempt, status, used);
  }
  sweep(elapsed_time());
}

void Attempts::leader_ended(Attempt& attempt, int status, const rusage& used) {
  io::ProcessExit& exit = attempt.exit;
  attempt.state = Attempt::State::kEnding;
  leaders_.erase(attempt.leader);
  exit.how = WIFSIGNALED(status) ? io::ProcessExit::How::kSignalled : io::ProcessExit::How::kExited;
  exit.code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
  exit.ended = wall_time();
  exit.user_cpu = duration_of(used.ru_utime);
  exit.system_cpu = duration_of(used.ru_stime);
  exit.max_rss_bytes = int64_t{used.ru_maxrss} * 1024;
}

void Attempts::finish(Attempt& attempt) {
  io::ProcessExit& exit = attempt.exit;
  if (attempt.output.read_end() >= 0) poller_.forget(attempt.output.read_end());
  attempt.output.finish();
  attempt.cgroup.remove();
  if (exit.ended.us == 0) exit.ended = wall_time();
  if (attempt.kind == Attempt::Kind::kPython && !attempt.output_path.empty()) {
    const std::string error = read_small(attempt.output_path + ".error", kMaxErrorBytes);
    exit.error = attempt.output.masker().whole(error);
  }
  ended_.push_back(std::move(exit));
}

void Attempts::record() {
  if (ended_.empty()) return;
  if (const Status durable = journal_.end(ended_); !durable) {
    retry_record_at_ = elapsed_time() + kRecordAgain;
    return;
  }
  retry_record_at_.reset();
  std::move(ended_.begin(), ended_.end(), std::back_inserter(told_));
  ended_.clear();
}

std::vector<io::ProcessExit> Attempts::take_told() {
  record();
  return std::exchange(told_, {});
}

void Attempts::tick(Elapsed now) {
  for (auto& [id, attempt] : attempts_) {
    if (attempt->state == Attempt::State::kRunning && attempt->stop && *attempt->stop <= now) {
      signal_tree(*attempt, SIGKILL);
      attempt->stop = now + kSweepAgain;  // again, until the leader's end is seen
    }
  }
  if (sweep_again_at_ && *sweep_again_at_ <= now) sweep(now);
  zygotes_.tick(now);
}

std::optional<Elapsed> Attempts::next_deadline() const {
  std::optional<Elapsed> next = zygotes_.next_deadline();
  const auto consider = [&next](const std::optional<Elapsed>& due) {
    if (due && (!next || *due < *next)) next = due;
  };
  consider(sweep_again_at_);
  consider(retry_record_at_);
  for (const auto& [id, attempt] : attempts_) {
    if (attempt->state == Attempt::State::kRunning) consider(attempt->stop);
  }
  return next;
}

// ---- what is left of a tree

// What one look at the process table shows; taken once for all attempts of a sweep.
struct Attempts::Surroundings {
  std::vector<pid_t> orphans;  // children of the spawner whose own parents have died
  struct Marked {
    ProcessInfo info;
    std::string id;  // "" for a process without our marks
  };
  std::vector<Marked> everybody;  // only if something is left of an earlier spawner
};

Attempts::Surroundings Attempts::look_around() const {
  Surroundings around;
  around.orphans = children_of(::getpid());
  std::erase_if(around.orphans,
                [this](pid_t pid) { return led_by(pid) != nullptr || zygotes_.owns(pid); });
  const bool earlier = std::any_of(attempts_.begin(), attempts_.end(), [](const auto& entry) {
    return entry.second->origin == Attempt::Origin::kEarlierSpawner;
  });
  if (!earlier) return around;
  for (const pid_t pid : all_processes()) {
    const std::optional<ProcessInfo> info = process_info(pid);
    if (!info || info->zombie || pid == ::getpid()) continue;
    around.everybody.push_back({*info, marked_id(pid, journal_.token()).value_or("")});
  }
  return around;
}

void Attempts::sweep(Elapsed now) {
  sweep_again_at_.reset();
  const bool ending = std::any_of(attempts_.begin(), attempts_.end(), [](const auto& entry) {
    return entry.second->state == Attempt::State::kEnding;
  });
  if (!ending) return;
  const Surroundings around = look_around();
  std::vector<std::string> done;
  for (auto& [id, attempt] : attempts_) {
    if (attempt->state != Attempt::State::kEnding) continue;
    const std::vector<ProcessInfo> left = members(*attempt, around);
    const bool populated = attempt->cgroup.exists() && attempt->cgroup.populated();
    if (left.empty() && !populated) {
      done.push_back(id);
      continue;
    }
    if (populated) attempt->cgroup.kill();
    for (const ProcessInfo& process : left) signal_process(process, SIGKILL);
    sweep_again_at_ = now + kSweepAgain;
  }
  for (const std::string& id : done) {
    finish(*attempts_.at(id));
    attempts_.erase(id);
  }
}

std::vector<ProcessInfo> Attempts::members(const Attempt& attempt,
                                           const Surroundings& around) const {
  std::vector<ProcessInfo> found;
  // After a spawner's death its tasks hang under whoever adopted them, so everybody is looked at.
  for (const auto& [info, id] : around.everybody) {
    if (attempt.origin != Attempt::Origin::kEarlierSpawner) break;
    const bool leader = info.pid == attempt.leader && info.start_ticks == attempt.leader_ticks;
    const bool session = attempt.leader != 0 && info.session == attempt.leader &&
                         info.start_ticks >= attempt.leader_ticks;
    if (leader || session || id == attempt.id.value) found.push_back(info);
  }
  if (attempt.origin != Attempt::Origin::kHere) return found;
  for (const pid_t orphan : around.orphans) {
    const Owner owner = owner_of(orphan, attempt);
    // One that has hidden its origin ends with the first attempt that may have made it: that a
    // descendant survives is worse than that it ends early.
    const bool ending = attempt.state == Attempt::State::kEnding;
    if (owner == Owner::kOther || (owner == Owner::kNobody && !ending)) continue;
    const std::vector<ProcessInfo> below = subtree(orphan);
    found.insert(found.end(), below.begin(), below.end());
  }
  if (attempt.state == Attempt::State::kRunning) {
    const std::vector<ProcessInfo> led = subtree(attempt.leader);
    found.insert(found.end(), led.begin(), led.end());
  }
  std::erase_if(found, [](const ProcessInfo& process) { return process.zombie; });
  return found;
}

Attempts::Owner Attempts::owner_of(pid_t orphan, const Attempt& attempt) const {
  const std::optional<ProcessInfo> info = process_info(orphan);
  if (!info || info->zombie) return Owner::kOther;
  if (info->session == attempt.leader) return Owner::kThis;
  if (const std::optional<std::string> id = marked_id(orphan, journal_.token())) {
    if (*id == attempt.id.value) return Owner::kThis;
    // A zygote's, or a child that has just taken a call and is about to carry its id.
    if (id->substr(0, 1) == kZygoteId) return Owner::kOther;
    return attempts_.count(*id) > 0 ? Owner::kOther : Owner::kNobody;
  }
  if (led_by(info->session) != nullptr) return Owner::kOther;
  return cgroups_.contains(orphan) ? Owner::kOther : Owner::kNobody;
}

void Attempts::signal_tree(Attempt& attempt, int signal) {
  // The whole group at one instant, so that a fork in the middle is not missed. The number is the
  // leader's until it is waited for.
  ::kill(-attempt.leader, signal);
  if (signal == SIGKILL && attempt.cgroup.exists()) attempt.cgroup.kill();
  for (const ProcessInfo& process : members(attempt, look_around())) {
    if (process.group != attempt.leader) signal_process(process, signal);
  }
}

}  // namespace tidemill::spawn
