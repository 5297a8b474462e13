// A regular expression of a schema. Linear time, so that no answer can stall the loop.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tidemill::vendor {

class SchemaPattern {
 public:
  static Result<std::unique_ptr<SchemaPattern>> compile(const std::string& text);
  virtual ~SchemaPattern() = default;
  // True if any part of `text` matches, as JSON Schema has it.
  virtual bool matches(std::string_view text) const = 0;
};

}  // namespace tidemill::vendor
