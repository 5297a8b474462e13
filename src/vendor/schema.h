// The part of JSON Schema that describes a vendor's answer: type, properties, required, items,
// enum, minimum, maximum, pattern, additionalProperties. Compiled once, then read-only and
// thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace tidemill::vendor {

struct SchemaNode;

class Schema {
 public:
  // Other keywords are refused by name, but for title, description and $schema, which check
  // nothing.
  static Result<std::shared_ptr<const Schema>> compile(std::string_view text);
  ~Schema();
  Schema(const Schema&) = delete;
  Schema& operator=(const Schema&) = delete;

  // The first mistake in document order: "$.score is string, expected number". Values are never
  // shown, they are about people.
  std::optional<std::string> check(const Json& document) const;

 private:
  explicit Schema(std::unique_ptr<SchemaNode> root);
  std::unique_ptr<SchemaNode> root_;
};

}  // namespace tidemill::vendor
