// A tree ensemble on its way from a trainer's file to the flat form.
//
// Readers of the trainers' formats fill it; flat_write.cc writes it. Missing values and categories
// are already resolved into columns and trees are already breadth first
// (docs/formats/model.md explains both), so what is left for the writer is layout.
#pragma once

#include <cstdint>
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
};
inline constexpr uint32_t kTransforms = 6;

enum class ColumnKind : uint32_t {
  kBottom = 0,  // always -infinity: the column of the leaves
  kMissingLeft = 1,
  kMissingRight = 2,
  kSetMissingLeft = 3,
  kSetMissingRight = 4,
};
inline constexpr uint32_t kColumnKinds = 5;

enum class Missing { kLeft, kRight };

struct Ensemble {
  struct Feature {
    std::string name;
    std::vector<std::string> categories;  // a category's code is its place
  };
  struct Column {
    uint32_t feature = 0;
    ColumnKind kind = ColumnKind::kBottom;
    uint32_t first_word = 0;
    uint32_t words = 0;
  };
  struct Node {
    float value = 0;      // threshold, or what a leaf adds
    uint32_t column = 0;  // 0 in a leaf
    uint32_t left = 0;    // within the tree; the right child is left + 1; 0 = leaf
    uint32_t origin = 0;  // the trainer's number
  };
  struct Tree {
    uint32_t first_node = 0;
    uint32_t nodes = 0;
    uint32_t depth = 0;
    uint32_t output = 0;
  };

  std::string objective;
  Transform transform = Transform::kIdentity;
  bool named = false;  // the feature names are the trainer's
  std::vector<Feature> features;
  std::vector<float> base_margins;   // one per output
  std::vector<uint32_t> iterations;  // first tree of each, then the number of trees
  std::vector<Tree> trees;
  std::vector<Node> nodes;
  std::vector<Column> columns = {Column{}};
  std::vector<uint64_t> set_words;

  // The column of a numeric split; the same one for equal arguments.
  uint32_t numeric_column(uint32_t feature, Missing missing);
  // The column that is 1 for the given codes, each in [0, kMaxCategory). Refused if all sets
  // together grow too large.
  Result<uint32_t> set_column(uint32_t feature, Missing missing, std::span<const int32_t> codes);

 private:
  std::vector<uint32_t> numeric_;  // column of (feature, missing), 0 = none yet
  std::unordered_map<std::string, uint32_t> sets_;
};

}  // namespace tidemill::model
