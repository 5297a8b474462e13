#include "sql/function.h"

#include <algorithm>

#include "base/text.h"
#include "sql/aggregate.h"
#include "sql/lexer.h"

namespace tidemill::sql {

using value::Kind;
using value::Type;

namespace {

constexpr int kNever = -1;
constexpr int kTextLiteralCost = 100;

int integer_cost(const BoundPtr& arg, Kind to) {
  const auto side = common_side(side_of(arg), {Type(to), LiteralKind::kNone, 0});
  if (arg->literal == LiteralKind::kInteger) {
    if (!side || !(side->type == Type(to))) return kNever;
    return to == Kind::kInt32 ? 1 : 2;
  }
  if (!side || !(side->type == Type(to))) return kNever;
  return 2 + value::storage_width(to);
}

// The cost of an implicit cast, or kNever.
int cast_cost(const BoundPtr& arg, Kind to) {
  const Type& from = arg->type;
  const Type target(to);
  if (from.kind() == to && arg->literal == LiteralKind::kNone) return 0;
  if (from.kind() == Kind::kNull) return 1;
  if (arg->literal == LiteralKind::kText) {
    return to == Kind::kVarchar ? 0 : to == Kind::kJson ? 1 : kTextLiteralCost;
  }
  if (from.is_integer() && target.is_integer()) return integer_cost(arg, to);
  if (from.is_numeric() && to == Kind::kDouble) return from.kind() == Kind::kFloat ? 5 : 30;
  if (from.is_numeric() && to == Kind::kFloat) return from.kind() == Kind::kDouble ? kNever : 35;
  if (from.kind() == Kind::kDate && to == Kind::kTimestamp) return 10;
  if (from.kind() == Kind::kDate && to == Kind::kTimestampTz) return 20;
  if (from.kind() == Kind::kTimestampTz && to == Kind::kTimestamp) return 25;
  if (from.kind() == Kind::kJson && to == Kind::kVarchar) return 10;
  if (from.kind() == Kind::kVarchar && to == Kind::kJson) return 20;
  return kNever;
}

struct Tables {
  std::vector<std::span<const Function>> functions;
  std::vector<std::span<const SpecialFunction>> specials;
};

const Tables& tables() {
  static const Tables all{{text_functions(), math_functions(), date_functions()},
                          {text_specials(), match_specials(), math_specials(), date_specials(),
                           general_specials(), json_specials(), list_specials()}};
  return all;
}

std::vector<const Function*> candidates(std::string_view name) {
  std::vector<const Function*> out;
  for (const auto& table : tables().functions) {
    for (const Function& entry : table) {
      if (entry.name == name) out.push_back(&entry);
    }
  }
  return out;
}

const SpecialFunction* special(std::string_view name) {
  for (const auto& table : tables().specials) {
    for (const SpecialFunction& entry : table) {
      if (entry.name == name) return &entry;
    }
  }
  return nullptr;
}

std::string signature(const Function& entry) {
  std::string out = std::string(entry.name) + "(";
  for (size_t i = 0; i < entry.arg_count; ++i) {
    if (i > 0) out += ", ";
    out += Type(entry.args[i]).name();
  }
  return out + ") -> " + Type(entry.result).name();
}

std::string candidates_hint(const std::vector<const Function*>& entries) {
  std::string out = " Candidate functions:";
  for (size_t i = 0; i < entries.size() && i < 8; ++i) out += " " + signature(*entries[i]);
  return out;
}

Error unknown_function(std::string_view name, Position at) {
  std::vector<std::string_view> names;
  for (const auto& table : tables().functions) {
    for (const Function& entry : table) names.push_back(entry.name);
  }
  for (const auto& table : tables().specials) {
    for (const SpecialFunction& entry : table) names.push_back(entry.name);
  }
  for (const std::string_view aggregate : aggregate_names()) names.push_back(aggregate);
  std::string message =
      fmt::format("Scalar Function with name {} does not exist!", printable(name, 60));
  const std::string near = nearest_word(name, names);
  if (!near.empty()) message += fmt::format(" Did you mean \"{}\"?", near);
  if (name == "now" || name.starts_with("current_") || name == "random" || name == "today") {
    message += " Results must not depend on when they are computed; pass the time as a parameter";
  }
  return sql_error("Catalog Error", at, message);
}

Result<BoundPtr> bind_plain(std::string_view name, std::vector<BoundPtr> args, Position at,
                            const std::vector<const Function*>& entries) {
  const Function* best = nullptr;
  int best_cost = 0;
  bool is_tied = false;
  for (const Function* entry : entries) {
    if (entry->arg_count != args.size()) continue;
    int cost = 0;
    for (size_t i = 0; i < args.size() && cost >= 0; ++i) {
      const int one = cast_cost(args[i], entry->args[i]);
      cost = one < 0 ? kNever : cost + one;
    }
    if (cost < 0) continue;
    if (best == nullptr || cost < best_cost) {
      best = entry;
      best_cost = cost;
      is_tied = false;
    } else if (cost == best_cost) {
      is_tied = true;
    }
  }
  if (best == nullptr) return fail(no_match(name, args, at, candidates_hint(entries)));
  if (is_tied && best_cost >= kTextLiteralCost) {
    return fail(sql_error("Binder Error", at,
                          fmt::format("Could not choose a best candidate function for the function "
                                      "call \"{}\". In order to select one, please add explicit "
                                      "type casts.{}",
                                      name, candidates_hint(entries))));
  }
  for (size_t i = 0; i < args.size(); ++i) {
    TIDEMILL_TRY_LET(cast, bind_cast(std::move(args[i]), best->args[i], false, at));
    args[i] = std::move(cast);
  }
  return bound_call(name, best->kernel, best->result, std::move(args), at);
}

}  // namespace

Result<std::vector<BoundPtr>> cast_arguments(std::string_view name, std::vector<BoundPtr> args,
                                             std::span<const Kind> kinds, Position at) {
  for (size_t i = 0; i < args.size(); ++i) {
    const Kind kind = kinds[std::min(i, kinds.size() - 1)];
    if (kind == Kind::kNull) continue;  // any type
    if (cast_cost(args[i], kind) < 0) return fail(no_match(name, args, at));
  }
  for (size_t i = 0; i < args.size(); ++i) {
    const Kind kind = kinds[std::min(i, kinds.size() - 1)];
    if (kind == Kind::kNull) continue;
    TIDEMILL_TRY_LET(cast, bind_cast(std::move(args[i]), kind, false, at));
    args[i] = std::move(cast);
  }
  return args;
}

bool is_scalar_function(std::string_view name) {
  return special(name) != nullptr || !candidates(name).empty();
}

Result<BoundPtr> bind_function(std::string_view name, std::vector<BoundPtr> args, Position at) {
  const std::vector<const Function*> entries = candidates(name);
  if (const SpecialFunction* entry = special(name)) {
    const bool fits = args.size() >= entry->min_args && args.size() <= entry->max_args;
    if (fits) return entry->bind(name, std::move(args), at);
    if (entries.empty()) {
      return fail(
          no_match(name, args, at, fmt::format(" Candidate functions: {}", entry->signature)));
    }
  }
  if (entries.empty()) return fail(unknown_function(name, at));
  return bind_plain(name, std::move(args), at, entries);
}

std::vector<std::string> list_functions() {
  std::vector<std::string> out;
  for (const auto& table : tables().functions) {
    for (const Function& entry : table) out.push_back(signature(entry));
  }
  for (const auto& table : tables().specials) {
    for (const SpecialFunction& entry : table) {
      out.push_back(entry.signature.empty() ? std::string(entry.name) + "(...)"
                                            : std::string(entry.signature));
    }
  }
  for (const std::string_view name : aggregate_names()) {
    out.push_back(std::string(name) + "(...) aggregate");
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace tidemill::sql
