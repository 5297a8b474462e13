// Runs the calls of a file of tests/vectors/kernels against a table of functions. For tests only.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "value/number_text.h"

namespace tidemill::value {

using VectorArguments = std::vector<std::string>;
// The answer as text; nothing is NULL.
using VectorAnswer = Result<std::optional<std::string>>;
using VectorFunction = std::function<VectorAnswer(const VectorArguments&)>;
using VectorTable = std::map<std::string, VectorFunction>;

// How answers that are numbers are compared: kClose allows for another mathematics library.
enum class VectorMatch { kExact, kClose };

inline bool same_answer(const std::string& found, const std::string& expected, VectorMatch match) {
  if (found == expected) return true;
  const auto a = parse_double(found);
  const auto b = parse_double(expected);
  if (!a || !b) return false;
  if (std::isnan(*a) && std::isnan(*b)) return true;  // the sign of NaN means nothing
  return match == VectorMatch::kClose &&
         std::fabs(*a - *b) <= 1e-12 * std::max({1.0, std::fabs(*a), std::fabs(*b)});
}

inline std::string shown_answer(const VectorAnswer& answer) {
  if (!answer) return "error " + answer.error().message;
  return answer->has_value() ? "\"" + **answer + "\"" : "NULL";
}

// Every line of tests/vectors/kernels/<name>.jsonl must agree, but for the calls in `known`.
inline void run_vectors(const std::string& name, const VectorTable& table, VectorMatch match,
                        const std::vector<std::string>& known = {}) {
  std::ifstream file(std::string(TIDEMILL_SOURCE_DIR) + "/tests/vectors/kernels/" + name +
                     ".jsonl");
  ASSERT_TRUE(file.is_open());
  size_t lines = 0;
  size_t differing = 0;
  for (std::string line; std::getline(file, line); ++lines) {
    const auto parsed = parse_json(line);
    ASSERT_TRUE(parsed) << line;
    VectorArguments arguments;
    for (const Json& item : parsed->find("call")->as_array()) arguments.push_back(item.as_string());
    const std::string call = parsed->find("call")->dump();
    if (std::find(known.begin(), known.end(), call) != known.end()) continue;
    const auto function = table.find(arguments.front());
    ASSERT_NE(function, table.end()) << arguments.front();
    arguments.erase(arguments.begin());
    const VectorAnswer answer = function->second(arguments);
    const Json* value = parsed->find("value");
    bool same = value == nullptr ? !answer : answer.has_value();
    if (same && value != nullptr) {
      same = value->is_null()
                 ? !answer->has_value()
                 : answer->has_value() && same_answer(**answer, value->as_string(), match);
    }
    if (!same) ++differing;
    if (!same && differing <= 60) {
      ADD_FAILURE() << call << "\n  expected " << (value == nullptr ? "error" : value->dump())
                    << "\n  found    " << shown_answer(answer);
    }
  }
  EXPECT_GT(lines, 100U);
  EXPECT_EQ(differing, 0U) << "of " << lines;
}

// Makes a text answer of a Result, an optional or a plain value.
template <class T, class Format>
VectorAnswer answer_of(const Result<T>& result, Format format) {
  if (!result) return fail(result.error());
  return format(*result);
}
inline VectorAnswer answer_of(const Result<std::string>& result) {
  if (!result) return fail(result.error());
  return std::optional<std::string>(*result);
}

}  // namespace tidemill::value
