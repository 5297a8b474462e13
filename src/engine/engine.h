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
#include "engine/backfills.h"
#include "engine/control.h"
#include "engine/flows.h"
#include "engine/notices.h"
#include "io/clock.h"
#include "io/executor.h"
#include "io/loop.h"
#include "io/random.h"
#include "run/admission.h"
#include "run/machine.h"
#include "run/why.h"
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
  std::optional<run::TaskRef> parent_ref;   // of a flow task
  std::optional<run::BackfillId> backfill;  // that asks for it
  run::Reprocess reprocess = run::Reprocess::kNone;
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
  NoticeSink* notices = nullptr;  // none: nobody is told
};

// What a simulation breaks on purpose, to see that its checks find it. A server has none of it.
struct Sabotage {
  bool acts_first = false;        // starts and answers before the commit
  bool ignores_attempts = false;  // takes the end of any attempt for that of the current one
  bool starts_twice = false;      // releases each child twice
};

class Engine {
 public:
  explicit Engine(EngineParts parts, run::AdmissionLimits limits = {}, Sabotage sabotage = {});
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

  // Orders of people (engine/control.cc). What fails changes nothing.
  void clear(ClearRequest request, std::function<void(Result<ClearAnswer>)> done);
  void mark(MarkRequest request, std::function<void(Result<MarkAnswer>)> done);
  void pause(run::PauseRow pause, std::function<void(Status)> done);
  void unpause(run::PauseRow pause, std::function<void(Status)> done);
  void create_backfill(BackfillRequest request, std::function<void(Result<BackfillAnswer>)> done);
  void order_backfill(run::BackfillId id, BackfillOrder order, std::string by,
                      std::function<void(Result<run::BackfillRow>)> done);
  const run::PauseRow* pause_of(run::PauseRow::What what, const std::string& name) const;
  // A run in memory, or as the store has it. For looking, within the call.
  Result<std::shared_ptr<const run::Instance>> look_at(const run::RunId& id);

  // Why a run, a task of it, or a flow is as it is; in words (run/why.h).
  Result<Json> why(const run::RunId& run, const std::string& task,
                   std::vector<run::AttemptRow> attempts);
  Result<Json> why_flow(const flow::FlowName& flow) const;

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
  void notice(Turn& turn, const flow::Flow& flow, const Notice& notice);
  void notice_end(Turn& turn, const run::Instance& run);
  bool had_failed_before(const run::RunRow& row);
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
  enum class Reopen { kFailed, kAll };  // which tasks are made again
  void reopen(Turn& turn, const std::shared_ptr<RunRequest>& request, run::StoredRun stored,
              Reopen what = Reopen::kFailed);
  void create_run(Turn& turn, const std::shared_ptr<RunRequest>& request,
                  const FlowVersion& version, run::Key key, Json params, run::RunId id);
  run::Admission::Arrival arrival_of(const run::RunRow& row, const flow::Flow& flow) const;
  void refuse(Turn& turn, const std::shared_ptr<RunRequest>& request, Error error);
  void accept(Turn& turn, const std::shared_ptr<RunRequest>& request, const run::RunId& id);
  Result<RunResult> stored_result(const run::RunId& id);
  run::RunId new_run_id();

  Result<BackfillAnswer> create_backfill_now(Turn& turn, const BackfillRequest& request);
  std::vector<BackfillAnswer::Planned> planned(const FlowVersion& version,
                                               const run::BackfillSpec& spec) const;
  run::BackfillRow* backfill_row(Turn& turn, const run::BackfillId& id);
  void post_pump();
  void pump_backfill(Turn& turn, const OpenBackfill& open);
  void run_entry(Turn& turn, run::BackfillRow& row, const FlowVersion& version,
                 const run::BackfillSpec& spec, const run::BackfillEntry& entry);
  void handle_entry(Turn& turn, const std::shared_ptr<RunRequest>& request,
                    const FlowVersion& version, run::Key key, Json params, const run::RunId& id);
  void note_backfill_run(Turn& turn, const run::RunRow& run);
  void finish_backfill(Turn& turn, run::BackfillRow& row);
  void keep_backfills(const Turn& turn);
  void recover_backfills(std::vector<run::BackfillRow> rows);

  std::vector<run::WhyContext::Wait> waits_of(const run::Instance& run) const;
  Json why_trigger(const FlowVersion& version, const flow::Trigger& trigger) const;
  bool is_ending(const Turn& turn, const run::RunId& id) const;
  Result<Touched*> take_to_change(Turn& turn, const run::RunId& id);
  Result<ClearAnswer> clear_now(Turn& turn, const ClearRequest& request);
  Result<MarkAnswer> mark_now(Turn& turn, const MarkRequest& request);
  Status pause_now(Turn& turn, run::PauseRow pause);
  Status check_pausable(Turn& turn, const run::PauseRow& pause);
  bool skip_paused(Turn& turn, const std::shared_ptr<RunRequest>& request);
  void cancel_now(Turn& turn, Touched& touched, std::string reason);
  void stop_sub_run(const run::RunId& id, run::TaskRef ref, run::Attempt attempt);
  std::optional<run::RunId> sub_run_of(const run::RunId& id, run::TaskRef ref) const;

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
  Sabotage sabotage_;
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
  std::map<std::string, Time> dataset_times_;  // of the last update
  std::map<std::pair<run::PauseRow::What, std::string>, run::PauseRow> pauses_;
  std::map<run::BackfillId, OpenBackfill> backfills_;  // under way, by age
  bool is_pump_posted_ = false;
  std::map<std::pair<run::RunId, run::TaskRef>, run::RunId> sub_runs_;  // of open flow tasks
  std::unordered_map<const flow::Task*, Duration> measured_;  // of pure tasks, the last evaluation

  std::multimap<Time, std::pair<flow::FlowName, std::string>> due_;  // clock triggers by next tick
  uint64_t due_round_ = 0;  // how often due_ was made anew
  std::optional<io::TimerHandle> clock_timer_;
};

}  // namespace tidemill::engine
