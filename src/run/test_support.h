// What tests of the machine share: flows written in the flow language, a table of rows in place of
// a store, and a driver that does what the engine does, one event a turn.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "flow/test_project.h"
#include "run/machine.h"

namespace tidemill::run {

inline const Time kStart = Time::from_seconds(1'767'225'600);  // 2026-01-01T00:00:00Z

inline std::shared_ptr<const flow::Flow> load_text(const std::string& yaml) {
  flow::MemorySource source;
  source.files["f.yaml"] = yaml;
  auto const loaded = flow::load_flow(source, flow::Project(), "f.yaml");
  EXPECT_TRUE(loaded) << flow::text_of(loaded ? std::vector<flow::FileError>() : loaded.error())
                      << yaml;
  return loaded ? loaded->flow : nullptr;
}

// The rows of one run as a store keeps them, with the rules of a store.
class RowTable {
 public:
  void apply(const Changes& changes) {
    for (const RunRow& row : changes.new_runs) run = row;
    for (const RunRow& row : changes.runs) run = row;
    for (const TaskRow& row : changes.tasks) {
      auto const key = std::make_pair(row.task.value, row.item.value);
      auto const known = tasks.find(key);
      if (known != tasks.end()) {
        EXPECT_GE(row.attempt, known->second.attempt) << "an older attempt of " << row.name;
      }
      tasks[key] = row;
    }
    for (const AttemptRow& row : changes.attempts) {
      auto const key = std::make_tuple(row.task.value, row.item.value, row.attempt.value);
      EXPECT_TRUE(attempts.emplace(key, row).second)
          << "a second end of attempt " << row.attempt.value << " of task " << row.task.value;
    }
    for (const ChainRow& row : changes.chains) {
      EXPECT_TRUE(chains.emplace(row.number, row).second) << "a second chain " << row.number;
    }
  }

  StoredRun stored() const {
    StoredRun stored;
    stored.row = run;
    for (const auto& [key, row] : tasks) stored.tasks.push_back(row);
    for (const auto& [number, row] : chains) stored.chains.push_back(row);
    return stored;
  }

  RunRow run;
  std::map<std::pair<int32_t, int32_t>, TaskRow> tasks;
  std::map<std::tuple<int32_t, int32_t, int32_t>, AttemptRow> attempts;
  std::map<int32_t, ChainRow> chains;
};

// What a test says about one try of a task.
struct Try {
  std::string task;
  Item item = kWhole;
  int32_t failures = 0;  // so far
};
using Script = std::function<Outcome(const Try&)>;

inline Outcome value_of(const std::string& text) {
  return Outcome::success(flow::TaskValue::of_json(Json::object().set("v", text)));
}
inline Outcome failed(const std::string& message) {
  return Outcome::failure({Code::kInvalid, message, {}});
}
// Every task succeeds with {"v": its name}.
inline Outcome all_succeed(const Try& one) { return value_of(one.task); }

// One run, driven by hand or to its end.
class Driver {
 public:
  struct Running {
    TaskRef ref;
    Attempt attempt;
    auto operator<=>(const Running&) const = default;
  };

  explicit Driver(std::shared_ptr<const flow::Flow> flow, Script script = all_succeed,
                  Json params = Json::object())
      : flow_(std::move(flow)), script_(std::move(script)) {
    RunRow row;
    row.id = RunId("01RUN");
    row.flow = flow_->name;
    row.params = std::move(params);
    row.created = now_.wall;
    if (flow_->deadline) row.deadline = now_.wall + *flow_->deadline;
    instance_ = std::make_unique<Instance>(make_instance(flow_, row));
    table.run = instance_->row;
  }

  void begin() {
    turn([](Instance& run, Step& step) { Machine::begin(run, step); });
  }

  // One event and everything that the engine does before and after the commit.
  using Event = std::function<void(Instance&, Step&)>;
  void turn(const Event& event) {
    Changes changes;
    Step step{now_, changes, {}, {}, false};
    std::vector<Action> after;
    event(*instance_, step);
    drain(step, after);
    Machine::finish_turn(*instance_, step);
    if (step.row_changed) changes.runs.push_back(instance_->row);
    ++turns;
    if (lose_turn_ == turns) {
      restart(Known::kLess);
      return;
    }
    table.apply(changes);
    for (const Action& action : after) act(action);
    if (restart_after_ == turns || restart_always_) restart();
  }

  // The process is killed after that turn (before its commit: lose_turn).
  void restart_after(int turn) { restart_after_ = turn; }
  void restart_after_each() { restart_always_ = true; }
  void lose_turn(int turn) { lose_turn_ = turn; }

  // Everything in memory is thrown away and read again. kLess: the end of an attempt was lost too.
  enum class Known { kAll, kLess };
  void restart(Known known = Known::kAll) {
    auto restored = restore_instance(flow_, table.stored());
    ASSERT_TRUE(restored) << restored.error().text();
    instance_ = std::make_unique<Instance>(std::move(*restored));
    slots_.clear();
    slot_queue_.clear();
    retries.clear();
    timeouts.clear();
    std::set<Running> const before = std::exchange(running, {});
    for (const TaskNode& task : instance_->tasks) {
      if (!task.is_mapped()) note_running(task.whole);
      for (const Node& item : task.items) note_running(item);
    }
    // What runs by the rows has been started; what was started runs by the rows.
    if (known == Known::kAll) {
      EXPECT_EQ(running, before);
    }
    bool const was_always = std::exchange(restart_always_, false);
    if (is_final(instance_->row.state)) {
      finished = true;
    } else {
      turn([](Instance& run, Step& step) { Machine::resume(run, step); });
    }
    restart_always_ = was_always;
  }

  // Every attempt ends as the script says, in order, until nothing is left to do.
  void run_to_end() {
    for (int i = 0; i < 10'000 && !finished; ++i) {
      if (!running.empty()) {
        end(*running.begin());
      } else if (!retries.empty()) {
        fire_retry();
      } else {
        return;
      }
    }
  }

  void end(Running one) { end(one, script_(try_of(one.ref))); }
  bool end(Running one, const Outcome& outcome) {
    running.erase(one);
    bool accepted = false;
    turn([&](Instance& run, Step& step) {
      accepted = Machine::ended(run, one.ref, one.attempt, outcome, step);
    });
    return accepted;
  }
  bool end(const std::string& task, const Outcome& outcome) {
    for (const Running& one : running) {
      if (flow_->task(one.ref.task).name == task) return end(one, outcome);
    }
    ADD_FAILURE() << task << " does not run";
    return false;
  }

  // Time passes to the first retry that waits.
  void fire_retry() {
    auto const [due, ref] = *retries.begin();
    retries.erase(retries.begin());
    pass_to(due);
    turn([&, ref = ref, due = due](Instance& run, Step& step) {
      Machine::retry_due(run, ref, due, step);
    });
  }

  void pass_to(Time when) {
    if (when <= now_.wall) return;
    now_.elapsed = now_.elapsed + (when - now_.wall);
    now_.wall = when;
  }

  void cancel(const std::string& reason = "no more") {
    turn([&](Instance& run, Step& step) { Machine::cancel(run, reason, step); });
  }

  TaskRef ref(const std::string& task, int32_t item = -1) const {
    return {flow_->names.at(task), Item(item)};
  }
  const Node& node(const std::string& task, int32_t item = -1) const {
    TaskRef const at = ref(task, item);
    return std::as_const(*instance_).node(at.task, at.item);
  }
  std::string state(const std::string& task, int32_t item = -1) const {
    return std::string(word(node(task, item).row.state));
  }
  bool is_running(const std::string& task) const {
    for (const Running& one : running) {
      if (flow_->task(one.ref.task).name == task) return true;
    }
    return false;
  }

  // Everything that an observer sees at the end.
  std::string summary() const {
    std::string text = std::string(word(instance_->row.state)) + " " + instance_->row.error + "\n";
    for (const TaskNode& task : instance_->tasks) {
      text += task.whole.row.name + " " + std::string(word(task.whole.row.state)) + " " +
              task.whole.row.error + "\n";
      for (const Node& item : task.items) {
        text += "  " + std::to_string(item.row.item.value) + " " +
                std::string(word(item.row.state)) + " " + item.row.error + "\n";
      }
    }
    return text + output_of(*instance_).dump() + "\n";
  }

  Instance& instance() { return *instance_; }
  Now now() const { return now_; }

  RowTable table;
  std::set<Running> running;
  std::vector<std::string> started;  // "task", "task[0]"; in order
  std::vector<Running> stopped;
  std::multimap<Time, TaskRef> retries;
  std::map<Running, Duration> timeouts;
  std::vector<std::string> wrote;
  std::map<std::string, int> evaluations;
  bool finished = false;
  int turns = 0;
  size_t slots = 1'000'000;

 private:
  Try try_of(TaskRef at) const {
    return {flow_->task(at.task).name, at.item, instance_->node(at.task, at.item).row.failures};
  }

  void note_running(const Node& node) {
    if (node.row.state == TaskState::kRunning && node.row.attempt.value > 0) {
      TaskRef const at{node.row.task, node.row.item};
      running.insert({at, node.row.attempt});
      slots_.insert(at);
    }
  }

  void drain(Step& step, std::vector<Action>& after) {
    std::deque<Action> todo;
    while (true) {
      for (Action& action : step.actions) todo.push_back(std::move(action));
      step.actions.clear();
      if (todo.empty()) {
        if (slot_queue_.empty() || slots_.size() >= slots) return;
        TaskRef const at = slot_queue_.front();
        slot_queue_.pop_front();
        slots_.insert(at);
        Machine::granted(*instance_, at, step);
        continue;
      }
      Action const action = std::move(todo.front());
      todo.pop_front();
      if (const auto* evaluate = std::get_if<Evaluate>(&action)) {
        Try const one = try_of(evaluate->ref);
        ++evaluations[one.task];
        Machine::evaluated(*instance_, evaluate->ref, script_(one), Duration::micros(5), step);
      } else if (const auto* request = std::get_if<Request>(&action)) {
        slot_queue_.push_back(request->ref);
      } else if (const auto* released = std::get_if<Released>(&action)) {
        slots_.erase(released->ref);
        std::erase(slot_queue_, released->ref);
      } else {
        after.push_back(action);
      }
    }
  }

  void act(const Action& action) {
    if (const auto* start = std::get_if<Start>(&action)) {
      EXPECT_TRUE(running.insert({start->ref, start->attempt}).second) << "started twice";
      std::string name = flow_->task(start->ref.task).name;
      if (start->ref.item != kWhole) name += "[" + std::to_string(start->ref.item.value) + "]";
      started.push_back(name);
    } else if (const auto* stop = std::get_if<Stop>(&action)) {
      stopped.push_back({stop->ref, stop->attempt});
    } else if (const auto* retry = std::get_if<ArmRetry>(&action)) {
      retries.emplace(retry->due, retry->ref);
    } else if (const auto* timeout = std::get_if<ArmTimeout>(&action)) {
      timeouts[{timeout->ref, timeout->attempt}] = timeout->after;
    } else if (const auto* write = std::get_if<Wrote>(&action)) {
      wrote.push_back(write->dataset);
    } else if (std::holds_alternative<Finished>(action)) {
      EXPECT_FALSE(finished) << "finished twice";
      finished = true;
    }
  }

  std::shared_ptr<const flow::Flow> flow_;
  Script script_;
  Now now_{kStart, Elapsed{1'000'000}};
  std::unique_ptr<Instance> instance_;
  std::set<TaskRef> slots_;
  std::deque<TaskRef> slot_queue_;
  int restart_after_ = 0;
  int lose_turn_ = 0;
  bool restart_always_ = false;
};

}  // namespace tidemill::run
