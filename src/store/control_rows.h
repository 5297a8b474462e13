// Rows of pauses, backfills and deployments on SQLite. They change seldom, so their statements are
// not kept.
#pragma once

#include <vector>

#include "io/sqlite.h"
#include "run/control_rows.h"
#include "run/rows.h"

namespace tidemill::store {

extern const char* const kControlSchema;

// Within the writer's transaction.
Status write_control(io::Connection& connection, const run::ControlChanges& changes);
// Gives a tick that was not run its run. False if the key is not there; `conflict` if it has one.
Result<bool> fill_skipped_key(io::Connection& connection, const run::KeyRow& key);

Result<run::ControlState> read_control(io::Connection& connection);
// Newest first.
Result<std::vector<run::BackfillRow>> read_backfills(io::Connection& connection, size_t limit);
Result<std::optional<run::BackfillRow>> find_backfill(io::Connection& connection,
                                                      const run::BackfillId& id);
Result<std::vector<run::DeploymentRow>> read_deployments(io::Connection& connection, size_t limit);

}  // namespace tidemill::store
