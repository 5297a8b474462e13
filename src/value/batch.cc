#include "value/batch.h"

#include "base/check.h"
#include "base/text.h"

namespace tidemill::value {

Batch::Batch(std::shared_ptr<const Names> names, std::vector<Column> columns, size_t rows)
    : names_(std::move(names)), columns_(std::move(columns)), rows_(rows) {
  TIDEMILL_CHECK(names_ && names_->size() == columns_.size());
  for (const Column& column : columns_) TIDEMILL_CHECK(column.size() == rows_);
}

Batch Batch::empty(std::vector<std::pair<std::string, Type>> columns) {
  auto names = std::make_shared<Names>();
  std::vector<Column> data;
  for (auto& [name, type] : columns) {
    names->push_back(std::move(name));
    data.emplace_back(std::move(type));
  }
  return Batch(std::move(names), std::move(data), 0);
}

int Batch::index_of(std::string_view name) const {
  for (size_t i = 0; i < names_->size(); ++i) {
    const std::string& own = (*names_)[i];
    if (own == name) return static_cast<int>(i);
    if (own.size() == name.size() && to_lower_ascii(own) == to_lower_ascii(name)) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

const Column* Batch::find(std::string_view name) const {
  const int i = index_of(name);
  return i < 0 ? nullptr : &columns_[static_cast<size_t>(i)];
}

void Batch::append_row(const std::vector<Value>& row) {
  TIDEMILL_CHECK(row.size() == columns_.size());
  for (size_t i = 0; i < row.size(); ++i) columns_[i].append(row[i]);
  ++rows_;
}

void Batch::add_column(std::string name, Column column) {
  TIDEMILL_CHECK(columns_.empty() || column.size() == rows_);
  auto names = std::make_shared<Names>(*names_);
  names->push_back(std::move(name));
  names_ = std::move(names);
  rows_ = column.size();
  columns_.push_back(std::move(column));
}

}  // namespace tidemill::value
