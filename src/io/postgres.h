// A thin wrap of PostgreSQL's client library: one connection, statements with bound parameters,
// errors as values. Blocking, with a limit on time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace tidemill::io {

// The numbers of PostgreSQL's own types, from its catalogue pg_type.
enum class PostgresType : uint32_t {
  kUnknown = 0,  // the server infers it
  kBool = 16,
  kBytea = 17,
  kInt8 = 20,
  kInt2 = 21,
  kInt4 = 23,
  kText = 25,
  kJson = 114,
  kFloat4 = 700,
  kFloat8 = 701,
  kDate = 1082,
  kTime = 1083,
  kTimestamp = 1114,
  kTimestampTz = 1184,
  kInterval = 1186,
  kNumeric = 1700,
  kJsonb = 3802,
};

struct PostgresColumn {
  std::string name;
  PostgresType type = PostgresType::kUnknown;
  int32_t modifier = -1;  // of a numeric: precision and scale
};

struct PostgresParam {
  PostgresType type = PostgresType::kUnknown;
  std::optional<std::string> text;  // none: NULL
};

struct PostgresAnswer {
  std::vector<PostgresColumn> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;  // as PostgreSQL's text
  std::string command;                                        // "UPDATE 3"
};

struct PostgresLimits {
  Duration timeout = Duration::seconds(60);  // of one statement
  size_t rows = 100'000;
  size_t bytes = 64u << 20;
};

// Ends what a connection is doing. Any thread; blocks for the time of a connect.
class PostgresCancel {
 public:
  struct Impl;
  explicit PostgresCancel(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  void cancel() const;

 private:
  std::shared_ptr<Impl> impl_;
};

// One connection. One thread at a time.
class PostgresConnection {
 public:
  // `settings` are libpq's: "host=/run/postgresql dbname=app user=app". `password` "" : none.
  static Result<PostgresConnection> open(const std::string& settings, const std::string& password,
                                         Duration timeout);
  PostgresConnection(PostgresConnection&& other) noexcept;
  PostgresConnection& operator=(PostgresConnection&& other) noexcept;
  ~PostgresConnection();

  // One statement, in a transaction of its own. `unknown` when the connection broke while it ran:
  // nobody knows whether it had its effect. `too_late` when it ran longer than the limit.
  Result<PostgresAnswer> run(const std::string& sql, const std::vector<PostgresParam>& params,
                             const PostgresLimits& limits);
  // False once the connection is broken or the server has closed it.
  bool is_usable();
  PostgresCancel canceller() const;

 private:
  struct Impl;
  explicit PostgresConnection(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// What an SQLSTATE asks the caller to do.
Code postgres_code(std::string_view sqlstate);

}  // namespace tidemill::io
