// What several flows of a project must agree on.
#include <fmt/format.h>

#include "base/text.h"
#include "flow/graph.h"
#include "flow/load.h"
#include "flow/params.h"
#include "flow/problems.h"
#include "flow/reader.h"

namespace tidemill::flow {
namespace {

class Together {
 public:
  explicit Together(const std::vector<LoadedFlow>& flows) : flows_(flows) {}

  std::vector<FileError> run() {
    for (size_t i = 0; i < flows_.size(); ++i) add_name(i);
    for (const LoadedFlow& loaded : flows_) {
      for (const Trigger& trigger : loaded.flow->triggers) check_trigger(*loaded.flow, trigger);
      for (const Task& task : loaded.flow->tasks) check_task(*loaded.flow, task);
    }
    check_circle();
    return std::move(errors_);
  }

 private:
  void add(const Flow& flow, Mark mark, std::string message) {
    if (errors_.size() < kMaxErrors) errors_.push_back({flow.path, mark, std::move(message)});
  }

  void add_name(size_t index) {
    const Flow& flow = *flows_[index].flow;
    auto const [other, is_new] = by_name_.emplace(flow.name.value, index);
    if (is_new) {
      names_.push_back(flow.name.value);
      return;
    }
    add(flow, {1, 1},
        fmt::format("the flow '{}' stands in '{}' too; give one of them another name",
                    flow.name.value, flows_[other->second].flow->path));
  }

  const Flow* find(const std::string& name) const {
    auto const found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : flows_[found->second].flow.get();
  }

  std::string no_flow(const std::string& name) const {
    std::string const near = did_you_mean(name, names_);
    return fmt::format("there is no flow '{}'{} the project has: {}", name,
                       near.empty() ? ";" : near, some_of(names_));
  }

  void check_trigger(const Flow& flow, const Trigger& trigger) {
    if (trigger.kind != Trigger::Kind::kAfterFlow || find(trigger.source) != nullptr) return;
    add(flow, {1, 1}, fmt::format("the trigger '{}': {}", trigger.text, no_flow(trigger.source)));
  }

  void check_task(const Flow& flow, const Task& task) {
    if (task.kind != Kind::kFlow) return;
    const std::string& name = std::get<FlowSettings>(task.settings).flow.value;
    const Flow* called = find(name);
    if (called == nullptr) {
      add(flow, task.mark, fmt::format("task '{}': {}", task.name, no_flow(name)));
      return;
    }
    std::vector<std::string> params;
    for (const Param& param : called->params) {
      params.push_back(param.name);
      bool const is_given = std::any_of(task.with.begin(), task.with.end(), [&](const auto& entry) {
        return entry.first == param.name;
      });
      if (is_given || param.otherwise) continue;
      add(flow, task.mark,
          fmt::format("task '{}': the flow '{}' needs the param '{}'; add it to with", task.name,
                      name, param.name));
    }
    for (const auto& [given, value] : task.with)
      check_given(flow, task, *called, params, given, value);
  }

  void check_given(const Flow& flow, const Task& task, const Flow& called,
                   const std::vector<std::string>& params, const std::string& given,
                   const Rendered& value) {
    auto const param = std::find_if(called.params.begin(), called.params.end(),
                                    [&](const Param& p) { return p.name == given; });
    if (param == called.params.end()) {
      std::string const near = did_you_mean(given, params);
      add(flow, task.mark,
          fmt::format("task '{}': the flow '{}' has no param '{}'{} {}", task.name,
                      called.name.value, given, near.empty() ? ";" : near,
                      params.empty() ? "it has none" : "it has: " + some_of(params)));
      return;
    }
    if (!value.is_constant()) return;
    auto const checked = check_param(*param, value.constant_value());
    if (!checked)
      add(flow, task.mark, fmt::format("task '{}': {}", task.name, checked.error().message));
  }

  // A flow that runs itself through others would never end.
  void check_circle() {
    Needs calls(flows_.size());
    for (size_t i = 0; i < flows_.size(); ++i) {
      for (const Task& task : flows_[i].flow->tasks) {
        if (task.kind != Kind::kFlow) continue;
        auto const found = by_name_.find(std::get<FlowSettings>(task.settings).flow.value);
        if (found != by_name_.end()) calls[i].push_back(static_cast<int32_t>(found->second));
      }
    }
    std::vector<int32_t> const circle = find_circle(calls);
    if (circle.empty()) return;
    std::vector<std::string> names;
    for (int32_t index : circle)
      names.push_back(flows_[static_cast<size_t>(index)].flow->name.value);
    names.push_back(names[0]);
    add(*flows_[static_cast<size_t>(circle[0])].flow, {1, 1},
        fmt::format("flows run each other in a circle: {}; take one of these tasks away",
                    join(names, " -> ")));
  }

  const std::vector<LoadedFlow>& flows_;
  std::map<std::string, size_t> by_name_;
  std::vector<std::string> names_;
  std::vector<FileError> errors_;
};

}  // namespace

std::vector<FileError> check_together(const std::vector<LoadedFlow>& flows) {
  return Together(flows).run();
}

}  // namespace tidemill::flow
