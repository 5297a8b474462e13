// How far apart two texts are: edit distances and similarities. As in DuckDB some count characters,
// others bytes; strings.h says which.
#include <algorithm>
#include <unordered_map>

#include "sql/kernels/strings.h"
#include "sql/kernels/utf8.h"

namespace tidemill::sql::kernels {
namespace {

// Steps that one edit distance may take; two texts of 8,000 characters.
constexpr size_t kMaxSteps = size_t{64} << 20;

Error invalid(std::string message) { return {Code::kInvalid, std::move(message), {}}; }

Status check_size(size_t a, size_t b) {
  if (a == 0 || b <= kMaxSteps / a) return {};
  return fail(
      Code::kExhausted,
      fmt::format("Out of Range Error: texts of {} and {} characters are too long to compare; "
                  "the product may be at most {}",
                  a, b, kMaxSteps));
}

}  // namespace

Result<int64_t> levenshtein(std::string_view a, std::string_view b) {
  const std::vector<char32_t> left = code_points(a);
  const std::vector<char32_t> right = code_points(b);
  TIDEMILL_TRY(check_size(left.size(), right.size()));
  std::vector<int64_t> row(right.size() + 1);
  for (size_t j = 0; j < row.size(); ++j) row[j] = static_cast<int64_t>(j);
  for (size_t i = 0; i < left.size(); ++i) {
    int64_t diagonal = row[0];
    row[0] = static_cast<int64_t>(i) + 1;
    for (size_t j = 0; j < right.size(); ++j) {
      const int64_t above = row[j + 1];
      const int64_t replaced = diagonal + (left[i] == right[j] ? 0 : 1);
      row[j + 1] = std::min({above + 1, row[j] + 1, replaced});
      diagonal = above;
    }
  }
  return row.back();
}

// With transpositions of neighbours, other edits between them allowed (Lowrance and Wagner).
Result<int64_t> damerau_levenshtein(std::string_view left, std::string_view right) {
  TIDEMILL_TRY(check_size(left.size() + 2, right.size() + 2));
  const size_t width = right.size() + 2;
  const auto far = static_cast<int64_t>(left.size() + right.size());
  std::vector<int64_t> cells((left.size() + 2) * width, far);
  const auto cell = [&](size_t i, size_t j) -> int64_t& { return cells[i * width + j]; };
  for (size_t i = 0; i <= left.size(); ++i) cell(i + 1, 1) = static_cast<int64_t>(i);
  for (size_t j = 0; j <= right.size(); ++j) cell(1, j + 1) = static_cast<int64_t>(j);
  std::unordered_map<char, size_t> last_row;
  for (size_t i = 1; i <= left.size(); ++i) {
    size_t last_column = 0;
    for (size_t j = 1; j <= right.size(); ++j) {
      const auto seen = last_row.find(right[j - 1]);
      const size_t row = seen == last_row.end() ? 0 : seen->second;
      const size_t column = last_column;
      const bool same = left[i - 1] == right[j - 1];
      if (same) last_column = j;
      const auto skipped = static_cast<int64_t>((i - row - 1) + (j - column - 1));
      cell(i + 1, j + 1) = std::min({cell(i, j) + (same ? 0 : 1), cell(i + 1, j) + 1,
                                     cell(i, j + 1) + 1, cell(row, column) + skipped + 1});
    }
    last_row[left[i - 1]] = i;
  }
  return cell(left.size() + 1, right.size() + 1);
}

Result<int64_t> hamming(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) {
    return fail(
        invalid("Invalid Input Error: Mismatch Function: Strings must be of equal length!"));
  }
  if (a.empty()) {
    return fail(invalid("Invalid Input Error: Mismatch Function: Strings must be of length > 0!"));
  }
  int64_t differing = 0;
  for (size_t i = 0; i < a.size(); ++i) differing += a[i] != b[i] ? 1 : 0;
  return differing;
}

Result<double> jaccard(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty()) {
    return fail(invalid("Invalid Input Error: Jaccard Function: An argument too short!"));
  }
  const auto distinct = [](std::string_view text) {
    std::string bytes(text);
    std::sort(bytes.begin(), bytes.end());
    bytes.erase(std::unique(bytes.begin(), bytes.end()), bytes.end());
    return bytes;
  };
  const std::string left = distinct(a);
  const std::string right = distinct(b);
  std::string both;
  std::set_intersection(left.begin(), left.end(), right.begin(), right.end(),
                        std::back_inserter(both));
  return static_cast<double>(both.size()) /
         static_cast<double>(left.size() + right.size() - both.size());
}

Result<double> jaro_similarity(std::string_view a, std::string_view b) {
  const std::vector<char32_t> left = code_points(a);
  const std::vector<char32_t> right = code_points(b);
  TIDEMILL_TRY(check_size(left.size(), right.size()));
  if (left.empty() || right.empty()) return 0.0;
  const size_t longest = std::max(left.size(), right.size());
  const size_t window = longest / 2 > 0 ? longest / 2 - 1 : 0;
  std::vector<bool> taken(right.size());
  std::vector<char32_t> matched;
  for (size_t i = 0; i < left.size(); ++i) {
    const size_t end = std::min(i + window + 1, right.size());
    for (size_t j = i > window ? i - window : 0; j < end; ++j) {
      if (taken[j] || left[i] != right[j]) continue;
      taken[j] = true;
      matched.push_back(left[i]);
      break;
    }
  }
  if (matched.empty()) return 0.0;
  size_t out_of_order = 0;
  size_t next = 0;
  for (size_t j = 0; j < right.size(); ++j) {
    if (taken[j] && matched[next++] != right[j]) ++out_of_order;
  }
  const auto count = static_cast<double>(matched.size());
  const double swaps = static_cast<double>(out_of_order / 2);
  return (count / static_cast<double>(left.size()) + count / static_cast<double>(right.size()) +
          (count - swaps) / count) /
         3.0;
}

// Winkler: up to four equal first characters each take away a tenth of what is missing.
Result<double> jaro_winkler_similarity(std::string_view a, std::string_view b) {
  constexpr double kPrefixWeight = 0.1;
  constexpr double kThreshold = 0.7;
  TIDEMILL_TRY_LET(similarity, jaro_similarity(a, b));
  if (similarity <= kThreshold) return similarity;
  const std::vector<char32_t> left = code_points(a);
  const std::vector<char32_t> right = code_points(b);
  const size_t most = std::min({left.size(), right.size(), size_t{4}});
  size_t prefix = 0;
  while (prefix < most && left[prefix] == right[prefix]) ++prefix;
  return similarity + static_cast<double>(prefix) * kPrefixWeight * (1.0 - similarity);
}

}  // namespace tidemill::sql::kernels
