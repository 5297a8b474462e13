// Scores rows with a flat model. The margins have the bits of the library that trained it.
//
// No lock, no allocation, no global on the path: a thread brings its own Scratch. The result for a
// row does not depend on the batch it is in. Rows, margins and predictions are float64; those of a
// float32 model are float32 values in it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "model/flat.h"

namespace tidemill::model {

// What one thread needs to score one model: the row spread over columns, and the leaf of each tree.
class Scratch {
 public:
  explicit Scratch(const FlatModel& model);
  std::vector<float> columns;          // of a float32 model
  std::vector<double> double_columns;  // of a float64 one
  std::vector<double> row;             // the row as the trees see it
  std::vector<float> sums;
  std::vector<double> averages;
  std::vector<float> predictions;
  std::vector<uint32_t> leaf_nodes;  // node numbers in the flat form, of the last row scored
};

// Which iterations of training count; all, unless told.
struct Iterations {
  uint32_t begin = 0;
  uint32_t end = UINT32_MAX;  // past the last one is the last one
};

// `row` has one number per feature of the model, in its order, NaN = missing; `margins` one per
// output. Refused: an infinite value where the trainer refuses it. The margins are then not
// written.
Status score_row(const FlatModel& model, std::span<const double> row, Scratch& scratch,
                 std::span<double> margins, Iterations iterations = {});

// What the model says about the margins that score_row gave for the same iterations; as many
// numbers as model.predictions().
void predict(const FlatModel& model, std::span<const double> margins, Scratch& scratch,
             std::span<double> predictions, Iterations iterations = {});

// Rows one after another in `rows`, margins likewise. A row that is refused gets NaN margins and a
// 1 in `refused`; the others are scored. Returns how many were refused. The sizes must agree.
size_t score_rows(const FlatModel& model, std::span<const double> rows, Scratch& scratch,
                  std::span<double> margins, std::span<uint8_t> refused);

// Why score_row refuses the row; empty if it does not.
std::string why_refused(const FlatModel& model, std::span<const double> row);

// After score_row over all iterations: the trainer's number of the leaf in each tree.
void last_leaves(const FlatModel& model, const Scratch& scratch, std::span<uint32_t> leaves);

}  // namespace tidemill::model
