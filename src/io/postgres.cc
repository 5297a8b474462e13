// Wraps libpq.
#include "io/postgres.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <mutex>

#include "base/text.h"

namespace tidemill::io {
namespace {

constexpr Duration kGrace = Duration::seconds(5);  // after the server's own time limit
constexpr size_t kShownMessage = 500;

struct ResultFree {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultPtr = std::unique_ptr<PGresult, ResultFree>;

std::string one_line(const char* message) {
  std::string text(trim(message == nullptr ? "" : message));
  std::replace(text.begin(), text.end(), '\n', ' ');
  return printable(text, kShownMessage);
}

Error error_of(const PGresult* result) {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  std::string const code = state == nullptr ? "" : state;
  return {postgres_code(code),
          fmt::format("{}{}", one_line(PQresultErrorMessage(result)),
                      code.empty() ? "" : fmt::format(" (SQLSTATE {})", code)),
          {}};
}

std::chrono::steady_clock::time_point end_of(Duration duration) {
  return std::chrono::steady_clock::now() + std::chrono::microseconds(duration.us);
}

}  // namespace

Code postgres_code(std::string_view state) {
  if (state == "57014") return Code::kTooLate;  // cancelled, or its time limit
  std::string_view const group = state.substr(0, 2);
  if (group == "08" || group == "53" || group == "57" || state == "40001" || state == "40P01" ||
      state == "55P03") {
    return Code::kUnavailable;
  }
  if (group == "28" || state == "42501") return Code::kDenied;
  if (state == "23505") return Code::kConflict;
  if (state.empty() || group == "XX" || group == "58") return Code::kInternal;
  return Code::kInvalid;
}

struct PostgresCancel::Impl {
  // The loop's thread cancels while a lane's thread closes: the handle must not go meanwhile.
  std::mutex mutex;
  PGcancel* handle = nullptr;
  ~Impl() { PQfreeCancel(handle); }
};

void PostgresCancel::cancel() const {
  const std::lock_guard lock(impl_->mutex);
  char message[256];
  // A request that does not arrive changes nothing: the statement has its own time limit.
  if (impl_->handle != nullptr) (void)PQcancel(impl_->handle, message, sizeof message);
}

struct PostgresConnection::Impl {
  PGconn* connection = nullptr;
  std::shared_ptr<PostgresCancel::Impl> cancel = std::make_shared<PostgresCancel::Impl>();
  Duration server_timeout;  // statement_timeout as it is set now
  ~Impl() {
    {
      const std::lock_guard lock(cancel->mutex);
      PQfreeCancel(cancel->handle);
      cancel->handle = nullptr;
    }
    PQfinish(connection);
  }

  Status set_timeout(Duration timeout) {
    if (timeout == server_timeout) return {};
    int64_t const ms = std::max<int64_t>(1, timeout.us / 1000);
    ResultPtr const done(PQexec(connection, fmt::format("SET statement_timeout = {}", ms).c_str()));
    if (PQresultStatus(done.get()) != PGRES_COMMAND_OK) return fail(error_of(done.get()));
    server_timeout = timeout;
    return {};
  }

  // Waits until the next result can be taken without blocking.
  Status wait(std::chrono::steady_clock::time_point end) {
    while (PQisBusy(connection) != 0) {
      auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(
          end - std::chrono::steady_clock::now());
      if (left.count() <= 0) {
        return fail(Code::kUnknown,
                    "the database did not answer in time; nobody knows whether the statement had "
                    "its effect");
      }
      pollfd one{PQsocket(connection), POLLIN, 0};
      (void)::poll(&one, 1, static_cast<int>(std::min<int64_t>(left.count(), 60'000)));
      if ((one.revents != 0) && PQconsumeInput(connection) == 0) {
        return fail(Code::kUnknown,
                    fmt::format("the connection broke while the statement ran ({}); nobody knows "
                                "whether it had its effect",
                                one_line(PQerrorMessage(connection))));
      }
    }
    return {};
  }

  void drop() {
    PQfinish(connection);
    connection = nullptr;
  }
};

PostgresConnection::PostgresConnection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PostgresConnection::PostgresConnection(PostgresConnection&& other) noexcept = default;
PostgresConnection& PostgresConnection::operator=(PostgresConnection&& other) noexcept = default;
PostgresConnection::~PostgresConnection() = default;

Result<PostgresConnection> PostgresConnection::open(const std::string& settings,
                                                    const std::string& password, Duration timeout) {
  std::string const seconds = std::to_string(std::max<int64_t>(2, timeout.us / 1'000'000));
  // The settings come first: what is listed after them wins.
  const char* names[] = {"dbname",           "password",        "connect_timeout",
                         "application_name", "client_encoding", nullptr};
  const char* values[] = {settings.c_str(), password.empty() ? nullptr : password.c_str(),
                          seconds.c_str(),  "tidemill",
                          "UTF8",           nullptr};
  auto impl = std::make_unique<Impl>();
  impl->connection = PQconnectdbParams(names, values, 1);
  if (PQstatus(impl->connection) != CONNECTION_OK) {
    std::string const message = one_line(PQerrorMessage(impl->connection));
    bool const is_denied = message.find("authentication failed") != std::string::npos ||
                           message.find("no password supplied") != std::string::npos;
    return fail(is_denied ? Code::kDenied : Code::kUnavailable, message);
  }
  PQsetNoticeProcessor(impl->connection, [](void*, const char*) {}, nullptr);
  impl->cancel->handle = PQgetCancel(impl->connection);
  ResultPtr const styled(PQexec(impl->connection,
                                "SET datestyle = 'ISO'; SET timezone = 'UTC'; SET intervalstyle = "
                                "'postgres'; SET bytea_output = 'hex'"));
  if (PQresultStatus(styled.get()) != PGRES_COMMAND_OK) return fail(error_of(styled.get()));
  return PostgresConnection(std::move(impl));
}

bool PostgresConnection::is_usable() {
  if (impl_->connection == nullptr) return false;
  // What the server said meanwhile: a connection that it has closed is readable.
  pollfd one{PQsocket(impl_->connection), POLLIN, 0};
  if (::poll(&one, 1, 0) > 0 && PQconsumeInput(impl_->connection) == 0) return false;
  return PQstatus(impl_->connection) == CONNECTION_OK;
}

PostgresCancel PostgresConnection::canceller() const { return PostgresCancel(impl_->cancel); }

namespace {

void read_columns(const PGresult* result, PostgresAnswer& answer) {
  for (int c = 0; c < PQnfields(result); ++c) {
    answer.columns.push_back(
        {PQfname(result, c), static_cast<PostgresType>(PQftype(result, c)), PQfmod(result, c)});
  }
}

// False once there is more than the limits allow.
bool read_rows(const PGresult* result, const PostgresLimits& limits, size_t& bytes,
               PostgresAnswer& answer) {
  int const columns = PQnfields(result);
  for (int r = 0; r < PQntuples(result); ++r) {
    std::vector<std::optional<std::string>> row;
    row.reserve(static_cast<size_t>(columns));
    for (int c = 0; c < columns; ++c) {
      if (PQgetisnull(result, r, c) != 0) {
        row.emplace_back();
        continue;
      }
      row.emplace_back(
          std::string(PQgetvalue(result, r, c), static_cast<size_t>(PQgetlength(result, r, c))));
      bytes += row.back()->size();
    }
    answer.rows.push_back(std::move(row));
    if (answer.rows.size() > limits.rows || bytes > limits.bytes) return false;
  }
  return true;
}

}  // namespace

Result<PostgresAnswer> PostgresConnection::run(const std::string& sql,
                                               const std::vector<PostgresParam>& params,
                                               const PostgresLimits& limits) {
  TIDEMILL_TRY(impl_->set_timeout(limits.timeout));
  std::vector<Oid> types;
  std::vector<const char*> values;
  for (const PostgresParam& param : params) {
    types.push_back(static_cast<Oid>(param.type));
    values.push_back(param.text ? param.text->c_str() : nullptr);
  }
  PGconn* const connection = impl_->connection;
  if (PQsendQueryParams(connection, sql.c_str(), static_cast<int>(params.size()), types.data(),
                        values.data(), nullptr, nullptr, 0) == 0) {
    return fail(Code::kUnavailable, one_line(PQerrorMessage(connection)));
  }
  (void)PQsetSingleRowMode(connection);
  auto const end = end_of(limits.timeout + kGrace);
  PostgresAnswer answer;
  std::optional<Error> error;
  size_t bytes = 0;
  while (true) {
    if (auto const ready = impl_->wait(end); !ready) {
      impl_->drop();
      return fail(ready.error());
    }
    ResultPtr const result(PQgetResult(connection));
    if (!result) break;
    ExecStatusType const status = PQresultStatus(result.get());
    if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) {
      impl_->drop();
      return fail(Code::kInvalid, "COPY from or to the client is not possible here");
    }
    if (status == PGRES_SINGLE_TUPLE || status == PGRES_TUPLES_OK) {
      if (answer.columns.empty()) read_columns(result.get(), answer);
      if (!error && !read_rows(result.get(), limits, bytes, answer)) {
        error = Error{
            Code::kExhausted,
            fmt::format("more than {} rows or {} bytes; add a LIMIT", limits.rows, limits.bytes),
            {}};
        answer.rows.clear();
        canceller().cancel();
      }
    }
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
      answer.command = PQcmdStatus(result.get());
    } else if (status != PGRES_SINGLE_TUPLE && !error) {
      error = error_of(result.get());
      if (PQstatus(connection) != CONNECTION_OK && error->code == Code::kInternal) {
        error->code = Code::kUnknown;
      }
    }
  }
  if (error) return fail(std::move(*error));
  return answer;
}

}  // namespace tidemill::io
