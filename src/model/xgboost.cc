#include "model/xgboost.h"

#include <fmt/format.h>

#include <cmath>
#include <unordered_set>

#include "base/text.h"
#include "model/xgboost_objective.h"
#include "model/xgboost_tree.h"

namespace tidemill::model {
namespace {

constexpr int32_t kNewestMajor = 3;
constexpr size_t kParamBytes = 1u << 20;  // base_score may list 10,000 numbers
constexpr size_t kWordBytes = 64;

tl::unexpected<Error> unknown_member(std::string_view where, std::string_view name) {
  return fail(Code::kInvalid, fmt::format("{}: \"{}\" is not known; it may change what the model "
                                          "means",
                                          where, printable(name, 60)));
}

// Reads the whole document, in whatever order its members come; what depends on two of them is
// checked at the end.
class XgboostReader {
 public:
  explicit XgboostReader(DocumentReader& reader) : reader_(reader), trees_(ensemble_) {}

  Result<Ensemble> read() {
    bool has_learner = false;
    TIDEMILL_TRY(reader_.object([&](std::string_view name) -> Status {
      if (name == "version") return reader_.integers(version_, 3);
      if (name != "learner") {
        return fail(
            Code::kInvalid,
            fmt::format("\"{}\" is not a part of an XGBoost model, which has \"learner\" and "
                        "\"version\"",
                        printable(name, 60)));
      }
      has_learner = true;
      return read_learner();
    }));
    TIDEMILL_TRY(reader_.end());
    if (!has_learner) {
      return fail(Code::kInvalid, "\"learner\" is missing: this is not an XGBoost model");
    }
    TIDEMILL_TRY(finish());
    return std::move(ensemble_);
  }

 private:
  Status read_learner() {
    return reader_.object([&](std::string_view name) -> Status {
      if (name == "attributes") return reader_.skip();
      if (name == "feature_names") return read_names(feature_names_, kMaxNameBytes);
      if (name == "feature_types") return read_names(feature_types_, kWordBytes);
      if (name == "gradient_booster") return read_booster("gradient_booster");
      if (name == "learner_model_param") return read_learner_param();
      if (name == "objective") return read_objective();
      return unknown_member("learner", name);
    });
  }

  Status read_names(std::vector<std::string>& names, size_t bytes) {
    return reader_.array([&, bytes](size_t index) -> Status {
      if (index >= kMaxFeatures) {
        return fail(Code::kExhausted, fmt::format("more than {} features", kMaxFeatures));
      }
      TIDEMILL_TRY_LET(name, reader_.text(bytes));
      names.push_back(std::move(name));
      return {};
    });
  }

  Status read_learner_param() {
    return reader_.object([&](std::string_view name) -> Status {
      if (name == "base_score" && reader_.peek() == '[') return read_base_list();
      TIDEMILL_TRY_LET(value, reader_.text_or_number(kParamBytes));
      const std::pair<std::string_view, std::string*> known[] = {
          {"base_score", &base_score_},    {"num_class", &num_class_},
          {"num_feature", &num_feature_},  {"num_target", &num_target_},
          {"boost_from_average", nullptr},
      };
      for (const auto& [parameter, text] : known) {
        if (name != parameter) continue;
        if (text != nullptr) *text = std::move(value);
        return {};
      }
      return unknown_member("learner_model_param", name);
    });
  }

  Status read_base_list() {
    base_score_.clear();
    return reader_.array([&](size_t index) -> Status {
      if (index >= kMaxOutputs) return fail(Code::kExhausted, "base_score: too many numbers");
      TIDEMILL_TRY_LET(value, reader_.text_or_number(kWordBytes));
      base_score_ += (index == 0 ? "" : ",") + value;
      return {};
    });
  }

  Status read_objective() {
    return reader_.object([&](std::string_view name) -> Status {
      if (name != "name") return reader_.skip();  // parameters of training
      TIDEMILL_TRY_LET(value, reader_.text(kWordBytes));
      objective_ = std::move(value);
      return {};
    });
  }

  // gbtree: {name, model}; dart: {name, gbtree: {name, model}, weight_drop}.
  Status read_booster(std::string_view where) {
    const bool inner = where == "gbtree";
    return reader_.object([&, inner](std::string_view name) -> Status {
      if (name == "name") {
        TIDEMILL_TRY_LET(value, reader_.text(kWordBytes));
        (inner ? inner_booster_ : booster_) = std::move(value);
        return {};
      }
      if (name == "model") {
        if (has_model_) return fail(Code::kInvalid, "gradient_booster has two models");
        has_model_ = true;
        return read_model();
      }
      if (name == "gbtree" && !inner) return read_booster("gbtree");
      if (name == "weight_drop" && !inner) {
        has_weights_ = true;
        return reader_.floats(weights_, kMaxTrees);
      }
      return unknown_member(inner ? "gradient_booster.gbtree" : "gradient_booster", name);
    });
  }

  Status read_model() {
    return reader_.object([&](std::string_view name) -> Status {
      if (name == "boosted_rounds") return reader_.skip();
      if (name == "weights") {
        has_coefficients_ = true;
        return reader_.floats(coefficients_, kMaxNodes);
      }
      if (name == "gbtree_model_param") return read_model_param();
      if (name == "tree_info") return reader_.integers(tree_info_, kMaxTrees);
      if (name == "iteration_indptr") {
        has_iterations_ = true;
        return reader_.integers(iterations_, kMaxTrees + 1);
      }
      if (name == "cats") return read_categories();
      if (name != "trees") return unknown_member("gradient_booster.model", name);
      return reader_.array([&](size_t index) -> Status {
        if (index >= kMaxTrees) {
          return fail(Code::kExhausted, fmt::format("more than {} trees", kMaxTrees));
        }
        auto tree = trees_.read(reader_);
        if (!tree) return fail(tree.error().in(fmt::format("tree {}", index)));
        return {};
      });
    });
  }

  Status read_model_param() {
    return reader_.object([&](std::string_view name) -> Status {
      TIDEMILL_TRY_LET(value, reader_.text_or_number(kWordBytes));
      if (name == "num_trees")
        num_trees_ = std::move(value);
      else if (name == "num_parallel_tree")
        num_parallel_tree_ = std::move(value);
      else if (name != "size_leaf_vector" && name != "num_roots" && name != "num_feature" &&
               name != "num_output_group") {
        return unknown_member("gbtree_model_param", name);
      }
      return {};
    });
  }

  // The names of categories, one entry per feature: the bytes of all names and where each begins.
  Status read_categories() {
    return reader_.object([&](std::string_view name) -> Status {
      if (name != "enc") return reader_.skip();  // derived from it
      return reader_.array([&](size_t feature) -> Status {
        if (feature >= kMaxFeatures) {
          return fail(Code::kExhausted, fmt::format("cats.enc: over {} entries", kMaxFeatures));
        }
        std::vector<int32_t> offsets, values;
        auto read = reader_.object([&](std::string_view part) -> Status {
          if (part == "offsets") return reader_.integers(offsets, kMaxCategory);
          if (part == "values") return reader_.integers(values, kMaxFileBytes);
          return fail(Code::kInvalid, fmt::format("\"{}\": only categories that are text are "
                                                  "supported",
                                                  printable(part, 40)));
        });
        if (read) read = add_categories(offsets, values);
        if (!read) return fail(read.error().in(fmt::format("cats.enc[{}]", feature)));
        return {};
      });
    });
  }

  Status add_categories(const std::vector<int32_t>& offsets, const std::vector<int32_t>& values) {
    std::vector<std::string> names;
    std::unordered_set<std::string_view> distinct;
    if (!offsets.empty() &&
        (offsets.front() != 0 || static_cast<size_t>(offsets.back()) != values.size())) {
      return fail(Code::kInvalid, "the offsets do not span the values");
    }
    if (offsets.size() > kMaxCategories - category_names_) {
      return fail(Code::kExhausted,
                  fmt::format("more than {} names of categories", kMaxCategories));
    }
    category_names_ += offsets.size();
    names.reserve(offsets.empty() ? 0 : offsets.size() - 1);
    for (size_t i = 1; i < offsets.size(); ++i) {
      const int64_t size = int64_t{offsets[i]} - offsets[i - 1];
      if (size < 0 || size > kMaxNameBytes || offsets[i] > offsets.back()) {
        return fail(Code::kInvalid,
                    fmt::format("offset {} is {}, after {}", i, offsets[i], offsets[i - 1]));
      }
      std::string name;
      for (int32_t at = offsets[i - 1]; at < offsets[i]; ++at) {
        const int32_t byte = values[static_cast<size_t>(at)];
        if (byte < -128 || byte > 255) return fail(Code::kInvalid, "a value is not a byte");
        name += static_cast<char>(byte);
      }
      if (!is_utf8(name) || name.find('\0') != std::string::npos) {
        return fail(Code::kInvalid, fmt::format("the name of category {} is not UTF-8", i - 1));
      }
      names.push_back(std::move(name));
      if (!distinct.insert(names.back()).second) {
        return fail(Code::kInvalid,
                    fmt::format("category \"{}\" occurs twice", printable(names.back(), 60)));
      }
    }
    categories_.push_back(std::move(names));
    return {};
  }

  Status finish() {
    if (version_.size() != 3) {
      return fail(Code::kInvalid, "\"version\" is missing or is not [major, minor, patch]");
    }
    if (version_[0] < 1 || version_[0] > kNewestMajor) {
      return fail(
          Code::kInvalid,
          fmt::format("it was written by XGBoost {}.{}.{}; versions 1 to {} are known. Save "
                      "it with one of them",
                      version_[0], version_[1], version_[2], kNewestMajor));
    }
    if (booster_ != "gbtree" && booster_ != "dart" && booster_ != "gblinear") {
      return fail(Code::kInvalid,
                  fmt::format("booster \"{}\" is not supported; gbtree, dart and gblinear are",
                              printable(booster_, 60)));
    }
    if (booster_ == "dart" && inner_booster_ != "gbtree") {
      return fail(Code::kInvalid, fmt::format("gradient_booster.gbtree.name is \"{}\", not gbtree",
                                              printable(inner_booster_, 60)));
    }
    if (!has_model_) return fail(Code::kInvalid, "gradient_booster.model is missing");
    ensemble_.refuses_infinite = true;
    TIDEMILL_TRY(finish_features());
    TIDEMILL_TRY(finish_outputs());
    if (booster_ == "gblinear") return finish_linear();
    if (has_coefficients_) return fail(Code::kInvalid, "\"weights\" belong to booster gblinear");
    TIDEMILL_TRY(finish_trees());
    TIDEMILL_TRY(finish_iterations());
    return apply_weights();
  }

  Status finish_features() {
    TIDEMILL_TRY_LET(count,
                     xgboost_number("learner_model_param.num_feature", num_feature_, kMaxFeatures));
    if (count == 0) return fail(Code::kInvalid, "learner_model_param.num_feature is 0");
    if (const auto& most = trees_.largest_feature(); most.feature >= int64_t{count}) {
      return fail(Code::kInvalid, fmt::format("tree {}: node {}: it splits feature {}; "
                                              "learner_model_param.num_feature is {}",
                                              most.tree, most.node, most.feature, count));
    }
    const std::pair<std::string_view, size_t> lists[] = {
        {"feature_names", feature_names_.size()},
        {"feature_types", feature_types_.size()},
        {"cats.enc", categories_.size()},
    };
    for (const auto& [name, size] : lists) {
      if (size == 0 || size == count) continue;
      return fail(Code::kInvalid, fmt::format("\"{}\" has {} entries; "
                                              "learner_model_param.num_feature is {}",
                                              name, size, count));
    }
    ensemble_.named = !feature_names_.empty();
    std::unordered_set<std::string_view> distinct;
    ensemble_.features.resize(count);
    for (uint32_t i = 0; i < count; ++i) {
      auto& feature = ensemble_.features[i];
      feature.name = ensemble_.named ? std::move(feature_names_[i]) : fmt::format("f{}", i);
      if (!categories_.empty()) feature.categories = std::move(categories_[i]);
      if (feature.name.empty()) {
        return fail(Code::kInvalid, fmt::format("feature_names[{}] is empty", i));
      }
      if (!distinct.insert(feature.name).second) {
        return fail(Code::kInvalid,
                    fmt::format("feature_names: \"{}\" occurs twice", printable(feature.name, 60)));
      }
    }
    return {};
  }

  Status finish_outputs() {
    TIDEMILL_TRY_LET(classes,
                     xgboost_number("learner_model_param.num_class", num_class_, kMaxOutputs));
    TIDEMILL_TRY_LET(targets,
                     xgboost_number("learner_model_param.num_target", num_target_, kMaxOutputs));
    TIDEMILL_TRY_LET(objective, find_xgboost_objective(objective_));
    const bool needs_classes = objective.outputs == XgboostObjective::Outputs::kClasses;
    if (needs_classes ? classes == 0 : classes > 1) {
      return fail(Code::kInvalid,
                  fmt::format("learner_model_param.num_class is {} with objective {}", classes,
                              objective.name));
    }
    if (classes > 1 && targets > 1) {
      return fail(Code::kInvalid, "several classes of several targets are not supported");
    }
    const uint32_t outputs = std::max({classes, targets, 1u});
    TIDEMILL_TRY_LET(margins, xgboost_base_margins(objective, base_score_, outputs));
    ensemble_.base_margins = std::move(margins);
    ensemble_.objective = objective.name;
    ensemble_.transform = objective.transform;

    return {};
  }

  Status finish_trees() {
    const auto outputs = static_cast<uint32_t>(ensemble_.base_margins.size());
    const size_t trees = ensemble_.trees.size();
    TIDEMILL_TRY_LET(stated, xgboost_number("gbtree_model_param.num_trees", num_trees_, INT32_MAX));
    if (stated != trees || tree_info_.size() != trees) {
      return fail(Code::kInvalid,
                  fmt::format("the file has {} trees, gbtree_model_param.num_trees is {} and "
                              "tree_info has {} entries",
                              trees, stated, tree_info_.size()));
    }
    if (trees_.leaf_size() != 1 && trees_.leaf_size() != outputs) {
      return fail(Code::kInvalid, fmt::format("a leaf has {} numbers; the model has {} outputs",
                                              trees_.leaf_size(), outputs));
    }
    for (size_t i = 0; i < trees; ++i) {
      if (tree_info_[i] < 0 || tree_info_[i] >= static_cast<int32_t>(outputs)) {
        return fail(Code::kInvalid, fmt::format("tree {}: tree_info gives it to output {}, of {}",
                                                i, tree_info_[i], outputs));
      }
      ensemble_.trees[i].output = static_cast<uint32_t>(tree_info_[i]);
    }
    return {};
  }

  // Before 2.0 the file does not say where an iteration begins: each has one tree per output, times
  // the parallel ones.
  Status finish_iterations() {
    const size_t trees = ensemble_.trees.size();
    auto& starts = ensemble_.iterations;
    if (!has_iterations_) {
      TIDEMILL_TRY_LET(parallel, xgboost_number("gbtree_model_param.num_parallel_tree",
                                                num_parallel_tree_, kMaxTrees));
      const size_t groups = trees_.leaf_size() == 1 ? ensemble_.base_margins.size() : 1;
      const size_t step = groups * std::max(parallel, 1u);
      if (trees % step != 0) {
        return fail(Code::kInvalid,
                    fmt::format("{} trees cannot be iterations of {} trees", trees, step));
      }
      for (size_t at = 0; at <= trees; at += step) starts.push_back(static_cast<uint32_t>(at));
      return {};
    }
    int32_t before = 0;
    for (const int32_t start : iterations_) {
      if (start < before || (starts.empty() && start != 0)) {
        return fail(Code::kInvalid, fmt::format("iteration_indptr: {} after {}", start, before));
      }
      starts.push_back(static_cast<uint32_t>(before = start));
    }
    if (starts.empty() || starts.back() != trees) {
      return fail(Code::kInvalid,
                  fmt::format("iteration_indptr does not end with the {} trees", trees));
    }
    return {};
  }

  // gblinear: for each output a tree of one linear leaf. The weights are feature after feature, the
  // biases last. The library adds the base margin of the first output to each of them.
  Status finish_linear() {
    const size_t outputs = ensemble_.base_margins.size(), features = ensemble_.features.size();
    if (!ensemble_.trees.empty() || has_weights_) {
      return fail(Code::kInvalid, "booster gblinear has no trees and no weight_drop");
    }
    if (coefficients_.size() != (features + 1) * outputs) {
      return fail(Code::kInvalid,
                  fmt::format("gradient_booster.model.weights has {} entries; {} features and a "
                              "bias for {} outputs are {}",
                              coefficients_.size(), features, outputs, (features + 1) * outputs));
    }
    for (const float weight : coefficients_) {
      if (std::isfinite(weight)) continue;
      return fail(Code::kInvalid, "gradient_booster.model.weights: one is not a finite number");
    }
    const auto base = static_cast<float>(ensemble_.base_margins[0]);
    for (size_t k = 0; k < outputs; ++k) {
      const float start = coefficients_[features * outputs + k] + base;
      const auto first = static_cast<uint32_t>(ensemble_.terms.size());
      const auto place = static_cast<uint32_t>(k);
      for (size_t j = 0; j < features; ++j) {
        const auto weight = static_cast<double>(coefficients_[j * outputs + k]);
        ensemble_.terms.push_back({weight, static_cast<uint32_t>(j), 0});
      }
      ensemble_.linear.push_back(
          {static_cast<double>(start), first, static_cast<uint32_t>(features)});
      ensemble_.nodes.push_back({0, 0, 0, 0, place + 1});
      ensemble_.trees.push_back({place, 1, 0, place});
      ensemble_.base_margins[k] = 0;
    }
    ensemble_.iterations = {0, static_cast<uint32_t>(outputs)};
    ensemble_.linear_skips_missing = true;
    return {};
  }

  // Dart: a leaf counts with the weight of its tree, rounded to float32 before it is added.
  Status apply_weights() {
    if (booster_ != "dart") {
      if (!has_weights_) return {};
      return fail(Code::kInvalid, "\"weight_drop\" belongs to booster dart, not gbtree");
    }
    if (weights_.size() != ensemble_.trees.size()) {
      return fail(Code::kInvalid, fmt::format("weight_drop has {} entries; there are {} trees",
                                              weights_.size(), ensemble_.trees.size()));
    }
    if (trees_.leaf_size() != 1) {
      return fail(Code::kInvalid, "booster dart with vector leaves is not supported");
    }
    for (size_t i = 0; i < weights_.size(); ++i) {
      const auto& tree = ensemble_.trees[i];
      for (uint32_t n = 0; n < tree.nodes; ++n) {
        auto& node = ensemble_.nodes[tree.first_node + n];
        if (node.left != 0) continue;
        node.value = static_cast<double>(weights_[i] * static_cast<float>(node.value));
        if (!std::isfinite(node.value)) {
          return fail(Code::kInvalid, fmt::format("tree {}: node {}: its leaf times weight_drop {} "
                                                  "is not finite",
                                                  i, node.origin, weights_[i]));
        }
      }
    }
    return {};
  }

  DocumentReader& reader_;
  Ensemble ensemble_;
  XgboostTreeReader trees_;
  std::vector<int32_t> version_, tree_info_, iterations_;
  std::vector<float> weights_, coefficients_;
  std::vector<std::string> feature_names_, feature_types_;
  std::vector<std::vector<std::string>> categories_;
  std::string booster_, inner_booster_, objective_, base_score_, num_feature_;
  std::string num_class_ = "0", num_target_ = "1", num_trees_, num_parallel_tree_ = "1";
  size_t category_names_ = 0;
  bool has_model_ = false, has_weights_ = false, has_iterations_ = false;
  bool has_coefficients_ = false;
};

}  // namespace

Result<Ensemble> read_xgboost(DocumentReader& reader) { return XgboostReader(reader).read(); }

}  // namespace tidemill::model
