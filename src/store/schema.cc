#include "store/schema.h"

#include <fmt/format.h>

#include <array>

#include "store/control_rows.h"

namespace tidemill::store {
namespace {

// Times are microseconds since 1970 (UTC), states are words, nested things are JSON.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE key (
  flow TEXT NOT NULL, key TEXT NOT NULL, run TEXT, at INTEGER NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY (flow, key)) STRICT, WITHOUT ROWID;
CREATE INDEX key_age ON key (flow, at);
CREATE TABLE run (
  id TEXT PRIMARY KEY, flow TEXT NOT NULL, bundle TEXT NOT NULL, key TEXT NOT NULL,
  state TEXT NOT NULL, epoch INTEGER NOT NULL, cause TEXT NOT NULL, params TEXT NOT NULL,
  body_hash TEXT NOT NULL, created INTEGER NOT NULL, scheduled_at INTEGER NOT NULL,
  interval_start INTEGER NOT NULL, interval_end INTEGER NOT NULL, deadline INTEGER,
  started INTEGER, finished INTEGER, error_code TEXT NOT NULL, error TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX run_open ON run (id) WHERE finished IS NULL;
CREATE INDEX run_flow ON run (flow, id);
CREATE TABLE task (
  run TEXT NOT NULL, task INTEGER NOT NULL, item INTEGER NOT NULL, name TEXT NOT NULL,
  state TEXT NOT NULL, attempt INTEGER NOT NULL, failures INTEGER NOT NULL, width INTEGER NOT NULL,
  started INTEGER, ended INTEGER, due INTEGER, error_code TEXT NOT NULL, error TEXT NOT NULL,
  value TEXT NOT NULL, PRIMARY KEY (run, task, item)) STRICT, WITHOUT ROWID;
CREATE TABLE attempt (
  run TEXT NOT NULL, task INTEGER NOT NULL, item INTEGER NOT NULL, attempt INTEGER NOT NULL,
  state TEXT NOT NULL, started INTEGER NOT NULL, ended INTEGER NOT NULL, error_code TEXT NOT NULL,
  error TEXT NOT NULL, detail TEXT NOT NULL, PRIMARY KEY (run, task, item, attempt)
) STRICT, WITHOUT ROWID;
CREATE TABLE chain (
  run TEXT NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL, entries TEXT NOT NULL,
  PRIMARY KEY (run, number)) STRICT, WITHOUT ROWID;
CREATE TABLE trigger_state (
  flow TEXT NOT NULL, trigger TEXT NOT NULL, low_water INTEGER NOT NULL,
  low_water_key TEXT NOT NULL, skipped INTEGER NOT NULL, PRIMARY KEY (flow, trigger)
) STRICT, WITHOUT ROWID;
CREATE TABLE dataset (
  dataset TEXT NOT NULL, sequence INTEGER NOT NULL, run TEXT NOT NULL, task TEXT NOT NULL,
  at INTEGER NOT NULL, PRIMARY KEY (dataset, sequence)) STRICT, WITHOUT ROWID;
CREATE TABLE token (
  name TEXT PRIMARY KEY, hash TEXT NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES ('epoch', 0);
)sql";

// Runs move to history when they are finished; a key keeps what is asked of its run. Values in
// files are few, so that an index of them costs nothing.
constexpr const char* kVersion2 = R"sql(
ALTER TABLE key ADD COLUMN state TEXT;
ALTER TABLE key ADD COLUMN body_hash TEXT;
CREATE INDEX run_finished ON run (finished) WHERE finished IS NOT NULL;
CREATE INDEX task_file ON task (value) WHERE value >= '@' AND value < 'A';
CREATE INDEX chain_file ON chain (entries) WHERE entries >= '@' AND entries < 'A';
)sql";

constexpr const char* kVersion4 = R"sql(
CREATE TABLE alert (id TEXT PRIMARY KEY, due INTEGER NOT NULL, body TEXT NOT NULL)
STRICT, WITHOUT ROWID;
)sql";

std::array<const char*, 4> const kVersions = {kVersion1, kVersion2, kControlSchema, kVersion4};

Result<int64_t> version_of(io::Connection& connection) {
  TIDEMILL_TRY_LET(statement, connection.prepare("PRAGMA user_version"));
  TIDEMILL_TRY_LET(has_row, statement.step());
  (void)has_row;
  return statement.integer(0);
}

}  // namespace

Status migrate(io::Connection& writer) {
  TIDEMILL_TRY(writer.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"));
  TIDEMILL_TRY_LET(version, version_of(writer));
  if (version > static_cast<int64_t>(kVersions.size())) {
    return fail(Code::kInvalid,
                fmt::format("meta.db has version {}, this program knows up to {}; start the newer "
                            "program that wrote it",
                            version, kVersions.size()));
  }
  for (size_t next = static_cast<size_t>(version); next < kVersions.size(); ++next) {
    std::string const step = fmt::format("BEGIN IMMEDIATE;{} PRAGMA user_version={}; COMMIT;",
                                         kVersions[next], next + 1);
    if (auto const done = writer.execute(step.c_str()); !done) {
      (void)writer.execute("ROLLBACK");
      return fail(done.error().in(fmt::format("migration to version {}", next + 1)));
    }
  }
  return {};
}

}  // namespace tidemill::store
