#include "flow/expressions.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/template.h"
#include "base/text.h"
#include "flow/source_text.h"

namespace tidemill::flow {
namespace {

constexpr size_t kMaxSqlParams = 999;

// Whether the name really stands at that byte, plain or quoted.
bool stands_at(std::string_view text, size_t offset, std::string_view name) {
  std::string_view const rest = text.substr(std::min(offset, text.size()));
  if (rest.starts_with('"')) return true;
  return to_lower_ascii(rest.substr(0, name.size())) == to_lower_ascii(name);
}

// Where the first thing of a SQL text ends that is not plain: a quoted text or a comment.
size_t end_of_quoted(std::string_view text, size_t from) {
  size_t const end = text.find(text[from], from + 1);
  return end == std::string_view::npos ? text.size() : end + 1;
}

size_t end_of_comment(std::string_view text, size_t from) {
  bool const is_line = text[from] == '-';
  size_t const end = text.find(is_line ? "\n" : "*/", from + (is_line ? 0 : 2));
  if (end == std::string_view::npos) return text.size();
  return is_line ? end : end + 2;
}

// Where "}}" ends the expression that opens at `from`, or npos. Its quotes are SQL's.
size_t end_of_expression(std::string_view text, size_t from) {
  for (size_t i = from + 2; i < text.size();) {
    if (text[i] == '\'' || text[i] == '"') {
      i = end_of_quoted(text, i);
    } else if (text.substr(i, 2) == "}}") {
      return i + 2;
    } else {
      ++i;
    }
  }
  return std::string_view::npos;
}

class SqlSplitter {
 public:
  explicit SqlSplitter(std::string_view text) : text_(text) {}

  tl::expected<SqlText, SqlTextError> run() {
    while (at_ < text_.size()) {
      char const c = text_[at_];
      std::string_view const two = text_.substr(at_, 2);
      if (c == '\'' || c == '"') {
        size_t const end = end_of_quoted(text_, at_);
        size_t const open = text_.substr(at_, end - at_).find("{{");
        if (open != std::string_view::npos) {
          return tl::unexpected<SqlTextError>(
              {at_ + open,
               "an expression within quotes; take the quotes away: the value is bound as a "
               "parameter and needs none"});
        }
        copy(end);
      } else if (two == "--" || two == "/*") {
        copy(end_of_comment(text_, at_));
      } else if (c == '?' || (c == '$' && two.size() == 2 && two[1] >= '0' && two[1] <= '9')) {
        return tl::unexpected<SqlTextError>(
            {at_, "a numbered parameter; write the value's name as {{ name }} instead"});
      } else if (two == "{{") {
        if (auto problem = take_expression()) {
          return tl::unexpected<SqlTextError>(std::move(*problem));
        }
      } else {
        copy(at_ + 1);
      }
    }
    return std::move(result_);
  }

 private:
  void copy(size_t end) {
    result_.text += text_.substr(at_, end - at_);
    at_ = end;
  }

  std::optional<SqlTextError> take_expression() {
    size_t const end = end_of_expression(text_, at_);
    if (end == std::string_view::npos) {
      return SqlTextError{at_, "'{{' opens an expression that is not closed; expected }} after it"};
    }
    std::string_view const inside = trim(text_.substr(at_ + 2, end - at_ - 4));
    size_t const offset = static_cast<size_t>(inside.data() - text_.data());
    if (inside.empty()) return SqlTextError{at_, "'{{ }}' holds no expression; write a name in it"};
    if (result_.parts.size() >= kMaxSqlParams) {
      return SqlTextError{at_,
                          fmt::format("more than {} expressions in one statement", kMaxSqlParams)};
    }
    auto compiled = compile_expression(inside);
    if (!compiled) {
      std::string message = compiled.error().message;
      Mark const mark = take_place(message);
      return SqlTextError{offset + offset_of(inside, mark.line, mark.column), std::move(message)};
    }
    result_.parts.push_back({std::move(*compiled), offset});
    std::string placeholder = fmt::format("${}", result_.parts.size());
    for (char c : text_.substr(at_ + placeholder.size(), end - at_ - placeholder.size())) {
      if (c == '\n' || (static_cast<unsigned char>(c) & 0xC0) != 0x80) {
        placeholder += c == '\n' ? '\n' : ' ';
      }
    }
    result_.text += placeholder;
    at_ = end;
    return std::nullopt;
  }

  std::string_view text_;
  size_t at_ = 0;
  SqlText result_;
};

}  // namespace

Result<Compiled> compile_expression(std::string_view text) {
  TIDEMILL_TRY_LET(parsed, sql::Expression::parse(text));
  std::vector<sql::NameRef> references = parsed.references();
  std::vector<std::pair<size_t, std::string_view>> bare;
  for (const sql::NameRef& ref : references) {
    if (!ref.qualifier.empty()) continue;
    size_t const offset = offset_of(text, ref.line, ref.column);
    if (stands_at(text, offset, ref.name)) bare.emplace_back(offset, ref.name);
  }
  if (bare.empty()) return Compiled{std::move(parsed), std::move(references)};
  std::sort(bare.begin(), bare.end());
  std::string qualified;
  size_t done = 0;
  for (const auto& [offset, name] : bare) {
    if (offset < done) continue;
    qualified += text.substr(done, offset - done);
    bool const is_item = to_lower_ascii(name) == "item";
    qualified += is_item ? "item." : "params.";
    done = offset;
    if (is_item) {
      qualified += "\"value\"";
      done += text[offset] == '"' ? name.size() + 2 : name.size();
    }
  }
  qualified += text.substr(done);
  TIDEMILL_TRY_LET(expression, sql::Expression::parse(qualified));
  return Compiled{std::move(expression), std::move(references)};
}

Mark take_place(std::string& message) {
  constexpr std::string_view kLine = "line ";
  constexpr std::string_view kColumn = ", column ";
  Mark mark{1, 1};
  if (!message.starts_with(kLine)) return mark;
  size_t const comma = message.find(kColumn);
  size_t const colon = message.find(": ");
  if (comma == std::string::npos || colon == std::string::npos || colon < comma) return mark;
  const char* data = message.data();
  std::from_chars(data + kLine.size(), data + comma, mark.line);
  std::from_chars(data + comma + kColumn.size(), data + colon, mark.column);
  message.erase(0, colon + 2);
  return mark;
}

tl::expected<SqlText, SqlTextError> split_sql(std::string_view text) {
  return SqlSplitter(text).run();
}

}  // namespace tidemill::flow
