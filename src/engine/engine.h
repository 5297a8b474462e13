// The engine: events -> machine -> commit -> act. It owns every open run in memory.
//
//   request, tick, end of an attempt, timer ──► inbox
//   turn: all that waits is stepped to a proposed state; pure tasks are evaluated in it
//   commit: one transaction, fsync; meanwhile the inbox fills for the next turn
//   then: start, stop, answer
//
// Loop thread only, but for what says otherwise.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "base/log.h"
#include "base/metrics.h"
#include "engine/flows.h"
#include "io/clock.h"
#include "io/executor.h"
#include "io/loop.h"
#include "io/random.h"
#include "run/admission.h"
#include "run/machine.h"
#include "store/store.h"
#include "task/tasks.h"

namespace tidemill::engine {

// How a run ended, for whoever waited for it.
struct RunResult {
  run::RunId id;
  run::RunState state = run::RunState::kSucceeded;
  Json output;  // {task: value}
  std::string error_code;
  std::string error;
};

// Somebody or something asks for a run.
struct RunRequest {
  flow::FlowName flow;
  Json params = Json::object();
  run::Cause cause;
  std::optional<run::Key> key;             // none: a manual key; a flow's own `key:` wins over both
  const flow::Trigger* trigger = nullptr;  // of the current version
  std::optional<flow::BundleId> trigger_bundle;
  std::optional<Time> scheduled_at;
  std::optional<Time> interval_start;
  // Of a flow task: when its attempt began. A failed run that ended before that is reopened; one
  // that ended later is this attempt's answer.
  std::optional<Time> attempt_started;
  // Durable: the run exists. An error: it does not, and nothing was started.
  std::function<void(Result<run::RunId>)> on_accepted;
  // The run has ended, durably; also for a run that was there before.
  std::function<void(const RunResult&)> on_finished;
};

struct EngineParts {
  io::Clock& clock;
  io::Loop& loop;
  io::Executor& executor;
  io::Random& random;
  store::Store& store;
  task::Tasks& tasks;
  Log& log;
  Metrics& metrics;
};

class Engine {
 public:
  explicit Engine(EngineParts parts, run::AdmissionLimits limits = {});
  ~Engine();

  // Reads the store and takes up every open run. `load` gives the flow of a stored bundle.
  // Blocking; once, before anything else. Ends of attempts come in later.
  using LoadVersion = std::function<Result<FlowVersion>(const flow::BundleId&)>;
  Status recover(const LoadVersion& load);
  // New current versions, with bundles stored and models ready.
  void deploy(std::map<flow::FlowName, FlowVersion> current);

  void request(RunRequest request);
  void cancel(run::RunId run, std::string reason, std::function<void(Status)> done);
  // A change that concerns no run (tokens), in a turn of its own.
  void write(run::Changes changes, std::function<void(Status)> done);

  const Flows& flows() const { return flows_; }
  size_t open_runs() const { return runs_.size() + stale_.size(); }
  // When a trigger is due next; nothing if never.
  std::optional<Time> next_tick(const flow::FlowName& flow) const;

  // When a dataset was updated last; nothing if never.
  std::optional<Time> dataset_updated(const std::string& dataset) const;

  // Limits.
  static constexpr size_t kEventsPerTurn = 1000;
  static constexpr size_t kInboxLimit = 100'000;

 private:
  struct Turn;
  struct Touched;
  // Something that happened. Handled in a turn; kept until the turn is durable.
  struct Event {
    std::function<void(Turn&)> handle;
    // Ends of attempts and timers: if the commit fails, they are handled again later.
    bool is_completion = false;
    // Requests: told if the commit fails.
    std::function<void(const Error&)> refuse;
  };
  using AttemptKey = std::tuple<run::RunId, run::TaskRef, int32_t>;

  void post(Event event);
  void schedule_turn();
  void run_turn();
  void drain(Turn& turn);
  void commit(std::unique_ptr<Turn> turn);
  void committed(std::unique_ptr<Turn> turn);
  void commit_failed(std::unique_ptr<Turn> turn, const Error& error);
  bool reload_stale(Turn& turn);

  Touched* touch(Turn& turn, const run::RunId& id);
  void perform(Turn& turn, Touched& touched, run::Action action);
  void evaluate(Turn& turn, Touched& touched, run::TaskRef ref);
  void start_task(const run::RunId& id, run::TaskRef ref, run::Attempt attempt);
  void start_sub_run(const run::Instance& run, run::TaskRef ref, run::Attempt attempt);
  struct RunningAttempt {
    run::RunId id;
    run::TaskRef ref;
    run::Attempt attempt;
    std::optional<Time> started;
  };
  std::vector<RunningAttempt> running_attempts() const;
  void recover_attempts(const std::vector<RunningAttempt>& running);
  void attempt_ended(const run::RunId& id, run::TaskRef ref, run::Attempt attempt,
                     run::Outcome outcome);
  task::Work work_of(const run::Instance& run, run::TaskRef ref, run::Attempt attempt) const;
  void arm_timeout(const run::RunId& id, run::TaskRef ref, run::Attempt attempt, Duration after);
  void arm_deadline(const run::Instance& run);
  void finished(Turn& turn, Touched& touched);
  void wrote_dataset(Turn& turn, Touched& touched, const run::Wrote& wrote);
  void trigger_dependents(Turn& turn, flow::Trigger::Kind kind, const std::string& source,
                          const run::RunRow& upstream, const run::Key& key);

  void handle_request(Turn& turn, const std::shared_ptr<RunRequest>& request);
  Result<run::Key> key_of(const RunRequest& request, const FlowVersion& version, const Json& params,
                          const run::RunId& id) const;
  bool join_existing(Turn& turn, const std::shared_ptr<RunRequest>& request, const run::Key& key,
                     const std::string& hash);
  void join_stored(Turn& turn, const std::shared_ptr<RunRequest>& request,
                   const store::StoredKey& stored, const std::string& hash);
  void skip(Turn& turn, const std::shared_ptr<RunRequest>& request, run::KeyRow row);
  void reopen(Turn& turn, const std::shared_ptr<RunRequest>& request, run::StoredRun stored);
  void create_run(Turn& turn, const std::shared_ptr<RunRequest>& request,
                  const FlowVersion& version, run::Key key, Json params, run::RunId id);
  run::Admission::Arrival arrival_of(const run::RunRow& row, const flow::Flow& flow) const;
  void refuse(Turn& turn, const std::shared_ptr<RunRequest>& request, Error error);
  void accept(Turn& turn, const std::shared_ptr<RunRequest>& request, const run::RunId& id);
  Result<RunResult> stored_result(const run::RunId& id);
  run::RunId new_run_id();

  Status take_up(run::StoredRun stored);
  void resume_run(Turn& turn, const run::RunId& id);

  void arm_clock();
  void add_due(const flow::FlowName& name, const flow::Trigger& trigger);
  void set_clock_timer();
  void clock_due(Turn& turn);
  void tick_trigger(Turn& turn, const FlowVersion& version, const flow::Trigger& trigger);
  void start_triggers(Turn& turn);
  void arm_purge();
  void forget_unused_versions();

  EngineParts parts_;
  run::Admission admission_;
  Flows flows_;
  LoadVersion load_;
  // Takes up what the last start left. Waits for the first deploy: before it, a run that ends would
  // not find what comes after it, nor a flow task its flow.
  std::function<void(Turn&)> resume_all_;
  bool is_deployed_ = false;
  run::Epoch epoch_;
  Time last_id_time_;  // of the last run id: ids never go back within a start
  uint64_t last_id_high_ = 0;
  uint64_t last_id_low_ = 0;

  std::deque<Event> inbox_;
  bool turn_scheduled_ = false;
  bool commit_in_flight_ = false;
  std::vector<Event> held_;        // completions of turns that could not be committed
  std::vector<run::RunId> stale_;  // runs to be read again

  std::unordered_map<run::RunId, std::unique_ptr<run::Instance>> runs_;
  std::map<std::pair<flow::FlowName, run::Key>, run::RunId> open_keys_;
  std::unordered_map<run::RunId, std::vector<std::function<void(const RunResult&)>>> waiters_;
  std::map<AttemptKey, io::TimerHandle> timeouts_;
  std::unordered_map<run::RunId, io::TimerHandle> deadlines_;
  std::map<std::pair<flow::FlowName, std::string>, run::TriggerRow> triggers_;
  std::map<std::string, int64_t> dataset_sequences_;
  std::map<std::string, Time> dataset_times_;                 // of the last update
  std::unordered_map<const flow::Task*, Duration> measured_;  // of pure tasks, the last evaluation

  std::multimap<Time, std::pair<flow::FlowName, std::string>> due_;  // clock triggers by next tick
  uint64_t due_round_ = 0;  // how often due_ was made anew
  std::optional<io::TimerHandle> clock_timer_;
};

}  // namespace tidemill::engine
