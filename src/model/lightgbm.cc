#include "model/lightgbm.h"

#include <fmt/format.h>

#include <charconv>
#include <unordered_set>

#include "base/text.h"
#include "model/json_reader.h"
#include "model/lightgbm_lines.h"
#include "model/lightgbm_objective.h"
#include "model/lightgbm_tree.h"

namespace tidemill::model {
namespace {

constexpr std::string_view kVersions[] = {"v2", "v3", "v4"};

class LightgbmReader {
 public:
  explicit LightgbmReader(std::string_view file) : lines_(file), trees_(ensemble_) {}

  Result<Ensemble> read() {
    ensemble_.origin = Origin::kLightgbm;
    ensemble_.family = Family::kFloat64;
    ensemble_.tiny_is_zero = true;
    ensemble_.unknown_text = UnknownText::kMissing;
    lines_.next();  // "tree"
    TIDEMILL_TRY(read_header());
    TIDEMILL_TRY(check_header());
    TIDEMILL_TRY(read_trees());
    TIDEMILL_TRY(read_rest());
    TIDEMILL_TRY(finish_categories());
    return std::move(ensemble_);
  }

 private:
  // Up to the first tree, at which the lines are left.
  Status read_header() {
    while (lines_.next()) {
      if (lines_.line().empty()) continue;
      if (is_tree() || lines_.line() == "end of trees") return {};
      TIDEMILL_TRY(read_header_line());
    }
    return lines_.error("the file ends before the first tree: it is cut");
  }

  bool is_tree() const { return lines_.line().starts_with("Tree="); }

  Status read_header_line() {
    const std::string_view key = lines_.key();
    const std::pair<std::string_view, uint32_t*> numbers[] = {
        {"num_class", &num_class_},
        {"num_tree_per_iteration", &trees_per_iteration_},
    };
    for (const auto& [known, number] : numbers) {
      if (key != known) continue;
      TIDEMILL_TRY_LET(value, lines_.whole(1, kMaxOutputs));
      *number = value;
      return {};
    }
    if (key == "version") return read_version();
    if (key == "max_feature_idx") {
      TIDEMILL_TRY_LET(value, lines_.whole(0, kMaxFeatures - 1));
      features_ = value + 1;
      return {};
    }
    if (key == "objective") {
      auto objective = read_lightgbm_objective(lines_.value());
      if (!objective) return lines_.error(objective.error().message);
      objective_ = *objective;
      ensemble_.objective = objective_.name;
      return {};
    }
    if (key == "average_output") {
      ensemble_.averages = true;
      return {};
    }
    if (key == "feature_names") return read_names();
    if (key == "tree_sizes") {
      has_tree_sizes_ = true;
      tree_sizes_ = lines_.count();
      return {};
    }
    if (key == "feature_infos") {
      infos_ = lines_.value();
      return {};
    }
    if (key == "label_index" || key == "monotone_constraints") return {};
    return lines_.error(
        fmt::format("\"{}\" is not known; it may change what the model means", printable(key, 60)));
  }

  Status read_version() {
    for (const auto version : kVersions) {
      if (lines_.value() == version) {
        has_version_ = true;
        return {};
      }
    }
    return lines_.error(fmt::format("version \"{}\" is not known; v2, v3 and v4 are",
                                    printable(lines_.value(), 40)));
  }

  Status read_names() {
    std::string_view rest = lines_.value();
    ensemble_.named = true;
    std::unordered_set<std::string_view> distinct;
    for (std::string_view word; !(word = next_word(rest)).empty();) {
      if (ensemble_.features.size() >= kMaxFeatures) return lines_.error("too many features");
      if (word.size() > kMaxNameBytes || !is_utf8(word) || word.find('\0') != word.npos) {
        return lines_.error(fmt::format("the name of feature {} is too long or not UTF-8",
                                        ensemble_.features.size()));
      }
      if (!distinct.insert(word).second) {
        return lines_.error(fmt::format("feature_names: \"{}\" occurs twice", printable(word, 60)));
      }
      ensemble_.features.push_back({std::string(word), {}, false});
    }
    return {};
  }

  Status check_header() {
    if (!has_version_) return lines_.error("\"version\" is missing before the first tree");
    if (features_ == 0) return lines_.error("\"max_feature_idx\" is missing before the first tree");
    if (trees_per_iteration_ == 0) trees_per_iteration_ = num_class_;
    if (num_class_ == 0 || trees_per_iteration_ == 0) {
      return lines_.error("\"num_class\" is missing before the first tree");
    }
    if (ensemble_.features.size() != features_) {
      return lines_.error(fmt::format("feature_names has {} entries; max_feature_idx is {}",
                                      ensemble_.features.size(), features_ - 1));
    }
    if (objective_.classes != 0 && objective_.classes != trees_per_iteration_) {
      return lines_.error(fmt::format("objective {} has {} classes; num_tree_per_iteration is {}",
                                      objective_.name, objective_.classes, trees_per_iteration_));
    }
    ensemble_.transform = objective_.transform;
    ensemble_.slope = objective_.slope;
    ensemble_.base_margins.assign(trees_per_iteration_, 0);
    return {};
  }

  Status read_trees() {
    while (is_tree()) {
      const size_t index = ensemble_.trees.size();
      if (index >= kMaxTrees) {
        return fail(Code::kExhausted, fmt::format("more than {} trees", kMaxTrees));
      }
      if (lines_.value() != fmt::format("{}", index)) {
        return lines_.error(
            fmt::format("expected Tree={}, found \"{}\"", index, printable(lines_.line(), 40)));
      }
      if (auto tree = trees_.read(lines_); !tree) {
        return fail(tree.error().in(fmt::format("tree {}", index)));
      }
      ensemble_.trees.back().output = static_cast<uint32_t>(index % trees_per_iteration_);
      do {
        if (!lines_.next()) return lines_.error("the file ends before \"end of trees\": it is cut");
      } while (lines_.line().empty());
    }
    if (lines_.line() != "end of trees") {
      return lines_.error(fmt::format("expected a tree or \"end of trees\", found \"{}\"",
                                      printable(lines_.line(), 40)));
    }
    const size_t trees = ensemble_.trees.size();
    if (has_tree_sizes_ && tree_sizes_ != trees) {
      return lines_.error(
          fmt::format("the file has {} trees, tree_sizes {} entries", trees, tree_sizes_));
    }
    if (trees % trees_per_iteration_ != 0) {
      return lines_.error(
          fmt::format("{} trees cannot be iterations of {} trees", trees, trees_per_iteration_));
    }
    for (size_t at = 0; at <= trees; at += trees_per_iteration_) {
      ensemble_.iterations.push_back(static_cast<uint32_t>(at));
    }
    return {};
  }

  // Of what follows the trees, the categories count: those of pandas, and which columns they are.
  Status read_rest() {
    constexpr std::string_view kPandas = "pandas_categorical:";
    constexpr std::string_view kColumns = "[categorical_feature: ";
    while (lines_.next()) {
      const std::string_view line = lines_.line();
      if (line.starts_with(kColumns)) {
        std::string_view list = line.substr(kColumns.size());
        read_columns(list.substr(0, list.find(']')));
      }
      if (!line.starts_with(kPandas)) continue;
      if (auto read = read_pandas(line.substr(kPandas.size())); !read) {
        return fail(read.error().in(fmt::format("line {}: pandas_categorical", lines_.number())));
      }
    }
    return {};
  }

  void read_columns(std::string_view list) {
    for (const std::string_view part : split(list, ',')) {
      uint32_t column = 0;
      const auto [end, ec] = std::from_chars(part.data(), part.data() + part.size(), column);
      if (ec != std::errc{} || end != part.data() + part.size()) continue;
      if (column < features_) columns_.push_back(column);
    }
  }

  Status read_pandas(std::string_view json) {
    JsonReader reader(json);
    if (reader.skip_null()) return {};
    size_t names = 0;
    TIDEMILL_TRY(reader.array([&](size_t index) -> Status {
      if (index >= features_) return fail(Code::kInvalid, "more lists than features");
      auto& categories = pandas_.emplace_back();
      return reader.array([&](size_t) -> Status {
        if (++names > kMaxCategories) {
          return fail(Code::kExhausted, fmt::format("more than {} categories", kMaxCategories));
        }
        if (const char next = reader.peek(); next == 't' || next == 'f') {
          TIDEMILL_TRY_LET(value, reader.boolean());
          categories.emplace_back(value ? "True" : "False");
          return {};
        }
        TIDEMILL_TRY_LET(name, reader.text_or_number(kMaxNameBytes));
        categories.push_back(std::move(name));
        return {};
      });
    }));
    return reader.end();
  }

  // The lists belong to the categorical columns, in order. Which those are stands in the
  // parameters, or else shows in how feature_infos writes their range.
  Status finish_categories() {
    if (pandas_.empty()) return {};
    if (columns_.size() != pandas_.size()) {
      columns_.clear();
      std::string_view rest = infos_;
      uint32_t feature = 0;
      for (std::string_view word; !(word = next_word(rest)).empty(); ++feature) {
        if (word != "none" && !word.starts_with('[')) columns_.push_back(feature);
      }
    }
    if (columns_.size() != pandas_.size()) {
      return fail(Code::kInvalid,
                  fmt::format("pandas_categorical lists {} columns; {} are categorical in "
                              "feature_infos",
                              pandas_.size(), columns_.size()));
    }
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i] >= features_)
        return fail(Code::kInvalid, "feature_infos has too many entries");
      ensemble_.features[columns_[i]].categories = std::move(pandas_[i]);
    }
    return {};
  }

  LightgbmLines lines_;
  Ensemble ensemble_;
  LightgbmTreeReader trees_;
  LightgbmObjective objective_{"none"};
  std::string_view infos_;
  uint32_t num_class_ = 0, trees_per_iteration_ = 0, features_ = 0;
  size_t tree_sizes_ = 0;
  std::vector<uint32_t> columns_;
  std::vector<std::vector<std::string>> pandas_;
  bool has_version_ = false, has_tree_sizes_ = false;
};

}  // namespace

Result<Ensemble> read_lightgbm(std::string_view file) { return LightgbmReader(file).read(); }

}  // namespace tidemill::model
