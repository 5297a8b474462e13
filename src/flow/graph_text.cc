#include "flow/graph_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace tidemill::flow {
namespace {

constexpr size_t kShown = 60;  // of a command, a URL...
constexpr size_t kWidestColumn = 60;
constexpr size_t kDeepest = 20;  // indents shown

std::string shown_of(const Rendered& rendered) {
  return printable(join(rendered.literals(), "{{...}}"), kShown);
}

std::string settings_text(const ShellSettings& shell) { return printable(shell.command, kShown); }
std::string settings_text(const PythonSettings& python) { return python.target; }
std::string settings_text(const HttpSettings& http) {
  return fmt::format("{} {}", http.method, shown_of(http.url));
}
std::string settings_text(const VendorSettings& vendor) {
  return fmt::format("{}.{}", vendor.spec->name, vendor.product);
}
std::string settings_text(const SqlSettings& sql) { return "on " + sql.connection; }
std::string settings_text(const CalcSettings& calc) {
  return calc.query.path.empty() ? printable(trim(calc.query.statement.text()), kShown)
                                 : calc.query.path;
}
std::string settings_text(const ModelSettings& model) {
  return model.candidates.size() == 1
             ? model.candidates[0]
             : fmt::format("{} (one of {})", shown_of(model.name), join(model.candidates, ", "));
}
std::string settings_text(const PublishSettings& publish) { return "to " + publish.dataset; }
std::string settings_text(const FlowSettings& flow) { return flow.flow.value; }
std::string settings_text(const WaitSettings& wait) {
  switch (wait.what) {
    case WaitSettings::For::kFile:
      return "for the file " + shown_of(wait.text);
    case WaitSettings::For::kUrl:
      return "for " + shown_of(wait.url.url);
    case WaitSettings::For::kQuery:
      return "for a row of " + wait.query.connection;
    case WaitSettings::For::kDataset:
      return "for " + wait.dataset;
    case WaitSettings::For::kUntil:
      return "until " + shown_of(wait.text);
    case WaitSettings::For::kDuration:
      return "for " + format_duration(wait.duration);
  }
  return "";
}
std::string settings_text(const ApproveSettings& approve) { return "by " + approve.team; }

}  // namespace

std::string task_text(const Task& task) {
  std::string text = fmt::format(
      "{} {}", word(task.kind),
      std::visit([](const auto& settings) { return settings_text(settings); }, task.settings));
  if (!task.for_each_rows.empty()) text += fmt::format(", for each row of {}", task.for_each_rows);
  if (task.for_each)
    text += fmt::format(", for each of {}", printable(task.for_each->text(), kShown));
  if (task.when) text += fmt::format(", when {}", printable(task.when->text(), kShown));
  if (task.rule != Rule::kAllSuccess) text += fmt::format(", rule {}", word(task.rule));
  if (task.retry.attempts > 1) text += fmt::format(", {} attempts", task.retry.attempts);
  if (task.timeout) text += fmt::format(", timeout {}", format_duration(*task.timeout));
  if (task.optional) text += ", optional";
  return text;
}

std::string graph_text(const Flow& flow) {
  std::vector<size_t> depth(flow.tasks.size(), 0);
  std::vector<std::string> left, middle;
  size_t left_width = 0, middle_width = 0;
  for (TaskIndex index : flow.order) {
    const Task& task = flow.task(index);
    size_t& own = depth[static_cast<size_t>(index.value)];
    for (TaskIndex need : task.needs) {
      own = std::max(own, depth[static_cast<size_t>(need.value)] + 1);
    }
    left.push_back(std::string(2 * std::min(own, kDeepest), ' ') + task.name);
    middle.push_back(task_text(task));
    left_width = std::max(left_width, std::min(left.back().size(), kWidestColumn));
    middle_width = std::max(middle_width, std::min(middle.back().size(), kWidestColumn));
  }
  std::string text;
  for (size_t i = 0; i < left.size(); ++i) {
    std::vector<std::string> needs;
    for (TaskIndex need : flow.task(flow.order[i]).needs) needs.push_back(flow.task(need).name);
    std::string line = fmt::format("{:<{}}  {:<{}}", left[i], left_width, middle[i], middle_width);
    if (!needs.empty()) line += "  needs " + join(needs, ", ");
    while (line.ends_with(' ')) line.pop_back();
    text += line + "\n";
  }
  return text;
}

}  // namespace tidemill::flow
