#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/text.h"
#include "model/catboost.h"
#include "model/catboost_model.h"
#include "model/json_reader.h"

namespace tidemill::model {
namespace {

constexpr size_t kWordBytes = 4096;
constexpr size_t kParamsBytes = 4u << 20;
constexpr uint64_t kNoCategory = UINT64_MAX;  // an empty place of a hash table

struct CtrTypeName {
  std::string_view name;
  CatboostCtrType type;
};
constexpr CtrTypeName kCtrTypes[] = {
    {"BinarizedTargetMeanValue", CatboostCtrType::kTargetMean},
    {"Borders", CatboostCtrType::kBorders},
    {"Buckets", CatboostCtrType::kBuckets},
    {"Counter", CatboostCtrType::kCounter},
    {"FeatureFreq", CatboostCtrType::kFrequency},
    {"FloatTargetMeanValue", CatboostCtrType::kFloatTargetMean},
};

Result<uint32_t> whole(JsonReader& reader, uint32_t most) {
  TIDEMILL_TRY_LET(number, reader.real());
  if (number >= 0 && number <= most && number == std::trunc(number)) {
    return static_cast<uint32_t>(number);
  }
  return fail(Code::kInvalid, fmt::format("byte {}: {} is not a whole number from 0 to {}",
                                          reader.offset(), number, most));
}

Status set(std::string& out, Result<std::string> text) {
  if (!text) return fail(text.error());
  out = std::move(*text);
  return {};
}

Status set(uint32_t& out, Result<uint32_t> number) {
  if (!number) return fail(number.error());
  out = *number;
  return {};
}

Status set(float& out, Result<double> number) {
  if (!number) return fail(number.error());
  out = static_cast<float>(*number);
  return {};
}

// First everything but the trees, then the trees: their splits name what stands elsewhere in the
// document.
class CatboostJsonReader {
 public:
  explicit CatboostJsonReader(std::string_view file) : text_(file) {}

  Result<Ensemble> read() {
    JsonReader facts(text_);
    TIDEMILL_TRY(facts.object([&](std::string_view name) { return read_fact(facts, name); }));
    TIDEMILL_TRY(facts.end());
    if (trees_ != 1) {
      return fail(Code::kInvalid, "expected \"oblivious_trees\" or \"trees\", and not both");
    }
    TIDEMILL_TRY_LET(builder, CatboostBuilder::make(std::move(file_)));
    builder_ = &builder;
    JsonReader reader(text_);
    TIDEMILL_TRY(reader.object([&](std::string_view name) -> Status {
      if (name != "oblivious_trees" && name != "trees") return reader.skip();
      const bool oblivious = name == "oblivious_trees";
      return reader.array([&, oblivious](size_t index) -> Status {
        auto tree = oblivious ? read_oblivious(reader) : read_tree(reader);
        if (!tree) return fail(tree.error().in(fmt::format("tree {}", index)));
        return {};
      });
    }));
    return builder.finish();
  }

 private:
  Status read_fact(JsonReader& reader, std::string_view name) {
    if (name == "features_info") return read_features(reader);
    if (name == "scale_and_bias") return read_scale(reader);
    if (name == "model_info") return read_info(reader);
    if (name == "ctr_data") return read_tables(reader);
    if (name == "oblivious_trees" || name == "trees") {
      ++trees_;
      return reader.skip();
    }
    return fail(Code::kInvalid, fmt::format("\"{}\" is not known; it may change what the model "
                                            "means",
                                            printable(name, 60)));
  }

  Status read_scale(JsonReader& reader) {
    return reader.array([&](size_t index) -> Status {
      if (index == 0) {
        TIDEMILL_TRY_LET(scale, reader.real());
        file_.scale = scale;
        return {};
      }
      if (index > 1) return fail(Code::kInvalid, "scale_and_bias has more than two entries");
      if (reader.peek() == '[') return reader.doubles(file_.bias, kMaxOutputs);
      TIDEMILL_TRY_LET(bias, reader.real());
      file_.bias = {bias};
      return {};
    });
  }

  Status read_info(JsonReader& reader) {
    return reader.object([&](std::string_view name) -> Status {
      if (name != "params") return reader.skip();
      if (reader.peek() == '"') {
        TIDEMILL_TRY_LET(text, reader.text(kParamsBytes));
        return set(file_.loss, catboost_loss(text));
      }
      return reader.object([&](std::string_view part) -> Status {
        if (part != "loss_function") return reader.skip();
        return reader.object([&](std::string_view key) -> Status {
          if (key != "type") return reader.skip();
          return set(file_.loss, reader.text(kWordBytes));
        });
      });
    });
  }

  Status read_features(JsonReader& reader) {
    return reader.object([&](std::string_view name) -> Status {
      if (reader.skip_null()) return {};
      if (name == "float_features") {
        return reader.array([&](size_t) { return read_float_feature(reader); });
      }
      if (name == "categorical_features") {
        return reader.array([&](size_t) { return read_category_feature(reader); });
      }
      if (name == "ctrs") return reader.array([&](size_t) { return read_ctr(reader); });
      if (name == "cat_features_hash") return reader.skip();  // the hash is computed
      return reader.array([&](size_t) -> Status {
        return fail(Code::kInvalid, fmt::format("features_info has {}, which are not supported",
                                                printable(name, 60)));
      });
    });
  }

  Status read_float_feature(JsonReader& reader) {
    CatboostFloatFeature feature;
    uint32_t index = UINT32_MAX;
    feature.flat = UINT32_MAX;
    TIDEMILL_TRY(reader.object([&](std::string_view name) -> Status {
      if (name == "feature_index") return set(index, whole(reader, kMaxFeatures));
      if (name == "flat_feature_index") return set(feature.flat, whole(reader, kMaxFeatures));
      if (name == "feature_name" || name == "feature_id") {
        return set(feature.name, reader.text(kMaxNameBytes));
      }
      if (name == "borders" && !reader.skip_null()) {
        return reader.floats(feature.borders, kMaxNodes);
      }
      if (name == "borders") return {};
      if (name == "nan_value_treatment") return read_nan(reader, feature);
      return reader.skip();
    }));
    if (index == UINT32_MAX || feature.flat == UINT32_MAX) {
      return fail(Code::kInvalid, "a float feature has no feature_index or flat_feature_index");
    }
    if (file_.floats.emplace(index, std::move(feature)).second) return {};
    return fail(Code::kInvalid, fmt::format("float feature {} occurs twice", index));
  }

  Status read_nan(JsonReader& reader, CatboostFloatFeature& feature) {
    TIDEMILL_TRY_LET(word, reader.text(kWordBytes));
    if (word != "AsIs" && word != "AsFalse" && word != "AsTrue") {
      return fail(Code::kInvalid,
                  fmt::format("nan_value_treatment \"{}\" is not known", printable(word, 40)));
    }
    if (word == "AsTrue") feature.nan = CatboostFloatFeature::Nan::kTrue;
    return {};
  }

  Status read_category_feature(JsonReader& reader) {
    CatboostCategoryFeature feature;
    uint32_t index = UINT32_MAX;
    feature.flat = UINT32_MAX;
    TIDEMILL_TRY(reader.object([&](std::string_view name) -> Status {
      if (name == "feature_index") return set(index, whole(reader, kMaxFeatures));
      if (name == "flat_feature_index") return set(feature.flat, whole(reader, kMaxFeatures));
      if (name == "feature_name" || name == "feature_id") {
        return set(feature.name, reader.text(kMaxNameBytes));
      }
      if (name == "values" && reader.peek() == '[') {
        return reader.integers(feature.one_hot, kMaxCategories);
      }
      return reader.skip();
    }));
    if (index == UINT32_MAX || feature.flat == UINT32_MAX) {
      return fail(Code::kInvalid, "a category feature has no feature_index or flat_feature_index");
    }
    if (file_.categories.emplace(index, std::move(feature)).second) return {};
    return fail(Code::kInvalid, fmt::format("category feature {} occurs twice", index));
  }

  Status read_ctr(JsonReader& reader) {
    CatboostCtr ctr;
    size_t elements = 0;
    TIDEMILL_TRY(reader.object([&](std::string_view name) -> Status {
      if (name == "borders") return reader.floats(ctr.borders, kMaxNodes);
      if (name == "identifier") return set(ctr.table, reader.text(kWordBytes));
      if (name == "target_border_idx") return set(ctr.target_border, whole(reader, kMaxOutputs));
      if (name == "prior_numerator") return set(ctr.prior, reader.real());
      if (name == "prior_denomerator") return set(ctr.prior_denominator, reader.real());
      if (name == "shift") return set(ctr.shift, reader.real());
      if (name == "scale") return set(ctr.scale, reader.real());
      if (name == "ctr_type") return read_ctr_type(reader, ctr);
      if (name != "elements") return reader.skip();
      return reader.array([&](size_t) -> Status {
        ++elements;
        return reader.object([&](std::string_view part) -> Status {
          if (part == "cat_feature_index") {
            return set(ctr.category_feature, whole(reader, kMaxFeatures));
          }
          if (part != "combination_element") return reader.skip();
          TIDEMILL_TRY_LET(element, reader.text(kWordBytes));
          if (element != "cat_feature_value") elements = SIZE_MAX / 2;
          return {};
        });
      });
    }));
    if (elements != 1) {
      return fail(Code::kInvalid,
                  "features_info.ctrs: statistics of several features together are not supported; "
                  "train with max_ctr_complexity=1");
    }
    file_.ctrs.push_back(std::move(ctr));
    return {};
  }

  Status read_ctr_type(JsonReader& reader, CatboostCtr& ctr) {
    TIDEMILL_TRY_LET(word, reader.text(kWordBytes));
    for (const auto& known : kCtrTypes) {
      if (known.name != word) continue;
      ctr.type = known.type;
      return {};
    }
    return fail(Code::kInvalid, fmt::format("ctr_type \"{}\" is not known", printable(word, 40)));
  }

  Status read_tables(JsonReader& reader) {
    return reader.object([&](std::string_view name) -> Status {
      const std::string key(name);
      CatboostCtrTable table;
      std::vector<std::string> cells;
      uint32_t stride = 0;
      if (file_.tables.size() >= kMaxFeatures) return fail(Code::kExhausted, "too many tables");
      TIDEMILL_TRY(reader.object([&](std::string_view part) -> Status {
        if (part == "counter_denominator") {
          TIDEMILL_TRY_LET(denominator, reader.real());
          table.denominator = denominator;
          return {};
        }
        if (part == "hash_stride") return set(stride, whole(reader, kMaxOutputs));
        if (part != "hash_map") return reader.skip();
        return reader.array([&](size_t index) -> Status {
          if (index >= kMaxCategories * 8) return fail(Code::kExhausted, "too many statistics");
          TIDEMILL_TRY_LET(cell, reader.text_or_number(64));
          cells.push_back(std::move(cell));
          return {};
        });
      }));
      TIDEMILL_TRY(fill(table, cells, stride));
      file_.tables[key] = std::move(table);
      return {};
    });
  }

  // Rows of a hash and its counts.
  Status fill(CatboostCtrTable& table, const std::vector<std::string>& cells, uint32_t stride) {
    if (stride < 2 || cells.size() % stride != 0) {
      return fail(Code::kInvalid,
                  fmt::format("ctr_data: hash_stride is {}, hash_map has {} entries", stride,
                              cells.size()));
    }
    for (size_t row = 0; row < cells.size(); row += stride) {
      uint64_t hash = 0;
      const auto parse = [](const std::string& text, auto& out) {
        const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
        return ec == std::errc{} && end == text.data() + text.size();
      };
      bool is_good = parse(cells[row], hash);
      std::vector<double> counts(stride - 1);
      for (size_t i = 0; i < counts.size(); ++i) is_good &= parse(cells[row + 1 + i], counts[i]);
      if (!is_good)
        return fail(Code::kInvalid, fmt::format("ctr_data: entry {} of a hash_map", row));
      if (hash != kNoCategory) table.counts[hash] = std::move(counts);
    }
    return {};
  }

  Result<uint32_t> read_split(JsonReader& reader) {
    std::string type;
    uint32_t feature = UINT32_MAX, index = UINT32_MAX;
    float border = 0;
    double value = 0;
    TIDEMILL_TRY(reader.object([&](std::string_view name) -> Status {
      if (name == "split_type") return set(type, reader.text(kWordBytes));
      if (name == "float_feature_index" || name == "cat_feature_index") {
        return set(feature, whole(reader, UINT32_MAX - 1));
      }
      if (name == "split_index") return set(index, whole(reader, UINT32_MAX - 1));
      if (name == "border") return set(border, reader.real());
      if (name != "value") return reader.skip();
      TIDEMILL_TRY_LET(number, reader.real());
      value = number;
      return {};
    }));
    size_t split = SIZE_MAX;
    if (type == "FloatFeature") {
      split = builder_->float_split(feature, border);
    } else if (type == "OneHotFeature") {
      if (std::fabs(value) <= 2147483648.0 && value < 2147483648.0) {
        split = builder_->one_hot_split(feature, static_cast<int32_t>(value));
      }
    } else if (type == "OnlineCtr") {
      split = index;
    } else {
      return fail(Code::kInvalid, fmt::format("byte {}: split_type \"{}\" is not supported",
                                              reader.offset(), printable(type, 40)));
    }
    if (split < builder_->splits()) return static_cast<uint32_t>(split);
    return fail(Code::kInvalid,
                fmt::format("byte {}: {} split of feature {} (border {}, value {}, index {}) is "
                            "none of those that features_info lists",
                            reader.offset(), type, feature, border, value, index));
  }

  Status read_oblivious(JsonReader& reader) {
    splits_.clear();
    leaf_values_.clear();
    TIDEMILL_TRY(reader.object([&](std::string_view name) -> Status {
      if (name == "leaf_values") return reader.doubles(leaf_values_, kMaxNodes);
      if (name == "leaf_weights") return reader.skip();
      if (name != "splits") {
        return fail(Code::kInvalid, fmt::format("\"{}\" is not known", printable(name, 60)));
      }
      if (reader.skip_null()) return {};
      return reader.array([&](size_t index) -> Status {
        if (index >= kMaxDepth) return fail(Code::kInvalid, "too many splits");
        TIDEMILL_TRY_LET(split, read_split(reader));
        splits_.push_back(split);
        return {};
      });
    }));
    return builder_->add_oblivious(splits_, leaf_values_);
  }

  Status read_tree(JsonReader& reader) {
    nodes_.clear();
    TIDEMILL_TRY_LET(root, read_node(reader));
    number_leaves(root);
    return builder_->add_tree(nodes_);
  }

  // As the library does: the children of a node that are leaves, then what is below the others.
  void number_leaves(uint32_t root) {
    uint32_t next = 0;
    std::vector<uint32_t> open = {root};
    if (nodes_[root].left == 0) return;
    while (!open.empty()) {
      const CatboostBuilder::Node& node = nodes_[open.back()];
      open.pop_back();
      for (const uint32_t child : {node.left, node.right}) {
        if (nodes_[child].left == 0) nodes_[child].leaf = next++;
      }
      for (const uint32_t child : {node.right, node.left}) {
        if (nodes_[child].left != 0) open.push_back(child);
      }
    }
  }

  // The nesting is limited by the reader.
  Result<uint32_t> read_node(JsonReader& reader) {
    const auto place = static_cast<uint32_t>(nodes_.size());
    nodes_.emplace_back();
    uint32_t left = 0, right = 0, split = UINT32_MAX;
    bool is_leaf = false;
    std::vector<double> values;
    TIDEMILL_TRY(reader.object([&](std::string_view name) -> Status {
      if (name == "left") return set(left, read_node(reader));
      if (name == "right") return set(right, read_node(reader));
      if (name == "split") return set(split, read_split(reader));
      if (name != "value") return reader.skip();
      is_leaf = true;
      if (reader.peek() == '[') return reader.doubles(values, kMaxOutputs);
      TIDEMILL_TRY_LET(value, reader.real());
      values = {value};
      return {};
    }));
    CatboostBuilder::Node& node = nodes_[place];
    if (is_leaf) {
      if (left != 0 || right != 0) return fail(Code::kInvalid, "a leaf has children");
      node.values = std::move(values);
      return place;
    }
    if (left == 0 || right == 0 || split == UINT32_MAX) {
      return fail(Code::kInvalid, fmt::format("byte {}: a node has neither a value nor a split and "
                                              "two children",
                                              reader.offset()));
    }
    node.left = left;
    node.right = right;
    node.split = split;
    return place;
  }

  std::string_view text_;
  CatboostFile file_;
  CatboostBuilder* builder_ = nullptr;
  size_t trees_ = 0;
  std::vector<uint32_t> splits_;
  std::vector<double> leaf_values_;
  std::vector<CatboostBuilder::Node> nodes_;
};

}  // namespace

Result<Ensemble> read_catboost_json(std::string_view file) {
  return CatboostJsonReader(file).read();
}

}  // namespace tidemill::model
