// Finished runs made up in bulk, for measuring what a store with a long past costs.
#pragma once

#include <string>

#include "io/files.h"
#include "run/rows.h"

namespace tidemill::store {

struct FillOptions {
  size_t runs = 0;
  std::string flow = "past";
  Time newest;                            // the last run's creation
  Duration apart = Duration::seconds(1);  // between one run and the next
};

// Adds runs with a key, a task, an attempt and a chain each, as segments of history and keys of
// meta.db. The store must exist and no server may use it. Blocking.
Status fill_with_finished_runs(const std::string& folder, io::Files& files,
                               const FillOptions& options);

}  // namespace tidemill::store
