#include "model/ensemble.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"

namespace tidemill::model {

uint32_t Ensemble::numeric_column(uint32_t feature, ColumnKind kind) {
  TIDEMILL_CHECK(feature < kMaxFeatures && !is_set_column(kind));
  const size_t slot = size_t{feature} * kColumnKinds + static_cast<size_t>(kind);
  if (slot >= numeric_.size()) numeric_.resize(slot + 1, 0);
  if (numeric_[slot] == 0) {
    numeric_[slot] = static_cast<uint32_t>(columns.size());
    columns.push_back({feature, kind, 0, 0});
  }
  return numeric_[slot];
}

Result<uint32_t> Ensemble::set_column(uint32_t feature, ColumnKind kind,
                                      std::span<const int32_t> codes) {
  TIDEMILL_CHECK(feature < kMaxFeatures && is_set_column(kind));
  int32_t largest = -1;
  for (const int32_t code : codes) largest = std::max(largest, code);
  TIDEMILL_CHECK(largest < kMaxCategory);
  const size_t words = largest < 0 ? 0 : static_cast<size_t>(largest) / 64 + 1;
  if (words > kMaxSetWords - set_words.size()) {
    return fail(Code::kExhausted,
                fmt::format("the category sets of the model take more than {} MiB; merge rare "
                            "categories or give them smaller codes",
                            kMaxSetWords * sizeof(uint64_t) >> 20));
  }
  std::vector<uint64_t> set(words, 0);
  for (const int32_t code : codes) {
    TIDEMILL_CHECK(code >= 0);
    set[static_cast<size_t>(code) / 64] |= uint64_t{1} << (code % 64);
  }
  std::string key = fmt::format("{} {}:", static_cast<uint32_t>(kind), feature);
  key.append(reinterpret_cast<const char*>(set.data()), words * sizeof(uint64_t));
  const auto [known, added] = sets_.emplace(std::move(key), static_cast<uint32_t>(columns.size()));
  if (added) {
    columns.push_back(
        {feature, kind, static_cast<uint32_t>(set_words.size()), static_cast<uint32_t>(words)});
    set_words.insert(set_words.end(), set.begin(), set.end());
  }
  return known->second;
}

}  // namespace tidemill::model
