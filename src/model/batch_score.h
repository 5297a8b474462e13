// Scores the rows of a batch by the names of its columns.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/feature_map.h"
#include "model/score.h"
#include "value/batch.h"

namespace tidemill::model {

// For one model and one thread. It keeps its buffers, so that batches of the size seen before need
// no allocation.
//
//   auto map = FeatureMap::make(model, batch.names());
//   BatchScorer scorer(model, *map);
//   scorer.score(batch);
//   scorer.prediction(0)[0];
class BatchScorer {
 public:
  struct Refused {
    size_t row;
    std::string reason;
  };

  BatchScorer(const FlatModel& model, FeatureMap map);

  // The batch has the columns, in their order, that the map was made from. Numbers and booleans
  // become float64, NULL and NaN are missing, text becomes the code of its category.
  // Refused as a whole: a column of a type that cannot be a feature. A row with an infinite value
  // or a text that is no category is refused alone; the others are scored.
  Status score(const value::Batch& batch);

  // Of the last batch scored. The numbers of a refused row are NaN.
  std::span<const double> margin(size_t row) const;
  std::span<const double> prediction(size_t row) const;
  const std::vector<Refused>& refused() const { return reasons_; }  // in order of rows

 private:
  Status fill(uint32_t feature, const value::Column& column);
  Status fill_codes(uint32_t feature, const value::Column& column);

  FlatModel model_;
  FeatureMap map_;
  Scratch scratch_;
  std::vector<double> rows_, margins_, predictions_;
  std::vector<uint8_t> refused_;
  std::vector<Refused> reasons_;
};

}  // namespace tidemill::model
