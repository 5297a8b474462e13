#include "task/model.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "base/text.h"
#include "model/score.h"

namespace tidemill::task {
namespace {

// Where a feature of the model is read.
struct FeatureSource {
  const value::Column* column = nullptr;
  std::optional<value::Value> constant;  // of `with`
  bool is_single = false;                // a table of one row beside a table of many
};

// A category's number stands for its text in models whose categories are texts.
Result<double> number_of(const LoadedModel& model, uint32_t feature, double number) {
  if (!model.names.is_text(feature)) return number;
  return model.names.code_of_number(feature, number);
}

Result<double> to_number(const LoadedModel& model, uint32_t feature, const value::Value& value) {
  if (value.is_null()) return std::numeric_limits<double>::quiet_NaN();
  switch (value.type().kind()) {
    case value::Kind::kBool:
      return value.as_bool() ? 1.0 : 0.0;
    case value::Kind::kFloat:
    case value::Kind::kDouble:
      return number_of(model, feature, value.as_double());
    case value::Kind::kVarchar:
      return model.names.code(feature, value.as_text());
    case value::Kind::kDecimal: {
      double const digits = static_cast<double>(value.as_int());
      return number_of(model, feature, digits / std::pow(10.0, value.type().scale()));
    }
    default:
      break;
  }
  if (value.type().is_integer()) {
    return number_of(model, feature, static_cast<double>(value.as_int()));
  }
  return fail(Code::kInvalid, fmt::format("feature '{}' is {}, expected a number",
                                          model.flat.feature_name(feature), value.type().name()));
}

Result<FeatureSource> find_source(const LoadedModel& model, uint32_t feature,
                                  const std::map<std::string, value::Value>& given,
                                  const flow::Scope& scope) {
  std::string const name(model.flat.feature_name(feature));
  FeatureSource source;
  if (auto const found = given.find(name); found != given.end()) {
    source.constant = found->second;
    return source;
  }
  std::string_view owner;
  bool is_missing_possible = false;
  for (const auto& [task, value] : scope.task_values()) {
    if (value->shape() == flow::TaskValue::Shape::kMissing) is_missing_possible = true;
    const value::Column* column = value->table().find(name);
    if (column == nullptr) continue;
    if (source.column != nullptr) {
      return fail(Code::kInvalid,
                  fmt::format("feature '{}' stands in {} and in {}; say which one by `with: {{ {}: "
                              "\"{{{{ {}.{} }}}}\" }}`",
                              name, owner, task, name, task, name));
    }
    source.column = column;
    source.is_single = value->table().rows() == 1;
    owner = task;
  }
  if (source.column != nullptr) return source;
  if (is_missing_possible) {
    source.constant = value::Value();
    return source;
  }
  std::vector<std::string> columns;
  for (const auto& [task, value] : scope.task_values()) {
    for (const std::string& column : value->table().names()) columns.push_back(column);
  }
  std::string const near = nearest_word(name, columns);
  return fail(Code::kNotFound,
              fmt::format("no needed task has the feature '{}'{}", name,
                          near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
}

// The rows to score: as many as the longest needed table that is read has.
Result<size_t> count_rows(const std::vector<FeatureSource>& sources) {
  size_t rows = 1;
  bool is_many = false;
  for (const FeatureSource& source : sources) {
    if (source.column == nullptr || source.is_single) continue;
    size_t const size = source.column->size();
    if (is_many && size != rows) {
      return fail(Code::kInvalid, fmt::format("the needed tables have {} and {} rows; join them in "
                                              "a calc first",
                                              rows, size));
    }
    rows = size;
    is_many = true;
  }
  return rows;
}

std::string numbered(std::string_view name, uint32_t i, uint32_t count) {
  return count == 1 ? std::string(name) : fmt::format("{}_{}", name, i);
}

value::Batch empty_result(const model::FlatModel& flat) {
  std::vector<std::pair<std::string, value::Type>> columns;
  value::Type const single(flat.is_float32() ? value::Kind::kFloat : value::Kind::kDouble);
  for (uint32_t i = 0; i < flat.predictions(); ++i) {
    columns.emplace_back(numbered("score", i, flat.predictions()), single);
  }
  for (uint32_t i = 0; i < flat.outputs(); ++i) {
    columns.emplace_back(numbered("margin", i, flat.outputs()), single);
  }
  return value::Batch::empty(std::move(columns));
}

value::Value cell_of(const model::FlatModel& flat, double number) {
  return flat.is_float32() ? value::Value::single(static_cast<float>(number))
                           : value::Value::real(number);
}

Result<value::Batch> score_all(const LoadedModel& loaded, const std::vector<FeatureSource>& sources,
                               size_t rows) {
  const model::FlatModel& flat = loaded.flat;
  model::Scratch scratch(flat);
  std::vector<double> row(flat.features());
  std::vector<double> margins(flat.outputs());
  std::vector<double> predictions(flat.predictions());
  value::Batch result = empty_result(flat);
  std::vector<value::Value> cells;
  for (size_t r = 0; r < rows; ++r) {
    for (uint32_t f = 0; f < flat.features(); ++f) {
      const FeatureSource& source = sources[f];
      auto const number = to_number(
          loaded, f,
          source.constant ? *source.constant : source.column->at(source.is_single ? 0 : r));
      if (!number) return fail(number.error());
      row[f] = *number;
    }
    TIDEMILL_TRY(model::score_row(flat, row, scratch, margins));
    model::predict(flat, margins, scratch, predictions);
    cells.clear();
    for (double prediction : predictions) cells.push_back(cell_of(flat, prediction));
    for (double margin : margins) cells.push_back(cell_of(flat, margin));
    result.append_row(cells);
  }
  return result;
}

}  // namespace

Result<flow::TaskValuePtr> score(const ModelStore& models, const flow::BundleId& bundle,
                                 const flow::Task& task, const flow::Scope& scope, Json& detail) {
  const auto& settings = std::get<flow::ModelSettings>(task.settings);
  TIDEMILL_TRY_LET(name, settings.name.text(scope));
  TIDEMILL_TRY_LET(loaded, models.find(bundle, name));
  detail = Json::object().set("model", loaded->name).set("version", loaded->digest);
  std::map<std::string, value::Value> given;
  for (const auto& [feature, rendered] : task.with) {
    TIDEMILL_TRY_LET(json, rendered.json(scope));
    TIDEMILL_TRY_LET(known, loaded->names.feature(feature));
    (void)known;
    value::Value value;
    if (json.is_number()) {
      value = value::Value::real(json.as_double());
    } else if (json.is_bool()) {
      value = value::Value::boolean(json.as_bool());
    } else if (json.is_string()) {
      value = value::Value::text(json.as_string());
    }
    given.emplace(feature, std::move(value));
  }
  std::vector<FeatureSource> sources;
  for (uint32_t f = 0; f < loaded->flat.features(); ++f) {
    TIDEMILL_TRY_LET(source, find_source(*loaded, f, given, scope));
    sources.push_back(std::move(source));
  }
  TIDEMILL_TRY_LET(rows, count_rows(sources));
  TIDEMILL_TRY_LET(result, score_all(*loaded, sources, rows));
  bool const is_many = rows != 1;
  return flow::TaskValue::of_table(std::move(result), is_many);
}

}  // namespace tidemill::task
