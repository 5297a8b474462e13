// Bound expressions: typed trees over the columns of a relation. Private to this room.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sql/ast.h"
#include "sql/vec.h"

namespace tidemill::sql {

struct Bound;
struct PlanNode;
using BoundPtr = std::shared_ptr<const Bound>;

enum class BoundKind {
  kConstant,
  kColumn,     // `index` of the relation
  kParam,      // `index` of the query's parameters
  kCapture,    // `index` of the values that a correlated subquery takes from outside
  kCall,       // kernel(args)
  kAggregate,  // until the binder has put it into an Aggregate node
  kWindow,     // likewise
};

// A literal keeps a freedom of type until something beside it decides: DuckDB's INTEGER_LITERAL and
// STRING_LITERAL.
enum class LiteralKind : uint8_t { kNone, kInteger, kText };

// Two bound expressions with equal keys compute the same.
struct Key {
  uint64_t high = 0;
  uint64_t low = 0;
  auto operator<=>(const Key&) const = default;
};

struct AggregateCall;
struct WindowCall;

struct Bound {
  BoundKind kind = BoundKind::kConstant;
  value::Type type;
  LiteralKind literal = LiteralKind::kNone;
  value::Value constant;
  uint32_t index = 0;
  Kernel kernel = nullptr;
  std::shared_ptr<const void> extra;
  bool is_try = false;
  std::vector<BoundPtr> args;
  std::shared_ptr<const AggregateCall> aggregate;
  std::shared_ptr<const WindowCall> window;
  std::string name;  // of a column, for messages
  Position at;
  Key key;

  bool is_constant() const { return kind == BoundKind::kConstant; }
  bool is_null() const { return is_constant() && constant.is_null(); }
};

BoundPtr bound_constant(value::Value value, Position at = {},
                        LiteralKind literal = LiteralKind::kNone);
BoundPtr bound_column(uint32_t index, value::Type type, std::string name, Position at);
BoundPtr bound_other(BoundKind kind, uint32_t index, value::Type type);

struct CallOptions {
  std::shared_ptr<const void> extra;
  std::string extra_key;  // tells extras with different meaning apart
  bool is_try = false;
  bool folds = true;
};
// A call, or its value if all arguments are constants and it does not fail. `name` takes part in
// the key together with the kernel.
BoundPtr bound_call(std::string_view name, Kernel kernel, value::Type type,
                    std::vector<BoundPtr> args, Position at, CallOptions options = {});

Key key_of(std::string_view tag, const std::vector<Key>& parts);

// Replaces every node for which `replace` gives one; the others are rebuilt over new arguments.
template <class Replace>
BoundPtr rewrite(const BoundPtr& expr, Replace&& replace) {
  if (BoundPtr other = replace(expr)) return other;
  if (expr->args.empty()) return expr;
  std::vector<BoundPtr> args;
  bool is_changed = false;
  for (const BoundPtr& arg : expr->args) {
    args.push_back(rewrite(arg, replace));
    is_changed = is_changed || args.back() != arg;
  }
  if (!is_changed) return expr;
  auto copy = std::make_shared<Bound>(*expr);
  copy->args = std::move(args);
  std::vector<Key> keys{expr->key};
  for (const BoundPtr& arg : copy->args) keys.push_back(arg->key);
  copy->key = key_of("rewritten", keys);
  return copy;
}

template <class Visit>
void walk_bound(const BoundPtr& expr, Visit&& visit) {
  visit(expr);
  for (const BoundPtr& arg : expr->args) walk_bound(arg, visit);
}

}  // namespace tidemill::sql
