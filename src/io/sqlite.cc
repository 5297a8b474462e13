// Wraps SQLite; no type of it leaves the room.
#include "io/sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/check.h"

namespace tidemill::io {

Statement::Statement(Statement&& other) noexcept
    : statement_(std::exchange(other.statement_, nullptr)), bound_(other.bound_) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(statement_, other.statement_);
  bound_ = other.bound_;
  return *this;
}

Statement::~Statement() { sqlite3_finalize(statement_); }

void Statement::reset() {
  sqlite3_reset(statement_);
  bound_ = 0;
}

Statement& Statement::add(std::string_view text) {
  const char* data = text.data() == nullptr ? "" : text.data();
  sqlite3_bind_text64(statement_, ++bound_, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}
Statement& Statement::add(int64_t number) {
  sqlite3_bind_int64(statement_, ++bound_, number);
  return *this;
}
Statement& Statement::add(double number) {
  sqlite3_bind_double(statement_, ++bound_, number);
  return *this;
}
Statement& Statement::add_blob(std::string_view bytes) {
  const char* data = bytes.data() == nullptr ? "" : bytes.data();
  sqlite3_bind_blob64(statement_, ++bound_, data, bytes.size(), SQLITE_STATIC);
  return *this;
}
Statement& Statement::add_null() {
  sqlite3_bind_null(statement_, ++bound_);
  return *this;
}
Statement& Statement::add(std::optional<Time> time) {
  return time ? add(time->us) : add_null();
}

Result<bool> Statement::step() {
  int const answer = sqlite3_step(statement_);
  if (answer == SQLITE_ROW) return true;
  if (answer == SQLITE_DONE) return false;
  return fail(sqlite_error(sqlite3_db_handle(statement_), sqlite3_sql(statement_)));
}

Status Statement::run() {
  TIDEMILL_TRY_LET(has_row, step());
  (void)has_row;
  return {};
}

int Statement::columns() const { return sqlite3_column_count(statement_); }
std::string Statement::column_name(int column) const {
  const char* name = sqlite3_column_name(statement_, column);
  return name == nullptr ? "" : name;
}
Statement::Type Statement::type(int column) const {
  switch (sqlite3_column_type(statement_, column)) {
    case SQLITE_INTEGER: return Type::kInteger;
    case SQLITE_FLOAT: return Type::kFloat;
    case SQLITE_TEXT: return Type::kText;
    case SQLITE_BLOB: return Type::kBlob;
    default: return Type::kNull;
  }
}
std::string Statement::text(int column) const {
  const void* bytes = type(column) == Type::kBlob ? sqlite3_column_blob(statement_, column)
                                                  : sqlite3_column_text(statement_, column);
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes),
          static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}
int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_, column); }
double Statement::real(int column) const { return sqlite3_column_double(statement_, column); }
bool Statement::is_null(int column) const { return type(column) == Type::kNull; }
std::optional<Time> Statement::optional_time(int column) const {
  if (is_null(column)) return std::nullopt;
  return Time{integer(column)};
}
bool Statement::is_readonly() const { return sqlite3_stmt_readonly(statement_) != 0; }
int Statement::parameter_count() const { return sqlite3_bind_parameter_count(statement_); }

Result<Connection> Connection::open(const std::string& path, Mode mode,
                                    const std::string& vfs) {
  Connection connection;
  int const flags = mode == Mode::kWriter ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                                          : SQLITE_OPEN_READWRITE;
  int const answer = sqlite3_open_v2(path.c_str(), &connection.database_,
                                     flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                                     vfs.empty() ? nullptr : vfs.c_str());
  if (answer != SQLITE_OK) return fail(sqlite_error(connection.database_, "open " + path));
  sqlite3_busy_timeout(connection.database_, 5000);
  if (mode == Mode::kClient) return connection;
  TIDEMILL_TRY(connection.execute("PRAGMA mmap_size=0; PRAGMA foreign_keys=ON;"));
  if (mode == Mode::kReader) {
    sqlite3_db_config(connection.database_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    TIDEMILL_TRY(connection.execute("PRAGMA query_only=ON; PRAGMA cache_size=-1024;"));
    return connection;
  }
  // Many runs at once touch a page each in every turn; what is read again from the WAL costs more
  // than the row that is written.
  TIDEMILL_TRY(connection.execute("PRAGMA cache_size=-32768;"));
  connection.wal_pages_ = new int64_t(0);
  // The hook replaces SQLite's own checkpoints: the writer decides when.
  sqlite3_wal_hook(
      connection.database_,
      [](void* pages, sqlite3*, const char*, int count) {
        *static_cast<int64_t*>(pages) = count;
        return SQLITE_OK;
      },
      connection.wal_pages_);
  return connection;
}

namespace {

constexpr int kRewriteBytes = 1 << 16;  // SQLite writes no more than 128 KiB in one call

Error wal_error(std::string_view action, const std::string& path, int answer) {
  bool const is_full = (answer & 0xFF) == SQLITE_FULL;
  bool const is_sync = answer == SQLITE_IOERR_FSYNC;
  return {is_sync   ? Code::kUnknown
          : is_full ? Code::kExhausted
                    : Code::kUnavailable,
          fmt::format("cannot {} {} ({})", action, path, sqlite3_errstr(answer)),
          {}};
}

Status rewrite(sqlite3_file* file, const std::string& path) {
  sqlite3_int64 size = 0;
  if (int const answer = file->pMethods->xFileSize(file, &size); answer != SQLITE_OK) {
    return fail(wal_error("look at", path, answer));
  }
  std::string bytes(kRewriteBytes, '\0');
  for (sqlite3_int64 at = 0; at < size; at += kRewriteBytes) {
    int const count = static_cast<int>(std::min<sqlite3_int64>(kRewriteBytes, size - at));
    if (int const answer = file->pMethods->xRead(file, bytes.data(), count, at);
        answer != SQLITE_OK) {
      return fail(wal_error("read", path, answer));
    }
    if (int const answer = file->pMethods->xWrite(file, bytes.data(), count, at);
        answer != SQLITE_OK) {
      return fail(wal_error("write", path, answer));
    }
  }
  if (int const answer = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL); answer != SQLITE_OK) {
    return fail(wal_error("sync", path, answer));
  }
  return {};
}

}  // namespace

Status rewrite_wal(const std::string& path, const std::string& vfs) {
  sqlite3_vfs* const disk = sqlite3_vfs_find(vfs.empty() ? nullptr : vfs.c_str());
  if (disk == nullptr) return fail(Code::kInternal, "SQLite knows no disk " + vfs);
  std::string const wal = path + "-wal";
  int exists = 0;
  if (disk->xAccess(disk, wal.c_str(), SQLITE_ACCESS_EXISTS, &exists) != SQLITE_OK || exists == 0) {
    return {};
  }
  // SQLite asks for a name that its own functions made.
  sqlite3_filename const name =
      sqlite3_create_filename(path.c_str(), (path + "-journal").c_str(), wal.c_str(), 0, nullptr);
  if (name == nullptr) return fail(Code::kExhausted, "out of memory");
  std::vector<std::max_align_t> memory(static_cast<size_t>(disk->szOsFile) /
                                           sizeof(std::max_align_t) + 1);
  auto* const file = reinterpret_cast<sqlite3_file*>(memory.data());
  int const opened = disk->xOpen(disk, sqlite3_filename_wal(name), file,
                                 SQLITE_OPEN_READWRITE | SQLITE_OPEN_WAL, nullptr);
  Status done = opened == SQLITE_OK ? rewrite(file, wal) : fail(wal_error("open", wal, opened));
  if (opened == SQLITE_OK) file->pMethods->xClose(file);
  sqlite3_free_filename(name);
  return done;
}

Connection::Connection(Connection&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)),
      wal_pages_(std::exchange(other.wal_pages_, nullptr)) {}

Connection& Connection::operator=(Connection&& other) noexcept {
  std::swap(database_, other.database_);
  std::swap(wal_pages_, other.wal_pages_);
  return *this;
}

Connection::~Connection() {
  sqlite3_close_v2(database_);
  delete wal_pages_;
}

Status Connection::execute(const char* sql) {
  if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    return fail(sqlite_error(database_, sql));
  }
  return {};
}

Result<Statement> Connection::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const char* tail = nullptr;
  int const answer = sqlite3_prepare_v3(database_, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, &tail);
  if (answer != SQLITE_OK) return fail(sqlite_error(database_, sql));
  if (statement == nullptr) return fail(Code::kInvalid, "the SQL text holds no statement");
  Statement prepared(statement);
  std::string_view rest(tail, static_cast<size_t>(sql.data() + sql.size() - tail));
  if (rest.find_first_not_of(" \t\r\n;") != std::string_view::npos) {
    return fail(Code::kInvalid, "more than one SQL statement; expected one");
  }
  return prepared;
}

int64_t Connection::changes() const { return sqlite3_changes64(database_); }

Result<int64_t> Connection::checkpoint() {
  int pages = 0;
  int moved = 0;
  int const answer = sqlite3_wal_checkpoint_v2(database_, nullptr, SQLITE_CHECKPOINT_PASSIVE,
                                               &pages, &moved);
  if (answer != SQLITE_OK && answer != SQLITE_BUSY) {
    return fail(sqlite_error(database_, "checkpoint"));
  }
  if (wal_pages_ != nullptr) *wal_pages_ = pages - moved;
  return pages - moved;
}

Error sqlite_error(sqlite3* database, std::string_view what) {
  int const extended = database == nullptr ? SQLITE_NOMEM : sqlite3_extended_errcode(database);
  std::string const reason = database == nullptr ? "out of memory" : sqlite3_errmsg(database);
  Code code = Code::kInternal;
  if (extended == SQLITE_IOERR_FSYNC || extended == SQLITE_IOERR_DIR_FSYNC) {
    code = Code::kUnknown;
  } else if ((extended & 0xFF) == SQLITE_FULL) {
    code = Code::kExhausted;
  } else if ((extended & 0xFF) == SQLITE_CONSTRAINT) {
    code = Code::kConflict;
  } else if ((extended & 0xFF) == SQLITE_BUSY || (extended & 0xFF) == SQLITE_LOCKED ||
             (extended & 0xFF) == SQLITE_IOERR) {
    code = Code::kUnavailable;
  } else if ((extended & 0xFF) == SQLITE_ERROR) {
    code = Code::kInvalid;
  }
  return {code, fmt::format("SQLite: {} ({})", reason, extended),
          std::string(what.substr(0, 80))};
}

}  // namespace tidemill::io
