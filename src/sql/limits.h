// Named limits of the SQL room.
#pragma once

#include <cstddef>

namespace tidemill::sql {

inline constexpr size_t kMaxTextBytes = 1u << 20;  // of one statement or expression
inline constexpr int kMaxNesting = 200;            // parentheses, CASE, subqueries within another
inline constexpr int kMaxTreeDepth = 1'000;        // of chains such as a + b + c + ...
inline constexpr size_t kMaxColumns = 10'000;      // of a table or a result
inline constexpr size_t kMaxResultRows = 10'000'000;     // of any intermediate or final result
inline constexpr size_t kMaxRunBytes = size_t{4} << 30;  // memory that one run may take

}  // namespace tidemill::sql
