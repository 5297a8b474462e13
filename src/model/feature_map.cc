#include "model/feature_map.h"

#include <fmt/format.h>

#include <cmath>

#include "base/text.h"
#include "model/cityhash.h"

namespace tidemill::model {
namespace {

constexpr size_t kListed = 10;  // missing names in one message
constexpr size_t kShown = 60;   // bytes of a name in a message

}  // namespace

FeatureNames::FeatureNames(const FlatModel& model) : model_(model), codes_(model.features()) {
  by_name_.reserve(model.features());
  for (uint32_t i = 0; i < model.features(); ++i) {
    by_name_.emplace(model.feature_name(i), i);
    for (uint32_t c = 0; c < model.categories(i); ++c) codes_[i].emplace(model.category(i, c), c);
  }
}

std::string FeatureNames::nearest(std::string_view name) const {
  std::vector<std::string_view> valid;
  for (uint32_t i = 0; i < model_.features(); ++i) valid.push_back(model_.feature_name(i));
  return nearest_word(name, valid);
}

Result<uint32_t> FeatureNames::feature(std::string_view name) const {
  const auto found = by_name_.find(name);
  if (found != by_name_.end()) return found->second;
  const std::string near = nearest(name);
  return fail(Code::kNotFound,
              fmt::format("the model has no feature \"{}\"{}", printable(name, kShown),
                          near.empty() ? "" : "; the nearest is \"" + near + "\""));
}

Result<double> FeatureNames::code(uint32_t feature, std::string_view category) const {
  const auto& codes = codes_[feature];
  if (model_.is_text(feature)) {
    const auto hashed = codes.find(fmt::format("{}", category_hash(category)));
    return hashed == codes.end() ? -1.0 : static_cast<double>(hashed->second);
  }
  const auto found = codes.find(category);
  if (found != codes.end()) return static_cast<double>(found->second);
  const std::string_view name = model_.feature_name(feature);
  if (codes.empty()) {
    return fail(Code::kInvalid, fmt::format("feature {} is numeric, found the text \"{}\"", name,
                                            printable(category, kShown)));
  }
  if (model_.unknown_text() == UnknownText::kMissing) return std::nan("");
  if (model_.unknown_text() == UnknownText::kNoMember) return -1.0;
  std::vector<std::string_view> valid;
  for (const auto& [text, code] : codes) valid.push_back(text);
  const std::string near = nearest_word(category, valid);
  return fail(Code::kInvalid, fmt::format("feature {}: \"{}\" is not a category of the model{}",
                                          name, printable(category, kShown),
                                          near.empty() ? "" : "; the nearest is \"" + near + "\""));
}

Result<double> FeatureNames::code_of_number(uint32_t feature, double number) const {
  constexpr double kLargestWhole = 9007199254740992.0;
  if (std::trunc(number) == number && std::fabs(number) < kLargestWhole) {
    return code(feature, fmt::format("{}", static_cast<int64_t>(number)));
  }
  return code(feature, fmt::format("{}", number));
}

Result<FeatureMap> FeatureMap::make(const FlatModel& model,
                                    std::span<const std::string_view> columns) {
  FeatureMap map(model);
  map.columns_.assign(model.features(), UINT32_MAX);
  for (size_t i = 0; i < columns.size(); ++i) {
    if (!map.names_.contains(columns[i])) continue;
    uint32_t& column = map.columns_[*map.names_.feature(columns[i])];
    if (column != UINT32_MAX) {
      return fail(Code::kInvalid,
                  fmt::format("two columns are named \"{}\", a feature of the model",
                              printable(columns[i], kShown)));
    }
    column = static_cast<uint32_t>(i);
  }
  std::string missing;
  size_t count = 0;
  for (uint32_t f = 0; f < model.features(); ++f) {
    if (map.columns_[f] != UINT32_MAX) continue;
    if (++count > kListed) continue;
    const std::string near = nearest_word(model.feature_name(f), columns);
    missing +=
        fmt::format("{}\"{}\"{}", count == 1 ? "" : ", ", printable(model.feature_name(f), kShown),
                    near.empty() ? "" : " (nearest: \"" + printable(near, kShown) + "\")");
  }
  if (count == 0) return map;
  if (count > kListed) missing += fmt::format(" and {} more", count - kListed);
  return fail(Code::kNotFound, fmt::format("the input lacks {} of the model's {} features: {}",
                                           count, model.features(), missing));
}

Result<FeatureMap> FeatureMap::make(const FlatModel& model, std::span<const std::string> columns) {
  const std::vector<std::string_view> views(columns.begin(), columns.end());
  return make(model, views);
}

}  // namespace tidemill::model
