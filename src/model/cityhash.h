// CityHash64 of its version 1.0: what CatBoost knows the texts of categories by.
#pragma once

#include <cstdint>
#include <string_view>

namespace tidemill::model {

uint64_t city_hash(std::string_view text);

// The hash of a category as it stands in a CatBoost model.
inline uint32_t category_hash(std::string_view text) {
  return static_cast<uint32_t>(city_hash(text));
}

}  // namespace tidemill::model
