// Regular expressions, by RE2. Its header stays in this file.
#include <re2/re2.h>

#include <array>

#include "base/text.h"
#include "sql/kernels/pattern.h"
#include "sql/kernels/utf8.h"

namespace tidemill::sql::kernels {
namespace {

constexpr int64_t kMaxGroup = 9;
constexpr int64_t kMaxRegexMemory = 8 << 20;
constexpr size_t kShownBytes = 200;

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }
std::string_view view(const re2::StringPiece& text) {
  return text.data() == nullptr ? std::string_view() : std::string_view(text.data(), text.size());
}

Error invalid(std::string message) { return {Code::kInvalid, std::move(message), {}}; }

Status check_group(int64_t group) {
  if (group >= 0 && group <= kMaxGroup) return {};
  return fail(invalid("Invalid Input Error: Group index must be between 0 and 9!"));
}

}  // namespace

struct Regex::Compiled {
  Compiled(std::string_view pattern, const RE2::Options& options, bool all)
      : expression(piece(pattern), options), replace_all(all) {}
  RE2 expression;
  bool replace_all;

  // Calls visit(groups) for each match in order; an empty match advances by one character.
  template <class Visit>
  void each_match(std::string_view text, Visit visit) const {
    std::array<re2::StringPiece, kMaxGroup + 1> groups;
    const int count =
        std::min(static_cast<int>(groups.size()), expression.NumberOfCapturingGroups() + 1);
    size_t at = 0;
    while (at <= text.size()) {
      const bool found =
          expression.Match(piece(text), at, text.size(), RE2::UNANCHORED, groups.data(), count);
      if (!found) break;
      visit(groups);
      const auto end = static_cast<size_t>(groups[0].data() - text.data()) + groups[0].size();
      const bool empty = groups[0].empty();
      at = end;
      if (empty) at += end < text.size() ? character_size(text, end) : 1;
    }
  }
};

Result<Regex> Regex::compile(std::string_view pattern, std::string_view options, RegexUse use) {
  RE2::Options settings;
  settings.set_log_errors(false);
  settings.set_max_mem(kMaxRegexMemory);
  bool all = false;
  for (const char letter : options) {
    switch (letter) {
      case 'c':
        settings.set_case_sensitive(true);
        break;
      case 'i':
        settings.set_case_sensitive(false);
        break;
      case 'l':
        settings.set_literal(true);
        break;
      case 'm':
      case 'n':
      case 'p':
        settings.set_dot_nl(false);
        break;
      case 's':
        settings.set_dot_nl(true);
        break;
      case 'g':
        if (use == RegexUse::kMatch) {
          return fail(
              invalid("Invalid Input Error: Option 'g' (global replace) is only valid for "
                      "regexp_replace"));
        }
        all = true;
        break;
      case ' ':
      case '\t':
      case '\n':
        break;
      default:
        return fail(invalid(fmt::format("Invalid Input Error: Unrecognized Regex option {}",
                                        printable(std::string_view(&letter, 1), 8))));
    }
  }
  Regex regex;
  auto compiled = std::make_shared<const Compiled>(pattern, settings, all);
  if (!compiled->expression.ok()) {
    return fail(
        invalid("Invalid Input Error: " + printable(compiled->expression.error(), kShownBytes)));
  }
  regex.compiled_ = std::move(compiled);
  return regex;
}

bool Regex::matches_somewhere(std::string_view text) const {
  return RE2::PartialMatch(piece(text), compiled_->expression);
}

bool Regex::matches_whole(std::string_view text) const {
  return RE2::FullMatch(piece(text), compiled_->expression);
}

Result<std::string> Regex::extract(std::string_view text, int64_t group) const {
  TIDEMILL_TRY(check_group(group));
  if (group > group_count()) return std::string();
  std::array<re2::StringPiece, kMaxGroup + 1> groups;
  const bool found = compiled_->expression.Match(piece(text), 0, text.size(), RE2::UNANCHORED,
                                                 groups.data(), static_cast<int>(group) + 1);
  return found ? std::string(view(groups[static_cast<size_t>(group)])) : std::string();
}

Result<std::vector<std::string>> Regex::extract_all(std::string_view text, int64_t group) const {
  TIDEMILL_TRY(check_group(group));
  if (group > group_count()) {
    if (!matches_somewhere(text)) return std::vector<std::string>();
    return fail(
        invalid(fmt::format("Invalid Input Error: Pattern has {} groups. Cannot access group {}",
                            group_count(), group)));
  }
  std::vector<std::string> found;
  compiled_->each_match(text, [&](const auto& groups) {
    found.emplace_back(view(groups[static_cast<size_t>(group)]));
  });
  return found;
}

Result<std::string> Regex::replace(std::string_view text, std::string_view replacement) const {
  std::string problem;
  if (!compiled_->expression.CheckRewriteString(piece(replacement), &problem)) {
    return fail(invalid(fmt::format(
        "Invalid Input Error: Invalid replacement string for regexp_replace: {}", problem)));
  }
  std::string out(text);
  if (compiled_->replace_all) {
    RE2::GlobalReplace(&out, compiled_->expression, piece(replacement));
  } else {
    RE2::Replace(&out, compiled_->expression, piece(replacement));
  }
  return out;
}

std::vector<std::string> Regex::split(std::string_view text) const {
  std::vector<std::string> parts;
  size_t start = 0;
  compiled_->each_match(text, [&](const auto& groups) {
    const auto at = static_cast<size_t>(groups[0].data() - text.data());
    const bool at_edge = at == 0 || at == text.size();
    if (groups[0].empty() && at_edge) return;
    parts.emplace_back(text.substr(start, at - start));
    start = at + groups[0].size();
  });
  parts.emplace_back(text.substr(start));
  return parts;
}

int Regex::group_count() const { return compiled_->expression.NumberOfCapturingGroups(); }

std::string regexp_escape(std::string_view text) { return RE2::QuoteMeta(piece(text)); }

}  // namespace tidemill::sql::kernels
