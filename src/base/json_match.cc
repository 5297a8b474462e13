#include "base/json_match.h"

#include <fmt/format.h>

#include "base/text.h"

namespace tidemill {
namespace {

constexpr size_t kShown = 200;
constexpr size_t kMaxLines = 100;

std::string shown(const Json& json) { return printable(json.dump(), kShown); }

bool are_equal(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number()) {
    return a == b || a.as_double() == b.as_double();
  }
  return a == b;
}

void compare(const Json& found, const Json& expected, const std::string& path,
             std::vector<std::string>& lines) {
  if (lines.size() >= kMaxLines) return;
  std::string const where = path.empty() ? "" : path + ": ";
  if (expected.is_object() && found.is_object()) {
    for (const auto& [name, value] : expected.as_object()) {
      std::string const inner = path.empty() ? name : path + "." + name;
      const Json* member = found.find(name);
      if (member == nullptr) {
        lines.push_back(fmt::format("{}: not there, expected {}", inner, shown(value)));
      } else {
        compare(*member, value, inner, lines);
      }
    }
    return;
  }
  if (expected.is_array() && found.is_array()) {
    size_t const size = expected.as_array().size();
    if (found.as_array().size() != size) {
      lines.push_back(fmt::format("{}found {} items, expected {}: {}", where,
                                  found.as_array().size(), size, shown(found)));
      return;
    }
    for (size_t i = 0; i < size; ++i) {
      compare(found.as_array()[i], expected.as_array()[i], fmt::format("{}[{}]", path, i), lines);
    }
    return;
  }
  if (!are_equal(found, expected)) {
    lines.push_back(fmt::format("{}found {}, expected {}", where, shown(found), shown(expected)));
  }
}

}  // namespace

std::vector<std::string> json_differences(const Json& found, const Json& expected,
                                          const std::string& path) {
  std::vector<std::string> lines;
  compare(found, expected, path, lines);
  return lines;
}

}  // namespace tidemill
