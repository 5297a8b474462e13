// A batch: named columns of equal length. What tasks exchange, and what SQL reads and answers.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "value/column.h"

namespace tidemill::value {

class Batch {
 public:
  using Names = std::vector<std::string>;

  Batch() : names_(std::make_shared<Names>()) {}
  // `rows` matters only when there are no columns. Columns must be as many as names, equally long.
  Batch(std::shared_ptr<const Names> names, std::vector<Column> columns, size_t rows);
  // Empty columns of these names and types.
  static Batch empty(std::vector<std::pair<std::string, Type>> columns);

  size_t rows() const { return rows_; }
  size_t width() const { return columns_.size(); }
  const Names& names() const { return *names_; }
  const std::string& name(size_t i) const { return (*names_)[i]; }
  const Column& column(size_t i) const { return columns_[i]; }
  // The first column of that name (ASCII case does not matter), or null.
  const Column* find(std::string_view name) const;
  // -1 if there is none.
  int index_of(std::string_view name) const;
  Value at(size_t row, size_t column) const { return columns_[column].at(row); }

  // One value per column, of the column's type or null.
  void append_row(const std::vector<Value>& row);
  // The column must be as long as the batch, unless it is the first.
  void add_column(std::string name, Column column);

 private:
  std::shared_ptr<const Names> names_;
  std::vector<Column> columns_;
  size_t rows_ = 0;
};

}  // namespace tidemill::value
