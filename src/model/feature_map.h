// Scoring by feature name: which column of an input feeds each feature of a model.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "model/flat.h"

namespace tidemill::model {

// Finds features and categories of a model by their text. Keeps views into the model's bytes.
// Immutable after make; any number of threads may read it.
class FeatureNames {
 public:
  explicit FeatureNames(const FlatModel& model);

  // Not found: the nearest name is suggested.
  Result<uint32_t> feature(std::string_view name) const;
  bool has_texts(uint32_t feature) const { return is_text(feature) || !codes_[feature].empty(); }
  bool is_text(uint32_t feature) const { return model_.is_text(feature); }
  bool contains(std::string_view name) const { return by_name_.contains(name); }
  // The code of a category's text. A text that the model does not know is refused, missing (NaN),
  // or in no set (-1), as the trainer has it. Refused: a numeric feature.
  Result<double> code(uint32_t feature, std::string_view category) const;
  // The code of a number given for a feature whose values are texts (FlatModel::is_text).
  Result<double> code_of_number(uint32_t feature, double number) const;
  std::string nearest(std::string_view name) const;

 private:
  FlatModel model_;
  std::unordered_map<std::string_view, uint32_t> by_name_;
  std::vector<std::unordered_map<std::string_view, uint32_t>> codes_;  // of features that have some
};

class FeatureMap {
 public:
  // `columns` are the names of the input's columns, in its order; more than the model needs are
  // fine. Refused: a feature without a column (all of them are listed, with the nearest column), a
  // needed name that two columns have.
  static Result<FeatureMap> make(const FlatModel& model, std::span<const std::string_view> columns);
  static Result<FeatureMap> make(const FlatModel& model, std::span<const std::string> columns);

  // For each feature of the model, the index of its column.
  std::span<const uint32_t> columns() const { return columns_; }
  const FeatureNames& names() const { return names_; }

 private:
  explicit FeatureMap(const FlatModel& model) : names_(model) {}
  FeatureNames names_;
  std::vector<uint32_t> columns_;
};

}  // namespace tidemill::model
