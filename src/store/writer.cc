#include "store/writer.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "store/row_codec.h"
#include "store/schema.h"

namespace tidemill::store {
namespace {

constexpr size_t kInlineValueBytes = 256u << 10;
constexpr size_t kValueFileBytes = 256u << 20;
constexpr int64_t kCheckpointPages = 4000;

Status run_once(io::Statement& statement) {
  Status const done = statement.run();
  statement.reset();
  return done;
}

}  // namespace

Result<std::unique_ptr<Writer>> Writer::open(const std::string& folder, io::Files& files,
                                             History& history, const std::string& vfs) {
  TIDEMILL_TRY_LET(connection,
                   io::Connection::open(folder + "/meta.db", io::Connection::Mode::kWriter, vfs));
  TIDEMILL_TRY(migrate(connection));
  std::unique_ptr<Writer> writer(new Writer(std::move(connection), folder, files, history));
  TIDEMILL_TRY(writer->prepare());
  TIDEMILL_TRY(writer->prepare_moves());
  return writer;
}

Status Writer::prepare() {
  struct Entry {
    io::Statement& statement;
    std::string sql;
  };
  Entry const entries[] = {
      {statements_.begin, "BEGIN IMMEDIATE"},
      {statements_.commit, "COMMIT"},
      {statements_.rollback, "ROLLBACK"},
      {statements_.insert_run,
       fmt::format("INSERT INTO run ({}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                   kRunColumns)},
      {statements_.update_run,
       // A finished run belongs to nobody: whoever reopens it owns it.
       "UPDATE run SET state=?1, cause=?2, deadline=?3, started=?4, finished=?5, error_code=?6, "
       "error=?7, epoch=?9 WHERE id=?8 AND "
       "(epoch=?9 OR (epoch < ?9 AND finished IS NOT NULL))"},
      {statements_.insert_key, "INSERT INTO key (flow,key,run,at,reason) VALUES (?,?,?,?,?)"},
      {statements_.upsert_task,
       fmt::format("INSERT INTO task ({}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?) "
                   "ON CONFLICT (run,task,item) DO UPDATE SET state=excluded.state, "
                   "attempt=excluded.attempt, failures=excluded.failures, width=excluded.width, "
                   "started=excluded.started, ended=excluded.ended, due=excluded.due, "
                   "error_code=excluded.error_code, error=excluded.error, value=excluded.value "
                   "WHERE excluded.attempt >= task.attempt",
                   kTaskColumns)},
      {statements_.insert_attempt,
       fmt::format("INSERT INTO attempt ({}) VALUES (?,?,?,?,?,?,?,?,?,?)", kAttemptColumns)},
      {statements_.insert_chain, "INSERT INTO chain (run,number,at,entries) VALUES (?,?,?,?)"},
      {statements_.upsert_trigger,
       "INSERT INTO trigger_state (flow,trigger,low_water,low_water_key,skipped) "
       "VALUES (?,?,?,?,?) ON CONFLICT (flow,trigger) DO UPDATE SET "
       "low_water=excluded.low_water, low_water_key=excluded.low_water_key, "
       "skipped=excluded.skipped"},
      {statements_.insert_dataset,
       "INSERT INTO dataset (dataset,sequence,run,task,at) VALUES (?,?,?,?,?)"},
      {statements_.purge_keys,
       "DELETE FROM key WHERE (flow, key) IN (SELECT flow, key FROM key WHERE flow=? AND at<? "
       "ORDER BY at LIMIT ?) AND NOT EXISTS "
       "(SELECT 1 FROM run WHERE run.id = key.run AND run.finished IS NULL)"},
      {statements_.insert_token, "INSERT INTO token (name,hash,created,expires) VALUES (?,?,?,?)"},
      {statements_.delete_token, "DELETE FROM token WHERE name=?"},
  };
  for (const Entry& entry : entries) {
    TIDEMILL_TRY_LET(statement, connection_.prepare(entry.sql));
    entry.statement = std::move(statement);
  }
  return {};
}

Status Writer::write(const run::Changes& changes) {
  TIDEMILL_TRY(run_once(statements_.begin));
  Status done = write_rows(changes);
  if (done) done = run_once(statements_.commit);
  if (!done) (void)run_once(statements_.rollback);
  return done;
}

// Two servers on one directory: the later owns it, whatever the lock file says.
Status Writer::check_epoch() {
  if (!epoch_) return {};
  auto const has_row = statements_.epoch.step();
  int64_t const stored = has_row && *has_row ? statements_.epoch.integer(0) : 0;
  statements_.epoch.reset();
  if (!has_row) return fail(has_row.error());
  if (stored == epoch_->value) return {};
  is_taken_over_ = true;
  return fail(Code::kTooLate,
              fmt::format("another server has taken over the store (its epoch is {}, this one's is "
                          "{})",
                          stored, epoch_->value));
}

Status Writer::write_rows(const run::Changes& changes) {
  TIDEMILL_TRY(check_epoch());
  TIDEMILL_TRY(write_runs(changes));
  TIDEMILL_TRY(write_tasks(changes));
  return write_rest(changes);
}

Status Writer::write_runs(const run::Changes& changes) {
  for (const run::KeyRow& key : changes.keys) {
    io::Statement& insert = statements_.insert_key;
    insert.add(key.flow.value).add(key.key.value);
    if (key.run) {
      insert.add(key.run->value);
    } else {
      insert.add_null();
    }
    insert.add(key.at).add(key.reason);
    TIDEMILL_TRY(run_once(insert));
  }
  for (const run::RunRow& row : changes.new_runs) {
    RunTexts const texts(row);
    bind_run(statements_.insert_run, row, texts);
    TIDEMILL_TRY(run_once(statements_.insert_run));
  }
  for (const run::RunRow& row : changes.runs) {
    TIDEMILL_TRY(update_run(row));
    if (connection_.changes() == 1) continue;
    TIDEMILL_TRY_LET(is_back, bring_back(row.id));
    if (is_back) TIDEMILL_TRY(update_run(row));
    if (!is_back || connection_.changes() != 1) {
      return fail(Code::kTooLate,
                  fmt::format("run {} belongs to another server now (this one is epoch {})",
                              row.id.value, row.epoch.value));
    }
  }
  return {};
}

Status Writer::update_run(const run::RunRow& row) {
  RunTexts const texts(row);
  io::Statement& update = statements_.update_run;
  update.add(word(row.state))
      .add(texts.cause)
      .add(row.deadline)
      .add(row.started)
      .add(row.finished)
      .add(row.error_code)
      .add(row.error)
      .add(row.id.value)
      .add(row.epoch.value);
  return run_once(update);
}

Status Writer::write_tasks(const run::Changes& changes) {
  for (const run::TaskRow& row : changes.tasks) {
    TIDEMILL_TRY_LET(value, place_value(row.value));
    io::Statement& upsert = statements_.upsert_task;
    upsert.add(row.run.value)
        .add(int64_t{row.task.value})
        .add(int64_t{row.item.value})
        .add(row.name)
        .add(word(row.state))
        .add(int64_t{row.attempt.value})
        .add(int64_t{row.failures})
        .add(int64_t{row.width})
        .add(row.started)
        .add(row.ended)
        .add(row.due)
        .add(row.error_code)
        .add(row.error)
        .add(value);
    TIDEMILL_TRY(run_once(upsert));
    if (connection_.changes() != 1) {
      return fail(Code::kTooLate, fmt::format("run {} task {}: attempt {} is not the newest",
                                              row.run.value, row.name, row.attempt.value));
    }
  }
  for (const run::AttemptRow& row : changes.attempts) {
    std::string const detail = row.detail.dump();
    io::Statement& insert = statements_.insert_attempt;
    insert.add(row.run.value)
        .add(int64_t{row.task.value})
        .add(int64_t{row.item.value})
        .add(int64_t{row.attempt.value})
        .add(word(row.state))
        .add(row.started)
        .add(row.ended)
        .add(row.error_code)
        .add(row.error)
        .add(detail);
    TIDEMILL_TRY(run_once(insert));
  }
  return {};
}

Status Writer::write_rest(const run::Changes& changes) {
  for (const run::ChainRow& row : changes.chains) {
    TIDEMILL_TRY_LET(entries, place_value(dump_chain(row.entries)));
    statements_.insert_chain.add(row.run.value).add(int64_t{row.number}).add(row.at).add(entries);
    TIDEMILL_TRY(run_once(statements_.insert_chain));
  }
  for (const run::TriggerRow& row : changes.triggers) {
    statements_.upsert_trigger.add(row.flow.value)
        .add(row.trigger)
        .add(row.low_water)
        .add(row.low_water_key)
        .add(row.skipped);
    TIDEMILL_TRY(run_once(statements_.upsert_trigger));
  }
  for (const run::DatasetRow& row : changes.datasets) {
    statements_.insert_dataset.add(row.dataset)
        .add(row.sequence)
        .add(row.run.value)
        .add(row.task)
        .add(row.at);
    TIDEMILL_TRY(run_once(statements_.insert_dataset));
  }
  for (const run::KeyPurge& purge : changes.purges) {
    statements_.purge_keys.add(purge.flow.value).add(purge.before).add(run::kPurgedKeys);
    TIDEMILL_TRY(run_once(statements_.purge_keys));
  }
  for (const run::TokenRow& row : changes.tokens) {
    statements_.insert_token.add(row.name).add(row.hash).add(row.created).add(row.expires);
    TIDEMILL_TRY(run_once(statements_.insert_token));
  }
  for (const std::string& name : changes.removed_tokens) {
    statements_.delete_token.add(name);
    TIDEMILL_TRY(run_once(statements_.delete_token));
  }
  return {};
}

Result<std::string> Writer::place_value(const std::string& value) {
  if (value.size() <= kInlineValueBytes) return value;
  std::string const digest = sha256_hex(value);
  std::string const path = fmt::format("{}/values/{}", folder_, digest);
  if (!files_.info(path)) TIDEMILL_TRY(files_.write(path, value, 0600));
  return "@" + digest;
}

Result<std::string> fetch_value(std::string stored, const std::string& folder, io::Files& files) {
  if (stored.empty() || stored[0] != '@') return stored;
  return files.read(fmt::format("{}/values/{}", folder, stored.substr(1)), kValueFileBytes);
}

Result<run::Epoch> Writer::take_epoch() {
  TIDEMILL_TRY(connection_.execute(
      "BEGIN IMMEDIATE; UPDATE meta SET value=value+1 WHERE name='epoch';"
      "UPDATE run SET epoch=(SELECT value FROM meta WHERE name='epoch') WHERE finished IS NULL;"
      "COMMIT;"));
  TIDEMILL_TRY_LET(statement, connection_.prepare("SELECT value FROM meta WHERE name='epoch'"));
  TIDEMILL_TRY_LET(has_row, statement.step());
  if (!has_row) return fail(Code::kInternal, "meta.db has no epoch");
  epoch_ = run::Epoch(statement.integer(0));
  return *epoch_;
}

// By what has been added since the last time: while somebody reads an old state the WAL goes on
// growing, and to move a few pages after every commit would cost each of them two more fsyncs.
Status Writer::checkpoint_if_large() {
  int64_t const pages = connection_.wal_pages();
  if (pages < checkpointed_pages_) checkpointed_pages_ = 0;  // it began anew
  if (pages - checkpointed_pages_ < kCheckpointPages) return {};
  checkpointed_pages_ = pages;
  ++checkpoints_;
  TIDEMILL_TRY_LET(left, connection_.checkpoint());
  (void)left;
  return {};
}

}  // namespace tidemill::store
