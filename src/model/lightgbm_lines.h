// The lines of a LightGBM file: `key=value`, with the number of each for messages.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tidemill::model {

class LightgbmLines {
 public:
  explicit LightgbmLines(std::string_view text) : text_(text) {}

  // Moves to the next line; false at the end of the file.
  bool next();
  std::string_view line() const { return line_; }
  size_t number() const { return number_; }  // of the line, from 1
  // "key=value" in two; without "=", all of it is the key.
  std::string_view key() const;
  std::string_view value() const;

  tl::unexpected<Error> error(std::string_view message) const;

  // The value as numbers between blanks, at most `limit`; they replace `out`. Reals are finite, or
  // infinite too if `Reals` says so.
  Status integers(std::vector<int32_t>& out, size_t limit) const;
  Status words(std::vector<uint32_t>& out, size_t limit) const;
  enum class Reals { kFinite, kOrInfinite };
  Status reals(std::vector<double>& out, size_t limit, Reals reals) const;
  size_t count() const;  // of the things between blanks
  Result<uint32_t> whole(uint32_t least, uint32_t most) const;

 private:
  template <class Number>
  Status numbers(std::vector<Number>& out, size_t limit, std::string_view expected,
                 Reals reals = Reals::kFinite) const;

  std::string_view text_, line_;
  size_t at_ = 0, number_ = 0;
};

// The next part of `text` between blanks, taken off its front; empty at the end.
std::string_view next_word(std::string_view& text);

}  // namespace tidemill::model
