#include "flow/problems.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "flow/reader.h"

namespace tidemill::flow {

std::string FileError::text() const {
  if (mark.line == 0) return fmt::format("{}: {}", path, message);
  return fmt::format("{}:{}:{}: {}", path, mark.line, mark.column, message);
}

void Problems::add(Mark mark, std::string message) {
  found_.push_back({mark, {path_, mark, std::move(message)}});
}

void Problems::add_in(Mark anchor, std::string path, Mark mark, std::string message) {
  found_.push_back({anchor, {std::move(path), mark, std::move(message)}});
}

std::string Problems::did_you_mean(std::string_view word,
                                   const std::vector<std::string>& valid) const {
  if (found_.size() > kMaxErrors) return {};
  return flow::did_you_mean(word, valid);
}

std::vector<FileError> Problems::take() {
  auto key = [](const Found& found) {
    return std::make_tuple(found.anchor.line, found.anchor.column, found.error.mark.line,
                           found.error.mark.column);
  };
  std::stable_sort(found_.begin(), found_.end(),
                   [&](const Found& a, const Found& b) { return key(a) < key(b); });
  std::vector<FileError> errors;
  for (Found& found : found_) {
    bool const is_repeat = !errors.empty() && errors.back().text() == found.error.text();
    if (!is_repeat) errors.push_back(std::move(found.error));
  }
  found_.clear();
  if (errors.size() > kMaxErrors) {
    size_t const more = errors.size() - kMaxErrors;
    errors.resize(kMaxErrors);
    errors.push_back({path_, {}, fmt::format("and {} more", more)});
  }
  return errors;
}

}  // namespace tidemill::flow
