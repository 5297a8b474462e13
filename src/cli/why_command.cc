// `tidemill why`: the reasons as a page for people.
#include <fmt/format.h>

#include <cstdio>

#include "cli/answers.h"
#include "cli/control_commands.h"
#include "cli/terminal.h"

namespace tidemill::cli {
namespace {

void print_reasons(const Json& json, std::string_view name, int indent) {
  for (const Json& reason : list_of(json, name)) {
    std::printf("%*s%s\n", indent, "", reason.text_or("text", "").c_str());
  }
}

void print_task(const Json& task, bool colour) {
  std::string const state = task.text_or("state", "");
  std::printf("\n%s: %s\n", task.text_or("task", "").c_str(),
              paint(state, state_colour(state), colour).c_str());
  print_reasons(task, "reasons", 2);
  if (const Json* inputs = task.find("inputs"))
    std::printf("  inputs: %s\n", inputs->dump().c_str());
  for (const Json& attempt : list_of(task, "attempts")) {
    std::string const error = attempt.text_or("error", "");
    std::string const item = attempt.find("item") != nullptr
                                 ? fmt::format(" of item {}", attempt.int_or("item", 0))
                                 : "";
    std::printf("  attempt %lld%s: %s, %s to %s%s\n",
                static_cast<long long>(attempt.int_or("attempt", 0)), item.c_str(),
                attempt.text_or("state", "").c_str(), attempt.text_or("started", "").c_str(),
                attempt.text_or("ended", "").c_str(), error.empty() ? "" : (": " + error).c_str());
  }
}

void print_run(const Json& run) {
  bool const colour = shows_colour(stdout);
  std::string const state = run.text_or("state", "");
  std::printf("run %s of flow %s: %s\n", run.text_or("run", "").c_str(),
              run.text_or("flow", "").c_str(), paint(state, state_colour(state), colour).c_str());
  print_reasons(run, "because", 2);
  print_reasons(run, "reasons", 2);
  for (const Json& task : list_of(run, "tasks")) print_task(task, colour);
}

void print_flow(const Json& flow) {
  std::string const version = flow.text_or("version", "").substr(0, 12);
  std::printf("flow %s, %s\n", flow.text_or("flow", "").c_str(),
              version.empty() ? "not loaded: no version of its file was good yet"
                              : ("version " + version).c_str());
  print_reasons(flow, "reasons", 2);
  for (const Json& error : list_of(flow, "errors")) {
    std::printf("  its file has a mistake%s: %s\n",
                version.empty() ? "" : ", the version before runs on", error.as_string().c_str());
  }
  for (const Json& trigger : list_of(flow, "triggers")) {
    std::printf("\n%s\n", trigger.text_or("text", "").c_str());
    print_reasons(trigger, "reasons", 2);
  }
  auto const& skipped = list_of(flow, "skipped");
  if (!skipped.empty()) std::printf("\nnot run, the newest first\n");
  for (const Json& key : skipped) {
    std::printf("  %s: %s\n", key.text_or("key", "").c_str(), key.text_or("text", "").c_str());
  }
}

}  // namespace

int why(const Common& common, const WhyOptions& options) {
  Remote remote = remote_of(common);
  std::string const run_path = fmt::format("/api/v1/runs/{}/why", percent_encode(options.what));
  std::string const query = options.task.empty() ? "" : "?task=" + percent_encode(options.task);
  auto run = remote.json("GET", run_path + query);
  if (run || !options.task.empty() || run.error().code != Code::kNotFound) {
    return answer(common, run, print_run);
  }
  auto flow = remote.json("GET", fmt::format("/api/v1/flows/{}/why", percent_encode(options.what)));
  if (!flow && flow.error().code == Code::kNotFound) {
    return refuse(common, {Code::kNotFound,
                           fmt::format("'{}' is neither a run nor a flow: {}", options.what,
                                       flow.error().message),
                           {}});
  }
  return answer(common, flow, print_flow);
}

}  // namespace tidemill::cli
