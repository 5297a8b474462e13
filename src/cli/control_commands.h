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

struct BackfillOptions {
  std::string flow;
  std::string from;  // RFC 3339, or a day
  std::string to;
  std::string trigger;
  std::string keys;  // a file
  std::string order = "oldest";
  std::string reprocess = "none";
  int64_t max_running = 1;
  bool dry_run = false;
};
int backfill_create(const Common& common, const BackfillOptions& options);
int backfill_list(const Common& common);
int backfill_show(const Common& common, const std::string& id);
// `verb`: pause, resume or cancel.
int backfill_order(const Common& common, const std::string& id, const std::string& verb);

// Of a run, a task of it, or a flow: whichever has that name.
struct WhyOptions {
  std::string what;
  std::string task;
};
int why(const Common& common, const WhyOptions& options);

}  // namespace tidemill::cli
