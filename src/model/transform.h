// From margins to predictions, in the project's own arithmetic: the same bits on every machine.
// Pure; no allocation.
#pragma once

#include <span>

#include "model/ensemble.h"

namespace tidemill::model {

// The exponential of a float32, with the bits that XGBoost gets from glibc.
float exp_float(float x);

float sigmoid(float margin);

// In place. Exponentials of the distances to the largest, divided by their sum, which is taken in
// double.
void softmax(std::span<float> values);

double sigmoid(double margin);
void softmax(std::span<double> values);

// `margin` has one number per output; `prediction` as many, or one for kArgmax. They may be the
// same span where their sizes agree.
void predict(Transform transform, std::span<const float> margin, std::span<float> prediction);

// The same in float64. The sigmoids are of slope x margin. kTwoClasses gives two numbers.
void predict(Transform transform, double slope, std::span<const double> margin,
             std::span<double> prediction);

}  // namespace tidemill::model
