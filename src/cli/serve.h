// `tidemill serve`: builds every part, joins them, runs, stops in reverse order.
#pragma once

#include <string>

namespace tidemill::cli {

struct ServeOptions {
  std::string project = ".";
  std::string data;  // "" : <project>/.tidemill
  std::string listen = "127.0.0.1:7070";
  std::string program;  // path of this program, for the spawner and for parsing models
  bool allow_root = false;
};

// Prints {"address":...,"pid":...} as the first line of standard output. The exit status.
int serve(const ServeOptions& options);

// The data directory of a command: `data`, or else <project>/.tidemill.
std::string data_folder(const std::string& data, const std::string& project);

}  // namespace tidemill::cli
