// Why is it not running, and why did it: the machine and admission are asked, and answer in words.
// Pure. Nothing is guessed from texts that were written for other ends.
//
//   {"run","flow","version","state","because":[...],"reasons":[{"code","text"}...],
//    "tasks":[{"task","state","reasons":[...]}...]}
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "run/admission.h"
#include "run/control_rows.h"

namespace tidemill::run {

// What the answer needs beside the run.
struct WhyContext {
  Time now;
  const Admission* admission = nullptr;
  const PauseRow* pause = nullptr;   // of the run
  std::vector<AttemptRow> attempts;  // that have ended
  struct Wait {
    TaskRef ref;
    std::string text;  // what a running task waits for: a run, an approval, a file
  };
  std::vector<Wait> waits;
  bool is_current = true;  // whether the run's version is the flow's current one
};

// One run with the reasons of each task that is not done, or failed, or was skipped.
Json why_run(const Instance& run, const WhyContext& context);
// One task with everything: reasons, what it reads, its attempts.
Json why_task(const Instance& run, flow::TaskIndex task, const WhyContext& context);

}  // namespace tidemill::run
