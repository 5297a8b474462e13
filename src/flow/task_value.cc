#include "flow/task_value.h"

#include <fmt/format.h>

#include <array>

#include "base/check.h"
#include "value/json.h"

namespace tidemill::flow {
namespace {

constexpr int64_t kVersion = 1;
constexpr std::array<std::pair<TaskValue::Shape, std::string_view>, 4> kShapes{{
    {TaskValue::Shape::kJson, "json"},
    {TaskValue::Shape::kRow, "row"},
    {TaskValue::Shape::kRows, "rows"},
    {TaskValue::Shape::kMissing, "missing"},
}};

// What the store holds was written by dump(); only its depth is bounded, so that parsing ends.
constexpr JsonLimits kStored{.bytes = SIZE_MAX, .depth = 400};

bool has_same_columns(const value::Batch& a, const value::Batch& b) {
  if (a.names() != b.names()) return false;
  for (size_t i = 0; i < a.width(); ++i) {
    if (!(a.column(i).type() == b.column(i).type())) return false;
  }
  return true;
}

}  // namespace

value::Batch table_of_json(const Json& json) {
  auto table = value::infer_table(json);
  if (table) return std::move(*table);
  value::Batch whole = value::Batch::empty({{"value", value::Type(value::Kind::kJson)}});
  whole.append_row({value::Value::bytes(value::Type(value::Kind::kJson), json.dump())});
  return whole;
}

std::shared_ptr<const TaskValue> TaskValue::of_json(Json document) {
  auto value = std::make_shared<TaskValue>();
  value->table_ = table_of_json(document);
  value->json_ = std::move(document);
  return value;
}

std::shared_ptr<const TaskValue> TaskValue::of_table(value::Batch table, bool many) {
  auto value = std::make_shared<TaskValue>();
  bool const is_row = !many && table.rows() == 1;
  value->shape_ = is_row ? Shape::kRow : Shape::kRows;
  value->json_ = is_row ? value::row_to_json(table, 0) : value::rows_to_json(table);
  value->table_ = std::move(table);
  return value;
}

std::shared_ptr<const TaskValue> TaskValue::missing() {
  auto value = std::make_shared<TaskValue>();
  value->shape_ = Shape::kMissing;
  return value;
}

std::shared_ptr<const TaskValue> TaskValue::of_list(
    const std::vector<std::shared_ptr<const TaskValue>>& items) {
  bool is_table = !items.empty();
  for (const auto& item : items) {
    is_table = is_table && item != nullptr && item->shape_ == Shape::kRow &&
               has_same_columns(item->table_, items[0]->table_);
  }
  if (is_table) {
    value::Batch all = items[0]->table_;
    std::vector<value::Value> row;
    for (size_t i = 1; i < items.size(); ++i) {
      row.clear();
      for (size_t c = 0; c < all.width(); ++c) row.push_back(items[i]->table_.at(0, c));
      all.append_row(row);
    }
    return of_table(std::move(all), true);
  }
  Json::Array list;
  for (const auto& item : items) list.push_back(item == nullptr ? Json() : item->json_);
  return of_json(Json(std::move(list)));
}

std::string TaskValue::dump() const {
  std::string out = fmt::format(R"({{"v":{})", kVersion);
  for (const auto& [shape, word] : kShapes) {
    if (shape == shape_) out += fmt::format(R"(,"shape":"{}")", word);
  }
  if (shape_ == Shape::kJson) {
    out += R"(,"json":)";
    json_.dump_to(out);
  } else if (shape_ != Shape::kMissing) {
    out += R"(,"table":)";
    value::batch_to_json(table_).dump_to(out);
  }
  return out + "}";
}

Result<std::shared_ptr<const TaskValue>> TaskValue::parse(std::string_view text) {
  auto broken = [](std::string_view what) {
    return fail(Code::kInternal, fmt::format("a stored task value is broken: {}", what));
  };
  auto parsed = parse_json(text, kStored);
  if (!parsed) return broken(parsed.error().message);
  int64_t const version = parsed->int_or("v", 0);
  if (version != kVersion) return broken(fmt::format("its version is {}, expected 1", version));
  std::string const shape = parsed->text_or("shape", "");
  if (shape == "missing") return missing();
  if (shape == "json") {
    const Json* document = parsed->find("json");
    if (document == nullptr) return broken("it has no 'json'");
    return of_json(*document);
  }
  if (shape != "row" && shape != "rows")
    return broken("its shape is none of json, row, rows, missing");
  const Json* table = parsed->find("table");
  if (table == nullptr) return broken("it has no 'table'");
  auto batch = value::batch_from_json(*table);
  if (!batch) return broken(batch.error().message);
  bool const many = shape == "rows";
  if (!many && batch->rows() != 1) return broken("a row with other than one row");
  return of_table(std::move(*batch), many);
}

}  // namespace tidemill::flow
