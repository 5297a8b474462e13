// The commands by which people change runs and flows: clear, rerun, mark, pause.
#pragma once

#include <string>
#include <vector>

#include "cli/run_commands.h"

namespace tidemill::cli {

struct ClearOptions {
  std::string run;
  std::vector<std::string> tasks;
  bool downstream = false;  // as without it
  bool only = false;
  bool failed = false;
  bool dry_run = false;
};
int run_clear(const Common& common, const ClearOptions& options);
int run_rerun(const Common& common, const ClearOptions& options);

struct MarkOptions {
  std::string run;
  std::string task;
  std::string state;
  std::string value;  // JSON; "" : none
};
int run_mark(const Common& common, const MarkOptions& options);

enum class PauseChange { kPause, kGoOn };
int run_pause(const Common& common, const std::string& run, PauseChange change);
int flow_pause(const Common& common, const std::string& flow, PauseChange change);

}  // namespace tidemill::cli
