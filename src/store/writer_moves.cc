// The writing half of the move into history.
#include <fmt/format.h>

#include "store/row_codec.h"
#include "store/writer.h"

namespace tidemill::store {
namespace {

Status run_once(io::Statement& statement) {
  Status const done = statement.run();
  statement.reset();
  return done;
}

// The first `count` of "a,b,c".
std::string_view first_columns(std::string_view columns, size_t count) {
  size_t end = 0;
  for (size_t i = 0; i < count && end != std::string_view::npos; ++i) {
    end = columns.find(',', i == 0 ? 0 : end + 1);
  }
  return columns.substr(0, end);
}

Result<bool> has_row(io::Statement& statement) {
  auto const row = statement.step();
  statement.reset();
  return row;
}

}  // namespace

Status Writer::prepare_moves() {
  struct Entry {
    io::Statement& statement;
    const char* sql;
  };
  Entry const entries[] = {
      {statements_.delete_run, "DELETE FROM run WHERE id=? AND finished=?"},
      {statements_.delete_tasks, "DELETE FROM task WHERE run=?"},
      {statements_.delete_attempts, "DELETE FROM attempt WHERE run=?"},
      {statements_.delete_chains, "DELETE FROM chain WHERE run=?"},
      {statements_.remember_key,
       "UPDATE key SET state=?, body_hash=? WHERE flow=? AND key=? AND run=?"},
      {statements_.epoch, "SELECT value FROM meta WHERE name='epoch'"},
      {statements_.has_run, "SELECT 1 FROM run WHERE id=?"},
      {statements_.value_in_task,
       "SELECT 1 FROM task WHERE value=? AND value >= '@' AND value < 'A'"},
      {statements_.value_in_chain,
       "SELECT 1 FROM chain WHERE entries=? AND entries >= '@' AND entries < 'A'"},
  };
  for (const Entry& entry : entries) {
    TIDEMILL_TRY_LET(statement, connection_.prepare(entry.sql));
    entry.statement = std::move(statement);
  }
  return {};
}

Status Writer::forget_moved(std::span<const Moved> runs) {
  TIDEMILL_TRY(connection_.execute("PRAGMA synchronous=NORMAL"));
  Status done = run_once(statements_.begin);
  if (done) {
    done = check_epoch();
    if (done) done = delete_moved(runs);
    if (done) done = run_once(statements_.commit);
    if (!done) (void)run_once(statements_.rollback);
  }
  // Whatever happened: the next turn is synced.
  TIDEMILL_TRY(connection_.execute("PRAGMA synchronous=FULL"));
  return done;
}

Status Writer::delete_moved(std::span<const Moved> runs) {
  for (const Moved& run : runs) {
    statements_.delete_run.add(run.id.value).add(run.finished);
    TIDEMILL_TRY(run_once(statements_.delete_run));
    if (connection_.changes() != 1) continue;
    for (io::Statement* rows :
         {&statements_.delete_tasks, &statements_.delete_attempts, &statements_.delete_chains}) {
      rows->add(run.id.value);
      TIDEMILL_TRY(run_once(*rows));
    }
    statements_.remember_key.add(run.state)
        .add(run.body_hash)
        .add(run.flow.value)
        .add(run.key.value)
        .add(run.id.value);
    TIDEMILL_TRY(run_once(statements_.remember_key));
  }
  return {};
}

Result<bool> Writer::bring_back(const run::RunId& id) {
  statements_.has_run.add(id.value);
  TIDEMILL_TRY_LET(is_here, has_row(statements_.has_run));
  if (is_here) return false;
  TIDEMILL_TRY_LET(record, history_.find(id));
  if (!record) return false;
  struct Table {
    const char* name;
    const char* columns;
    std::vector<Cells> rows;
  };
  Table const tables[] = {{"run", kRunColumns, {record->run}},
                          {"task", kTaskColumns, std::move(record->tasks)},
                          {"attempt", kAttemptColumns, std::move(record->attempts)},
                          {"chain", kChainColumns, std::move(record->chains)}};
  for (const Table& table : tables) {
    for (const Cells& row : table.rows) {
      std::string marks;
      for (size_t i = 0; i < row.cells.size(); ++i) marks += i == 0 ? "?" : ",?";
      TIDEMILL_TRY_LET(insert, connection_.prepare(fmt::format(
                                   "INSERT INTO {} ({}) VALUES ({})", table.name,
                                   first_columns(table.columns, row.cells.size()), marks)));
      bind_cells(insert, row);
      TIDEMILL_TRY(insert.run());
    }
  }
  return true;
}

Result<int64_t> Writer::purge_datasets(Time before) {
  TIDEMILL_TRY_LET(
      purge, connection_.prepare(
                 "WITH RECURSIVE name (n) AS (SELECT min(dataset) FROM dataset UNION ALL "
                 "SELECT (SELECT min(dataset) FROM dataset WHERE dataset > n) FROM name "
                 "WHERE n IS NOT NULL) "
                 "DELETE FROM dataset WHERE (dataset, sequence) IN ("
                 "SELECT d.dataset, d.sequence FROM name JOIN dataset d ON d.dataset = n AND "
                 "d.sequence IN (SELECT sequence FROM dataset WHERE dataset = n ORDER BY sequence "
                 "LIMIT 100) WHERE d.at < ? AND d.sequence < (SELECT max(sequence) FROM dataset "
                 "WHERE dataset = n) LIMIT ?)"));
  purge.add(before).add(run::kPurgedKeys);
  TIDEMILL_TRY(purge.run());
  return connection_.changes();
}

Result<bool> Writer::names_value(const std::string& digest) {
  std::string const value = "@" + digest;
  for (io::Statement* look : {&statements_.value_in_task, &statements_.value_in_chain}) {
    look->add(value);
    TIDEMILL_TRY_LET(is_there, has_row(*look));
    if (is_there) return true;
  }
  return false;
}

}  // namespace tidemill::store
