#include "io/sim/processes.h"

#include <signal.h>

namespace tidemill::io {
namespace {

Error not_connected() {
  return {Code::kUnavailable, "the spawner is not connected; nothing was started", {}};
}

}  // namespace

void SimProcesses::attach() {
  if (attached_) return;
  attached_ = true;
  for (const auto& [id, process] : processes_) {
    if (process.exit) tell(id);
  }
}

void SimProcesses::forget_server() {
  detach();
  on_exit_ = nullptr;
  on_lost_ = nullptr;
}

void SimProcesses::lose() {
  std::erase_if(processes_, [this](auto& entry) {
    if (entry.second.exit) return false;
    queue_.cancel(entry.second.end_timer);
    return true;
  });
  if (!attached_) return;
  answer_later([this] {
    if (on_lost_) on_lost_();
  });
}

size_t SimProcesses::running() const {
  size_t count = 0;
  for (const auto& [id, process] : processes_) count += !process.exit;
  return count;
}

int SimProcesses::starts(const ProcessId& id) const {
  const auto found = starts_.find(id);
  return found == starts_.end() ? 0 : found->second;
}

void SimProcesses::on_exit(std::function<void(const ProcessExit&)> callback) {
  on_exit_ = std::move(callback);
  attach();
}

void SimProcesses::start(ProcessSpec spec, std::function<void(Result<int64_t>)> done) {
  if (!attached_) {
    return answer_later([done = std::move(done)] { done(fail(not_connected())); });
  }
  const ProcessId id = spec.id;
  auto found = processes_.find(id);
  if (found == processes_.end()) {
    SimProcessResult result = script_ ? script_(spec) : SimProcessResult{};
    if (result.refused) {
      return answer_later([done = std::move(done), error = *result.refused] { done(fail(error)); });
    }
    ++starts_[id];
    const Duration takes = result.takes;
    Process process{std::move(spec), std::move(result), ++last_number_, queue_.now().wall, {}, {}};
    found = processes_.emplace(id, std::move(process)).first;
    found->second.end_timer = queue_.after(SimQueue::Owner::kWorld, takes, [this, id] {
      end(id, ProcessExit::How::kExited, processes_.at(id).result.exit_code);
    });
  }
  answer_later([done = std::move(done), number = found->second.number] { done(number); });
}

void SimProcesses::stop(const ProcessId& id, Duration grace) {
  const auto found = processes_.find(id);
  if (!attached_ || found == processes_.end() || found->second.exit) return;
  const bool ends = found->second.result.on_term == SimProcessResult::OnTerm::kEnds;
  queue_.after(SimQueue::Owner::kWorld, ends ? Duration{} : grace, [this, id, ends] {
    end(id, ProcessExit::How::kSignalled, ends ? SIGTERM : SIGKILL);
  });
}

void SimProcesses::list(std::function<void(Result<ProcessList>)> done) {
  if (!attached_) {
    return answer_later([done = std::move(done)] { done(fail(not_connected())); });
  }
  // What the spawner knows now; it may have changed when the answer arrives.
  ProcessList found;
  for (const auto& [id, process] : processes_) {
    if (process.exit) found.exited.push_back(*process.exit);
    if (!process.exit) found.running.push_back(id);
  }
  answer_later([done = std::move(done), found = std::move(found)] { done(found); });
}

void SimProcesses::acknowledge(const ProcessId& id) {
  const auto found = processes_.find(id);
  if (attached_ && found != processes_.end() && found->second.exit) processes_.erase(found);
}

void SimProcesses::answer_later(std::function<void()> answer) {
  queue_.post(SimQueue::Owner::kServer, SimQueue::Source::kLoop, std::move(answer));
}

void SimProcesses::end(const ProcessId& id, ProcessExit::How how, int code) {
  const auto found = processes_.find(id);
  if (found == processes_.end() || found->second.exit) return;
  Process& process = found->second;
  queue_.cancel(process.end_timer);
  ProcessExit exit;
  exit.id = id;
  exit.how = how;
  exit.code = code;
  exit.started = process.started;
  exit.ended = queue_.now().wall;
  if (how == ProcessExit::How::kExited) {
    leave_results(process);
    exit.error = process.result.error;
  }
  process.exit = exit;
  if (attached_) tell(id);
}

// A process that cannot write its result leaves none, as on a real full disk.
void SimProcesses::leave_results(const Process& process) {
  const auto& [spec, result] = std::tie(process.spec, process.result);
  if (!result.log.empty() && !spec.log_path.empty()) {
    if (size_t const slash = spec.log_path.rfind('/'); slash != std::string::npos) {
      (void)files_.make_folders(spec.log_path.substr(0, slash), 0700);
    }
    if (auto log = files_.open_append(spec.log_path)) (void)(*log)->append(result.log);
  }
  if (!result.output.empty() && !spec.output_path.empty()) {
    (void)files_.write(spec.output_path, result.output);
  }
}

void SimProcesses::tell(const ProcessId& id) {
  answer_later([this, id] {
    const auto found = processes_.find(id);
    if (found == processes_.end() || !found->second.exit || !on_exit_) return;
    const auto on_exit = on_exit_;
    const ProcessExit exit = *found->second.exit;  // the callback may acknowledge it
    on_exit(exit);
  });
}

}  // namespace tidemill::io
