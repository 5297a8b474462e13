#include "store/reader.h"

#include <fmt/format.h>

#include "store/row_codec.h"
#include "store/writer.h"

namespace tidemill::store {
namespace {

// Steps through every row of `statement` and leaves it reset.
template <class Row, class Read>
Result<std::vector<Row>> read_all(io::Statement& statement, Read read) {
  std::vector<Row> rows;
  while (true) {
    auto const has_row = statement.step();
    if (!has_row) {
      statement.reset();
      return fail(has_row.error());
    }
    if (!*has_row) break;
    Result<Row> row = read(statement);
    if (!row) {
      statement.reset();
      return fail(row.error());
    }
    rows.push_back(std::move(*row));
  }
  statement.reset();
  return rows;
}

template <class Columns>
Result<run::ChainRow> read_chain(const Columns& row, const std::string& folder, io::Files& files) {
  run::ChainRow chain;
  chain.run = run::RunId(row.text(0));
  chain.number = static_cast<int32_t>(row.integer(1));
  chain.at = row.time(2);
  TIDEMILL_TRY_LET(text, fetch_value(row.text(kChainEntriesColumn), folder, files));
  TIDEMILL_TRY_LET(entries, parse_chain(text));
  chain.entries = std::move(entries);
  return chain;
}

}  // namespace

Result<std::unique_ptr<Reader>> Reader::open(const std::string& folder, io::Files& files,
                                             const std::string& vfs) {
  TIDEMILL_TRY_LET(connection,
                   io::Connection::open(folder + "/meta.db", io::Connection::Mode::kReader, vfs));
  std::unique_ptr<Reader> reader(new Reader(std::move(connection), folder, files));
  struct Entry {
    io::Statement& statement;
    std::string sql;
  };
  Entry const entries[] = {
      {reader->find_key_,
       "SELECT key.flow, key.key, key.run, key.at, key.reason, ifnull(run.state, key.state), "
       "ifnull(run.body_hash, key.body_hash) FROM key LEFT JOIN run ON run.id = key.run WHERE "
       "key.flow=? AND key.key=?"},
      {reader->load_run_, fmt::format("SELECT {} FROM run WHERE id=?", kRunColumns)},
      {reader->tasks_,
       fmt::format("SELECT {} FROM task WHERE run=? ORDER BY task, item", kTaskColumns)},
      {reader->chains_,
       fmt::format("SELECT {} FROM chain WHERE run=? ORDER BY number", kChainColumns)},
      {reader->attempts_,
       fmt::format("SELECT {} FROM attempt WHERE run=? ORDER BY started, task, item, attempt",
                   kAttemptColumns)},
  };
  for (const Entry& entry : entries) {
    TIDEMILL_TRY_LET(statement, reader->connection_.prepare(entry.sql));
    entry.statement = std::move(statement);
  }
  return reader;
}

Result<std::optional<StoredKey>> Reader::find_key(const flow::FlowName& flow, const run::Key& key) {
  find_key_.add(flow.value).add(key.value);
  auto const read = [](const io::Statement& row) -> Result<StoredKey> {
    StoredKey stored;
    stored.row.flow = flow::FlowName(row.text(0));
    stored.row.key = run::Key(row.text(1));
    if (!row.is_null(2)) stored.row.run = run::RunId(row.text(2));
    stored.row.at = row.time(3);
    stored.row.reason = row.text(4);
    if (!row.is_null(5)) {
      TIDEMILL_TRY_LET(state, run::run_state(row.text(5)));
      stored.state = state;
      stored.body_hash = row.text(6);
    }
    return stored;
  };
  TIDEMILL_TRY_LET(rows, read_all<StoredKey>(find_key_, read));
  if (rows.empty()) return std::optional<StoredKey>();
  return std::optional<StoredKey>(std::move(rows[0]));
}

// Runs `read` on one snapshot: the rows of a run go all at once when it moves to history.
Status Reader::in_snapshot(const std::function<Status()>& read) {
  TIDEMILL_TRY(connection_.execute("BEGIN"));
  Status const done = read();
  Status const ended = connection_.execute("COMMIT");
  return done ? ended : done;
}

Result<std::optional<run::StoredRun>> Reader::load_run(const run::RunId& id) {
  std::optional<run::StoredRun> found;
  TIDEMILL_TRY(in_snapshot([&]() -> Status {
    load_run_.add(id.value);
    TIDEMILL_TRY_LET(rows, read_all<run::RunRow>(load_run_, read_run<io::Statement>));
    if (rows.empty()) return {};
    run::StoredRun stored;
    stored.row = std::move(rows[0]);
    TIDEMILL_TRY_LET(tasks, tasks_of(id));
    stored.tasks = std::move(tasks);
    TIDEMILL_TRY_LET(chains, chains_of(id));
    stored.chains = std::move(chains);
    found = std::move(stored);
    return {};
  }));
  return found;
}

Result<std::vector<run::TaskRow>> Reader::tasks_of(const run::RunId& id) {
  tasks_.add(id.value);
  TIDEMILL_TRY_LET(rows, read_all<run::TaskRow>(tasks_, read_task<io::Statement>));
  for (run::TaskRow& row : rows) {
    TIDEMILL_TRY_LET(value, fetch_value(std::move(row.value), folder_, files_));
    row.value = std::move(value);
  }
  return std::move(rows);
}

Result<std::vector<run::ChainRow>> Reader::chains_of(const run::RunId& id) {
  chains_.add(id.value);
  return read_all<run::ChainRow>(
      chains_, [&](const io::Statement& row) { return read_chain(row, folder_, files_); });
}

Result<std::vector<run::AttemptRow>> Reader::attempts_of(const run::RunId& id) {
  attempts_.add(id.value);
  return read_all<run::AttemptRow>(attempts_, read_attempt<io::Statement>);
}

Result<std::vector<Reader::Finished>> Reader::finished_runs(Time until, size_t limit) {
  TIDEMILL_TRY_LET(statement, connection_.prepare("SELECT id, finished FROM run WHERE finished IS "
                                                  "NOT NULL AND finished <= ? ORDER BY finished "
                                                  "LIMIT ?"));
  statement.add(until).add(static_cast<int64_t>(limit));
  return read_all<Finished>(statement, [](const io::Statement& row) -> Result<Finished> {
    return Finished{run::RunId(row.text(0)), row.time(1)};
  });
}

Result<size_t> Reader::count_finished(size_t limit) {
  TIDEMILL_TRY_LET(statement,
                   connection_.prepare("SELECT count(*) FROM (SELECT 1 FROM run WHERE finished IS "
                                       "NOT NULL LIMIT ?)"));
  statement.add(static_cast<int64_t>(limit));
  TIDEMILL_TRY_LET(has_row, statement.step());
  return has_row ? static_cast<size_t>(statement.integer(0)) : 0;
}

Result<std::optional<RunRecord>> Reader::record_of(const run::RunId& id) {
  std::optional<RunRecord> found;
  TIDEMILL_TRY(in_snapshot([&]() -> Status {
    RunRecord record;
    std::vector<Cells> run;
    std::pair<io::Statement&, std::vector<Cells>&> const tables[] = {{load_run_, run},
                                                                     {tasks_, record.tasks},
                                                                     {attempts_, record.attempts},
                                                                     {chains_, record.chains}};
    for (auto& [statement, rows] : tables) {
      statement.add(id.value);
      TIDEMILL_TRY_LET(read, read_all<Cells>(statement, [](const io::Statement& row) {
                         return Result<Cells>(Cells(row));
                       }));
      rows = std::move(read);
    }
    if (run.empty() || run[0].is_null(kRunFinishedColumn)) return {};
    record.run = std::move(run[0]);
    found = std::move(record);
    return {};
  }));
  return found;
}

Result<std::optional<Time>> Reader::oldest_open_run() {
  TIDEMILL_TRY_LET(statement, connection_.prepare("SELECT created FROM run WHERE finished IS NULL "
                                                  "ORDER BY id LIMIT 1"));
  TIDEMILL_TRY_LET(has_row, statement.step());
  return has_row ? std::optional<Time>(statement.time(0)) : std::nullopt;
}

Result<std::string> Reader::check_integrity() {
  TIDEMILL_TRY_LET(statement, connection_.prepare("PRAGMA integrity_check(5)"));
  TIDEMILL_TRY_LET(lines, read_all<std::string>(statement, [](const io::Statement& row) {
                     return Result<std::string>(row.text(0));
                   }));
  std::string found;
  for (const std::string& line : lines) {
    if (line != "ok") found += (found.empty() ? "" : "; ") + line;
  }
  return found;
}

Result<run::StoredRun> stored_run(const RunRecord& record, const std::string& folder,
                                  io::Files& files) {
  run::StoredRun stored;
  TIDEMILL_TRY_LET(run, read_run(record.run));
  stored.row = std::move(run);
  for (const Cells& cells : record.tasks) {
    TIDEMILL_TRY_LET(row, read_task(cells));
    TIDEMILL_TRY_LET(value, fetch_value(std::move(row.value), folder, files));
    row.value = std::move(value);
    stored.tasks.push_back(std::move(row));
  }
  for (const Cells& cells : record.chains) {
    TIDEMILL_TRY_LET(row, read_chain(cells, folder, files));
    stored.chains.push_back(std::move(row));
  }
  return stored;
}

Result<std::vector<run::AttemptRow>> attempts_in(const RunRecord& record) {
  std::vector<run::AttemptRow> rows;
  for (const Cells& cells : record.attempts) {
    TIDEMILL_TRY_LET(row, read_attempt(cells));
    rows.push_back(std::move(row));
  }
  return rows;
}

Result<std::vector<run::RunRow>> Reader::list_runs(const RunFilter& filter) {
  std::string sql = fmt::format("SELECT {} FROM run WHERE 1", kRunColumns);
  if (!filter.flow.empty()) sql += " AND flow=?1";
  if (filter.state) sql += " AND state=?2";
  if (!filter.key_prefix.empty()) sql += " AND substr(key, 1, length(?3)) = ?3";
  if (!filter.after.empty()) sql += " AND id < ?4";
  sql += " ORDER BY id DESC LIMIT ?5";
  TIDEMILL_TRY_LET(statement, connection_.prepare(sql));
  statement.add(filter.flow)
      .add(filter.state ? word(*filter.state) : std::string_view())
      .add(filter.key_prefix)
      .add(filter.after)
      .add(static_cast<int64_t>(filter.limit));
  return read_all<run::RunRow>(statement, read_run<io::Statement>);
}

Result<std::vector<run::RunId>> Reader::open_run_ids() {
  TIDEMILL_TRY_LET(statement,
                   connection_.prepare("SELECT id FROM run WHERE finished IS NULL ORDER BY id"));
  return read_all<run::RunId>(statement, [](const io::Statement& row) -> Result<run::RunId> {
    return run::RunId(row.text(0));
  });
}

Result<std::vector<run::KeyRow>> Reader::skipped_keys(const flow::FlowName& flow, size_t limit) {
  TIDEMILL_TRY_LET(statement,
                   connection_.prepare("SELECT flow, key, at, reason FROM key WHERE "
                                       "flow=? AND run IS NULL ORDER BY at DESC LIMIT ?"));
  statement.add(flow.value).add(static_cast<int64_t>(limit));
  return read_all<run::KeyRow>(statement, [](const io::Statement& row) -> Result<run::KeyRow> {
    return run::KeyRow{flow::FlowName(row.text(0)), run::Key(row.text(1)), std::nullopt,
                       row.time(2), row.text(3)};
  });
}

Result<std::vector<run::TriggerRow>> Reader::triggers() {
  TIDEMILL_TRY_LET(statement, connection_.prepare("SELECT flow, trigger, low_water, low_water_key, "
                                                  "skipped FROM trigger_state"));
  return read_all<run::TriggerRow>(
      statement, [](const io::Statement& row) -> Result<run::TriggerRow> {
        return run::TriggerRow{flow::FlowName(row.text(0)), row.text(1), row.time(2), row.text(3),
                               row.integer(4)};
      });
}

Result<std::vector<run::DatasetRow>> Reader::last_datasets() {
  // From name to name in the index: the cost does not grow with the updates.
  TIDEMILL_TRY_LET(
      statement,
      connection_.prepare("WITH RECURSIVE name (n) AS (SELECT min(dataset) FROM dataset UNION ALL "
                          "SELECT (SELECT min(dataset) FROM dataset WHERE dataset > n) FROM name "
                          "WHERE n IS NOT NULL) "
                          "SELECT dataset, sequence, run, task, at FROM name JOIN dataset d ON "
                          "d.dataset = n AND sequence = (SELECT max(sequence) FROM dataset WHERE "
                          "dataset = n)"));
  return read_all<run::DatasetRow>(
      statement, [](const io::Statement& row) -> Result<run::DatasetRow> {
        return run::DatasetRow{row.text(0), row.integer(1), run::RunId(row.text(2)), row.text(3),
                               row.time(4)};
      });
}

Result<std::vector<run::AlertRow>> Reader::list_alerts() {
  TIDEMILL_TRY_LET(statement, connection_.prepare("SELECT id, due, body FROM alert"));
  return read_all<run::AlertRow>(statement, [](io::Statement& row) -> Result<run::AlertRow> {
    TIDEMILL_TRY_LET(body, parse_json(row.text(2)));
    return run::AlertRow{row.text(0), row.time(1), std::move(body)};
  });
}

Result<std::vector<run::TokenRow>> Reader::list_tokens() {
  TIDEMILL_TRY_LET(statement,
                   connection_.prepare("SELECT name, hash, created, expires FROM token"));
  return read_all<run::TokenRow>(statement, [](const io::Statement& row) -> Result<run::TokenRow> {
    return run::TokenRow{row.text(0), row.text(1), row.time(2), row.time(3)};
  });
}

}  // namespace tidemill::store
