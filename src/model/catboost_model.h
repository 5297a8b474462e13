// What CatBoost's two file forms say, JSON and CBM, and the way from there to an Ensemble. Private
// to the readers of the two.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/ensemble.h"

namespace tidemill::model {

inline constexpr uint32_t kMaxObliviousDepth = 16;

struct CatboostFloatFeature {
  uint32_t flat = 0;  // its column
  std::string name;
  enum class Nan { kFalse, kTrue } nan = Nan::kFalse;  // what a missing value answers to x > border
  std::vector<float> borders;
};
struct CatboostCategoryFeature {
  uint32_t flat = 0;
  std::string name;
  std::vector<int32_t> one_hot;  // hashes of categories that have splits, in the file's order
};

// Statistics of the target by category. Only those of one feature are supported: such a split is a
// set of categories.
enum class CatboostCtrType {
  kBorders,
  kBuckets,
  kTargetMean,
  kFloatTargetMean,
  kCounter,
  kFrequency
};
struct CatboostCtrTable {
  std::map<uint64_t, std::vector<double>> counts;  // by hash: of each class, or sum and count
  double denominator = 0;                          // of kCounter and kFrequency
};
struct CatboostCtr {
  CatboostCtrType type = CatboostCtrType::kBorders;
  uint32_t category_feature = 0;
  uint32_t target_border = 0;
  float prior = 0, prior_denominator = 1, shift = 0, scale = 1;
  std::vector<float> borders;
  std::string table;  // key into the tables
};

struct CatboostFile {
  std::map<uint32_t, CatboostFloatFeature> floats;  // by feature_index
  std::map<uint32_t, CatboostCategoryFeature> categories;
  std::vector<CatboostCtr> ctrs;
  std::map<std::string, CatboostCtrTable> tables;
  double scale = 1;
  std::vector<double> bias;  // one for each output
  std::string loss;
};

// Turns splits and trees into nodes. Splits are numbered as the file numbers them: all borders of
// float features, then all one-hot values, then all borders of statistics.
class CatboostBuilder {
 public:
  // Refused: a loss that is not known, features that overlap.
  static Result<CatboostBuilder> make(CatboostFile file);

  size_t splits() const { return splits_.size(); }
  size_t outputs() const { return file_.bias.size(); }
  const CatboostFile& file() const { return file_; }
  // The number of the split; SIZE_MAX: there is none.
  size_t float_split(uint32_t feature, float border) const;
  size_t one_hot_split(uint32_t feature, int32_t hash) const;

  // Split d gives bit d of the leaf's number.
  Status add_oblivious(std::span<const uint32_t> splits, std::span<const double> leaf_values);
  // Node 0 is the root; a node is a leaf if left is 0. Any order otherwise.
  struct Node {
    uint32_t split = 0;
    uint32_t left = 0, right = 0;
    uint32_t leaf = 0;           // its number
    std::vector<double> values;  // of a leaf
  };
  Status add_tree(std::span<const Node> nodes);

  Result<Ensemble> finish();

 private:
  struct Split {
    uint32_t column;
    double threshold;
  };
  explicit CatboostBuilder(CatboostFile file) : file_(std::move(file)) {}
  Status place_features();
  Status place(uint32_t flat, const std::string& name);
  Status make_splits();
  Status make_ctr_splits(const CatboostCtr& ctr);
  Status add_leaf(uint32_t leaf, std::span<const double> values);
  Status end_tree(uint32_t first, uint32_t depth);
  std::vector<int32_t> codes_of(uint32_t flat, std::span<const uint32_t> hashes);

  CatboostFile file_;
  Ensemble ensemble_;
  std::vector<Split> splits_;
  std::map<std::pair<uint32_t, float>, size_t> float_splits_;
  std::map<std::pair<uint32_t, int32_t>, size_t> one_hot_splits_;
  std::map<std::pair<uint32_t, uint32_t>, int32_t> codes_;  // of (column, hash)
  std::vector<bool> placed_;
};

// {"loss_function": {"type": ...}, ...}, a text of the file.
Result<std::string> catboost_loss(std::string_view params_json);

}  // namespace tidemill::model
