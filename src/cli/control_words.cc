// Wraps CLI11, as app.cc does.
#include "cli/control_words.h"

#include <CLI/CLI.hpp>

namespace tidemill::cli {
namespace {

void add_pause(CLI::App& parent, const std::string& verb, const std::string& help,
               const std::string& what, Common& common, ControlWords& words,
               std::function<int()>& action, const std::function<int()>& command) {
  auto* pause = parent.add_subcommand(verb, help);
  add_common(pause, common);
  pause->add_option(what, words.name)->required();
  pause->callback([&action, command] { action = command; });
}

}  // namespace

void add_run_control(CLI::App& run, Common& common, ControlWords& words,
                     std::function<int()>& action) {
  auto* clear =
      run.add_subcommand("clear", "Begin tasks of a run anew, and what follows from them");
  add_common(clear, common);
  clear->add_option("RUN", words.clear.run)->required();
  clear->add_option("TASK", words.clear.tasks, "By default all tasks");
  auto* downstream =
      clear->add_flag("--downstream", words.clear.downstream, "And what follows (the default)");
  clear->add_flag("--only", words.clear.only, "Not what follows")->excludes(downstream);
  clear->add_flag("--failed", words.clear.failed, "Of these, only those that failed");
  clear->add_flag("--dry-run", words.clear.dry_run, "Show what would be cleared");
  clear->callback([&] { action = [&] { return run_clear(common, words.clear); }; });
  auto* rerun = run.add_subcommand("rerun", "Begin a run anew from its failed tasks");
  add_common(rerun, common);
  rerun->add_option("RUN", words.clear.run)->required();
  rerun->add_flag("--dry-run", words.clear.dry_run, "Show what would be cleared");
  rerun->callback([&] { action = [&] { return run_rerun(common, words.clear); }; });
  auto* mark = run.add_subcommand("mark", "Set how a task has ended");
  add_common(mark, common);
  mark->add_option("RUN", words.mark.run)->required();
  mark->add_option("TASK", words.mark.task)->required();
  mark->add_option("STATE", words.mark.state, "succeeded, failed or skipped")
      ->required()
      ->check(CLI::IsMember({"succeeded", "failed", "skipped"}));
  mark->add_option("--value", words.mark.value, "The value of a task marked succeeded, as JSON");
  mark->callback([&] { action = [&] { return run_mark(common, words.mark); }; });
  add_pause(run, "pause", "Start nothing new in a run", "RUN", common, words, action,
            [&] { return run_pause(common, words.name, PauseChange::kPause); });
  add_pause(run, "resume", "Let a paused run go on", "RUN", common, words, action,
            [&] { return run_pause(common, words.name, PauseChange::kGoOn); });
}

void add_flow_control(CLI::App& flow, Common& common, ControlWords& words,
                      std::function<int()>& action) {
  add_pause(flow, "pause", "Let no trigger of a flow start a run", "FLOW", common, words, action,
            [&] { return flow_pause(common, words.name, PauseChange::kPause); });
  add_pause(flow, "unpause", "Let the triggers of a flow start runs again", "FLOW", common, words,
            action, [&] { return flow_pause(common, words.name, PauseChange::kGoOn); });
}

}  // namespace tidemill::cli
