// Completion of the shell: the shell asks this program what can stand at the cursor.
#pragma once

#include <string>
#include <vector>

#include "cli/run_commands.h"

namespace CLI {
class App;
}

namespace tidemill::cli {

// The script for bash, zsh or fish.
int completion(const std::string& shell);

// Prints what can stand in place of the last of `words` (those after the program's name), one a
// line: commands, options, and names of flows, runs, tasks and backfills, which a running server is
// asked for. Nothing if there is none; never an error.
int complete(CLI::App& app, const std::vector<std::string>& words);

}  // namespace tidemill::cli
