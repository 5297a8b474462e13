// What a task under way waits for, for people: "the file /in/a.csv; looked 3 times, it is not
// there".
#pragma once

#include <string>

#include "run/rows.h"

namespace tidemill::task {

struct Waiting {
  std::string task;
  run::Item item = run::kWhole;
  std::string text;
};

}  // namespace tidemill::task
