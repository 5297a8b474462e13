#include "model/lightgbm_lines.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/text.h"

namespace tidemill::model {

std::string_view next_word(std::string_view& text) {
  const size_t begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) return text = {};
  const size_t end = std::min(text.find(' ', begin), text.size());
  const std::string_view word = text.substr(begin, end - begin);
  text.remove_prefix(end);
  return word;
}

bool LightgbmLines::next() {
  if (at_ >= text_.size()) return false;
  const size_t end = std::min(text_.find('\n', at_), text_.size());
  line_ = text_.substr(at_, end - at_);
  if (line_.ends_with('\r')) line_.remove_suffix(1);
  at_ = end + 1;
  ++number_;
  return true;
}

std::string_view LightgbmLines::key() const { return line_.substr(0, line_.find('=')); }

std::string_view LightgbmLines::value() const {
  const size_t equals = line_.find('=');
  return equals == std::string_view::npos ? std::string_view() : line_.substr(equals + 1);
}

tl::unexpected<Error> LightgbmLines::error(std::string_view message) const {
  return fail(Code::kInvalid, fmt::format("line {}: {}", number_, message));
}

size_t LightgbmLines::count() const {
  std::string_view rest = value();
  size_t count = 0;
  while (!next_word(rest).empty()) ++count;
  return count;
}

template <class Number>
Status LightgbmLines::numbers(std::vector<Number>& out, size_t limit, std::string_view expected,
                              Reals reals) const {
  out.clear();
  std::string_view rest = value();
  for (std::string_view word; !(word = next_word(rest)).empty();) {
    if (out.size() >= limit) return error(fmt::format("{}: more than {} numbers", key(), limit));
    Number number{};
    const auto [end, ec] = std::from_chars(word.data(), word.data() + word.size(), number);
    bool is_good = end == word.data() + word.size();
    if constexpr (std::is_floating_point_v<Number>) {
      // Too small is zero, as the library has it; too large is refused.
      const bool is_tiny = ec == std::errc::result_out_of_range && word.find("e-") != word.npos;
      const bool is_infinite = reals == Reals::kOrInfinite && std::isinf(number);
      is_good &= ec == std::errc{} ? std::isfinite(number) || is_infinite : is_tiny;
    } else {
      is_good &= ec == std::errc{};
    }
    if (!is_good) {
      return error(fmt::format("{}: entry {} is \"{}\", expected {}", printable(key(), 40),
                               out.size(), printable(word, 40), expected));
    }
    out.push_back(number);
  }
  return {};
}

Status LightgbmLines::integers(std::vector<int32_t>& out, size_t limit) const {
  return numbers(out, limit, "a whole number from -2147483648 to 2147483647");
}

Status LightgbmLines::words(std::vector<uint32_t>& out, size_t limit) const {
  return numbers(out, limit, "a whole number from 0 to 4294967295");
}

Status LightgbmLines::reals(std::vector<double>& out, size_t limit, Reals reals) const {
  return numbers(out, limit, reals == Reals::kFinite ? "a finite number" : "a number", reals);
}

Result<uint32_t> LightgbmLines::whole(uint32_t least, uint32_t most) const {
  uint64_t number = 0;
  const std::string_view text = value();
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec != std::errc{} || end != text.data() + text.size() || number < least || number > most) {
    return error(fmt::format("{} is \"{}\", expected a whole number from {} to {}",
                             printable(key(), 40), printable(text, 40), least, most));
  }
  return static_cast<uint32_t>(number);
}

}  // namespace tidemill::model
