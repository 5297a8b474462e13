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
       "SELECT key.flow, key.key, key.run, key.at, key.reason, run.state, run.body_hash FROM key "
       "LEFT JOIN run ON run.id = key.run WHERE key.flow=? AND key.key=?"},
      {reader->load_run_, fmt::format("SELECT {} FROM run WHERE id=?", kRunColumns)},
      {reader->tasks_,
       fmt::format("SELECT {} FROM task WHERE run=? ORDER BY task, item", kTaskColumns)},
      {reader->chains_, "SELECT run, number, at, entries FROM chain WHERE run=? ORDER BY number"},
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

Result<std::optional<run::StoredRun>> Reader::load_run(const run::RunId& id) {
  load_run_.add(id.value);
  TIDEMILL_TRY_LET(rows, read_all<run::RunRow>(load_run_, read_run));
  if (rows.empty()) return std::optional<run::StoredRun>();
  run::StoredRun stored;
  stored.row = std::move(rows[0]);
  TIDEMILL_TRY_LET(tasks, tasks_of(id));
  stored.tasks = std::move(tasks);
  TIDEMILL_TRY_LET(chains, chains_of(id));
  stored.chains = std::move(chains);
  return std::optional<run::StoredRun>(std::move(stored));
}

Result<std::vector<run::TaskRow>> Reader::tasks_of(const run::RunId& id) {
  tasks_.add(id.value);
  TIDEMILL_TRY_LET(rows, read_all<run::TaskRow>(tasks_, read_task));
  for (run::TaskRow& row : rows) {
    TIDEMILL_TRY_LET(value, fetch_value(std::move(row.value), folder_, files_));
    row.value = std::move(value);
  }
  return std::move(rows);
}

Result<std::vector<run::ChainRow>> Reader::chains_of(const run::RunId& id) {
  chains_.add(id.value);
  auto const read = [&](const io::Statement& row) -> Result<run::ChainRow> {
    run::ChainRow chain;
    chain.run = run::RunId(row.text(0));
    chain.number = static_cast<int32_t>(row.integer(1));
    chain.at = row.time(2);
    TIDEMILL_TRY_LET(text, fetch_value(row.text(3), folder_, files_));
    TIDEMILL_TRY_LET(entries, parse_chain(text));
    chain.entries = std::move(entries);
    return chain;
  };
  return read_all<run::ChainRow>(chains_, read);
}

Result<std::vector<run::AttemptRow>> Reader::attempts_of(const run::RunId& id) {
  TIDEMILL_TRY_LET(statement,
                   connection_.prepare(fmt::format(
                       "SELECT {} FROM attempt WHERE run=? ORDER BY started, task, item, attempt",
                       kAttemptColumns)));
  statement.add(id.value);
  return read_all<run::AttemptRow>(statement, read_attempt);
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
  return read_all<run::RunRow>(statement, read_run);
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
  TIDEMILL_TRY_LET(
      statement, connection_.prepare("SELECT dataset, sequence, run, task, at FROM dataset d WHERE "
                                     "sequence = (SELECT max(sequence) FROM dataset WHERE "
                                     "dataset = d.dataset)"));
  return read_all<run::DatasetRow>(
      statement, [](const io::Statement& row) -> Result<run::DatasetRow> {
        return run::DatasetRow{row.text(0), row.integer(1), run::RunId(row.text(2)), row.text(3),
                               row.time(4)};
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
