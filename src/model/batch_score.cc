#include "model/batch_score.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/check.h"
#include "value/decimal.h"
#include "value/int128.h"

namespace tidemill::model {
namespace {

using value::Column;
using value::Kind;

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
constexpr double kRefused = std::numeric_limits<double>::infinity();

// Writes one column into every `stride`-th place of `out`.
template <class T, class Convert>
void fill_column(const Column& column, double* out, size_t stride, Convert convert) {
  const T* values = column.values<T>();
  const uint8_t* valid = column.validity();
  for (size_t row = 0; row < column.size(); ++row) {
    out[row * stride] = valid[row] != 0 ? convert(values[row]) : kMissing;
  }
}

template <class T>
void fill_numbers(const Column& column, double* out, size_t stride) {
  fill_column<T>(column, out, stride, [](T v) { return static_cast<double>(v); });
}

void fill_decimals(const Column& column, double* out, size_t stride) {
  fill_column<value::int128>(column, out, stride, [scale = column.type().scale()](value::int128 v) {
    return value::decimal_to_double(v, scale);
  });
}

void fill_nulls(const Column& column, double* out, size_t stride) {
  for (size_t row = 0; row < column.size(); ++row) out[row * stride] = kMissing;
}

struct Filler {
  Kind kind;
  void (*fill)(const Column& column, double* out, size_t stride);
};
constexpr Filler kFillers[] = {
    {Kind::kNull, fill_nulls},
    {Kind::kBool, fill_numbers<uint8_t>},
    {Kind::kInt8, fill_numbers<int8_t>},
    {Kind::kInt16, fill_numbers<int16_t>},
    {Kind::kInt32, fill_numbers<int32_t>},
    {Kind::kInt64, fill_numbers<int64_t>},
    {Kind::kInt128, fill_numbers<value::int128>},
    {Kind::kUint8, fill_numbers<uint8_t>},
    {Kind::kUint16, fill_numbers<uint16_t>},
    {Kind::kUint32, fill_numbers<uint32_t>},
    {Kind::kUint64, fill_numbers<uint64_t>},
    {Kind::kUint128, fill_numbers<value::uint128>},
    {Kind::kFloat, fill_numbers<float>},
    {Kind::kDouble, fill_numbers<double>},
    {Kind::kDecimal, fill_decimals},
};

}  // namespace

BatchScorer::BatchScorer(const FlatModel& model, FeatureMap map)
    : model_(model), map_(std::move(map)), scratch_(model) {}

Status BatchScorer::score(const value::Batch& batch) {
  const size_t rows = batch.rows();
  rows_.resize(rows * model_.features());
  margins_.resize(rows * model_.outputs());
  predictions_.resize(rows * model_.predictions());
  refused_.resize(rows);
  reasons_.clear();
  for (uint32_t feature = 0; feature < model_.features(); ++feature) {
    const uint32_t index = map_.columns()[feature];
    TIDEMILL_CHECK(index < batch.width());
    TIDEMILL_TRY(fill(feature, batch.column(index)));
  }
  // A row is named once, with the first of its features that is wrong.
  const auto by_row = [](const Refused& a, const Refused& b) { return a.row < b.row; };
  std::stable_sort(reasons_.begin(), reasons_.end(), by_row);
  const auto same_row = [](const Refused& a, const Refused& b) { return a.row == b.row; };
  reasons_.erase(std::unique(reasons_.begin(), reasons_.end(), same_row), reasons_.end());
  score_rows(model_, rows_, scratch_, margins_, refused_);
  size_t named = 0;
  const size_t wrong_texts = reasons_.size();
  for (size_t row = 0; row < rows; ++row) {
    const std::span<double> out(predictions_.data() + row * model_.predictions(),
                                model_.predictions());
    if (refused_[row] == 0) {
      predict(model_, margin(row), scratch_, out);
      continue;
    }
    std::fill(out.begin(), out.end(), kMissing);
    if (named < wrong_texts && reasons_[named].row == row) {
      ++named;
      continue;
    }
    const auto values = std::span(rows_).subspan(row * model_.features(), model_.features());
    reasons_.push_back({row, why_refused(model_, values)});
  }
  std::sort(reasons_.begin(), reasons_.end(), by_row);
  return {};
}

std::span<const double> BatchScorer::margin(size_t row) const {
  return std::span(margins_).subspan(row * model_.outputs(), model_.outputs());
}

std::span<const double> BatchScorer::prediction(size_t row) const {
  return std::span(predictions_).subspan(row * model_.predictions(), model_.predictions());
}

Status BatchScorer::fill(uint32_t feature, const Column& column) {
  const Kind kind = column.type().kind();
  for (const auto& filler : kFillers) {
    if (filler.kind != kind) continue;
    filler.fill(column, rows_.data() + feature, model_.features());
    return {};
  }
  if (kind == Kind::kVarchar && model_.categories(feature) != 0) return fill_codes(feature, column);
  return fail(Code::kInvalid,
              fmt::format("feature {} of the model is {}; its column is {}: cast it in the query",
                          model_.feature_name(feature),
                          model_.categories(feature) != 0 ? "a category" : "numeric",
                          column.type().name()));
}

Status BatchScorer::fill_codes(uint32_t feature, const Column& column) {
  for (size_t row = 0; row < column.size(); ++row) {
    double& out = rows_[row * model_.features() + feature];
    out = kMissing;
    if (!column.is_valid(row)) continue;
    auto code = map_.names().code(feature, column.text(row));
    out = code ? *code : kRefused;
    if (!code) reasons_.push_back({row, code.error().text()});
  }
  return {};
}

}  // namespace tidemill::model
