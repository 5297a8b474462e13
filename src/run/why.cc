#include "run/why.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "run/control.h"

namespace tidemill::run {
namespace {

constexpr size_t kListed = 5;

std::string moment(Time at) { return format_rfc3339(Time::from_seconds(at.seconds())); }

std::string from_now(Time at, Time now) {
  Duration const span = at > now ? at - now : now - at;
  Duration const whole = Duration::seconds(span.us / 1'000'000);
  return at > now ? fmt::format("{} (in {})", moment(at), format_duration(whole))
                  : fmt::format("{} ({} ago)", moment(at), format_duration(whole));
}

class Reasons {
 public:
  void add(std::string_view code, std::string text) {
    list_.push(Json::object().set("code", code).set("text", std::move(text)));
  }
  Json take() { return std::move(list_); }

 private:
  Json list_ = Json::array();
};

// One answer about one run.
class Why {
 public:
  Why(const Instance& run, const WhyContext& context) : run_(run), context_(context) {}

  Json because() const;
  Json run_reasons() const;
  Json task_reasons(flow::TaskIndex index) const;
  Json inputs(flow::TaskIndex index) const;
  Json attempts(flow::TaskIndex index) const;

 private:
  const flow::Task& task(flow::TaskIndex index) const { return run_.flow->task(index); }
  void unmet_needs(flow::TaskIndex index, Reasons& reasons) const;
  void node_reasons(TaskRef ref, const Node& node, Reasons& reasons) const;
  void waiting(TaskRef ref, Reasons& reasons) const;
  void ready(TaskRef ref, Reasons& reasons) const;
  void running(TaskRef ref, const Node& node, Reasons& reasons) const;
  void ended(TaskRef ref, const Node& node, Reasons& reasons) const;
  void skipped(flow::TaskIndex index, Reasons& reasons) const;
  void items(const TaskNode& node, Reasons& reasons) const;
  void queued(Reasons& reasons) const;
  bool mark(TaskRef ref, const Node& node, Reasons& reasons) const;
  std::string need_text(flow::TaskIndex need) const;
  std::vector<flow::TaskIndex> roots(flow::TaskIndex index) const;

  const Instance& run_;
  const WhyContext& context_;
};

std::string Why::need_text(flow::TaskIndex need) const {
  const Node& node = run_.task(need).whole;
  std::string const& name = task(need).name;
  switch (node.row.state) {
    case TaskState::kRunning:
      return node.row.started ? fmt::format("needs {}, which is running since {}", name,
                                            from_now(*node.row.started, context_.now))
                              : fmt::format("needs {}, which is running", name);
    case TaskState::kRetrying:
      return fmt::format("needs {}, which waits for its next attempt, due at {}", name,
                         from_now(node.row.due.value_or(context_.now), context_.now));
    case TaskState::kReady:
      return fmt::format("needs {}, which waits for a slot", name);
    case TaskState::kWaiting:
      return fmt::format("needs {}, which waits too", name);
    default:
      return fmt::format("needs {}, which {}", name,
                         node.row.state == TaskState::kUpstreamFailed
                             ? "could not run"
                             : fmt::format("is {}", word(node.row.state)));
  }
}

void Why::unmet_needs(flow::TaskIndex index, Reasons& reasons) const {
  for (flow::TaskIndex need : task(index).needs) {
    if (run_.task(need).whole.is_final()) continue;
    reasons.add("needs", need_text(need));
  }
}

void Why::waiting(TaskRef ref, Reasons& reasons) const {
  const flow::Task& one = task(ref.task);
  if (run_.row.state == RunState::kQueued) {
    reasons.add("run_queued", "the run is queued");
    return;
  }
  if (ref.item == kWhole) {
    unmet_needs(ref.task, reasons);
    if (one.rule != flow::Rule::kAllSuccess) {
      reasons.add("rule", fmt::format("its rule is {}", word(one.rule)));
    }
  }
  if (is_held(run_, ref) && run_.is_paused) {
    reasons.add("run_paused",
                context_.pause != nullptr
                    ? fmt::format("the run is paused by {}, since {}", context_.pause->by,
                                  from_now(context_.pause->at, context_.now))
                    : "the run is paused");
  }
  if (ref.item != kWhole && one.max_items_running) {
    reasons.add("max_items_running", fmt::format("at most {} items of {} run at once",
                                                 *one.max_items_running, one.name));
  }
}

void Why::ready(TaskRef ref, Reasons& reasons) const {
  if (task(ref.task).is_pure()) {
    reasons.add("evaluating", "it is being evaluated now");
    return;
  }
  auto const wait = context_.admission == nullptr ? std::nullopt
                                                  : context_.admission->slot_wait(run_.row.id, ref);
  if (!wait) {
    reasons.add("starting", "it has a slot and starts now");
    return;
  }
  reasons.add("slot", fmt::format("waits for a slot: {} of {} for {} are taken, {} tasks are "
                                  "before it",
                                  wait->held, wait->limit, wait->what, wait->ahead));
}

void Why::running(TaskRef ref, const Node& node, Reasons& reasons) const {
  reasons.add("running",
              fmt::format("attempt {} is running since {}", node.row.attempt.value,
                          from_now(node.row.started.value_or(context_.now), context_.now)));
  for (const WhyContext::Wait& wait : context_.waits) {
    if (wait.ref == ref) reasons.add("waits", wait.text);
  }
  if (!node.stopping.message.empty()) {
    reasons.add("stopping", fmt::format("it was told to stop: {}", node.stopping.message));
  }
}

// A mark is an attempt of its own.
bool Why::mark(TaskRef ref, const Node& node, Reasons& reasons) const {
  for (const AttemptRow& row : context_.attempts) {
    bool const is_last =
        row.task == ref.task && row.item == ref.item && row.attempt == node.row.attempt;
    if (!is_last || row.detail.find("marked_by") == nullptr) continue;
    reasons.add("marked", fmt::format("marked {} by {} at {}", word(row.state),
                                      row.detail.text_or("marked_by", ""),
                                      from_now(row.ended, context_.now)));
    return true;
  }
  return false;
}

void Why::skipped(flow::TaskIndex index, Reasons& reasons) const {
  const flow::Task& one = task(index);
  if (decide(one.rule, run_.task(index).upstream) == Verdict::kSkip) {
    for (flow::TaskIndex need : one.needs) {
      TaskState const state = run_.task(need).whole.row.state;
      bool const counts =
          one.rule == flow::Rule::kAllSuccess || one.rule == flow::Rule::kNoneSkipped
              ? state == TaskState::kSkipped
              : true;
      if (counts) reasons.add("skipped_by", need_text(need));
    }
    reasons.add("rule", fmt::format("its rule is {}", word(one.rule)));
    return;
  }
  if (one.when) {
    flow::Scope scope;
    Machine::fill_scope(run_, {index, kWhole}, scope);
    auto const wanted = scope.evaluate_bool(*one.when);
    if (wanted && !*wanted) {
      reasons.add("when", "its `when` is not true for what it reads");
      return;
    }
  }
  reasons.add("skipped", run_.task(index).whole.row.error);
}

// The tasks that failed first, of all that led to `index` not being able to run.
std::vector<flow::TaskIndex> Why::roots(flow::TaskIndex index) const {
  std::vector<flow::TaskIndex> found;
  std::set<flow::TaskIndex> seen = {index};
  std::vector<flow::TaskIndex> open = {index};
  while (!open.empty()) {
    flow::TaskIndex const at = open.back();
    open.pop_back();
    for (flow::TaskIndex need : task(at).needs) {
      TaskState const state = run_.task(need).whole.row.state;
      if (!seen.insert(need).second) continue;
      if (state == TaskState::kUpstreamFailed) open.push_back(need);
      if (state == TaskState::kFailed || state == TaskState::kCancelled) found.push_back(need);
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

void Why::ended(TaskRef ref, const Node& node, Reasons& reasons) const {
  if (mark(ref, node, reasons)) return;
  int32_t const attempt = node.row.attempt.value;
  switch (node.row.state) {
    case TaskState::kSucceeded:
      reasons.add("succeeded", attempt > 0 ? fmt::format("attempt {} succeeded", attempt)
                                           : std::string("it succeeded"));
      return;
    case TaskState::kFailed:
      reasons.add("failed", attempt > 0
                                ? fmt::format("attempt {} failed: {}", attempt, node.row.error)
                                : fmt::format("it failed: {}", node.row.error));
      if (int const most = task(ref.task).retry.attempts; node.row.failures >= most && most > 1) {
        reasons.add("attempts", fmt::format("all {} attempts of its retry are used", most));
      }
      return;
    case TaskState::kSkipped:
      skipped(ref.task, reasons);
      return;
    case TaskState::kUpstreamFailed:
      for (flow::TaskIndex root : roots(ref.task)) {
        const Node& cause = run_.task(root).whole;
        reasons.add("caused_by",
                    fmt::format("task {} {}{}", task(root).name, word(cause.row.state),
                                cause.row.error.empty() ? "" : ": " + cause.row.error));
      }
      reasons.add("rule", fmt::format("its rule is {}", word(task(ref.task).rule)));
      return;
    default:
      reasons.add("cancelled", run_.row.error.empty() ? node.row.error : run_.row.error);
  }
}

void Why::node_reasons(TaskRef ref, const Node& node, Reasons& reasons) const {
  switch (node.row.state) {
    case TaskState::kWaiting:
      waiting(ref, reasons);
      return;
    case TaskState::kReady:
      ready(ref, reasons);
      return;
    case TaskState::kRunning:
      running(ref, node, reasons);
      return;
    case TaskState::kRetrying:
      reasons.add("retry",
                  fmt::format("attempt {} ended at {}: {}", node.row.attempt.value,
                              from_now(node.row.ended.value_or(context_.now), context_.now),
                              node.row.error));
      reasons.add("due", fmt::format("attempt {} is due at {}", node.row.attempt.value + 1,
                                     from_now(node.row.due.value_or(context_.now), context_.now)));
      if (run_.is_paused) waiting(ref, reasons);
      return;
    default:
      ended(ref, node, reasons);
  }
}

// Of a mapped task that is under way: how far it is, and what the first open items wait for.
void Why::items(const TaskNode& node, Reasons& reasons) const {
  std::map<std::string_view, int> counts;
  for (const Node& item : node.items) ++counts[word(item.row.state)];
  std::string text = fmt::format("{} items", node.items.size());
  for (const auto& [state, count] : counts) text += fmt::format(", {} {}", count, state);
  reasons.add("items", text);
  size_t listed = 0;
  for (const Node& item : node.items) {
    if (item.is_final() || listed == kListed) continue;
    ++listed;
    Reasons of_item;
    node_reasons({item.row.task, item.row.item}, item, of_item);
    Json const list = of_item.take();
    for (const Json& reason : list.as_array()) {
      reasons.add(reason.text_or("code", ""),
                  fmt::format("item {}: {}", item.row.item.value, reason.text_or("text", "")));
    }
  }
}

Json Why::task_reasons(flow::TaskIndex index) const {
  Reasons reasons;
  const TaskNode& node = run_.task(index);
  if (node.is_mapped() && !node.whole.is_final()) {
    items(node, reasons);
  } else {
    node_reasons({index, kWhole}, node.whole, reasons);
  }
  return reasons.take();
}

void Why::queued(Reasons& reasons) const {
  auto const wait =
      context_.admission == nullptr ? std::nullopt : context_.admission->queue_wait(run_.row.id);
  if (!wait) return;
  std::string running;
  for (size_t i = 0; i < wait->running.size() && i < kListed; ++i) {
    running += (i == 0 ? "" : ", ") + wait->running[i].value;
  }
  if (wait->running.size() > kListed) running += ", ...";
  if (wait->is_serial) {
    reasons.add("overlap", fmt::format("runs of its trigger go one by one (overlap: queue); now "
                                       "running: {}",
                                       running));
  }
  if (wait->max_running) {
    reasons.add("max_running",
                fmt::format("flow {} runs at most {} runs at once (max_running); now running: {}",
                            run_.row.flow.value, *wait->max_running, running));
  }
  reasons.add("queue", fmt::format("{} runs of the flow are queued before it", wait->ahead));
}

Json Why::run_reasons() const {
  Reasons reasons;
  if (run_.row.state == RunState::kQueued) queued(reasons);
  if (run_.is_paused && context_.pause != nullptr) {
    reasons.add("run_paused",
                fmt::format("paused by {}, since {}; 'tidemill run resume {}' lets "
                            "it go on",
                            context_.pause->by, from_now(context_.pause->at, context_.now),
                            run_.row.id.value));
  }
  if (run_.is_cancelling && !is_final(run_.row.state)) {
    reasons.add("stopping", fmt::format("it is being stopped: {}", run_.row.error));
  }
  if (is_final(run_.row.state)) {
    reasons.add(word(run_.row.state),
                fmt::format("{} at {}{}", word(run_.row.state),
                            from_now(run_.row.finished.value_or(context_.now), context_.now),
                            run_.row.error.empty() ? "" : ": " + run_.row.error));
  }
  return reasons.take();
}

std::string started_by(std::string_view trigger) {
  if (trigger == "manual") return "started by hand";
  if (trigger == "call") return "started by a call";
  if (trigger == "sub") return "started by a flow task";
  if (trigger == "backfill") return "started by a backfill";
  return fmt::format("started by {}", trigger);
}

Json Why::because() const {
  Reasons reasons;
  const RunRow& row = run_.row;
  const Cause& cause = row.cause;
  std::string text = started_by(cause.trigger);
  for (const flow::Trigger& trigger : run_.flow->triggers) {
    if (trigger.id == cause.trigger_id)
      text = fmt::format("started by its trigger {}", trigger.text);
  }
  if (!cause.principal.empty()) text += fmt::format(", asked by {}", cause.principal);
  if (!cause.parent.value.empty()) {
    text += cause.parent_task.empty()
                ? fmt::format(", after run {}", cause.parent.value)
                : fmt::format(", of task {} of run {}", cause.parent_task, cause.parent.value);
  }
  reasons.add("trigger", text);
  reasons.add("key", fmt::format("its key is {}: at most one run of {} has it", row.key.value,
                                 row.flow.value));
  reasons.add("scheduled", fmt::format("scheduled for {}, created at {}", moment(row.scheduled_at),
                                       from_now(row.created, context_.now)));
  reasons.add("version", fmt::format("version {}{}", row.bundle.value.substr(0, 12),
                                     context_.is_current ? ", the current one"
                                                         : "; the flow has a newer one since"));
  return reasons.take();
}

Json Why::inputs(flow::TaskIndex index) const {
  Json json = Json::object().set("params", run_.row.params);
  for (flow::TaskIndex need : task(index).needs) {
    const Node& node = run_.task(need).whole;
    json.set(task(need).name, node.value ? node.value->json() : Json());
  }
  return json;
}

Json Why::attempts(flow::TaskIndex index) const {
  Json list = Json::array();
  for (const AttemptRow& row : context_.attempts) {
    if (row.task != index) continue;
    Json json = Json::object();
    if (row.item != kWhole) json.set("item", int64_t{row.item.value});
    json.set("attempt", int64_t{row.attempt.value})
        .set("state", word(row.state))
        .set("started", format_rfc3339(row.started))
        .set("ended", format_rfc3339(row.ended))
        .set("error", row.error);
    if (!row.detail.is_null()) json.set("detail", row.detail);
    list.push(std::move(json));
  }
  return list;
}

Json head(const Instance& run, const Why& why) {
  return Json::object()
      .set("run", run.row.id.value)
      .set("flow", run.row.flow.value)
      .set("version", run.row.bundle.value)
      .set("key", run.row.key.value)
      .set("state", word(run.row.state))
      .set("because", why.because())
      .set("reasons", why.run_reasons());
}

Json task_head(const Instance& run, flow::TaskIndex index, const Why& why) {
  return Json::object()
      .set("task", run.flow->task(index).name)
      .set("state", word(run.task(index).whole.row.state))
      .set("reasons", why.task_reasons(index));
}

}  // namespace

Json why_run(const Instance& run, const WhyContext& context) {
  Why const why(run, context);
  Json tasks = Json::array();
  for (flow::TaskIndex index : run.flow->order) tasks.push(task_head(run, index, why));
  return head(run, why).set("tasks", std::move(tasks));
}

Json why_task(const Instance& run, flow::TaskIndex task, const WhyContext& context) {
  Why const why(run, context);
  Json one = task_head(run, task, why)
                 .set("kind", flow::word(run.flow->task(task).kind))
                 .set("inputs", why.inputs(task))
                 .set("attempts", why.attempts(task));
  return head(run, why).set("tasks", Json::array().push(std::move(one)));
}

}  // namespace tidemill::run
