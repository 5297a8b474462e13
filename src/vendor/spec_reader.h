// Reading of scalars and maps of a vendor file. Mistakes are collected, not thrown: a file's
// mistakes are shown together.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "base/yaml.h"
#include "vendor/spec.h"

namespace tidemill::vendor {

class SpecReader {
 public:
  void add(Mark mark, std::string message) { errors_.push_back({mark, std::move(message)}); }
  // In file order.
  std::vector<VendorError> take_errors();
  bool has_errors() const { return !errors_.empty(); }

  // True if `node` is a map all of whose keys are among `valid`, or else a mistake is noted (the
  // map is read on if only keys are wrong). `what` names the map in messages: "limits".
  bool map(const YamlNode& node, std::string_view what, std::span<const std::string_view> valid);

  // Each notes a mistake and gives nothing if `node` is not what is asked for.
  std::optional<std::string> text(const YamlNode& node, std::string_view what);
  std::optional<std::string> name(const YamlNode& node, std::string_view what);
  std::optional<bool> boolean(const YamlNode& node, std::string_view what);
  std::optional<int64_t> integer(const YamlNode& node, std::string_view what, int64_t from,
                                 int64_t to);
  std::optional<Duration> duration(const YamlNode& node, std::string_view what, Duration from,
                                   Duration to);
  std::optional<size_t> bytes(const YamlNode& node, std::string_view what, size_t most);
  std::optional<Rate> rate(const YamlNode& node);
  // The position of the word among `words`.
  std::optional<size_t> word(const YamlNode& node, std::string_view what,
                             std::span<const std::string_view> words);
  // A value with expressions in it.
  std::optional<RequestValue> value(const YamlNode& node);

 private:
  std::vector<VendorError> errors_;
};

// " (did you mean 'x'?)", or the list of what is valid.
std::string expected_words(std::string_view found, std::span<const std::string_view> valid);

}  // namespace tidemill::vendor
