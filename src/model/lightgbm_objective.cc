#include "model/lightgbm_objective.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

#include "base/text.h"
#include "model/lightgbm_lines.h"

namespace tidemill::model {
namespace {

constexpr LightgbmObjective kObjectives[] = {
    {"binary", Transform::kSigmoid},
    {"cross_entropy", Transform::kSigmoid},
    {"cross_entropy_lambda", Transform::kLog1pExp},
    {"custom", Transform::kIdentity},
    {"fair", Transform::kIdentity},
    {"gamma", Transform::kExp},
    {"huber", Transform::kIdentity},
    {"lambdarank", Transform::kIdentity},
    {"mape", Transform::kIdentity},
    {"multiclass", Transform::kSoftmax},
    {"multiclassova", Transform::kSigmoid},
    {"poisson", Transform::kExp},
    {"quantile", Transform::kIdentity},
    {"rank_xendcg", Transform::kIdentity},
    {"regression", Transform::kIdentity},
    {"regression_l1", Transform::kIdentity},
    {"tweedie", Transform::kExp},
    {"xentlambda", Transform::kLog1pExp},
    {"xentropy", Transform::kSigmoid},
};

// Parameters that only training needs.
constexpr std::string_view kOfTraining[] = {"alpha", "fair_c", "tweedie_variance_power",
                                            "poisson_max_delta_step", "lambdarank_norm"};

Status read_word(std::string_view word, LightgbmObjective& objective) {
  if (word == "sqrt" && objective.transform == Transform::kIdentity) {
    objective.transform = Transform::kSignedSquare;
    return {};
  }
  const size_t colon = word.find(':');
  const std::string_view name = word.substr(0, colon);
  const std::string_view text = colon == word.npos ? std::string_view() : word.substr(colon + 1);
  double number = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_number = !text.empty() && ec == std::errc{} && end == text.data() + text.size() &&
                         std::isfinite(number);
  if (is_number && name == "sigmoid" && number > 0) {
    objective.slope = number;
    return {};
  }
  if (is_number && name == "num_class" && number >= 1 && number <= kMaxOutputs) {
    objective.classes = static_cast<uint32_t>(number);
    return {};
  }
  if (is_number &&
      std::find(std::begin(kOfTraining), std::end(kOfTraining), name) != std::end(kOfTraining)) {
    return {};
  }
  return fail(Code::kInvalid, fmt::format("objective {}: \"{}\" is not known", objective.name,
                                          printable(word, 40)));
}

}  // namespace

Result<LightgbmObjective> read_lightgbm_objective(std::string_view text) {
  const std::string_view name = next_word(text);
  std::vector<std::string_view> known;
  for (LightgbmObjective objective : kObjectives) {
    known.push_back(objective.name);
    if (objective.name != name) continue;
    for (std::string_view word; !(word = next_word(text)).empty();) {
      TIDEMILL_TRY(read_word(word, objective));
    }
    return objective;
  }
  const std::string near = nearest_word(name, known);
  return fail(Code::kInvalid,
              fmt::format("objective \"{}\" is not supported: its prediction would be a guess{}",
                          printable(name, 60), near.empty() ? "" : "; the nearest is " + near));
}

}  // namespace tidemill::model
