#include "model/golden.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>

#include "base/json.h"
#include "base/text.h"
#include "model/json_row.h"
#include "model/score.h"

namespace tidemill::model {
namespace {

constexpr size_t kMaxRowBytes = 16u << 20;

// Counts floats from the most negative up, so that neighbours differ by one.
int64_t place(float value) {
  const auto bits = std::bit_cast<int32_t>(value);
  return bits >= 0 ? int64_t{bits} : int64_t{INT32_MIN} - bits;
}

bool agrees(float expected, float got, int64_t steps) {
  if (std::isnan(expected) || std::isnan(got)) return false;
  return std::abs(place(expected) - place(got)) <= steps;
}

bool agrees(double expected, double got) {
  constexpr double kRelative = 1e-12;
  return std::fabs(expected - got) <= kRelative * (1 + std::fabs(expected));
}

// One number, or an array of them, against the numbers of the model.
Status compare(std::string_view what, const Json& expected, std::span<const double> got,
               int64_t steps, Family family) {
  const bool single = expected.is_number();
  if (!single && !expected.is_array()) {
    return fail(Code::kInvalid,
                fmt::format("\"{}\" is {}, expected a number{}", what, expected.kind(),
                            got.size() > 1 ? " for each output" : ""));
  }
  const size_t count = single ? 1 : expected.as_array().size();
  if (count != got.size()) {
    return fail(Code::kInvalid,
                fmt::format("\"{}\" has {} numbers; the model gives {}", what, count, got.size()));
  }
  for (size_t i = 0; i < count; ++i) {
    const Json& number = single ? expected : expected.as_array()[i];
    if (!number.is_number()) {
      return fail(Code::kInvalid,
                  fmt::format("\"{}\" has {} as number {}", what, number.kind(), i));
    }
    const double wanted = number.as_double();
    const auto single_wanted = static_cast<float>(wanted), single_got = static_cast<float>(got[i]);
    const bool is_float32 = family == Family::kFloat32;
    if (is_float32 ? agrees(single_wanted, single_got, steps) : agrees(wanted, got[i])) continue;
    const std::string numbers = is_float32
                                    ? fmt::format("expected {}, got {}", single_wanted, single_got)
                                    : fmt::format("expected {}, got {}", wanted, got[i]);
    return fail(Code::kConflict,
                fmt::format("{}{}: {}; the model does not reproduce its golden row", what,
                            count > 1 ? fmt::format("[{}]", i) : "", numbers));
  }
  return {};
}

class Checker {
 public:
  explicit Checker(const FlatModel& model)
      : model_(model),
        names_(model),
        scratch_(model),
        row_(model.features()),
        margins_(model.outputs()),
        predictions_(model.predictions()) {}

  Status check(std::string_view line) {
    TIDEMILL_TRY_LET(golden, parse_json(line, {.bytes = kMaxRowBytes}));
    if (!golden.is_object()) {
      return fail(Code::kInvalid, fmt::format("expected an object, found {}", golden.kind()));
    }
    for (const auto& [name, value] : golden.as_object()) {
      if (name == "features" || name == "prediction" || name == "margin") continue;
      return fail(Code::kInvalid, fmt::format("\"{}\" is not known; a golden row has \"features\", "
                                              "\"prediction\" and \"margin\"",
                                              printable(name, 60)));
    }
    const Json* features = golden.find("features");
    const Json* prediction = golden.find("prediction");
    if (features == nullptr || prediction == nullptr) {
      return fail(Code::kInvalid, "a golden row needs \"features\" and \"prediction\"");
    }
    TIDEMILL_TRY(json_row_by_name(names_, *features, row_));
    TIDEMILL_TRY(score_row(model_, row_, scratch_, margins_));
    if (const Json* margin = golden.find("margin"); margin != nullptr && !margin->is_null()) {
      TIDEMILL_TRY(compare("margin", *margin, margins_, 0, model_.family()));
    }
    predict(model_, margins_, scratch_, predictions_);
    return compare("prediction", *prediction, predictions_, 1, model_.family());
  }

 private:
  const FlatModel& model_;
  FeatureNames names_;
  Scratch scratch_;
  std::vector<double> row_, margins_, predictions_;
};

}  // namespace

Result<size_t> check_golden(const FlatModel& model, std::string_view golden_jsonl) {
  Checker checker(model);
  size_t rows = 0, line_number = 0;
  while (!golden_jsonl.empty()) {
    const size_t end = std::min(golden_jsonl.find('\n'), golden_jsonl.size());
    const std::string_view line = trim(golden_jsonl.substr(0, end));
    golden_jsonl.remove_prefix(std::min(end + 1, golden_jsonl.size()));
    ++line_number;
    if (line.empty()) continue;
    ++rows;
    if (auto status = checker.check(line); !status) {
      return fail(status.error().in(fmt::format("golden row in line {}", line_number)));
    }
  }
  if (rows == 0) {
    return fail(Code::kInvalid,
                "there is no golden row; at least one is required, with what the "
                "trainer's library answers for it");
  }
  return rows;
}

}  // namespace tidemill::model
