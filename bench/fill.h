// A store with many finished runs, as a server leaves them.
#pragma once

#include <string>

namespace tidemill::bench {

// Makes `folder`/meta.db with `count` finished runs of a flow of three calcs.
void fill_with_finished_runs(const std::string& folder, int count);

}  // namespace tidemill::bench
