// What writer and reader of segments agree on: docs/formats/history.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "run/rows.h"

namespace tidemill::store::segment {

inline constexpr std::string_view kMagic = "TMHISTRY";
inline constexpr uint32_t kVersion = 1;
inline constexpr size_t kFixedHeader = 8 + 4 + 4 + 8 + 4 + 4 + 8 + 8 + 8 + 8;
inline constexpr size_t kEntryBytes = 32;
inline constexpr size_t kGroupBytes = 16;
inline constexpr size_t kBlockHead = 16;
inline constexpr size_t kDigestBytes = 64;

// Numbers in the file do not follow the order of the program's enumeration.
inline uint32_t state_number(run::RunState state) {
  if (state == run::RunState::kSucceeded) return 2;
  return state == run::RunState::kFailed ? 3 : 4;
}
inline std::optional<run::RunState> state_of(uint32_t number) {
  if (number == 2) return run::RunState::kSucceeded;
  if (number == 3) return run::RunState::kFailed;
  if (number == 4) return run::RunState::kCancelled;
  return std::nullopt;
}

}  // namespace tidemill::store::segment
