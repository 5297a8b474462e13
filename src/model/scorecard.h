// Scorecards as YAML or CSV (docs/formats/scorecard.md): points by bins of features.
//
// Each characteristic becomes a tree whose leaves are its bins, so the score is base + the points
// in the order of the file. The number of a leaf is the place of its bin.
#pragma once

#include <string_view>

#include "base/result.h"
#include "model/ensemble.h"

namespace tidemill::model {

bool is_scorecard_yaml(std::string_view file);  // its first key is "scorecard"
bool is_scorecard_csv(std::string_view file);   // its header begins with feature,bin,points

// Refused with the line: intervals that overlap, a gap without a bin "other", categories without
// one, no bin for missing values, points that are not finite. Pure; any thread.
Result<Ensemble> read_scorecard_yaml(std::string_view file);
Result<Ensemble> read_scorecard_csv(std::string_view file);

}  // namespace tidemill::model
