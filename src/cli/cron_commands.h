// The commands "tidemill cron ticks" and "tidemill cron explain".
#pragma once

#include <cstdio>
#include <string>

#include "base/time.h"

namespace tidemill::cli {

// Exit codes of these commands.
inline constexpr int kCronOk = 0;
inline constexpr int kCronInvalid = 2;  // the request is wrong; the message is on `err`

struct CronRequest {
  std::string expr;
  std::string dialect = "tidemill";
  std::string zone = "UTC";
  std::string id;    // the job's stable id, for H and ~
  std::string days;  // "", "any", "all"
  std::string dst;   // "", "two_phase", "skip", "twice", "once"
};

struct CronTicksOptions {
  CronRequest request;
  std::string from;  // RFC 3339, or Unix seconds; from <= tick < to
  std::string to;
  bool json = false;   // one object in place of a line a tick
  bool jsonl = false;  // requests come from `in`, one a line; the fields above are its defaults
};

// Prints every tick due in the window as an RFC 3339 instant in UTC, one a line, duplicates kept.
// Over ten million ticks are an error, found before anything is printed.
//
// With `jsonl`, each line of `in` is an object with expr, zone, dialect, from, to and optionally
// id, days, dst, and gets one line in the same order, flushed:
// {"ticks":["2024-03-10T07:00:00Z",...]} or
// {"error":"..."}. A bad line gets its error and the next one is read; the exit code is then still
// 0.
int cron_ticks(const CronTicksOptions& options, std::FILE* in, std::FILE* out, std::FILE* err);

struct CronExplainOptions {
  CronRequest request;
  int count = 5;  // of next ticks, at most 10,000
  bool json = false;
  Time now;  // ticks after this instant are shown
};

// Says the schedule in words, and its next ticks in local time and UTC.
int cron_explain(const CronExplainOptions& options, std::FILE* out, std::FILE* err);

}  // namespace tidemill::cli
