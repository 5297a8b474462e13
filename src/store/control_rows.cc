#include "store/control_rows.h"

#include <fmt/format.h>

namespace tidemill::store {

const char* const kControlSchema = R"sql(
CREATE TABLE pause (
  what TEXT NOT NULL, name TEXT NOT NULL, by TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (what, name)) STRICT, WITHOUT ROWID;
CREATE TABLE backfill (
  id TEXT PRIMARY KEY, flow TEXT NOT NULL, by TEXT NOT NULL, created INTEGER NOT NULL,
  spec TEXT NOT NULL, state TEXT NOT NULL, finished INTEGER, total INTEGER NOT NULL,
  next INTEGER NOT NULL, started INTEGER NOT NULL, there INTEGER NOT NULL, refused INTEGER NOT NULL,
  succeeded INTEGER NOT NULL, failed INTEGER NOT NULL, last_error TEXT NOT NULL, open TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE deployment (
  number INTEGER PRIMARY KEY, kind TEXT NOT NULL, at INTEGER NOT NULL, by TEXT NOT NULL,
  source TEXT NOT NULL, flows TEXT NOT NULL) STRICT;
)sql";

namespace {

constexpr const char* kBackfillColumns =
    "id, flow, by, created, spec, state, finished, total, next, started, there, refused, "
    "succeeded, failed, last_error, open";

std::string_view what_word(run::PauseRow::What what) {
  return what == run::PauseRow::What::kFlow ? "flow" : "run";
}

std::string open_text(const run::BackfillRow& row) {
  Json open = Json::array();
  for (const std::string& id : row.open) open.push(id);
  return open.dump();
}

template <class Row, class Read>
Result<std::vector<Row>> read_all(io::Statement statement, Read read) {
  std::vector<Row> rows;
  while (true) {
    TIDEMILL_TRY_LET(has_row, statement.step());
    if (!has_row) return rows;
    TIDEMILL_TRY_LET(row, read(statement));
    rows.push_back(std::move(row));
  }
}

Result<run::PauseRow> read_pause(const io::Statement& row) {
  auto const what = row.text(0) == "flow" ? run::PauseRow::What::kFlow : run::PauseRow::What::kRun;
  return run::PauseRow{what, row.text(1), row.text(2), row.time(3)};
}

Result<run::BackfillRow> read_backfill(const io::Statement& from) {
  run::BackfillRow row;
  row.id = run::BackfillId(from.text(0));
  row.flow = from.text(1);
  row.by = from.text(2);
  row.created = from.time(3);
  TIDEMILL_TRY_LET(spec, parse_json(from.text(4), {.bytes = 256u << 20, .depth = 100}));
  row.spec = std::move(spec);
  TIDEMILL_TRY_LET(state, run::backfill_state(from.text(5)));
  row.state = state;
  row.finished = from.optional_time(6);
  row.total = from.integer(7);
  row.next = from.integer(8);
  row.started = from.integer(9);
  row.there = from.integer(10);
  row.refused = from.integer(11);
  row.succeeded = from.integer(12);
  row.failed = from.integer(13);
  row.last_error = from.text(14);
  TIDEMILL_TRY_LET(open, parse_json(from.text(15)));
  for (const Json& id : open.as_array()) row.open.push_back(id.as_string());
  return row;
}

Result<run::DeploymentRow> read_deployment(const io::Statement& from) {
  run::DeploymentRow row;
  row.number = from.integer(0);
  TIDEMILL_TRY_LET(kind, run::deployment_kind(from.text(1)));
  row.kind = kind;
  row.at = from.time(2);
  row.by = from.text(3);
  row.source = from.text(4);
  TIDEMILL_TRY_LET(flows, parse_json(from.text(5)));
  row.flows = std::move(flows);
  return row;
}

Status insert_backfill(io::Connection& connection, const run::BackfillRow& row) {
  TIDEMILL_TRY_LET(insert, connection.prepare(fmt::format(
                               "INSERT INTO backfill ({}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                               kBackfillColumns)));
  std::string const spec = row.spec.dump();
  std::string const open = open_text(row);
  insert.add(row.id.value).add(row.flow).add(row.by).add(row.created).add(spec);
  insert.add(word(row.state)).add(row.finished).add(row.total).add(row.next).add(row.started);
  insert.add(row.there).add(row.refused).add(row.succeeded).add(row.failed);
  insert.add(row.last_error).add(open);
  return insert.run();
}

Status update_backfill(io::Connection& connection, const run::BackfillRow& row) {
  TIDEMILL_TRY_LET(update,
                   connection.prepare("UPDATE backfill SET state=?, finished=?, next=?, started=?, "
                                      "there=?, refused=?, succeeded=?, failed=?, last_error=?, "
                                      "open=? WHERE id=?"));
  std::string const open = open_text(row);
  update.add(word(row.state)).add(row.finished).add(row.next).add(row.started).add(row.there);
  update.add(row.refused).add(row.succeeded).add(row.failed).add(row.last_error).add(open);
  update.add(row.id.value);
  return update.run();
}

}  // namespace

Status write_control(io::Connection& connection, const run::ControlChanges& changes) {
  for (const run::PauseRow& row : changes.pauses) {
    TIDEMILL_TRY_LET(insert, connection.prepare("INSERT INTO pause (what,name,by,at) VALUES "
                                                "(?,?,?,?) ON CONFLICT DO NOTHING"));
    insert.add(what_word(row.what)).add(row.name).add(row.by).add(row.at);
    TIDEMILL_TRY(insert.run());
  }
  for (const run::PauseRow& row : changes.removed_pauses) {
    TIDEMILL_TRY_LET(remove, connection.prepare("DELETE FROM pause WHERE what=? AND name=?"));
    remove.add(what_word(row.what)).add(row.name);
    TIDEMILL_TRY(remove.run());
  }
  for (const run::BackfillRow& row : changes.new_backfills) {
    TIDEMILL_TRY(insert_backfill(connection, row));
  }
  for (const run::BackfillRow& row : changes.backfills) {
    TIDEMILL_TRY(update_backfill(connection, row));
  }
  for (const run::DeploymentRow& row : changes.deployments) {
    TIDEMILL_TRY_LET(insert, connection.prepare("INSERT INTO deployment (number,kind,at,by,source,"
                                                "flows) VALUES (?,?,?,?,?,?)"));
    std::string const flows = row.flows.dump();
    insert.add(row.number).add(word(row.kind)).add(row.at).add(row.by).add(row.source).add(flows);
    TIDEMILL_TRY(insert.run());
  }
  return {};
}

Result<bool> fill_skipped_key(io::Connection& connection, const run::KeyRow& key) {
  TIDEMILL_TRY_LET(update, connection.prepare("UPDATE key SET run=?, at=?, reason='' WHERE flow=? "
                                              "AND key=? AND run IS NULL"));
  update.add(key.run->value).add(key.at).add(key.flow.value).add(key.key.value);
  TIDEMILL_TRY(update.run());
  return connection.changes() == 1;
}

Result<run::ControlState> read_control(io::Connection& connection) {
  run::ControlState state;
  TIDEMILL_TRY_LET(pauses, connection.prepare("SELECT what, name, by, at FROM pause"));
  TIDEMILL_TRY_LET(pause_rows, read_all<run::PauseRow>(std::move(pauses), read_pause));
  state.pauses = std::move(pause_rows);
  TIDEMILL_TRY_LET(open, connection.prepare(fmt::format(
                             "SELECT {} FROM backfill WHERE state IN ('running','paused') "
                             "ORDER BY id",
                             kBackfillColumns)));
  TIDEMILL_TRY_LET(backfills, read_all<run::BackfillRow>(std::move(open), read_backfill));
  state.backfills = std::move(backfills);
  TIDEMILL_TRY_LET(deployments, read_deployments(connection, 1));
  if (!deployments.empty()) state.deployment = std::move(deployments[0]);
  return state;
}

Result<std::vector<run::BackfillRow>> read_backfills(io::Connection& connection, size_t limit) {
  TIDEMILL_TRY_LET(
      select, connection.prepare(fmt::format("SELECT {} FROM backfill ORDER BY id DESC LIMIT ?",
                                             kBackfillColumns)));
  select.add(static_cast<int64_t>(limit));
  return read_all<run::BackfillRow>(std::move(select), read_backfill);
}

Result<std::optional<run::BackfillRow>> find_backfill(io::Connection& connection,
                                                      const run::BackfillId& id) {
  TIDEMILL_TRY_LET(select, connection.prepare(fmt::format("SELECT {} FROM backfill WHERE id = ?",
                                                          kBackfillColumns)));
  select.add(id.value);
  TIDEMILL_TRY_LET(rows, read_all<run::BackfillRow>(std::move(select), read_backfill));
  if (rows.empty()) return std::optional<run::BackfillRow>();
  return std::optional<run::BackfillRow>(std::move(rows[0]));
}

Result<std::vector<run::DeploymentRow>> read_deployments(io::Connection& connection, size_t limit) {
  TIDEMILL_TRY_LET(select, connection.prepare("SELECT number, kind, at, by, source, flows FROM "
                                              "deployment ORDER BY number DESC LIMIT ?"));
  select.add(static_cast<int64_t>(limit));
  return read_all<run::DeploymentRow>(std::move(select), read_deployment);
}

}  // namespace tidemill::store
