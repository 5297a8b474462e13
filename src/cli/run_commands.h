// The commands "tidemill run ..." and "tidemill flow ..." : over the socket when a server runs,
// from the data directory when none does.
#pragma once

#include <string>
#include <vector>

namespace tidemill::cli {

struct Common {
  std::string project = ".";
  std::string data;
  bool json = false;
};

struct RunListOptions {
  std::string flow;
  std::string state;
  std::string key_prefix;
  std::string after;
  int limit = 20;
};
int run_list(const Common& common, const RunListOptions& options);
int run_show(const Common& common, const std::string& run);
int run_cancel(const Common& common, const std::string& run);
struct RunLogOptions {
  std::string run;
  std::string task;
  std::string item;
  std::string attempt;
};
int run_log(const Common& common, const RunLogOptions& options);

int flow_list(const Common& common);
int flow_show(const Common& common, const std::string& flow);
struct FlowRunOptions {
  std::string flow;
  std::vector<std::string> params;  // name=value
  bool wait = false;                // for the end; the exit status then tells whether it succeeded
};
int flow_run(const Common& common, const FlowRunOptions& options);

// Loads the project and tells every mistake. 0 if there is none.
int check(const Common& common);

int token_add(const Common& common, const std::string& name);
int token_list(const Common& common);
int token_remove(const Common& common, const std::string& name);

}  // namespace tidemill::cli
