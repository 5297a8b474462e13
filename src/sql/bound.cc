#include "sql/bound.h"

#include "base/hash.h"

namespace tidemill::sql {

using value::Type;
using value::Value;

Key key_of(std::string_view tag, const std::vector<Key>& parts) {
  std::string bytes(tag);
  bytes += '\0';
  for (const Key& part : parts) {
    bytes.append(reinterpret_cast<const char*>(&part.high), sizeof part.high);
    bytes.append(reinterpret_cast<const char*>(&part.low), sizeof part.low);
  }
  const uint64_t high = hash64(bytes);
  bytes += "low";
  return {high, hash64(bytes)};
}

BoundPtr bound_constant(Value value, Position at, LiteralKind literal) {
  auto node = std::make_shared<Bound>();
  node->kind = BoundKind::kConstant;
  node->type = value.type();
  node->literal = literal;
  node->at = at;
  const char mark = value.is_null() ? 'n' : 'v';
  node->key = key_of(fmt::format("constant {} {} {} {}", static_cast<int>(literal), mark,
                                 value.type().name(), value.to_text()),
                     {});
  node->constant = std::move(value);
  return node;
}

BoundPtr bound_column(uint32_t index, Type type, std::string name, Position at) {
  auto node = std::make_shared<Bound>();
  node->kind = BoundKind::kColumn;
  node->type = std::move(type);
  node->index = index;
  node->name = std::move(name);
  node->at = at;
  node->key = key_of(fmt::format("column {}", index), {});
  return node;
}

BoundPtr bound_other(BoundKind kind, uint32_t index, Type type) {
  auto node = std::make_shared<Bound>();
  node->kind = kind;
  node->type = std::move(type);
  node->index = index;
  node->key = key_of(fmt::format("other {} {}", static_cast<int>(kind), index), {});
  return node;
}

namespace {

// The value of a call over constants, or nothing if it fails: then it is left to fail when a row
// needs it.
std::optional<Value> folded(const Bound& call) {
  Arena arena;
  EvalContext context{arena, SIZE_MAX, {}};
  std::vector<Vec> args;
  for (const BoundPtr& arg : call.args) {
    if (!arg->is_constant()) return {};
    args.push_back(constant_vec(arena, arg->constant));
  }
  Vec out = arena.vec(16, 1);
  std::memset(out.data, 0, 16);
  call.kernel(Call{out, args.data(), args.size(), call.extra.get(), call.is_try, &context}, 1);
  if (out.state[0] == kFailedState) return {};
  return value_at(call.type, out, 0);
}

}  // namespace

BoundPtr bound_call(std::string_view name, Kernel kernel, Type type, std::vector<BoundPtr> args,
                    Position at, CallOptions options) {
  auto node = std::make_shared<Bound>();
  node->kind = BoundKind::kCall;
  node->type = std::move(type);
  node->kernel = kernel;
  node->extra = std::move(options.extra);
  node->is_try = options.is_try;
  node->args = std::move(args);
  node->at = at;
  if (options.folds) {
    if (std::optional<Value> value = folded(*node)) return bound_constant(*std::move(value), at);
  }
  std::vector<Key> keys;
  for (const BoundPtr& arg : node->args) keys.push_back(arg->key);
  node->key = key_of(fmt::format("call {} {} {} {} {}", name, reinterpret_cast<uintptr_t>(kernel),
                                 node->type.name(), node->is_try, options.extra_key),
                     keys);
  return node;
}

}  // namespace tidemill::sql
