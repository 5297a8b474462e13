// A model of trees and linear leaves on its way from a trainer's file to the flat form.
//
// Readers of the trainers' formats fill it; flat_write.cc writes it. Missing values and categories
// are already resolved into columns and trees are already breadth first
// (docs/formats/model.md explains both), so what is left for the writer is layout. A linear model
// is a tree of one leaf for each output, whose leaf is linear.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"

namespace tidemill::model {

// Caps that every reader enforces, also the one of the flat form.
inline constexpr size_t kMaxFileBytes = 512u << 20;
inline constexpr uint32_t kMaxTrees = 100'000;
inline constexpr uint32_t kMaxNodes = 50'000'000;
inline constexpr uint32_t kMaxDepth = 1'024;
inline constexpr uint32_t kMaxFeatures = 100'000;
inline constexpr uint32_t kMaxOutputs = 10'000;
inline constexpr uint32_t kMaxNameBytes = 4'096;
inline constexpr uint32_t kMaxCategories = 1u << 18;  // names, all features together
inline constexpr uint32_t kMaxSetWords = (16u << 20) / 8;
inline constexpr int32_t kMaxCategory = 1 << 24;  // codes are below it

// How a margin becomes a prediction. The numbers are those of the flat form.
enum class Transform : uint32_t {
  kIdentity = 0,
  kSigmoid = 1,
  kSoftmax = 2,
  kArgmax = 3,
  kStep = 4,
  kExp = 5,
  kLog1pExp = 6,
  kSignedSquare = 7,
  kTwoClasses = 8,  // one margin, two numbers: 1 - sigmoid and sigmoid
};
inline constexpr uint32_t kTransforms = 9;

// The arithmetic of a model: what its columns, thresholds, leaves and sums are.
enum class Family : uint32_t { kFloat32 = 1, kFloat64 = 2 };

// Which trainer's rules the model follows, for messages.
enum class Origin : uint32_t {
  kXgboost = 0,
  kLightgbm = 1,
  kCatboost = 2,
  kScorecard = 3,
  kPmml = 4,
};
inline constexpr uint32_t kOrigins = 5;

// What a text means that is none of a feature's categories.
enum class UnknownText : uint32_t { kRefused = 0, kMissing = 1, kNoMember = 2 };
inline constexpr uint32_t kUnknownTexts = 3;

enum class ColumnKind : uint32_t {
  kBottom = 0,  // always -infinity: the column of the leaves
  kMissingLeft = 1,
  kMissingRight = 2,
  kSetMissingLeft = 3,   // 1 for a member
  kSetMissingRight = 4,  // 1 for a member or a missing value
  kZeroLeft = 5,         // missing and zero go left
  kZeroRight = 6,
  kMissingIsZero = 7,
  kIsMissing = 8,  // 1 if missing, else 0
  kNotInSet = 9,   // 0 for a member, else 1; a missing value is no member
};
inline constexpr uint32_t kColumnKinds = 10;

inline constexpr bool is_set_column(ColumnKind kind) {
  return kind == ColumnKind::kSetMissingLeft || kind == ColumnKind::kSetMissingRight ||
         kind == ColumnKind::kNotInSet;
}

// In a float64 model a value above this one counts as this one, so that the threshold above it
// stands for infinity.
inline constexpr double kInfiniteThreshold = std::numeric_limits<double>::max();
inline constexpr double kLargestValue = 0x1.ffffffffffffep+1023;

enum class Missing { kLeft, kRight };

struct Ensemble {
  struct Feature {
    std::string name;
    std::vector<std::string> categories;  // a category's code is its place
    bool is_text = false;                 // a number given for it is its decimal text
  };
  struct Column {
    uint32_t feature = 0;
    ColumnKind kind = ColumnKind::kBottom;
    uint32_t first_word = 0;
    uint32_t words = 0;
  };
  struct Node {
    double value = 0;     // threshold, or what a leaf adds; a float32 in that family
    uint32_t column = 0;  // 0 in a leaf
    uint32_t left = 0;    // within the tree; the right child is left + 1; 0 = leaf
    uint32_t origin = 0;  // the trainer's number
    uint32_t extra = 0;   // of a leaf: 1 + its place in `vectors` or `linear`; 0 = `value` alone
  };
  // value = constant + the sum of coefficient x feature, in this order.
  struct LinearLeaf {
    double constant = 0;
    uint32_t first_term = 0;
    uint32_t terms = 0;
  };
  struct Term {
    double coefficient = 0;
    uint32_t feature = 0;
    uint32_t zero = 0;
  };
  struct Tree {
    uint32_t first_node = 0;
    uint32_t nodes = 0;
    uint32_t depth = 0;
    uint32_t output = 0;
  };

  std::string objective;
  Origin origin = Origin::kXgboost;
  Family family = Family::kFloat32;
  Transform transform = Transform::kIdentity;
  double slope = 1;                   // the sigmoids are of slope x margin
  double scale = 1;                   // margin = sum x scale + offset
  bool named = false;                 // the feature names are the trainer's
  bool rounds_rows = false;           // a row is rounded to float32 first; so always in kFloat32
  bool tiny_is_zero = false;          // a value of at most 1e-35f is 0
  bool refuses_infinite = false;      // a row with an infinite value is refused
  bool averages = false;              // the prediction is of margin / iterations
  bool linear_skips_missing = false;  // else a missing feature makes a linear leaf its `value`
  UnknownText unknown_text = UnknownText::kRefused;
  std::vector<Feature> features;
  std::vector<double> base_margins;  // one per output
  std::vector<double> offsets;       // one per output, or none: 0
  std::vector<uint32_t> iterations;  // first tree of each, then the number of trees
  std::vector<Tree> trees;
  std::vector<Node> nodes;
  std::vector<Column> columns = {Column{}};
  std::vector<uint64_t> set_words;
  std::vector<double> vectors;  // leaves that add to every output: one number per output each
  std::vector<LinearLeaf> linear;
  std::vector<Term> terms;

  // The column of a numeric split; the same one for equal arguments. Not for kinds of sets.
  uint32_t numeric_column(uint32_t feature, ColumnKind kind);
  uint32_t numeric_column(uint32_t feature, Missing missing) {
    return numeric_column(
        feature, missing == Missing::kRight ? ColumnKind::kMissingRight : ColumnKind::kMissingLeft);
  }
  // The column of a split by the given codes, each in [0, kMaxCategory). Refused if all sets
  // together grow too large.
  Result<uint32_t> set_column(uint32_t feature, ColumnKind kind, std::span<const int32_t> codes);

 private:
  std::vector<uint32_t> numeric_;  // column of (feature, kind), 0 = none yet
  std::unordered_map<std::string, uint32_t> sets_;
};

}  // namespace tidemill::model
