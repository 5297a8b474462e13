// A thin wrap of SQLite's C interface: connections and statements with errors as values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

struct sqlite3;
struct sqlite3_stmt;

namespace tidemill::io {

// A prepared statement. Use: reset(), bind in order with add(), then step() until it answers false.
class Statement {
 public:
  Statement() = default;
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  ~Statement();

  void reset();
  // Text is not copied: it must live until the next reset().
  Statement& add(std::string_view text);
  Statement& add(int64_t number);
  Statement& add(double number);
  Statement& add_blob(std::string_view bytes);
  Statement& add_null();
  Statement& add(Time time) { return add(time.us); }
  Statement& add(std::optional<Time> time);
  // True: a row is there. False: done.
  Result<bool> step();
  // step() of a statement without rows.
  Status run();

  int columns() const;
  std::string column_name(int column) const;
  enum class Type { kInteger, kFloat, kText, kBlob, kNull };
  Type type(int column) const;
  std::string text(int column) const;
  int64_t integer(int column) const;
  double real(int column) const;
  bool is_null(int column) const;
  Time time(int column) const { return {integer(column)}; }
  std::optional<Time> optional_time(int column) const;
  bool is_readonly() const;
  int parameter_count() const;

 private:
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
};

// One connection. One thread at a time.
class Connection {
 public:
  enum class Mode { kWriter, kReader, kClient };
  // A writer makes the file. A reader needs it and never checkpoints. A client uses somebody else's
  // file with SQLite's own defaults; it needs the file too. `vfs` names what SQLite keeps the file
  // on: "" is the machine's disk.
  static Result<Connection> open(const std::string& path, Mode mode, const std::string& vfs = "");
  Connection() = default;
  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&& other) noexcept;
  ~Connection();

  Status execute(const char* sql);
  Result<Statement> prepare(std::string_view sql);
  int64_t changes() const;  // rows changed by the last statement
  // Moves what readers allow from the WAL into the file. Answers the pages that the WAL holds.
  Result<int64_t> checkpoint();
  int64_t wal_pages() const { return wal_pages_ ? *wal_pages_ : 0; }

 private:
  sqlite3* database_ = nullptr;
  int64_t* wal_pages_ = nullptr;  // written by SQLite's hook after each commit
};

// Writes the WAL beside the database `path` once more, as it is, and syncs it; nothing if there is
// none. A failed sync leaves in the system's memory what is not on the disk and is taken for
// written: the next process would read it, build on it, and lose both when power fails. Before any
// connection to `path` is open.
Status rewrite_wal(const std::string& path, const std::string& vfs = "");

// An answer of SQLite as an error: `exhausted` for a full disk, `conflict` for a broken constraint,
// `unavailable` for busy, `unknown` for a failed fsync, `internal` for the rest.
Error sqlite_error(sqlite3* database, std::string_view what);

}  // namespace tidemill::io
