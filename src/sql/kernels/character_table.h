// Tables of Unicode that the text functions need. Internal to this folder.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tidemill::sql::kernels {

// Every `stride`-th code point of first..last maps to itself plus delta. Sorted by first.
struct CaseRun {
  uint32_t first;
  uint32_t last;
  uint32_t stride;
  int32_t delta;
};
extern const CaseRun kUpper[];
extern const size_t kUpperSize;
extern const CaseRun kLower[];
extern const size_t kLowerSize;

// Code points that join the character before them (marks, joiners, skin tones).
struct CharacterRange {
  uint32_t first;
  uint32_t last;
};
extern const CharacterRange kExtenders[];
extern const size_t kExtendersSize;

}  // namespace tidemill::sql::kernels
