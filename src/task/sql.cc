#include "task/sql.h"

#include <fmt/format.h>

#include "io/sqlite.h"
#include "value/json.h"

namespace tidemill::task {
namespace {

constexpr size_t kMaxRows = 100'000;

void bind(io::Statement& statement, const value::Value& value, std::string& text) {
  if (value.is_null()) {
    statement.add_null();
    return;
  }
  value::Kind const kind = value.type().kind();
  if (kind == value::Kind::kBool) {
    statement.add(int64_t{value.as_bool()});
  } else if (value.type().is_integer()) {
    statement.add(static_cast<int64_t>(value.as_int()));
  } else if (kind == value::Kind::kDouble || kind == value::Kind::kFloat) {
    statement.add(value.as_double());
  } else {
    text = value.to_text();
    statement.add(std::string_view(text));
  }
}

Json cell(const io::Statement& statement, int column) {
  switch (statement.type(column)) {
    case io::Statement::Type::kInteger:
      return Json(statement.integer(column));
    case io::Statement::Type::kFloat:
      return Json(statement.real(column));
    case io::Statement::Type::kText:
    case io::Statement::Type::kBlob:
      return Json(statement.text(column));
    case io::Statement::Type::kNull:
      return {};
  }
  return {};
}

}  // namespace

Result<Json> query_sqlite(const std::string& path, const std::string& sql,
                          const std::vector<value::Value>& params) {
  TIDEMILL_TRY_LET(connection, io::Connection::open(path, io::Connection::Mode::kClient));
  TIDEMILL_TRY_LET(statement, connection.prepare(sql));
  if (statement.parameter_count() > static_cast<int>(params.size())) {
    return fail(Code::kInvalid, fmt::format("the statement has {} parameters, {} are given",
                                            statement.parameter_count(), params.size()));
  }
  std::vector<std::string> texts(params.size());
  for (size_t i = 0; i < params.size(); ++i) bind(statement, params[i], texts[i]);
  Json rows = Json::array();
  while (true) {
    TIDEMILL_TRY_LET(has_row, statement.step());
    if (!has_row) break;
    if (rows.as_array().size() == kMaxRows) {
      return fail(Code::kExhausted, fmt::format("more than {} rows; add a LIMIT", kMaxRows));
    }
    Json row = Json::object();
    for (int c = 0; c < statement.columns(); ++c)
      row.set(statement.column_name(c), cell(statement, c));
    rows.push(std::move(row));
  }
  return rows;
}

SqlRunner::SqlRunner(std::string project_folder, io::Executor& executor, io::Loop& loop)
    : databases_(std::make_shared<Databases>(std::move(project_folder), executor, loop, nullptr)) {}

void SqlRunner::start(const Work& work, const flow::Scope& scope, Done done) {
  const auto& settings = std::get<flow::SqlSettings>(work.task().settings);
  auto params = sql_params(settings, scope);
  if (!params) {
    done(run::Outcome::failure(params.error()));
    return;
  }
  std::string const id = work.attempt_id();
  Duration const timeout =
      std::min(work.task().timeout.value_or(Databases::kLongest), Databases::kLongest);
  auto const ticket = databases_->run(settings, std::move(*params), timeout,
                                      [this, id, done](Result<flow::TaskValuePtr> value) {
                                        open_.erase(id);
                                        if (value) {
                                          done(run::Outcome::success(std::move(*value)));
                                        } else if (value.error().code == Code::kUnknown) {
                                          done(run::Outcome::unknown(value.error().text()));
                                        } else {
                                          done(run::Outcome::failure(value.error()));
                                        }
                                      });
  if (!ticket.expired()) open_[id] = ticket;
}

void SqlRunner::stop(const Work& work) {
  auto const found = open_.find(work.attempt_id());
  if (found != open_.end()) databases_->cancel(found->second);
}

}  // namespace tidemill::task
