// A parsed SELECT statement.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tidemill::sql {

struct SelectNode;

// Immutable and cheap to copy; safe to share between threads.
class Statement {
 public:
  // One SELECT (or WITH ... SELECT, or VALUES), with or without a last semicolon. An error begins
  // with "line L, column C:" and says what was found and what was expected.
  static Result<Statement> parse(std::string_view text);

  // Tables read in FROM that are not CTEs, each once, as written, in order of appearance.
  std::vector<std::string> table_names() const;
  // The largest n of $n (or the number of ?), 0 without parameters.
  int param_count() const;

  const SelectNode& root() const { return *root_; }
  const std::string& text() const { return *text_; }

 private:
  std::shared_ptr<const SelectNode> root_;
  std::shared_ptr<const std::string> text_;
  int param_count_ = 0;
};

}  // namespace tidemill::sql
