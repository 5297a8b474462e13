// The mistakes found while one flow is loaded.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/yaml.h"
#include "flow/load.h"

namespace tidemill::flow {

inline constexpr size_t kMaxErrors = 50;  // shown; the rest is counted

// Collects mistakes in any order and gives them in file order. Belongs to one thread.
class Problems {
 public:
  explicit Problems(std::string path) : path_(std::move(path)) {}

  // In the file that is loaded.
  void add(Mark mark, std::string message);
  // In a file that it names at `anchor`: sorted to where it is named.
  void add_in(Mark anchor, std::string path, Mark mark, std::string message);

  bool empty() const { return found_.empty(); }
  // "; did you mean 'x'?" or "". Searching costs time: once there are more mistakes than are shown,
  // the answer is "".
  std::string did_you_mean(std::string_view word, const std::vector<std::string>& valid) const;
  // In file order, each once, at most kMaxErrors and then how many more there are.
  std::vector<FileError> take();

 private:
  struct Found {
    Mark anchor;
    FileError error;
  };
  std::string path_;
  std::vector<Found> found_;
};

}  // namespace tidemill::flow
