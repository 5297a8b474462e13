// Expressions of a flow file: their names made unmistakable, their errors with a place.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/yaml.h"
#include "sql/expression.h"

namespace tidemill::flow {

// An expression in which a bare name means a param, whatever columns tasks have: `amount > 5` is
// compiled as `params.amount > 5`, and a bare `item` as `item.value`.
struct Compiled {
  sql::Expression expression;
  std::vector<sql::NameRef> references;  // as written, with places in the text as written
};
Result<Compiled> compile_expression(std::string_view text);

// Takes "line L, column C: " from the front of an SQL message; line 1, column 1 without one.
Mark take_place(std::string& message);

// SQL with expressions: each becomes $1, $2... padded with blanks, so that every other character
// stays where it is. Expressions within comments are left alone; within quotes they are an error.
struct SqlText {
  struct Part {
    Compiled compiled;
    size_t offset = 0;  // of the expression's text
  };
  std::string text;
  std::vector<Part> parts;
};
struct SqlTextError {
  size_t offset = 0;
  std::string message;
};
tl::expected<SqlText, SqlTextError> split_sql(std::string_view text);

}  // namespace tidemill::flow
