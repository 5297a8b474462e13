// Wraps CLI11, as app.cc does.
#include "cli/control_words.h"

#include <CLI/CLI.hpp>

namespace tidemill::cli {
namespace {

void add_named(CLI::App& parent, const std::string& verb, const std::string& help,
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
  add_named(run, "pause", "Start nothing new in a run", "RUN", common, words, action,
            [&] { return run_pause(common, words.name, PauseChange::kPause); });
  add_named(run, "resume", "Let a paused run go on", "RUN", common, words, action,
            [&] { return run_pause(common, words.name, PauseChange::kGoOn); });
}

void add_backfill(CLI::App& app, Common& common, ControlWords& words,
                  std::function<int()>& action) {
  auto* backfill =
      app.add_subcommand("backfill", "Runs for a range of ticks, or for a list of keys");
  backfill->require_subcommand(1);
  auto* create = backfill->add_subcommand("create", "Make the runs, a few at a time");
  add_common(create, common);
  BackfillOptions& options = words.backfill;
  create->add_option("FLOW", options.flow)->required();
  create->add_option("--from", options.from, "The first tick: RFC 3339, or a day (UTC)");
  create->add_option("--to", options.to, "Ticks before this one");
  create->add_option("--trigger", options.trigger, "The trigger's id, where there are several");
  create->add_option("--keys", options.keys, "A file: params of a run a line, as JSON or a value");
  create->add_option("--order", options.order, "oldest or newest first")
      ->check(CLI::IsMember({"oldest", "newest"}))
      ->capture_default_str();
  create->add_option("--max-running", options.max_running, "Runs that are open at once")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  create->add_option("--reprocess", options.reprocess, "What is done about runs that are there")
      ->check(CLI::IsMember({"none", "failed", "all"}))
      ->capture_default_str();
  create->add_flag("--dry-run", options.dry_run, "Show what would be run");
  create->callback([&] { action = [&] { return backfill_create(common, words.backfill); }; });
  auto* list = backfill->add_subcommand("list", "Backfills, newest first");
  add_common(list, common);
  list->callback([&] { action = [&] { return backfill_list(common); }; });
  add_named(*backfill, "show", "One backfill with its progress", "BACKFILL", common, words, action,
            [&] { return backfill_show(common, words.name); });
  add_named(*backfill, "pause", "Make no new run", "BACKFILL", common, words, action,
            [&] { return backfill_order(common, words.name, "pause"); });
  add_named(*backfill, "resume", "Make runs again", "BACKFILL", common, words, action,
            [&] { return backfill_order(common, words.name, "resume"); });
  add_named(*backfill, "cancel", "End it; runs that are under way go on", "BACKFILL", common, words,
            action, [&] { return backfill_order(common, words.name, "cancel"); });
}

void add_why(CLI::App& app, Common& common, ControlWords& words, std::function<int()>& action) {
  auto* command = app.add_subcommand(
      "why", "Why a run, a task or a flow is not running, or did what it did; in words");
  add_common(command, common);
  command->add_option("RUN_OR_FLOW", words.why.what)->required();
  command->add_option("TASK", words.why.task, "One task, with its inputs and attempts");
  command->callback([&] { action = [&] { return why(common, words.why); }; });
}

void add_flow_control(CLI::App& flow, Common& common, ControlWords& words,
                      std::function<int()>& action) {
  add_named(flow, "pause", "Let no trigger of a flow start a run", "FLOW", common, words, action,
            [&] { return flow_pause(common, words.name, PauseChange::kPause); });
  add_named(flow, "unpause", "Let the triggers of a flow start runs again", "FLOW", common, words,
            action, [&] { return flow_pause(common, words.name, PauseChange::kGoOn); });
}

}  // namespace tidemill::cli
