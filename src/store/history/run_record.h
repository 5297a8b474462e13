// A finished run as history keeps it: the columns of its rows, outside of SQLite.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace tidemill::io {
class Statement;
}

namespace tidemill::store {

// One row. Reads as a stepped io::Statement does; a column that it does not have is null.
class Cells {
 public:
  using Cell = std::variant<std::monostate, int64_t, std::string, double>;

  Cells() = default;
  explicit Cells(const io::Statement& row);

  std::string text(int column) const;
  int64_t integer(int column) const;
  bool is_null(int column) const;
  Time time(int column) const { return {integer(column)}; }
  std::optional<Time> optional_time(int column) const;

  std::vector<Cell> cells;
};

struct RunRecord {
  Cells run;
  std::vector<Cells> tasks;
  std::vector<Cells> attempts;
  std::vector<Cells> chains;
};

std::string pack(const RunRecord& record);
Result<RunRecord> unpack(std::string_view bytes);
// The files in values/ that its rows name, without the '@'.
std::vector<std::string> values_of(const RunRecord& record);
// Binds every cell.
void bind_cells(io::Statement& statement, const Cells& row);

}  // namespace tidemill::store
