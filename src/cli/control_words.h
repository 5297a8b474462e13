// The words of the commands that change runs and flows. Included by app.cc only.
#pragma once

#include <functional>

#include "cli/control_commands.h"

namespace CLI {
class App;
}

namespace tidemill::cli {

struct ControlWords {
  ClearOptions clear;
  MarkOptions mark;
  WhyOptions why;
  BackfillOptions backfill;
  std::string name;
};

// Commands below `run` and `flow`. `action` is set to what the parsed words ask for.
void add_run_control(CLI::App& run, Common& common, ControlWords& words,
                     std::function<int()>& action);
void add_flow_control(CLI::App& flow, Common& common, ControlWords& words,
                      std::function<int()>& action);
void add_backfill(CLI::App& app, Common& common, ControlWords& words, std::function<int()>& action);
void add_why(CLI::App& app, Common& common, ControlWords& words, std::function<int()>& action);
// Options of every command that talks to a server or reads its data.
void add_common(CLI::App* command, Common& common);

}  // namespace tidemill::cli
