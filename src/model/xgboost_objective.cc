#include "model/xgboost_objective.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/text.h"

namespace tidemill::model {
namespace {

using Base = XgboostObjective::Base;
using Outputs = XgboostObjective::Outputs;

constexpr XgboostObjective kObjectives[] = {
    {"binary:hinge", Transform::kStep, Base::kAsIs, Outputs::kAny},
    {"binary:logistic", Transform::kSigmoid, Base::kLogit, Outputs::kAny},
    {"binary:logitraw", Transform::kIdentity, Base::kAsIs, Outputs::kAny},
    {"count:poisson", Transform::kExp, Base::kLog, Outputs::kAny},
    {"multi:softmax", Transform::kArgmax, Base::kAsIs, Outputs::kClasses},
    {"multi:softprob", Transform::kSoftmax, Base::kAsIs, Outputs::kClasses},
    {"rank:map", Transform::kIdentity, Base::kAsIs, Outputs::kAny},
    {"rank:ndcg", Transform::kIdentity, Base::kAsIs, Outputs::kAny},
    {"rank:pairwise", Transform::kIdentity, Base::kAsIs, Outputs::kAny},
    {"reg:absoluteerror", Transform::kIdentity, Base::kAsIs, Outputs::kAny},
    {"reg:expectileerror", Transform::kIdentity, Base::kAsIs, Outputs::kAny},
    {"reg:gamma", Transform::kExp, Base::kLog, Outputs::kAny},
    {"reg:linear", Transform::kIdentity, Base::kAsIs, Outputs::kAny},
    {"reg:logistic", Transform::kSigmoid, Base::kLogit, Outputs::kAny},
    {"reg:pseudohubererror", Transform::kIdentity, Base::kAsIs, Outputs::kAny},
    {"reg:quantileerror", Transform::kIdentity, Base::kAsIs, Outputs::kAny},
    {"reg:squarederror", Transform::kIdentity, Base::kAsIs, Outputs::kAny},
    {"reg:squaredlogerror", Transform::kIdentity, Base::kAsIs, Outputs::kAny},
    {"reg:tweedie", Transform::kExp, Base::kLog, Outputs::kAny},
    {"survival:aft", Transform::kExp, Base::kLog, Outputs::kAny},
    {"survival:cox", Transform::kExp, Base::kLog, Outputs::kAny},
};

Result<float> read_float(std::string_view text) {
  text = trim(text);
  float value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || ec != std::errc{} || end != text.data() + text.size()) {
    return fail(Code::kInvalid,
                fmt::format("learner_model_param.base_score: \"{}\" is not a number "
                            "within float32",
                            printable(text, 40)));
  }
  if (!std::isfinite(value)) {
    return fail(Code::kInvalid, "learner_model_param.base_score is not finite");
  }
  return value;
}

// The library rounds 1/b - 1 to float32 and takes the correctly rounded logarithm of that; the
// double logarithm, rounded once, gives the same.
Result<float> to_margin(Base base, float score) {
  if (base == Base::kAsIs) return score;
  if (base == Base::kLogit) {
    if (!(score > 0 && score < 1)) {
      return fail(Code::kInvalid,
                  fmt::format("learner_model_param.base_score is {}; with a logistic objective it "
                              "lies between 0 and 1",
                              score));
    }
    const float odds = 1.0f / score - 1.0f;
    return static_cast<float>(-std::log(static_cast<double>(odds)));
  }
  if (!(score > 0)) {
    return fail(
        Code::kInvalid,
        fmt::format("learner_model_param.base_score is {}; with a log link it is above 0", score));
  }
  return static_cast<float>(std::log(static_cast<double>(score)));
}

}  // namespace

Result<XgboostObjective> find_xgboost_objective(std::string_view name) {
  std::vector<std::string_view> known;
  for (const auto& objective : kObjectives) {
    if (objective.name == name) return objective;
    known.push_back(objective.name);
  }
  const std::string near = nearest_word(name, known);
  return fail(Code::kInvalid,
              fmt::format("objective \"{}\" is not supported: its prediction would be a guess{}",
                          printable(name, 60), near.empty() ? "" : "; the nearest is " + near));
}

Result<std::vector<double>> xgboost_base_margins(const XgboostObjective& objective,
                                                 std::string_view base_score, size_t outputs) {
  std::string_view list = trim(base_score);
  if (list.starts_with('[') && list.ends_with(']')) list = list.substr(1, list.size() - 2);
  std::vector<double> margins;
  for (const std::string_view part : split(list, ',')) {
    TIDEMILL_TRY_LET(score, read_float(part));
    TIDEMILL_TRY_LET(margin, to_margin(objective.base, score));
    if (!std::isfinite(margin)) {
      return fail(Code::kInvalid,
                  fmt::format("learner_model_param.base_score {} has no finite margin", score));
    }
    margins.push_back(static_cast<double>(margin));
  }
  if (margins.size() == 1) margins.resize(outputs, margins[0]);
  if (margins.size() != outputs) {
    return fail(
        Code::kInvalid,
        fmt::format("learner_model_param.base_score lists {} numbers; the model has {} outputs",
                    margins.size(), outputs));
  }
  return margins;
}

}  // namespace tidemill::model
