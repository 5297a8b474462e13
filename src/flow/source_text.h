// The lines of a file, to tell where in it a character of a scalar stands.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/yaml.h"

namespace tidemill::flow {

class SourceText {
 public:
  explicit SourceText(std::string text);
  SourceText(const SourceText&) = delete;
  SourceText& operator=(const SourceText&) = delete;

  // Where byte `offset` of the scalar's text stands in the file. YAML may fold and escape what it
  // reads; where the file's line does not show the same text, the answer is where the scalar
  // begins.
  Mark place(const YamlNode& scalar, size_t offset) const;
  // The same for a line and column (both from 1) within the scalar's text.
  Mark place(const YamlNode& scalar, Mark within) const;

 private:
  std::string_view line(int number) const;  // from 1; empty where there is none

  std::string text_;
  std::vector<std::string_view> lines_;
};

// Line and column, in bytes as YAML counts, of a byte of a text.
Mark mark_of(std::string_view text, size_t offset);
// The byte of a line and column, in characters as SQL counts, or the end of the text.
size_t offset_of(std::string_view text, int line, int column);

}  // namespace tidemill::flow
