// A model in its flat form: a view over bytes that somebody else keeps.
//
//   auto model = FlatModel::open(mapped_file);       // checks everything, once
//   Scratch scratch(*model);                         // per thread
//   score_row(*model, row, scratch, margins);        // no checks, no allocation, no lock
//   predict(*model, margins, predictions);
//
// The bytes must stay unchanged and in place while the FlatModel or a copy of it is used.
// Immutable; any number of threads may read it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/ensemble.h"
#include "model/flat_layout.h"

namespace tidemill::model {

class FlatModel {
 public:
  // Refuses whatever is not a complete, undamaged flat file of a known version, with every index in
  // range: after it, scoring needs no checks. The bytes begin at a multiple of 8 (a mapped file, or
  // a vector's data). Time and no memory in proportion to the file.
  static Result<FlatModel> open(std::span<const std::byte> bytes);

  uint32_t features() const { return header().features; }
  std::string_view feature_name(uint32_t feature) const { return text(features_[feature].name); }
  // True if the trainer named the features; else they are f0, f1, ...
  bool features_are_named() const { return (header().flags & kFlagNamed) != 0; }
  // The texts that stand for the codes 0, 1, ... of a feature; none for numeric features and for
  // features whose categories are given as codes.
  uint32_t categories(uint32_t feature) const { return features_[feature].categories; }
  // True: its values are texts, and a number given for it stands for its decimal text.
  bool is_text(uint32_t feature) const { return features_[feature].is_text != 0; }
  std::string_view category(uint32_t feature, uint32_t code) const {
    return text(categories_[features_[feature].first_category + code]);
  }

  uint32_t outputs() const { return header().outputs; }  // margins of a row
  uint32_t predictions() const;                          // numbers that predict() gives
  uint32_t trees() const { return header().trees; }
  uint32_t iterations() const { return header().iterations; }
  uint32_t nodes() const { return header().nodes; }
  uint32_t max_depth() const { return max_depth_; }
  Transform transform() const { return static_cast<Transform>(header().transform); }
  Family family() const { return static_cast<Family>(header().family); }
  bool is_float32() const { return family() == Family::kFloat32; }
  Origin origin() const { return static_cast<Origin>(header().origin); }
  std::string_view origin_name() const;
  UnknownText unknown_text() const { return static_cast<UnknownText>(header().unknown_text); }
  bool has(uint32_t flag) const { return (header().flags & flag) != 0; }  // kFlag...
  std::string_view objective() const {
    return text({header().objective_begin, header().objective_bytes});
  }
  std::string source_sha256() const;  // of the trainer's file, 64 hexadecimal digits
  std::span<const std::byte> bytes() const { return bytes_; }

  // For the kernels.
  const FlatHeader& header() const;
  std::span<const double> base_margins() const { return {base_margins_, header().outputs}; }
  const double* offsets() const { return offsets_; }  // if kFlagScaled
  std::span<const uint32_t> iteration_starts() const { return {iterations_, iterations() + 1}; }
  std::span<const FlatTree> tree_table() const { return {trees_, header().trees}; }
  std::span<const FlatColumn> columns() const { return {columns_, header().columns}; }
  // Some column is more than its feature, or a constant for a missing value.
  bool has_special_columns() const { return has_special_columns_; }
  const uint64_t* sets() const { return sets_; }
  bool is_narrow() const { return header().node_bytes == sizeof(NarrowNode); }
  const NarrowNode* narrow_nodes() const { return static_cast<const NarrowNode*>(nodes_); }
  const WideNode* wide_nodes() const { return static_cast<const WideNode*>(nodes_); }
  const DoubleNode* double_nodes() const { return static_cast<const DoubleNode*>(nodes_); }
  const uint32_t* origins() const { return origins_; }
  // Of each node, 1 + its place among the vectors or linear leaves; null if the model has neither.
  const uint32_t* extras() const { return has_extras_ ? extras_ : nullptr; }
  bool has_vectors() const { return header().vectors != 0; }
  const double* vectors() const { return vectors_; }
  const FlatLinearLeaf* linear_leaves() const { return linear_; }
  const FlatTerm* terms() const { return terms_; }

 private:
  FlatModel() = default;
  Status check_header() const;
  Status check_counts() const;
  Status check_texts() const;
  Status check_columns();
  Status check_extras() const;
  Status check_leaf_extra(size_t node, bool is_leaf) const;
  template <class Node>
  Status check_trees(const Node* nodes);
  std::string_view text(FlatText at) const { return {strings_ + at.begin, at.bytes}; }

  std::span<const std::byte> bytes_;
  const FlatFeature* features_ = nullptr;
  const FlatText* categories_ = nullptr;
  const char* strings_ = nullptr;
  const double* base_margins_ = nullptr;
  const double* offsets_ = nullptr;
  const uint32_t* iterations_ = nullptr;
  const FlatTree* trees_ = nullptr;
  const FlatColumn* columns_ = nullptr;
  const uint64_t* sets_ = nullptr;
  const void* nodes_ = nullptr;
  const uint32_t* origins_ = nullptr;
  const uint32_t* extras_ = nullptr;
  const double* vectors_ = nullptr;
  const FlatLinearLeaf* linear_ = nullptr;
  const FlatTerm* terms_ = nullptr;
  uint32_t max_depth_ = 0;
  bool has_special_columns_ = false;
  bool has_extras_ = false;
};

}  // namespace tidemill::model
