// Golden rows: what the trainer's own library answered, stored beside the model.
//
// `golden.jsonl` has one JSON object a line:
//
//   {"features": {"age": 31, "income": null, "home": "rent"}, "prediction": 0.137, "margin": -1.84}
//
// Features are given by name; absent ones are missing values. `prediction` is required, `margin` is
// not. A model with several outputs has arrays there. Numbers of a float32 model are compared as
// float32: the margin exactly, the prediction within one step. Those of a float64 model agree
// within 1e-12, relatively.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.h"
#include "model/flat.h"

namespace tidemill::model {

// Scores every row; returns how many there were. Refused: no row at all, a row that cannot be read,
// and the first difference (row, expected, got). Pure; any thread.
Result<size_t> check_golden(const FlatModel& model, std::string_view golden_jsonl);

}  // namespace tidemill::model
