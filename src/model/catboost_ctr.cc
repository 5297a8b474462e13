#include "model/catboost_ctr.h"

#include <fmt/format.h>

#include <cmath>

namespace tidemill::model {
namespace {

constexpr uint64_t kMultiplier = 0x4906ba494954cb65;

// The number whose product with kMultiplier is 1, modulo 2^64: by Newton's iteration.
constexpr uint64_t inverse(uint64_t odd) {
  uint64_t x = odd;
  for (int i = 0; i < 6; ++i) x *= 2 - odd * x;
  return x;
}
constexpr uint64_t kInverse = inverse(kMultiplier);
static_assert(kMultiplier * kInverse == 1);

// As the library computes it, in float32.
float value_of(const CatboostCtr& ctr, float good, float total) {
  const float mean = (good + ctr.prior) / (total + ctr.prior_denominator);
  return (mean + ctr.shift) * ctr.scale;
}

}  // namespace

// The hash of a list of one number b is M * (0 + M * b), where b is sign-extended.
uint64_t ctr_hash_of_category(uint32_t hash) {
  const auto wide = static_cast<uint64_t>(static_cast<int64_t>(static_cast<int32_t>(hash)));
  return kMultiplier * (kMultiplier * wide);
}

uint32_t category_of_ctr_hash(uint64_t hash) {
  return static_cast<uint32_t>(hash * kInverse * kInverse);
}

Result<CatboostCtrValues> catboost_ctr_values(const CatboostCtr& ctr,
                                              const CatboostCtrTable& table) {
  CatboostCtrValues values;
  const bool is_counter =
      ctr.type == CatboostCtrType::kCounter || ctr.type == CatboostCtrType::kFrequency;
  const auto denominator = static_cast<float>(table.denominator);
  values.of_others = value_of(ctr, 0, is_counter ? denominator : 0);
  for (const auto& [hash, counts] : table.counts) {
    double good = 0, total = 0;
    if (is_counter) {
      if (counts.size() != 1) return fail(Code::kInvalid, "a counter has more than one count");
      good = counts[0];
      total = table.denominator;
    } else if (ctr.type == CatboostCtrType::kTargetMean ||
               ctr.type == CatboostCtrType::kFloatTargetMean) {
      if (counts.size() != 2) return fail(Code::kInvalid, "a mean is not of a sum and a count");
      good = counts[0];
      total = counts[1];
    } else {
      if (ctr.target_border >= counts.size()) {
        return fail(Code::kInvalid, fmt::format("target_border_idx {} of {} classes",
                                                ctr.target_border, counts.size()));
      }
      const bool is_bucket = ctr.type == CatboostCtrType::kBuckets;
      for (size_t k = 0; k < counts.size(); ++k) {
        total += counts[k];
        if (is_bucket ? k == ctr.target_border : k > ctr.target_border) good += counts[k];
      }
    }
    const float value = value_of(ctr, static_cast<float>(good), static_cast<float>(total));
    if (std::isnan(value)) return fail(Code::kInvalid, "a statistic is not a number");
    const uint32_t category = category_of_ctr_hash(hash);
    if (ctr_hash_of_category(category) != hash) {
      return fail(Code::kInvalid,
                  "a table of statistics is of several features together, which is not supported; "
                  "train with max_ctr_complexity=1");
    }
    values.by_hash[category] = value;
  }
  return values;
}

}  // namespace tidemill::model
