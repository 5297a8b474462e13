// The columns that a name can mean at one place of a query. Private to this room.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sql/bound.h"

namespace tidemill::sql {

struct ScopeColumn {
  std::string table;  // the alias; "" of a derived column
  std::string name;
  value::Type type;
  bool is_hidden = false;                   // the right side of USING: only by its qualified name
  bool is_null = false;                     // no column stands there: an untyped NULL
  std::shared_ptr<std::vector<bool>> used;  // of a scan: marks what is read
  size_t used_index = 0;
  BoundPtr merged;  // of FULL JOIN USING: the value of the unqualified name
};

class Scope {
 public:
  void add(ScopeColumn column) { columns_.push_back(std::move(column)); }
  void add_table(std::string name, bool is_open) { tables_.push_back({std::move(name), is_open}); }
  const std::vector<ScopeColumn>& columns() const { return columns_; }
  std::vector<ScopeColumn>& columns() { return columns_; }
  size_t size() const { return columns_.size(); }
  bool has_table(std::string_view name) const;
  // Both sides of a join.
  void append(const Scope& right);

  enum class Found { kYes, kNo, kOpen };
  // Column `index` for a name; kOpen if an open table may have it; an error if two match.
  Result<Found> find(std::string_view qualifier, std::string_view name, Position at,
                     size_t* index) const;
  // "no column 'scroe' in bureau; did you mean 'score'?"
  Error unknown(std::string_view qualifier, std::string_view name, Position at) const;
  BoundPtr column(size_t index, Position at) const;

 private:
  struct Table {
    std::string name;
    bool is_open;
  };
  std::vector<ScopeColumn> columns_;
  std::vector<Table> tables_;
};

bool same_name(std::string_view a, std::string_view b);

}  // namespace tidemill::sql
