// The command "tidemill cron lint FILE".
#pragma once

#include <cstdio>
#include <string>

#include "base/time.h"

namespace tidemill::cli {

struct CronLintOptions {
  std::string file;
  std::string dialect = "debian";  // debian, cronie, vixie4, busybox
  std::string zone = "UTC";        // of the daemon
  std::string form = "auto";       // user, system; auto: by the file's place
  bool json = false;
  Time now;
};

// Prints each lint as "FILE:LINE:COLUMN: SEVERITY CODE: what was found; what to do" and a count of
// each code; with `json` one object with `lints` and `counts`.
//
// Exit codes: 0 nothing, or information alone; 1 warnings or errors; 2 wrong use, or a file that
// cannot be read.
int cron_lint(const CronLintOptions& options, std::FILE* out, std::FILE* err);

}  // namespace tidemill::cli
